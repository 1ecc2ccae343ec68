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
from ipt_outcomes.analyses.lagged_effects import slopes
from ipt_outcomes.analyses.process_data import by_time, label_of
from ipt_outcomes.analyses.within_between import Occasions, fit_within_between, lagged_occasions
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
    mood, event = by_time(data, plan.mood, "day"), by_time(data, plan.event, "day")
    words = f"{label_of(data, plan.event)} → {label_of(data, plan.mood)}"
    rows: list[Row] = []
    for lag, when in ((0, "the same day"), (1, "the next day")):
        occasions = lagged_occasions(event, mood, lag, plan.minimum_days, same=lag > 0)
        where = exploratory(
            data,
            f"diary, {when}",
            unit=f"{label_of(data, plan.mood)} per unit of {label_of(data, plan.event)}",
        )
        rows += attempted(_slopes(occasions, where, words, when, plan.level), where)
    return estimates(rows)


def _slopes(occasions: Occasions, where: Row, words: str, when: str, level: float) -> Iterator[Row]:
    fit = fit_within_between(occasions, random_within=True, level=level)
    yield from slopes(fit, occasions, where, words, when, level)
    variance = float(np.asarray(fit.random_covariance)[1, 1])
    yield {
        **where,
        "quantity": "standard deviation",
        "contrast": "of the persons' own slopes",
        "estimate": float(np.sqrt(max(variance, 0.0))),
        "n_arm": occasions.people,
        "method": "within–between mixed model, REML",
    }
