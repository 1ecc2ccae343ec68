r"""Kaplan–Meier curves with log–log intervals, and restricted means.

With d events among n at risk at each event time t,

.. math::

    \hat S(t) = \prod_{t_j \le t} (1 - d_j/n_j), \qquad
    \mathrm{Var}\,\log\hat S = \sum_{t_j \le t} \frac{d_j}{n_j (n_j - d_j)}.

The interval is :math:`\hat S^{\exp(\pm z\,s)}`, with s the standard error of
:math:`\log(-\log\hat S)`: it stays between 0 and 1 and holds well in small samples. The restricted
mean :math:`\int_0^\tau \hat S` is the mean time without the event up to :math:`\tau`, with variance

.. math::

    \frac{m}{m - 1} \sum_j \Bigl\{\int_{t_j}^\tau \hat S\Bigr\}^2 \frac{d_j}{n_j (n_j - d_j)},

m the events before :math:`\tau`. The factor is Kaplan and Meier's own: with everyone's time known
the variance is then that of a mean, :math:`s^2/n`. Intervals are t's with m - 1 degrees of freedom,
Satterthwaite's for a difference. With fewer than five events before :math:`\tau` the variance is
itself known too badly for an interval. No proportional hazards are needed.

Sources: Kaplan & Meier (1958), Journal of the American Statistical Association 53:457, section 6.2;
Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data; Royston &
Parmar (2013), BMC Medical Research Methodology 13:152.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEAST_EVENTS = 5
"""Fewer events before the horizon than these give a restricted mean no interval."""


@dataclass(frozen=True)
class SurvivalPoint:
    """The curve at one time.

    Parameters
    ----------
    survival, se
        Share without the event, and its standard error (Greenwood).
    lower, upper
        Ends of the log-log interval; empty while the curve is at 1 or 0.
    events
        Events up to then.
    at_risk
        Participants still followed just before then.
    """

    survival: float
    se: float
    lower: float | None
    upper: float | None
    events: int
    at_risk: int


@dataclass(frozen=True)
class RestrictedMean:
    """The mean time without the event up to a time.

    Parameters
    ----------
    mean
        The estimate.
    greenwood
        Its standard error without the factor for few events.
    events
        Events before that time.
    """

    mean: float
    greenwood: float
    events: int

    @property
    def has_interval(self) -> bool:
        """Whether there are enough events for an interval."""
        return self.events >= LEAST_EVENTS

    @property
    def se(self) -> float:
        """Standard error."""
        return self.greenwood * math.sqrt(max(self.events, 1) / self.df)

    @property
    def df(self) -> int:
        """Degrees of freedom of its variance."""
        return max(self.events - 1, 1)

    def minus(self, other: RestrictedMean) -> tuple[float, float, float]:
        """Give the difference from an independent group's, its standard error and its df."""
        own, others = self.se**2, other.se**2
        spread = own**2 / self.df + others**2 / other.df
        df = (own + others) ** 2 / spread if spread > 0 else math.nan
        return self.mean - other.mean, math.sqrt(own + others), df


class KaplanMeier:
    """The curve of one group.

    Parameters
    ----------
    time
        Time to the event or to the end of observation, shape (n,).
    event
        Whether it was the event, shape (n,).

    Raises
    ------
    ValueError
        When there is nobody, or a time is missing or negative.

    Examples
    --------
    >>> curve = KaplanMeier([2, 3, 3, 5, 8], [1, 1, 0, 1, 0])
    >>> round(curve.at(5).survival, 3), curve.at(5).events, curve.at(5).at_risk
    (0.3, 3, 2)
    >>> round(curve.restricted_mean(8).mean, 3)
    4.9
    """

    def __init__(self, time: ArrayLike, event: ArrayLike) -> None:
        from statsmodels.duration.survfunc import SurvfuncRight

        self.time = np.asarray(time, float)
        self.event = np.asarray(event, bool)
        if not len(self.time) or not (self.time >= 0).all():
            raise ValueError("a survival curve needs known times of at least one participant")
        self.times: Floats = np.empty(0)
        self.survival: Floats = np.empty(0)
        self.events: Floats = np.empty(0)
        self.at_risk: Floats = np.empty(0)
        if self.event.any():
            curve = SurvfuncRight(self.time, self.event.astype(int))
            happened = np.asarray(curve.n_events) > 0
            self.times = np.asarray(curve.surv_times, float)[happened]
            self.survival = np.asarray(curve.surv_prob, float)[happened]
            self.events = np.asarray(curve.n_events, float)[happened]
            self.at_risk = np.asarray(curve.n_risk, float)[happened]
        with np.errstate(divide="ignore"):
            # When everyone left has the event, nothing remains whose variance could count.
            left = self.at_risk - self.events
            self.terms = np.where(left > 0, self.events / (self.at_risk * left), 0.0)

    def at(self, when: float, level: float = 0.95) -> SurvivalPoint:
        """Read the curve at a time."""
        known = self.times <= when
        survival = float(self.survival[known][-1]) if known.any() else 1.0
        deviation = math.sqrt(float(self.terms[known].sum()))
        lower = upper = None
        if 0 < survival < 1:
            half = float(stats.norm.ppf((1 + level) / 2)) * deviation / abs(math.log(survival))
            lower, upper = survival ** math.exp(half), survival ** math.exp(-half)
        return SurvivalPoint(
            survival,
            survival * deviation,
            lower,
            upper,
            int(self.events[known].sum()),
            int((self.time >= when).sum()),
        )

    def before(self, when: float) -> int:
        """Count the events before a time."""
        return int(self.events[self.times < when].sum())

    def without(self, when: float) -> int:
        """Count those followed to a time without the event until then."""
        return int(((self.time > when) | ((self.time == when) & ~self.event)).sum())

    def censored_between(self, when: float) -> bool:
        """Say whether anybody's time ended without the event between the events up to a time."""
        known = self.times <= when
        if not known.any():
            return False
        before = self.events[known].cumsum() - self.events[known]
        return bool((self.at_risk[known] < self.at_risk[0] - before).any())

    @property
    def last(self) -> float:
        """The time up to which the curve is known: endless when it has reached 0."""
        if len(self.survival) and self.survival[-1] == 0:
            return math.inf
        return float(self.time.max())

    def restricted_mean(self, until: float) -> RestrictedMean:
        """Give the mean time without the event up to a time.

        Raises
        ------
        ValueError
            When nobody was followed as long.
        """
        if until > self.last:
            raise ValueError(f"nobody was followed to {until:g}")
        inside = self.times < until
        edges = np.concatenate([[0.0], self.times[inside], [until]])
        heights = np.concatenate([[1.0], self.survival[inside]])
        areas = np.diff(edges) * heights
        beyond = areas[::-1].cumsum()[::-1][1:]  # area to the right of each event time
        variance = float((beyond**2 * self.terms[inside]).sum())
        events = int(self.events[inside].sum())
        return RestrictedMean(float(areas.sum()), math.sqrt(variance), events)
