"""A part of a report: its words, figures and tables, before anything is laid out."""

from __future__ import annotations

from dataclasses import dataclass, field

from ipt_outcomes.report.explore import Chart
from ipt_outcomes.report.pieces import EmbeddedFigure
from ipt_outcomes.tables.quotes import Text
from ipt_outcomes.tables.table import Table


@dataclass
class Section:
    """A part of the report.

    Parameters
    ----------
    key
        Its anchor.
    title
        Its heading.
    paragraphs
        Text before figures and tables.
    marked
        A label of its standing, such as "exploratory".
    kind
        How it looks: "lead" for the summary.
    bullets
        Points of a list.
    figures, charts, tables
        What is shown.
    folded
        Tables that are shown when asked for.
    counts
        Words and counts, shown as a list.
    sections
        Parts of it.
    """

    key: str
    title: Text
    paragraphs: list[Text] = field(default_factory=list)
    marked: str = ""
    kind: str = ""
    bullets: list[Text] = field(default_factory=list)
    figures: list[EmbeddedFigure] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
    counts: list[tuple[Text, Text]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    @property
    def shows_something(self) -> bool:
        """Whether there is more than a heading and its introduction."""
        return bool(self.figures or self.charts or self.tables or self.folded)


class Numbering:
    """Counts figures and tables in the order in which the report shows them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __call__(self, kind: str) -> str:
        """Return the next label of a kind, such as "Table 3" or "Table S2"."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        space = "" if kind.endswith(" S") else " "
        return f"{kind}{space}{self._counts[kind]}"
