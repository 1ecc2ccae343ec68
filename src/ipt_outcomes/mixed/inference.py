"""Distributions, and the table of estimates that every result of a fit is given in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import fdtrc, ndtr, ndtri, stdtr, stdtrit

from .errors import MixedModelError
from .factors import Floats

COLUMNS = ["estimate", "se", "df", "statistic", "p", "lower", "upper"]


def two_sided_p(statistic: Floats, df: Floats) -> Floats:
    """Return two-sided p-values of t statistics; infinite df gives the normal.

    Examples
    --------
    >>> two_sided_p(np.array([1.96]), np.array([np.inf])).round(4).tolist()
    [0.05]
    """
    size = np.abs(statistic)
    finite = np.where(np.isfinite(df), df, 1.0)
    return np.asarray(np.where(np.isfinite(df), 2 * stdtr(finite, -size), 2 * ndtr(-size)))


def quantile(level: float, df: Floats) -> Floats:
    """Return the two-sided quantile of t at a confidence level.

    Examples
    --------
    >>> quantile(0.95, np.array([np.inf, 10.0])).round(3).tolist()
    [1.96, 2.228]
    """
    upper = 0.5 + level / 2
    finite = np.where(np.isfinite(df), df, 1.0)
    return np.asarray(np.where(np.isfinite(df), stdtrit(finite, upper), ndtri(upper)))


def f_p(statistic: float, numerator: float, denominator: float) -> float:
    """Return the upper tail of F; an infinite denominator gives chi-squared over its df.

    Examples
    --------
    >>> round(f_p(4.0, 1, 10.0), 4)
    0.0734
    """
    return float(fdtrc(numerator, min(denominator, 1e12), statistic))


def as_rows(rows: ArrayLike, coefficients: int) -> Floats:
    """Return linear functions of the coefficients as a matrix, one per row.

    Raises
    ------
    MixedModelError
        When the numbers are no numbers, or not one per coefficient.

    Examples
    --------
    >>> as_rows([1, -1], 2).tolist()
    [[1.0, -1.0]]
    """
    try:
        matrix = np.atleast_2d(np.asarray(rows, float))
    except (TypeError, ValueError) as error:
        raise MixedModelError(f"linear functions must be numbers ({error}).") from error
    if matrix.ndim != 2 or matrix.shape[1] != coefficients:
        raise MixedModelError(
            f"a linear function needs {coefficients} numbers, one per coefficient; the shape is "
            f"{matrix.shape}."
        )
    return matrix


def confidence(level: float) -> float:
    """Return a confidence level after checking it.

    Examples
    --------
    >>> confidence(0.9)
    0.9
    """
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise MixedModelError(f"level={level} must lie between 0 and 1, for instance 0.95.")
    return float(level)


def estimate_table(
    labels: dict[str, Any], estimate: Floats, se: Floats, df: Floats, level: float
) -> pd.DataFrame:
    """Put estimates, standard errors, df, tests and intervals side by side."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / se
    half = quantile(level, df) * se
    p = two_sided_p(statistic, df)
    values = (estimate, se, df, statistic, p, estimate - half, estimate + half)
    return pd.DataFrame({**labels, **dict(zip(COLUMNS, values, strict=True))})


def holm(p: Floats) -> Floats:
    """Return Holm's step-down adjusted p-values; missing ones stay missing.

    References
    ----------
    Holm S (1979). Scandinavian Journal of Statistics 6:65-70.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    raised = p[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return out
