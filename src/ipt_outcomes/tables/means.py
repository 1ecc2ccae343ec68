"""Adjusted means by arm and visit with the differences from the reference arm."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, estimated, joined, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, Source, about_model, interval_head
from ipt_outcomes.tables.table import Line, Table, column


def adjusted_means(
    source: Source, outcome: str, estimand: str, analysis_set: str, name: str = "adjusted_means"
) -> Table:
    """Make the table of one model: adjusted means, differences, and effect sizes.

    Parameters
    ----------
    source
        Study and rows.
    outcome, estimand, analysis_set
        Which model.
    name
        File name of the table.
    """
    rows = source.rows.where(
        analysis="primary", outcome=outcome, estimand=estimand, analysis_set=analysis_set
    )
    ci = interval_head(rows.where(quantity=("mean", "difference")))
    g_ci = interval_head(rows.where(quantity="effect size"))
    reference = source.arm(source.study.reference_arm)
    under = words("Difference from ", reference)
    return Table(
        name,
        words("Adjusted means of ", source.outcome(outcome), " by arm and visit, participants ",
              f"{analysis_set}: ", source.trial_label(), ". ",
              named(source.study.estimands[estimand].label)),
        words("Visit and arm"),
        (
            column("n"),
            column("Adjusted mean [", ci, "]"),
            column("Difference [", ci, "]", under=under),
            column("t (df)", under=under, symbol=True),
            column("p", under=under, symbol=True),
            column("Hedges g [", g_ci, "]", under=under),
        ),
        tuple(_lines(source, rows, outcome, estimand, analysis_set)),
        tuple(_notes(source, rows, outcome, estimand, analysis_set)),
    )  # fmt: skip


def _lines(
    source: Source, rows: Rows, outcome: str, estimand: str, analysis_set: str
) -> Iterator[Line]:
    study = source.study
    observed = source.rows.where(
        analysis="observed", outcome=outcome, visit=study.baseline,
        analysis_set=AS_RANDOMISED, quantity="observed mean",
    )  # fmt: skip
    if len(observed) and analysis_set == AS_RANDOMISED:
        group = words(source.visit(study.baseline), ", observed means")
        for arm in source.arms:
            if (row := observed.first(arm=arm)) is not None:
                yield Line(words(source.arm(arm)), (*_mean(row), *[Text()] * 4), group)
    endpoint = study.estimands[estimand].endpoint
    for visit in study.visits_of(source.trial):
        at = rows.where(visit=visit)
        marked = " (endpoint)" if visit == endpoint else ""
        group = words(source.visit(visit), marked)
        for arm in source.arms:
            mean = at.first(quantity="mean", arm=arm)
            if mean is not None:
                difference = at.first(quantity="difference", arm=arm)
                effect = at.first(quantity="effect size", arm=arm)
                yield Line(
                    words(source.arm(arm)), (*_mean(mean), *_difference(difference, effect)), group
                )


def _mean(row: Row) -> list[Text]:
    return [words(quote(row, "n")), estimated(row)]


def _difference(row: Row | None, effect: Row | None) -> list[Text]:
    if row is None:
        return [Text()] * 4
    g = words() if effect is None else estimated(effect)
    t = words(quote(row, "statistic"), " (", quote(row, "df"), ")")
    return [estimated(row), t, words(quote(row, "p")), g]


def _notes(
    source: Source, rows: Rows, outcome: str, estimand: str, analysis_set: str
) -> Iterator[Text]:
    study = source.study
    settings = study.outcomes[outcome]
    yield words("Scores in ", source.unit(outcome), f", {source.direction(outcome)}.")
    if model := about_model(rows):
        yield model
    for test in rows.where(quantity="test"):
        yield words(
            "Test of ", quote(test, "contrast"), ": F(", quote(test, "numerator df"), ", ",
            quote(test, "df"), ") = ", quote(test, "statistic"), ", p ",
            quote(test, "p equation"), ".",
        )  # fmt: skip
    sds = rows.where(quantity="standard deviation")
    if len(sds):
        favours = "lower" if settings.higher_is == "worse" else "higher"
        parts = [words(source.difference(row), " ", quote(row, "estimate")) for row in sds]
        yield words(
            "Hedges g: difference at the endpoint divided by the pooled observed SD there (",
            joined(parts, ", "), "); positive values favour the arm with the "
            f"{favours} mean over the reference.",
        )  # fmt: skip
    yield words("n: participants with a score at the visit. CI: confidence interval. "
                "p-values are not adjusted for multiplicity.")  # fmt: skip
