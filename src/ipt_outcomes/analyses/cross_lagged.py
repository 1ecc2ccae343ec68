r"""Which of two series goes before a change of the other: both directions from one model.

A cross-lagged panel model with random intercepts: either series (social functioning, alliance or
support, and symptoms) has a mean by arm and occasion and, in each participant, a stable level, with
a trend of its own where asked for. What is left moves: the deviations of an occasion are regressed
on those of the occasion before, their own (carry-over) and the other series' (cross-lags). Fitted
by restricted full-information maximum likelihood; intervals by the likelihood ratio, with Student's
distribution. The model is tested against free covariances, and for trends that it leaves out.

For participant i at occasion t, see :mod:`ipt_outcomes.mixed.panel`,

.. math::

    (x, y)_{it} = \mu_{\text{arm}, t} + (\kappa_i, \omega_i) + w_{it}, \qquad
    w_{it} = A\, w_{i,t-1} + e_{it}.

:math:`\kappa, \omega` hold what is stable about a participant, A what a deviation from it at one
occasion says of the next: autoregressions on its diagonal, cross-lags beside it. Both series are
outcomes of the model, so that, other than in :mod:`ipt_outcomes.analyses.within_between`, the way
back is as free of bias as the way forward, and few occasions do (three at least).

Nothing here was randomised: a cross-lag is an association in time.

Source: Hamaker, Kuiper & Grasman (2015), Psychological Methods 20:102.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.process_data import by_time, label_of
from ipt_outcomes.analyses.within_between import ProcessError
from ipt_outcomes.mixed import ConvergenceError, DesignError, PanelFit, cross_lagged_panel
from ipt_outcomes.mixed.cross_lagged import Lag
from ipt_outcomes.mixed.panel import LEAST_WITH_TRENDS
from ipt_outcomes.mixed.panel_fit import Ratio
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.process_analyses import CrossLaggedAnalysis, PanelPair

ASSOCIATION = (
    "an association in time within persons, not an effect: it assumes that nothing else that "
    "varies within a person drives both series, and that the time between two occasions is the one "
    "that matters"
)
AS_OBSERVED = "scores as observed, whatever happened to treatment"
LIKELIHOOD = "restricted full-information maximum likelihood, means by arm and occasion"
METHOD = f"random-intercept cross-lagged panel model, {LIKELIHOOD}"
WITH_TRENDS = f"cross-lagged panel model with random intercepts and trends, {LIKELIHOOD}"
PERSONS_PER_COVARIANCE = 2
"""Participants per free variance or covariance from which on the model is tested against them."""
UNEVEN = 1.5
"""Ratio of the longest to the shortest time between occasions that is told."""


@dataclass(frozen=True)
class Series:
    """Two series side by side.

    Parameters
    ----------
    frame
        participant, arm, occasion, x, y.
    labels
        The two series in words.
    notes
        What was left out, and how the occasions lie.
    times
        When the occasions are, where they are visits.
    """

    frame: pd.DataFrame
    labels: tuple[str, str]
    notes: list[str]
    times: list[float] | None = None


def cross_lagged(data: TrialData) -> pd.DataFrame:
    """Estimate the cross-lags of each pair of series in both directions.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: cross-lags as slopes and standardised, autoregressions, tests,
        standard deviations of the stable parts.

    Raises
    ------
    ProcessError
        When a series was not recorded, or not often enough, or in too few participants.
    """
    plan = data.study.analyses.cross_lagged
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for name, pair in plan.pairs.items():
        about = exploratory(data, f"cross-lagged panel, {name}")
        rows.extend(attempted(_pair(data, plan, name, pair, about), {**about, "quantity": "slope"}))
    return estimates(rows)


def _pair(
    data: TrialData, plan: CrossLaggedAnalysis, name: str, pair: PanelPair, about: Row
) -> Iterator[Row]:
    """Fit the model of one pair and give its rows.

    Raises
    ------
    ProcessError
        When the data cannot carry the model; a likelihood without a maximum is no mistake of the
        study's, and leaves a row that says so.
    """
    series = side_by_side(data, plan, pair)
    try:
        fit = cross_lagged_panel(
            series.frame,
            participant="participant",
            occasion="occasion",
            x="x",
            y="y",
            group="arm",
            times=series.times,
            trends=plan.trends,
            free_lags=plan.free_lags,
            free_innovations=plan.free_innovations,
            level=plan.level,
        )
    except DesignError as error:
        told = "".join(f" ({note})" for note in series.notes)
        raise ProcessError(
            f"{data.trial}: no cross-lagged panel model of {series.labels[0]} and "
            f"{series.labels[1]}: {error}{told} Take analyses.cross_lagged.pairs.{name} out, "
            "or give it more occasions or participants."
        ) from error
    yield from panel_rows(fit, series, about)


def side_by_side(data: TrialData, plan: CrossLaggedAnalysis, pair: PanelPair) -> Series:
    """Put the two series of a pair beside each other, by session or by visit.

    Parameters
    ----------
    data
        The trial.
    plan, pair
        The section of the configuration and one of its pairs.

    Raises
    ------
    ProcessError
        When a series was not recorded at such occasions.
    """
    notes: list[str] = []
    times: list[float] | None = None
    if plan.occasions == "sessions":
        parts = [by_time(data, name, "session") for name in (pair.predictor, pair.outcome)]
        labels = (label_of(data, pair.predictor), label_of(data, pair.outcome))
    else:
        visits = plan.visits or _until_endpoint(data)
        parts = [_by_visit(data, name, visits) for name in (pair.predictor, pair.outcome)]
        labels = (_label(data, pair.predictor), _label(data, pair.outcome))
        seen = [v for v in visits if any((part["time"] == v).any() for part in parts)]
        times = [float(data.study.visits[v].week) for v in seen]
        gaps = np.diff(times)
        if len(gaps) and gaps.max() > UNEVEN * gaps.min():
            notes.append(
                f"visits lie {gaps.min():g} to {gaps.max():g} weeks apart: one step from visit to "
                "visit is not always the same time"
            )
        if {pair.predictor, pair.outcome} & set(data.study.outcomes):
            notes.append(AS_OBSERVED)
    both = (
        parts[0]
        .rename(columns={"value": "x"})
        .merge(
            parts[1].rename(columns={"value": "y"}), on=["participant", "time", "arm"], how="outer"
        )
    )
    if plan.occasions == "sessions":
        both, note = _without_thin_end(both, plan.minimum_participants)
        notes += note
    else:
        both["time"] = pd.Categorical(both["time"], seen, ordered=True)
    return Series(both.rename(columns={"time": "occasion"}), labels, notes, times)


def _until_endpoint(data: TrialData) -> list[str]:
    visits = list(data.study.visits_of(data.trial))
    endpoint = data.study.endpoint
    return visits[: visits.index(endpoint) + 1] if endpoint in visits else visits


def _by_visit(data: TrialData, name: str, visits: list[str]) -> pd.DataFrame:
    if name not in data.study.outcomes:
        own = by_time(data, name, "visit")
        return own[own["time"].isin(visits)]
    rows = data.scores[(data.scores["outcome"] == name) & data.scores["visit"].isin(visits)]
    rows = rows[rows["score"].notna()]
    if rows.empty:
        raise ProcessError(f"{data.trial}: no visit among {', '.join(visits)} has a score of "
                           f"{name}. Name other visits, or take the pair out.")  # fmt: skip
    arm = data.participants.set_index("participant")["arm"]
    own = rows[["participant", "visit", "score"]].rename(
        columns={"visit": "time", "score": "value"}
    )
    return own.assign(arm=own["participant"].map(arm).astype("str"))


def _label(data: TrialData, name: str) -> str:
    outcome = data.study.outcomes.get(name)
    if outcome is None:
        return label_of(data, name)
    return outcome.short_label or outcome.label


def _without_thin_end(both: pd.DataFrame, least: int) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the sessions at the end that few participants had."""
    number = both.groupby("time")["participant"].nunique().sort_index()
    enough = number.index[number >= least]
    last = enough.max() if len(enough) else number.index.min() - 1
    dropped = [int(t) for t in number.index if t > last]
    if not dropped:
        return both, []
    words = f"session {dropped[0]}" if len(dropped) == 1 else f"sessions {dropped[0]} and later"
    return both[both["time"] <= last], [f"{words} left out: fewer than {least} participants"]


def panel_rows(fit: PanelFit, series: Series, about: Row) -> Iterator[Row]:
    """Give the rows of one pair.

    Parameters
    ----------
    fit
        The model.
    series
        Its data.
    about
        Columns that all rows share.
    """
    people = fit.panel.counts["participants"]
    notes = [*series.notes, *fit.notes]
    where: Row = {
        **about,
        "n_arm": people,
        "method": WITH_TRENDS if fit.structure.trends else METHOD,
        "converged": True,
        "notes": "; ".join(notes) or None,
    }
    yield {**where, "quantity": "count", "contrast": "scores of both series", "unit": "scores",
           "estimate": fit.panel.counts["observations"],
           "notes": "; ".join([f"{len(fit.panel.occasions)} occasions", *notes])}  # fmt: skip
    # Forward first, then back, then what either series owes to its own past.
    for lag in sorted(fit.structure.lags, key=lambda lag: (lag.of == lag.to, lag.of)):
        yield from _regression(fit, lag, series, where)
    if not fit.form["free_lags"]:
        yield _tested(where, fit.test("x -> y", "y -> x"), "no cross-lag in either direction")
    yield from _stable(fit, series, where)
    yield from _fit_of_model(fit, where)


def _regression(fit: PanelFit, lag: Lag, series: Series, where: Row) -> Iterator[Row]:
    of, to = series.labels[lag.of], series.labels[lag.to]
    direction = "own past" if lag.of == lag.to else ("forward" if lag.of == 0 else "back")
    at = lag.name.partition(" (")[2].rstrip(")")
    words = f"{of} → {to}, the next occasion" + (f" ({at})" if at else "")
    about: Row = {
        **where,
        "analysis": f"{where['analysis']} {direction}",
        "subgroup": "within persons",
        "contrast": f"within persons: {words}",
        "notes": "; ".join(filter(None, [ASSOCIATION, where["notes"]])),
    }
    found = fit.regression(lag.name)
    yield {**about, **found, "quantity": "slope", "unit": f"{to} per unit of {of}",
           "level": fit.level, "interval_method": "profile likelihood, t"}  # fmt: skip
    if fit.can_be_standardised and lag.of != lag.to:
        value, se = fit.standardised(lag.name)
        half = fit.quantile * se
        yield {**about, "quantity": "effect size", "estimate": value, "se": se, "df": fit.df,
               "lower": value - half, "upper": value + half, "level": fit.level,
               "interval_method": "t, delta method",
               "contrast": f"{words}, standardised",
               "unit": "within-person SD per within-person SD"}  # fmt: skip


def _tested(where: Row, test: Ratio, words: str, notes: str | None = None) -> Row:
    return {**where, "quantity": "test", "contrast": words, "unit": "chi-squared",
            "statistic": test.statistic, "df_numerator": test.df, "p": test.p,
            "notes": "; ".join(filter(None, [where["notes"], notes])) or None}  # fmt: skip


def _stable(fit: PanelFit, series: Series, where: Row) -> Iterator[Row]:
    effects = ["stable level of {}"] + ["trend of {}, first to last occasion"] * (
        fit.structure.trends
    )
    for k, effect in enumerate(effects):
        for j, label in enumerate(series.labels):
            value, se = fit.deviation(2 * k + j)
            row: Row = {**where, "quantity": "standard deviation", "unit": label,
                        "estimate": value, "subgroup": "between persons",
                        "contrast": effect.format(label)}  # fmt: skip
            if not np.isnan(se):
                factor = float(np.exp(fit.quantile * se / value))
                row |= {"se": se, "df": fit.df, "lower": value / factor, "upper": value * factor,
                        "level": fit.level, "interval_method": "t on the log scale"}  # fmt: skip
            yield row
    together = fit.correlation()
    if not np.isnan(together):
        yield {**where, "quantity": "effect size", "unit": "correlation", "estimate": together,
               "subgroup": "between persons",
               "contrast": "stable levels of both series"}  # fmt: skip


def _fit_of_model(fit: PanelFit, where: Row) -> Iterator[Row]:
    """Test what the model leaves out: differences in trend, and any other covariance."""
    size = 2 * len(fit.panel.occasions)
    if size * (size + 1) // 2 * PERSONS_PER_COVARIANCE <= fit.panel.counts["participants"]:
        yield _tried(where, fit.against_free_covariances,
                     "the model against free covariances of all occasions",
                     "with few participants this test rejects too often")  # fmt: skip
    if not fit.structure.trends and len(fit.panel.occasions) >= LEAST_WITH_TRENDS:
        yield _tried(where, fit.against_trends, "participants differ in their trends",
                     "conservative; if they do, take trends: true, as different trends pass "
                     "for effects")  # fmt: skip


def _tried(where: Row, test: Callable[[], Ratio], words: str, notes: str) -> Row:
    try:
        return _tested(where, test(), words, notes)
    except ConvergenceError as error:
        return {**where, "quantity": "test", "contrast": words, "unit": "chi-squared",
                "converged": False, "notes": f"not tested: {error}"}  # fmt: skip
