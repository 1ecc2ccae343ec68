"""Models with random effects of participants, examined: growth by phase, lagged effects, diaries.

See :mod:`ipt_outcomes.analyses.diagnostics`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.diagnostics_rows import (
    CHOSEN,
    arms_of,
    convergence_of_fit,
    distance_row,
    of_part,
    residuals_of_fit,
)
from ipt_outcomes.analyses.growth import fit_curve
from ipt_outcomes.analyses.growth_data import growth_data
from ipt_outcomes.analyses.lagged_effects import LaggedModel
from ipt_outcomes.analyses.within_between import fit_within_between
from ipt_outcomes.results import Row, t_inference

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


def examine_growth(data: TrialData, shared: Row) -> Iterator[Row]:
    """Examine the growth model by phase.

    Parameters
    ----------
    data
        The trial.
    shared
        What the rows share.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    plan = data.study.analyses.primary
    fit = fit_curve(growth_data(data), "piecewise", plan.degrees_of_freedom, plan.level)
    where = _where(fit, {**shared, "method": "growth model by phase, examined"})
    unit = data.study.outcomes[data.study.primary_outcome].unit
    yield from residuals_of_fit(fit, arms_of(data.participants), where, unit)
    yield from convergence_of_fit(fit, where)
    yield _distance(fit, where)


def examine_lagged(data: TrialData, model: LaggedModel, shared: Row, level: float) -> Iterator[Row]:
    """Examine one within–between model: residuals, convergence, influence, independent residuals.

    Parameters
    ----------
    data
        The trial.
    model
        The rows and what they are about.
    shared
        What the rows of the estimates table share.
    level
        Level of the intervals.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    fit = fit_within_between(model.occasions, random_within=model.random_within, level=level)
    where = _where(fit, {**shared, "method": "within–between mixed model, examined"})
    unit = model.where["unit"].partition(" per unit of ")[0]
    yield from residuals_of_fit(fit, arms_of(data.participants), where, unit, by_visit=False)
    yield from convergence_of_fit(fit, where)
    yield _distance(fit, where)
    about = of_part(where, f"covariance {fit.covariance_used}")
    yield _slope(fit, model, about, f"{CHOSEN}; ")
    if fit.covariance_used != "independent":
        other = of_part({**where, "covariance": "independent"}, "covariance independent")
        yield from attempted(_independent(model, other, level), other)


def _independent(model: LaggedModel, about: Row, level: float) -> Iterator[Row]:
    fit = fit_within_between(
        model.occasions, random_within=model.random_within, level=level, autoregressive=False
    )
    yield _slope(fit, model, _where(fit, about), "")


def _slope(fit: MixedModelFit, model: LaggedModel, about: Row, chosen: str) -> Row:
    line = fit.coefficients.set_index("term").to_dict("index")["within"]
    return {
        **about,
        **t_inference(line, fit.specification.level),
        "quantity": "slope",
        "contrast": f"within persons: {model.between}, {model.when}",
        "unit": model.where["unit"],
        "n_arm": model.occasions.people,
        "notes": f"{chosen}AIC {fit.aic:.1f}, BIC {fit.bic:.1f}",
    }


def _distance(fit: MixedModelFit, where: Row) -> Row:
    largest = float(fit.influence()["cook"].max())
    return distance_row(largest, of_part(where, "influence"), "participant", fit.n_participants)


def _where(fit: MixedModelFit, shared: Row) -> Row:
    return {
        **shared,
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
    }
