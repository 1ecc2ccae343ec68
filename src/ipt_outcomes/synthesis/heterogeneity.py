r"""How much true effects differ between trials: τ², Q, I², H² and their intervals.

For y = Xβ + u + e with u_i ~ N(0, τ²), e_i ~ N(0, v_i), and Q(t) the generalised statistic of
:mod:`ipt_outcomes.synthesis.weighted`:

* DerSimonian–Laird: τ² = (Q(0) - (k - p)) / tr(P(0)), at least 0;
* Paule–Mandel: the root of Q(t) = k - p, at least 0;
* REML, ML: the t that maximises the (restricted) likelihood. The score
  s(t) = ½(y'PPy - tr P) may have several roots; all are found on a grid and the highest is taken;
* Q-profile interval: the t between which Q(t) lies within the central quantiles of χ²(k - p)
  (Viechtbauer 2007; Jackson 2013 for regression);
* I² = τ²/(τ² + s²) and H² = 1 + τ²/s², s² = (k - p)/tr(P(0)) the typical sampling variance; their
  intervals carry those of τ² over.

Sources: DerSimonian & Laird (1986), Controlled Clinical Trials 7:177; Paule & Mandel (1982), J.
Res. Natl. Bur. Stand. 87:377; Viechtbauer (2005), J. Educ. Behav. Stat. 30:261; Viechtbauer (2007),
Statistics in Medicine 26:37; Higgins & Thompson (2002), Statistics in Medicine 21:1539.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from ipt_outcomes.synthesis.effects import Floats
from ipt_outcomes.synthesis.weighted import log_likelihood, trace_P, weighted_fit

Tau2Method = Literal["REML", "PM", "DL", "ML", "FE"]

TAU2_METHODS: dict[Tau2Method, str] = {
    "REML": "restricted maximum likelihood",
    "PM": "Paule–Mandel",
    "DL": "DerSimonian–Laird",
    "ML": "maximum likelihood",
    "FE": "common effect, no heterogeneity",
}
"""Estimators of the between-trial variance."""

GRID = 60


@dataclass(frozen=True)
class Interval:
    """An interval of a parameter that has an estimate elsewhere."""

    lower: float
    upper: float
    level: float


@dataclass(frozen=True)
class Heterogeneity:
    """How much true effects differ.

    Parameters
    ----------
    tau2
        Between-trial variance.
    tau2_interval
        Its Q-profile interval.
    Q, df, p
        Cochran's Q (residual where there are moderators), its degrees of freedom and p-value.
    I2, I2_interval
        Share of the total variance that is between trials, in percent.
    H2
        Total over sampling variance.
    typical_variance
        The typical sampling variance s² of the definition of I².
    method
        Estimator of τ².
    """

    tau2: float
    tau2_interval: Interval
    Q: float
    df: int
    p: float
    I2: float
    I2_interval: Interval
    H2: float
    typical_variance: float
    method: Tau2Method


def estimate_tau2(y: Floats, v: Floats, X: Floats, method: Tau2Method = "REML") -> float:
    """Estimate the between-trial variance.

    Parameters
    ----------
    y, v
        Effects and sampling variances, shape (k,).
    X
        Design with full column rank, shape (k, p), p < k.
    method
        One of :data:`TAU2_METHODS`.

    Examples
    --------
    >>> y, v = np.array([0.1, 0.5, 0.9]), np.array([0.04, 0.05, 0.06])
    >>> round(estimate_tau2(y, v, np.ones((3, 1)), "DL"), 4)
    0.1107
    """
    if method == "FE":
        return 0.0
    k, p = X.shape
    fixed = weighted_fit(y, v, X, 0.0)
    if method == "DL":
        return max(0.0, float(fixed.rss - (k - p)) / trace_P(fixed, X))
    if method == "PM":
        return root_of_Q(y, v, X, k - p)
    return _maximum_likelihood(y, v, X, reml=method == "REML")


def root_of_Q(y: Floats, v: Floats, X: Floats, target: float) -> float:  # noqa: N802
    """Return the t at which Q(t) equals a target; 0 when Q(0) is below it already."""

    def excess(t: float) -> float:
        return weighted_fit(y, v, X, t).rss - target

    if excess(0.0) <= 0:
        return 0.0
    return _root(excess, float(np.mean(v)))


def heterogeneity(
    y: Floats, v: Floats, X: Floats, tau2: float, method: Tau2Method, level: float
) -> Heterogeneity:
    """Describe the heterogeneity that is left after the moderators of X.

    Parameters
    ----------
    y, v, X
        As for :func:`estimate_tau2`.
    tau2
        The estimate.
    method
        How it was estimated.
    level
        Level of the intervals.
    """
    k, p = X.shape
    fixed = weighted_fit(y, v, X, 0.0)
    typical = (k - p) / trace_P(fixed, X)
    tail = (1 - level) / 2
    lower = root_of_Q(y, v, X, float(stats.chi2.ppf(1 - tail, k - p)))
    upper = root_of_Q(y, v, X, float(stats.chi2.ppf(tail, k - p)))

    def share(t: float) -> float:
        return float(100 * t / (t + typical))

    return Heterogeneity(
        tau2=tau2,
        tau2_interval=Interval(lower, upper, level),
        Q=fixed.rss,
        df=k - p,
        p=float(stats.chi2.sf(fixed.rss, k - p)),
        I2=share(tau2),
        I2_interval=Interval(share(lower), share(upper), level),
        H2=1 + tau2 / typical,
        typical_variance=typical,
        method=method,
    )


def _maximum_likelihood(y: Floats, v: Floats, X: Floats, reml: bool) -> float:
    def score(t: float) -> float:
        fit = weighted_fit(y, v, X, t)
        trace = trace_P(fit, X) if reml else float(fit.weights.sum())
        return float(fit.weights**2 @ fit.residuals**2) - trace

    def height(t: float) -> float:
        return log_likelihood(weighted_fit(y, v, X, t), X, reml)

    k, p = X.shape
    scale = float(np.mean(v))
    end = weighted_fit(y, np.ones_like(v), X, 0.0).rss / (k - p) + float(v.max())
    while score(end) >= 0:
        end *= 2
    grid = np.concatenate([[0.0], np.geomspace(scale * 1e-6, end, GRID)])
    scores = _scores(grid, y, v, X, reml)
    candidates = [0.0]
    for left, right, s_left, s_right in zip(
        grid[:-1], grid[1:], scores[:-1], scores[1:], strict=True
    ):
        if s_left > 0 >= s_right:
            candidates.append(float(brentq(score, left, right, xtol=1e-14 * scale, rtol=1e-14)))
    return max(candidates, key=height)


def _scores(grid: Floats, y: Floats, v: Floats, X: Floats, reml: bool) -> Floats:
    """Return twice the score at many τ² at once."""
    w = 1 / (v + grid[:, None])
    M = np.linalg.inv(np.einsum("kp,gk,kq->gpq", X, w, X))
    beta = np.einsum("gpq,kq,gk,k->gp", M, X, w, y, optimize=True)
    r = y - beta @ X.T
    trace = w.sum(axis=1)
    if reml:
        trace -= np.einsum("gpq,kq,gk,kp->g", M, X, w**2, X, optimize=True)
    return np.asarray(np.sum((w * r) ** 2, axis=1) - trace)


def _root(function: Callable[[float], float], start: float) -> float:
    """Find the root of a function that falls from a positive value at 0."""
    upper = start
    while function(upper) > 0:
        upper *= 4
    return float(brentq(function, 0.0, upper, xtol=1e-14 * start, rtol=1e-14))
