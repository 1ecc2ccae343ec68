"""The primary model of an outcome, examined: see :mod:`ipt_outcomes.analyses.diagnostics`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import AS_RANDOMISED, ModelFrame, TrialData, model_frame
from ipt_outcomes.analyses.diagnostics_rows import (
    arms_of,
    convergence_of_fit,
    distance_row,
    extreme_rows,
    residuals_of_fit,
)
from ipt_outcomes.analyses.repeated import fit_as_primary, repeated_formula
from ipt_outcomes.results import Row, t_inference

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


BY_ARM = " by arm"
PERSON_LEVEL = ("participant", "visit", "residual", "fitted", "cook", "leverage")


def examine_primary(
    data: TrialData, outcome: str, shared: Row, covariances: list[str]
) -> Iterator[Row]:
    """Examine the primary model of an outcome.

    Parameters
    ----------
    data
        The trial.
    outcome
        Short name of the outcome.
    shared
        What the rows share.
    covariances
        Other covariances that the difference at the endpoint is estimated with.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    frame = model_frame(data, outcome, data.study.primary_estimand, AS_RANDOMISED)
    fit = _fit(data, frame)
    where = {
        **shared,
        "method": "primary model, examined",
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
    }
    unit = data.study.outcomes[outcome].unit
    yield from residuals_of_fit(fit, arms_of(data.participants), where, unit)
    yield from convergence_of_fit(fit, where)
    yield from _influence(data, outcome, fit, where)
    yield from _covariances(data, outcome, frame, fit, where, covariances)


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
    plan = data.study.analyses.primary
    observed = frame.rows[frame.rows["score"].notna()]
    named = covariance or plan.covariance
    return fit_as_primary(
        plan,
        repeated_formula(observed, plan.adjust_for, ["baseline", "arm"]),
        observed,
        {"arm": data.study.reference_arm},
        covariance=named.removesuffix(BY_ARM),
        covariance_by="arm" if named.endswith(BY_ARM) else None,
        fallback=covariance is None,
    )


def _endpoint_rows(data: TrialData, fit: MixedModelFit) -> tuple[list[str], np.ndarray]:
    from ipt_outcomes.mixed.grid import mean_rows

    endpoint = data.study.estimands[data.study.primary_estimand].endpoint
    cells, means = mean_rows(fit.design, ["visit", "arm"], None, "equal")
    at = {str(arm): means[k] for k, (visit, arm) in enumerate(cells) if str(visit) == endpoint}
    arms = [arm for arm in data.arms if arm != data.study.reference_arm and arm in at]
    return arms, np.stack([at[arm] - at[data.study.reference_arm] for arm in arms])


def _influence(data: TrialData, outcome: str, fit: MixedModelFit, where: Row) -> Iterator[Row]:
    study = data.study
    about = {**where, "analysis": "diagnostics, influence",
             "visit": study.estimands[study.primary_estimand].endpoint,
             "n_arm": fit.n_participants}  # fmt: skip
    largest = float(fit.influence()["cook"].max())
    yield distance_row(largest, {**about, "visit": None}, "participant", fit.n_participants)
    arms, rows = _endpoint_rows(data, fit)
    without = 1.0 - np.eye(fit.n_participants)
    try:
        refits = fit.refit(weights=without)
    except ValueError as error:  # a covariance that was stepped down to may have no batch of fits
        yield {**about, "quantity": "difference", "contrast": "leaving out one participant",
               "notes": f"not possible: {error}"}  # fmt: skip
        return
    left = refits.linear(rows)
    left[~refits.converged] = np.nan
    whole = rows[:, fit.aliasing.kept] @ fit.fixed.beta
    for k, arm in enumerate(arms):
        compared = {**about, "quantity": "difference", "arm": arm,
                    "unit": study.outcomes[outcome].unit,
                    "contrast": f"{study.arms[arm].label} minus "
                    f"{study.arms[study.reference_arm].label}"}  # fmt: skip
        yield from extreme_rows(left[:, k], float(whole[k]), compared, "participant")


def _covariances(
    data: TrialData,
    outcome: str,
    frame: ModelFrame,
    fit: MixedModelFit,
    where: Row,
    others: list[str],
) -> Iterator[Row]:
    endpoint = data.study.estimands[data.study.primary_estimand].endpoint
    # The primary model may have stepped down to one of them: it is then there already.
    for name in [None, *(other for other in others if not _is(other, fit.covariance_used))]:
        words = fit.covariance_used if name is None else name
        about = {**where, "analysis": f"diagnostics, covariance {words}", "covariance": words,
                 "visit": endpoint}  # fmt: skip
        rows = _under(name, data, outcome, frame, fit, about)
        yield from attempted(rows, about)


def _is(name: str, used: str) -> bool:
    """Whether a covariance of the configuration, by whatever name, is the one in use."""
    from ipt_outcomes.mixed import MixedModelError
    from ipt_outcomes.mixed.catalogue import covariance_name

    try:
        return covariance_name(name) == used
    except MixedModelError:  # one by arm, or none that there is: its own row says so
        return name == used


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
        yield {
            **about,
            **t_inference(found, own.specification.level),
            "quantity": "difference",
            "contrast": f"{study.arms[arm].label} minus {study.arms[study.reference_arm].label}",
            "arm": arm,
            "reference": study.reference_arm,
            "unit": study.outcomes[outcome].unit,
            "notes": f"{chosen}AIC {own.aic:.1f}, BIC {own.bic:.1f}",
        }
