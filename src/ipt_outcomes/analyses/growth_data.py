"""From a trial's frames to the rows of a growth model, on either axis of time.

Weeks are the planned ones; sessions are the number of the treatment session at which the assessment
was made, with the baseline at zero. Assessments without a session number are left out of that axis
and counted: most lie in follow-up, after the last session.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, estimand_scores, members

CURVES = ("linear", "piecewise", "quadratic", "logarithmic")


class GrowthError(ValueError):
    """The course cannot be modelled as asked; says why and what to change."""


@dataclass(frozen=True)
class Growth:
    """Rows of a growth model.

    Parameters
    ----------
    rows
        One row per observed score: participant, visit, score, time, treatment, follow_up, one
        column per phase, further curves, and an indicator of each arm but the reference.
    outcome
        Short name of the outcome.
    arms, arm_columns
        The arms but the reference, and the columns of their indicators.
    terms
        Curve: its columns.
    phases
        Column of each phase of the piecewise curve: its name in words.
    people
        Participants with a score, by arm.
    unit
        Unit of time.
    knots
        Start, end of each phase and, with follow-up, the last assessment.
    random_follow_up
        Whether the follow-up can have a random slope.
    notes
        What a reader must know.
    """

    rows: pd.DataFrame
    outcome: str
    arms: list[str]
    arm_columns: list[str]
    terms: dict[str, list[str]]
    phases: dict[str, str]
    people: dict[str, int]
    unit: str
    knots: list[float]
    random_follow_up: bool
    notes: list[str]

    def time_spent(self, time: float) -> dict[str, float]:
        """Return the time spent in each phase of the piecewise curve until a time."""
        spent = {}
        for column, (start, stop) in zip(self.phases, pairwise(self.knots), strict=True):
            spent[column] = min(max(time - start, 0.0), stop - start)
        return spent


def growth_data(data: TrialData) -> Growth:
    """Lay out the primary outcome of everyone randomised for growth models.

    Parameters
    ----------
    data
        The trial.

    Raises
    ------
    GrowthError
        When fewer than three times were observed up to the end of treatment, or when sessions are
        the axis and no session number was recorded.
    """
    study = data.study
    plan = study.analyses.growth
    assert plan is not None
    outcome, estimand = study.primary_outcome, study.primary_estimand
    end = study.visits[study.estimands[estimand].endpoint].week
    scores, notes = estimand_scores(data, outcome, estimand)
    people = members(data, AS_RANDOMISED, outcome)
    rows = scores[scores["score"].notna()].merge(people[["participant", "arm"]], on="participant")
    if plan.time == "weeks":
        rows["time"] = rows["week"].clip(lower=0)
        unit = "week"
    else:
        session = rows["session"].astype("Float64").astype(float)
        session = session.mask(rows["visit"] == study.baseline, session.fillna(0.0))
        if session[rows["visit"] != study.baseline].isna().all():
            raise GrowthError(
                f"{data.trial}: no assessment has a session number. Name its column under columns: "
                "session, or write analyses: growth: time: weeks."
            )
        lost = int(session.isna().sum())
        if lost:
            notes.append(f"{lost} scores without a session number left out")
        rows = rows.assign(time=session)[session.notna()]
        unit = "session"
        end = max(plan.phases.values(), default=float(rows["time"].max()))
    ends = plan.phases or {"treatment": end}
    last = max(ends.values())
    rows["treatment"] = rows["time"].clip(upper=last)
    rows["follow_up"] = (rows["time"] - last).clip(lower=0)
    phases, start = {}, 0.0
    for k, (name, stop) in enumerate(ends.items()):
        column = f"phase_{k}"
        rows[column] = rows["time"].clip(start, stop) - start
        phases[column] = f"{name.replace('_', ' ')} ({unit}s {start:g} to {stop:g})"
        start = stop
    within = rows.loc[rows["time"] <= last, "time"].nunique()
    if within < 3:
        raise GrowthError(
            f"{data.trial}: the course needs scores at three times or more up to {unit} {last:g}, "
            f"found {within}. Take growth out of analyses in config.yaml, or check visits."
        )
    if within <= len(phases):
        raise GrowthError(
            f"{data.trial}: {len(phases)} phases need more than {len(phases)} times up to {unit} "
            f"{last:g}, found {within}. Join phases under analyses: growth: phases."
        )
    empty = [words for column, words in phases.items() if np.ptp(rows[column]) == 0]
    if empty:
        raise GrowthError(f"{data.trial}: nobody was assessed after the start of {empty[0]}.")
    rows["treatment_squared"] = rows["treatment"] ** 2
    rows["treatment_log"] = np.log1p(rows["treatment"])
    later = ["follow_up"] if (rows["follow_up"] > 0).any() else []
    if later:
        phases["follow_up"] = f"follow-up (from {unit} {last:g})"
    arms = [arm for arm in data.arms if arm != study.reference_arm]
    columns = [f"arm_{k}" for k in range(len(arms))]
    for column, arm in zip(columns, arms, strict=True):
        rows[column] = (rows["arm"] == arm).astype(float)
    terms = {
        "linear": ["treatment", *later],
        "piecewise": list(phases),
        "quadratic": ["treatment", "treatment_squared", *later],
        "logarithmic": ["treatment_log", *later],
    }
    if within < 4:
        del terms["quadratic"]
    # Visits in common let the model take all participants with the same visits at once.
    visits = [v for v in (study.baseline, *data.later_visits) if v in set(rows["visit"])]
    rows["visit"] = pd.Categorical(rows["visit"], visits, ordered=True)
    rows = rows.reset_index(drop=True)
    counted = rows.drop_duplicates("participant")["arm"].value_counts()
    return Growth(
        rows, outcome, arms, columns, terms, phases,
        {arm: int(counted.get(arm, 0)) for arm in data.arms}, unit,
        [0.0, *ends.values(), *([float(rows["time"].max())] if later else [])],
        rows.loc[rows["follow_up"] > 0, "time"].nunique() >= 2, notes,
    )  # fmt: skip
