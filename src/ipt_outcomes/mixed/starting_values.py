"""Where Newton's method begins: covariances from the moments of the least-squares residuals."""

from __future__ import annotations

import numpy as np

from .clustered import ClusteredLikelihood
from .composition import RandomPlusResidual
from .factors import Floats
from .likelihood import Likelihood
from .statistics import Statistics


def starting_values(likelihood: Likelihood) -> Floats:
    """Return starting values from the least-squares residuals."""
    statistics, structure = likelihood.statistics, likelihood.structure
    moments = moment_covariance(statistics, structure.sets)
    start = structure.start(moments)
    if isinstance(structure, RandomPlusResidual) and structure.linear:
        start = project_moments(likelihood, structure, start)
    if isinstance(likelihood, ClusteredLikelihood):
        effect, loading = likelihood.effect, likelihood.loading
        size = (loading**2).sum(2)[statistics.mask].mean()
        total = float(np.mean(np.diagonal(moments[0])))
        share = np.diag((loading**2).sum((0, 1)) > 0).astype(float) * 0.05 * total / size
        matrices = np.broadcast_to(share, (effect.sets, *share.shape))
        start = np.concatenate([start, effect.start(matrices)])
    return start


def project_moments(likelihood: Likelihood, structure: RandomPlusResidual, start: Floats) -> Floats:
    """Regress the products of least-squares residuals on ∂Σ/∂θ (MINQUE with Σ = I)."""
    statistics = likelihood.statistics
    D = structure.first(start)
    products = statistics.residual_products(np.zeros(statistics.coefficients))
    k = len(D)
    cross, right = np.zeros((k, k)), np.zeros(k)
    for part in likelihood.chunks(k):
        own = np.where(likelihood.pair[part], D[:, statistics.set_index[part]], 0.0)
        flat = own.reshape(k, -1)
        size = np.broadcast_to(statistics.n[part][:, None, None], own.shape[1:]).ravel()
        cross += (flat * size) @ flat.T
        right += flat @ products[part].ravel()
    theta: Floats = np.asarray(np.linalg.lstsq(cross, right, rcond=None)[0], float)
    q = structure.q
    G = structure.random_covariance(theta)
    fallback = structure.random_covariance(start)
    diagonal = np.maximum(np.diag(G), 0.05 * np.diag(fallback))
    scale = np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(
        np.where(np.eye(q, dtype=bool), 1.0, G / np.outer(scale, scale))
    )
    G = (vectors * np.maximum(values, 0.1)) @ vectors.T * np.outer(scale, scale)
    residual = theta[structure.n_random :]
    floor = 0.2 * start[structure.n_random :]
    residual = np.where((floor > 0) & (residual < floor), floor, residual)
    return np.concatenate([G[structure.rows, structure.cols], residual])


def moment_covariance(statistics: Statistics, sets: int) -> Floats:
    """Return a positive-definite covariance from least-squares residuals, one per set."""
    mask, T = statistics.mask, statistics.visits
    pair = mask[:, :, None] & mask[:, None, :]
    products = np.where(pair, statistics.residual_products(np.zeros(statistics.coefficients)), 0.0)
    pooled = products.sum(0)
    weight = np.tensordot(statistics.n, pair.astype(float), 1)
    loss = statistics.coefficients / T
    if sets == 1 or sets > 64:
        one = _valid(_moments(pooled, weight, pooled, weight, loss))
        return np.broadcast_to(one, (sets, T, T))
    out = np.empty((sets, T, T))
    for s in range(sets):
        own = statistics.set_index == s
        count = np.tensordot(statistics.n[own], pair[own].astype(float), 1)
        out[s] = _valid(_moments(products[own].sum(0), count, pooled, weight, loss / sets))
    return out


def _moments(total: Floats, count: Floats, pooled: Floats, weight: Floats, loss: float) -> Floats:
    few = count < 3
    total, count = np.where(few, pooled, total), np.where(few, weight, count)
    return np.asarray(total / np.maximum(np.maximum(count - loss, 0.5 * count), 1.0))


def _valid(moment: Floats) -> Floats:
    """Return the nearest matrix with the same variances whose correlations are not extreme."""
    diagonal = np.diag(moment).copy()
    # A visit whose few observations the fixed effects reproduce says nothing of its variance.
    nothing = diagonal <= 1e-8 * diagonal.max()
    diagonal[nothing] = diagonal[~nothing].mean()
    scale = np.sqrt(diagonal)
    correlation = moment / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    repaired = (vectors * np.maximum(values, 0.05)) @ vectors.T
    unit = np.sqrt(np.diag(repaired))
    return np.asarray(repaired / np.outer(unit, unit) * np.outer(scale, scale))
