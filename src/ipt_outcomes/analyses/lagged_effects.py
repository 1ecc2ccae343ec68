"""Whether a session's process variable goes before a change at the next one, or follows it.

Each pair of variables is analysed in both directions by the model of
:mod:`ipt_outcomes.analyses.within_between`: alliance, social functioning, technique use or homework
at one session and symptoms at the next, and symptoms at one session and the process at the next.
Nothing here was randomised; that one goes before the other does not make it a cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.process_data import by_time, label_of
from ipt_outcomes.analyses.within_between import Occasions, fit_within_between, lagged_occasions
from ipt_outcomes.results import Row, estimates, t_inference

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


ASSOCIATION = (
    "an association in time within persons, not an effect: it assumes that nothing else that "
    "varies within a person drives both, and that earlier outcomes do not move later predictors; "
    "where they do, it is biased by an amount of the order of 1 over the number of occasions"
)
WAY_BACK = (
    "where the forward slope is real, this interval holds the truth too seldom (in two of three "
    "simulated studies of twelve sessions): read the cross-lagged panel for it"
)


def lagged_effects(data: TrialData) -> pd.DataFrame:
    """Estimate the lagged associations in both directions.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: slopes within and between persons.

    Raises
    ------
    ProcessError
        When a variable or enough occasions are missing, or when the outcome's own past is asked
        for with few occasions.
    ipt_outcomes.mixed.MixedModelError
        When a model cannot be fitted.
    """
    plan = data.study.analyses.lagged_effects
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for model in lagged_models(data):
        fit = fit_within_between(model.occasions, random_within=False, level=plan.level)
        rows.extend(
            slopes(fit, model.occasions, model.where, model.between, model.when, plan.level)
        )
    return estimates(rows)


@dataclass(frozen=True)
class LaggedModel:
    """One direction of a pair of variables, ready to be fitted.

    Parameters
    ----------
    occasions
        Rows of the model.
    where
        Columns that all its rows of the estimates table share.
    between, when
        The two variables, and when the second one is measured, in words.
    random_within
        Whether persons differ in their slopes.
    """

    occasions: Occasions
    where: Row
    between: str
    when: str
    random_within: bool = False


def lagged_models(data: TrialData) -> Iterator[LaggedModel]:
    """Lay out both directions of every pair that the configuration names.

    Parameters
    ----------
    data
        The trial.

    Raises
    ------
    ProcessError
        When a variable or enough occasions are missing.
    """
    plan = data.study.analyses.lagged_effects
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    for name, pair in plan.pairs.items():
        for direction, (first, then) in (
            ("forward", (pair.predictor, pair.outcome)),
            ("back", (pair.outcome, pair.predictor)),
        ):
            occasions = lagged_occasions(
                by_time(data, first, "session"),
                by_time(data, then, "session"),
                plan.lag,
                plan.minimum_occasions,
                past=plan.previous_outcome,
            )
            between = f"{label_of(data, first)} → {label_of(data, then)}"
            when = "the next session" if plan.lag == 1 else f"{plan.lag} sessions later"
            where = exploratory(
                data,
                f"lagged effects, {name} {direction}",
                unit=f"{label_of(data, then)} per unit of {label_of(data, first)}",
                notes=WAY_BACK if direction == "back" else None,
            )
            yield LaggedModel(occasions, where, between, when)


def slopes(
    fit: MixedModelFit, occasions: Occasions, where: Row, between: str, when: str, level: float
) -> Iterator[Row]:
    """Give the slopes of one direction.

    Parameters
    ----------
    fit, occasions
        The model and its rows.
    where
        Columns that all rows share.
    between
        The two variables, in words.
    when
        When the second one is measured, in words.
    level
        Level of the intervals.
    """
    table = fit.coefficients.set_index("term").to_dict("index")
    notes = [ASSOCIATION, *filter(None, [where.get("notes")]), *fit.notes]
    if occasions.left_out:
        notes.append(f"{occasions.left_out} participants with too few occasions not analysed")
    if "same" in table:
        notes.append("adjusted for the same variable on the day of the outcome")
    if "past" in table:
        notes.append("adjusted for the outcome one session before, centred on the person")
    yield {**where, "quantity": "count", "contrast": f"{between}: pairs of occasions",
           "estimate": len(occasions.rows), "n_arm": occasions.people, "unit": "occasions",
           "method": "count", "notes": None}  # fmt: skip
    for term, words in (
        ("within", f"within persons: {between}, {when}"),
        ("between", f"between persons: mean {between}"),
    ):
        if term not in table:
            continue
        line = table[term]
        yield {
            **where,
            "quantity": "slope",
            "subgroup": f"{term} persons",
            "contrast": words,
            **t_inference(line, level),
            "n_arm": occasions.people,
            "method": "within–between mixed model, detrended by person, REML, Satterthwaite df",
            "covariance": f"random effects and {fit.covariance_used} residuals",
            "converged": fit.convergence.converged,
            "notes": "; ".join(notes),
        }
