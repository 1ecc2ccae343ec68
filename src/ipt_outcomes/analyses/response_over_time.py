"""Response and remission at every visit: observed shares, and one model of repeated outcomes.

Model: logit P(status) = visit + arm x visit + baseline score + covariates, by generalised
estimating equations (:mod:`ipt_outcomes.analyses.gee`). The odds ratios compare people with the
same covariates and are larger than the standardised ones of the same data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.disclosure import COMPLEMENT, SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.gee import GeeError, arm_by_visit, binomial_gee
from ipt_outcomes.analyses.proportions import wilson
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.response_rows import Comparison
from ipt_outcomes.analyses.status import StatusDefinition

Row = dict[str, Any]

METHOD = (
    "generalised estimating equations, logit link, exchangeable working correlation, "
    "Mancl–DeRouen covariance"
)


def over_time_rows(
    matrix: ScoreMatrix, definition: StatusDefinition, comparison: Comparison
) -> Iterator[Row]:
    """Give the observed share of each arm, and odds ratios, by visit.

    Parameters
    ----------
    matrix
        Scores.
    definition
        The status.
    comparison
        What the rows have in common.

    Yields
    ------
    dict
        One share per arm and visit, with Wilson's interval; one odds ratio per arm and visit at
        which every arm has participants with the status and without it; where that does not hold,
        the row says so and holds no number.
    """
    event = definition.holds(matrix.baseline[:, None], matrix.scores)
    seen = ~np.isnan(matrix.scores) & ~np.isnan(matrix.baseline)[:, None]
    shares = list(_shares(matrix, event, seen, comparison))
    yield from shares
    # An odds ratio beside the other arm's share would give a hidden share back.
    telling = {row["visit"] for row in shares if row.get("estimate") is None}
    k = len(matrix.arms)
    usable, n = [], {}
    for place, visit in enumerate(matrix.visits[1:], start=1):
        known = seen[:, place]
        sizes = np.bincount(matrix.arm[known], minlength=k)
        events = np.bincount(matrix.arm[known & event[:, place]], minlength=k)
        n[visit] = sizes
        if sizes.min() >= SMALLEST and events.min() > 0 and (sizes - events).min() > 0:
            usable.append(place)
    reason = "no odds ratio: an arm has nobody with, or nobody without, it, or fewer than 5"
    fit = None
    if usable:
        row, column = np.nonzero(seen[:, usable])
        covariates = np.column_stack([matrix.baseline_filled(), matrix.covariates])
        x = arm_by_visit(matrix.arm[row], column, k, len(usable), covariates[row])
        share = event[row, np.array(usable)[column]].astype(float)
        try:
            fit = binomial_gee(share, x, row)
        except GeeError as error:
            reason = f"no odds ratio: {error}"
    for place, visit in enumerate(matrix.visits[1:], start=1):
        for a, arm in enumerate(matrix.arms[:-1]):
            about: Row = {
                **comparison.where,
                "method": METHOD,
                "quantity": "odds ratio",
                "visit": visit,
                "arm": arm,
                "reference": matrix.arms[-1],
                "contrast": f"{comparison.labels[arm]} against "
                f"{comparison.labels[matrix.arms[-1]]}",
            }
            if visit in telling and fit is not None and place in usable:
                yield {**about, "notes": f"{comparison.where['notes']}; {COMPLEMENT}"}
                continue
            if fit is None or place not in usable:
                yield {**about, "notes": f"{comparison.where['notes']}; {reason}"}
                continue
            weights = np.zeros(len(fit.coefficients))
            weights[len(usable) + usable.index(place) * (k - 1) + a] = 1.0
            found = fit.linear(weights, comparison.level)
            yield {
                **about,
                "estimate": math.exp(found["value"]),
                "se": math.exp(found["value"]) * found["se"],
                "lower": math.exp(found["lower"]),
                "upper": math.exp(found["upper"]),
                "level": comparison.level,
                "interval_method": "t, robust with small-sample correction",
                "df": fit.df,
                "statistic": found["statistic"],
                "p": found["p"],
                "unit": "ratio",
                "n_arm": int(n[visit][a]),
                "n_reference": int(n[visit][-1]),
                "covariance": "exchangeable",
                "converged": True,
                "notes": f"{comparison.where['notes']}; observed scores only; "
                f"working correlation {fit.correlation:.2f}",
            }


def _shares(
    matrix: ScoreMatrix,
    event: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    comparison: Comparison,
) -> Iterator[Row]:
    for place, visit in enumerate(matrix.visits[1:], start=1):
        for a, arm in enumerate(matrix.arms):
            known = seen[:, place] & (matrix.arm == a)
            n, k = int(known.sum()), int(event[known, place].sum())
            about: Row = {
                **comparison.where,
                "method": "observed share",
                "quantity": "probability",
                "visit": visit,
                "arm": arm,
                "n_arm": n,
                "notes": f"{comparison.where['notes']}; observed scores only",
            }
            if n < SMALLEST or 0 < k < SMALLEST:
                yield {**about, "n_arm": None, "notes": f"{about['notes']}; {SUPPRESSED}"}
                continue
            lower, upper = wilson(k / n, n, comparison.level)
            yield {**about, "estimate": k / n, "lower": lower, "upper": upper,
                   "level": comparison.level, "interval_method": "Wilson",
                   "unit": "proportion"}  # fmt: skip
