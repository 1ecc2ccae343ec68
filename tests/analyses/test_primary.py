"""The primary analysis gives R's mmrm's numbers, marks one confirmatory estimate, and is invariant."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.effect_size import pooled_sd
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.study import Study

from .conftest import REFERENCE, pick


def stored(name):
    return json.loads((REFERENCE / "mmrm.json").read_text("utf-8"))["fits"][name]


@pytest.fixture(scope="module")
def mmrm():
    return stored("us/satterthwaite")


def close(found, expected, se):
    """Within 1e-6 of the larger of the reference value and its standard error."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    return np.abs(found - expected) <= 1e-6 * np.maximum(np.abs(expected), se)


def test_differences_equal_mmrm(reference_trial, mmrm):
    # score ~ baseline x visit has the same arm contrasts as change ~ baseline x visit
    table = pick(primary(reference_trial, "hamd17"), quantity="difference", estimand="policy")
    assert_equal_contrasts(table, mmrm)


def test_kenward_roger_differences_equal_mmrm_without_second_derivatives(reference_trial):
    # in variances and covariances an unstructured matrix is linear: there is no second-order term
    content = reference_trial.study.model_dump(mode="json")
    content["analyses"]["primary"]["degrees_of_freedom"] = "kenward-roger"
    data = replace(reference_trial, study=Study.model_validate(content))
    table = pick(primary(data, "hamd17"), quantity="difference", estimand="policy")
    assert table["method"].str.contains("Kenward–Roger").all()
    assert_equal_contrasts(table, stored("us/kenward_roger_linear"))


def assert_equal_contrasts(table, fit):
    contrasts = pd.DataFrame(fit["contrasts_vs_MED"])
    assert len(contrasts) == len(table) == 8
    for line in contrasts.to_dict("records"):
        arm = line["contrast"].removesuffix(" - MED").strip("()")
        (own,) = pick(table, arm=arm, visit=f"week_{line['visit']}").to_dict("records")
        for mine, theirs in (
            ("estimate", "estimate"), ("se", "SE"), ("df", "df"),
            ("lower", "lower.CL"), ("upper", "upper.CL"), ("p", "p.value"),
        ):  # fmt: skip
            assert close(
                own[mine], line[theirs], line["SE"] if mine in ("estimate", "lower", "upper") else 0
            ), (arm, mine)


def test_means_equal_mmrm(reference_trial, mmrm):
    table = pick(primary(reference_trial, "hamd17"), quantity="mean", estimand="policy")
    observed = pd.read_csv(REFERENCE / "reference_trial.csv").dropna(subset=["score"])
    shift = observed["baseline"].mean()  # R modelled the change from baseline
    for line in pd.DataFrame(mmrm["means"]).to_dict("records"):
        (own,) = pick(table, arm=line["arm"], visit=f"week_{line['visit']}").to_dict("records")
        assert close(own["estimate"], line["emmean"] + shift, line["SE"])
        assert close(own["df"], line["df"], 0)


def test_the_joint_test_equals_mmrm(reference_trial, mmrm):
    (own,) = pick(primary(reference_trial, "hamd17"), quantity="test", estimand="policy").to_dict(
        "records"
    )
    joint = mmrm["joint_test_arm_by_visit"]
    assert own["df_numerator"] == joint["num_df"]
    assert close(own["statistic"], joint["f_stat"], 0)
    assert close(own["df"], joint["denom_df"], 0)
    assert close(own["p"], joint["p_val"], 0)


def test_one_kind_of_row_is_confirmatory(reference_trial):
    table = primary(reference_trial, "hamd17")
    confirmatory = pick(table, status="confirmatory")
    assert set(confirmatory["visit"]) == {"week_16"}
    assert set(confirmatory["estimand"]) == {"policy"}
    assert set(confirmatory["quantity"]) == {"difference"}
    assert set(confirmatory["arm"]) == {"IPT", "IPT+MED"}


def test_counts_are_participants_with_a_score(reference_trial):
    table = pick(primary(reference_trial, "hamd17"), quantity="mean", estimand="policy")
    arm = reference_trial.participants.set_index("participant")["arm"]
    seen = reference_trial.scores.query("visit == 'week_16' and score.notna()")["participant"].map(
        arm
    )
    for name, n in seen.value_counts().items():
        assert pick(table, arm=name, visit="week_16")["n_arm"].item() == n


def test_the_effect_size_uses_the_observed_endpoint_sd(reference_trial):
    whole = pick(primary(reference_trial, "hamd17"), estimand="policy", arm="IPT")
    table = pick(whole, analysis="primary")
    difference = pick(table, quantity="difference", visit="week_16")["estimate"].item()
    sd = pick(table, quantity="standard deviation")["estimate"].item()
    g = pick(table, quantity="effect size")
    n = int(g["n_arm"].item() + g["n_reference"].item())
    assert g["estimate"].item() == pytest.approx(-difference / sd * (1 - 3 / (4 * (n - 2) - 1)))
    beside = pick(whole, analysis="primary, baseline SD")
    start = reference_trial.scores.query("visit == 'baseline'").merge(reference_trial.participants)
    sds = [start.loc[start["arm"] == arm, "score"] for arm in ("IPT", "MED")]
    own = pooled_sd(sds[0].std(), len(sds[0]), sds[1].std(), len(sds[1]))
    assert pick(beside, quantity="standard deviation")["estimate"].item() == pytest.approx(own)
    g = pick(beside, quantity="effect size")
    n = int(g["n_arm"].item() + g["n_reference"].item())
    assert g["estimate"].item() == pytest.approx(-difference / own * (1 - 3 / (4 * (n - 2) - 1)))
    assert "baseline SD" in g["contrast"].item()


def test_the_order_of_rows_does_not_matter(reference_trial):
    shuffled = replace(
        reference_trial,
        scores=reference_trial.scores.sample(frac=1, random_state=1).reset_index(drop=True),
        participants=reference_trial.participants.sample(frac=1, random_state=2).reset_index(
            drop=True
        ),
    )
    columns = ["id", "estimate", "se", "df", "p"]
    first = primary(reference_trial, "hamd17")[columns].set_index("id").sort_index()
    second = primary(shuffled, "hamd17")[columns].set_index("id").sort_index()
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)


def test_a_shift_of_the_scale_shifts_means_only(reference_trial):
    scores = reference_trial.scores.assign(score=reference_trial.scores["score"] + 100)
    shifted = primary(replace(reference_trial, scores=scores), "hamd17").set_index("id")
    plain = primary(reference_trial, "hamd17").set_index("id")
    means = plain["quantity"] == "mean"
    np.testing.assert_allclose(
        shifted.loc[means, "estimate"], plain.loc[means, "estimate"] + 100, rtol=1e-8
    )
    rest = plain["quantity"].isin(["difference", "effect size"])
    np.testing.assert_allclose(
        shifted.loc[rest, "estimate"], plain.loc[rest, "estimate"], rtol=1e-7
    )
    np.testing.assert_allclose(shifted.loc[rest, "se"], plain.loc[rest, "se"], rtol=1e-7)


def test_without_stopping_the_estimands_agree(reference_trial):
    table = pick(primary(reference_trial, "hamd17"), quantity="difference")
    policy, hypothetical = (
        pick(table, estimand=e)["estimate"].to_numpy() for e in ("policy", "on_treatment")
    )
    np.testing.assert_allclose(policy, hypothetical)


def test_a_covariance_that_cannot_be_fitted_is_stepped_down_and_said(reference_trial):
    # six people in three arms cannot carry ten variances and covariances
    seen = reference_trial.scores.query("score.notna()")["participant"].value_counts()
    people = reference_trial.participants
    few = people[people["participant"].isin(seen[seen == 5].index)].groupby("arm").head(2)
    data = replace(
        reference_trial,
        participants=few.assign(site="S1").astype({"site": "str"}).reset_index(drop=True),
        scores=reference_trial.scores[
            reference_trial.scores["participant"].isin(few["participant"])
        ].reset_index(drop=True),
    )
    table = pick(primary(data, "hamd17"), estimand="policy")
    first = pick(table, analysis="primary", quantity="difference")
    assert "unstructured" not in set(first["covariance"])
    assert first["notes"].str.contains("covariance stepped down").all()
    assert first["method"].str.contains("CR2").all()
    beside = pick(table, analysis="primary, model-based errors", quantity="difference")
    np.testing.assert_allclose(beside["estimate"].to_numpy(), first["estimate"].to_numpy())
    assert set(beside["status"]) == {"exploratory"}
