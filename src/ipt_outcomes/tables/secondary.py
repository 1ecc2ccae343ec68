"""Secondary outcomes beside each other: the differences at the endpoint with both p-values."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, named, quote, words
from ipt_outcomes.tables.rows import Rows
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
    adjusted = any(row["p_adjusted"] is not None for row in differences)
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


def _lines(source: Source, rows: Rows, outcomes: list[str], adjusted: bool) -> Iterator[Line]:
    for outcome in outcomes:
        group = words(source.outcome(outcome), ", ", source.unit(outcome),
                      f", {source.direction(outcome)}")  # fmt: skip
        of = rows.where(outcome=outcome)
        for row in of.where(quantity="difference"):
            effect = of.first(quantity="effect size", arm=row["arm"], reference=row["reference"])
            forms = ("estimate", "interval", "p", *(["adjusted p"] if adjusted else []))
            yield Line(
                source.difference(row),
                (
                    words(quote(row, "n"), " / ", quote(row, "n of reference")),
                    *(words(quote(row, form)) for form in forms),
                    Text() if effect is None
                    else words(quote(effect, "estimate"), " ", quote(effect, "interval")),
                ),
                group,
            )  # fmt: skip
