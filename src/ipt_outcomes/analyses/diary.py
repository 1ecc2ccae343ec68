"""Mood of a day and interpersonal events of that day and of the day before.

Many short rows per person: the model of :mod:`ipt_outcomes.analyses.within_between` with a slope
of its own for each person (how strongly the mood goes with events), autoregressive residuals from
day to day, and days counted from randomisation. The association of the same day has no direction;
that of the day before, adjusted for the events of the day itself, has one, which is not yet a
cause. How much persons differ is given as the SD of their slopes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.lagged_effects import LaggedModel, slopes
from ipt_outcomes.analyses.process_data import by_time, label_of
from ipt_outcomes.analyses.within_between import fit_within_between, lagged_occasions
from ipt_outcomes.results import Row, estimates


def diary(data: TrialData) -> pd.DataFrame:
    """Estimate how mood goes with events.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    ProcessError
        When a variable or enough days are missing.
    """
    plan = data.study.analyses.diary
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for model in diary_models(data):
        rows += attempted(_slopes(model, plan.level), model.where)
    return estimates(rows)


def diary_models(data: TrialData) -> Iterator[LaggedModel]:
    """Lay out the models of the same day and of the day before.

    Parameters
    ----------
    data
        The trial.

    Raises
    ------
    ProcessError
        When a variable or enough days are missing.
    """
    plan = data.study.analyses.diary
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    mood, event = by_time(data, plan.mood, "day"), by_time(data, plan.event, "day")
    between = f"{label_of(data, plan.event)} → {label_of(data, plan.mood)}"
    for lag, when in ((0, "the same day"), (1, "the next day")):
        occasions = lagged_occasions(event, mood, lag, plan.minimum_days, same=lag > 0)
        where = exploratory(
            data,
            f"diary, {when}",
            unit=f"{label_of(data, plan.mood)} per unit of {label_of(data, plan.event)}",
        )
        yield LaggedModel(occasions, where, between, when, random_within=True)


def _slopes(model: LaggedModel, level: float) -> Iterator[Row]:
    fit = fit_within_between(model.occasions, random_within=True, level=level)
    yield from slopes(fit, model.occasions, model.where, model.between, model.when, level)
    variance = float(np.asarray(fit.random_covariance)[1, 1])
    yield {
        **model.where,
        "quantity": "standard deviation",
        "contrast": "of the persons' own slopes",
        "estimate": float(np.sqrt(max(variance, 0.0))),
        "n_arm": model.occasions.people,
        "method": "within–between mixed model, REML",
    }
