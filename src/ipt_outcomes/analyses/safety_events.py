"""How often something happened, by arm: participants, events, and time at risk.

One kind of thing, :class:`SafetyEvents`, holds whatever happened: deaths, answers to an item about
suicide, reliable deterioration, and adverse events as soon as a trial's export brings them. Counts
are of participants and of events, each with its denominator; nothing is suppressed, because hiding
a rare serious harm is worse than showing that it happened to one person in an arm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.proportions import exact_share, poisson_rate
from ipt_outcomes.results import Row

Floats = NDArray[np.float64]

SHOWN = "arm-level safety counts are shown however small"


@dataclass(frozen=True)
class SafetyEvents:
    """Something that happened to participants.

    Parameters
    ----------
    name
        What happened, in words.
    events
        How many times it happened to each participant, shape (n,).
    assessed
        Who was observed at all, and so belongs to the denominator, shape (n,).
    weeks
        Weeks each participant was at risk, shape (n,); None where a rate over time has no
        meaning, as for a status at one visit.
    note
        What a reader must know: definition, source, what is not counted.
    outcome, visit
        The outcome and the visit that it is about, where there is one.
    """

    name: str
    events: NDArray[np.int64]
    assessed: NDArray[np.bool_]
    weeks: Floats | None
    note: str
    outcome: str | None = None
    visit: str | None = None


def safety_rows(
    happened: SafetyEvents,
    arm: NDArray[np.int64],
    arms: list[str],
    where: Row,
    level: float,
) -> Iterator[Row]:
    """Give counts, proportions and rates of one kind of event, by arm.

    Parameters
    ----------
    happened
        What happened.
    arm
        Position of each participant's arm in ``arms``, shape (n,).
    arms
        Names of the arms.
    where
        Columns that all rows share.
    level
        Level of the intervals.

    Yields
    ------
    dict
        Per arm: participants with it (count), their proportion with exact interval, and, where
        time at risk is known, events per 100 participant-weeks with exact interval.

    Examples
    --------
    >>> deaths = SafetyEvents("death", np.array([1, 0, 0]), np.ones(3, bool), None, "")
    >>> rows = list(safety_rows(deaths, np.array([0, 0, 1]), ["A", "B"], {}, 0.95))
    >>> [(row["arm"], row["quantity"], row["estimate"]) for row in rows]
    [('A', 'count', 1), ('A', 'probability', 0.5), ('B', 'count', 0), ('B', 'probability', 0.0)]
    """
    notes = "; ".join(filter(None, [happened.note, SHOWN]))
    for a, name in enumerate(arms):
        inside = (arm == a) & happened.assessed
        n = int(inside.sum())
        people = int((happened.events[inside] > 0).sum())
        number = int(happened.events[inside].sum())
        about: Row = {
            **where,
            "outcome": happened.outcome,
            "visit": happened.visit,
            "arm": name,
            "n_arm": n,
            "contrast": happened.name,
            "notes": notes,
        }
        counted = {**about, "quantity": "count", "unit": "participants", "method": "count"}
        yield {**counted, "estimate": people}
        if n == 0:
            continue
        yield {**about, **exact_share(people, n, level), "method": "proportion"}
        if happened.weeks is None:
            continue
        weeks = float(happened.weeks[inside].sum())
        timed = {**about, "contrast": f"{happened.name}: time at risk", "unit": "weeks"}
        yield {**timed, "quantity": "count", "estimate": weeks, "method": "sum"}
        if weeks > 0:
            lower, upper = poisson_rate(number, weeks / 100, level)
            yield {**about, "quantity": "rate", "estimate": 100 * number / weeks, "lower": lower,
                   "upper": upper, "level": level, "unit": "events per 100 participant-weeks",
                   "method": "events over time at risk", "interval_method": "exact (Poisson)",
                   "notes": f"{notes}; {number} events"}  # fmt: skip
