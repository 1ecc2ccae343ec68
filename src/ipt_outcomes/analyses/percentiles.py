r"""Percentile intervals of a bootstrap, as wide as a small sample needs.

With few participants a bootstrap's distribution is too narrow, as a standard deviation with n in
its denominator is, and its percentiles take no account of degrees of freedom. For n participants
the tails are therefore

.. math:: \alpha' / 2 = \Phi\!\left(-\sqrt{n/(n-1)}\; t_{1-\alpha/2,\, n-1}\right)

(Hesterberg 2015, The American Statistician 69:371, section 3.3), and a tail is the
:math:`(B + 1)\alpha'/2`-th of B sorted values. With fewer samples than that asks for, the interval
ends at the smallest and the largest value, and :func:`enough_samples` is false.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

EXPANDED = "expanded percentiles (Hesterberg 2015)"
TOO_FEW_SAMPLES = "too few bootstrap samples for this level: the ends are the extremes drawn"


def tail_of(level: float, participants: int) -> float:
    """Give the share that an expanded interval leaves out on either side."""
    if participants < 2:
        raise ValueError("percentiles of a bootstrap need at least two participants a group")
    t = stats.t.ppf((1 + level) / 2, participants - 1)
    return float(stats.norm.cdf(-np.sqrt(participants / (participants - 1)) * t))


def enough_samples(samples: int, level: float, participants: int) -> bool:
    """Tell whether B samples have the percentiles that are asked for.

    Examples
    --------
    >>> enough_samples(200, 0.95, 40), enough_samples(200, 0.99, 40)
    (True, False)
    """
    return (samples + 1) * tail_of(level, participants) >= 1


def percentile_interval(drawn: ArrayLike, level: float, participants: int) -> tuple[float, float]:
    """Give the interval between the expanded percentiles.

    Parameters
    ----------
    drawn
        Estimates from bootstrap samples, shape (B,).
    level
        Level of the interval.
    participants
        Of the smallest group: those whose number limits what the differences can tell.

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
    tail = tail_of(level, participants)
    lower, upper = np.quantile(np.asarray(drawn, float), [tail, 1 - tail], method="weibull")
    return float(lower), float(upper)
