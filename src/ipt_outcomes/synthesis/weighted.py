r"""Weighted least squares of independent effects: what every estimator of τ² is made of.

With weights w_i = 1/(v_i + τ²), W = diag(w), M = (X'WX)⁻¹ and P = W - W X M X'W,

    β = M X'W y,   r = y - X β,   Q(τ²) = y'P y = Σ w_i r_i²,
    tr(P) = Σ w_i - tr(M X'W²X),

all in one pass over the rows; no k × k matrix is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ipt_outcomes.synthesis.effects import Floats


@dataclass(frozen=True, eq=False)
class WeightedFit:
    """Weighted least squares at one value of τ².

    Parameters
    ----------
    tau2
        The between-trial variance.
    weights
        1/(v + τ²), shape (k,).
    beta
        Coefficients, shape (p,).
    covariance
        (X'WX)⁻¹, shape (p, p).
    residuals
        y - Xβ, shape (k,).
    rss
        Generalised Q, Σ w r².
    """

    tau2: float
    weights: Floats
    beta: Floats
    covariance: Floats
    residuals: Floats
    rss: float


def weighted_fit(y: Floats, v: Floats, X: Floats, tau2: float) -> WeightedFit:
    """Fit by weighted least squares.

    Parameters
    ----------
    y, v
        Effects and their variances, shape (k,).
    X
        Design, shape (k, p).
    tau2
        Between-trial variance.
    """
    w = 1 / (v + tau2)
    M = np.linalg.inv(X.T @ (w[:, None] * X))
    M = (M + M.T) / 2
    beta = M @ (X.T @ (w * y))
    r = y - X @ beta
    return WeightedFit(tau2, w, beta, M, r, float(w @ r**2))


def trace_P(fit: WeightedFit, X: Floats) -> float:  # noqa: N802 - the matrix is called P
    """Return tr(P)."""
    XWWX = X.T @ (fit.weights[:, None] ** 2 * X)
    return float(fit.weights.sum() - np.sum(fit.covariance * XWWX))


def log_likelihood(fit: WeightedFit, X: Floats, reml: bool) -> float:
    """Return the (restricted) log-likelihood at the fit's τ², with all constants.

    The restricted one is -½[(k-p) log 2π - log|X'X| + Σ log(v + τ²) + log|X'WX| + Q].
    """
    k, p = X.shape
    value = np.sum(np.log(fit.weights)) - fit.rss
    if reml:
        value += np.linalg.slogdet(X.T @ X)[1] + np.linalg.slogdet(fit.covariance)[1]
        return float(value - (k - p) * np.log(2 * np.pi)) / 2
    return float(value - k * np.log(2 * np.pi)) / 2
