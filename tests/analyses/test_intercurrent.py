"""Strategies act on the data: which event decides, what becomes of each score, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.data import AS_RANDOMISED, PER_PROTOCOL, model_frame, not_analysed
from ipt_outcomes.analyses.intercurrent import apply_strategies
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.study import Study
from ipt_outcomes.study.contradictions import contradictions

from .conftest import example_config

PERSON = "P003"


def trial(data, strategies, **days):
    """The reference trial with one estimand, and events of P003 on given days."""
    content = data.study.model_dump(mode="json")
    content["trials"]["example"]["columns"]["events"] = {
        "admission": {"day": "admission"},
        "drug_started": {"day": "drug"},
    }
    content["estimands"] = {
        "main": {
            "label": "Main", "population": "All", "endpoint": "week_16",
            "intercurrent_events": {"stopping_treatment": "treatment-policy", **strategies},
        }
    }  # fmt: skip
    people = data.participants.copy()
    for event in ("admission", "drug_started"):
        people[f"event_day_{event}"] = pd.array([pd.NA] * len(people), "Int64")
    person = people["participant"] == PERSON
    for name, day in days.items():
        if name == "death":
            people.loc[person, ["study_exit_day", "treatment_stop_day"]] = day
            people.loc[person, "study_exit_reason"] = "Died"
        else:
            column = "treatment_stop_day" if name == "stop" else f"event_day_{name}"
            people.loc[person, column] = day
    return replace(data, study=Study.model_validate(content), participants=people)


def course(data):
    scores = apply_strategies(data, "hamd17", "main").scores
    return scores[scores["participant"] == PERSON].set_index("visit")["score"]


@pytest.fixture
def seen(reference_trial):
    """The observed course of P003."""
    scores = reference_trial.scores
    return scores[scores["participant"] == PERSON].set_index("visit")["score"]


def later(value, seen, first):
    """The observed course with another value from a visit on."""
    changed = seen.copy()
    changed.iloc[list(seen.index).index(first) :] = value
    return changed


@pytest.mark.parametrize(
    ("strategy", "value"),
    [("treatment-policy", None), ("hypothetical", np.nan), ("composite", 52.0),
     ("while-on-treatment", "week_8")],
)  # fmt: skip
def test_what_each_strategy_makes_of_later_scores(reference_trial, seen, strategy, value):
    data = trial(reference_trial, {"events": {"admission": strategy}}, admission=60)
    if value is None:
        expected = seen
    else:
        expected = later(seen[value] if isinstance(value, str) else value, seen, "week_12")
    pd.testing.assert_series_equal(course(data), expected)


def test_only_the_participant_with_the_event_is_touched(reference_trial):
    data = trial(reference_trial, {"events": {"admission": "composite"}}, admission=10)
    scores = apply_strategies(data, "hamd17", "main").scores
    others = scores["participant"] != PERSON
    pd.testing.assert_frame_equal(scores[others], reference_trial.scores[others])


def test_the_first_event_that_acts_decides(reference_trial, seen):
    both = {"events": {"admission": "composite", "drug_started": "hypothetical"}}
    drug_first = trial(reference_trial, both, admission=90, drug_started=40)
    pd.testing.assert_series_equal(course(drug_first), later(np.nan, seen, "week_8"))
    admission_first = trial(reference_trial, both, admission=40, drug_started=90)
    pd.testing.assert_series_equal(course(admission_first), later(52.0, seen, "week_8"))
    same_day = trial(reference_trial, both, admission=40, drug_started=40)
    pd.testing.assert_series_equal(course(same_day), later(52.0, seen, "week_8"))
    policy = {"events": {"admission": "treatment-policy", "drug_started": "hypothetical"}}
    passed_over = trial(reference_trial, policy, admission=10, drug_started=60)
    pd.testing.assert_series_equal(course(passed_over), later(np.nan, seen, "week_12"))


def test_composite_counts_unseen_visits_too_and_takes_the_worse_end(reference_trial):
    data = trial(reference_trial, {"stopping_treatment": "composite"}, stop=10)
    content = data.study.model_dump(mode="json")
    content["outcomes"]["hamd17"]["higher_is"] = "better"
    data = replace(data, study=Study.model_validate(content))
    scores = data.scores.copy()
    last = (scores["participant"] == PERSON) & (scores["visit"] == "week_16")
    scores.loc[last, "score"] = np.nan
    found = course(replace(data, scores=scores))
    assert found["week_4":].eq(0).all()
    words = apply_strategies(replace(data, scores=scores), "hamd17", "main").words()
    assert len(words) == 1
    assert words[0].startswith("4 scores after stopping treatment (")
    assert words[0].endswith("counted as failure, 0")


def test_a_death_has_its_own_strategy_and_is_no_stopping(reference_trial, seen):
    data = trial(reference_trial, {"death": "composite", "stopping_treatment": "hypothetical"},
                 death=60)  # fmt: skip
    pd.testing.assert_series_equal(course(data), later(52.0, seen, "week_12"))
    silent = trial(reference_trial, {}, death=60)
    assert (
        "1 deaths without a strategy of their own: missing at random"
        in apply_strategies(silent, "hamd17", "main").words()
    )


def test_events_are_counted_by_arm_until_the_endpoint(reference_trial):
    data = trial(reference_trial, {"events": {"admission": "composite"}}, admission=60)
    people = data.participants.copy()
    other = people.index[(people["arm"] == "MED")][0]
    people.loc[other, "event_day_admission"] = 113  # after the endpoint: not counted
    table = primary(replace(data, participants=people), "hamd17")
    counts = table[table["analysis"] == "intercurrent events"].set_index(["contrast", "arm"])
    own = people.set_index("participant").loc[PERSON, "arm"]
    expected = {arm: float(arm == own) for arm in data.arms}
    assert counts.loc["admission: composite", "estimate"].to_dict() == expected
    main = table[(table["analysis"] == "primary") & (table["quantity"] == "difference")]
    assert main["notes"].str.contains("scores after admission").all()


def test_those_not_analysed_are_counted_by_arm_and_listed_apart(reference_trial):
    content = reference_trial.study.model_dump(mode="json")
    content["analysis_sets"]["per_protocol"] = {"minimum_weeks_of_treatment": 12}
    scores = reference_trial.scores.copy()
    gone = (scores["participant"] == PERSON) & (scores["visit"] == "baseline")
    scores.loc[gone, "score"] = np.nan
    people = reference_trial.participants.copy()
    people.loc[people["participant"] == "P004", "treatment_stop_day"] = 30
    data = replace(
        reference_trial, study=Study.model_validate(content), scores=scores, participants=people
    )
    listed = not_analysed(data, "hamd17")
    found = listed[(listed["estimand"] == "policy") & (listed["analysis_set"] == AS_RANDOMISED)]
    assert found[["participant", "reason"]].to_numpy().tolist() == [[PERSON, "no baseline score"]]
    found = listed[(listed["estimand"] == "policy") & (listed["analysis_set"] == PER_PROTOCOL)]
    assert set(found["participant"]) == {PERSON, "P004"}
    table = primary(data, "hamd17")
    counts = table[(table["analysis"] == "not analysed") & (table["estimand"] == "policy")]
    counts = counts[counts["analysis_set"] == AS_RANDOMISED]
    own = people.set_index("participant").loc[PERSON, "arm"]
    assert counts[["arm", "contrast", "estimate"]].to_numpy().tolist() == [
        [own, "no baseline score", 1.0]
    ]
    assert not table["notes"].fillna("").str.contains(PERSON).any()


def test_while_on_treatment_without_any_score_stays_missing(reference_trial):
    data = trial(reference_trial, {"stopping_treatment": "while-on-treatment"}, stop=0)
    scores = data.scores.copy()
    first = (scores["participant"] == PERSON) & (scores["visit"] == "baseline")
    scores.loc[first, "score"] = np.nan
    assert course(replace(data, scores=scores)).isna().all()
    frame = model_frame(replace(data, scores=scores), "hamd17", "main", AS_RANDOMISED)
    assert PERSON in set(frame.excluded["participant"])


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"stopping_treatment": "principal-stratum"}, "needs an estimator of its own"),
        ({"stopping_treatment": "hypothetical", "death": "treatment-policy"},
         "death is never treatment-policy"),
        ({"stopping_treatment": "hypothetical", "events": {"death": "composite"}},
         "has a line of its own"),
    ],
)  # fmt: skip
def test_strategies_that_are_refused(events, message):
    content = example_config()
    content["estimands"]["policy"]["intercurrent_events"] = events
    with pytest.raises(ValueError, match=message):
        Study.model_validate(content)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"events": {"moon": "composite"}}, "moon is no event of any trial"),
        ({"composite_score": 99}, "lies outside the range of hamd17"),
    ],
)
def test_events_that_the_study_does_not_know(events, message):
    content = example_config()
    content["estimands"]["policy"]["intercurrent_events"] |= events
    assert any(
        message in problem for _, problem, _ in contradictions(Study.model_validate(content))
    )


def test_a_strategy_for_deaths_needs_to_know_them():
    content = example_config()
    content["estimands"]["policy"]["intercurrent_events"]["death"] = "composite"
    del content["analyses"]["safety"]
    problems = list(contradictions(Study.model_validate(content)))
    assert any("mean a death" in problem for _, problem, _ in problems)
