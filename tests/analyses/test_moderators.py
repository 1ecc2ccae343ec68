"""Moderators: R's interactions, nothing of small subgroups, at most three prespecified."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.moderators import moderators
from ipt_outcomes.study import Study

from .conftest import example_config


def with_moderators(data, prespecified=(), exploratory=(), **values):
    content = data.study.model_dump(mode="json")
    people = data.participants.copy()
    for name, column in values.items():
        numeric = pd.api.types.is_float_dtype(np.asarray(column))
        content["characteristics"][name] = {
            "label": name.capitalize(), "kind": "number" if numeric else "category",
        }  # fmt: skip
        people[f"characteristic_{name}"] = (
            np.asarray(column, float) if numeric else pd.array(column, dtype="str")
        )
    content["analyses"]["moderators"] = {
        "prespecified": list(prespecified), "exploratory": list(exploratory),
    }  # fmt: skip
    return replace(data, study=Study.model_validate(content), participants=people)


def odd(data):
    return [str(int(name[1:]) % 2) for name in data.participants["participant"]]


def test_a_category_equals_r(reference_trial, clinical_reference):
    # nlme::gls + emmeans: effects at week 16 within each level
    stored = pd.DataFrame(clinical_reference["moderator_category"])
    table = moderators(with_moderators(reference_trial, ["odd"], odd=odd(reference_trial)))
    within = table[table["subgroup"].isin(["Odd: 0", "Odd: 1"])]
    assert len(within) == len(stored) == 4
    for row in stored.to_dict("records"):
        arm = row["contrast"].removesuffix(" - MED").strip("()")
        (own,) = within[
            (within["arm"] == arm) & (within["subgroup"] == f"Odd: {row['odd']}")
        ].to_dict("records")
        assert own["estimate"] == pytest.approx(row["estimate"], abs=5e-4 * row["SE"])
        assert own["se"] == pytest.approx(row["SE"], rel=5e-4)


def test_severity_equals_r(reference_trial, clinical_reference):
    stored = clinical_reference["moderator_number"]
    table = moderators(with_moderators(reference_trial, ["baseline"]))
    slopes = table[table["quantity"] == "slope"].set_index("arm")
    assert slopes.loc[stored["arm"], "estimate"].tolist() == pytest.approx(
        stored["estimate"], abs=1e-4
    )
    np.testing.assert_allclose(slopes.loc[stored["arm"], "se"], stored["se"], rtol=5e-4)


def test_the_differences_and_the_test_agree_with_the_effects(reference_trial):
    table = moderators(with_moderators(reference_trial, ["odd"], odd=odd(reference_trial)))
    effect = table[table["subgroup"].isin(["Odd: 0", "Odd: 1"])].set_index(["arm", "subgroup"])
    against = table[table["subgroup"].fillna("").str.contains("against")].set_index("arm")
    for arm in ("IPT", "IPT+MED"):
        levels = against.loc[arm, "subgroup"].removeprefix("Odd: ").split(" against ")
        one, other = (effect.loc[(arm, f"Odd: {level}"), "estimate"] for level in levels)
        assert against.loc[arm, "estimate"] == pytest.approx(one - other)
    (test,) = table[table["quantity"] == "test"].to_dict("records")
    assert test["df_numerator"] == 2


def test_one_degree_of_freedom_gives_the_same_p_twice(reference_trial):
    two = reference_trial.participants["arm"] != "IPT+MED"
    people = reference_trial.participants[two].reset_index(drop=True)
    data = replace(reference_trial, participants=people)
    content = data.study.model_dump(mode="json")
    content["trials"]["example"]["codes"]["arm"] = {"1": "IPT", "3": "MED"}
    data = replace(data, study=Study.model_validate(content))
    table = moderators(with_moderators(data, ["odd"], odd=odd(data)))
    (test,) = table[table["quantity"] == "test"].to_dict("records")
    (difference,) = table[table["subgroup"].fillna("").str.contains("against")].to_dict("records")
    assert test["statistic"] == pytest.approx(difference["statistic"] ** 2)
    assert test["p"] == pytest.approx(difference["p"])


def test_how_many_were_looked_at_is_printed(reference_trial):
    random = np.random.default_rng(1)
    n = len(reference_trial.participants)
    data = with_moderators(
        reference_trial, ["baseline"], ["age", "luck"],
        age=random.normal(40, 10, n), luck=random.normal(0, 1, n),
    )  # fmt: skip
    table = moderators(data)
    of = table.groupby("analysis")["notes"].first()
    assert of["moderators, severity at baseline"] == "one of 1 prespecified moderators"
    assert of["moderators, Luck"] == "one of 2 exploratory moderators"
    assert set(table["status"]) == {"exploratory"}


def test_a_small_subgroup_is_withheld_and_cannot_be_had_by_subtraction(reference_trial):
    values = odd(reference_trial)
    values[:9] = ["rare"] * 9
    table = moderators(with_moderators(reference_trial, [], ["odd"], odd=values))
    (rare,) = table[table["subgroup"] == "Odd: rare"].to_dict("records")
    assert pd.isna(rare["estimate"])
    assert "fewer than 5" in rare["notes"]
    assert table["n_arm"].isna().all()
    assert table["n_reference"].isna().all()
    assert table[table["subgroup"] == "Odd: 1"]["estimate"].notna().all()


def test_what_cannot_be_estimated_is_said(reference_trial):
    n = len(reference_trial.participants)
    data = with_moderators(reference_trial, [], ["same", "one"], same=np.full(n, 3.0),
                           one=["a"] * n)  # fmt: skip
    notes = moderators(data)["notes"].tolist()
    assert any("the same for everybody" in note for note in notes)
    assert any("fewer than two levels" in note for note in notes)


def test_those_without_it_are_counted(reference_trial):
    values = np.where(np.arange(len(reference_trial.participants)) < 4, np.nan, 1.0)
    values = values * np.random.default_rng(3).normal(40, 9, len(values))
    table = moderators(with_moderators(reference_trial, [], ["age"], age=values))
    assert table["notes"].str.contains("4 participants without it not analysed").all()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"prespecified": ["baseline", "age", "gender", "recurrent"]}, "at most 3 items"),
        ({"prespecified": ["age"], "exploratory": ["age"]}, "named twice"),
        ({}, "at least one moderator"),
    ],
)
def test_plans_that_are_refused(plan, message):
    content = example_config()
    content["analyses"]["moderators"] = plan
    with pytest.raises(ValueError, match=message):
        Study.model_validate(content)
