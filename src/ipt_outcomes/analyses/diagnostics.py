r"""What the primary models rest on: residuals, influence, convergence, covariance.

For every outcome and the primary estimand:

* normalised residuals :math:`L^{-1}(y - X\hat\beta)`, :math:`\hat\Sigma = LL'`: their quantiles
  beside those of a normal distribution, skewness, kurtosis, and SD by arm and visit;
* influence: the difference at the endpoint with each participant left out in turn (the model fitted
  anew each time), its smallest and largest value, and the largest Cook's distance; whose it is
  stands in a restricted file only;
* convergence: the Newton decrement and the smallest eigenvalue of the scaled information;
* the covariance chosen, and the difference at the endpoint with others.

Of the growth model by phase, where there is one: residuals, convergence and the largest Cook's
distance in the same way. Other models state their covariance and convergence in their own rows.

None of this is a test to be passed: large trials reject any model, small ones none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import AS_RANDOMISED, ModelFrame, TrialData, model_frame
from ipt_outcomes.analyses.disclosure import SMALLEST
from ipt_outcomes.analyses.growth import fit_curve
from ipt_outcomes.analyses.growth_data import growth_data
from ipt_outcomes.analyses.repeated import repeated_formula
from ipt_outcomes.results import estimates

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

Row = dict[str, Any]

PROBABILITIES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
BY_ARM = " by arm"
PERSON_LEVEL = ("participant", "visit", "residual", "fitted", "cook", "leverage")
FEWEST = 100
"""Residuals from which the outermost quantiles are shown: of fewer they would be single ones."""


def diagnostics(data: TrialData) -> pd.DataFrame:
    """Examine the primary model of every outcome.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table; nothing in them is about a single participant.
    """
    plan = data.study.analyses.diagnostics
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for outcome in data.study.outcomes_of(data.trial):
        where: Row = {
            "trial": data.trial,
            "outcome": outcome,
            "analysis": "diagnostics",
            "analysis_set": AS_RANDOMISED,
            "estimand": data.study.primary_estimand,
            "status": "exploratory",
            "disclosure": "shared",
        }
        rows += attempted(_of_outcome(data, outcome, where, plan.covariances), where)
        if outcome == data.study.primary_outcome and data.study.analyses.growth is not None:
            of_growth = {**where, "analysis": "diagnostics, growth"}
            rows += attempted(_of_growth(data, of_growth), of_growth)
    return estimates(rows)


def _of_outcome(
    data: TrialData, outcome: str, shared: Row, covariances: list[str]
) -> Iterator[Row]:
    frame = model_frame(data, outcome, data.study.primary_estimand, AS_RANDOMISED)
    fit = _fit(data, frame)
    where = {
        **shared,
        "method": "primary model, examined",
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
    }
    yield from _residuals(data, fit, where)
    yield from _convergence(fit, where)
    yield from _influence(data, outcome, fit, where)
    yield from _covariances(data, outcome, frame, fit, where, covariances)


def _of_growth(data: TrialData, shared: Row) -> Iterator[Row]:
    plan = data.study.analyses.primary
    fit = fit_curve(growth_data(data), "piecewise", plan.degrees_of_freedom, plan.level)
    where = {
        **shared,
        "method": "growth model by phase, examined",
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
    }
    yield from _residuals(data, fit, where)
    yield from _convergence(fit, where)
    yield _largest_distance(fit, {**where, "analysis": f"{where['analysis']}, influence"})


def person_level(data: TrialData, outcome: str) -> pd.DataFrame:
    """List residuals and influence by participant: for the trial's own staff only.

    Parameters
    ----------
    data
        The trial.
    outcome
        Short name of the outcome.

    Returns
    -------
    pandas.DataFrame
        participant, visit, residual (normalised), fitted, cook, leverage; empty where the model
        could not be fitted, which its row of the estimates table says.
    """
    from ipt_outcomes.mixed import MixedModelError

    try:
        fit = _fit(data, model_frame(data, outcome, data.study.primary_estimand, AS_RANDOMISED))
    except MixedModelError:
        return pd.DataFrame(columns=list(PERSON_LEVEL))
    table = fit.residuals("normalised")
    means = fit.fitted().rename_axis(index="participant").reset_index()
    long = means.melt("participant", var_name="visit", value_name="fitted")
    table = table.merge(long, on=["participant", "visit"])
    return table.merge(fit.influence(), on="participant")


def _fit(data: TrialData, frame: ModelFrame, covariance: str | None = None) -> MixedModelFit:
    from ipt_outcomes.mixed import mixed_model

    plan = data.study.analyses.primary
    observed = frame.rows[frame.rows["score"].notna()]
    named = covariance or plan.covariance
    by_arm = named.endswith(BY_ARM)
    return mixed_model(
        repeated_formula(observed, plan.adjust_for, ["baseline", "arm"]),
        observed,
        participant="participant",
        visit="visit",
        covariance=named.removesuffix(BY_ARM),
        covariance_by="arm" if by_arm else None,
        df=plan.degrees_of_freedom,
        reference={"arm": data.study.reference_arm},
        level=plan.level,
        fallback=covariance is None,
    )


def _residuals(data: TrialData, fit: MixedModelFit, where: Row) -> Iterator[Row]:
    table = fit.residuals("normalised")
    values = table["residual"].to_numpy(float)
    about = {**where, "analysis": f"{where['analysis']}, residuals", "n_arm": len(values)}
    chosen = PROBABILITIES if len(values) >= FEWEST else PROBABILITIES[3:-3]
    for p, q in zip(chosen, np.quantile(values, chosen), strict=True):
        words = f"quantile {p:g} of the normalised residuals (normal: {stats.norm.ppf(p):.2f})"
        yield {**about, "quantity": "test", "unit": "SD", "estimate": float(q), "contrast": words}
    for name, value in (("skewness", stats.skew(values)), ("kurtosis", stats.kurtosis(values))):
        yield {**about, "quantity": "test", "unit": name, "estimate": float(value),
               "contrast": f"{name} of the normalised residuals (normal: 0)"}  # fmt: skip
    arm_of = data.participants.set_index("participant")["arm"]
    raw = fit.residuals("raw")
    raw = raw.assign(arm=raw["participant"].map(arm_of))
    for (arm, visit), own in raw.groupby(["arm", "visit"], observed=True):
        if len(own) >= SMALLEST:
            yield {**about, "quantity": "standard deviation",
                   "contrast": "residuals", "arm": str(arm), "visit": str(visit),
                   "unit": data.study.outcomes[where["outcome"]].unit,
                   "estimate": float(own["residual"].std()), "n_arm": len(own)}  # fmt: skip


def _convergence(fit: MixedModelFit, where: Row) -> Iterator[Row]:
    steps = "; ".join([f"{name}: {what}" for name, what in fit.steps] + fit.notes)
    about = {**where, "analysis": f"{where['analysis']}, convergence", "quantity": "test",
             "notes": steps}  # fmt: skip
    convergence = fit.convergence
    for words, value in (
        ("Newton decrement (converged below 1e-9)", convergence.decrement),
        ("smallest eigenvalue of the scaled information (positive definite above 0)",
         convergence.smallest_curvature),
        ("iterations", convergence.iterations),
    ):  # fmt: skip
        yield {**about, "contrast": words, "unit": "number", "estimate": float(value)}


def _endpoint_rows(data: TrialData, fit: MixedModelFit) -> tuple[list[str], np.ndarray]:
    from ipt_outcomes.mixed.grid import mean_rows

    endpoint = data.study.estimands[data.study.primary_estimand].endpoint
    cells, means = mean_rows(fit.design, ["visit", "arm"], None, "equal")
    at = {str(arm): means[k] for k, (visit, arm) in enumerate(cells) if str(visit) == endpoint}
    arms = [arm for arm in data.arms if arm != data.study.reference_arm and arm in at]
    return arms, np.stack([at[arm] - at[data.study.reference_arm] for arm in arms])


def _largest_distance(fit: MixedModelFit, about: Row) -> Row:
    return {**about, "quantity": "test", "unit": "Cook's distance", "n_arm": fit.n_participants,
            "contrast": "largest Cook's distance of a participant",
            "estimate": float(fit.influence()["cook"].max())}  # fmt: skip


def _influence(data: TrialData, outcome: str, fit: MixedModelFit, where: Row) -> Iterator[Row]:
    study = data.study
    about = {**where, "analysis": "diagnostics, influence",
             "visit": study.estimands[study.primary_estimand].endpoint,
             "n_arm": fit.n_participants}  # fmt: skip
    yield _largest_distance(fit, {**about, "visit": None})
    arms, rows = _endpoint_rows(data, fit)
    without = 1.0 - np.eye(fit.n_participants)
    try:
        refits = fit.refit(weights=without)
    except ValueError as error:  # a covariance that was stepped down to may have no batch of fits
        yield {**about, "quantity": "difference", "contrast": "leaving out one participant",
               "notes": f"not possible: {error}"}  # fmt: skip
        return
    left = refits.linear(rows)[refits.converged]
    whole = rows[:, fit.aliasing.kept] @ fit.fixed.beta
    for k, arm in enumerate(arms):
        labels = f"{study.arms[arm].label} minus {study.arms[study.reference_arm].label}"
        for words, value in (("smallest", left[:, k].min()), ("largest", left[:, k].max())):
            yield {**about, "quantity": "difference", "arm": arm,
                   "unit": study.outcomes[outcome].unit, "estimate": float(value),
                   "contrast": f"{labels}, {words} with one participant left out",
                   "notes": f"with everyone {whole[k]:.2f}"}  # fmt: skip


def _covariances(
    data: TrialData,
    outcome: str,
    frame: ModelFrame,
    fit: MixedModelFit,
    where: Row,
    others: list[str],
) -> Iterator[Row]:
    endpoint = data.study.estimands[data.study.primary_estimand].endpoint
    for name in [None, *others]:
        words = fit.covariance_used if name is None else name
        about = {**where, "analysis": f"diagnostics, covariance {words}", "covariance": words,
                 "visit": endpoint}  # fmt: skip
        rows = _under(name, data, outcome, frame, fit, about)
        yield from attempted(rows, about)


def _under(
    name: str | None,
    data: TrialData,
    outcome: str,
    frame: ModelFrame,
    fit: MixedModelFit,
    about: Row,
) -> Iterator[Row]:
    """Give the differences at the endpoint under another covariance, or under the model's own."""
    study = data.study
    own = fit if name is None else _fit(data, frame, name)
    chosen = "the covariance of the primary model; " if name is None else ""
    arms, rows = _endpoint_rows(data, own)
    for arm, found in zip(arms, own.linear(rows).to_dict("records"), strict=True):
        kept = ("estimate", "se", "df", "statistic", "p", "lower", "upper")
        yield {
            **about,
            **{key: found[key] for key in kept},
            "quantity": "difference",
            "contrast": f"{study.arms[arm].label} minus {study.arms[study.reference_arm].label}",
            "arm": arm,
            "reference": study.reference_arm,
            "unit": study.outcomes[outcome].unit,
            "level": own.specification.level,
            "interval_method": "t",
            "notes": f"{chosen}AIC {own.aic:.1f}, BIC {own.bic:.1f}",
        }
