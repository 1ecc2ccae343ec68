"""Response and remission at every visit: observed shares, and one model of repeated outcomes.

Model: logit P(status) = visit + arm x visit + baseline score + covariates, by generalised
estimating equations (:mod:`ipt_outcomes.analyses.gee`). The odds ratios compare people with the
same covariates and are larger than the standardised ones of the same data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.disclosure import complement, suppressed
from ipt_outcomes.analyses.gee import EXCHANGEABLE, GeeError
from ipt_outcomes.analyses.proportions import wilson
from ipt_outcomes.analyses.repeated_shares import repeated_statuses
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.response_rows import Comparison
from ipt_outcomes.analyses.status import StatusDefinition
from ipt_outcomes.results import Row

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
    yield from _shares(matrix, event, seen, comparison)
    reason = "no odds ratio: an arm has nobody with, or nobody without, it, or fewer than 5"
    fit, laid_out = None, repeated_statuses(matrix, definition, comparison.smallest)
    if laid_out is not None:
        try:
            fit = laid_out.fit()
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
            if fit is None or laid_out is None or place not in laid_out.usable:
                yield {**about, "notes": f"{comparison.where['notes']}; {reason}"}
                continue
            if place in laid_out.hidden:
                # An odds ratio beside the other arm's share would give a hidden share back.
                yield {
                    **about,
                    "notes": f"{comparison.where['notes']}; {complement(comparison.smallest)}",
                }
                continue
            found = fit.linear(laid_out.log_odds_ratio(place, a), comparison.level)
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
                "n_arm": int(laid_out.sizes[place, a]),
                "n_reference": int(laid_out.sizes[place, -1]),
                "covariance": EXCHANGEABLE,
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
            least = comparison.smallest
            if n < least or 0 < k < least or 0 < n - k < least:
                yield {**about, "n_arm": None, "notes": f"{about['notes']}; {suppressed(least)}"}
                continue
            lower, upper = wilson(k / n, n, comparison.level)
            yield {**about, "estimate": k / n, "lower": lower, "upper": upper,
                   "level": comparison.level, "interval_method": "Wilson",
                   "unit": "proportion"}  # fmt: skip
