"""Made-up rows of the course, the 2 × 2, margins, diagnostics and processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipt_outcomes.study import Study

Row = dict[str, Any]


def late_rows(study: Study, trial: str) -> Iterator[Row]:
    """All rows of this module whose analyses the study asks for."""
    plans = study.analyses
    yield from distribution_rows(study, trial)
    medication = plans.medication
    for wanted, made in (
        (plans.response, by_visit_rows), (plans.growth, growth_rows),
        (plans.diagnostics, diagnostics_rows), (plans.diagnostics, examined_rows),
        (medication is not None and medication.factorial, factorial_rows),
        (plans.non_inferiority, margin_rows), (plans.sudden_gains, gain_rows),
        (plans.lagged_effects, lagged_rows), (plans.lagged_effects, panel_rows),
        (plans.mediation, mediation_rows),
    ):  # fmt: skip
        if wanted:
            yield from made(study, trial)


def _shared(study: Study, trial: str, analysis: str, **more: Any) -> Row:
    return {"trial": trial, "analysis": analysis, "analysis_set": "as randomised",
            "status": "exploratory", "disclosure": "shared", "outcome": study.primary_outcome,
            "estimand": study.primary_estimand, "method": f"a method for {analysis}",
            **more}  # fmt: skip


def _later(study: Study, trial: str) -> list[str]:
    return [visit for visit in study.visits_of(trial) if visit != study.baseline]


def _with(estimate: float, half: float, **more: Any) -> Row:
    return {"estimate": estimate, "lower": estimate - half, "upper": estimate + half, "df": 190.5,
            "level": 0.95, "interval_method": "t", "statistic": 2 * estimate / half, "p": 0.041,
            **more}  # fmt: skip


def distribution_rows(study: Study, trial: str) -> Iterator[Row]:
    """Classes of the baseline score of each arm; one is hidden, and another with it."""
    classes = ("below 16", "16 to below 20", "20 to below 24", "24 or above")
    for outcome in study.outcomes_of(trial):
        for i, arm in enumerate(study.arms_of(trial)):
            for k, name in enumerate(classes):
                hidden = not i and k in (0, 3)
                yield _shared(study, trial, "baseline distribution", outcome=outcome, arm=arm,
                              quantity="count", subgroup=name, n_arm=80, estimand=None,
                              contrast="participants by class",
                              estimate=None if hidden else (12, 30, 25, 13)[k],
                              notes="suppressed: fewer than 5" if hidden else None)  # fmt: skip


def by_visit_rows(study: Study, trial: str) -> Iterator[Row]:
    """Shares with response and remission; the first visit of one arm is hidden."""
    for criterion in ("response", "remission"):
        for i, arm in enumerate(study.arms_of(trial)):
            for k, visit in enumerate(_later(study, trial)):
                about = _shared(study, trial, f"{criterion} by visit", quantity="probability",
                                arm=arm, visit=visit, notes=f"{criterion}: as configured")  # fmt: skip
                if not i and not k:
                    yield {**about, "notes": about["notes"] + "; suppressed: fewer than 5"}
                    continue
                share = 0.1 * (k + 1) - 0.02 * i
                yield {**about, "estimate": share, "lower": share - 0.05, "upper": share + 0.1,
                       "level": 0.95, "interval_method": "Wilson", "n_arm": 75 - k}  # fmt: skip


def growth_rows(study: Study, trial: str) -> Iterator[Row]:
    """Curves, slopes and their differences, curves compared, changes after the endpoint."""
    *others, reference = study.arms_of(trial)
    plan = study.analyses.growth
    ends = list(plan.phases.values()) if plan is not None else []
    phases = [f"{name} (weeks to {end:g})" for name, end in (plan.phases if plan else {}).items()]
    for i, arm in enumerate((*others, reference)):
        for k, week in enumerate([0.0, *ends]):
            yield _shared(study, trial, "growth, curve", quantity="mean", arm=arm, n_arm=78,
                          subgroup=f"week {week:g}", contrast=f"piecewise curve at week {week:g}",
                          **_with(20.0 - (3 - 0.4 * i) * k, 1.0))  # fmt: skip
        for k, phase in enumerate(phases):
            yield _shared(study, trial, "growth", quantity="slope", arm=arm, subgroup=phase,
                          contrast=f"change per week, {phase}", unit="points per week", n_arm=78,
                          **_with(-1.0 + 0.3 * k + 0.1 * i, 0.3))  # fmt: skip
    for phase in phases:
        for arm in others:
            yield _shared(study, trial, "growth", quantity="difference", arm=arm, n_arm=78,
                          reference=reference, subgroup=phase, contrast="slope", n_reference=77,
                          unit="points per week", **_with(-0.2, 0.3))  # fmt: skip
    yield _shared(study, trial, "growth", quantity="test", contrast="arm × phase", unit="F",
                  statistic=3.1, df_numerator=6.0, df=280.2, p=0.006)  # fmt: skip
    yield _shared(study, trial, "growth", quantity="variance", contrast="residual variance",
                  **_with(13.0, 1.2))  # fmt: skip
    for curve in ("linear", "piecewise"):
        for unit in ("AIC", "BIC", "log-likelihood"):
            yield _shared(study, trial, "growth, comparison of curves", quantity="test", unit=unit,
                          contrast=f"{curve}: {unit}", estimate=7000.5)  # fmt: skip
    endpoint = study.estimands[study.primary_estimand].endpoint
    end = study.visits[endpoint].week
    for visit in study.visits_of(trial):
        if study.visits[visit].week > end:
            for arm in (*others, reference):
                yield _shared(study, trial, "growth, durability", quantity="difference", arm=arm,
                              contrast="change", visit=visit, n_arm=61, model_id="m",
                              covariance="unstructured", **_with(-0.4, 1.5))  # fmt: skip
            for arm in others:
                yield _shared(study, trial, "growth, durability", quantity="difference", arm=arm,
                              contrast="change", reference=reference, visit=visit, n_arm=61,
                              n_reference=60, model_id="m", **_with(0.6, 2.0))  # fmt: skip


def diagnostics_rows(study: Study, trial: str) -> Iterator[Row]:
    """Quantiles, SDs, influence, convergence and other covariances."""
    *others, reference = study.arms_of(trial)
    endpoint = study.estimands[study.primary_estimand].endpoint
    for outcome in study.outcomes_of(trial):
        about = _shared(study, trial, "diagnostics, residuals", outcome=outcome, n_arm=980)
        for p, q in ((0.05, -1.7), (0.25, -0.66), (0.5, 0.01), (0.75, 0.7), (0.95, 1.61)):
            yield {**about, "quantity": "test", "unit": "SD", "estimate": q,
                   "contrast": f"quantile {p:g} of the normalised residuals (normal: 0)"}  # fmt: skip
        yield {**about, "quantity": "test", "unit": "skewness", "estimate": 0.12,
               "contrast": "skewness of the normalised residuals (normal: 0)"}  # fmt: skip
        for i, arm in enumerate((*others, reference)):
            for k, visit in enumerate(_later(study, trial)):
                yield {**about, "quantity": "standard deviation", "contrast": "residuals",
                       "arm": arm, "visit": visit, "estimate": 4.0 + k + 0.2 * i,
                       "n_arm": 70 - k}  # fmt: skip
        yield _shared(study, trial, "diagnostics, convergence", outcome=outcome, quantity="test",
                      contrast="Newton decrement (0 at the maximum)", unit="number",
                      estimate=3e-14, notes="unstructured: converged")  # fmt: skip
        for name in ("unstructured", "compound symmetry"):
            for arm in others:
                yield _shared(study, trial, f"diagnostics, covariance {name}", outcome=outcome,
                              quantity="difference", arm=arm, reference=reference, visit=endpoint,
                              notes="AIC 7012.1, BIC 7050.2", **_with(-3.4, 2.1))  # fmt: skip
        for arm in others:
            for k, words in enumerate(("smallest", "largest")):
                yield _shared(study, trial, "diagnostics, influence", outcome=outcome, arm=arm,
                              quantity="difference", visit=endpoint, estimate=-3.6 + 0.4 * k,
                              contrast=f"{words} with one participant left out", n_arm=230)  # fmt: skip


def examined_rows(study: Study, trial: str) -> Iterator[Row]:
    """Models beside the primary one: therapists, a hazard model, one that is not there."""
    *others, reference = study.arms_of(trial)
    endpoint = study.estimands[study.primary_estimand].endpoint
    for model, quantity, covariances in (
        ("therapists", "difference", ("unstructured by arm", "unstructured")),
        ("time to response", "hazard ratio", ("model-based", "robust")),
    ):
        name = f"diagnostics, {model}"
        yield _shared(study, trial, f"{name}, residuals", quantity="test", unit="SD", n_arm=231,
                      contrast="quantile 0.5 of the residuals", estimate=0.02)  # fmt: skip
        yield _shared(study, trial, f"{name}, convergence", quantity="test", unit="number",
                      contrast="Newton decrement (0 at the maximum)", estimate=2e-18)  # fmt: skip
        yield _shared(study, trial, f"{name}, influence", quantity="test", n_arm=231,
                      unit="Cook's distance", contrast="largest Cook's distance",
                      estimate=0.031)  # fmt: skip
        for arm in others:
            about = {"quantity": quantity, "arm": arm, "visit": endpoint, "n_arm": 231}
            for k, words in enumerate(("smallest", "largest")):
                yield _shared(study, trial, f"{name}, influence", **about, estimate=1.6 + 0.3 * k,
                              contrast=f"{words} with one left out")  # fmt: skip
            for k, covariance in enumerate(covariances):
                yield _shared(study, trial, f"{name}, covariance {covariance}", **about,
                              reference=reference, covariance=covariance,
                              contrast=f"{arm} against {reference}",
                              **_with(1.75, 0.6 + 0.1 * k))  # fmt: skip
    yield {**_shared(study, trial, "diagnostics, deterioration", quantity="test",
                     contrast="the model", notes="no model: an arm has nobody with the event"),
           "method": "not examined"}  # fmt: skip


CONTRASTS = ("psychotherapy, over both levels of medication",
             "medication, over both levels of psychotherapy", "psychotherapy with medication",
             "psychotherapy without medication", "medication with psychotherapy",
             "medication without psychotherapy", "interaction of psychotherapy and medication")  # fmt: skip


def factorial_rows(study: Study, trial: str) -> Iterator[Row]:
    """All contrasts at every visit, the test over time and the verdict."""
    endpoint = study.estimands[study.primary_estimand].endpoint
    for k, visit in enumerate(_later(study, trial)):
        for i, name in enumerate(CONTRASTS):
            yield _shared(study, trial, "medication, factorial", quantity="difference", visit=visit,
                          contrast=name, n_arm=70 + i, n_reference=71, converged=True,
                          **_with(-0.5 * k - 0.2 * i, 1.8))  # fmt: skip
    yield _shared(study, trial, "medication, factorial, over time", quantity="test", unit="F",
                  contrast="psychotherapy × medication × visit", statistic=1.2, df_numerator=4.0,
                  df=170.3, p=0.31)  # fmt: skip
    yield _shared(study, trial, "medication, factorial, additivity", quantity="difference",
                  contrast="benefit of both together beyond the sum of the two", visit=endpoint,
                  notes="no clear interaction", **_with(1.2, 2.5))  # fmt: skip


def margin_rows(study: Study, trial: str) -> Iterator[Row]:
    """Three intervals and the verdict."""
    endpoint = study.estimands[study.primary_estimand].endpoint
    about = {"arm": "IPT", "reference": "MED", "visit": endpoint, "n_arm": 71, "n_reference": 70}
    for k, (analysis, who) in enumerate((
        ("non-inferiority", "as randomised"), ("non-inferiority", "per protocol"),
        ("non-inferiority, imputed under the null", "as randomised"),
    )):  # fmt: skip
        yield {**_shared(study, trial, analysis, quantity="difference", **about,
                         notes="margin as configured", **_with(1.0 - 0.4 * k, 2.2)),
               "analysis_set": who, "contrast": "benefit"}  # fmt: skip
    yield _shared(study, trial, "non-inferiority, verdict", quantity="count", estimate=3,
                  **{**about, "n_arm": None, "n_reference": None},
                  contrast="analyses that keep to the margin", notes="it was shown.")  # fmt: skip


def gain_rows(study: Study, trial: str) -> Iterator[Row]:
    """The course around the gain, and shares by arm; those of one arm are hidden."""
    note = "mood: as configured"
    for away in range(-2, 4):
        yield _shared(study, trial, "sudden gains, course", outcome=None, quantity="observed mean",
                      subgroup=f"session {away:+d} from the session before the gain", notes=note,
                      contrast="score around the first gain", n_arm=40 - away,
                      **_with(20.0 - 12 * (away > 0), 2.0))  # fmt: skip
    for i, arm in enumerate(study.arms_of(trial)):
        about = _shared(study, trial, "sudden gains", outcome=None, arm=arm, n_arm=74, notes=note)
        if not i:
            yield {**about, "quantity": "probability", "contrast": "with a sudden gain",
                   "notes": f"{note}; suppressed: fewer than 5"}  # fmt: skip
            continue
        yield {**about, "quantity": "probability", "contrast": "with a sudden gain",
               "estimate": 0.3, "lower": 0.2, "upper": 0.42, "level": 0.95}  # fmt: skip
        yield {**about, "quantity": "count", "contrast": "with a sudden gain", "estimate": 22}
        yield {**about, "quantity": "observed mean", "contrast": "size of the first gain",
               "estimate": 11.2, "n_arm": 22, "unit": "points"}  # fmt: skip
        yield {**about, "quantity": "standard deviation", "contrast": "size of the first gain",
               "estimate": 3.2, "n_arm": 22, "unit": "points"}  # fmt: skip


def lagged_rows(study: Study, trial: str) -> Iterator[Row]:
    """Slopes forward and back, within and between persons."""
    for way, words in (("forward", "bond → mood"), ("back", "mood → bond")):
        for kind, text in (("within", f"within persons: {words}, the next session"),
                           ("between", f"between persons: mean {words}")):  # fmt: skip
            yield _shared(study, trial, f"lagged effects, p {way}", outcome=None, quantity="slope",
                          subgroup=f"{kind} persons", contrast=text, n_arm=140,
                          unit="mood per unit of bond", notes="not an effect",
                          **_with(-0.3 if way == "forward" else 0.05, 0.1))  # fmt: skip


def panel_rows(study: Study, trial: str) -> Iterator[Row]:
    """A slope of the cross-lagged panel model."""
    yield _shared(study, trial, "cross-lagged panel, p forward", outcome=None, quantity="slope",
                  subgroup="within persons", contrast="within persons: bond → mood, the next "
                  "occasion", n_arm=140, unit="mood per unit of bond", **_with(-0.2, 0.1))  # fmt: skip


def mediation_rows(study: Study, trial: str) -> Iterator[Row]:
    """Indirect, direct and total effect."""
    for part in ("indirect", "direct", "total"):
        yield _shared(study, trial, "mediation, early", quantity="difference", arm="IPT",
                      reference="MED", subgroup=f"{part} effect", contrast=f"{part} effect",
                      n_arm=66, n_reference=65, notes="sequential ignorability",
                      **_with(-1.4, 1.0))  # fmt: skip
