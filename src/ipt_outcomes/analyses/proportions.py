r"""Intervals of proportions and rates that hold at the edges.

Wilson's interval solves :math:`|\hat p - p| = z\sqrt{p(1-p)/n}` for p,

.. math::

    \frac{\hat p + z^2/2n \pm z\sqrt{\hat p(1-\hat p)/n + z^2/4n^2}}{1 + z^2/n}.

With imputed data, n shrinks to :math:`n/(1 + r)` with r the relative increase in variance from
imputing (Lott & Reiter 2020). Rates of events per time have Poisson's exact interval.

Sources: Wilson (1927), JASA 22:209; Lott & Reiter (2020), American Statistician 74:109; Garwood
(1936), Biometrika 28:437; Clopper & Pearson (1934), Biometrika 26:404.
"""

from __future__ import annotations

import math

from scipy import stats

from ipt_outcomes.results import Row


def wilson(
    proportion: float, n: float, level: float = 0.95, df: float = math.inf
) -> tuple[float, float]:
    """Give Wilson's interval.

    Parameters
    ----------
    proportion
        The proportion observed, or its mean over imputations.
    n
        Participants; with imputed data the effective number, n / (1 + r).
    level
        Level of the interval.
    df
        Degrees of freedom; finite with imputed data.

    Raises
    ------
    ValueError
        When nobody is behind the proportion.

    Examples
    --------
    >>> [round(x, 4) for x in wilson(15 / 40, 40)]
    [0.2422, 0.5297]
    """
    if not n > 0:
        raise ValueError("a proportion needs at least one participant")
    z = float(stats.t.ppf((1 + level) / 2, df))
    centre = proportion + z**2 / (2 * n)
    half = z * math.sqrt(proportion * (1 - proportion) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # Rounding errors must not push an end beyond the proportion that it bounds.
    lower = min(max((centre - half) / scale, 0.0), proportion)
    upper = max(min((centre + half) / scale, 1.0), proportion)
    return lower, upper


def clopper_pearson(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Give the exact interval of a proportion.

    Parameters
    ----------
    events, n
        Participants with the event, and all.
    level
        Level of the interval.

    Examples
    --------
    >>> [round(x, 4) for x in clopper_pearson(0, 80)]
    [0.0, 0.0451]
    """
    tail = (1 - level) / 2
    lower = float(stats.beta.ppf(tail, events, n - events + 1)) if events > 0 else 0.0
    upper = float(stats.beta.ppf(1 - tail, events + 1, n - events)) if events < n else 1.0
    return lower, upper


def exact_share(events: int, n: int, level: float) -> Row:
    """Give a proportion with its exact interval as columns of a row.

    Parameters
    ----------
    events, n
        Participants with the event, and all.
    level
        Level of the interval.

    Examples
    --------
    >>> row = exact_share(20, 80, 0.95)
    >>> row["estimate"], row["n_arm"], row["interval_method"]
    (0.25, 80, 'exact (Clopper–Pearson)')
    """
    lower, upper = clopper_pearson(events, n, level)
    return {"quantity": "probability", "estimate": events / n, "lower": lower, "upper": upper,
            "level": level, "n_arm": n, "unit": "proportion",
            "interval_method": "exact (Clopper–Pearson)"}  # fmt: skip


def poisson_rate(events: int, time: float, level: float = 0.95) -> tuple[float, float]:
    """Give the exact interval of a rate.

    Parameters
    ----------
    events
        Number of events.
    time
        Time at risk, in the unit that the rate is per.
    level
        Level of the interval.

    Examples
    --------
    >>> [round(x, 3) for x in poisson_rate(3, 10)]
    [0.062, 0.877]
    """
    tail = (1 - level) / 2
    lower = float(stats.chi2.ppf(tail, 2 * events)) / 2 if events > 0 else 0.0
    upper = float(stats.chi2.ppf(1 - tail, 2 * events + 2)) / 2
    return lower / time, upper / time
