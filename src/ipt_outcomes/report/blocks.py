"""The report as a plain run of blocks, for documents that are read from the first page to the last.

The Word file and the PDF are laid out from the same blocks: headings, paragraphs, lists, pairs,
numbered figures and numbered tables. Tables that the page folds stand in an appendix; plain lists
of an analysis's rows (hundreds of lines) are left to the page and to the table of estimates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ipt_outcomes.report.pieces import EmbeddedFigure, ReportPieces
from ipt_outcomes.report.section import Numbering, Section
from ipt_outcomes.tables.further import PLAIN_LIST
from ipt_outcomes.tables.quotes import Text
from ipt_outcomes.tables.table import Table


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of a main part."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, or a point of a list."""

    text: str
    point: bool = False
    strong: str = ""


@dataclass(frozen=True)
class Pairs:
    """Names and values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class NumberedFigure:
    """A figure with its label, such as "Figure 2"."""

    label: str
    figure: EmbeddedFigure


@dataclass(frozen=True)
class NumberedTable:
    """A table with its label, such as "Table 2" or "Table S1"."""

    label: str
    table: Table


Block = Heading | Paragraph | Pairs | NumberedFigure | NumberedTable


def standing(pieces: ReportPieces) -> Iterator[Paragraph]:
    """Say what a reader must know before the first number."""
    locked_plan, deviations = pieces.locked_plan, pieces.deviations
    if pieces.study.study.notice:
        yield Paragraph(pieces.study.study.notice)
    if pieces.masked:
        yield Paragraph(
            "The plan is not locked yet: arms were dealt out anew at random among the "
            "participants, so no difference in this document is a result.",
            strong="Arms masked. ",
        )
    if locked_plan is None:
        yield Paragraph(
            "No analysis plan is locked, so no result in this document is confirmatory.",
            strong="Exploratory. ",
        )
    elif deviations:
        yield Paragraph(
            f"{locked_plan}. Changed since it was locked; what these changes touch is exploratory:",
            strong="Locked analysis plan: ",
        )
        yield from (Paragraph(deviation, point=True) for deviation in deviations)
    else:
        yield Paragraph(
            f"{locked_plan}. Nothing was changed since.", strong="Locked analysis plan: "
        )


def blocks(
    sections: Sequence[Section], provenance: Mapping[str, Mapping[str, str]]
) -> Iterator[Block]:
    """Lay the sections of a report out as blocks.

    Parameters
    ----------
    sections
        What :func:`ipt_outcomes.report.contents.report_sections` returns.
    provenance
        Heading: {name: value}, such as the versions of the software.
    """
    number = Numbering()
    appendix: list[Table] = []
    elsewhere: list[str] = []
    for section in sections:
        yield from _section(section, 1, number, appendix, elsewhere)
    if elsewhere:
        yield Heading(1, "Analyses shown elsewhere")
        yield Paragraph(
            "The rows of these analyses stand in the page report.html and in the table of "
            "estimates: " + "; ".join(dict.fromkeys(elsewhere)) + "."
        )
    if appendix:
        yield Heading(1, "Further tables")
        for table in appendix:
            yield NumberedTable(number("Table S"), table)
    yield Heading(1, "Software and provenance")
    yield Paragraph(
        "Every number in this document is quoted from a row of the table of estimates; the page "
        "report.html names the row of each."
    )
    for heading, values in provenance.items():
        yield Heading(2, heading)
        yield Pairs(tuple(values.items()))


def _section(
    section: Section, level: int, number: Numbering, appendix: list[Table], elsewhere: list[str]
) -> Iterator[Block]:
    lists = [table for table in section.folded if table.name.startswith(PLAIN_LIST)]
    elsewhere += [_plain(table.title).partition(":")[0] for table in lists]
    if section.folded == lists and lists and not (section.figures or section.tables):
        return
    marked = f" ({section.marked.lower()})" if section.marked else ""
    yield Heading(level, _plain(section.title) + marked)
    for text in section.paragraphs:
        yield Paragraph(_plain(text))
    for text in section.bullets:
        yield Paragraph(_plain(text), point=True)
    if section.counts:
        yield Pairs(tuple((str(name), str(value)) for name, value in section.counts))
    for figure in section.figures:
        yield NumberedFigure(number("Figure"), figure)
    for table in section.tables:
        yield NumberedTable(number("Table"), table)
    appendix += [table for table in section.folded if table not in lists]
    for part in section.sections:
        yield from _section(part, level + 1, number, appendix, elsewhere)


def _plain(text: Text) -> str:
    return text.held()
