"""The logistic model behind standardised risks, examined: see :mod:`.diagnostics`.

It is the model of those with a score at the endpoint (the imputed ones differ in each completed
data set): calibration in groups of predicted risk, convergence, and the risk difference with any
one participant left out, each time fitted anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.diagnostics_rows import (
    CHOSEN,
    convergence_rows,
    distance_row,
    extreme_rows,
    of_part,
    solved,
)
from ipt_outcomes.analyses.disclosure import complement, suppressed
from ipt_outcomes.analyses.logistic_influence import LogisticInfluence, logistic_influence
from ipt_outcomes.analyses.repeated_shares import few_with_or_without
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.standardisation import StandardisedRisks, standardised_risks
from ipt_outcomes.analyses.status import StatusDefinition
from ipt_outcomes.results import Row

Floats = NDArray[np.float64]

METHOD = "logistic regression on arm, baseline score and covariates, examined"
OBSERVED = "observed scores only"
MOST_GROUPS = 5
GROUPS = {5: "fifth", 4: "fourth", 3: "third", 2: "half"}


def examine_logistic(
    data: TrialData,
    matrix: ScoreMatrix,
    definition: StatusDefinition,
    visit: str,
    shared: Row,
    level: float,
) -> Iterator[Row]:
    """Examine the logistic model of a status at one visit.

    Parameters
    ----------
    data
        The trial.
    matrix
        Its scores.
    definition
        The status.
    visit
        The visit.
    shared
        What the rows share.
    level
        Level of the intervals.

    Raises
    ------
    ipt_outcomes.analyses.logistic_influence.LogisticError
        When the model has no maximum.
    """
    later = matrix.at(visit)
    kept = ~np.isnan(later) & ~np.isnan(matrix.baseline)
    event, arm = definition.holds(matrix.baseline, later)[kept], matrix.arm[kept]
    where = {**shared, "method": METHOD, "visit": visit, "notes": OBSERVED}
    k = len(matrix.arms)
    sizes, events = np.bincount(arm, minlength=k), np.bincount(arm[event], minlength=k)
    smallest = data.study.privacy.smallest_group
    if sizes.min() < smallest:
        yield {**where, "quantity": "test", "contrast": "calibration and influence",
               "notes": suppressed(smallest)}  # fmt: skip
        return
    covariates = np.column_stack([matrix.baseline_filled(), matrix.covariates])[kept]
    fit = logistic_influence(event, arm, covariates, k)
    where["converged"] = True
    few = bool(few_with_or_without(events, sizes, smallest).any())
    yield from _calibration(fit, where, smallest, few)
    score = fit.x.T @ (fit.event - fit.fitted)
    decrement, curvature = solved(score, fit.information)
    yield from convergence_rows(decrement, curvature, of_part(where, "convergence"))
    if few:
        # What one participant does to a share gives the share away.
        notes = f"{OBSERVED}; {complement(smallest)}"
        yield {**of_part(where, "influence"), "quantity": "risk difference",
               "contrast": "all arms", "notes": notes}  # fmt: skip
    else:
        yield from _influence(data, fit, matrix.arms, where)
        risks = standardised_risks(event, arm, covariates, matrix.arms)
        yield from _covariances(data, risks, where, level)


def risk_groups(risk: Floats, event: Floats, smallest: int) -> list[NDArray[np.int64]]:
    """Divide participants into up to five equal groups by predicted risk.

    Parameters
    ----------
    risk, event
        Predicted risk, and whether it happened, shape (n,).
    smallest
        Participants with the event, and without it, that each group needs.

    Returns
    -------
    list of numpy.ndarray
        Positions, from the lowest risk to the highest; fewer groups where they would be too small,
        and none where two are.

    Examples
    --------
    >>> risk = np.linspace(0.2, 0.8, 60)
    >>> event = np.tile([0.0, 1.0], 30)
    >>> [len(group) for group in risk_groups(risk, event, 5)]
    [12, 12, 12, 12, 12]
    >>> [len(group) for group in risk_groups(risk, event, 8)]
    [20, 20, 20]
    """
    # Equal risks stay together, so that neither the order of rows nor the event divides them;
    # rounded, because equal ones may differ by the machine's last digit.
    risk = np.round(risk, 9)
    place = np.searchsorted(np.sort(risk), risk, side="left")
    for number in range(MOST_GROUPS, 1, -1):
        of = place * number // len(risk)
        groups = [np.flatnonzero(of == group) for group in range(number)]
        with_it = np.array([event[group].sum() for group in groups])
        without = np.array([len(group) for group in groups]) - with_it
        if min(with_it.min(), without.min()) >= smallest:
            return groups
    return []


def _calibration(fit: LogisticInfluence, where: Row, smallest: int, few: bool) -> Iterator[Row]:
    """Give observed and predicted shares by group of predicted risk.

    Where an arm has few with the status or without it, the sum over the groups would tell of them.
    """
    about = {**of_part(where, "calibration"), "quantity": "probability", "unit": "proportion"}
    groups = [] if few else risk_groups(fit.fitted, fit.event, smallest)
    if not groups:
        yield {**about, "contrast": "observed and predicted share",
               "notes": f"{where['notes']}; {suppressed(smallest)}"}  # fmt: skip
    for number, group in enumerate(groups, start=1):
        words = f"{GROUPS[len(groups)]} {number} of {len(groups)} by predicted risk"
        at = {**about, "subgroup": words, "n_arm": len(group)}
        yield {**at, "contrast": "observed share", "estimate": float(fit.event[group].mean())}
        yield {**at, "contrast": "predicted share", "estimate": float(fit.fitted[group].mean())}


def _influence(
    data: TrialData, fit: LogisticInfluence, arms: list[str], where: Row
) -> Iterator[Row]:
    n = len(fit.event)
    about = {**of_part(where, "influence"), "n_arm": n}
    risks, left_out = fit.risks(), fit.risks_left_out()
    cook = fit.cook[np.isfinite(fit.cook)]
    if len(cook):
        yield distance_row(float(cook.max()), about, "participant", n)
    labels = data.study.arms
    for a, arm in enumerate(arms[:-1]):
        words = f"{labels[arm].label} against {labels[arms[-1]].label}"
        compared = {**about, "quantity": "risk difference", "unit": "proportion", "arm": arm,
                    "contrast": words}  # fmt: skip
        differences = left_out[:, a] - left_out[:, -1]
        everyone = float(risks[a] - risks[-1])
        yield from extreme_rows(differences, everyone, compared, "participant")


def _covariances(
    data: TrialData, risks: StandardisedRisks, where: Row, level: float
) -> Iterator[Row]:
    """Give the risk differences with both covariances of the standardised risks."""
    t = float(stats.t.ppf((1 + level) / 2, risks.df))
    for name, fixed, note in (
        ("counting the sampling of covariates", False, f"{CHOSEN}; {OBSERVED}"),
        ("covariates held fixed", True, OBSERVED),
    ):
        about = of_part({**where, "covariance": name, "notes": note}, f"covariance {name}")
        for a, arm in enumerate(risks.arms[:-1]):
            labels, reference = data.study.arms, risks.arms[-1]
            found = risks.risk_difference(arm, reference, fixed=fixed)
            se = math.sqrt(found.variance)
            yield {**about, "quantity": "risk difference", "unit": "proportion", "arm": arm,
                   "reference": reference, "estimate": found.value, "se": se, "df": risks.df,
                   "contrast": f"{labels[arm].label} against {labels[reference].label}",
                   "lower": found.value - t * se, "upper": found.value + t * se, "level": level,
                   "interval_method": "t, delta method", "n_arm": int(risks.n[a]),
                   "n_reference": int(risks.n[-1])}  # fmt: skip
