"""The four interpersonal problem areas: adjusted means and pairwise differences."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS
from ipt_outcomes.tables.quotes import NOT_SHOWN, Text, listed, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, about_model, interval_head
from ipt_outcomes.tables.table import Line, Table, column

NOT_RANDOMISED = (
    "Observational and exploratory: problem areas are not randomised, so the differences describe "
    "participants who may differ in more than their problem area."
)


def problem_areas(source: Source, name: str = "problem_areas") -> Table:
    """Make the table of the problem areas at the primary endpoint."""
    rows = source.rows.where(analysis="problem areas")
    outcome = source.study.primary_outcome
    endpoint = source.study.endpoint
    at = rows.where(visit=endpoint)
    notes = [words(NOT_RANDOMISED)]
    withheld = [row for row in rows if row["quantity"] == "count"]
    if withheld:
        areas = listed([source.group(row["arm"]) for row in withheld])
        notes.append(words("Not compared, for want of participants: ", areas, "."))
    if any(row["estimate"] is None for row in at):
        notes.append(words(f"{NOT_SHOWN}: fewer than five participants on a side, not shown."))
    if model := about_model(rows):
        notes.append(model)
    notes.append(
        words("Scores in ", source.unit(outcome), f", {source.direction(outcome)}. n: "
              "participants with a score at the visit, for a difference on either side. The "
              "intervals are not adjusted for multiplicity; p (Holm) is, over the differences "
              "shown.")
    )  # fmt: skip
    return Table(
        name,
        words("Problem areas, ", source.outcome(outcome), " at ", source.visit(endpoint), ": ",
              source.trial_label()),
        words("Problem area"),
        (
            column("n"),
            column("Estimate"),
            column(interval_head(at)),
            column("p", symbol=True),
            column("p (Holm)"),
        ),
        (*_means(source, at), *_differences(source, at)),
        tuple(notes),
    )  # fmt: skip


def _means(source: Source, rows: Rows) -> Iterator[Line]:
    means = {row["arm"]: row for row in rows.where(quantity="mean")}
    for row in (means[area] for area in PROBLEM_AREA_LABELS if area in means):
        cells = [words(quote(row, form)) for form in ("n", "estimate", "interval")]
        yield Line(
            words(source.group(row["arm"])), (*cells, Text(), Text()), words("Adjusted means")
        )


def _differences(source: Source, rows: Rows) -> Iterator[Line]:
    for row in rows.where(quantity="difference"):
        forms = ("estimate", "interval", "p", "adjusted p")
        yield Line(
            source.difference(row),
            (_both(row), *(words(quote(row, form)) for form in forms)),
            words("Adjusted differences"),
        )


def _both(row: Row) -> Text:
    return words(quote(row, "n"), " / ", quote(row, "n of reference"))
