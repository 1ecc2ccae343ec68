"""Harms: denominators, exposure, intervals; nothing is suppressed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ipt_outcomes.analyses.response_data import score_matrix
from ipt_outcomes.analyses.safety import safety
from ipt_outcomes.analyses.safety_events import SHOWN, SafetyEvents, safety_rows
from ipt_outcomes.analyses.status import StatusError
from ipt_outcomes.tables import make_table

from .conftest import pick, planned, without_ends


def with_safety(data, plan, change=None):
    return planned(data, change, safety=plan)


PLAN = {"deterioration": {"hamd17": {"instrument": "HAM-D17"}}, "death_reasons": ["Died"]}


def test_deterioration_is_counted_as_observed(reference_trial):
    table = safety(with_safety(reference_trial, PLAN))
    matrix = score_matrix(reference_trial, "hamd17", "policy", [])
    worse = matrix.at("week_16") - matrix.baseline >= 1.96 * 5.04 * np.sqrt(2 * (1 - 0.789))
    for a, arm in enumerate(matrix.arms):
        inside = (matrix.arm == a) & ~np.isnan(matrix.at("week_16"))
        own = pick(table, contrast="deterioration at the visit", visit="week_16", arm=arm)
        k, n = int(worse[inside].sum()), int(inside.sum())
        assert pick(own, quantity="count")["estimate"].item() == k
        share = pick(own, quantity="probability")
        assert share["estimate"].item() == pytest.approx(k / n)
        assert share["n_arm"].item() == n
        interval = stats.binomtest(k, n).proportion_ci(method="exact")
        assert (share["lower"].item(), share["upper"].item()) == pytest.approx(interval)


def test_every_row_is_shown_and_says_so(reference_trial):
    table = safety(with_safety(reference_trial, PLAN))
    assert table["estimate"].notna().all()
    assert table["notes"].str.contains(SHOWN).all()
    small = table[(table["quantity"] == "count") & table["estimate"].between(1, 4)]
    assert len(small)


def test_the_hypothetical_strategy_hides_no_harm(reference_trial):
    people = reference_trial.participants.copy()
    people["treatment_stop_day"] = pd.array([10] * len(people), "Int64")
    data = replace(reference_trial, participants=people)

    def only_hypothetical(content):
        content["estimands"].pop("policy")

    expected = safety(with_safety(data, PLAN))
    found = safety(with_safety(data, PLAN, only_hypothetical))
    pd.testing.assert_frame_equal(found, expected)


def test_a_death_is_listed_with_its_time_at_risk(reference_trial):
    people = reference_trial.participants.copy()
    reason = [pd.NA] * len(people)
    first = people.index[people["arm"] == "IPT"][0]
    reason[people.index.get_loc(first)] = "died"
    people["study_exit_reason"] = pd.array(reason, "str")
    people.loc[first, "study_exit_day"] = 56
    table = safety(with_safety(replace(reference_trial, participants=people), PLAN))
    n = int((people["arm"] == "IPT").sum())
    own = pick(table, contrast="death", arm="IPT")
    assert pick(own, quantity="count")["estimate"].item() == 1
    weeks = (n - 1) * 16 + 8
    rate = pick(own, quantity="rate")
    assert rate["estimate"].item() == pytest.approx(100 / weeks)
    exposure = pick(table, contrast="death: time at risk", arm="IPT")
    assert exposure["estimate"].item() == weeks
    none = pick(table, contrast="death", arm="MED", quantity="probability")
    assert none["estimate"].item() == 0
    assert none["upper"].item() > 0


def test_exposure_ends_with_leaving(reference_trial):
    people = reference_trial.participants.copy()
    people["study_exit_day"] = pd.array([35] * len(people), "Int64")
    people["treatment_stop_day"] = pd.array([14] + [pd.NA] * (len(people) - 1), "Int64")
    table = safety(with_safety(replace(reference_trial, participants=people), PLAN))
    treated = table[
        table["contrast"].str.startswith("weeks of treatment") & (table["quantity"] == "count")
    ]
    assert treated["estimate"].sum() == 5 * (len(people) - 1) + 2


def test_an_item_about_suicide(reference_trial):
    def item(content):
        content["outcomes"]["item3"] = {
            "label": "HAM-D item 3", "short_label": "HAM-D 3", "role": "secondary", "range": [0, 4],
        }  # fmt: skip
        content["trials"]["example"]["columns"]["outcomes"]["item3"] = "hamd3"

    scores = reference_trial.scores.copy()
    answers = scores.assign(outcome="item3", score=(scores["score"] // 9).clip(upper=4))
    data = replace(
        reference_trial,
        scores=pd.concat([scores, answers.astype(scores.dtypes)], ignore_index=True),
    )
    table = safety(with_safety(data, {"suicidality": {"item3": {"at_least": 2}}}, item))
    matrix = score_matrix(data, "hamd17", "policy", [])
    positive = matrix.scores[:, 1:] >= 18
    for a, arm in enumerate(matrix.arms):
        any_later = pick(
            table, contrast="suicidality at any later visit", arm=arm, quantity="count"
        )
        assert any_later["estimate"].item() == positive[matrix.arm == a].any(axis=1).sum()
        new = pick(
            table, contrast="suicidality that was not there at baseline", arm=arm, quantity="count"
        )
        below = (matrix.baseline < 18) & (matrix.arm == a)
        assert new["estimate"].item() == positive[below].any(axis=1).sum()
        assert new["n_arm"].item() == (below & ~np.isnan(matrix.scores[:, 1:]).all(axis=1)).sum()


def test_deterioration_without_reliability_is_refused(reference_trial):
    plan = {"deterioration": {"hamd17": {"response": {"percent": 50}}}}
    with pytest.raises(StatusError, match="needs reliable change"):
        safety(with_safety(reference_trial, plan))


def test_repeated_events_count_more_than_once_in_a_rate_only():
    falls = SafetyEvents("fall", np.array([3, 0, 1]), np.ones(3, bool), np.full(3, 10.0), "")
    found = {
        row["quantity"]: row["estimate"]
        for row in safety_rows(falls, np.zeros(3, int), ["A"], {}, 0.95)
        if row["contrast"] == "fall"
    }
    assert found == {
        "count": 2,
        "probability": pytest.approx(2 / 3),
        "rate": pytest.approx(100 * 4 / 30),
    }


def test_an_exposure_that_is_not_recorded_is_not_everybody_to_the_end(reference_trial):
    data = without_ends(with_safety(reference_trial, {"death_reasons": ["Died"]}))
    table = safety(data)
    weeks = table[table["contrast"].str.startswith("weeks")]
    assert weeks["estimate"].isna().all()
    assert set(weeks["notes"]) == {
        "not recorded: the export has no column for the day of stopping treatment",
        "not recorded: the export has no column for the day of leaving the study",
    }
    assert not (table["quantity"] == "rate").any()
    shown = make_table("harms", study=data.study, estimates=table, trial=data.trial)
    assert not any("total" in str(cell) for line in shown.lines for cell in line.cells)
    assert any("not recorded" in str(note) for note in shown.footnotes)
