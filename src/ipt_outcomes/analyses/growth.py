r"""The course of the primary outcome as curves: slopes by phase, and what lasts after treatment.

With the baseline as the first score and one mean at baseline in all arms (randomisation grants it),

.. math:: y_{ij} = \beta_0 + \sum_k (\beta_k + \gamma_{gk})\, f_k(t_{ij}) + b_{0i} + b_{1i} u_{ij}
                   + b_{2i} v_{ij} + e_{ij},

where u is time within treatment and v time within follow-up, both in the axis's units. The curves:

=============  ===================================================================================
piecewise      f_k: time spent in each phase (initial, middle, termination), and in follow-up;
               each phase has a slope of its own
linear         one slope within treatment, one in follow-up
quadratic      time and its square within treatment, a slope in follow-up
logarithmic    log(1 + time) within treatment, a slope in follow-up
=============  ===================================================================================

Slopes are those of the piecewise curve, by restricted maximum likelihood; the curves are compared
by full maximum likelihood. Durability needs no curve: it is the change from the endpoint to each
follow-up visit in the primary model of repeated measures. Sustained response counts everyone
randomised (:mod:`ipt_outcomes.analyses.sustained`).

Source: Hedeker & Gibbons (2006), Longitudinal Data Analysis; Fitzmaurice, Laird & Ware (2011),
Applied Longitudinal Analysis, ch. 6 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.durability import durability_rows
from ipt_outcomes.analyses.growth_data import CURVES, Growth, growth_data
from ipt_outcomes.analyses.repeated import DEGREES_OF_FREEDOM
from ipt_outcomes.analyses.sustained import sustained_rows
from ipt_outcomes.results import Row, estimates, t_inference

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

NEAR_ZERO = "too near zero for an interval: a variance cannot be below it"


def growth(data: TrialData) -> pd.DataFrame:
    """Estimate slopes by phase and arm, compare curves, and tell what lasts.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: slopes by phase and arm and their differences, variances of
        the random effects, comparison of curves, changes after the endpoint, sustained response.

    Raises
    ------
    ipt_outcomes.analyses.growth_data.GrowthError
        When there are too few assessments, or no session numbers where they are the axis.
    """
    plan = data.study.analyses.growth
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    course = growth_data(data)
    where = exploratory(
        data, "growth", outcome=course.outcome, estimand=data.study.primary_estimand
    )
    rows = list(attempted(_by_phase(data, course, where), where))
    rows += _comparison(course, {**where, "analysis": "growth, comparison of curves"})
    rows += attempted(durability_rows(data), {**where, "analysis": "growth, durability"})
    if plan.sustained is not None and plan.sustained in data.study.outcomes_of(data.trial):
        about = {**where, "analysis": "sustained response", "outcome": plan.sustained}
        rows += attempted(sustained_rows(data, plan.sustained), about)
    return estimates(rows)


def _by_phase(data: TrialData, course: Growth, shared: Row) -> Iterator[Row]:
    plan = data.study.analyses.primary
    fit = fit_curve(course, "piecewise", plan.degrees_of_freedom, plan.level)
    where = {
        **shared,
        "method": f"random coefficients, {_random_words(fit)}, REML, "
        f"{DEGREES_OF_FREEDOM[plan.degrees_of_freedom]} df; one mean at baseline",
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
        "notes": "; ".join([*course.notes, *fit.notes]) or None,
    }
    yield from _slopes(data, course, fit, where)
    yield from _curve(data, course, fit, where)
    yield from _variances(fit, where)


def fit_curve(
    course: Growth, curve: str, df: str, level: float, *, reml: bool = True
) -> MixedModelFit:
    """Fit one of :data:`~ipt_outcomes.analyses.growth_data.CURVES`.

    Parameters
    ----------
    course
        The rows.
    curve
        Name of the curve.
    df, level
        Degrees of freedom and level.
    reml
        Restricted or full maximum likelihood.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted even with a slope within treatment only.
    """
    from ipt_outcomes.mixed import MixedModelError, mixed_model

    terms = course.terms[curve]
    arms = [f"{term}:{arm}" for term in terms for arm in course.arm_columns]
    formula = "score ~ " + " + ".join([*terms, *arms])

    def fitted(random: str) -> MixedModelFit:
        return mixed_model(
            formula, course.rows, participant="participant", visit="visit", random=random, df=df,
            level=level, reml=reml,
        )  # fmt: skip

    if course.random_follow_up:
        try:
            fit = fitted("1 + treatment + follow_up")
        except MixedModelError:  # the data do not carry it: the smaller model is tried
            return fitted("1 + treatment")
        if not any(note.startswith("boundary") for note in fit.notes):
            return fit
    return fitted("1 + treatment")


def _random_words(fit: MixedModelFit) -> str:
    assert fit.random_covariance is not None
    slopes = "intercept and slopes within treatment and follow-up"
    return slopes if len(fit.random_covariance) > 2 else "intercept and slope within treatment"


def _slopes(data: TrialData, course: Growth, fit: MixedModelFit, where: Row) -> Iterator[Row]:
    names = fit.coefficients["term"].tolist()
    reference = data.study.reference_arm
    labels = data.arm_labels
    level = fit.specification.level
    column_of = dict(zip(course.arms, course.arm_columns, strict=True))

    def place(*parts: str) -> int:
        return next(k for k, name in enumerate(names) if set(name.split(":")) == set(parts))

    def row_of(term: str, arm: str) -> np.ndarray:
        row = np.zeros(len(names))
        row[place(term)] = 1.0
        if arm != reference:
            row[place(term, column_of[arm])] = 1.0
        return row

    unit = f"{data.study.outcomes[course.outcome].unit} per {course.unit}"
    for term, words in course.phases.items():
        for arm in data.arms:
            (found,) = fit.linear([row_of(term, arm)]).to_dict("records")
            yield {**where, **t_inference(found, level), "unit": unit,
                   "quantity": "slope", "arm": arm, "subgroup": words,
                   "contrast": f"change per {course.unit}, {words}",
                   "n_arm": course.people[arm]}  # fmt: skip
    for term, words in course.phases.items():
        for arm in course.arms:
            row = row_of(term, arm) - row_of(term, reference)
            (found,) = fit.linear([row]).to_dict("records")
            yield {**where, **t_inference(found, level), "unit": unit,
                   "quantity": "difference", "arm": arm, "reference": reference,
                   "subgroup": words,
                   "contrast": f"{labels[arm]} minus {labels[reference]}, slope, {words}",
                   "n_arm": course.people[arm],
                   "n_reference": course.people[reference]}  # fmt: skip
    together = [row_of(term, arm) - row_of(term, reference)
                for term in course.phases for arm in course.arms]  # fmt: skip
    (test,) = fit.test(np.stack(together)).to_dict("records")
    yield {**where, "quantity": "test", "contrast": "arm × phase", "unit": "F",
           "statistic": test["statistic"], "df_numerator": test["df_numerator"],
           "df": test["df_denominator"], "p": test["p"]}  # fmt: skip


def _curve(data: TrialData, course: Growth, fit: MixedModelFit, where: Row) -> Iterator[Row]:
    """Give the piecewise curve of each arm at the ends of its phases: between them it is straight.

    The mean at baseline is the same in all arms by the model.
    """
    names = [str(name) for name in fit.coefficients["term"]]
    column_of = dict(zip(course.arms, course.arm_columns, strict=True))
    terms = course.terms["piecewise"]
    for time in course.knots:
        spent = course.time_spent(time)
        for arm in data.arms:
            row = np.zeros(len(names))
            for k, name in enumerate(names):
                parts = set(name.split(":"))
                own = {column_of[arm]} if arm in column_of else set()
                if name == "Intercept":
                    row[k] = 1.0
                elif parts - own and parts - own <= set(terms):
                    row[k] = spent[next(iter(parts - own))]
            (found,) = fit.linear([row]).to_dict("records")
            yield {**where, **t_inference(found, fit.specification.level),
                   "statistic": None, "p": None,  # that a mean is not 0 says nothing
                   "analysis": "growth, curve", "quantity": "mean", "arm": arm,
                   "subgroup": f"{course.unit} {time:g}",
                   "contrast": f"piecewise curve at {course.unit} {time:g}",
                   "unit": data.study.outcomes[course.outcome].unit,
                   "n_arm": course.people[arm]}  # fmt: skip


def _variances(fit: MixedModelFit, where: Row) -> Iterator[Row]:
    """Give the variances with intervals on the log scale (delta method)."""
    from scipy import stats

    level = fit.specification.level
    z = float(stats.norm.ppf((1 + level) / 2))
    for row in fit.variance_components.to_dict("records"):
        name, value, se = str(row["parameter"]), float(row["estimate"]), float(row["se"])
        if name.startswith("covariance"):
            continue
        about = {**where, "quantity": "variance", "contrast": name, "estimate": value}
        if not 0 < se < value:
            about["notes"] = NEAR_ZERO
        else:
            half = z * se / value
            about |= {"se": se, "lower": value * np.exp(-half), "upper": value * np.exp(half),
                      "level": level, "interval_method": "normal on the log scale"}  # fmt: skip
        yield about


def _comparison(course: Growth, where: Row) -> Iterator[Row]:
    from ipt_outcomes.mixed import likelihood_ratio_test

    fits: dict[str, MixedModelFit] = {}
    about = {
        **where,
        "quantity": "test",
        "method": "full maximum likelihood; information criteria count all parameters",
    }

    def criteria(curve: str) -> Iterator[Row]:
        fits[curve] = fit = fit_curve(course, curve, "satterthwaite", 0.95, reml=False)
        own = {**about, "covariance": fit.covariance_used, "converged": fit.convergence.converged}
        for unit, value in (("AIC", fit.aic), ("BIC", fit.bic), ("log-likelihood", fit.loglik)):
            yield {**own, "contrast": f"{curve}: {unit}", "unit": unit, "estimate": value}

    for curve in CURVES:
        if curve in course.terms:
            yield from attempted(criteria(curve), {**about, "contrast": curve})
    if {"linear", "piecewise"} <= set(fits) and len(course.terms["piecewise"]) > len(
        course.terms["linear"]
    ):
        small, large = fits["linear"], fits["piecewise"]
        if _random_words(small) == _random_words(large):
            (test,) = likelihood_ratio_test(small, large).to_dict("records")
            yield {**about, "unit": "chi-square",
                   "contrast": "piecewise against linear: likelihood ratio",
                   "statistic": test["statistic"], "df": test["df"], "p": test["p"]}  # fmt: skip
