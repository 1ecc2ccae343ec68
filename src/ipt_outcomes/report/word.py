"""The report as a Word file: the same words, figures with captions, tables that can be edited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ipt_outcomes.report.blocks import (
    Block,
    Heading,
    NumberedFigure,
    NumberedTable,
    Pairs,
    Paragraph,
)
from ipt_outcomes.tables.word import (
    ROOM,
    add_caption,
    add_table,
    empty_document,
    save_document,
)

_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])


def write_word(title: str, blocks: Iterable[Block], path: str | Path) -> None:
    """Write a report as a Word file.

    Parameters
    ----------
    title
        Its title.
    blocks
        What it says; see :mod:`ipt_outcomes.report.blocks`. The PNG of each figure lies beside its
        words.
    path
        Where to write; the file appears whole or not at all.
    """
    document = empty_document(title)
    document.add_paragraph(title.translate(_CONTROL), style="Title")
    for block in blocks:
        _add(document, block)
    save_document(document, path)


def _add(document: Any, block: Block) -> None:
    if isinstance(block, Heading):
        document.add_heading(block.text.translate(_CONTROL), min(block.level, 3))
    elif isinstance(block, Paragraph):
        paragraph = document.add_paragraph(style="List Bullet" if block.point else None)
        if block.strong:
            paragraph.add_run(block.strong).bold = True
        paragraph.add_run(block.text.translate(_CONTROL))
    elif isinstance(block, Pairs):
        for name, value in block.pairs:
            paragraph = document.add_paragraph(style="TableText")
            paragraph.add_run(f"{name}: {value}".translate(_CONTROL))
        document.add_paragraph(style="TableText")
    elif isinstance(block, NumberedFigure):
        _add_figure(document, block)
    elif isinstance(block, NumberedTable):
        add_table(document, block.table, block.label)


def _add_figure(document: Any, block: NumberedFigure) -> None:
    from docx.shared import Cm

    figure = block.figure
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    most = 20.0  # centimetres of height that leave room for the caption
    width = min(ROOM, most * figure.width / figure.height)
    shown = paragraph.add_run().add_picture(str(figure.stem.with_suffix(".png")), width=Cm(width))
    about = shown._inline.docPr
    about.set("descr", str(figure.alt_text).translate(_CONTROL))
    about.set("name", block.label)
    add_caption(document, block.label, str(figure.title), figure.caption.held())
    document.paragraphs[-1].paragraph_format.keep_with_next = False
