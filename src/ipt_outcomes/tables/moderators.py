"""For whom the effect differs: the interaction test first, effects within levels after it.

Whether one subgroup's interval holds zero and another's does not is no test of a difference
(Brookes et al. 2004, J Clin Epidemiol 57:229), so no level carries a p-value of its own here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Part, Text, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

START = "moderators, "


def moderator_analyses(source: Source) -> list[str]:
    """Return the analyses of moderators, in the rows' order."""
    return [name for name in source.rows.values("analysis") if name.startswith(START)]


def within_levels(rows: Rows) -> list[Row]:
    """Return the effects at a level or value of a moderator, without differences of effects.

    A level with too few participants has no effect of any arm: it is not among them.
    """
    return [row for row in rows.where(quantity="difference") if row["subgroup"]
            and row["arm"] is not None and " against " not in row["subgroup"]]  # fmt: skip


def moderators(source: Source, name: str = "moderators") -> Table:
    """Make the table of moderators.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    analyses = moderator_analyses(source)
    rows = source.rows.where(analysis=tuple(analyses))
    notes = {row["notes"]: row for row in rows if row["notes"]}
    outcome = source.study.primary_outcome
    return Table(
        name,
        words("Moderators of the effect on the ", source.outcome(outcome), ": ",
              source.trial_label()),
        words("Moderator, level and comparison"),
        (
            column("n"),
            column("Estimate"),
            column(interval_head(rows)),
            column("p of interaction"),
        ),
        tuple(line for analysis in analyses for line in _lines(source, analysis)),
        (
            words("Estimates in ", source.unit(outcome), f", {source.direction(outcome)}. p: the "
                  "effect is the same whatever the moderator. Effects within levels carry no "
                  "p-values: only their difference answers the question. Nothing is adjusted for "
                  "multiplicity."),
            *(words("Note: ", quote(row, "notes"), ".") for row in notes.values()),
        ),
    )  # fmt: skip


def _lines(source: Source, analysis: str) -> Iterator[Line]:
    rows = source.rows.where(analysis=analysis)
    group = words(named(analysis.removeprefix(START)))
    for test in rows.where(quantity="test"):
        yield Line(
            words("Interaction: ", quote(test, "contrast")),
            (Text(), Text(), Text(), words(quote(test, "p"))),
            group,
        )
    within = within_levels(rows)
    for row in within:
        yield Line(_label(source, row), _cells(row), group, indent=True)
    for row in rows.where(quantity=("difference", "slope")):
        if row not in within:
            label: Part = named(row["subgroup"]) if row["arm"] is None else quote(row, "contrast")
            yield Line(words(label), (*_cells(row)[:3], words(quote(row, "p"))), group)


def _label(source: Source, row: Row) -> Text:
    return words(named(row["subgroup"]), ": ", source.difference(row))


def _cells(row: Row) -> tuple[Text, ...]:
    n = words(quote(row, "n"), " / ", quote(row, "n of reference"))
    return (n, words(quote(row, "estimate")), words(quote(row, "interval")), Text())
