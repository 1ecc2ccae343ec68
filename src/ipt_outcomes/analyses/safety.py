"""Harms by arm: deterioration, answers to an item about suicide, deaths, and exposure.

Everything is as observed, for everyone as randomised, never imputed: a denominator is who was
assessed. Arm-level counts are shown however small. Adverse events come from a file with one row per
event (:mod:`ipt_outcomes.analyses.adverse_events`); every death is also listed, restricted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.adverse_events import adverse_events
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.response_data import ScoreMatrix, baseline_scores, score_matrix
from ipt_outcomes.analyses.safety_events import SHOWN, SafetyEvents, safety_rows
from ipt_outcomes.analyses.status import DETERIORATION, StatusError, status_definitions
from ipt_outcomes.results import Row, estimates

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def safety(data: TrialData) -> pd.DataFrame:
    """Describe harms by arm.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: weeks of treatment and of observation, then per kind of harm
        the participants with it, their proportion, and where time counts the rate.

    Raises
    ------
    StatusError
        When reliable change is not defined for an outcome of ``deterioration``.
    """
    plan = data.study.analyses.safety
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    people = data.participants.sort_values("participant", kind="stable")
    position = {name: place for place, name in enumerate(data.arms)}
    arm = np.asarray(people["arm"].map(position), np.int64)
    where = exploratory(data, "safety")
    rows = list(_exposure(data, people, arm, where))
    rows.extend(_listed_deaths(data, people, where))
    for happened in (
        *_deaths(data, people),
        *adverse_events(data, people, weeks_observed(data, people)),
        *_deterioration(data),
        *_suicidality(data),
    ):
        rows.extend(safety_rows(happened, arm, data.arms, where, plan.level))
    return estimates(rows)


def weeks_observed(data: TrialData, people: pd.DataFrame) -> Floats | None:
    """Return how long each participant was in the study, in weeks; None where it is not recorded.

    Parameters
    ----------
    data
        The trial.
    people
        Rows of its participant frame, n of them.
    """
    if data.no_day_of("study_exit"):
        return None
    horizon = data.study.visits[data.later_visits[-1]].week
    return _until(people["study_exit_day"], horizon)


def _until(day: pd.Series, horizon: float) -> Floats:
    weeks = day.astype("Float64").to_numpy(float, na_value=np.nan) / 7
    return np.asarray(np.clip(np.fmin(weeks, horizon), 0.0, None), np.float64)


def _exposure(
    data: TrialData, people: pd.DataFrame, arm: NDArray[np.int64], where: Row
) -> Iterator[Row]:
    endpoint = data.study.endpoint
    end_of_treatment = data.study.visits[endpoint].week
    in_study = weeks_observed(data, people)
    treated = None
    if not data.no_day_of("treatment_stop"):
        treated = _until(people["treatment_stop_day"], end_of_treatment)
        if in_study is not None:
            # Treatment ends with leaving the study at the latest: nobody is treated unseen.
            treated = np.minimum(treated, in_study)
    for a, name in enumerate(data.arms):
        inside = arm == a
        for weeks, words, stem in (
            (treated, f"weeks of treatment, up to week {end_of_treatment:g}", "treatment_stop"),
            (in_study, "weeks in the study", "study_exit"),
        ):
            total = {**where, "arm": name, "n_arm": int(inside.sum()), "unit": "weeks",
                     "contrast": words, "notes": SHOWN}  # fmt: skip
            mean = {**total, "quantity": "observed mean", "method": "description"}
            if weeks is None:
                yield {**mean, "notes": data.no_day_of(stem)}
                continue
            yield {**total, "quantity": "count", "method": "sum",
                   "estimate": float(weeks[inside].sum())}  # fmt: skip
            if inside.any():
                yield {**mean, "estimate": float(weeks[inside].mean())}


def _died(data: TrialData, people: pd.DataFrame) -> Flags:
    plan = data.study.analyses.safety
    assert plan is not None
    wanted = {reason.casefold() for reason in plan.death_reasons}
    died = np.zeros(len(people), bool)
    for column in ("treatment_stop_reason", "study_exit_reason"):
        text = people[column].astype("object").fillna("").astype(str).str.casefold()
        died |= text.isin(wanted).to_numpy(bool)
    return died


def _listed_deaths(data: TrialData, people: pd.DataFrame, where: Row) -> Iterator[Row]:
    """List every death with its day, for those who may see single participants."""
    for line in people[_died(data, people)].to_dict("records"):
        days = [line[c] for c in ("study_exit_day", "treatment_stop_day") if pd.notna(line[c])]
        yield {
            **where,
            "quantity": "count",
            "arm": line["arm"],
            "subgroup": f"participant {line['participant']}",
            "contrast": "death on day",
            "estimate": float(days[0]) if days else None,
            "unit": "days since randomisation",
            "method": "listing",
            "disclosure": "restricted",
            "notes": None if days else "day not recorded",
        }


def _deaths(data: TrialData, people: pd.DataFrame) -> Iterator[SafetyEvents]:
    plan = data.study.analyses.safety
    assert plan is not None
    if not plan.death_reasons:
        return
    yield SafetyEvents(
        "death",
        _died(data, people).astype(np.int64),
        np.ones(len(people), bool),
        weeks_observed(data, people),
        f"the reason for stopping or leaving is {' or '.join(plan.death_reasons)}",
    )


def _deterioration(data: TrialData) -> Iterator[SafetyEvents]:
    plan = data.study.analyses.safety
    assert plan is not None
    for outcome in data.study.outcomes_of(data.trial):
        if outcome not in plan.deterioration:
            continue
        definitions = status_definitions(
            data.study, outcome, plan.deterioration[outcome], baseline_scores(data, outcome)
        )
        worse = next((d for d in definitions if d.name == DETERIORATION), None)
        if worse is None:
            raise StatusError(
                f"{outcome}: deterioration needs reliable change. Name an instrument whose "
                f"reliability is in the registry, or give sd, reliability and source under "
                f"analyses.safety.deterioration.{outcome}.reliable_change."
            )
        matrix = _as_observed(data, outcome)
        holds = worse.holds(matrix.baseline[:, None], matrix.scores[:, 1:])
        known = ~np.isnan(matrix.baseline)[:, None] & ~np.isnan(matrix.scores[:, 1:])
        note = f"deterioration: {worse.words}; of those with a baseline score and a later one"
        yield SafetyEvents(
            "deterioration at any visit",
            _any(holds).astype(np.int64),
            _any(known),
            None,
            note,
            outcome,
        )
        for place, visit in enumerate(matrix.visits[1:]):
            yield SafetyEvents(
                "deterioration at the visit",
                holds[:, place].astype(np.int64),
                known[:, place],
                None,
                note,
                outcome,
                visit,
            )


def _suicidality(data: TrialData) -> Iterator[SafetyEvents]:
    plan = data.study.analyses.safety
    assert plan is not None
    for outcome in data.study.outcomes_of(data.trial):
        if outcome not in plan.suicidality:
            continue
        matrix = _as_observed(data, outcome)
        least = plan.suicidality[outcome].at_least
        label = data.study.outcomes[outcome].short_label
        later = matrix.scores[:, 1:]
        positive, seen = later >= least, ~np.isnan(later)
        note = f"{label}: an answer of {least:g} or more; of those who answered"
        yield SafetyEvents(
            "suicidality at any later visit", _any(positive).astype(np.int64),
            _any(seen), None, note, outcome,
        )  # fmt: skip
        new = _any(positive) & (matrix.baseline < least)
        yield SafetyEvents(
            "suicidality that was not there at baseline", new.astype(np.int64),
            _any(seen) & (matrix.baseline < least), None,
            f"{note} and were below it at baseline", outcome,
        )  # fmt: skip
        for place, visit in enumerate(matrix.visits):
            answers = matrix.scores[:, place]
            yield SafetyEvents(
                "suicidality at the visit", (answers >= least).astype(np.int64),
                ~np.isnan(answers), None, note, outcome, visit,
            )  # fmt: skip


def _any(flags: Flags) -> Flags:
    return np.asarray(flags.any(axis=1), bool)


def _as_observed(data: TrialData, outcome: str) -> ScoreMatrix:
    # Harms count whatever an estimand sets aside: the scores are taken as they came.
    kept = {
        name: estimand
        for name, estimand in data.study.estimands.items()
        if estimand.intercurrent_events.takes_scores_as_they_came
    }
    if kept:
        return score_matrix(data, outcome, next(iter(kept)), [])
    scores = data.scores[data.scores["outcome"] == outcome]
    matrix = score_matrix(data, outcome, data.study.primary_estimand, [])
    wide = scores.set_index(["participant", "visit"])["score"].unstack("visit")  # noqa: PD010
    whole = wide.reindex(index=matrix.participants, columns=matrix.visits).to_numpy(float)
    return ScoreMatrix(
        matrix.participants, matrix.arm, matrix.arms, matrix.visits, whole, matrix.covariates, [], 0
    )
