"""Models of repeated shares (response by visit, bounded days), examined: see :mod:`.diagnostics`.

Pearson residuals by arm and visit, convergence, the odds ratio at the endpoint with any one
participant left out (in one step), and under another working correlation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.diagnostics_rows import (
    CHOSEN,
    convergence_rows,
    distance_row,
    extreme_rows,
    of_part,
    solved,
    spread_rows,
)
from ipt_outcomes.analyses.disclosure import complement
from ipt_outcomes.analyses.gee import EXCHANGEABLE, INDEPENDENT, GeeError, GeeFit
from ipt_outcomes.analyses.gee_influence import GeeInfluence, gee_influence
from ipt_outcomes.analyses.repeated_shares import RepeatedShares
from ipt_outcomes.results import Row

METHOD = "generalised estimating equations, logit link, Mancl–DeRouen covariance, examined"


def examine_gee(
    data: TrialData, shares: RepeatedShares, shared: Row, level: float, visit: str
) -> Iterator[Row]:
    """Examine the estimating equations of one status, or of days.

    Parameters
    ----------
    data
        The trial.
    shares
        What they are fitted to.
    shared
        What the rows share.
    level
        Level of the intervals.
    visit
        The visit at which arms are compared.

    Raises
    ------
    GeeError
        When the equations have no usable solution.
    """
    fit = shares.fit()
    where: Row = {**shared, "method": METHOD, "covariance": EXCHANGEABLE, "converged": True}
    found = gee_influence(fit, shares.share, shares.x, shares.row, shares.trials)
    yield from _residuals(shares, fit, found, where)
    decrement, curvature = solved(found.score, found.information)
    yield from convergence_rows(decrement, curvature, of_part(where, "convergence"))
    about = {**of_part(where, "influence"), "n_arm": fit.participants}
    place = shares.matrix.visits.index(visit)
    withheld = None
    if place not in shares.usable:
        withheld = "no odds ratio at this visit: an arm has nobody with, or nobody without, it"
    elif place in shares.hidden:
        # An odds ratio beside the other arm's share would give a hidden share back.
        withheld = complement(data.study.privacy.smallest_group)
    if withheld is not None:
        yield {**about, "quantity": "odds ratio", "visit": visit, "contrast": "all arms",
               "notes": withheld}  # fmt: skip
        return
    cook = found.cook[np.isfinite(found.cook)]
    if len(cook):
        yield distance_row(float(cook.max()), about, "participant", fit.participants)
    yield from _influence(data, shares, fit, found, place, about)
    yield from _correlations(data, shares, fit, place, where, level)


def _residuals(
    shares: RepeatedShares, fit: GeeFit, found: GeeInfluence, where: Row
) -> Iterator[Row]:
    about = of_part(where, "residuals")
    matrix = shares.matrix
    place = np.array(shares.usable)[shares.column]
    shown = ~np.isin(place, sorted(shares.hidden))
    arms = pd.Categorical(np.array(matrix.arms)[matrix.arm[shares.row]], matrix.arms)
    visits = pd.Categorical(np.array(matrix.visits)[place], matrix.visits)
    table = pd.DataFrame({"arm": arms, "visit": visits, "residual": found.pearson})[shown]
    yield {**about, "quantity": "variance", "unit": "ratio", "estimate": fit.dispersion,
           "contrast": "dispersion of the Pearson residuals (independent trials: 1)",
           "n_arm": fit.participants}  # fmt: skip
    if len(table):
        unit = {"unit": "residual"}
        yield from spread_rows(table, about | unit, "Pearson residuals", means=True)


def _compared(data: TrialData, shares: RepeatedShares, a: int) -> Row:
    labels, arms = data.study.arms, shares.matrix.arms
    return {"quantity": "odds ratio", "unit": "ratio", "arm": arms[a],
            "contrast": f"{labels[arms[a]].label} against {labels[arms[-1]].label}"}  # fmt: skip


def _influence(
    data: TrialData,
    shares: RepeatedShares,
    fit: GeeFit,
    found: GeeInfluence,
    place: int,
    about: Row,
) -> Iterator[Row]:
    at = {**about, "visit": shares.matrix.visits[place], "notes": "in one step"}
    for a in range(len(shares.matrix.arms) - 1):
        weights = shares.log_odds_ratio(place, a)
        left_out = np.exp(weights @ fit.coefficients - found.change @ weights)
        everyone = math.exp(float(weights @ fit.coefficients))
        about_pair = {**at, **_compared(data, shares, a)}
        yield from extreme_rows(left_out, everyone, about_pair, "participant")


def _correlations(
    data: TrialData, shares: RepeatedShares, fit: GeeFit, place: int, where: Row, level: float
) -> Iterator[Row]:
    """Give the odds ratios at the endpoint under both working correlations."""
    visit = shares.matrix.visits[place]
    for working in (EXCHANGEABLE, INDEPENDENT):
        about = {**of_part(where, f"covariance {working}"), "covariance": working, "visit": visit}
        note = f"{CHOSEN}; working correlation {fit.correlation:.2f}"
        own = fit
        if working != EXCHANGEABLE:
            note = "working correlation 0"
            try:
                own = shares.fit(working)
            except GeeError as error:
                yield {**about, "quantity": "odds ratio", "contrast": "all arms",
                       "converged": False, "notes": str(error)}  # fmt: skip
                return
        for a in range(len(shares.matrix.arms) - 1):
            line = own.linear(shares.log_odds_ratio(place, a), level)
            yield {**about, **_compared(data, shares, a), "reference": shares.matrix.arms[-1],
                   "estimate": math.exp(line["value"]),
                   "se": math.exp(line["value"]) * line["se"], "df": own.df,
                   "lower": math.exp(line["lower"]), "upper": math.exp(line["upper"]),
                   "statistic": line["statistic"], "p": line["p"], "level": level,
                   "interval_method": "t, robust with small-sample correction",
                   "n_arm": int(shares.sizes[place, a]),
                   "n_reference": int(shares.sizes[place, -1]), "notes": note}  # fmt: skip
