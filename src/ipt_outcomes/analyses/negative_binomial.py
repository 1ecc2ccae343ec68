r"""Rates of episodes: negative binomial regression with its dispersion estimated.

For counts with :math:`E(Y_i) = \mu_i = e^{x_i'\beta}` and :math:`\mathrm{Var}(Y_i) = \mu_i +
\alpha\mu_i^2`, :math:`\beta` and :math:`\alpha` are estimated together by maximum likelihood.
Binge episodes spread far more than a Poisson count; an interval that leaves :math:`\alpha` out is
far too short.

Source: Lawless (1987), Canadian Journal of Statistics 15:209.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

NEAR_ZERO = "the dispersion is within one standard error of 0: no interval"


class CountError(ValueError):
    """Counts that are not counts, or whose model cannot be fitted."""


@dataclass(frozen=True)
class RateFit:
    """A fitted model of rates.

    Parameters
    ----------
    coefficients, covariance
        Log rate ratios, shapes (p,) and (p, p), from the expected information of beta.
    dispersion, dispersion_se
        Alpha and its standard error; 0 is a Poisson count.
    n
        Participants.
    """

    coefficients: Floats
    covariance: Floats
    dispersion: float
    dispersion_se: float
    n: int

    @property
    def df(self) -> float:
        """Degrees of freedom: participants minus coefficients."""
        return float(self.n - len(self.coefficients))

    def dispersion_interval(self, level: float) -> tuple[float, float] | None:
        """Give alpha's interval, made on the log scale since alpha is positive.

        None where its standard error is not known, or as large as alpha itself: so near to the
        boundary at 0 no normal approximation holds, on neither scale.
        """
        if not 0 < self.dispersion_se < self.dispersion:
            return None
        half = float(stats.norm.ppf((1 + level) / 2)) * self.dispersion_se / self.dispersion
        return self.dispersion * math.exp(-half), self.dispersion * math.exp(half)

    def ratio(self, column: int, level: float) -> dict[str, float]:
        """Give one rate ratio with interval and p-value."""
        value = float(self.coefficients[column])
        se = math.sqrt(float(self.covariance[column, column]))
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * se
        return {
            "estimate": math.exp(value),
            "se": math.exp(value) * se,
            "lower": math.exp(value - half),
            "upper": math.exp(value + half),
            "df": self.df,
            "statistic": value / se,
            "p": float(2 * stats.t.sf(abs(value / se), self.df)),
        }


def fit_rates(counts: Floats, x: Floats) -> RateFit:
    """Fit a negative binomial regression.

    Parameters
    ----------
    counts
        Whole numbers, shape (n,).
    x
        Design with an intercept, shape (n, p).

    Raises
    ------
    CountError
        When the model has no solution, as when an arm has no episode at all.

    Examples
    --------
    >>> counts = np.array([0, 1, 4, 9, 2, 0, 3, 12, 1, 6], float)
    >>> fit = fit_rates(counts, np.ones((10, 1)))
    >>> round(math.exp(fit.coefficients[0]), 2)
    3.8
    """
    from statsmodels.discrete.discrete_model import NegativeBinomial

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is checked on the gradient below
        model = NegativeBinomial(counts, x, loglike_method="nb2")
        try:
            first = model.fit(method="bfgs", maxiter=500, disp=0)
            result = model.fit(method="newton", start_params=first.params, maxiter=100, disp=0)
            found = np.asarray(result.params, float)
            gradient = np.asarray(model.score(found), float)
            # Beta and alpha are orthogonal in expectation, so beta's covariance needs no alpha.
            mu = np.exp(x @ found[:-1])
            weight = mu / (1 + found[-1] * mu)
            covariance = np.linalg.inv(x.T @ (x * weight[:, None]))
            of_alpha = float(np.asarray(result.cov_params(), float)[-1, -1])
        except (np.linalg.LinAlgError, ValueError) as error:
            raise CountError(f"the model of the counts has no solution ({error})") from None
    if not np.isfinite(covariance).all() or np.abs(gradient).max() > 1e-3 * len(counts):
        raise CountError("the model of the counts did not converge: an arm may have no episode")
    if found[-1] <= 0:
        raise CountError("the counts spread less than a Poisson count: no dispersion to estimate")
    se = math.sqrt(of_alpha) if of_alpha > 0 else math.nan
    return RateFit(found[:-1], covariance, float(found[-1]), se, len(counts))
