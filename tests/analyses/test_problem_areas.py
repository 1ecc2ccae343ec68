"""Areas: six exploratory contrasts, Holm-adjusted, nothing of an area with few participants."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from ipt_outcomes.analyses.multiplicity import holm
from ipt_outcomes.analyses.problem_areas import ProblemAreaError, problem_areas

AREAS = ("grief", "role_disputes", "role_transitions", "interpersonal_deficits")


def test_six_contrasts_at_the_endpoint(reference_trial):
    table = problem_areas(reference_trial)
    pairs = table[table["quantity"] == "difference"]
    assert {frozenset(p) for p in zip(pairs["arm"], pairs["reference"], strict=True)} == {
        frozenset(pair) for pair in combinations(AREAS, 2)
    }
    assert set(pairs["visit"]) == {"week_16"}
    assert set(table["status"]) == {"exploratory"}
    assert table["notes"].str.contains("not randomised").all()
    expected = multipletests(pairs["p"].to_numpy(float), method="holm")[1]
    np.testing.assert_allclose(pairs["p_adjusted"].to_numpy(float), expected)


def test_contrasts_agree_with_the_means(reference_trial):
    table = problem_areas(reference_trial)
    means = table[(table["quantity"] == "mean") & (table["visit"] == "week_16")].set_index("arm")[
        "estimate"
    ]
    for pair in table[table["quantity"] == "difference"].to_dict("records"):
        assert pair["estimate"] == pytest.approx(means[pair["arm"]] - means[pair["reference"]])


def test_arms_without_areas_are_not_used(reference_trial):
    changed = reference_trial.scores.copy()
    med = set(reference_trial.participants.query("arm == 'MED'")["participant"])
    changed.loc[changed["participant"].isin(med), "score"] += 5
    before = problem_areas(reference_trial)["estimate"].to_numpy(float)
    after = problem_areas(replace(reference_trial, scores=changed))["estimate"].to_numpy(float)
    np.testing.assert_array_equal(before, after)


def test_a_small_area_is_withheld(reference_trial):
    people = reference_trial.participants.copy()
    grief = people.index[people["problem_area"] == "grief"]
    people.loc[grief[3:], "problem_area"] = "role_disputes"
    table = problem_areas(replace(reference_trial, participants=people))
    of = table[(table["arm"] == "grief") | (table["reference"] == "grief")]
    assert of["estimate"].isna().all()
    assert of["notes"].str.contains("fewer than 5").all()
    assert (table[table["estimate"].notna()]["quantity"] == "difference").sum() == 3


def test_areas_that_cannot_be_compared(reference_trial):
    people = reference_trial.participants.copy()
    people.loc[people["problem_area"].notna(), "problem_area"] = "grief"
    with pytest.raises(ProblemAreaError, match="fewer than two have 5 participants"):
        problem_areas(replace(reference_trial, participants=people))


def test_holm_ignores_missing_values():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.03]), [0.02, np.nan, 0.03])
    assert holm([]).size == 0
