"""The report as a PDF: set by typst, tagged for screen readers, with a table of contents.

Every text is handed over as a string, so no word of a study can be taken for markup. No date and
only the fonts that typst and matplotlib carry: the same results give the same bytes on every
machine. A letter that none of them has, such as an emoji, is an empty box (□).
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import matplotlib

from ipt_outcomes.report.blocks import (
    Block,
    Heading,
    NumberedFigure,
    NumberedTable,
    Pairs,
    Paragraph,
)
from ipt_outcomes.tables.table import Column, Line, Table
from ipt_outcomes.whole_files import whole_file

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
FIRST_UNSURE, BOX = 0x250, "\N{WHITE SQUARE}"
WIDE = 8
"""Columns from which a table is set smaller."""


def write_pdf(title: str, blocks: Iterable[Block], path: str | Path) -> None:
    """Write a report as a tagged PDF (PDF/UA-1).

    Parameters
    ----------
    title
        Its title.
    blocks
        What it says; see :mod:`ipt_outcomes.report.blocks`. The SVG of each figure lies beside its
        words.
    path
        Where to write; the file appears whole or not at all.
    """
    import typst

    blocks = list(blocks)
    stems = [block.figure.stem.resolve() for block in blocks if isinstance(block, NumberedFigure)]
    root = Path(os.path.commonpath([stem.parent for stem in stems])) if stems else Path(path).parent
    source = TEMPLATE.read_text("utf-8").replace("TITLE", _string(title))
    source += "\n".join(text for block in blocks for text in _typst(block, root))
    with whole_file(path) as part:
        content = typst.compile(  # type: ignore[call-overload]  # a root must be of the input's type
            shown(source).encode("utf-8"), root=str(root), ignore_system_fonts=True, format="pdf",
            font_paths=[str(FONTS)], pdf_standards="ua-1", timestamp=0,
        )  # fmt: skip
        part.write_bytes(content)


def shown(text: str) -> str:
    """Put an empty box for every letter that no font at hand can show: PDF/UA does not allow it.

    Examples
    --------
    >>> shown("Müller, τ², علاج 🙂")
    'Müller, τ², علاج □'
    """
    known = _letters()
    return "".join(
        c if ord(c) < FIRST_UNSURE or ord(c) in known or unicodedata.category(c) in ("Cf", "Zs")
        else BOX
        for c in text
    )  # fmt: skip


@cache
def _letters() -> frozenset[int]:
    """Return the letters of the font that stands in for what the text's own font lacks."""
    from matplotlib.font_manager import get_font

    return frozenset(get_font(str(FONTS / "DejaVuSans.ttf")).get_charmap())


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " or c in "\n\t" else " " for c in escaped) + '"'


def _typst(block: Block, root: Path) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"#heading(level: {min(block.level, 4)}, {_string(block.text)})"
    elif isinstance(block, Paragraph):
        strong = f"#strong({_string(block.strong)})" if block.strong else ""
        text = f"{strong}#{_string(block.text)}"
        yield f"#list[{text}]" if block.point else f"#par[{text}]"
    elif isinstance(block, Pairs):
        cells = ", ".join(f"{_string(name)}, {_string(value)}" for name, value in block.pairs)
        yield f"#pairs({cells})"
    elif isinstance(block, NumberedFigure):
        figure = block.figure
        file = "/" + figure.stem.resolve().relative_to(root).as_posix() + ".svg"
        yield (
            f"#picture({_string(file)}, {_string(block.label)}, {_string(str(figure.title))}, "
            f"{_string(figure.caption.held())}, {_string(str(figure.alt_text))})"
        )
    elif isinstance(block, NumberedTable):
        yield from _table(block.label, block.table)


def _table(label: str, table: Table) -> Iterator[str]:
    align = "left" if table.prose else "right"
    columns = ", ".join(["auto", *["1fr" if table.prose else "auto"] * len(table.columns)])
    size = "7.5pt" if len(table.columns) >= WIDE else "8.5pt"
    notes = "".join(f"{_string(str(note))}, " for note in table.footnotes)
    yield f"#numbered({_string(label)}, {_string(str(table.title))}, {size}, ({notes}), table("
    yield f"columns: ({columns}), align: (left, {', '.join([align] * len(table.columns))}),"
    yield f"table.header({', '.join(_head(table))}),"
    yield "table.hline(stroke: 0.5pt),"
    for group, lines in table.blocks():
        if group:  # a head of its rows: never alone at a foot, and again where they go on
            across = _across(str(group), len(table.columns) + 1)
            yield f"table.header(level: 2, {across}),"
        for line in lines:
            yield _line(line, len(table.columns) + 1)
    yield "))"


def _bold(text: str, column: Column | None = None) -> str:
    content = f"strong({_string(text)})"
    return f"emph({content})" if column is not None and column.symbol else content


def _head(table: Table) -> Iterator[str]:
    spanners = table.spanners()
    spanned = any(spanner for spanner, _ in spanners)
    stub = _bold(str(table.stub))
    yield f"table.cell(rowspan: 2, align: left + bottom, {stub})" if spanned else stub
    lower: list[Sequence[Column]] = []
    for spanner, columns in spanners:
        if spanner:
            yield (f"table.cell(colspan: {len(columns)}, align: center, "
                   f"stroke: (bottom: 0.3pt), {_bold(str(spanner))})")  # fmt: skip
            lower.append(columns)
        else:
            for column in columns:
                head = _bold(column.label.held(), column)
                yield f"table.cell(rowspan: 2, align: bottom, {head})" if spanned else head
    for together in lower:
        for under in together:
            yield _bold(under.label.held(), under)


def _across(text: str, columns: int) -> str:
    return f"table.cell(colspan: {columns}, align: left, {_bold(text)}),"


def _line(line: Line, columns: int) -> str:
    if not line.cells:
        return _across(str(line.label), columns)
    label = _string(str(line.label))
    label = f"pad(left: 0.8em, {label})" if line.indent else label
    return ", ".join([label, *(_string(str(cell)) for cell in line.cells)]) + ","
