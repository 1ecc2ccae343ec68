"""Rows of the estimates table for the times to one event."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.covariates import useful_columns
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.event_times import EventTimes
from ipt_outcomes.analyses.hazards import HazardError, HazardFit, fit_hazards
from ipt_outcomes.analyses.survival_curves import KaplanMeier
from ipt_outcomes.results import Row

Floats = NDArray[np.float64]

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
        Whether cells with 1 to 4 participants are hidden: not for flow and harms.
    """

    times: EventTimes
    arms: list[str]
    labels: dict[str, str]
    event: str
    where: Row
    level: float
    suppress: bool

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
                small = 0 < point.events < SMALLEST or n < SMALLEST
                shown = {
                    **about,
                    "quantity": "survival",
                    "contrast": f"without {self.event} by week {week:g}",
                    "method": "Kaplan–Meier",
                    "unit": "proportion",
                }
                if self.suppress and small:
                    yield {**shown, "n_arm": None, "notes": self._notes(SUPPRESSED)}
                else:
                    yield {
                        **shown,
                        "estimate": point.survival,
                        "se": point.se,
                        "lower": point.lower,
                        "upper": point.upper,
                        "level": self.level,
                        "interval_method": "log-log",
                    }
                hidden = self.suppress and 0 < point.at_risk < SMALLEST
                yield {
                    **about,
                    "quantity": "count",
                    "contrast": f"at risk at week {week:g}",
                    "method": "count",
                    "estimate": None if hidden else point.at_risk,
                    "notes": self._notes(SUPPRESSED if hidden else None),
                }

    def restricted_means(self) -> Iterator[Row]:
        """Give the mean time without the event, and its difference between arms."""
        curves = [self._curve(a) for a in range(len(self.arms))]
        known = [curve for curve in curves if curve is not None and len(curve.time) >= SMALLEST]
        if len(known) < len(curves):
            return
        until = min([self.times.grid[-1][0], *(curve.last for curve in known)])
        about: Row = {
            **self.where,
            "method": "restricted mean of the Kaplan–Meier curve",
            "unit": "weeks",
            "level": self.level,
            "interval_method": "t",
        }
        means = [curve.restricted_mean(until) for curve in known]
        words = f"mean weeks without {self.event} up to week {until:g}"
        for arm, curve, found in zip(self.arms, known, means, strict=True):
            half = self._half(found.se, found.df)
            yield {**about, "quantity": "restricted mean", "arm": arm, "contrast": words,
                   "estimate": found.mean, "se": found.se, "df": found.df,
                   "lower": max(found.mean - half, 0.0), "upper": min(found.mean + half, until),
                   "n_arm": len(curve.time)}  # fmt: skip
        for a, arm in enumerate(self.arms[:-1]):
            difference, se, df = means[a].minus(means[-1])
            statistic = difference / se if se > 0 else math.nan
            half = self._half(se, df)
            yield {**about, "quantity": "difference", "arm": arm, "reference": self.arms[-1],
                   "contrast": f"{self.labels[arm]} minus {self.labels[self.arms[-1]]}: {words}",
                   "estimate": difference, "se": se, "df": df, "lower": difference - half,
                   "upper": difference + half, "statistic": statistic,
                   "p": float(2 * stats.t.sf(abs(statistic), df)),
                   "n_arm": len(known[a].time), "n_reference": len(known[-1].time)}  # fmt: skip

    def _half(self, se: float, df: float) -> float:
        return se * float(stats.t.ppf((1 + self.level) / 2, df)) if se > 0 else 0.0

    def log_rank(self) -> Iterator[Row]:
        """Give the log-rank test over all arms."""
        from statsmodels.duration.survfunc import survdiff

        if not self.times.event.any() or len(np.unique(self.times.arm)) < 2:
            return
        statistic, p = survdiff(self.times.weeks, self.times.event.astype(int), self.times.arm)
        yield {
            **self.where,
            "quantity": "test",
            "contrast": "log-rank: all arms",
            "unit": "chi-squared",
            "statistic": float(np.squeeze(statistic)),
            "df_numerator": len(np.unique(self.times.arm)) - 1,
            "p": float(np.squeeze(p)),
            "method": "log-rank test",
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
        fit, reason = None, ""
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
