"""Rows of the estimates table for the times to one event.

A step of a curve that is hidden because few had the event, or were without it, stays hidden. Later
heights are products with its height, and are hidden too if anybody was censored in between; a
restricted mean over it is an equation in its height, so that neither the mean nor a difference from
it is shown; where few of an arm have the event altogether, or are without it, nothing that all
times of the event went into is shown. Numbers at risk between such steps are left empty as well:
with everyone followed they count the events.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.covariates import useful_columns
from ipt_outcomes.analyses.disclosure import SMALLEST, complement, suppressed
from ipt_outcomes.analyses.event_times import EventTimes
from ipt_outcomes.analyses.hazards import HazardError, HazardFit, fit_hazards
from ipt_outcomes.analyses.survival_curves import KaplanMeier, RestrictedMean
from ipt_outcomes.results import Row

Floats = NDArray[np.float64]

ROUNDED = "in whole per cent, because an earlier height is not shown"
HAZARDS = "Cox model with arm, baseline score and covariates, Efron ties"
DOUBTFUL = 0.05
"""A p-value of the proportionality test below which the hazard ratio's row carries a warning."""


@dataclass(frozen=True)
class EventRows:
    """What the rows of one event have in common.

    Parameters
    ----------
    times
        Times to the event.
    arms
        Names of the arms, the reference last.
    labels
        Arm: its name in words.
    event
        The event in words.
    where
        Columns that all rows share.
    level
        Level of the intervals.
    suppress
        Whether cells with few participants are hidden: not for flow and harms.
    smallest
        The smallest count that is then shown.
    """

    times: EventTimes
    arms: list[str]
    labels: dict[str, str]
    event: str
    where: Row
    level: float
    suppress: bool
    smallest: int = SMALLEST

    @property
    def few(self) -> bool:
        """Whether few of an arm have the event, or are without it, so that all times tell it."""
        k = len(self.arms)
        events = np.bincount(self.times.arm, self.times.event, minlength=k)
        without = np.bincount(self.times.arm, minlength=k) - events
        return self.suppress and any(self._small(n) for n in (*events, *without))

    def _small(self, count: float) -> bool:
        return 0 < count < self.smallest

    @property
    def once(self) -> bool:
        """Whether there is one assessment only: then there are shares, but no times."""
        return self.times.by_visit and len(self.times.grid) < 2

    def rows(self, covariates: Floats) -> Iterator[Row]:
        """Give all rows of the event.

        Parameters
        ----------
        covariates
            Baseline covariates of those followed, shape (n, q).
        """
        if self.once:
            only = "one assessment only: shares at that visit, no restricted mean and no hazard"
            yield from replace(self, where={**self.where, "notes": self._notes(only)}).curves()
            return
        yield from self.curves()
        yield from self.restricted_means()
        yield from self.log_rank()
        yield from self.hazard_ratios(covariates)

    def _curve(self, a: int) -> KaplanMeier | None:
        own = self.times.arm == a
        return KaplanMeier(self.times.weeks[own], self.times.event[own]) if own.any() else None

    def curves(self) -> Iterator[Row]:
        """Give the share without the event and the number at risk, by arm and time."""
        for a, arm in enumerate(self.arms):
            curve = self._curve(a)
            if curve is None:
                yield {**self.where, "quantity": "count", "arm": arm, "estimate": 0,
                       "contrast": "followed", "method": "count"}  # fmt: skip
                continue
            n = len(curve.time)
            for week, visit in self.times.grid:
                point = curve.at(week, self.level)
                about: Row = {**self.where, "arm": arm, "visit": visit, "n_arm": n}
                shown = {
                    **about,
                    "quantity": "survival",
                    "contrast": f"without {self.event} by week {week:g}",
                    "method": "Kaplan–Meier",
                    "unit": "proportion",
                }
                hidden = self._hidden(curve, week)
                if hidden:
                    yield {**shown, "n_arm": None, "notes": self._notes(hidden)}
                else:
                    height: Row = {"estimate": point.survival, "se": point.se,
                                   "lower": point.lower, "upper": point.upper}  # fmt: skip
                    if self._tells_an_earlier_step(curve, week):
                        height = {key: None if value is None else round(value, 2)
                                  for key, value in height.items() if key != "se"}  # fmt: skip
                        height["notes"] = self._notes(ROUNDED)
                    yield {**shown, **height, "level": self.level, "interval_method": "log-log"}
                why = None
                if self.suppress and self._small(point.at_risk):
                    why = suppressed(self.smallest)
                elif self.suppress and self._small(curve.before(week)):
                    why = complement(self.smallest)
                yield {
                    **about,
                    "quantity": "count",
                    "contrast": f"at risk at week {week:g}",
                    "method": "count",
                    "estimate": None if why else point.at_risk,
                    "notes": self._notes(why),
                }

    def _hidden(self, curve: KaplanMeier, week: float) -> str | None:
        """Say why the height of a curve at a week is not shown; None where it is."""
        if not self.suppress:
            return None
        few = self._small(curve.at(week).events) or self._small(curve.without(week))
        if few or len(curve.time) < self.smallest:
            return suppressed(self.smallest)
        return None

    def _tells_an_earlier_step(self, curve: KaplanMeier, week: float) -> bool:
        """Say whether an exact height would give a hidden one before it back.

        With somebody censored in between it is a product of fractions whose parts could be found;
        in whole per cent they cannot. With nobody it is the share of all without the event.
        """
        early = any(self._hidden(curve, w) for w, _ in self.times.grid if w < week)
        return early and curve.censored_between(week)

    def _gives_back(self, curve: KaplanMeier, until: float) -> bool:
        """Say whether the area up to a week depends on a height that is hidden."""
        return any(week < until and self._hidden(curve, week) for week, _ in self.times.grid)

    def restricted_means(self) -> Iterator[Row]:
        """Give the mean time without the event, and its difference between arms."""
        curves = [self._curve(a) for a in range(len(self.arms))]
        known = [curve for curve in curves if curve is not None and len(curve.time) >= SMALLEST]
        if len(known) < len(curves):
            return
        until = min([self.times.grid[-1][0], *(curve.last for curve in known)])
        withheld = [self.few or self._gives_back(curve, until) for curve in known]
        about: Row = {
            **self.where,
            "method": "restricted mean of the Kaplan–Meier curve",
            "unit": "weeks",
        }
        means = [curve.restricted_mean(until) for curve in known]
        words = f"mean weeks without {self.event} up to week {until:g}"
        for a, arm in enumerate(self.arms):
            row: Row = {**about, "quantity": "restricted mean", "arm": arm, "contrast": words,
                        "n_arm": len(known[a].time)}  # fmt: skip
            if withheld[a]:
                yield {**row, "notes": self._notes(complement(self.smallest))}
            else:
                yield {**row, "estimate": means[a].mean, **self._mean_interval(means[a], until)}
        for a, arm in enumerate(self.arms[:-1]):
            row = {**about, "quantity": "difference", "arm": arm, "reference": self.arms[-1],
                   "contrast": f"{self.labels[arm]} minus {self.labels[self.arms[-1]]}: {words}",
                   "n_arm": len(known[a].time), "n_reference": len(known[-1].time)}  # fmt: skip
            if withheld[a] or withheld[-1]:
                yield {**row, "notes": self._notes(complement(self.smallest))}
            else:
                yield {**row, **self._difference(means[a], means[-1], until)}

    def _mean_interval(self, found: RestrictedMean, until: float) -> Row:
        if not found.has_interval:
            return {"notes": self._notes(self._too_few(until))}
        half = self._half(found.se, found.df)
        return {"se": found.se, "df": found.df, "lower": max(found.mean - half, 0.0),
                "upper": min(found.mean + half, until), "level": self.level,
                "interval_method": "t"}  # fmt: skip

    def _difference(self, own: RestrictedMean, other: RestrictedMean, until: float) -> Row:
        difference, se, df = own.minus(other)
        if not (own.has_interval and other.has_interval):
            return {"estimate": difference, "notes": self._notes(self._too_few(until))}
        # Five with the event at the same time, and nobody left, leave no variance.
        statistic = difference / se if se > 0 else math.nan
        half = self._half(se, df)
        return {"estimate": difference, "se": se, "df": df, "lower": difference - half,
                "upper": difference + half, "level": self.level, "interval_method": "t",
                "statistic": statistic,
                "p": float(2 * stats.t.sf(abs(statistic), df))}  # fmt: skip

    def _too_few(self, until: float) -> str:
        return f"fewer than five events before week {until:g}: no interval"

    def _half(self, se: float, df: float) -> float:
        return se * float(stats.t.ppf((1 + self.level) / 2, df)) if se > 0 else 0.0

    def log_rank(self) -> Iterator[Row]:
        """Give the log-rank test over all arms."""
        from statsmodels.duration.survfunc import survdiff

        if not self.times.event.any() or len(np.unique(self.times.arm)) < 2:
            return
        about: Row = {
            **self.where,
            "quantity": "test",
            "contrast": "log-rank: all arms",
            "unit": "chi-squared",
            "method": "log-rank test",
        }
        if self.few:
            yield {**about, "notes": self._notes(complement(self.smallest))}
            return
        statistic, p = survdiff(self.times.weeks, self.times.event.astype(int), self.times.arm)
        yield {
            **about,
            "statistic": float(np.squeeze(statistic)),
            "df_numerator": len(np.unique(self.times.arm)) - 1,
            "p": float(np.squeeze(p)),
        }

    def hazard_ratios(self, covariates: Floats) -> Iterator[Row]:
        """Give hazard ratios against the reference, and the test whether they are constant.

        Parameters
        ----------
        covariates
            Baseline covariates of those followed, shape (n, q).
        """
        k = len(self.arms) - 1
        n = np.bincount(self.times.arm, minlength=k + 1)
        about: Row = {**self.where, "method": HAZARDS}
        fit, reason = None, complement(self.smallest)
        if not self.few:
            try:
                fit = fit_event(self.times, covariates, k + 1)
            except HazardError as error:
                reason = f"no hazard ratio: {error}"
        warning = None
        tests = []
        if fit is not None:
            terms = (("arm", list(range(k))), ("all terms", None))
            tests = [(term, fit.proportionality(columns)) for term, columns in terms]
            of_arms = tests[0][1]
            if of_arms is not None and of_arms.p < DOUBTFUL:
                warning = (
                    f"hazards of the arms are not proportional (p = {of_arms.p:.3f}): the "
                    "ratio is an average over time; read the restricted mean"
                )
        for a, arm in enumerate(self.arms[:-1]):
            row: Row = {
                **about,
                "quantity": "hazard ratio",
                "arm": arm,
                "reference": self.arms[-1],
                "contrast": f"{self.labels[arm]} against {self.labels[self.arms[-1]]}",
                "n_arm": int(n[a]),
                "n_reference": int(n[-1]),
            }
            if fit is None:
                yield {**row, "notes": self._notes(reason)}
                continue
            above = f"above 1: {self.event} sooner with {self.labels[arm]}"
            yield {**row, **fit.ratio(a, self.level), "level": self.level, "unit": "ratio",
                   "interval_method": "normal on the log scale", "converged": True,
                   "notes": self._notes(above, warning)}  # fmt: skip
        for term, test in tests:
            tested: Row = {
                **about,
                "quantity": "test",
                "contrast": f"proportional hazards: {term}",
                "unit": "chi-squared",
                "method": "score test on scaled Schoenfeld residuals, time as 1 - Kaplan–Meier",
            }
            if test is None:
                yield {**tested, "notes": self._notes("too few event times to tell")}
            else:
                yield {**tested, "statistic": test.statistic, "df_numerator": test.df,
                       "p": test.p}  # fmt: skip

    def _notes(self, *notes: str | None) -> str | None:
        return "; ".join(filter(None, [self.where.get("notes"), *notes])) or None


def fit_event(times: EventTimes, covariates: Floats, arms: int) -> HazardFit:
    """Fit the hazard model of one event on arm and baseline covariates.

    Parameters
    ----------
    times
        Times to the event.
    covariates
        Baseline covariates of those followed, shape (n, q); what the others determine is dropped.
    arms
        How many arms there are; the last is the reference, the others have the first columns.

    Raises
    ------
    HazardError
        When an arm has no event, or the fit has no finite solution.
    """
    own = np.eye(arms)[times.arm]
    if own[times.event].sum(axis=0).min() == 0:
        raise HazardError("an arm has no event")
    x = np.column_stack([own[:, :-1], useful_columns(own, covariates).of(covariates)])
    return fit_hazards(times.weeks, times.event, x)
