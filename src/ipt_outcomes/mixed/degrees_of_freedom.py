"""Degrees of freedom of tests on the fixed effects.

Satterthwaite (Giesbrecht & Burns 1985; Fai & Cornelius 1996): for a row c, with v = c'Φc and
∂v/∂θ_h = c'ΦB_hΦc, df = 2v² / (g'Ωg), Ω the covariance of θ̂. For several rows the contrasts are
rotated to be uncorrelated and their df combined through E = Σ ν/(ν−2).

Kenward & Roger (1997): the covariance Φ is replaced by

    Φ_A = Φ + 2Φ { Σ_hj Ω_hj (Q_hj − P_hΦP_j − ¼R_hj) } Φ ,

P_h = −B_h, Q_hj = Σ X'W D_h W D_j W X, R_hj = Σ X'W (∂²Σ/∂θ_h∂θ_j) W X, and df and a scale of the F
statistic are chosen to match two moments. For one row A₁ = A₂ = a, so that df = 2/a, which is
Satterthwaite's, and the scale is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .factors import Floats


@dataclass
class TestResult:
    """An F test: statistic, numerator and denominator df."""

    statistic: float
    numerator: int
    denominator: float


def satterthwaite(rows: Floats, phi: Floats, B: Floats, omega: Floats) -> Floats:
    """Return the df of single rows, shape (m,).

    Parameters
    ----------
    rows
        Contrasts, shape (m, p).
    phi
        Covariance of the estimates (p, p).
    B
        Σ X'W D_h W X per parameter (k, p, p).
    omega
        Covariance of the covariance parameters (k, k).
    """
    v = rows @ phi
    variance = np.einsum("mp,mp->m", v, rows)
    gradient = variance_gradient(v, B)
    spread = np.einsum("mh,hj,mj->m", gradient, omega, gradient)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2.0 * variance**2 / spread)


def variance_gradient(v: Floats, B: Floats) -> Floats:
    """Return v'B_h v for rows v, shape (m, k)."""
    return np.asarray(((v @ B) * v).sum(-1).T)


def combine_satterthwaite(df: Floats) -> float:
    """Return the denominator df of an F test from the df of uncorrelated rows.

    Examples
    --------
    >>> combine_satterthwaite(np.array([10.0, 10.0]))
    10.0
    """
    if len(df) == 1 or np.all(np.abs(np.diff(df)) < 1e-8):
        return float(df.mean())
    if df.min() <= 2:
        return 2.0
    total = float((df / (df - 2)).sum())
    return 2 * total / (total - len(df))


def kenward_roger_moments(
    rows: Floats, phi: Floats, B: Floats, omega: Floats
) -> tuple[float, float]:
    """Return the denominator df and the scale λ of Kenward & Roger's F for a matrix of rows."""
    size = len(rows)
    v = rows @ phi
    inner = np.linalg.inv(v @ rows.T)
    lower = np.linalg.cholesky(inner)
    # With L'(LΦL')⁻¹L = Θ, the traces need only the l × l matrices below.
    moved = lower.T @ (v @ B @ v.T) @ lower  # (k, l, l)
    traces = np.trace(moved, axis1=1, axis2=2)
    flat = moved.reshape(len(B), -1)
    a1 = float(traces @ omega @ traces)
    a2 = float(np.sum(omega * (flat @ flat.T)))
    return moments_to_df(a1, a2, size)


def moments_to_df(a1: float, a2: float, size: int) -> tuple[float, float]:
    """Turn A₁ and A₂ of Kenward & Roger (1997, section 4) into df and scale.

    The equations are exact where the statistic is Hotelling's or an F of balanced data, also where
    the approximate moments themselves do not exist. In very small data they may end in a negative
    df or scale: both are then missing.

    Examples
    --------
    >>> df, scale = moments_to_df(0.1, 0.1, 1)
    >>> round(df, 6), round(scale, 6)
    (20.0, 1.0)
    """
    if a2 <= 0:
        return float("inf"), 1.0
    if size == 1:
        return 2 / a2, 1.0  # what the equations below give, without their poles
    b = (a1 + 6 * a2) / (2 * size)
    g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
    denominator = 3 * size + 2 * (1 - g)
    c1, c2, c3 = g / denominator, (size - g) / denominator, (size + 2 - g) / denominator
    inverse_mean = 1 - a2 / size
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.float64(2 / size) * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
        df = 4 + (size + 2) / (size * variance * inverse_mean**2 / 2 - 1)
        scale = df * inverse_mean / (df - 2)
    valid = np.isfinite(df) and np.isfinite(scale) and df > 0 and scale > 0
    return (float(df), float(scale)) if valid else (float("nan"), float("nan"))
