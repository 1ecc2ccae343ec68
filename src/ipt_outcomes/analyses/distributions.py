"""How baseline scores and other numbers known before randomisation are distributed, by arm.

Counts in classes of equal width, the outer ones open. The outer classes are widened until no arm
has a small cell in them; a small cell further in is hidden, and with it what would reveal it. No
test is made: with randomisation its null hypothesis is known to be true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData
from ipt_outcomes.analyses.disclosure import suppress
from ipt_outcomes.results import Row

Floats = NDArray[np.float64]

ANALYSIS = "baseline distribution"
ABOUT = 11
"""Classes aimed at before the outer ones are widened."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE_STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0)
"""Widths of classes of whole numbers, so that each holds as many of them."""


def distribution_rows(data: TrialData, numbers: Mapping[str, pd.Series]) -> Iterator[Row]:
    """Count participants of each arm by class of each number.

    Parameters
    ----------
    data
        The trial.
    numbers
        Name of an outcome or a characteristic: its values at baseline, in the order of the
        participants.
    """
    people = data.participants
    smallest = data.study.privacy.smallest_group
    for name, values in numbers.items():
        of_arm = {arm: values[people["arm"] == arm].dropna().to_numpy(float) for arm in data.arms}
        of_arm = {arm: found for arm, found in of_arm.items() if len(found) >= smallest}
        if not of_arm:
            continue
        edges = inner_edges(list(of_arm.values()), smallest)
        labels = class_labels(edges)
        for arm, found in of_arm.items():
            place = np.searchsorted(edges, found, side="right")
            counts = {label: int((place == k).sum()) for k, label in enumerate(labels)}
            hidden = suppress(counts)
            for label, n in counts.items():
                yield {"analysis": ANALYSIS, "analysis_set": AS_RANDOMISED, "quantity": "count",
                       "outcome": name, "arm": arm, "subgroup": label, "n_arm": len(found),
                       "contrast": "participants by class", "method": "description",
                       "estimate": None if label in hidden else n,
                       "notes": hidden.get(label)}  # fmt: skip


def inner_edges(groups: list[Floats], smallest: int) -> Floats:
    """Choose the lower ends of all classes but the first.

    Parameters
    ----------
    groups
        Values of each arm.
    smallest
        The smallest count that may be shown in the outer classes.

    Examples
    --------
    >>> inner_edges([np.repeat(np.arange(10.0, 31.0), 2)], 5)
    array([14., 16., 18., 20., 22., 24., 26., 28.])
    """
    every = np.concatenate(groups)
    low, high = float(every.min()), float(every.max())
    if high <= low:
        return np.empty(0)
    whole = bool((every == np.round(every)).all())
    raw = max((high - low) / ABOUT, 1.0 if whole else 0.0)
    scale = 10.0 ** np.floor(np.log10(raw))
    steps = _WHOLE_STEPS if whole else _STEPS
    width = scale * next(step for step in steps if step * scale >= raw * (1 - 1e-9))
    first = np.floor(low / width) * width
    edges = np.round(np.arange(first + width, high + width / 2, width), 10)
    edges = edges[edges <= high]

    def tail(edge: float, upper: bool) -> bool:
        counts = [int((g >= edge).sum() if upper else (g < edge).sum()) for g in groups]
        return all(n == 0 or n >= smallest for n in counts)

    while len(edges) and not tail(edges[-1], True):
        edges = edges[:-1]
    while len(edges) and not tail(edges[0], False):
        edges = edges[1:]
    return np.asarray(edges, float)


def class_labels(edges: Floats) -> list[str]:
    """Name the classes that lie between edges.

    Examples
    --------
    >>> class_labels(np.array([14.0, 16.0]))
    ['below 14', '14 to below 16', '16 or above']
    """
    if not len(edges):
        return ["all"]
    between = [f"{a:g} to below {b:g}" for a, b in pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} or above"]
