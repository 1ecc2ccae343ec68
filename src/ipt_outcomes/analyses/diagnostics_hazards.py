"""Hazard models, examined: see :mod:`ipt_outcomes.analyses.diagnostics`.

Deviance residuals, convergence, the hazard ratio with any one participant left out (to first order,
by dfbeta) and with an interval that does not rely on the model (Lin & Wei). Whether hazards are
proportional is tested with the hazard ratio itself (:mod:`ipt_outcomes.analyses.event_rows`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.diagnostics_rows import (
    CHOSEN,
    convergence_rows,
    distance_row,
    extreme_rows,
    of_part,
    quantile_rows,
    solved,
)
from ipt_outcomes.analyses.disclosure import FLOW, complement, suppressed
from ipt_outcomes.analyses.event_rows import HAZARDS, fit_event
from ipt_outcomes.analyses.hazard_residuals import HazardResiduals, hazard_residuals
from ipt_outcomes.analyses.hazards import HazardError, HazardFit
from ipt_outcomes.analyses.repeated_shares import few_with_or_without
from ipt_outcomes.analyses.time_to_event import Event
from ipt_outcomes.results import Row


def examine_hazards(data: TrialData, event: Event, shared: Row, level: float) -> Iterator[Row]:
    """Examine the hazard model of one event.

    Parameters
    ----------
    data
        The trial.
    event
        The event.
    shared
        What the rows share.
    level
        Level of the intervals.

    Raises
    ------
    ipt_outcomes.analyses.hazards.HazardError
        When the model has no finite solution.
    """
    where = {**shared, **event.where, "method": f"{HAZARDS}, examined"}
    if event.times.by_visit and len(event.times.grid) < 2:
        raise HazardError("with a single assessment there are shares, no times")
    smallest = data.study.privacy.smallest_group
    arms = len(data.arms)
    by_arm = np.bincount(event.times.arm, event.times.event, minlength=arms).astype(np.int64)
    sizes = np.bincount(event.times.arm, minlength=arms)
    few = bool(few_with_or_without(by_arm, sizes, smallest).any())
    why = None
    if 0 < by_arm.sum() < smallest:
        why = suppressed(smallest)  # each event would have a residual of its own
    elif few and event.about != FLOW:
        # What one participant does to a ratio tells how many events an arm had, or had not.
        why = complement(smallest)
    if why is not None:
        yield {**where, "quantity": "test", "contrast": "residuals and influence",
               "notes": why}  # fmt: skip
        return
    fit = fit_event(event.times, event.covariates, len(data.arms))
    found = hazard_residuals(fit)
    where["converged"] = True
    about = of_part(where, "residuals")
    yield from quantile_rows(found.deviance, about, "deviance residuals", normal=False)
    information = np.asarray(np.linalg.inv(fit.covariance), np.float64)
    decrement, curvature = solved(found.score.sum(axis=0), information)
    yield from convergence_rows(decrement, curvature, of_part(where, "convergence"))
    yield from _influence(data, fit, found, where)
    yield from _covariances(data, fit, found, where, level)


def _influence(
    data: TrialData, fit: HazardFit, found: HazardResiduals, where: Row
) -> Iterator[Row]:
    about = {**of_part(where, "influence"), "n_arm": len(fit.time)}
    p = len(fit.coefficients)
    # change' information change / p: u' V u / p in terms of the shares in the score.
    cook = np.einsum("np,np->n", found.score, found.change) / p
    yield distance_row(float(cook.max()), about, "participant", len(fit.time))
    for a, arm in enumerate(data.arms[:-1]):
        labels = data.study.arms
        compared = {**about, "quantity": "hazard ratio", "unit": "ratio", "arm": arm,
                    "contrast": f"{labels[arm].label} against {labels[data.arms[-1]].label}",
                    "notes": "to first order"}  # fmt: skip
        ratios = np.exp(fit.coefficients[a] - found.change[:, a])
        everyone = math.exp(float(fit.coefficients[a]))
        yield from extreme_rows(ratios, everyone, compared, "participant")


def _covariances(
    data: TrialData, fit: HazardFit, found: HazardResiduals, where: Row, level: float
) -> Iterator[Row]:
    """Give the model's own intervals and robust ones: far from each other, the model is wrong."""
    robust = HazardFit(fit.coefficients, found.robust, fit.time, fit.event, fit.x)
    for name, under, note in (("model-based", fit, CHOSEN), ("robust", robust, "Lin & Wei")):
        about = of_part({**where, "covariance": name}, f"covariance {name}")
        for a, arm in enumerate(data.arms[:-1]):
            labels = data.study.arms
            yield {**about, **under.ratio(a, level), "quantity": "hazard ratio", "unit": "ratio",
                   "arm": arm, "reference": data.arms[-1], "level": level,
                   "contrast": f"{labels[arm].label} against {labels[data.arms[-1]].label}",
                   "interval_method": "normal on the log scale", "notes": note}  # fmt: skip
