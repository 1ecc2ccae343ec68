"""Time to response, remission, stopping treatment, leaving the study, and relapse.

Per event: Kaplan–Meier curves by arm, the restricted mean time without the event and its
difference between arms, the log-rank test, hazard ratios from a Cox model with baseline score and
covariates, and the test whether they are constant. Where they are not, the row of the hazard
ratio says that the restricted mean is the number to read.

Relapse is analysed only among those who were well at the end of treatment. They are selected by
something that happened after randomisation: every row says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.attempts import not_possible
from ipt_outcomes.analyses.covariates import covariate_columns
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.disclosure import FLOW
from ipt_outcomes.analyses.event_rows import EventRows
from ipt_outcomes.analyses.event_times import (
    EventTimes,
    RelapseError,
    first_status,
    leaving_the_study,
    relapse,
    stopping_treatment,
)
from ipt_outcomes.analyses.response_data import ScoreMatrix, baseline_scores, score_matrix
from ipt_outcomes.analyses.status import (
    REMISSION,
    RESPONSE,
    StatusDefinition,
    StatusError,
    criterion_of,
    status_definitions,
)
from ipt_outcomes.results import Row, estimates

Floats = NDArray[np.float64]

VISITS_ONLY = (
    "known at visits only: the event happened between the visit shown and the one before it, and "
    "follow-up ends with the last score"
)
CONDITIONED = (
    "conditions on a status after randomisation: arms compared among them are not randomised "
    "groups, and a difference is not an effect of treatment"
)


def time_to_event(data: TrialData) -> pd.DataFrame:
    """Analyse the times to the events that the configuration names.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table; an end whose day the export does not hold has one that says so.

    Raises
    ------
    StatusError
        When nothing is named that the trial has.
        A relapse that these data do not allow leaves a row that says so.
    """
    plan = data.study.analyses.time_to_event
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    refused: list[Row] = []
    rows = [row for event in events(data, refused) for row in _rows(data, event)]
    rows += refused
    rows += _not_recorded(data)
    if not rows:
        raise StatusError(
            f"{data.trial}: analyses.time_to_event names no event that this trial has. Give an "
            "outcome of this trial, stopping_treatment or leaving_the_study."
        )
    return estimates(rows)


@dataclass(frozen=True)
class Event:
    """One event that is analysed, with the times to it.

    Parameters
    ----------
    times
        Times to it.
    covariates
        Baseline covariates of those followed, shape (n, q).
    analysis, name
        Name of its analysis, and of the event, in words.
    where
        Outcome, estimand and subgroup, where there are any.
    about
        How it is defined.
    """

    times: EventTimes
    covariates: Floats
    analysis: str
    name: str
    where: Row
    about: str


def events(data: TrialData, refused: list[Row]) -> Iterator[Event]:
    """Find the events that the configuration names.

    Parameters
    ----------
    data
        The trial.
    refused
        Takes what stands for each relapse that these data do not allow; the other events stand.

    Raises
    ------
    StatusError
        When an event needs a definition that is not there.
    """
    plan = data.study.analyses.time_to_event
    assert plan is not None
    for outcome in data.study.outcomes_of(data.trial):
        if outcome in plan.outcomes:
            yield from _of_outcome(data, outcome, refused)
    yield from _of_participation(data)


def _of_outcome(data: TrialData, outcome: str, refused: list[Row]) -> Iterator[Event]:
    plan = data.study.analyses.time_to_event
    assert plan is not None
    estimand = data.study.primary_estimand
    endpoint = data.study.estimands[estimand].endpoint
    matrix = score_matrix(data, outcome, estimand, plan.adjust_for)
    definitions = {
        definition.name: definition
        for definition in status_definitions(
            data.study, outcome, plan.outcomes[outcome], baseline_scores(data, outcome)
        )
    }
    covariates = np.column_stack([matrix.baseline_filled(), matrix.covariates])
    where: Row = {"outcome": outcome, "estimand": estimand}
    for name in (RESPONSE, REMISSION):
        if name in definitions:
            definition = definitions[name]
            times = first_status(data, matrix, definition, endpoint)
            about = f"{name}: {definition.words}"
            followed = covariates[times.participants]
            yield Event(times, followed, f"time to {name}", name, where, about)
    if outcome in plan.relapse:
        try:
            relapses = list(_relapse(data, outcome, matrix, definitions, covariates))
        except (RelapseError, StatusError) as error:
            refused += not_possible(error, data, exploratory(data, "relapse", **where))
        else:
            yield from relapses


def _relapse(
    data: TrialData,
    outcome: str,
    matrix: ScoreMatrix,
    definitions: dict[str, StatusDefinition],
    covariates: Floats,
) -> Iterator[Event]:
    plan = data.study.analyses.time_to_event
    assert plan is not None
    asked = plan.relapse[outcome]
    estimand = data.study.primary_estimand
    endpoint = data.study.estimands[estimand].endpoint
    status = {"responders": RESPONSE, "remitters": REMISSION}.get(asked.among or "")
    rule = criterion_of(asked.criterion)
    worse = data.study.outcomes[outcome].higher_is == "worse"
    relapsed = StatusDefinition("relapse", rule, rule.in_words(), worse, benefit=False)
    well = definitions.get(status) if status else None
    if status and well is None:
        raise StatusError(
            f"{outcome}: relapse among {asked.among} needs a definition of {status} under "
            f"analyses.time_to_event.outcomes.{outcome}."
        )
    times = relapse(data, matrix, well, relapsed, endpoint)
    assert well is not None  # relapse() refuses without it
    label = data.study.visits[endpoint].label
    where: Row = {
        "outcome": outcome,
        "estimand": estimand,
        "subgroup": f"{asked.among} at {label}",
    }
    about = (
        f"{CONDITIONED}; {asked.among}: {well.words}; relapse: {relapsed.words}; weeks count from "
        f"{label}"
    )
    followed = covariates[times.participants]
    yield Event(times, followed, f"relapse among {asked.among}", "relapse", where, about)


def _of_participation(data: TrialData) -> Iterator[Event]:
    plan = data.study.analyses.time_to_event
    assert plan is not None
    people = data.participants.sort_values("participant", kind="stable")
    names = plan.adjust_for
    covariates, _ = covariate_columns(
        data, people, list(data.study.analyses.primary.adjust_for if names is None else names)
    )
    start = baseline_of(data, people)
    if start is not None:
        covariates = np.column_stack([start, covariates])
    endpoint = data.study.endpoint
    for name, stem, analysis in _asked_ends(data):
        if data.no_day_of(stem):
            continue
        if stem == "treatment_stop":
            times = stopping_treatment(data, people, endpoint)
        else:
            times = leaving_the_study(data, people)
        yield Event(times, covariates[times.participants], analysis, name, {}, FLOW)


def _asked_ends(data: TrialData) -> Iterator[tuple[str, str, str]]:
    """Give the ends that the configuration asks for: name, stem of their columns, analysis."""
    plan = data.study.analyses.time_to_event
    assert plan is not None
    for name, stem, asked in (
        ("stopping treatment", "treatment_stop", plan.stopping_treatment),
        ("leaving the study", "study_exit", plan.leaving_the_study),
    ):
        if asked:
            yield name, stem, f"time to {name}"


def _not_recorded(data: TrialData) -> Iterator[Row]:
    """Say of which ends nobody's day is known: nobody would be seen to stop or to leave."""
    for _, stem, analysis in _asked_ends(data):
        if why := data.no_day_of(stem):
            yield exploratory(data, analysis, quantity="difference", contrast="all arms",
                              method="none", notes=why)  # fmt: skip


def baseline_of(data: TrialData, people: pd.DataFrame) -> Floats | None:
    """Return the primary outcome's baseline as a covariate, a missing one the mean; or None."""
    first = data.scores[
        (data.scores["outcome"] == data.study.primary_outcome)
        & (data.scores["visit"] == data.study.baseline)
    ].set_index("participant")["score"]
    values = people["participant"].map(first).to_numpy(float)
    if np.isnan(values).all():
        return None
    return np.where(np.isnan(values), np.nanmean(values), values)


def _rows(data: TrialData, event: Event) -> Iterator[Row]:
    plan = data.study.analyses.time_to_event
    assert plan is not None
    notes = [event.about]
    if event.times.by_visit:
        notes.append(VISITS_ONLY)
    notes += [f"{n} participants {why} left out" for why, n in event.times.left_out.items()]
    shared = {**exploratory(data, event.analysis), "notes": "; ".join(notes), **event.where}
    labels = data.arm_labels
    confirmatory = (
        plan.status == "confirmatory"
        and event.name == RESPONSE
        and event.where.get("outcome") == data.study.primary_outcome
    )
    suppress = event.about != FLOW
    smallest = data.study.privacy.smallest_group
    rows = EventRows(
        event.times, data.arms, labels, event.name, shared, plan.level, suppress, smallest
    )
    for row in rows.rows(event.covariates):
        if confirmatory and row["quantity"] == "hazard ratio":
            row["status"] = "confirmatory"
        yield row
