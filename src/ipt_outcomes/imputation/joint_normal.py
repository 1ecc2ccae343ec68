r"""Multiple imputation of missing scores under missing at random, for statuses made from scores.

The scores of a participant at all visits, baseline included, are taken as jointly normal,

.. math:: Y_i \sim N(B' x_i, \Sigma), \qquad x_i = (\text{arm}, \text{covariates}),

with unstructured :math:`\Sigma`. Each imputation fits B and :math:`\Sigma` by EM to a bootstrap
sample of participants (within arms), which stands for a draw from their posterior, and draws the
missing scores given those observed. Where the observed scores are whole numbers the imputed ones
are rounded, and none lies outside the outcome's range: a status is then made from imputed scores
exactly as from observed ones.

Sources: Dempster, Laird & Rubin (1977), JRSS B 39:1; Little & Rubin (2002), Statistical Analysis
with Missing Data, chapters 10 and 11 (EM for the normal model, bootstrap draws).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import ImputationError
from .incomplete import Floats

Group = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]

STEPS = 500
TOLERANCE = 1e-4
"""Largest change of a parameter, in standard deviations, at which EM has converged: far below
the sampling error that each bootstrap sample adds."""
RIDGE = 1e-8


@dataclass(frozen=True)
class NormalModel:
    """Parameters of the joint normal distribution of scores.

    Parameters
    ----------
    coefficients
        Shape (columns of x, visits).
    covariance
        Shape (visits, visits).
    """

    coefficients: Floats
    covariance: Floats


def fit_normal(
    scores: Floats, x: Floats, start: NormalModel | None = None, weights: Floats | None = None
) -> NormalModel:
    """Fit the joint normal distribution by maximum likelihood.

    Parameters
    ----------
    scores
        Scores with NaN where missing, shape (n, visits).
    x
        Design, shape (n, columns).
    start
        Parameters to start from.
    weights
        How often each participant counts, shape (n,); once when not given.

    Raises
    ------
    ImputationError
        When a visit has no score at all, or EM does not converge.

    Examples
    --------
    >>> scores = np.array([[20.0, 10.0], [22.0, 14.0], [18.0, np.nan], [25.0, 12.0]])
    >>> fit_normal(scores, np.ones((4, 1))).coefficients.round(1)[0, 0]
    np.float64(21.2)
    """
    w = np.ones(len(scores)) if weights is None else weights
    kept = w > 0
    scores, x, w = scores[kept], x[kept], w[kept]
    seen = ~np.isnan(scores)
    if not seen.any(axis=0).all():
        raise _impossible("a visit without any score cannot be imputed")
    model = start if start is not None else _start(scores, x, seen)
    groups = groups_of(seen)
    gram = x.T @ (x * w[:, None])
    xw = x.T * w
    scale = np.sqrt(np.diag(model.covariance))
    for _ in range(STEPS):
        filled, spread = _expected(scores, x, w, groups, model)
        beta = np.asarray(np.linalg.lstsq(gram, xw @ filled, rcond=None)[0], np.float64)
        residual = filled - x @ beta
        sigma = (residual.T @ (residual * w[:, None]) + spread) / w.sum()
        moved = max(
            np.abs((beta - model.coefficients) / scale).max(),
            np.abs((sigma - model.covariance) / np.outer(scale, scale)).max(),
        )
        model = NormalModel(beta, sigma)
        if moved < TOLERANCE:
            return model
    raise _impossible(f"the model of the missing scores did not converge in {STEPS} steps")


def _impossible(why: str) -> ImputationError:
    return ImputationError(why, shareable=why)


def imputations(
    scores: Floats,
    arm: NDArray[np.int64],
    covariates: Floats,
    number: int,
    random: np.random.Generator,
    limits: tuple[float, float],
) -> Iterator[Floats]:
    """Impute missing scores several times.

    Parameters
    ----------
    scores
        Scores with NaN where missing, shape (n, visits).
    arm
        Position of each participant's arm, shape (n,).
    covariates
        Baseline covariates as numbers, shape (n, q).
    number
        How many imputations.
    random
        Source of random numbers.
    limits
        Least and greatest possible score.

    Yields
    ------
    numpy.ndarray
        Complete scores, shape (n, visits).

    Raises
    ------
    ImputationError
        As :func:`fit_normal`.
    """
    x = design(arm, covariates)
    if not np.isnan(scores).any():
        for _ in range(number):
            yield scores.copy()
        return
    best = fit_normal(scores, x)
    for _ in range(number):
        weights = resample(arm, random)
        yield draw_scores(scores, x, fit_normal(scores, x, best, weights), random, limits)


def design(arm: NDArray[np.int64], covariates: Floats) -> Floats:
    """Put indicators of the arms beside the covariates, the latter centred."""
    own = np.eye(int(arm.max()) + 1)[arm]
    return np.hstack([own, covariates - covariates.mean(axis=0)])


def resample(arm: NDArray[np.int64], random: np.random.Generator) -> Floats:
    """Draw a bootstrap sample within arms: how often each participant is in it, shape (n,)."""
    weights = np.zeros(len(arm))
    for a in range(int(arm.max()) + 1):
        inside = np.flatnonzero(arm == a)
        weights[inside] = random.multinomial(len(inside), np.full(len(inside), 1 / len(inside)))
    return weights


def draw_scores(
    scores: Floats,
    x: Floats,
    model: NormalModel,
    random: np.random.Generator,
    limits: tuple[float, float],
) -> Floats:
    """Draw the missing scores given those observed and the parameters, as scores are recorded."""
    seen = ~np.isnan(scores)
    whole = bool(np.all(scores[seen] == np.round(scores[seen])))
    noise = random.standard_normal(scores.shape)  # one draw per cell: order never matters
    return np.where(seen, scores, within_limits(drawn(scores, x, model, noise), whole, limits))


def drawn(scores: Floats, x: Floats, model: NormalModel, noise: Floats) -> Floats:
    """Fill the missing scores given those observed and the parameters, unrounded.

    Parameters
    ----------
    scores, x, model
        As for :func:`fit_normal`.
    noise
        Standard normal numbers, shape (..., n, visits), for as many draws at once.

    Returns
    -------
    numpy.ndarray
        Complete scores, shape (..., n, visits).
    """
    mean = x @ model.coefficients
    complete = np.broadcast_to(scores, noise.shape).copy()
    for rows, known, lost in groups_of(~np.isnan(scores)):
        slope, left = conditional(model.covariance, known, lost)
        factor = np.linalg.cholesky(left + RIDGE * np.diag(np.diag(left)))
        expected = mean[rows, lost] + (scores[rows, known] - mean[rows, known]) @ slope.T
        complete[..., rows, lost] = expected + noise[..., rows, lost] @ factor.T
    return complete


def within_limits(drawn: Floats, whole: bool, limits: tuple[float, float]) -> Floats:
    """Round drawn scores where scores are whole, and keep them on the scale."""
    return np.asarray(np.clip(np.rint(drawn) if whole else drawn, *limits), np.float64)


def groups_of(seen: NDArray[np.bool_]) -> list[Group]:
    """Find the patterns with a missing score: rows (as a column), visits seen, visits lost."""
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    return [
        (np.flatnonzero(which == g)[:, None], np.flatnonzero(pattern), np.flatnonzero(~pattern))
        for g, pattern in enumerate(patterns)
        if not pattern.all()
    ]


def _start(scores: Floats, x: Floats, seen: NDArray[np.bool_]) -> NormalModel:
    filled = np.where(seen, scores, np.nanmean(scores, axis=0))
    beta = np.asarray(np.linalg.lstsq(x, filled, rcond=None)[0], np.float64)
    residual = filled - x @ beta
    variance = residual.var(axis=0)
    if not (variance > 0).all():
        raise _impossible("a visit whose scores are all the same cannot be imputed")
    return NormalModel(beta, np.diag(variance))


def _expected(
    scores: Floats, x: Floats, w: Floats, groups: list[Group], model: NormalModel
) -> tuple[Floats, Floats]:
    mean = x @ model.coefficients
    filled = scores.copy()
    spread = np.zeros_like(model.covariance)
    for rows, known, lost in groups:
        slope, left = conditional(model.covariance, known, lost)
        filled[rows, lost] = mean[rows, lost] + (scores[rows, known] - mean[rows, known]) @ slope.T
        spread[lost[:, None], lost] += w[rows].sum() * left
    return filled, spread


def conditional(
    covariance: Floats, known: NDArray[np.int64], lost: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Give the slopes of the lost scores on the known ones, and the covariance that is left."""
    inside = covariance[known[:, None], known]
    across = covariance[lost[:, None], known]
    # A few participants may leave scores collinear; the ridge is far below rounding to points.
    inside.flat[:: len(known) + 1] *= 1 + RIDGE
    slope = np.asarray(np.linalg.solve(inside, across.T).T, np.float64)
    return slope, covariance[lost[:, None], lost] - slope @ across.T
