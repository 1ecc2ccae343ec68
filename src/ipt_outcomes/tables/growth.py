"""The course as curves: slopes by phase and arm, their differences, and which curve fits best."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study import Study
from ipt_outcomes.tables.comparisons import (
    capital,
    estimate_cells,
    estimate_columns,
    f_test,
    methods_of,
    notes_of,
)
from ipt_outcomes.tables.quotes import estimated, joined, named, quote, words
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table, column

GROWTH = "growth"
CURVE = "growth, curve"
CURVES = "growth, comparison of curves"
DURABILITY = "growth, durability"
CRITERIA = ("AIC", "BIC", "log-likelihood")


def has_follow_up(study: Study, trial: str) -> bool:
    """Say whether a trial has visits after the endpoint: without them nothing can last."""
    end = study.visits[study.endpoint].week
    return any(study.visits[visit].week > end for visit in study.visits_of(trial))


def growth(source: Source, name: str = "growth") -> Table:
    """Make the table of slopes by phase.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    outcome = source.study.primary_outcome
    rows = source.rows.where(analysis=GROWTH)
    unit = next((row for row in rows if row["quantity"] == "slope"), None)
    in_unit = named(unit["unit"] if unit and unit["unit"] else source.unit(outcome).text)
    tests = [words("Test of ", f_test(row), ".") for row in rows.where(quantity="test")
             if row["statistic"] is not None]  # fmt: skip
    variances = [
        words(named(_variance_in_words(str(row["contrast"]))), " ", estimated(row))
        for row in rows.where(quantity="variance")
        if row["estimate"] is not None
    ]
    return Table(
        name,
        words("Slopes of ", source.outcome(outcome), " by phase and arm: ", source.trial_label()),
        words("Phase and arm"),
        estimate_columns(rows, "Slope, or difference, ", in_unit),
        tuple(_slopes(source, rows)),
        (
            words("Slopes in ", in_unit, f", {source.direction(outcome)}. n: participants in "
                  "the model. p: no change, or no difference; not adjusted for multiplicity. Arm "
                  "and phase are the only effects of the model; it has no covariates, and the "
                  "baseline is its first score."),
            *methods_of(rows.where(quantity="slope")),
            *tests,
            *([words("Variances: ", joined(variances), ".")] if variances else []),
            *notes_of(rows),
        ),
    )  # fmt: skip


def _variance_in_words(contrast: str) -> str:
    """Name a variance of a random effect.

    Examples
    --------
    >>> _variance_in_words("variance(Intercept)"), _variance_in_words("residual variance")
    ('of the level at the start', 'residual variance')
    """
    inside = contrast.removeprefix("variance(").removesuffix(")")
    if inside == contrast:
        return contrast
    return "of the level at the start" if inside == "Intercept" else f"of the slope in {inside}"


def _slopes(source: Source, rows: Rows) -> Iterator[Line]:
    for phase in rows.values("subgroup"):
        group = capital(phase)
        for row in rows.where(subgroup=phase, quantity="slope"):
            yield Line(words(source.arm(row["arm"])), estimate_cells(row), group)
        for row in rows.where(subgroup=phase, quantity="difference"):
            yield Line(source.difference(row), estimate_cells(row), group, indent=True)


def curves(source: Source, name: str = "growth_curves") -> Table:
    """Make the table that compares curves by information criteria.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis=CURVES)
    shapes = list(dict.fromkeys(
        str(row["contrast"]).partition(":")[0] for row in rows if row["unit"] in CRITERIA
    ))  # fmt: skip
    lines = []
    for shape in shapes:
        cells = []
        for unit in CRITERIA:
            row = rows.first(contrast=f"{shape}: {unit}")
            cells.append(words(quote(row, "one decimal")) if row is not None else words("–"))
        lines.append(Line(capital(shape), tuple(cells)))
    ratios = [
        words(named(capital(str(row["contrast"])).pieces[0].text), ": χ²(", quote(row, "df"),
              ") = ", quote(row, "statistic"), ", p ", quote(row, "p equation"), ".")
        for row in rows.where(unit="chi-square") if row["statistic"] is not None
    ]  # fmt: skip
    return Table(
        name,
        words("Curves compared, ", source.outcome(source.study.primary_outcome), ": ",
              source.trial_label()),
        words("Curve"),
        tuple(column(unit) for unit in CRITERIA),
        tuple(lines),
        (words("Smaller AIC and BIC are better. The slopes are those of the piecewise curve, "
               "whichever fits best."), *ratios, *methods_of(list(rows)[:1]), *notes_of(rows)),
    )  # fmt: skip


def durability(source: Source, name: str = "durability") -> Table:
    """Make the table of changes after the endpoint.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    study = source.study
    outcome = study.primary_outcome
    endpoint = source.visit(study.endpoint)
    rows = source.rows.where(analysis=DURABILITY, quantity="difference")
    lines = []
    for visit in rows.values("visit"):
        group = words("Change from ", endpoint, " to ", source.visit(visit))
        for row in rows.where(visit=visit):
            alone = row["reference"] is None
            label = words(source.arm(row["arm"])) if alone else source.difference(row)
            lines.append(Line(label, estimate_cells(row), group, indent=not alone))
    return Table(
        name,
        words("Durability: changes in ", source.outcome(outcome), " after ", endpoint, ": ",
              source.trial_label()),
        words("Visit and arm"),
        estimate_columns(rows, "Change, or difference"),
        tuple(lines),
        (
            words("Scores in ", source.unit(outcome), f", {source.direction(outcome)}. n: "
                  "participants with a score at the follow-up visit. A gain that lasts shows as a "
                  "short interval around zero. p-values are not adjusted for multiplicity."),
            *methods_of(list(rows)[:1]),
            *notes_of(rows),
        ),
    )  # fmt: skip
