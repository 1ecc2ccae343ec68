"""Which participants share a covariance: by group, by times and by design of the random effects.

A *set* of participants has the same covariance on all visits. Times and random effects are
completed where a participant was not seen, so that gaps alone make no new set.
"""

from __future__ import annotations

import numpy as np

from .clusters import participant_codes
from .errors import DesignError
from .factors import Codes, Floats, level_label
from .layout import Layout
from .random_effects import RandomDesign
from .source import Source, numbers_of
from .specification import Specification


def covariance_groups(
    spec: Specification, frame: Source, layout: Layout
) -> tuple[list[str], Codes]:
    """Return the groups that have a covariance of their own, and each participant's."""
    if spec.covariance_by is None:
        return [""], np.zeros(layout.shape[0], np.int64)
    levels, codes = participant_codes(frame, layout, spec.covariance_by, "covariance_by")
    return [level_label(v) for v in levels], codes


def cell_times(spec: Specification, frame: Source, layout: Layout) -> Floats | None:
    """Return the time of every cell (participants, T): a time column, or numeric visits."""
    if spec.time is not None:
        own = numbers_of(frame, spec.time, "time")[layout.keep]
        if spec.covariance == "spatial exponential":
            _no_tied_times(own, layout, spec.time)
        return layout.grid(own)
    try:
        numeric = np.array([float(v) for v in layout.visits])
    except (TypeError, ValueError):
        return None
    return None if spec.visit is None else np.broadcast_to(numeric, layout.shape)


def _no_tied_times(times: Floats, layout: Layout, name: str) -> None:
    order = np.lexsort((times, layout.participant))
    person, at = layout.participant[order], times[order]
    tied = np.flatnonzero((person[1:] == person[:-1]) & (at[1:] == at[:-1]))
    if len(tied):
        who = list(dict.fromkeys(layout.participants[person[tied]]))
        raise DesignError(
            f"time column {name!r} holds the same time twice for {len(who)} participants "
            f"({', '.join(map(str, who[:5]))}); a covariance in real time needs different times."
        )


def covariance_sets(
    layout: Layout,
    random: RandomDesign | None,
    groups: list[str],
    group_of: Codes,
    times: Floats | None,
) -> tuple[Codes, Codes, Floats | None, Floats | None]:
    """Sort participants by group, random-effects design and times."""
    people, visits = layout.shape
    parts: list[Floats] = []
    if random is not None:
        parts.append(random.fill(layout).reshape(people, -1))
    if times is not None:
        parts.append(_fill(times, layout))
    if not parts or all(np.array_equal(a, np.broadcast_to(a[:1], a.shape)) for a in parts):
        set_of, first = (
            group_of,
            np.array([int(np.flatnonzero(group_of == g)[0]) for g in range(len(groups))]),
        )
        if len(groups) == 1:
            first = np.zeros(1, np.int64)
        group_of_set = np.arange(len(groups))
    else:
        everything = np.column_stack([group_of.astype(float), *parts])
        _, first, set_of = np.unique(everything, axis=0, return_index=True, return_inverse=True)
        set_of = set_of.ravel().astype(np.int64)
        group_of_set = group_of[first]
    Z = None if random is None else parts[0][first].reshape(len(first), visits, -1)
    set_times = None if times is None else parts[-1][first]
    return set_of.astype(np.int64), group_of_set.astype(np.int64), Z, set_times


def _fill(times: Floats, layout: Layout) -> Floats:
    """Give cells that were not seen the common time of their visit, when there is one."""
    seen = layout.mask()
    at_visit = np.zeros(layout.shape[1])
    at_visit[layout.visit] = times[layout.participant, layout.visit]
    if np.array_equal(at_visit[layout.visit], times[layout.participant, layout.visit]):
        return np.broadcast_to(at_visit, layout.shape)
    return np.where(seen, times, 0.0)
