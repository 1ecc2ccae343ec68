"""The synthesis of several trials, from effects to the estimates table.

The headline is chosen by the data, not by the result: with one row per trial a random-effects model
with Hartung–Knapp inference; with several rows of some trial the CHE model with CR2 errors. Beside
it stand, labelled as checks, the three-level model, one row per trial, every row by itself as if
independent, other assumed correlations, and the common effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ipt_outcomes.results import Row, estimates
from ipt_outcomes.synthesis import rows as as_rows
from ipt_outcomes.synthesis.aggregate import one_row_per_trial
from ipt_outcomes.synthesis.dependence import with_dependence
from ipt_outcomes.synthesis.effects import Effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.heterogeneity import Tau2Method
from ipt_outcomes.synthesis.influence import leave_one_out
from ipt_outcomes.synthesis.pooling import (
    Inference,
    Prediction,
    RandomEffects,
    fixed_effect,
    prediction_interval,
    random_effects,
)
from ipt_outcomes.synthesis.robust import FEW_DF, Robust, robust
from ipt_outcomes.synthesis.small_study import small_study_test
from ipt_outcomes.synthesis.subgroups import subgroups
from ipt_outcomes.synthesis.three_level import ThreeLevel, three_level

HEADLINE = "pooled trials"
CHECK = "pooled trials, check: "
"""Names in the column ``analysis``; checks go on with what is done otherwise."""


@dataclass(frozen=True)
class PoolingPlan:
    """What is pooled, and how.

    Parameters
    ----------
    name
        Short name of the synthesis; stands in the column ``trial``.
    outcome
        What the effects are about, such as ``depression``.
    comparison
        Who is compared with whom, such as ``IPT against control``.
    method, inference
        Of models of independent rows.
    correlation
        Assumed correlation ρ of outcomes of the same participants.
    other_correlations
        Values of ρ for the sensitivity analysis.
    subgroups
        Grouping columns among the moderators.
    moderators
        Meta-regressions: each a tuple of moderators that enter one model together.
    level
        Level of all intervals.
    status
        ``confirmatory`` when the headline was prespecified.
    """

    name: str
    outcome: str
    comparison: str
    method: Tau2Method = "REML"
    inference: Inference = "hartung-knapp"
    correlation: float = 0.6
    other_correlations: tuple[float, ...] = (0.2, 0.4, 0.8)
    subgroups: tuple[str, ...] = ()
    moderators: tuple[tuple[str, ...], ...] = ()
    level: float = 0.95
    status: Literal["confirmatory", "exploratory"] = "exploratory"


def pool_trials(effects: Effects, plan: PoolingPlan) -> pd.DataFrame:
    """Pool the effects of several trials.

    Parameters
    ----------
    effects
        Published effects, those of our own trials, or both.
    plan
        What is pooled, and how.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table. What could not be done is a row of quantity *test* and method
        *not done*, with the reason in its notes.

    Raises
    ------
    SynthesisError
        When the plan names a moderator that the effects do not have, or not even the headline can
        be estimated.

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("ABCD"), "estimate": [0.1, 0.3, 0.5, 0.4],
    ...                              "se": [0.2, 0.2, 0.3, 0.25]})
    >>> table = pool_trials(effects, PoolingPlan("example", "depression", "IPT against control"))
    >>> pooled = table[table["contrast"] == as_rows.POOLED].iloc[0]
    >>> round(float(pooled["estimate"]), 2), pooled["quantity"]
    (0.28, 'effect size')
    """
    named = {*plan.subgroups, *(name for terms in plan.moderators for name in terms)}
    known = ", ".join(map(str, effects.moderators.columns)) or "none"
    if unknown := sorted(named - set(effects.moderators.columns)):
        raise SynthesisError(
            [f"moderator {name}: no such column; the effects have {known}." for name in unknown]
        )
    return estimates(_all_rows(effects, plan))


def headline(effects: Effects, plan: PoolingPlan) -> RandomEffects | Robust:
    """Fit the model of the headline."""
    if effects.dependent:
        return robust(effects, correlation=plan.correlation, level=plan.level)
    return random_effects(effects, method=plan.method, inference=plan.inference, level=plan.level)


def _all_rows(effects: Effects, plan: PoolingPlan) -> Iterator[Row]:
    model = headline(effects, plan)
    about: Row = {
        "trial": plan.name,
        "outcome": plan.outcome,
        "analysis": HEADLINE,
        "analysis_set": "all trials",
        "status": plan.status,
        "disclosure": "shared",
        "method": model.method,
        "notes": "; ".join((plan.comparison, *model.effects.notes, *_cautions(model))),
    }
    # Several syntheses may use the same trial: each tells which one its trials' rows belong to.
    each = {**about, "analysis": f"{HEADLINE} in {plan.name}", "status": "exploratory",
            "notes": None}  # fmt: skip
    yield from as_rows.effect_rows(effects, each, plan.level)
    yield from as_rows.weight_rows(effects, model.weights, each)
    yield from as_rows.count_rows(effects, about)
    fitted = {**about, **_fitted(model, about)}
    yield from as_rows.pooled_rows(effects, model.pooled, _prediction(model), fitted)
    each = {**about, "status": "exploratory", "notes": plan.comparison}
    if isinstance(model, Robust):
        yield from as_rows.three_level_rows(model.working, each)
    else:
        yield from as_rows.heterogeneity_rows(model, each)
    yield from _checks(effects, plan, each)
    yield from _without_each(effects, plan, each)
    yield from _differences(effects, plan, each)
    try:
        test = small_study_test(effects, correlation=plan.correlation, level=plan.level)
        yield as_rows.small_study_row(test, each)
    except SynthesisError as reason:
        yield as_rows.refusal_row("small-study effects", str(reason), each)


def _cautions(model: RandomEffects | Robust) -> Iterator[str]:
    if isinstance(model, Robust):
        if model.pooled.df < FEW_DF:
            yield f"only {model.pooled.df:.1f} degrees of freedom: the p-value is not to be trusted"
    elif model.inference == "hartung-knapp" and model.factor < 1:
        yield (f"Hartung–Knapp factor {model.factor:.2f}: the interval is narrower than with a "
               "floor of 1")  # fmt: skip


def _fitted(model: RandomEffects | Robust | ThreeLevel, about: Row) -> Row:
    """Give the columns that name the model and say whether its fit converged."""
    name = "/".join(str(about[part]) for part in ("trial", "outcome", "analysis"))
    row: Row = {"model_id": re.sub(r"[^A-Za-z0-9/.]+", "-", name)}
    if isinstance(model, Robust | ThreeLevel):
        row["converged"] = (model.working if isinstance(model, Robust) else model).converged
    return row


def _prediction(model: RandomEffects | Robust) -> Prediction | None:
    try:
        return model.prediction() if isinstance(model, Robust) else prediction_interval(model)
    except SynthesisError:
        return None


def _checks(effects: Effects, plan: PoolingPlan, about: Row) -> Iterator[Row]:
    """Pool in the other ways."""
    fitted = _dependent_ways(effects, plan) if effects.dependent else _other_ways(effects, plan)
    for words, fit in fitted:
        row = {**about, "analysis": CHECK + words, "method": fit.method}
        row |= _fitted(fit, row)
        yield from as_rows.pooled_rows(fit.effects, fit.pooled, None, row)
        if isinstance(fit, RandomEffects) and fit.heterogeneity.method != "FE":
            yield from as_rows.heterogeneity_rows(fit, row)


def _dependent_ways(
    effects: Effects, plan: PoolingPlan
) -> Iterator[tuple[str, RandomEffects | Robust | ThreeLevel]]:
    yield "three-level model", three_level(effects, level=plan.level)
    correlated = with_dependence(effects, plan.correlation)
    for words, merged in (
        ("one row per trial, mean variance", one_row_per_trial(effects, "mean variance")),
        ("one row per trial, variance of the mean", one_row_per_trial(correlated, "mean")),
        ("every row by itself, as if independent", effects),
    ):
        yield words, random_effects(merged, method=plan.method, inference=plan.inference,
                                    level=plan.level)  # fmt: skip
    for rho in plan.other_correlations:
        yield f"correlation {rho:g}", robust(effects, correlation=rho, level=plan.level)
    yield "common effect", fixed_effect(one_row_per_trial(correlated, "weighted"), plan.level)


def _other_ways(effects: Effects, plan: PoolingPlan) -> Iterator[tuple[str, RandomEffects]]:
    others: tuple[Tau2Method, ...] = ("REML", "PM", "DL")
    for method in others:
        if method != plan.method:
            yield method, random_effects(effects, method=method, inference=plan.inference,
                                         level=plan.level)  # fmt: skip
    yield (
        "Hartung–Knapp with floor",
        random_effects(
            effects, method=plan.method, inference="hartung-knapp, floored", level=plan.level
        ),
    )
    yield "common effect", fixed_effect(effects, plan.level)


def _without_each(effects: Effects, plan: PoolingPlan, about: Row) -> Iterator[Row]:
    about = {**about, "analysis": CHECK + "leave one out"}
    found = leave_one_out(effects, lambda some: headline(some, plan))
    for trial, pooled in found.items():
        without = f"without {trial}"
        if pooled is None:
            yield as_rows.refusal_row(without, "the other trials cannot be pooled", about)
        else:
            row = {**about, **as_rows.inference(pooled), "subgroup": without}
            yield as_rows.on_scale(effects, {**row, "contrast": as_rows.POOLED})


def _differences(effects: Effects, plan: PoolingPlan, about: Row) -> Iterator[Row]:
    """Compare groups of trials, and regress on moderators."""
    model: Literal["robust", "common"] = "robust" if effects.dependent else "common"
    for by in plan.subgroups:
        row = {**about, "analysis": f"{HEADLINE}, by {by}"}
        try:
            known = effects.with_known(by)
            found = subgroups(known, by, model=model, correlation=plan.correlation,
                              method=plan.method, inference=plan.inference,
                              level=plan.level)  # fmt: skip
            yield from as_rows.subgroup_rows(found, known, row)
        except SynthesisError as reason:
            yield as_rows.refusal_row(f"by {by}", str(reason), row)
    for terms in plan.moderators:
        row = {**about, "analysis": f"{HEADLINE}, on {' + '.join(terms)}"}
        try:
            known = effects.with_known(*terms)
            fit: RandomEffects | Robust
            if known.dependent:
                fit = robust(known, correlation=plan.correlation, moderators=terms,
                             level=plan.level)  # fmt: skip
            else:
                fit = random_effects(known, method=plan.method, inference=plan.inference,
                                     moderators=terms, level=plan.level)  # fmt: skip
            row |= {"method": fit.method, "notes": "; ".join((plan.comparison, *known.notes))}
            yield from as_rows.regression_rows(fit.coefficients, fit.moderator_test, row)
        except SynthesisError as reason:
            yield as_rows.refusal_row(f"on {' + '.join(terms)}", str(reason), row)
