"""The report as documents: a Word file to edit and a PDF to read, with the page's own content."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from ipt_outcomes.report.blocks import blocks, standing
from ipt_outcomes.report.contents import report_sections
from ipt_outcomes.report.pdf import write_pdf
from ipt_outcomes.report.pieces import ReportPieces
from ipt_outcomes.report.word import write_word


def render_documents(pieces: ReportPieces, *, word: str | Path, pdf: str | Path) -> None:
    """Write the report as a Word file and as a PDF.

    Parameters
    ----------
    pieces
        What it is put together from.
    word, pdf
        Where to write; each file appears whole or not at all.
    """
    sections = report_sections(pieces)
    content = list(chain(standing(pieces), blocks(sections, pieces.provenance)))
    write_word(pieces.study.study.title, content, word)
    write_pdf(pieces.study.study.title, content, pdf)
