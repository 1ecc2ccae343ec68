"""Outcomes that count: days with binge eating (bounded) and episodes (without an upper end).

Days in the past 28 cannot exceed 28: their share is modelled with a logit link by generalised
estimating equations over all visits, the robust covariance allowing for days that come in runs.
Episodes have no upper end: their rate at one visit is modelled by a negative binomial regression.
Both adjust for the baseline count and use observed counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.gee import EXCHANGEABLE, GeeError, GeeFit
from ipt_outcomes.analyses.negative_binomial import NEAR_ZERO, CountError, RateFit, fit_rates
from ipt_outcomes.analyses.repeated_shares import repeated_days
from ipt_outcomes.analyses.response_data import ScoreMatrix, score_matrix
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.clinical import CountOutcome

Floats = NDArray[np.float64]

GEE = (
    "binomial generalised estimating equations, logit link, exchangeable working correlation, "
    "Mancl–DeRouen covariance"
)
NEGATIVE_BINOMIAL = "negative binomial regression, dispersion estimated"
OBSERVED = "observed counts only, baseline count adjusted for"


def counts(data: TrialData) -> pd.DataFrame:
    """Compare the arms on the counts that the configuration names.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: for bounded days, adjusted mean days, their differences and
        odds ratios by visit; for episodes, rate ratios and the dispersion at the endpoint.

    Raises
    ------
    CountError
        When values are not counts, or the trial has none of the outcomes.
    """
    plan = data.study.analyses.counts
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    outcomes = [name for name in plan.outcomes if name in data.study.outcomes_of(data.trial)]
    if not outcomes:
        raise CountError(
            f"{data.trial}: it has none of the outcomes under analyses.counts.outcomes "
            f"({', '.join(plan.outcomes)}). Add one that it has, or take counts out."
        )
    rows: list[Row] = []
    for outcome in outcomes:
        kind = plan.outcomes[outcome]
        matrix = configured_counts(data, outcome)
        shared = exploratory(
            data, "counts", outcome=outcome, estimand=data.study.primary_estimand, notes=OBSERVED
        )
        endpoint = kind.visit or data.study.endpoint
        labels = {arm: data.study.arms[arm].label for arm in matrix.arms}
        if kind.bounded_at is not None:
            of = _bounded(matrix, kind.bounded_at, labels, shared, plan.level)
        else:
            of = _unbounded(matrix, endpoint, labels, shared, plan.level)
        for row in of:
            if (
                plan.status == "confirmatory"
                and outcome == data.study.primary_outcome
                and row.get("visit") == endpoint
                and row["quantity"] in ("odds ratio", "rate ratio")
            ):
                row["status"] = "confirmatory"
            rows.append(row)
    return estimates(rows)


def configured_counts(data: TrialData, outcome: str) -> ScoreMatrix:
    """Lay out the counts of one outcome.

    Parameters
    ----------
    data
        The trial.
    outcome
        One of the outcomes under ``analyses.counts``.

    Raises
    ------
    CountError
        When values are no counts, or larger than the bound.
    """
    plan = data.study.analyses.counts
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    matrix = score_matrix(data, outcome, data.study.primary_estimand, plan.adjust_for)
    _check(data, outcome, matrix.scores, plan.outcomes[outcome])
    return matrix


def _check(data: TrialData, outcome: str, scores: Floats, kind: CountOutcome) -> None:
    seen = scores[~np.isnan(scores)]
    wrong = seen[(seen < 0) | (seen != np.rint(seen))]
    if len(wrong):
        raise CountError(
            f"{data.trial}: {outcome} is analysed as a count, but {len(wrong)} values are no whole "
            f"numbers from 0 up, such as {wrong[0]:g}. Take it out of analyses.counts, or mend it."
        )
    if kind.bounded_at is not None and len(beyond := seen[seen > kind.bounded_at]):
        raise CountError(
            f"{data.trial}: {outcome} is bounded at {kind.bounded_at}, but {len(beyond)} values "
            f"are larger, such as {beyond[0]:g}. Mend bounded_at, or leave it out for episodes."
        )


def _bounded(
    matrix: ScoreMatrix, bound: int, labels: dict[str, str], shared: Row, level: float
) -> Iterator[Row]:
    k = len(matrix.arms)
    laid_out = repeated_days(matrix, bound)
    usable = [] if laid_out is None else laid_out.usable
    about: Row = {**shared, "method": GEE, "covariance": EXCHANGEABLE}
    for v in range(1, len(matrix.visits)):
        if v not in usable:
            yield {**about, "quantity": "odds ratio", "visit": matrix.visits[v],
                   "contrast": "all arms", "notes": f"{OBSERVED}; {SUPPRESSED}"}  # fmt: skip
    if laid_out is None:
        return
    x, sizes = laid_out.x, laid_out.sizes
    try:
        fit = laid_out.fit()
    except GeeError as error:
        yield {**about, "quantity": "odds ratio", "contrast": "all arms and visits",
               "notes": f"{OBSERVED}; {error}"}  # fmt: skip
        return
    about |= {"converged": True, "level": level}
    yield {**about, "quantity": "variance", "contrast": "dispersion relative to independent days",
           "estimate": fit.dispersion, "n_arm": fit.participants, "unit": "ratio",
           "level": None}  # fmt: skip
    for place, v in enumerate(usable):
        at: Row = {**about, "visit": matrix.visits[v], "interval_method": "t, robust with "
                   "small-sample correction", "df": fit.df}  # fmt: skip
        means, gradients = [], []
        for a in range(k):
            mean, gradient = _mean_days(fit, x, len(usable), place, a, k, bound)
            means.append(mean)
            gradients.append(gradient)
            yield {**at, **_interval(fit, mean, gradient, level), "quantity": "mean",
                   "arm": matrix.arms[a], "unit": "days", "n_arm": int(sizes[v, a])}  # fmt: skip
        for a, arm in enumerate(matrix.arms[:-1]):
            pair: Row = {**at, "arm": arm, "reference": matrix.arms[-1],
                         "n_arm": int(sizes[v, a]), "n_reference": int(sizes[v, -1])}  # fmt: skip
            difference = means[a] - means[-1]
            gradient = gradients[a] - gradients[-1]
            found = _interval(fit, difference, gradient, level)
            statistic = difference / found["se"]
            yield {**pair, **found, "quantity": "difference", "unit": "days",
                   "contrast": f"{labels[arm]} minus {labels[matrix.arms[-1]]}",
                   "statistic": statistic,
                   "p": float(2 * stats.t.sf(abs(statistic), fit.df))}  # fmt: skip
            odds = fit.linear(laid_out.log_odds_ratio(v, a), level)
            yield {**pair, "quantity": "odds ratio", "unit": "ratio",
                   "contrast": f"{labels[arm]} against {labels[matrix.arms[-1]]}",
                   "estimate": math.exp(odds["value"]), "se": math.exp(odds["value"]) * odds["se"],
                   "lower": math.exp(odds["lower"]), "upper": math.exp(odds["upper"]),
                   "statistic": odds["statistic"], "p": odds["p"]}  # fmt: skip


def _mean_days(
    fit: GeeFit, x: Floats, visits: int, place: int, a: int, k: int, bound: int
) -> tuple[float, Floats]:
    """Mean days at one visit had everybody been in one arm, and its gradient."""
    changed = x.copy()
    changed[:, : visits * k] = 0.0
    changed[:, place] = 1.0
    if a < k - 1:
        changed[:, visits + place * (k - 1) + a] = 1.0
    mu = 1 / (1 + np.exp(-(changed @ fit.coefficients)))
    gradient: Floats = bound * (changed * (mu * (1 - mu))[:, None]).mean(axis=0)
    return bound * float(mu.mean()), gradient


def _interval(fit: GeeFit, value: float, gradient: Floats, level: float) -> Row:
    se = math.sqrt(float(gradient @ fit.covariance @ gradient))
    half = float(stats.t.ppf((1 + level) / 2, fit.df)) * se
    return {"estimate": value, "se": se, "lower": value - half, "upper": value + half}


def _unbounded(
    matrix: ScoreMatrix, endpoint: str, labels: dict[str, str], shared: Row, level: float
) -> Iterator[Row]:
    later = matrix.at(endpoint)
    kept = ~np.isnan(later) & ~np.isnan(matrix.baseline)
    own = np.eye(len(matrix.arms))[matrix.arm[kept]]
    n = own.sum(axis=0).astype(int)
    reference = matrix.arms[-1]
    about: Row = {**shared, "method": NEGATIVE_BINOMIAL, "visit": endpoint}
    reason, fit = SUPPRESSED, None
    if n.min() >= SMALLEST:
        # The logarithm of the baseline count makes the model's baseline proportional.
        start = np.column_stack([np.log1p(matrix.baseline[kept]), matrix.covariates[kept]])
        x = np.hstack([own[:, :-1], np.ones((len(own), 1))])
        for column in (start - start.mean(axis=0)).T:
            tried = np.column_stack([x, column])
            if np.linalg.matrix_rank(tried) == tried.shape[1]:
                x = tried
        try:
            fit = fit_rates(later[kept], x)
        except CountError as error:
            reason = str(error)
    if fit is not None:
        yield {**about, **_dispersion(fit, level), "quantity": "variance", "n_arm": fit.n,
               "contrast": "dispersion alpha of the counts"}  # fmt: skip
    for a, arm in enumerate(matrix.arms[:-1]):
        pair: Row = {**about, "quantity": "rate ratio", "arm": arm, "reference": reference,
                     "contrast": f"{labels[arm]} against {labels[reference]}"}  # fmt: skip
        if fit is None:
            yield {**pair, "notes": f"{OBSERVED}; {reason}"}
        else:
            yield {**pair, **fit.ratio(a, level), "level": level, "unit": "ratio",
                   "interval_method": "t on the log scale", "converged": True,
                   "n_arm": int(n[a]), "n_reference": int(n[-1])}  # fmt: skip


def _dispersion(fit: RateFit, level: float) -> Row:
    found: Row = {"estimate": fit.dispersion, "se": fit.dispersion_se}
    interval = fit.dispersion_interval(level)
    if interval is None:
        return {**found, "notes": f"{OBSERVED}; {NEAR_ZERO}"}
    return {**found, "lower": interval[0], "upper": interval[1], "level": level,
            "interval_method": "normal on the log scale"}  # fmt: skip
