"""From intercurrent events to the first visit whose scores they affect, per participant.

An event is given by the first visit that it affects, or by its day: then every visit later than
that day is affected. When a participant has several, the earliest one with a strategy other than
MAR decides from its visit on: after it the later ones can change nothing about unseen scores that
the first has not already settled. Participants without an event, and gaps before it, are MAR.
All events are kept, so that other strategies, also one per type of event, find their own starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import ImputationError, listed
from .strategies import Strategy, strategy_name


@dataclass(frozen=True)
class Event:
    """One intercurrent event.

    Attributes
    ----------
    row
        Position of the participant.
    at
        First affected visit (0, 1, …); the number of visits when it affects none.
    strategy
        Abbreviation of its strategy.
    kind
        Its type in the researcher's words, empty when none was given.
    """

    row: int
    at: int
    strategy: str
    kind: str = ""


@dataclass(frozen=True)
class Starts:
    """Where each participant's strategy begins.

    Attributes
    ----------
    start
        First affected visit (0, 1, …), shape (participants,); the number of visits where none is.
    strategy
        Abbreviation of the strategy per participant, ``"MAR"`` without an event.
    counts
        Events by what became of them.
    events
        All events.
    """

    start: NDArray[np.int64]
    strategy: NDArray[np.object_]
    counts: dict[str, int]
    events: tuple[Event, ...] = ()


def find_starts(
    events: pd.DataFrame | None,
    participants: Sequence[Any],
    visits: Sequence[Any],
    visit_days: Mapping[Any, float] | None = None,
    own: Mapping[str, Strategy] | None = None,
) -> Starts:
    """Find the first affected visit and the strategy of each participant.

    Parameters
    ----------
    events
        One row per event with ``participant``, ``strategy`` and either ``visit`` (the first one
        affected) or ``day`` (since randomisation); a column ``type`` names the kind of event;
        further columns are allowed.
    participants, visits
        Their labels; visits in order of time.
    visit_days
        Day of each visit, needed for events that are given by day.
    own
        The user's own strategies by name.

    Raises
    ------
    ImputationError
        With every row that cannot be understood.

    Examples
    --------
    >>> events = pd.DataFrame({"participant": ["a", "a"], "day": [70, 30],
    ...                        "strategy": ["CR", "JR"]})
    >>> found = find_starts(events, ["a", "b"], [4, 8, 12], {4: 28, 8: 56, 12: 84})
    >>> found.start.tolist(), found.strategy.tolist()
    ([1, 3], ['JR', 'MAR'])
    """
    if events is None or not len(events):
        return decided((), participants, visits)
    needed = {"participant", "strategy"} - set(events.columns)
    if needed or not {"visit", "day"} & set(events.columns):
        wanted = listed(sorted(needed) or ["visit (or day)"])
        raise ImputationError(
            f"the table of events lacks {wanted}; it has {listed(events.columns, 20)}."
        )
    row_of = {name: i for i, name in enumerate(participants)}
    findings: list[str] = []
    found: list[Event] = []
    for number, event in enumerate(events.to_dict("records"), start=1):
        try:
            name = strategy_name(str(event["strategy"]), own)
            at = _first_affected(event, visits, visit_days)
        except ImputationError as error:
            findings += [f"event {number} ({event['participant']}): {f}" for f in error.findings]
            continue
        if event["participant"] not in row_of:
            findings.append(
                f"event {number}: participant {event['participant']} is not in the data"
            )
            continue
        kind = event.get("type")
        found.append(
            Event(row_of[event["participant"]], at, name, "" if pd.isna(kind) else str(kind))
        )
    if findings:
        raise ImputationError(findings)
    return decided(found, participants, visits)


def decided(events: Iterable[Event], participants: Sequence[Any], visits: Sequence[Any]) -> Starts:
    """Let one event of each participant decide.

    Parameters
    ----------
    events
        All events.
    participants, visits
        Their labels.

    Raises
    ------
    ImputationError
        When two events of a participant affect the same visits first, with different strategies
        other than MAR.

    Examples
    --------
    >>> found = decided([Event(0, 2, "JR"), Event(0, 1, "MAR")], ["a", "b"], [4, 8, 12])
    >>> found.start.tolist(), found.strategy.tolist()
    ([2, 3], ['JR', 'MAR'])
    """
    events = tuple(events)
    start = np.full(len(participants), len(visits), np.int64)
    strategy = np.full(len(participants), "MAR", object)
    counts = {
        "events": len(events),
        "events decided by an earlier one": 0,
        "events after the last visit": 0,
    }
    findings: list[str] = []
    for event in sorted(events, key=lambda e: (e.row, e.strategy == "MAR", e.at)):
        row, at, name = event.row, event.at, event.strategy
        if at >= len(visits):
            counts["events after the last visit"] += 1
        elif strategy[row] == "MAR" and start[row] == len(visits):
            start[row], strategy[row] = at, name
        elif start[row] == at and strategy[row] != name and "MAR" not in (name, strategy[row]):
            findings.append(
                f"participant {participants[row]} has two events before visit {visits[at]} with "
                f"the strategies {strategy[row]} and {name}: say which one holds"
            )
        else:
            counts["events decided by an earlier one"] += 1
    if findings:
        raise ImputationError(findings)
    return Starts(start, strategy, counts, events)


def _first_affected(
    event: Mapping[Any, Any], visits: Sequence[Any], visit_days: Mapping[Any, float] | None
) -> int:
    if "visit" in event and not pd.isna(event["visit"]):
        for place, visit in enumerate(visits):
            if visit == event["visit"] or str(visit) == str(event["visit"]):
                return place
        raise ImputationError(
            f"no visit is called {event['visit']!r}; visits are {listed(visits, 20)}"
        )
    if "day" not in event or pd.isna(event["day"]):
        raise ImputationError("it has neither a visit nor a day")
    if visit_days is None:
        raise ImputationError("it is given by day, which needs the days of the visits (visit_days)")
    days = [visit_days[visit] for visit in visits]
    return int(sum(day <= float(event["day"]) for day in days))


def first_missed(seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first visit after the last one seen, the number of visits for completers.

    Examples
    --------
    >>> first_missed(np.array([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)).tolist()
    [3, 4, 0]
    """
    T = seen.shape[1]
    last = T - np.argmax(seen[:, ::-1], axis=1)
    return np.where(seen.any(1), last, 0).astype(np.int64)
