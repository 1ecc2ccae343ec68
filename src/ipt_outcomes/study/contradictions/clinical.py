"""Contradictions of response, counts, time to event and safety with the rest."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem


def clinical_problems(study: Study) -> Iterator[Problem]:
    """Yield outcomes and covariates of these sections that the study does not have.

    Parameters
    ----------
    study
        The configuration.
    """
    plans = study.analyses
    for section, keys in (
        ("response", ("outcomes",)),
        ("counts", ("outcomes",)),
        ("time_to_event", ("outcomes", "relapse")),
        ("safety", ("deterioration", "suicidality")),
    ):
        plan = getattr(plans, section)
        for key in keys if plan is not None else ():
            for outcome in getattr(plan, key):
                if outcome not in study.outcomes:
                    known = ", ".join(study.outcomes)
                    yield (
                        ("analyses", section, key, outcome),
                        f"{outcome} does not stand under outcomes.",
                        f"Known are {known}.",
                    )
        for covariate in getattr(plan, "adjust_for", None) or ():
            if covariate not in {*study.characteristics, "site"}:
                known = ", ".join([*study.characteristics, "site"])
                yield (
                    ("analyses", section, "adjust_for"),
                    f"{covariate} does not stand under characteristics (or site).",
                    f"Known are {known}.",
                )
    yield from _relapse_without_follow_up(study)
    if plans.counts is not None:
        for name, count in plans.counts.outcomes.items():
            if count.visit is not None and count.visit not in study.visits:
                yield (
                    ("analyses", "counts", "outcomes", name, "visit"),
                    f"{count.visit} does not stand under visits.",
                    f"Known are {', '.join(study.visits)}.",
                )


def _relapse_without_follow_up(study: Study) -> Iterator[Problem]:
    """Yield relapse on an outcome that no trial measures after the endpoint."""
    plan, estimand = study.analyses.time_to_event, study.estimands.get(study.primary_estimand)
    end = study.visits.get(estimand.endpoint) if estimand is not None else None
    if plan is None or end is None:
        return
    for outcome in plan.relapse:
        having = [trial for trial in study.trials if outcome in study.outcomes_of(trial)]
        weeks = [study.visits[v].week for trial in having for v in study.visits_of(trial)]
        if having and not any(week > end.week for week in weeks):
            yield (
                ("analyses", "time_to_event", "relapse", outcome),
                f"no visit comes after the endpoint, {end.label}: relapse needs follow-up.",
                "Take relapse out, or name the follow-up under visits.",
            )
