"""Within-person associations in time: slopes forward and back, within and between persons."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.comparisons import (
    estimate_cells,
    estimate_columns,
    methods_of,
    notes_of,
)
from ipt_outcomes.tables.quotes import named, words
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table

LAGGED = "lagged effects, "
PANEL = "cross-lagged panel, "


def directions(source: Source) -> Iterator[tuple[str, Rows]]:
    """Yield what goes before what, in words, with the slopes of that direction."""
    for analysis in source.rows.values("analysis"):
        if not analysis.startswith((LAGGED, PANEL)):
            continue
        rows = source.rows.where(analysis=analysis, quantity="slope")
        shown = [row for row in rows if row["estimate"] is not None]
        if shown:
            panel = " (cross-lagged panel)" if analysis.startswith(PANEL) else ""
            yield str(shown[0]["contrast"]).partition(": ")[2] + panel, Rows(shown)


def within_person(source: Source, name: str = "within_person") -> Table:
    """Make the table of lagged slopes.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    found = list(directions(source))
    every = [row for _, rows in found for row in rows]
    return Table(
        name,
        words("Within-person associations in time: ", source.trial_label()),
        words("Direction"),
        estimate_columns(every, "Slope"),
        tuple(
            Line(words(named("Within persons" if row["subgroup"] == "within persons"
                             else "Between persons"), ", ", named(row["unit"] or "")),
                 estimate_cells(row), words(named(head)))
            for head, rows in found
            for row in rows
        ),
        (
            words("Within persons: from deviations of each person's own course. Between persons: "
                  "from their means. n: participants. p-values are not adjusted for multiplicity."),
            *methods_of(every),
            *notes_of(every),
        ),
    )  # fmt: skip
