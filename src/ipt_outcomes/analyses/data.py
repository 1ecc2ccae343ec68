"""From the canonical frames to the rows that an analysis may use.

Two decisions are taken here and nowhere else: who belongs to an analysis set, and who cannot be
analysed, and why. What an estimand's strategies do to the scores is told in
:mod:`ipt_outcomes.analyses.intercurrent`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from ipt_outcomes.analyses.intercurrent import after_event, apply_strategies
from ipt_outcomes.analyses.trial_data import ModelFrame, TrialData
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.results import Row
from ipt_outcomes.study import Study

__all__ = [
    "AS_RANDOMISED",
    "COMPLETERS",
    "NO_BASELINE",
    "NO_LATER_SCORE",
    "PER_PROTOCOL",
    "ModelFrame",
    "TrialData",
    "after_stopping",
    "analysis_sets",
    "estimand_scores",
    "exploratory",
    "members",
    "model_frame",
    "not_analysed",
]

AS_RANDOMISED = "as randomised"
PER_PROTOCOL = "per protocol"
COMPLETERS = "completers"

NO_BASELINE = "no baseline score"
NO_LATER_SCORE = "no score after baseline"


def exploratory(data: TrialData, analysis: str, **more: Any) -> Row:
    """Give what rows about everyone as randomised have in common: exploratory, and to be shared.

    Parameters
    ----------
    data
        The trial.
    analysis
        Name of the analysis.
    more
        Further columns.
    """
    return {
        "trial": data.trial,
        "analysis": analysis,
        "analysis_set": AS_RANDOMISED,
        "status": "exploratory",
        "disclosure": "shared",
        **more,
    }


def after_stopping(scores: pd.DataFrame, participants: pd.DataFrame, study: Study) -> pd.Series:
    """Tell which rows of a score frame lie after the participant stopped treatment.

    See :func:`ipt_outcomes.analyses.intercurrent.after_event`. A visit after treatment has ended
    as planned is not "after stopping" for those who finished.
    """
    stop = participants.set_index("participant")["treatment_stop_day"]
    return after_event(scores, stop, study)


def estimand_scores(data: TrialData, outcome: str, estimand: str) -> tuple[pd.DataFrame, list[str]]:
    """Apply an estimand's strategies to the scores of one outcome.

    Returns
    -------
    tuple of pandas.DataFrame and list of str
        The outcome's rows with what the strategies made of them, and what was done, in words.
    """
    handled = apply_strategies(data, outcome, estimand)
    return handled.scores, handled.words()


def analysis_sets(study: Study) -> list[str]:
    """Name the sets that are analysed: as randomised, and per protocol where it is defined."""
    return [AS_RANDOMISED] + [PER_PROTOCOL] * (study.analysis_sets.per_protocol is not None)


def members(data: TrialData, analysis_set: str, outcome: str) -> pd.DataFrame:
    """Return the participants of an analysis set.

    Raises
    ------
    ValueError
        When the set is not one that the configuration defines.
    """
    people = data.participants
    if analysis_set == AS_RANDOMISED:
        return people
    if analysis_set == COMPLETERS:
        endpoint = data.study.endpoint
        scores = data.scores[
            (data.scores["outcome"] == outcome)
            & (data.scores["visit"] == endpoint)
            & data.scores["score"].notna()
        ]
        return people[people["participant"].isin(scores["participant"])]
    rule = data.study.analysis_sets.per_protocol
    if analysis_set != PER_PROTOCOL or rule is None:
        raise ValueError(f"{analysis_set} is not an analysis set of this study")
    kept = pd.Series(True, index=people.index)
    if rule.received_the_randomised_arm:
        kept &= people["received_arm"].isna() | (people["received_arm"] == people["arm"])
    if rule.minimum_weeks_of_treatment is not None:
        stop = people["treatment_stop_day"].astype("Float64")
        kept &= (stop >= rule.minimum_weeks_of_treatment * 7).fillna(True)
    if rule.minimum_sessions is not None:
        therapy = {name for name, arm in data.study.arms.items() if arm.has_psychotherapy}
        attended = people["sessions_attended"].astype("Float64").fillna(0)
        kept &= ~people["arm"].isin(therapy) | (attended >= rule.minimum_sessions)
    return people[kept.astype(bool)]


def model_frame(data: TrialData, outcome: str, estimand: str, analysis_set: str) -> ModelFrame:
    """Build the rows of a repeated-measures model.

    Parameters
    ----------
    data
        The trial.
    outcome, estimand
        Short names of the configuration.
    analysis_set
        One of :data:`AS_RANDOMISED` and :data:`PER_PROTOCOL`.

    Returns
    -------
    ModelFrame
        Rows in the order of the participant frame and of time.
    """
    # Analyses of one job ask for the same rows again and again.
    asked = (outcome, estimand, analysis_set)
    if asked not in data._frames:
        data._frames[asked] = _build_frame(data, *asked)
    return data._frames[asked]


def _build_frame(data: TrialData, outcome: str, estimand: str, analysis_set: str) -> ModelFrame:
    people = members(data, analysis_set, outcome)
    scores, handled = estimand_scores(data, outcome, estimand)
    first = scores[scores["visit"] == data.study.baseline].set_index("participant")["score"]
    later = scores[scores["visit"].isin(data.later_visits)]
    seen = later.loc[later["score"].notna(), "participant"]

    baseline = people["participant"].map(first)
    reason = pd.Series(pd.NA, index=people.index, dtype="str")
    reason[~people["participant"].isin(seen)] = NO_LATER_SCORE
    reason[baseline.isna()] = NO_BASELINE
    excluded = people[["participant", "arm"]].assign(reason=reason)[reason.notna()]

    covariates = {
        name: people["site"] if name == "site" else people[CHARACTERISTIC + name]
        for name in data.study.analyses.primary.adjust_for
    }
    columns = people[["participant", "arm", "therapist", "problem_area"]]
    wide = columns.assign(baseline=baseline, **covariates)[reason.isna()]
    rows = wide.merge(later[["participant", "visit", "score"]], on="participant", how="left")
    position = {name: place for place, name in enumerate(people["participant"])}
    rows["visit"] = pd.Categorical(rows["visit"], data.later_visits, ordered=True)
    rows = rows.assign(order=rows["participant"].map(position)).sort_values(["order", "visit"])
    return ModelFrame(
        rows.drop(columns="order").reset_index(drop=True),
        excluded.reset_index(drop=True),
        handled,
    )


def not_analysed(data: TrialData, outcome: str) -> pd.DataFrame:
    """List everyone whom a model of the outcome leaves out: for the trial's own staff only.

    Parameters
    ----------
    data
        The trial.
    outcome
        Short name of the outcome.

    Returns
    -------
    pandas.DataFrame
        estimand, analysis_set, participant, arm, reason; those outside the analysis set too.
    """
    parts = []
    for estimand in data.study.estimands:
        for analysis_set in analysis_sets(data.study):
            inside = members(data, analysis_set, outcome)["participant"]
            out = data.participants[~data.participants["participant"].isin(inside)]
            out = out[["participant", "arm"]].assign(reason=f"not {analysis_set}")
            excluded = model_frame(data, outcome, estimand, analysis_set).excluded
            found = pd.concat([excluded, out], ignore_index=True)
            parts.append(found.assign(estimand=estimand, analysis_set=analysis_set))
    listed = pd.concat(parts, ignore_index=True)
    return listed[["estimand", "analysis_set", "participant", "arm", "reason"]]
