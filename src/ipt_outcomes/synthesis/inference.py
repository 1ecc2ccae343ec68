"""One estimated quantity with its inference, the same for every model of this room."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ipt_outcomes.synthesis.effects import Floats


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error, test and interval.

    Parameters
    ----------
    name
        What is estimated.
    estimate, se
        The value and its standard error.
    df
        Degrees of freedom of the t distribution; infinite for the normal.
    statistic, p
        t or z, and its two-sided p-value.
    lower, upper, level
        The interval.
    """

    name: str
    estimate: float
    se: float
    df: float
    statistic: float
    p: float
    lower: float
    upper: float
    level: float


@dataclass(frozen=True)
class JointTest:
    """A test of several coefficients at once.

    Parameters
    ----------
    name
        What is tested.
    statistic
        F, or chi-squared when ``df`` is infinite.
    df_numerator, df
        Degrees of freedom.
    p
        The p-value.
    """

    name: str
    statistic: float
    df_numerator: float
    df: float
    p: float


def infer(name: str, estimate: float, se: float, df: float, level: float) -> Estimate:
    """Make test and interval from an estimate, its standard error and degrees of freedom.

    Examples
    --------
    >>> found = infer("effect", 0.5, 0.1, float("inf"), 0.95)
    >>> round(found.lower, 3), round(found.upper, 3)
    (0.304, 0.696)
    """
    half = t_quantile((1 + level) / 2, df) * se
    statistic = estimate / se if se > 0 else math.copysign(math.inf, estimate)
    p = 2 * float(stats.norm.sf(abs(statistic)) if math.isinf(df) else
                  stats.t.sf(abs(statistic), df))  # fmt: skip
    return Estimate(name, float(estimate), float(se), float(df), float(statistic), p,
                    float(estimate - half), float(estimate + half), level)  # fmt: skip


def t_quantile(probability: float, df: float) -> float:
    """Return a quantile of Student's t, of the normal when ``df`` is infinite."""
    if math.isinf(df):
        return float(stats.norm.ppf(probability))
    return float(stats.t.ppf(probability, df))


def infer_all(
    names: tuple[str, ...], beta: Floats, covariance: Floats, df: Floats | float, level: float
) -> tuple[Estimate, ...]:
    """Make test and interval for every coefficient.

    Parameters
    ----------
    names
        Names of the p coefficients.
    beta
        Their estimates, shape (p,).
    covariance
        Their covariance, shape (p, p).
    df
        Degrees of freedom, one for all or one each.
    level
        Level of the intervals.
    """
    dfs = np.broadcast_to(np.asarray(df, dtype=np.float64), beta.shape)
    ses = np.sqrt(np.diag(covariance))
    return tuple(
        infer(name, b, se, d, level) for name, b, se, d in zip(names, beta, ses, dfs, strict=True)
    )


def wald_f(
    name: str, constraints: Floats, beta: Floats, covariance: Floats, df: float
) -> JointTest:
    """Test that all linear combinations of the coefficients are zero, by Wald's F or chi-squared.

    Parameters
    ----------
    name
        What is tested.
    constraints
        The combinations C, shape (q, p).
    beta, covariance
        Coefficients and their covariance.
    df
        Denominator degrees of freedom; infinite for chi-squared.
    """
    difference = constraints @ beta
    q = len(difference)
    middle = constraints @ covariance @ constraints.T
    wald = float(difference @ np.linalg.solve(middle, difference))
    if math.isinf(df):
        return JointTest(name, wald, q, df, float(stats.chi2.sf(wald, q)))
    return JointTest(name, wald / q, q, df, float(stats.f.sf(wald / q, q, df)))
