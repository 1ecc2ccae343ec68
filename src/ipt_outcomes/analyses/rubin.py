"""One estimate pooled over imputations, on whatever scale it is about normal.

The rules are those of :func:`ipt_outcomes.imputation.rubin` (Barnard & Rubin 1999, Biometrika
86:948), here for single numbers with the interval, statistic and p-value that follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ipt_outcomes.imputation import rubin

LEVEL = 0.95
"""Of the interval that is not used here: a pooled estimate gives one of any level."""


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
    if m == 1:
        return Pooled(float(values[0]), math.sqrt(variances[0]), df, 0.0)
    estimates, own_variances = (np.asarray(one, float)[:, None] for one in (values, variances))
    (found,) = rubin(estimates, own_variances, np.array([df]), LEVEL).to_dict("records")
    within, between = found["within"], found["between"]
    increase = (1 + 1 / m) * between / within if between > 0 else 0.0
    own = math.inf if math.isnan(found["df"]) else float(found["df"])
    return Pooled(float(found["estimate"]), float(found["se"]), own, increase)
