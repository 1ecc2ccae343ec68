r"""Shares at several visits, laid out for one model: statuses (yes or no), days out of a number.

The model is :math:`\mathrm{logit}\,\mu = \text{visit} + \text{arm} \times \text{visit} +
\text{baseline} + \text{covariates}` (:mod:`ipt_outcomes.analyses.gee`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.disclosure import SMALLEST
from ipt_outcomes.analyses.gee import EXCHANGEABLE, GeeFit, arm_by_visit, binomial_gee
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.status import StatusDefinition

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class RepeatedShares:
    """Shares of n participants and visits, with the design of their model.

    Parameters
    ----------
    matrix
        The scores that they were made from.
    usable
        Positions of the visits in the model.
    row, column
        Participant, and position in ``usable``, of each share, shape (n,).
    share, x
        Shape (n,) and (n, p).
    trials
        Trials behind each share.
    sizes
        Participants by visit (all of them) and arm.
    hidden
        Positions of the visits at which the share of an arm may not be shown: nor may what would
        give it back.
    """

    matrix: ScoreMatrix
    usable: list[int]
    row: Counts
    column: Counts
    share: Floats
    x: Floats
    trials: int
    sizes: Counts
    hidden: frozenset[int]

    def fit(self, working: str = EXCHANGEABLE) -> GeeFit:
        """Fit the model.

        Raises
        ------
        ipt_outcomes.analyses.gee.GeeError
            When the fit does not converge or has no finite solution.
        """
        return binomial_gee(self.share, self.x, self.row, self.trials, working=working)

    def log_odds_ratio(self, visit: int, arm: int) -> Floats:
        """Return the weights of an arm's log odds ratio against the last arm, shape (p,).

        Parameters
        ----------
        visit
            Position of the visit among all.
        arm
            Position of the arm.
        """
        weights = np.zeros(self.x.shape[1])
        others = len(self.matrix.arms) - 1
        weights[len(self.usable) + self.usable.index(visit) * others + arm] = 1.0
        return weights


def repeated_statuses(
    matrix: ScoreMatrix, definition: StatusDefinition, smallest: int = SMALLEST
) -> RepeatedShares | None:
    """Lay out who has a status at each visit.

    Parameters
    ----------
    matrix
        The scores.
    definition
        The status.
    smallest
        Smallest count that is shown.

    Returns
    -------
    RepeatedShares or None
        The visits at which every arm has participants with the status and without it, and five or
        more; None where there is no such visit.
    """
    event = definition.holds(matrix.baseline[:, None], matrix.scores)
    seen = ~np.isnan(matrix.scores) & ~np.isnan(matrix.baseline)[:, None]
    sizes, events = _by_arm(matrix, seen), _by_arm(matrix, seen & event)
    least = np.minimum(events, sizes - events).min(axis=1)
    usable = [
        place
        for place in range(1, len(matrix.visits))
        if sizes[place].min() >= SMALLEST and least[place] > 0
    ]
    few = (sizes < smallest) | few_with_or_without(events, sizes, smallest)
    hidden = frozenset(np.flatnonzero(few.any(axis=1)).tolist())
    return _laid_out(matrix, event.astype(float), seen, usable, 1, sizes, hidden)


def few_with_or_without(events: Counts, sizes: Counts, smallest: int) -> Flags:
    """Tell where some, but fewer than the smallest, have a status, or lack it."""
    without = sizes - events
    return ((events > 0) & (events < smallest)) | ((without > 0) & (without < smallest))


def repeated_days(matrix: ScoreMatrix, bound: int) -> RepeatedShares | None:
    """Lay out the share of days at each visit.

    Parameters
    ----------
    matrix
        Numbers of days.
    bound
        The largest possible number.

    Returns
    -------
    RepeatedShares or None
        The visits at which every arm has five or more; None where there is no such visit.
    """
    seen = ~np.isnan(matrix.scores) & ~np.isnan(matrix.baseline)[:, None]
    sizes = _by_arm(matrix, seen)
    usable = [v for v in range(1, len(matrix.visits)) if sizes[v].min() >= SMALLEST]
    return _laid_out(matrix, matrix.scores / bound, seen, usable, bound, sizes, frozenset())


def _by_arm(matrix: ScoreMatrix, whom: Flags) -> Counts:
    own = np.eye(len(matrix.arms), dtype=np.int64)[matrix.arm]
    return np.asarray(whom.T.astype(np.int64) @ own)


def _laid_out(
    matrix: ScoreMatrix,
    shares: Floats,
    seen: Flags,
    usable: list[int],
    trials: int,
    sizes: Counts,
    hidden: frozenset[int],
) -> RepeatedShares | None:
    if not usable:
        return None
    row, column = np.nonzero(seen[:, usable])
    covariates = np.column_stack([matrix.baseline_filled(), matrix.covariates])
    arms = len(matrix.arms)
    x = arm_by_visit(matrix.arm[row], column, arms, len(usable), covariates[row])
    share = shares[row, np.array(usable)[column]]
    return RepeatedShares(matrix, usable, row, column, share, x, trials, sizes, hidden)
