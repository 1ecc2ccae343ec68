r"""Bootstrap intervals of standardised contrasts, missing scores imputed in each sample.

Participants are drawn within arms; each of B samples is imputed M = 2 times and analysed. With
the mean squares between and within samples, :math:`S_b` and :math:`S_w`, the variance of the mean
of all BM estimates is

.. math:: V = \frac{1 + 1/B}{M}\,(S_b - S_w) + \frac{S_w}{BM},

which holds also where Rubin's variance does not. Degrees of freedom by Satterthwaite.

Source: von Hippel & Bartlett (2021), Statistical Science 36:400.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.rubin import Pooled
from ipt_outcomes.imputation.joint_normal import design, draw_scores, fit_normal, resample

Floats = NDArray[np.float64]

PER_SAMPLE = 2


def bootstrap_estimates(
    matrix: ScoreMatrix,
    estimate: Callable[[Floats, ScoreMatrix], Floats],
    samples: int,
    random: np.random.Generator,
    limits: tuple[float, float],
) -> Floats:
    """Estimate from bootstrap samples whose missing scores are imputed.

    Parameters
    ----------
    matrix
        Scores.
    estimate
        Function of complete scores and the sample they belong to; gives k estimates.
    samples
        Number of bootstrap samples, B.
    random
        Source of random numbers.
    limits
        Least and greatest possible score.

    Returns
    -------
    numpy.ndarray
        Estimates, shape (B, 2, k).
    """
    x = design(matrix.arm, matrix.covariates)
    complete = not np.isnan(matrix.scores).any()
    best = None if complete else fit_normal(matrix.scores, x)
    found = []
    for _ in range(samples):
        weights = resample(matrix.arm, random)
        rows = np.repeat(np.arange(len(weights)), weights.astype(np.int64))
        sample = ScoreMatrix(
            matrix.participants[rows], matrix.arm[rows], matrix.arms, matrix.visits,
            matrix.scores[rows], matrix.covariates[rows], [], 0,
        )  # fmt: skip
        if best is None:
            own = estimate(sample.scores, sample)
            found.append(np.stack([own] * PER_SAMPLE))
            continue
        # The parameters of each imputation are those of this sample: its own draw.
        model = fit_normal(matrix.scores, x, best, weights)
        drawn = [
            draw_scores(sample.scores, x[rows], model, random, limits) for _ in range(PER_SAMPLE)
        ]
        found.append(np.stack([estimate(scores, sample) for scores in drawn]))
    return np.stack(found)


def pooled_bootstrap(estimates: Floats) -> Pooled | None:
    """Pool the estimates of B samples imputed M times each; None when one is not finite.

    Parameters
    ----------
    estimates
        Estimates, shape (B, M), on the scale on which they are about normal.
    """
    if not np.isfinite(estimates).all():
        return None
    samples, per_sample = estimates.shape
    means = estimates.mean(axis=1)
    value = float(means.mean())
    between = per_sample * float(means.var(ddof=1))
    within = float(((estimates - means[:, None]) ** 2).sum()) / (samples * (per_sample - 1))
    factor = (1 + 1 / samples) / per_sample
    variance = factor * (between - within) + within / (samples * per_sample)
    if variance <= 0:
        return None
    weight_within = 1 / (samples * per_sample) - factor
    spread = (factor * between) ** 2 / (samples - 1)
    spread += (weight_within * within) ** 2 / (samples * (per_sample - 1))
    return Pooled(value, math.sqrt(variance), max(variance**2 / spread, 3.0), 0.0)
