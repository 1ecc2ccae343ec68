"""Secondary outcomes beside each other: the differences at the endpoint with both p-values."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import NOT_SHOWN, Text, estimated, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column


def secondary_outcomes(source: Source, name: str = "secondary_outcomes") -> Table:
    """Make the table of the secondary outcomes at the endpoint of the primary estimand.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    study = source.study
    estimand = study.primary_estimand
    endpoint = study.estimands[estimand].endpoint
    rows = source.rows.where(
        analysis="primary", estimand=estimand, analysis_set=AS_RANDOMISED, visit=endpoint
    )
    outcomes = [name for name in study.outcomes_of(source.trial) if name != study.primary_outcome]
    differences = Rows([row for row in rows.where(quantity="difference")
                        if row["outcome"] in outcomes])  # fmt: skip
    adjusted = any(_in_family(source, row) is not None for row in differences)
    notes = [words("Differences at ", source.visit(endpoint), ", everyone as randomised. "
                   "Estimand: ", named(study.estimands[estimand].label), ". n: participants with "
                   "a score there. "
                   "Intervals are not adjusted for multiplicity.")]  # fmt: skip
    if adjusted:
        notes.append(words("p adjusted: within the family of outcomes that the configuration "
                           "names."))  # fmt: skip
    else:
        notes.append(words("No family of outcomes is configured: p-values are not adjusted for "
                           "multiplicity."))  # fmt: skip
    g_ci = interval_head(rows.where(quantity="effect size"))
    return Table(
        name,
        words("Secondary outcomes at ", source.visit(endpoint), ": ", source.trial_label()),
        words("Outcome and comparison"),
        (
            column("n"),
            column("Difference"),
            column(interval_head(differences)),
            column("p", symbol=True),
            *([column("p adjusted")] if adjusted else []),
            column("Hedges g [", g_ci, "]"),
        ),
        tuple(_lines(source, rows, outcomes, adjusted)),
        tuple(notes),
    )


def _in_family(source: Source, row: Row) -> Row | None:
    """Find the same comparison in a family of hypotheses, where its p-value is adjusted."""
    for other in source.rows.where(
        quantity="difference", outcome=row["outcome"], arm=row["arm"], reference=row["reference"],
        visit=row["visit"],
    ):  # fmt: skip
        if other["analysis"].startswith("families of hypotheses") and other["p_adjusted"]:
            return other
    return None


def _lines(source: Source, rows: Rows, outcomes: list[str], adjusted: bool) -> Iterator[Line]:
    for outcome in outcomes:
        group = words(source.outcome(outcome), ", ", source.unit(outcome),
                      f", {source.direction(outcome)}")  # fmt: skip
        of = rows.where(outcome=outcome)
        for row in of.where(quantity="difference"):
            effect = of.first(quantity="effect size", arm=row["arm"], reference=row["reference"])
            forms = ("estimate", "interval", "p")
            family = _in_family(source, row) if adjusted else None
            yield Line(
                source.difference(row),
                (
                    words(quote(row, "n"), " / ", quote(row, "n of reference")),
                    *(words(quote(row, form)) for form in forms),
                    *([words(NOT_SHOWN) if family is None else words(quote(family, "adjusted p"))]
                      if adjusted else []),
                    Text() if effect is None
                    else estimated(effect),
                ),
                group,
            )  # fmt: skip
