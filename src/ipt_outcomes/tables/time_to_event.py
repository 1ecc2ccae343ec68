"""Times to response, remission, stopping treatment and leaving: what compares the arms."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, capitalised, estimated, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column


def event_analyses(source: Source) -> list[str]:
    """Return the names of the analyses of a time to an event, in the table's order."""
    return [name for name in source.rows.values("analysis") if name.startswith("time to ")]


def time_to_event(source: Source, name: str = "time_to_event") -> Table:
    """Make the table of restricted means and hazard ratios of every event.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis=tuple(event_analyses(source)))
    ci = interval_head(rows)
    reference = source.arm(source.study.reference_arm)
    under = words("Against ", reference)
    return Table(
        name,
        words("Times to events by arm: ", source.trial_label()),
        words("Event and arm"),
        (
            column("n"),
            column("Mean weeks without it [", ci, "]"),
            column("Difference [", ci, "]", under=under),
            column("p", under=under, symbol=True),
            column("Hazard ratio [", ci, "]", under=under),
            column("p", under=under, symbol=True),
        ),
        tuple(_lines(source, rows)),
        tuple(_notes(rows)),
    )  # fmt: skip


def _lines(source: Source, rows: Rows) -> Iterator[Line]:
    for analysis in rows.values("analysis"):
        of_event = rows.where(analysis=analysis)
        for outcome in dict.fromkeys(row["outcome"] for row in of_event):
            of = of_event.where(outcome=outcome)
            group = words(capitalised(analysis.removeprefix("time to ")))
            if outcome in source.study.outcomes:
                group = words(group, ", ", source.outcome(outcome))
            for arm in source.arms:
                mean = of.first(quantity="restricted mean", arm=arm)
                if mean is not None:
                    yield Line(words(source.arm(arm)), (*_cells(mean, of.where(arm=arm)),), group)


def _cells(mean: Row, of: Rows) -> Iterator[Text]:
    yield words(quote(mean, "n"))
    yield _number(mean)
    for quantity in ("difference", "hazard ratio"):
        row = of.first(quantity=quantity)
        yield Text() if row is None else _number(row)
        yield Text() if row is None else words(quote(row, "p"))


def _number(row: Row) -> Text:
    if row["estimate"] is None:
        return words("withheld") if "suppressed" in (row["notes"] or "") else words("–")
    return estimated(row) if row["lower"] is not None else words(quote(row, "estimate"))


def _notes(rows: Rows) -> Iterator[Text]:
    yield words("Means are restricted to the time span that the rows name; a lower mean says that "
                "the event came sooner. p-values are not adjusted for multiplicity.")  # fmt: skip
    spans = {row["contrast"]: row for row in rows.where(quantity="restricted mean")}
    for row in spans.values():
        yield words("Span: ", quote(row, "contrast"), ".")
    for test in rows.where(quantity="test"):
        if test["p"] is not None and "log-rank" in (test["contrast"] or ""):
            yield words(quote(test, "analysis"), ", ", quote(test, "contrast"), ": p ",
                        quote(test, "p equation"), ".")  # fmt: skip
    compared = rows.where(quantity=("restricted mean", "difference", "hazard ratio"))
    if any(row["estimate"] is None and "suppressed" in (row["notes"] or "") for row in compared):
        yield words("Withheld: the number would give a small count of participants back.")
    if any(row["estimate"] is not None and row["lower"] is None for row in compared):
        yield words("Without an interval: fewer than five events before the end of the span in an "
                    "arm.")  # fmt: skip
    for row in rows:
        if (row["notes"] or "").startswith("not recorded"):
            yield words(capitalised(row["analysis"]), ": ", quote(row, "notes"), ".")
    notes = {row["notes"]: row for row in rows.where(quantity="survival") if row["notes"]}
    for text, row in notes.items():
        # What rows with a hidden height add at the end says the caption of the figure.
        if any(text != other and text.startswith(other) for other in notes):
            continue
        yield words("Note: ", quote(row, "notes"), ".")
