"""The differences at the endpoint under every estimand and analysis set, beside each other."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, estimated, named, quote, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import PER_PROTOCOL, Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

BESIDE = "primary, model-based errors"
"""Rows that stand beside the primary ones when those carry robust errors."""


def endpoint_differences(source: Source, outcome: str, name: str = "endpoint") -> Table:
    """Make the table of an outcome's differences at the endpoint.

    Parameters
    ----------
    source
        Study and rows.
    outcome
        Short name of the outcome.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis="primary", outcome=outcome)
    ci = interval_head(rows.where(quantity="difference"))
    g_ci = interval_head(rows.where(quantity="effect size"))
    settings = source.study.outcomes[outcome]
    favours = "lower" if settings.higher_is == "worse" else "higher"
    blocks = words()
    if len(source.study.estimands) > 1 or len(rows.values("analysis_set")) > 1:
        blocks = words(" Each block answers another question (estimand) or counts other "
                       "participants; the first one is the primary analysis.")  # fmt: skip
    if PER_PROTOCOL in rows.values("analysis_set"):
        blocks = words(blocks, " Participants per protocol are not a randomised comparison.")
    return Table(
        name,
        words("Differences in ", source.outcome(outcome),
              " at the endpoint, by estimand and analysis set: ", source.trial_label()),
        words("Comparison"),
        (
            column("n of arm"),
            column("n of reference"),
            column("Difference"),
            column(ci),
            column("p", symbol=True),
            column("Hedges g [", g_ci, "]"),
        ),
        tuple(_lines(source, outcome)),
        (
            words("Scores in ", source.unit(outcome), f", {source.direction(outcome)}.", blocks),
            words("n: participants with a score at the endpoint. Hedges g: difference divided by "
                  "the pooled observed SD at the endpoint; positive values favour the arm with "
                  f"the {favours} mean over the reference. p-values are not adjusted for "
                  "multiplicity."),
        ),
    )  # fmt: skip


def _lines(source: Source, outcome: str) -> Iterator[Line]:
    rows = source.rows.where(analysis=("primary", BESIDE), outcome=outcome)
    for estimand, definition in source.study.estimands.items():
        of = rows.where(estimand=estimand, visit=definition.endpoint)
        for analysis_set in of.values("analysis_set"):
            for analysis in ("primary", BESIDE):
                block = of.where(analysis_set=analysis_set, analysis=analysis)
                errors = "; model-based standard errors" if analysis == BESIDE else ""
                group = words(
                    named(definition.label), f"; participants {analysis_set}; ",
                    source.visit(definition.endpoint), errors,
                )  # fmt: skip
                for row in block.where(quantity="difference"):
                    effect = block.first(
                        quantity="effect size", arm=row["arm"], reference=row["reference"]
                    )
                    yield Line(source.difference(row), _cells(row, effect), group)


def _cells(row: Row, effect: Row | None) -> tuple[Text, ...]:
    forms = ("n", "n of reference", "estimate", "interval", "p")
    g = Text()
    if effect is not None:
        g = estimated(effect)
    return (*(words(quote(row, form)) for form in forms), g)
