r"""Percentile intervals of a bootstrap, as wide as a small sample needs.

With few participants a bootstrap's distribution is too narrow, as a standard deviation with n in
its denominator is, and its percentiles take no account of degrees of freedom. For n participants
the tails are therefore

.. math:: \alpha' / 2 = \Phi\!\left(-\sqrt{n/(n-1)}\; t_{1-\alpha/2,\, n-1}\right)

(Hesterberg 2015, The American Statistician 69:371, section 3.3), and a tail is the
:math:`(B + 1)\alpha'/2`-th of B sorted values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

EXPANDED = "expanded percentiles (Hesterberg 2015)"


def percentile_interval(drawn: ArrayLike, level: float, participants: int) -> tuple[float, float]:
    """Give the interval between the expanded percentiles.

    Parameters
    ----------
    drawn
        Estimates from bootstrap samples, shape (B,).
    level
        Level of the interval.
    participants
        Of the smallest group that is resampled.

    Raises
    ------
    ValueError
        With fewer than two participants.

    Examples
    --------
    >>> drawn = np.linspace(-1, 1, 999)
    >>> [round(end, 3) for end in percentile_interval(drawn, 0.95, 10_000)]
    [-0.952, 0.952]
    >>> [round(end, 3) for end in percentile_interval(drawn, 0.95, 20)]
    [-0.97, 0.97]
    """
    if participants < 2:
        raise ValueError("percentiles of a bootstrap need at least two participants a group")
    t = stats.t.ppf((1 + level) / 2, participants - 1)
    tail = float(stats.norm.cdf(-np.sqrt(participants / (participants - 1)) * t))
    lower, upper = np.quantile(np.asarray(drawn, float), [tail, 1 - tail], method="weibull")
    return float(lower), float(upper)
