r"""Rubin's rules, with Barnard and Rubin's degrees of freedom.

From m estimates :math:`q_j` with variances :math:`u_j`, the pooled estimate is their mean and

.. math::

    T = \bar u + (1 + 1/m)\,b, \quad r = (1 + 1/m)\,b/\bar u, \quad \lambda = r/(1 + r),

with b the variance between imputations. Degrees of freedom: :math:`\nu_m = (m-1)/\lambda^2` and
:math:`\nu_{obs} = \frac{\nu+1}{\nu+3}\,\nu\,(1-\lambda)` with :math:`\nu` those of complete data,
combined as :math:`(1/\nu_m + 1/\nu_{obs})^{-1}`.

Sources: Rubin (1987), Multiple Imputation for Nonresponse in Surveys; Barnard & Rubin (1999),
Biometrika 86:948.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Pooled:
    """A pooled estimate.

    Parameters
    ----------
    value, se
        Estimate and standard error.
    df
        Degrees of freedom of Barnard and Rubin.
    increase
        Relative increase in variance because scores are missing (r).
    """

    value: float
    se: float
    df: float
    increase: float

    def interval(self, level: float) -> tuple[float, float]:
        """Give the interval by Student's t."""
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * self.se
        return self.value - half, self.value + half

    @property
    def statistic(self) -> float:
        """The estimate over its standard error."""
        return self.value / self.se

    @property
    def p(self) -> float:
        """Two-sided p-value."""
        return float(2 * stats.t.sf(abs(self.statistic), self.df))


def pool(values: Sequence[float], variances: Sequence[float], df: float = math.inf) -> Pooled:
    """Pool the estimates of several imputations; a single one is taken as complete data.

    Parameters
    ----------
    values, variances
        One each per imputation.
    df
        Degrees of freedom if the data had been complete.

    Raises
    ------
    ValueError
        When there is no estimate, or not one variance each.

    Examples
    --------
    >>> pooled = pool([1.0, 1.2, 0.8], [0.04, 0.05, 0.03], df=100)
    >>> round(pooled.value, 3), round(pooled.se, 4), round(pooled.df, 2)
    (1.0, 0.3055, 5.35)
    """
    m = len(values)
    if m == 0 or m != len(variances):
        raise ValueError("pooling needs one variance for each of at least one estimate")
    value, within = float(np.mean(values)), float(np.mean(variances))
    between = float(np.var(values, ddof=1)) if m > 1 else 0.0
    if between <= 0:
        return Pooled(value, math.sqrt(within), df, 0.0)
    increase = (1 + 1 / m) * between / within
    fraction = increase / (1 + increase)
    of_imputations = (m - 1) / fraction**2
    if math.isinf(df):
        combined = of_imputations
    else:
        observed = (df + 1) / (df + 3) * df * (1 - fraction)
        combined = 1 / (1 / of_imputations + 1 / observed)
    return Pooled(value, math.sqrt(within * (1 + increase)), combined, increase)
