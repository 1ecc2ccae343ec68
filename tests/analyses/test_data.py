"""What an estimand does to scores, who is in a set, and who cannot be analysed."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    COMPLETERS,
    NO_BASELINE,
    NO_LATER_SCORE,
    PER_PROTOCOL,
    estimand_scores,
    members,
    model_frame,
)

from .conftest import planned


def with_stop(data, participant: str, day: int):
    people = data.participants.copy()
    people.loc[people["participant"] == participant, "treatment_stop_day"] = day
    return replace(data, participants=people)


def with_score(data, participant: str, visit: str, score: float | None):
    scores = data.scores.copy()
    at = (scores["participant"] == participant) & (scores["visit"] == visit)
    assert at.sum() == 1
    scores.loc[at, "score"] = float("nan") if score is None else score
    return replace(data, scores=scores)


def test_everyone_with_baseline_and_a_later_score_is_in_the_model(reference_trial):
    frame = model_frame(reference_trial, "hamd17", "policy", AS_RANDOMISED)
    assert frame.excluded.empty
    assert frame.rows["participant"].nunique() == 168
    assert frame.rows["score"].notna().sum() == 512
    assert list(frame.rows["visit"].cat.categories) == ["week_4", "week_8", "week_12", "week_16"]
    assert "baseline" not in set(frame.rows["visit"])


def test_the_hypothetical_strategy_sets_later_scores_aside(reference_trial):
    person = "P003"
    seen = reference_trial.scores.query("participant == @person and score.notna()")
    data = with_stop(reference_trial, person, 60)  # between weeks 8 (day 56) and 12 (day 84)
    policy, none = estimand_scores(data, "hamd17", "policy")
    hypothetical, aside = estimand_scores(data, "hamd17", "on_treatment")
    assert none == []
    pd.testing.assert_series_equal(policy["score"], reference_trial.scores["score"])
    kept = hypothetical.query("participant == @person and score.notna()")["visit"]
    assert set(kept) == set(seen["visit"]) & {"baseline", "week_4", "week_8"}
    assert aside == [f"{len(seen) - len(kept)} scores after stopping treatment set aside"]
    others = hypothetical.query("participant != @person")["score"]
    pd.testing.assert_series_equal(others, reference_trial.scores.loc[others.index, "score"])


def test_the_day_of_the_assessment_counts_before_the_planned_day(reference_trial):
    data = with_stop(reference_trial, "P003", 60)
    scores = data.scores.copy()
    week_8 = (scores["participant"] == "P003") & (scores["visit"] == "week_8")
    scores.loc[week_8, "day"] = 61  # late: after stopping on day 60
    _, before = estimand_scores(data, "hamd17", "on_treatment")
    _, after = estimand_scores(replace(data, scores=scores), "hamd17", "on_treatment")
    assert int(after[0].split()[0]) == int(before[0].split()[0]) + 1


def test_a_score_on_the_day_of_stopping_is_kept(reference_trial):
    data = with_stop(reference_trial, "P003", 56)
    scores, _ = estimand_scores(data, "hamd17", "on_treatment")
    assert scores.query("participant == 'P003' and visit == 'week_8'")["score"].notna().all()


def test_who_cannot_be_analysed_is_listed_with_the_reason(reference_trial):
    data = with_score(reference_trial, "P001", "baseline", None)
    for visit in ("week_4", "week_8", "week_12", "week_16"):
        data = with_score(data, "P003", visit, None)
    frame = model_frame(data, "hamd17", "policy", AS_RANDOMISED)
    found = dict(zip(frame.excluded["participant"], frame.excluded["reason"], strict=True))
    assert found == {"P001": NO_BASELINE, "P003": NO_LATER_SCORE}
    assert not {"P001", "P003"} & set(frame.rows["participant"])


def test_per_protocol(reference_trial):
    def rule(content):
        content["analysis_sets"]["per_protocol"] = {
            "minimum_sessions": 8,
            "minimum_weeks_of_treatment": 12,
            "received_the_randomised_arm": True,
        }

    data = planned(reference_trial, rule)
    people = data.participants.copy()
    people["sessions_attended"] = pd.array([12] * len(people), "Int64")
    first = {arm: people.index[people["arm"] == arm] for arm in data.arms}
    people.loc[first["IPT"][0], "sessions_attended"] = 3
    people.loc[first["MED"][0], "sessions_attended"] = 0  # no psychotherapy there: no matter
    people.loc[first["MED"][1], "treatment_stop_day"] = 83
    people.loc[first["MED"][2], "treatment_stop_day"] = 84
    people.loc[first["IPT"][1], "received_arm"] = "MED"
    people.loc[first["IPT"][2], "received_arm"] = "IPT"
    data = replace(data, participants=people)
    left_out = set(people["participant"]) - set(
        members(data, PER_PROTOCOL, "hamd17")["participant"]
    )
    expected = [first["IPT"][0], first["MED"][1], first["IPT"][1]]
    assert left_out == set(people.loc[expected, "participant"])


def test_completers_have_the_endpoint(reference_trial):
    people = members(reference_trial, COMPLETERS, "hamd17")
    seen = reference_trial.scores.query("visit == 'week_16' and score.notna()")
    assert set(people["participant"]) == set(seen["participant"])


def test_a_set_that_the_study_does_not_define(reference_trial):
    with pytest.raises(ValueError, match="not an analysis set"):
        members(reference_trial, PER_PROTOCOL, "hamd17")
