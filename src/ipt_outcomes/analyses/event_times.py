"""From the canonical frames to times to an event.

Response, remission and relapse are seen at assessments only: the time is that of the first planned
visit at which the status holds, the event itself lies in the interval before it, and participants
are followed until their last assessment. Stopping treatment and leaving the study have their day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.status import StatusDefinition

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class RelapseError(ValueError):
    """A relapse rate was asked for without saying among whom."""


@dataclass(frozen=True)
class EventTimes:
    """Times to one event of the participants that can be followed.

    Parameters
    ----------
    participants
        Positions in the score matrix or participant frame they were made from, shape (n,).
    arm
        Position of the arm, shape (n,).
    weeks
        Weeks to the event or to the end of observation, shape (n,).
    event
        Whether it was the event, shape (n,).
    grid
        Weeks at which the curve is reported, with the visit's name where one is planned then.
    left_out
        Reason: how many participants are not in it.
    by_visit
        Whether the event is known from assessments only.
    """

    participants: NDArray[np.int64]
    arm: NDArray[np.int64]
    weeks: Floats
    event: Flags
    grid: tuple[tuple[float, str | None], ...]
    left_out: dict[str, int]
    by_visit: bool


def first_status(
    data: TrialData, matrix: ScoreMatrix, definition: StatusDefinition, endpoint: str
) -> EventTimes:
    """Find the time to the first visit with a status, up to the endpoint.

    Parameters
    ----------
    data, matrix
        The trial and its scores.
    definition
        The status.
    endpoint
        The last visit that counts.
    """
    last = matrix.visits.index(endpoint)
    visits = matrix.visits[1 : last + 1]
    holds = definition.holds(matrix.baseline[:, None], matrix.scores[:, 1 : last + 1])
    seen = ~np.isnan(matrix.scores[:, 1 : last + 1])
    known = ~np.isnan(matrix.baseline)
    left_out = {
        "without a baseline score": int((~known).sum()),
        "without a later score up to the endpoint": int((known & ~seen.any(axis=1)).sum()),
    }
    weeks = [data.study.visits[visit].week for visit in visits]
    return _by_visit(matrix, holds, seen, known & seen.any(axis=1), weeks, visits, left_out)


def relapse(
    data: TrialData,
    matrix: ScoreMatrix,
    well: StatusDefinition | None,
    relapsed: StatusDefinition,
    endpoint: str,
) -> EventTimes:
    """Find the time from the endpoint to relapse, among those who were well at the endpoint.

    Parameters
    ----------
    data, matrix
        The trial and its scores.
    well
        Who can relapse: responders or remitters at the endpoint.
    relapsed
        The status that counts as relapse.
    endpoint
        The visit at which people were well.

    Raises
    ------
    RelapseError
        When it is not said among whom, or the trial has no visit after the endpoint.
    """
    if well is None:
        raise RelapseError(
            "a relapse rate needs its conditioning: only responders or remitters can relapse. "
            "Say which under analyses.time_to_event.relapse.<outcome>.among."
        )
    place = matrix.visits.index(endpoint)
    visits = matrix.visits[place + 1 :]
    if not visits:
        raise RelapseError(
            f"{data.trial}: relapse needs a visit after {endpoint}. Take relapse out of "
            "analyses.time_to_event, or name the follow-up under visits."
        )
    at_endpoint = well.holds(matrix.baseline, matrix.scores[:, place])
    holds = relapsed.holds(matrix.baseline[:, None], matrix.scores[:, place + 1 :])
    seen = ~np.isnan(matrix.scores[:, place + 1 :])
    kept = at_endpoint & seen.any(axis=1)
    left_out = {
        f"not {well.name.replace('response', 'responders').replace('remission', 'in remission')} "
        "at the endpoint, or not assessed": int((~at_endpoint).sum()),
        "well at the endpoint without a later score": int((at_endpoint & ~kept).sum()),
    }
    start = data.study.visits[endpoint].week
    weeks = [data.study.visits[visit].week - start for visit in visits]
    return _by_visit(matrix, holds, seen, kept, weeks, visits, left_out)


def _by_visit(
    matrix: ScoreMatrix,
    holds: Flags,
    seen: Flags,
    kept: Flags,
    weeks: list[float],
    visits: list[str],
    left_out: dict[str, int],
) -> EventTimes:
    event: Flags = np.asarray(holds.any(axis=1), bool)
    first = holds.argmax(axis=1)
    last = seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    time = np.array(weeks)[np.where(event, first, last)]
    return EventTimes(
        np.flatnonzero(kept),
        matrix.arm[kept],
        time[kept],
        event[kept],
        tuple(zip(weeks, visits, strict=True)),
        {why: n for why, n in left_out.items() if n},
        by_visit=True,
    )


def stopping_treatment(data: TrialData, people: pd.DataFrame, endpoint: str) -> EventTimes:
    """Find the time to stopping treatment early, until the endpoint.

    Who left the study without having stopped before is followed until that day.

    Parameters
    ----------
    data
        The trial.
    people
        Rows of its participant frame.
    endpoint
        The visit at which treatment ends.
    """
    horizon = data.study.visits[endpoint].week
    stop, exit_ = _weeks(people["treatment_stop_day"]), _weeks(people["study_exit_day"])
    undated = np.asarray(people["treatment_stop_reason"].notna(), bool) & np.isnan(stop)
    return _by_day(data, people, stop, exit_, undated, horizon, "stopped on an unknown day")


def leaving_the_study(data: TrialData, people: pd.DataFrame) -> EventTimes:
    """Find the time to leaving the study, until the last planned visit.

    Parameters
    ----------
    data
        The trial.
    people
        Rows of its participant frame.
    """
    horizon = data.study.visits[data.later_visits[-1]].week
    exit_ = _weeks(people["study_exit_day"])
    undated = np.asarray(people["study_exit_reason"].notna(), bool) & np.isnan(exit_)
    never = np.full(len(people), np.nan)
    return _by_day(data, people, exit_, never, undated, horizon, "left on an unknown day")


def _weeks(days: pd.Series) -> Floats:
    return np.asarray(days.astype("Float64").to_numpy(float, na_value=np.nan) / 7, np.float64)


def _by_day(
    data: TrialData,
    people: pd.DataFrame,
    happened: Floats,
    censored: Floats,
    undated: Flags,
    horizon: float,
    why: str,
) -> EventTimes:
    end = np.fmin(np.nan_to_num(censored, nan=np.inf), horizon)
    event = np.nan_to_num(happened, nan=np.inf) <= end
    weeks = np.where(event, np.nan_to_num(happened, nan=0.0), end)
    position = {name: place for place, name in enumerate(data.arms)}
    arm = np.asarray(people["arm"].map(position), np.int64)
    planned = {data.study.visits[visit].week: visit for visit in data.later_visits}
    # Whole weeks while that is readable; the day of each single event is nobody's business.
    step = 1 if horizon <= 26 else 4
    grid = {float(week): planned.get(float(week)) for week in range(step, int(horizon) + 1, step)}
    grid |= {week: visit for week, visit in planned.items() if week <= horizon}
    return EventTimes(
        np.flatnonzero(~undated),
        arm[~undated],
        np.maximum(weeks, 0.0)[~undated],
        event[~undated],
        tuple(sorted(grid.items())),
        {why: int(undated.sum())} if undated.any() else {},
        by_visit=False,
    )
