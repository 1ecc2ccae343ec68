"""Refits of one model to re-weighted participants or to new outcomes, many at a time.

A bootstrap or jackknife weights the participants, an imputation or a simulation replaces the
outcomes; the model stays. The stored participants' columns give the cross-products of all
replicates by a few matrix products, and the fits are warm-started and taken together
(:mod:`.batch`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .batch import Stack, newton
from .clustered import ClusteredLikelihood
from .errors import MixedModelError
from .factors import Floats
from .fitted import FittedModel
from .statistics import CrossProducts, find_patterns
from .threads import single_threaded

CHUNK = 6_000_000  # numbers in the cross-products held at once


@dataclass
class Refits:
    """Results of R refits.

    Attributes
    ----------
    beta
        Coefficients (R, coefficients), in the order of ``fit.coefficients``, missing where aliased.
    theta
        Covariance parameters (R, k).
    sigma
        Covariance of the visits (R, sets, T, T).
    converged
        Which refits converged; the others hold missing coefficients.
    iterations
        Newton steps of each.
    """

    beta: Floats
    theta: Floats
    sigma: Floats
    converged: NDArray[np.bool_]
    iterations: NDArray[np.int64]

    def linear(self, rows: ArrayLike) -> Floats:
        """Return linear functions of the coefficients, shape (R, functions)."""
        matrix = np.atleast_2d(np.asarray(rows, float))
        used = (np.abs(matrix) > 0).any(0)
        return np.asarray(self.beta[:, used] @ matrix[:, used].T)


def refit(
    fit: FittedModel,
    *,
    weights: ArrayLike | None = None,
    outcomes: ArrayLike | None = None,
    tolerance: float = 1e-12,
) -> Refits:
    """Refit the model to R re-weighted or re-drawn data sets.

    Parameters
    ----------
    fit
        The fitted model; its covariance is the starting value.
    weights
        How often each participant counts, shape (R, participants) in the order of
        ``fit.layout.participants``: bootstrap counts, or ones with a zero for the jackknife.
    outcomes
        New outcomes (R, participants, visits), not a number where missing.
    tolerance
        Newton decrement at convergence.

    Raises
    ------
    MixedModelError
        For models whose refits cannot share a batch (clusters, covariances that are not linear in
        their parameters, irregular times), or arrays of the wrong shape.

    Examples
    --------
    See ``docs/methods/mixed-models.md``.
    """
    statistics = fit.prepared.statistics
    structure = fit.likelihood.structure
    if (
        isinstance(fit.likelihood, ClusteredLikelihood)
        or not isinstance(statistics, CrossProducts)
        or not structure.linear
        or fit.prepared.root_weight is not None
    ):
        raise MixedModelError(
            f"refits of {fit.covariance_used!r} with this request cannot be batched; supported: "
            "unstructured, compound symmetry, Toeplitz and independent covariances and random "
            "effects with independent residuals, also by group, without clusters and weights."
        )
    if (weights is None) == (outcomes is None):
        raise MixedModelError("give either weights or outcomes.")
    what, given = ("outcomes", outcomes) if weights is None else ("weights", weights)
    try:
        numbers = np.asarray(given, float)
    except (TypeError, ValueError) as error:
        raise MixedModelError(f"{what} must be numbers ({error}).") from error
    solve = _redrawn if weights is None else _weighted
    # A replicate whose sums overflow, or whose step goes too far, ends unconverged.
    with single_threaded(), np.errstate(all="ignore"):
        return solve(fit, statistics, numbers, tolerance)


def _weighted(
    fit: FittedModel, statistics: CrossProducts, weights: Floats, tolerance: float
) -> Refits:
    people, T = fit.layout.shape
    if weights.ndim != 2 or weights.shape[1] != people or not len(weights):
        raise MixedModelError(f"weights must have shape (replicates, {people}).")
    z, y = fit.prepared.scaled_z(), fit.prepared.free_outcome()
    both = np.concatenate([z, y], axis=1)
    d, width = z.shape[1], z.shape[1] + T
    member, groups = fit.prepared.patterns.member, len(statistics.n)
    products = (both[:, :, None] * both[:, None, :]).reshape(people, width * width)
    where = [np.flatnonzero(member == g) for g in range(groups)]
    pieces = []
    step = max(1, CHUNK // (groups * width * width))
    for begin in range(0, len(weights), step):
        w = weights[begin : begin + step]
        gram = np.empty((len(w), groups, width, width))
        n = np.empty((len(w), groups))
        for g, who in enumerate(where):
            gram[:, g] = (w[:, who] @ products[who]).reshape(-1, width, width)
            n[:, g] = w[:, who].sum(1)
        stack = Stack(
            n,
            np.ascontiguousarray(gram[:, :, :d, :d]),
            np.ascontiguousarray(gram[:, :, :d, d:]),
            np.ascontiguousarray(gram[:, :, d:, d:]),
            statistics.mask,
            statistics.set_index,
            statistics.selectors,
        )
        pieces.append(_solve(fit, stack, tolerance))
    return _collect(fit, pieces)


def _redrawn(
    fit: FittedModel, statistics: CrossProducts, outcomes: Floats, tolerance: float
) -> Refits:
    people, T = fit.layout.shape
    if outcomes.ndim != 3 or outcomes.shape[1:] != (people, T) or not len(outcomes):
        raise MixedModelError(f"outcomes must have shape (replicates, {people}, {T}).")
    z, d = fit.prepared.design.z, fit.prepared.design.z.shape[1]
    seen = np.isfinite(outcomes)
    B = statistics.visit_coefficients(statistics.offset)
    free = np.where(seen, outcomes - z @ B.T, 0.0)
    sets = fit.prepared.set_of
    pieces = []
    squares = (z[:, :, None] * z[:, None, :]).reshape(people, d * d)
    step = max(1, CHUNK // (8 * (people * T + (d + T) ** 2)))
    for begin in range(0, len(outcomes), step):
        here, y = seen[begin : begin + step], free[begin : begin + step]
        R = len(y)
        every = find_patterns(here.reshape(-1, T), np.tile(sets, R))
        member, groups = every.member.reshape(R, people), len(every.counts)
        keep = every.mask.any(1)
        zz, zy = np.empty((R, groups, d, d)), np.empty((R, groups, d, T))
        yy, n = np.empty((R, groups, T, T)), np.empty((R, groups))
        for g in range(groups):
            inside = (member == g).astype(float)
            own = y * inside[:, :, None]
            n[:, g] = inside.sum(1)
            zz[:, g] = (inside @ squares).reshape(R, d, d)
            zy[:, g] = z.T @ own
            yy[:, g] = own.transpose(0, 2, 1) @ own
        stack = Stack(
            n[:, keep],
            zz[:, keep],
            zy[:, keep],
            yy[:, keep],
            every.mask[keep],
            every.set_index[keep],
            statistics.selectors,
        )
        pieces.append(_solve(fit, stack, tolerance))
    return _collect(fit, pieces)


Piece = tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.int64]]


def _solve(fit: FittedModel, stack: Stack, tolerance: float) -> Piece:
    theta0 = fit.point.theta
    start = np.broadcast_to(theta0, (len(stack.n), len(theta0))).copy()
    theta, beta, _, converged, count = newton(
        stack, fit.likelihood.structure.first(theta0), start, reml=fit.specification.reml,
        tolerance=tolerance,
    )  # fmt: skip
    return theta, beta, converged, count


def _collect(fit: FittedModel, pieces: list[Piece]) -> Refits:
    theta = np.concatenate([p[0] for p in pieces])
    beta = np.concatenate([p[1] for p in pieces]) + fit.prepared.statistics.offset
    full = np.full((len(beta), len(fit.design.columns)), np.nan)
    full[:, fit.aliasing.kept] = beta
    structure = fit.likelihood.structure
    D = structure.first(fit.point.theta).reshape(structure.parameters, -1)
    sigma = (theta @ D).reshape(len(theta), structure.sets, structure.visits, structure.visits)
    converged = np.concatenate([p[2] for p in pieces])
    return Refits(full, theta, sigma, converged, np.concatenate([p[3] for p in pieces]))
