r"""Partially pooled area effects: what the few participants of an area can say, and no more.

With the adjusted means :math:`\hat\theta` of k areas at the endpoint and their covariance V from
the mixed model,

.. math:: \hat\theta \sim N(\theta, V), \qquad \theta_j \sim N(\mu, \tau^2).

Given τ, and with a flat prior for μ, the areas' means are normal around the best linear unbiased
predictions :math:`\hat\mu 1 + \tau^2 W(\hat\theta - \hat\mu 1)`, :math:`W = (V + \tau^2 I)^{-1}`.
Four areas tell little of τ, and taking its restricted maximum-likelihood estimate for the truth
would, where that is 0, call all areas equal beyond doubt. So τ is averaged over: its restricted
likelihood times a half-normal prior (scale: half the outcome's SD, a large difference between
areas), on a fine grid.

Source: Rubin (1981), Journal of Educational Statistics 6:377; Gelman (2006), Bayesian Analysis
1:515; Laird & Ware (1982), Biometrics 38:963.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

GRID = 400
LARGEST = 6.0
"""End of the grid, in scales of the prior: beyond it lies less than 1e-8 of the prior."""


@dataclass(frozen=True)
class PooledAreas:
    """Pooled means of k areas, averaged over the SD between areas.

    Parameters
    ----------
    tau
        Values of the SD between areas, shape (g,).
    weights
        Their posterior weights, adding up to 1, shape (g,).
    means, covariances
        Mean (g, k) and covariance (g, k, k) of the areas' means, given each value.
    restricted
        The restricted maximum-likelihood estimate of the SD between areas.
    """

    tau: Floats
    weights: Floats
    means: Floats
    covariances: Floats
    restricted: float

    def linear(self, row: Floats, level: float) -> tuple[float, float, float, float]:
        """Give a linear function of the areas' means: mean, SD, and the ends of its interval."""
        centre = self.means @ row
        spread = np.sqrt(np.maximum(np.einsum("gij,i,j->g", self.covariances, row, row), 1e-300))
        mean = float(self.weights @ centre)
        sd = float(np.sqrt(self.weights @ (spread**2 + (centre - mean) ** 2)))

        def below(x: float) -> float:
            return float(self.weights @ stats.norm.cdf((x - centre) / spread))

        wide = 12 * sd + 1e-12
        lower, upper = (
            float(optimize.brentq(lambda x, q=q: below(x) - q, mean - wide, mean + wide))
            for q in ((1 - level) / 2, (1 + level) / 2)
        )
        return mean, sd, lower, upper

    def between(self, level: float) -> tuple[float, float]:
        """Give the interval of the SD between areas."""
        reached = np.cumsum(self.weights)
        lower, upper = np.interp([(1 - level) / 2, (1 + level) / 2], reached, self.tau)
        return float(lower), float(upper)


def given_tau(estimates: Floats, covariance: Floats, tau: float) -> tuple[Floats, Floats, float]:
    """Predict the areas' means for one SD between areas.

    Parameters
    ----------
    estimates, covariance
        Estimates (k,) and their covariance (k, k).
    tau
        SD between areas.

    Returns
    -------
    numpy.ndarray, numpy.ndarray and float
        Means (k,), their covariance (k, k) with the estimation of μ counted, and the restricted
        log-likelihood up to a constant.

    Examples
    --------
    >>> means, _, _ = given_tau(np.array([8.0, 12.0]), np.eye(2), 1.0)
    >>> means.round(3).tolist()
    [9.0, 11.0]
    """
    k = len(estimates)
    ones = np.ones(k)
    weight = np.linalg.inv(covariance + tau**2 * np.eye(k))
    precision = float(ones @ weight @ ones)
    mu = float(ones @ weight @ estimates) / precision
    residual = estimates - mu
    loading = ones - tau**2 * weight @ ones
    own = tau**2 * np.eye(k) - tau**4 * weight + np.outer(loading, loading) / precision
    _, logdet = np.linalg.slogdet(weight)
    restricted = 0.5 * (logdet - np.log(precision) - residual @ weight @ residual)
    return np.asarray(mu + tau**2 * weight @ residual), np.asarray(own), float(restricted)


def pool_areas(estimates: Floats, covariance: Floats, scale: float) -> PooledAreas:
    """Pool correlated estimates of areas.

    Parameters
    ----------
    estimates, covariance
        Estimates (k,) and their covariance (k, k).
    scale
        Scale of the half-normal prior of the SD between areas.

    Examples
    --------
    >>> pooled = pool_areas(np.array([8.0, 12.0, 10.0, 10.0]), np.eye(4), scale=4.0)
    >>> round(pooled.restricted**2, 3)
    1.667
    """
    tau = (np.arange(GRID) + 0.5) * LARGEST * scale / GRID
    parts = [given_tau(estimates, covariance, one) for one in tau]
    log = np.array([part[2] for part in parts]) - 0.5 * (tau / scale) ** 2
    weights = np.exp(log - log.max())
    # The restricted likelihood alone: the hill nearest to the best of the grid, or zero.
    best = int(np.argmax([part[2] for part in parts]))
    found = optimize.minimize_scalar(
        lambda t: -given_tau(estimates, covariance, t)[2],
        bounds=(max(tau[best] - tau[0] * 2, 0.0), tau[best] + tau[0] * 2),
        method="bounded", options={"xatol": 1e-9 * scale},
    )  # fmt: skip
    at_zero = given_tau(estimates, covariance, 0.0)[2]
    restricted = float(found.x) if -found.fun > at_zero + 1e-10 else 0.0
    return PooledAreas(
        tau, weights / weights.sum(), np.stack([part[0] for part in parts]),
        np.stack([part[1] for part in parts]), restricted,
    )  # fmt: skip
