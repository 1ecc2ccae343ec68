"""From fitted models to rows of the estimates table.

Every trial's effect, its weight, the pooled effect, the prediction interval and the heterogeneity
are rows, so that forest and funnel figures, tables and the report read nothing else. Log ratios are
pooled on the log scale and reported as ratios, with se(log) = se/ratio.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ipt_outcomes.results import Row
from ipt_outcomes.synthesis.effects import Effects, Floats
from ipt_outcomes.synthesis.heterogeneity import Interval
from ipt_outcomes.synthesis.inference import Estimate, JointTest, t_quantile
from ipt_outcomes.synthesis.pooling import Prediction, RandomEffects
from ipt_outcomes.synthesis.small_study import SmallStudyTest
from ipt_outcomes.synthesis.subgroups import Subgroups
from ipt_outcomes.synthesis.table_columns import SOURCES
from ipt_outcomes.synthesis.three_level import BETWEEN, WITHIN, ThreeLevel, variance_interval

POOLED = "pooled effect"
PREDICTION = "prediction interval, new trial"
TAU2 = "variance between trials (τ²)"
OMEGA2 = "variance within trials (ω²)"
I2 = "share of variance between trials (I²)"
I2_WITHIN = "share of variance within trials (I²)"
Q_TEST = "Q, no heterogeneity"
TRIALS, ROWS, PARTICIPANTS = "trials", "comparisons", "participants"
TRIAL_EFFECT = "effect of the trial"
TRIAL_WEIGHT = "weight of the trial"
"""Words of the column ``contrast``, by which tables and figures find the rows."""


def effect_rows(effects: Effects, about: Row, level: float) -> Iterator[Row]:
    """Give the effect of every comparison, with its own normal interval.

    Parameters
    ----------
    effects
        The effects.
    about
        Columns that all rows share; ``trial`` and ``outcome`` are replaced by the comparison's.
    level
        Level of the intervals.
    """
    quantile = t_quantile((1 + level) / 2, math.inf)
    for row in effects.rows.to_dict("records"):
        shared = {
            **about,
            **_comparison(row, about),
            "contrast": TRIAL_EFFECT,
            "method": _origin(row["source"]),
        }
        y, half = row["estimate"], quantile * row["se"]
        yield on_scale(
            effects,
            {**shared, "estimate": y, "se": row["se"], "lower": y - half, "upper": y + half,
             "level": level, "interval_method": "normal"},
        )  # fmt: skip


def weight_rows(effects: Effects, weights: Floats, about: Row) -> Iterator[Row]:
    """Give the weight of every comparison in the pooled effect, in percent.

    Parameters
    ----------
    effects
        The effects.
    weights
        Percent, shape (k,).
    about
        As for :func:`effect_rows`.
    """
    for row, weight in zip(effects.rows.to_dict("records"), weights, strict=True):
        yield {**about, **_comparison(row, about), "quantity": "weight", "unit": "%",
               "contrast": TRIAL_WEIGHT, "estimate": float(weight)}  # fmt: skip


def pooled_rows(
    effects: Effects, pooled: Estimate, prediction: Prediction | None, about: Row
) -> Iterator[Row]:
    """Give the pooled effect and the interval for a new trial."""
    n_arm, n_reference = effects.participants()
    sizes = {"n_arm": n_arm or None, "n_reference": n_reference or None}
    yield on_scale(effects, {**about, **sizes, **inference(pooled), "contrast": POOLED})
    if prediction is not None:
        yield on_scale(
            effects,
            {
                **about,
                "contrast": PREDICTION,
                "estimate": pooled.estimate,
                "lower": prediction.lower,
                "upper": prediction.upper,
                "level": prediction.level,
                "df": _finite(prediction.df),
                "interval_method": prediction.method,
            },
        )


def heterogeneity_rows(fit: RandomEffects, about: Row) -> Iterator[Row]:
    """Give τ², I² and Q of a model of independent rows."""
    h = fit.heterogeneity
    yield _variance(about, TAU2, h.tau2, h.tau2_interval, "Q-profile", f"{fit.effects.unit}²")
    yield _variance(about, I2, h.I2, h.I2_interval, "Q-profile", "% of total variance")
    yield joint_test_row(JointTest(Q_TEST, h.Q, h.df, math.inf, h.p), about)


def three_level_rows(fit: ThreeLevel, about: Row) -> Iterator[Row]:
    """Give both variances, their shares and Q of a three-level model."""
    unit = f"{fit.effects.unit}²"
    for which, words, value in ((BETWEEN, TAU2, fit.between), (WITHIN, OMEGA2, fit.within)):
        interval = variance_interval(fit, which)
        yield _variance(about, words, value, interval, "profile likelihood", unit)
    for words, share in ((I2, fit.I2_between), (I2_WITHIN, fit.I2_within)):
        yield _variance(about, words, share, None, "", "% of total variance")
    yield joint_test_row(JointTest(Q_TEST, fit.Q, fit.Q_df, math.inf, fit.Q_p), about)


def count_rows(effects: Effects, about: Row) -> Iterator[Row]:
    """Give the numbers of trials, comparisons and participants."""
    for words, count in ((TRIALS, len(effects.trials)), (ROWS, len(effects)),
                         (PARTICIPANTS, effects.participants_in_all())):  # fmt: skip
        yield {**about, "quantity": "count", "unit": None, "contrast": words,
               "estimate": float(count), "method": "count"}  # fmt: skip


def subgroup_rows(found: Subgroups, effects: Effects, about: Row) -> Iterator[Row]:
    """Give the effect of each group and the test between groups."""
    about = {**about, "method": found.method, "status": "exploratory"}
    note = _joined(about.get("notes"), "trials were not randomised to groups")
    values = effects.moderators[found.by].astype(str)
    for group in found.groups:
        if group.pooled is None:
            continue
        n_arm, n_reference = effects.select(values == group.name).participants()
        counts = f"{group.trials} trials, {group.rows} comparisons"
        yield on_scale(effects, {
            **about, **inference(group.pooled), "contrast": POOLED,
            "subgroup": f"{found.by}: {group.name}", "n_arm": n_arm or None,
            "n_reference": n_reference or None, "notes": _joined(counts, note),
        })  # fmt: skip
    yield joint_test_row(found.between, {**about, "notes": note})


def regression_rows(
    coefficients: tuple[Estimate, ...], test: JointTest | None, about: Row
) -> Iterator[Row]:
    """Give the slopes of a meta-regression and the test of all of them."""
    about = {**about, "status": "exploratory"}
    about["notes"] = _joined(about.get("notes"), "association across trials, not randomised")
    for slope in coefficients[1:]:
        yield {**about, **inference(slope), "quantity": "slope", "contrast": slope.name}
    if test is not None:
        yield joint_test_row(test, about)


def small_study_row(found: SmallStudyTest, about: Row) -> Row:
    """Give the test for small-study effects."""
    row = {**about, **inference(found.slope), "quantity": "slope", "unit": None}
    row["contrast"] = f"small-study effects: {found.predictor}"
    row["method"] = f"{found.test}, {found.trials} trials"
    row["notes"] = _joined("asymmetry may have other causes than unpublished trials", *found.notes)
    return row


def refusal_row(words: str, reason: str, about: Row) -> Row:
    """Give a row that says why something was not done."""
    return {**about, "quantity": "test", "unit": None, "contrast": words, "method": "not done",
            "notes": reason.rstrip(".")}  # fmt: skip


def joint_test_row(test: JointTest, about: Row) -> Row:
    """Give a test of several coefficients, F or chi-squared."""
    chi2 = math.isinf(test.df)
    row = {**about, "quantity": "test", "contrast": test.name}
    if math.isnan(test.statistic):
        return {**row, "unit": "F", "notes": _joined(about.get("notes"), "too few trials to test")}
    return {
        **row,
        "unit": "chi-squared" if chi2 else "F",
        "statistic": test.statistic,
        "df": test.df_numerator if chi2 else test.df,
        "df_numerator": None if chi2 else test.df_numerator,
        "p": test.p,
    }


def inference(e: Estimate) -> Row:
    """Give the columns that an estimate with its inference fills."""
    return {
        "estimate": e.estimate,
        "se": e.se,
        "df": _finite(e.df),
        "statistic": e.statistic,
        "lower": e.lower,
        "upper": e.upper,
        "level": e.level,
        "interval_method": "normal" if math.isinf(e.df) else "t",
        "p": e.p,
    }


def _origin(source: object) -> str:
    if not isinstance(source, str):
        return "given with its standard error"
    return f"computed from {next((SOURCES[s] for s in SOURCES if s == source), source)}"


def _comparison(row: Mapping[Any, Any], about: Row) -> Row:
    """Return the columns that tell one comparison of one trial from another."""

    def text(name: str) -> str | None:
        return row[name] if isinstance(row[name], str) else None

    def whole(name: str) -> int | None:
        return round(row[name]) if np.isfinite(row[name]) else None

    return {
        "trial": row["trial"],
        "outcome": text("outcome") or about["outcome"],
        "visit": text("visit"),
        "arm": text("arm"),
        "reference": text("reference"),
        "n_arm": whole("n_arm"),
        "n_reference": whole("n_reference"),
    }


def _variance(
    about: Row, words: str, value: float, interval: Interval | None, how: str, unit: str
) -> Row:
    row = {**about, "quantity": "variance", "unit": unit, "contrast": words, "estimate": value}
    if interval is None:
        return row
    if not interval.lower <= value <= interval.upper:
        # Different criteria: an estimate may fall outside an interval of another kind.
        said = f"{how} interval {interval.lower:.4g} to {interval.upper:.4g} misses the estimate"
        return {**row, "notes": _joined(about.get("notes"), said)}
    return {**row, "lower": interval.lower, "upper": interval.upper, "level": interval.level,
            "interval_method": how}  # fmt: skip


def on_scale(effects: Effects, row: Row) -> Row:
    """Give a row of the measure its quantity and unit, log ratios as ratios.

    The standard error of a ratio is se(log) times the ratio, as everywhere in the results.
    """
    words = effects.words
    if not words.log:
        return {**row, "quantity": words.quantity, "unit": effects.unit}
    ratio = math.exp(row["estimate"])
    se = row.get("se")
    return {
        **row,
        **{name: math.exp(row[name]) for name in ("estimate", "lower", "upper")},
        "se": None if se is None else ratio * se,
        "quantity": words.quantity,
        "unit": "ratio",
    }


def _finite(df: float) -> float | None:
    return None if math.isinf(df) else df


def _joined(*parts: str | None) -> str | None:
    return "; ".join(part for part in parts if part) or None
