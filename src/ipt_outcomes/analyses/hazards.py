r"""Hazard ratios (Cox) and whether they are constant over time.

The model is :math:`h_i(t) = h_0(t) \exp(\beta' x_i)` with Efron's treatment of ties. Whether
hazards are proportional is tested by adding :math:`g(t)\,x` and taking the score test of its
coefficients at 0: its numerator is :math:`\sum_k g(t_k) r_k` over the Schoenfeld residuals
:math:`r_k = x_{(k)} - \bar x(t_k)`, its variance the matching part of the extended information
(Grambsch & Therneau's scaled Schoenfeld residuals without their approximation that the variance of
x among those at risk stays the same). :math:`g(t) = 1 - \hat S(t-)`, from the pooled curve.

Sources: Cox (1972), JRSS B 34:187; Efron (1977), JASA 72:557; Grambsch & Therneau (1994),
Biometrika 81:515.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.survival_curves import KaplanMeier

Floats = NDArray[np.float64]


SINGULAR = 1e11
"""Condition number beyond which time and covariates cannot be told apart."""


class HazardError(ValueError):
    """The hazard model cannot be fitted; says why."""


@dataclass(frozen=True)
class ProportionalityTest:
    """A score test of proportional hazards.

    Parameters
    ----------
    statistic, df, p
        Chi-squared, its degrees of freedom and p-value.
    """

    statistic: float
    df: int
    p: float


@dataclass(frozen=True)
class HazardFit:
    """A fitted hazard model.

    Parameters
    ----------
    coefficients, covariance
        Log hazard ratios, shapes (p,) and (p, p).
    time, event, x
        What it was fitted to.
    """

    coefficients: Floats
    covariance: Floats
    time: Floats
    event: NDArray[np.bool_]
    x: Floats

    def ratio(self, column: int, level: float) -> dict[str, float]:
        """Give one hazard ratio with interval and p-value."""
        value = float(self.coefficients[column])
        se = math.sqrt(float(self.covariance[column, column]))
        half = float(stats.norm.ppf((1 + level) / 2)) * se
        return {
            "estimate": math.exp(value),
            "se": math.exp(value) * se,
            "lower": math.exp(value - half),
            "upper": math.exp(value + half),
            "statistic": value / se,
            "p": float(2 * stats.norm.sf(abs(value / se))),
        }

    def proportionality(self, columns: Sequence[int] | None = None) -> ProportionalityTest | None:
        """Test whether hazard ratios are constant, of some columns or of all.

        Parameters
        ----------
        columns
            Columns of x, such as those of the arms; all when not given.

        Returns
        -------
        ProportionalityTest or None
            None when the events do not tell: they fall on one time, or on too few.
        """
        p = len(self.coefficients)
        chosen = list(range(p)) if columns is None else list(columns)
        score, information = self._extended()
        kept = np.array([*range(p), *(p + c for c in chosen)])
        u, inside = score[kept], information[np.ix_(kept, kept)]
        scale = np.sqrt(np.diag(inside))
        if (scale <= 0).any() or np.linalg.cond(inside / np.outer(scale, scale)) > SINGULAR:
            return None
        statistic = float(u @ np.linalg.solve(inside, u))
        return ProportionalityTest(
            statistic, len(chosen), float(stats.chi2.sf(statistic, len(chosen)))
        )

    def _extended(self) -> tuple[Floats, Floats]:
        """Score and information of (beta, coefficients of g(t) x) at (beta, 0)."""
        p = len(self.coefficients)
        score, information = np.zeros(2 * p), np.zeros((2 * p, 2 * p))
        weight = np.exp(self.x @ self.coefficients)
        pooled = KaplanMeier(self.time, self.event)
        for when in np.unique(self.time[self.event]):
            g = 1 - _just_before(pooled, when)
            risk = self.time >= when
            dying = self.event & (self.time == when)
            deaths = int(dying.sum())
            # Efron: of d tied events the j-th sees the others removed to the share j/d.
            for j in range(deaths):
                w = np.where(dying, weight * (1 - j / deaths), weight)[risk]
                x = self.x[risk]
                mean = w @ x / w.sum()
                centred = x - mean
                spread = centred.T @ (centred * w[:, None]) / w.sum()
                residual = self.x[dying].mean(axis=0) - mean
                score += np.concatenate([residual, g * residual])
                information += np.kron(np.array([[1.0, g], [g, g * g]]), spread)
        return score, information


def _just_before(curve: KaplanMeier, when: float) -> float:
    before = curve.times < when
    return float(curve.survival[before][-1]) if before.any() else 1.0


def fit_hazards(time: Floats, event: NDArray[np.bool_], x: Floats) -> HazardFit:
    """Fit a Cox model with Efron's treatment of ties.

    Parameters
    ----------
    time, event
        Time to the event or to the end of observation, and which it was, shape (n,).
    x
        Covariates, shape (n, p), without an intercept.

    Raises
    ------
    HazardError
        When the fit has no finite solution.

    Examples
    --------
    >>> time = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    >>> fit = fit_hazards(time, time > 0, np.array([[1.0], [0], [1], [0], [1], [0], [1], [0]]))
    >>> round(fit.ratio(0, 0.95)["estimate"], 2)
    1.63
    """
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(time, x, event.astype(int), ties="efron")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is checked on the gradient below
        try:
            result = model.fit(method="newton", maxiter=100, disp=0)
            coefficients = np.asarray(result.params, float)
            gradient = np.asarray(model.score(coefficients), float)
            covariance = np.linalg.inv(-np.asarray(model.hessian(coefficients), float))
        except np.linalg.LinAlgError as error:
            raise HazardError(f"the hazard model has no solution ({error})") from None
    if not np.isfinite(covariance).all() or (np.diag(covariance) <= 0).any():
        raise HazardError("the hazard model has no finite solution")
    if np.abs(coefficients).max() > 15 or np.abs(gradient).max() > 1e-4 * len(time):
        raise HazardError("the hazard model did not converge: an arm may have no event")
    return HazardFit(coefficients, covariance, time, event, x)
