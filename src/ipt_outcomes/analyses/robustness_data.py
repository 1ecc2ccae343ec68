"""From a trial's frames to the incomplete trial that the robustness analysis imputes.

Everyone randomised is in it, those without any later score too. A participant's event is the first
visit from which the assumption holds: after treatment was stopped, or else the first missed visit
of those who left.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    TrialData,
    after_stopping,
    estimand_scores,
    members,
)
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.imputation import (
    NEEDS_REFERENCE,
    WORDS,
    IncompleteTrial,
    first_missed,
    incomplete_trial,
)
from ipt_outcomes.study.missing import RobustnessAnalysis


class RobustnessError(ValueError):
    """The configuration asks for what cannot be said of this trial."""


def incomplete(
    data: TrialData, plan: RobustnessAnalysis, shorts: list[str]
) -> tuple[IncompleteTrial, list[str]]:
    """Lay out the primary outcome of everyone randomised, with the events of the plan.

    Returns
    -------
    The incomplete trial, and what a reader must know of it.

    Raises
    ------
    RobustnessError
        When the assumptions need a reference arm and there is none.
    """
    study = data.study
    reference = _reference(data, plan, shorts)
    outcome, estimand = study.primary_outcome, study.primary_estimand
    people = members(data, AS_RANDOMISED, outcome)
    scores, set_aside = estimand_scores(data, outcome, estimand)
    notes = [f"{set_aside} scores after stopping treatment set aside"] if set_aside else []
    first = scores[scores["visit"] == study.baseline].set_index("participant")["score"]
    columns: dict[str, pd.Series] = {"baseline": people["participant"].map(first).astype(float)}
    for name in study.analyses.primary.adjust_for:
        columns[name] = people["site"] if name == "site" else people[CHARACTERISTIC + name]
    for name, values in columns.items():
        if number := int(values.isna().sum()):
            numeric = pd.api.types.is_numeric_dtype(values)
            columns[name] = values.fillna(values.mean() if numeric else "not recorded")
            # In a randomised trial the mean serves for a missing baseline (White & Thompson 2005).
            with_what = "the trial's mean" if numeric else "a level of its own"
            notes.append(f"{name} missing for {number} participants, given {with_what}")
    used = {n: values for n, values in columns.items() if values.drop_duplicates().size > 1}
    wide = people[["participant", "arm"]].assign(**used)
    later = scores[scores["visit"].isin(data.later_visits)]
    rows = wide.merge(later[["participant", "visit", "score"]], on="participant", how="left")
    rows["visit"] = pd.Categorical(rows["visit"], data.later_visits, ordered=True)
    seen = rows.loc[rows["score"].notna(), "visit"].drop_duplicates()
    unseen = [study.visits[v].label for v in data.later_visits if v not in set(seen)]
    if unseen:
        notes.append(f"nobody was assessed at {', '.join(unseen)}: left out")
        rows = rows[rows["visit"].isin(set(seen))]
        rows["visit"] = rows["visit"].cat.remove_unused_categories()
    by_visit = [name for name in ("baseline", "arm") if name == "arm" or name in used]
    terms = [f"{name}*visit" for name in by_visit] + [n for n in used if n != "baseline"]
    trial = incomplete_trial(
        rows,
        "score ~ " + " + ".join(terms),
        participant="participant",
        visit="visit",
        arm="arm",
        reference=reference,
        compared_with=study.reference_arm,
        covariance_by_arm=plan.covariance == "by-arm",
    )
    events = _events(data, plan, trial, scores)
    notes.append(f"{len(events)} participants with an event")
    return (
        incomplete_trial(
            rows, trial.formula, participant="participant", visit="visit", arm="arm",
            reference=reference, compared_with=study.reference_arm, events=events,
            covariance_by_arm=trial.covariance_by_arm,
        ),
        notes,
    )  # fmt: skip


def _reference(data: TrialData, plan: RobustnessAnalysis, shorts: list[str]) -> str | None:
    study = data.study
    if plan.reference is not None:
        if plan.reference not in data.arms:
            raise RobustnessError(
                f"analyses: robustness: reference: {plan.reference} is no arm of {data.trial}; "
                f"its arms are {', '.join(data.arms)}."
            )
        return plan.reference
    arm = study.arms[study.reference_arm]
    if not (arm.has_psychotherapy or arm.has_medication):
        return study.reference_arm
    wanted = [WORDS[short] for short in shorts if short in NEEDS_REFERENCE]
    if wanted:
        raise RobustnessError(
            f"analyses: robustness: {', '.join(wanted)} are undefined between active arms, and the "
            f"reference arm of {data.trial}, {study.reference_arm} ({arm.label}), is an active "
            "treatment. Name the arm whose course is taken over after stopping (reference: "
            f"{study.reference_arm}) if the protocol justifies it, or keep to missing-at-random "
            "and last-mean-carried-forward."
        )
    return None


def _events(
    data: TrialData, plan: RobustnessAnalysis, trial: IncompleteTrial, scores: pd.DataFrame
) -> pd.DataFrame:
    """Find the first visit of each participant from which the assumption holds."""
    start = first_missed(np.isfinite(trial.y))
    if plan.starts == "at-stopping-treatment":
        late = scores[after_stopping(scores, data.participants, data.study)]
        place = {str(visit): a for a, visit in enumerate(trial.visits)}
        at = late["visit"].map(place).dropna().groupby(late["participant"]).min()
        stopped = np.array([at.get(name, np.inf) for name in trial.participants])
        start = np.minimum(start, stopped).astype(np.int64)
    own = np.flatnonzero(start < len(trial.visits))
    return pd.DataFrame(
        {
            "participant": [trial.participants[i] for i in own],
            "visit": [trial.visits[start[i]] for i in own],
            "strategy": "MAR",
        }
    )
