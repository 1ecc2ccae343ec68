"""A small simulated trial with gaps, for the examples of the documentation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .incomplete import IncompleteTrial, incomplete_trial


def small_trial(participants: int = 40, seed: int = 1, strategy: str = "JR") -> IncompleteTrial:
    """Simulate two arms with three visits in which a third leave before week 12 or 16.

    Parameters
    ----------
    participants
        How many, half of them in each arm.
    seed
        Of the random numbers.
    strategy
        Strategy of those who left.

    Examples
    --------
    >>> small_trial().y.shape
    (40, 3)
    """
    rng = np.random.default_rng(seed)
    weeks = [8, 12, 16]
    number = np.arange(participants)
    arm = np.where(number % 2, "IPT", "MED")
    baseline = rng.normal(20, 4, participants)
    person = rng.normal(0, 4, participants)
    slope = np.where(arm == "IPT", -0.7, -0.5)
    y = baseline[:, None] + slope[:, None] * np.array(weeks) + person[:, None]
    y = y + rng.normal(0, 2.5, y.shape)
    left = np.where(number % 4 == 3, 1 + number // 4 % 2, np.where(number % 8 == 4, 2, 3))
    y[np.arange(3)[None, :] >= left[:, None]] = np.nan
    ids = [f"P{i:02d}" for i in range(participants)]
    frame = pd.DataFrame(
        {
            "participant": np.repeat(ids, 3),
            "arm": np.repeat(arm, 3),
            "baseline": np.repeat(baseline, 3),
            "week": np.tile(weeks, participants),
            "score": y.ravel(),
        }
    )
    gone = np.flatnonzero(left < 3)
    events = pd.DataFrame(
        {
            "participant": [ids[i] for i in gone],
            "visit": [weeks[left[i]] for i in gone],
            "strategy": strategy,
            "type": np.where(gone % 3 == 0, "moved away", "no benefit"),
        }
    )
    return incomplete_trial(
        frame, "score ~ baseline*week + arm*week", participant="participant", visit="week",
        arm="arm", reference="MED", events=events,
    )  # fmt: skip
