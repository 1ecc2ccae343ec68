"""Contradictions of delivery, blinding, process and mechanism with the rest."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem


def process_problems(study: Study) -> Iterator[Problem]:
    """Yield variables, outcomes, visits and arms of these sections that the study does not have.

    Parameters
    ----------
    study
        The configuration.
    """
    recorded = {name for t in study.trials.values() for f in t.process.values()
                for name in f.variables}  # fmt: skip
    events = {name for t in study.trials.values() for name in t.columns.events}
    known = {
        "process": recorded,
        "outcomes": set(study.outcomes),
        "visits": set(study.visits),
        "arms": set(study.arms),
        "process variables or events": recorded | events,
        "outcomes or process variables": set(study.outcomes) | recorded,
    }
    for key, value, section in _named(study):
        if value is not None and value not in known[section]:
            names = ", ".join(sorted(known[section])) or "none"
            yield ("analyses", *key), f"{value} does not stand under {section}.", f"Known: {names}."
    yield from _unlabelled_terms(study)
    yield from _mediators(study)
    dose = study.analyses.dose_response
    if dose and not any(trial.columns.sessions_attended for trial in study.trials.values()):
        yield (
            ("analyses", "dose_response"),
            "no trial has a column with the number of sessions attended.",
            "Name it under columns: sessions_attended, or take dose_response out.",
        )
    effect = dose.complier_effect if dose else None
    if effect and effect.reference in study.arms and study.arms[effect.reference].has_psychotherapy:
        yield (
            ("analyses", "dose_response", "complier_effect", "reference"),
            f"{effect.reference} offers psychotherapy, so that assignment is no instrument.",
            "Name an arm whose participants cannot attend, or take complier_effect out.",
        )


def _mediators(study: Study) -> Iterator[Problem]:
    """Yield mediators that are not measured between baseline and outcome."""
    plan, estimand = study.analyses.mediation, study.estimands.get(study.primary_estimand)
    end = study.visits.get(estimand.endpoint) if estimand is not None else None
    if plan is None or end is None:
        return
    for name, path in plan.paths.items():
        measured = study.visits.get(path.mediator_visit)
        if measured is not None and not 0 < measured.week < end.week:
            yield (
                ("analyses", "mediation", "paths", name, "mediator_visit"),
                f"{path.mediator_visit} does not lie after baseline and before the outcome at "
                f"{end.label}.",
                "Name a visit in between, or take the path out.",
            )


def _unlabelled_terms(study: Study) -> Iterator[Problem]:
    """Yield terms of adverse events that would be printed as somebody typed them."""
    safety = study.analyses.safety
    asked = safety.adverse_events if safety else None
    if asked is None:
        return
    for trial, described in study.trials.items():
        for name, file in described.process.items():
            variable = file.variables.get(asked.term)
            if variable is not None and variable.kind == "category" and not variable.labels:
                yield (
                    ("trials", trial, "process", name, "variables", asked.term, "labels"),
                    "are missing: terms of adverse events are printed, however rare.",
                    "Give each code of the term its label, so that no free text is shared.",
                )


def _named(study: Study) -> Iterator[tuple[tuple[str, ...], str | None, str]]:
    plans = study.analyses
    if plans.delivery:
        for name in plans.delivery.ratings:
            yield ("delivery", "ratings"), name, "process"
        for name in plans.delivery.outside_protocol:
            yield ("delivery", "outside_protocol"), name, "process variables or events"
    if plans.safety and plans.safety.adverse_events:
        for key, value in plans.safety.adverse_events.model_dump().items():
            yield ("safety", "adverse_events", key), value, "process"
    if plans.blinding:
        for key in ("masked", "unmasked", "guess", "rater", "order"):
            yield ("blinding", key), getattr(plans.blinding, key), "process"
        for key in ("clinician", "self_report"):
            yield ("blinding", key), getattr(plans.blinding, key), "outcomes"
    if plans.dose_response:
        yield ("dose_response", "outcome"), plans.dose_response.outcome, "outcomes"
        for arm in plans.dose_response.arms or []:
            yield ("dose_response", "arms"), arm, "arms"
        if plans.dose_response.complier_effect:
            for key in ("arm", "reference"):
                value = getattr(plans.dose_response.complier_effect, key)
                yield ("dose_response", "complier_effect", key), value, "arms"
    if plans.lagged_effects:
        for name, pair in plans.lagged_effects.pairs.items():
            yield ("lagged_effects", "pairs", name, "predictor"), pair.predictor, "process"
            yield ("lagged_effects", "pairs", name, "outcome"), pair.outcome, "process"
    if plans.cross_lagged:
        by_visit = plans.cross_lagged.occasions == "visits"
        section = "outcomes or process variables" if by_visit else "process"
        for name, both in plans.cross_lagged.pairs.items():
            yield ("cross_lagged", "pairs", name, "predictor"), both.predictor, section
            yield ("cross_lagged", "pairs", name, "outcome"), both.outcome, section
        for visit in plans.cross_lagged.visits or []:
            yield ("cross_lagged", "visits"), visit, "visits"
    if plans.mediation:
        for name, path in plans.mediation.paths.items():
            top = ("mediation", "paths", name)
            yield (*top, "mediator"), path.mediator, "outcomes"
            yield (*top, "outcome"), path.outcome, "outcomes"
            yield (*top, "mediator_visit"), path.mediator_visit, "visits"
            yield (*top, "arm"), path.arm, "arms"
            yield (*top, "reference"), path.reference, "arms"
    if plans.sudden_gains:
        yield ("sudden_gains", "variable"), plans.sudden_gains.variable, "process"
    if plans.diary:
        yield ("diary", "mood"), plans.diary.mood, "process"
        yield ("diary", "event"), plans.diary.event, "process"
