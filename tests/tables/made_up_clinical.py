"""Made-up rows about responders, times to events, harms and therapists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipt_outcomes.study import Study

Row = dict[str, Any]


def _shared(study: Study, trial: str) -> Row:
    return {"trial": trial, "analysis_set": "as randomised", "status": "exploratory",
            "disclosure": "shared", "outcome": study.primary_outcome,
            "estimand": study.primary_estimand, "level": 0.95}  # fmt: skip


def responder_rows(study: Study, trial: str) -> Iterator[Row]:
    """Shares and risk differences of each criterion."""
    *others, reference = study.arms_of(trial)
    visit = study.estimands[study.primary_estimand].endpoint
    criteria = ("response", "remission", "reliable improvement", "deterioration")
    for k, criterion in enumerate(criteria):
        about = {**_shared(study, trial), "analysis": criterion, "visit": visit,
                 "notes": f"{criterion}: as configured", "method": "standardised"}  # fmt: skip
        for i, arm in enumerate((*others, reference)):
            share = 0.62 - 0.13 * k - 0.05 * i
            yield {**about, "quantity": "probability", "arm": arm, "estimate": share,
                   "lower": share - 0.1, "upper": share + 0.1, "n_arm": 80}  # fmt: skip
        for arm in others:
            pair = {**about, "arm": arm, "reference": reference, "n_arm": 80, "n_reference": 80}
            holds = criterion == "deterioration"
            yield {**pair, "quantity": "risk difference", "estimate": 0.1, "p": 0.04,
                   "lower": -0.02 if holds else 0.05, "upper": 0.2}  # fmt: skip
            yield {**pair, "quantity": "risk ratio", "estimate": 1.4, "lower": 1.1, "upper": 1.9}
            yield {**pair, "quantity": "number needed to benefit", "estimate": 10.0, "lower": 5.0,
                   "upper": float("inf") if holds else 20.0}  # fmt: skip
            if holds:
                yield {**pair, "quantity": "number needed to harm", "lower": 50.0,
                       "upper": float("inf"), "estimate": None}  # fmt: skip


def event_rows(study: Study, trial: str) -> Iterator[Row]:
    """Curves, restricted means and hazard ratios of two events."""
    *others, reference = study.arms_of(trial)
    visits = [visit for visit in study.visits_of(trial) if visit != study.baseline]
    for event, outcome in (("response", study.primary_outcome), ("leaving the study", None)):
        about = {**_shared(study, trial), "analysis": f"time to {event}", "outcome": outcome,
                 "method": "Kaplan–Meier", "notes": "known at visits only"}  # fmt: skip
        for i, arm in enumerate((*others, reference)):
            for k, visit in enumerate(visits):
                week = f"{study.visits[visit].week:g}"
                left = 1 - (0.04 + 0.03 * i) * (k + 1) / (1 if outcome else 4)
                yield {**about, "quantity": "survival", "contrast": f"without {event} by week {week}",
                       "arm": arm, "visit": visit, "estimate": left, "lower": left - 0.02,
                       "upper": min(left + 0.02, 1.0), "n_arm": 76}  # fmt: skip
                yield {**about, "quantity": "count", "contrast": f"at risk at week {week}",
                       "arm": arm, "visit": visit, "estimate": 76 - k, "n_arm": 76,
                       "level": None}  # fmt: skip
            yield {**about, "quantity": "restricted mean", "contrast": f"mean weeks without {event}",
                   "arm": arm, "estimate": 12.1, "lower": 11.0, "upper": 13.2, "n_arm": 76}  # fmt: skip
        for arm in others:
            pair = {**about, "arm": arm, "reference": reference, "n_arm": 76, "n_reference": 76}
            yield {**pair, "quantity": "hazard ratio", "estimate": 1.6, "lower": 1.1, "upper": 2.3,
                   "p": 0.012}  # fmt: skip
        yield {**about, "quantity": "test", "contrast": "log-rank: all arms", "statistic": 8.1,
               "p": 0.017}  # fmt: skip


def safety_rows(study: Study, trial: str) -> Iterator[Row]:
    """Exposure, deaths and deterioration."""
    for arm in study.arms_of(trial):
        about = {**_shared(study, trial), "analysis": "safety", "arm": arm, "n_arm": 80,
                 "method": "count", "notes": "shown however small", "level": None}  # fmt: skip
        weeks = {**about, "outcome": None, "contrast": "weeks in the study", "unit": "weeks"}
        yield {**weeks, "quantity": "count", "estimate": 1104.4}
        yield {**weeks, "quantity": "observed mean", "estimate": 13.8}
        for contrast, outcome, n in (("death", None, 0),
                                     ("deterioration at any visit", study.primary_outcome, 3)):  # fmt: skip
            event = {**about, "contrast": contrast, "outcome": outcome}
            yield {**event, "quantity": "count", "estimate": n}
            yield {**event, "quantity": "probability", "estimate": n / 80, "lower": 0.0,
                   "upper": 0.11, "level": 0.95}  # fmt: skip


def therapist_rows(study: Study, trial: str) -> Iterator[Row]:
    """Counts, differences and intraclass correlations."""
    *others, reference = study.arms_of(trial)
    visit = study.estimands[study.primary_estimand].endpoint
    for analysis in ("therapists", "therapists, ignored"):
        about = {**_shared(study, trial), "analysis": analysis, "visit": visit,
                 "method": f"mixed model, {analysis}"}  # fmt: skip
        for arm in others:
            yield {**about, "quantity": "difference", "arm": arm, "reference": reference,
                   "estimate": -3.1, "lower": -5.0, "upper": -1.2, "df": 41.2, "p": 0.002,
                   "n_arm": 70, "n_reference": 70}  # fmt: skip
            if analysis == "therapists":
                yield {**about, "quantity": "intraclass correlation", "arm": arm, "estimate": 0.031,
                       "contrast": "participants of one therapist", "lower": 0.0, "upper": 0.14}  # fmt: skip
                yield {**about, "quantity": "count", "contrast": "therapists", "arm": arm,
                       "estimate": 16, "visit": None, "level": None}  # fmt: skip


def moderator_rows(study: Study, trial: str) -> Iterator[Row]:
    """An interaction test, and effects within two levels."""
    *others, reference = study.arms_of(trial)
    visit = study.estimands[study.primary_estimand].endpoint
    for name in ("Recurrent depression", "severity at baseline"):
        about = {**_shared(study, trial), "analysis": f"moderators, {name}", "visit": visit,
                 "method": "mixed model", "notes": "one of 2 moderators"}  # fmt: skip
        yield {
            **about,
            "quantity": "test",
            "contrast": f"arm × {name}",
            "p": 0.31,
            "statistic": 1.2,
        }
        for k, level in enumerate(("Yes", "No")):
            for arm in others:
                yield {**about, "quantity": "difference", "arm": arm, "reference": reference,
                       "subgroup": f"{name}: {level}", "estimate": -3.0 - k, "lower": -5.5 - k,
                       "upper": -0.5 - k, "p": 0.02, "n_arm": 35, "n_reference": 36}  # fmt: skip
        for arm in others:
            yield {**about, "quantity": "difference", "arm": arm, "reference": reference,
                   "subgroup": f"{name}: No against Yes", "estimate": -1.0, "lower": -4.0,
                   "upper": 2.0, "p": 0.5, "n_arm": 70, "n_reference": 72,
                   "contrast": "No minus Yes"}  # fmt: skip


def delivery_rows(study: Study, trial: str) -> Iterator[Row]:
    """Sessions and stopping by arm."""
    for k, arm in enumerate(study.arms_of(trial)):
        about = {**_shared(study, trial), "analysis": "delivery", "arm": arm, "n_arm": 80,
                 "method": "description", "level": None}  # fmt: skip
        if not k:
            sessions = {**about, "contrast": "sessions attended", "unit": "sessions"}
            yield {**sessions, "quantity": "observed mean", "estimate": 12.25}
            yield {**sessions, "quantity": "standard deviation", "estimate": 4.35}
        stopped = {**about, "contrast": "stopped treatment early"}
        yield {**stopped, "quantity": "count", "estimate": 22}
        yield {**stopped, "quantity": "probability", "estimate": 0.275, "lower": 0.18,
               "upper": 0.39, "level": 0.95}  # fmt: skip


def change_rows(study: Study, trial: str) -> Iterator[Row]:
    """Classes of reliable change; one count is hidden."""
    classes = ("reliably improved and out of the clinical range",
               "reliably improved, still in the clinical range", "no reliable change",
               "reliably deteriorated")  # fmt: skip
    for arm in study.arms_of(trial):
        for k, name in enumerate(classes):
            yield {**_shared(study, trial), "analysis": "change of each participant",
                   "quantity": "count", "contrast": name, "arm": arm, "n_arm": 70, "level": None,
                   "estimate": (30, None, 25, 2)[k], "method": "count",
                   "notes": "suppressed: fewer than 5" if k == 1 else "as defined"}  # fmt: skip
