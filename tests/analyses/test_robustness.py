"""Robustness: the assumptions of the configuration, their rows, and the verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.analyses.robustness import robustness
from ipt_outcomes.analyses.robustness_assumptions import Assumed, under
from ipt_outcomes.analyses.robustness_data import RobustnessError, incomplete
from ipt_outcomes.analyses.robustness_verdict import verdict

from .conftest import planned

PLAN = {"reference": "MED", "rubin_imputations": 20, "delta": {"largest": 12, "steps": 5},
        "chained_equations": 0}  # fmt: skip


def with_plan(data, **plan):
    return planned(data, robustness=PLAN | plan)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Keep the table of the reference trial between tests."""
    return {}


@pytest.fixture
def table(reference_trial, example):
    if "table" not in example:
        example["table"] = robustness(with_plan(reference_trial))
    return example["table"]


def laid_out(data, assumed=Assumed("jump to reference", "JR")):  # noqa: B008 - it never changes
    trial, events, _ = incomplete(data, data.study.analyses.robustness, ["JR"])
    return under(assumed, trial, events)


def differences(table, analysis):
    own = table[(table["analysis"] == f"robustness, {analysis}")]
    return own[own["quantity"] == "difference"].set_index(["arm", "visit"])


def test_mar_is_close_to_the_primary_model(reference_trial, table):
    model = primary(reference_trial, "hamd17")
    model = model[(model["quantity"] == "difference") & (model["estimand"] == "policy")]
    model = model.set_index(["arm", "visit"])
    found = differences(table, "missing at random")
    # Site enters the primary model with one coefficient for all visits, the ANCOVA with four.
    gap = (found["estimate"] - model["estimate"]).abs() / model["se"]
    assert gap.max() < 0.25
    assert (found["se"] / model["se"]).between(0.85, 1.15).all()


def test_reference_based_lies_between_mar_and_nothing(table):
    at = [("IPT", "week_16"), ("IPT+MED", "week_16")]
    mar = differences(table, "missing at random").loc[at, "estimate"]
    jump = differences(table, "jump to reference").loc[at, "estimate"]
    assert (jump.abs() < mar.abs()).all()


def test_every_row_says_which_variance(table):
    said = table[table["lower"].notna()]["interval_method"]
    assert said.str.contains("variance: ").all()
    rubin = table[table["analysis"].str.endswith("Rubin")]
    assert rubin["interval_method"].str.contains("information-anchored").all()
    plain = differences(table, "jump to reference")["interval_method"]
    assert plain.str.contains("resampling").all()


def test_rubin_is_wider_under_jump_to_reference(table):
    at = ("IPT", "week_16")
    resampled = differences(table, "jump to reference").loc[at, "se"]
    assert differences(table, "jump to reference, Rubin").loc[at, "se"] > resampled


def test_verdict_speaks_of_every_arm(table):
    said = table[table["analysis"] == "robustness, verdict"]
    assert said["arm"].tolist() == ["IPT", "IPT+MED"]
    assert said["notes"].str.contains("of 4 assumptions|all 4 assumptions").all()


def test_same_numbers_again_and_in_any_order(reference_trial, table):
    again = robustness(with_plan(reference_trial))
    pd.testing.assert_frame_equal(again, table)
    fewer = robustness(with_plan(reference_trial, assumptions=["jump-to-reference"], delta=None))
    at = ("IPT", "week_16")
    one = differences(fewer, "jump to reference, Rubin").loc[at, "estimate"]
    assert one == differences(table, "jump to reference, Rubin").loc[at, "estimate"]


def test_active_reference_must_be_named(reference_trial):
    with pytest.raises(RobustnessError, match="undefined between active arms"):
        robustness(with_plan(reference_trial, reference=None))
    alone = with_plan(reference_trial, reference=None, assumptions=["missing-at-random"])
    assert len(robustness(alone))


def test_unknown_reference(reference_trial):
    with pytest.raises(RobustnessError, match="CBT is no arm"):
        robustness(with_plan(reference_trial, reference="CBT"))


def test_those_without_any_later_score_are_imputed(reference_trial):
    scores = reference_trial.scores.copy()
    who = scores["participant"].iloc[0]
    scores.loc[(scores["participant"] == who) & (scores["visit"] != "baseline"), "score"] = np.nan
    data = with_plan(replace(reference_trial, scores=scores))
    trial = laid_out(data)
    assert who in trial.participants
    assert trial.starts.start[trial.participants.index(who)] == 0
    plan = data.study.model_dump(mode="json")["analyses"]["robustness"]
    plan["assumptions"] = ["missing-at-random", "last-mean-carried-forward"]
    found = robustness(with_plan(data, **plan))
    told = found[found["analysis"] == "robustness, last mean carried forward"]
    assert told["estimate"].isna().all()
    assert told["notes"].str.contains("no last mean").all()


def test_stopping_decides_where_the_assumption_starts(reference_trial):
    people = reference_trial.participants.copy()
    seen = reference_trial.scores.dropna(subset="score").groupby("participant").size()
    whole = seen[seen == 5].index[0]
    people["treatment_stop_day"] = people["treatment_stop_day"].astype("Int64")
    people.loc[people["participant"] == whole, "treatment_stop_day"] = 60
    data = with_plan(replace(reference_trial, participants=people))
    trial = laid_out(data)
    row = trial.participants.index(whole)
    assert trial.visits[trial.starts.start[row]] == "week_12"
    # Their scores after stopping are kept in the analysis, but not in the model under JR.
    assert np.isfinite(trial.y[row]).all()
    assert np.isnan(trial.with_strategy("JR").modelled[row, 2:]).all()
    missed = with_plan(data, starts="at-first-missed-visit")
    trial = laid_out(missed)
    assert trial.starts.start[row] == 4


def test_missing_is_not_remitted(reference_trial):
    found = robustness(with_plan(reference_trial, remission_at_most=10, delta=None))
    at = found[found["analysis"] == "robustness, remission, missing is not remitted"]
    share = at[at["quantity"] == "probability"].set_index("arm")["estimate"]
    scores = reference_trial.scores[reference_trial.scores["visit"] == "week_16"]
    scores = scores.merge(reference_trial.participants[["participant", "arm"]])
    want = (scores["score"] <= 10).groupby(scores["arm"]).mean()
    assert share.to_dict() == pytest.approx(want[share.index].to_dict())


def test_verdict_in_both_directions():
    common = {"arm": "IPT", "other": "Medication", "visit": "Week 16", "unit": "points",
              "first": "missing at random", "same": 2, "others": ["copy reference"],
              "tips": None, "largest": None, "sd": None}  # fmt: skip
    row = {"estimate": 3.0, "lower": 1.0, "upper": 5.0}
    assert "IPT did worse than Medication at Week 16 by 3.0" in verdict(
        row, higher_is_worse=True, **common
    )
    better = verdict(row, higher_is_worse=False, **common)
    assert "IPT did better than Medication" in better
    assert "2 of 3 assumptions examined; it is another one under copy reference" in better
    row = {"estimate": -1.0, "lower": -3.0, "upper": 1.0}
    assert "no difference between IPT and Medication was shown" in verdict(
        row, higher_is_worse=True, **common
    )
