r"""Draw many trials of one design at once, as arrays.

Who leaves: in the interval after visit :math:`k` the hazard is

.. math:: h_{ik} = -\frac{\log(1-p_a)}{K}\; e^{\beta z_{ik} - \beta^2/2},

with :math:`p_a` the arm's proportion of dropouts within the :math:`K` intervals up to the endpoint
and :math:`z` the last observed score, standardised by the arm's planned mean and SD. Scores are
therefore missing at random given what was observed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.planning.design import Floats, PlannedTrial


@dataclass(frozen=True)
class DrawnTrials:
    """R trials of N participants.

    Parameters
    ----------
    arm
        Position of each participant's arm (N), the same in all trials.
    therapist
        Number of the therapist (R, N), -1 where there is none.
    scores
        Scores at all visits (R, N, T + 1), not a number where missing.
    """

    arm: NDArray[np.int64]
    therapist: NDArray[np.int64]
    scores: Floats

    @property
    def baseline(self) -> Floats:
        """Scores before randomisation (R, N)."""
        return self.scores[:, :, 0]

    @property
    def later(self) -> Floats:
        """Scores after baseline (R, N, T)."""
        return self.scores[:, :, 1:]


def draw_trials(design: PlannedTrial, trials: int, rng: np.random.Generator) -> DrawnTrials:
    """Draw trials.

    Parameters
    ----------
    design
        What they look like.
    trials
        How many.
    rng
        Source of randomness.

    Examples
    --------
    >>> from ipt_outcomes.planning.design import EXAMPLE
    >>> drawn = draw_trials(PlannedTrial.model_validate(EXAMPLE), 2, np.random.default_rng(1))
    >>> drawn.scores.shape
    (2, 200, 5)
    """
    arms = list(design.arms.values())
    sizes = [arm.participants for arm in arms]
    arm = np.repeat(np.arange(len(arms)), sizes)
    n, visits = len(arm), len(design.visits)
    root = np.linalg.cholesky(design.covariance)
    scores = rng.standard_normal((trials, n, visits)) @ root.T
    scores += np.array([a.means for a in arms])[arm]
    treated = np.array([a.psychotherapy for a in arms])[arm]
    therapist = np.full((trials, n), -1)
    growing = np.zeros((trials, n))
    if design.therapists is not None and treated.any():
        therapist = _therapists(design, arm, treated, trials, rng)
        count = int(therapist.max()) + 1
        effects = design.therapist_sd * rng.standard_normal((trials, count))
        own = np.take_along_axis(effects, np.maximum(therapist, 0), 1)
        growing += np.where(therapist >= 0, own, 0.0)
    if design.problem_areas:
        shares = np.cumsum([area.share for area in design.problem_areas.values()])
        effects = np.array([area.effect for area in design.problem_areas.values()])
        chosen = np.searchsorted(shares, rng.random((trials, n)), side="right")
        growing += np.where(treated, effects[np.minimum(chosen, len(shares) - 1)], 0.0)
    scores += growing[:, :, None] * design.build_up
    if design.outcome.range is not None:
        scores = np.clip(np.rint(scores), *design.outcome.range)
    _leave(design, arm, scores, rng)
    return DrawnTrials(arm, therapist, scores)


def _therapists(
    design: PlannedTrial,
    arm: NDArray[np.int64],
    treated: NDArray[np.bool_],
    trials: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Share the participants of each arm with psychotherapy evenly among its therapists."""
    assert design.therapists is not None
    number = design.therapists.number
    out = np.full((trials, len(arm)), -1)
    for place, a in enumerate(np.unique(arm[treated])):
        here = np.flatnonzero(arm == a)
        turn = np.tile(np.arange(len(here)) % number, (trials, 1))
        out[:, here] = place * number + rng.permuted(turn, axis=1)
    return out


def _leave(
    design: PlannedTrial, arm: NDArray[np.int64], scores: Floats, rng: np.random.Generator
) -> None:
    """Empty the scores of those who have left or missed a visit, in place."""
    arms = list(design.arms.values())
    base = -np.log1p(-np.array([a.dropout for a in arms]))[arm] / design.endpoint_index
    means = np.array([a.means for a in arms])[arm]
    beta = design.dropout_per_sd
    z = (scores[:, :, 0] - means[:, 0]) / design.sds[0]
    left = np.zeros(z.shape, bool)
    for k in range(1, scores.shape[2]):
        hazard = base * np.exp(beta * z - beta**2 / 2)
        left |= rng.random(z.shape) < -np.expm1(-hazard)
        missed = rng.random(z.shape) < design.missed_visits
        gone = left | missed
        here = (scores[:, :, k] - means[:, k]) / design.sds[k]
        z = np.where(gone, z, here)
        scores[:, :, k][gone] = np.nan
