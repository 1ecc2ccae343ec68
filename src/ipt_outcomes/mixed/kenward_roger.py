"""Kenward and Roger's adjusted covariance of the fixed effects, from per-pattern statistics.

    Φ_A = Φ + 2Φ { Σ_hj Ω_hj (Q_hj − B_hΦB_j − ¼R_hj) } Φ

The sums over pairs of parameters are contracted with Ω before they meet the data, so that no
matrix per pair is ever formed: Σ_hj Ω_hj D_h W D_j is one T × T matrix per pattern.
Source: Kenward & Roger (1997) Biometrics 53:983, equations (4) to (6).
"""

from __future__ import annotations

import numpy as np

from .factors import Floats
from .likelihood import TENSOR_LIMIT, Likelihood, Point


def weighted_pairs(likelihood: Likelihood, point: Point, omega: Floats) -> Floats:
    """Return Σ_hj Ω_hj D_h W_g D_j per pattern, shape (patterns, T, T)."""
    stats, D, W = likelihood.statistics, point.D, point.W
    k, sets, T, _ = D.shape
    out = np.empty_like(W)
    if sets * T**4 <= TENSOR_LIMIT and sets <= 64:
        for s in range(sets):
            rows = slice(None) if sets == 1 else stats.set_index == s
            active = np.flatnonzero(D[:, s].any((1, 2)))
            flat = D[active, s].reshape(len(active), T * T)
            # (ab),(cd) -> (bc),(ad)
            tensor = (flat.T @ omega[np.ix_(active, active)] @ flat).reshape(T, T, T, T)
            tensor = tensor.transpose(1, 2, 0, 3).reshape(T * T, T * T)
            own = W[rows]
            out[rows] = (own.reshape(-1, T * T) @ tensor).reshape(own.shape)
        return out
    mixed = np.tensordot(omega, D, axes=1)
    for part in likelihood.chunks(k):
        which = stats.set_index[part]
        left = D[:, which].transpose(1, 2, 0, 3).reshape(len(which), T, k * T)
        right = (W[part][:, None] @ mixed[:, which].transpose(1, 0, 2, 3)).reshape(
            len(which), k * T, T
        )
        out[part] = left @ right
    return out


def adjusted_covariance(
    likelihood: Likelihood, point: Point, omega: Floats, second: Floats | None
) -> Floats:
    """Return Φ_A.

    Parameters
    ----------
    likelihood, point
        The likelihood at its maximum, with products filled in.
    omega
        Covariance of the covariance parameters (k, k).
    second
        Σ_hj Ω_hj ∂²Σ/∂θ_h∂θ_j per set (sets, T, T), or ``None`` for the linear version.
    """
    stats, phi = likelihood.statistics, point.phi
    likelihood.products(point)
    assert point.B is not None
    inner = weighted_pairs(likelihood, point, omega)
    if second is not None:
        inner = inner - 0.25 * second[stats.set_index]
    Q = stats.xwx(point.W @ inner @ point.W)
    k, p, _ = point.B.shape
    mixed = (omega @ point.B.reshape(k, p * p)).reshape(k * p, p)
    P = (point.B @ phi).transpose(1, 0, 2).reshape(p, k * p) @ mixed
    bracket = Q - P
    out = phi + phi @ (bracket + bracket.T) @ phi
    return np.asarray(0.5 * (out + out.T))
