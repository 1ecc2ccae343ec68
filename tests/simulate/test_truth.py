from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.simulate import HYPOTHETICAL, TREATMENT_POLICY, TrialDesign, true_values


@pytest.fixture(scope="module")
def truth(design):
    return true_values(design, seed=21, people=40_000)


def table(truth):
    return truth.means.set_index(["estimand", "outcome", "arm", "visit"])


def test_monte_carlo_error_is_small_and_differences_share_people(truth):
    means = table(truth)["standard_error"]
    assert means.max() < 13 / np.sqrt(40_000)
    between = truth.differences["standard_error"]
    assert between.max() < 0.45 * means.max()


def test_truth_agrees_with_a_very_large_trial(truth, large):
    means = table(truth)
    for estimand in (TREATMENT_POLICY, HYPOTHETICAL):
        for a, arm in enumerate(large.design.arms):
            scores = large.complete(estimand)[large.arm == a]
            for p, scale in enumerate(large.design.outcomes):
                for k, visit in enumerate(large.design.visits):
                    row = means.loc[(estimand, scale.name, arm.name, visit)]
                    # 17 therapists treat everyone of the large trial: their mean has an error too.
                    therapists = large.design.therapist_sd(p) * large.design.build_up[k] / 4
                    error = np.hypot(scores[:, k, p].std() / np.sqrt(len(scores)), therapists)
                    assert scores[:, k, p].mean() == pytest.approx(
                        row["estimate"], abs=4.5 * np.hypot(error, row["standard_error"])
                    )


def test_another_sample_gives_the_same_truth_within_its_error(truth, design):
    other = true_values(design, seed=22, people=40_000)
    for name in ("means", "differences", "stopping"):
        mine, theirs = getattr(truth, name), getattr(other, name)
        error = np.hypot(mine["standard_error"], theirs["standard_error"])
        assert (np.abs(mine["estimate"] - theirs["estimate"]) <= 4.5 * error + 1e-12).all()


def test_order_of_the_arms_does_not_matter(design):
    turned = replace(design, arms=design.arms[::-1])
    first, second = (true_values(d, seed=3, people=3000) for d in (design, turned))
    keys = ["estimand", "outcome", "arm", "visit"]
    for name in ("means", "differences"):
        mine, theirs = (getattr(t, name).set_index(keys).sort_index() for t in (first, second))
        assert mine.equals(theirs)


def test_arms_without_a_difference_have_none(design):
    med = design.arms[2]
    twin = replace(med, name="TWIN", code="9", leaving_ratio=1.0)
    truth = true_values(replace(design, arms=(twin, med)), seed=4, people=2000)
    assert not truth.differences["estimate"].any()


def test_estimands_differ_only_through_stopping(design):
    nobody = tuple(replace(arm, stopping=0.0) for arm in design.arms)
    means = table(true_values(replace(design, arms=nobody), seed=5, people=2000))["estimate"]
    assert means[TREATMENT_POLICY].equals(means[HYPOTHETICAL])
    usual = table(true_values(design, seed=5, people=2000))["estimate"]
    endpoint = [("hamd17", arm.name, "week_16") for arm in design.arms]
    for key in endpoint:
        assert usual[(TREATMENT_POLICY, *key)] > usual[(HYPOTHETICAL, *key)] + 0.1


def test_without_noise_the_truth_is_the_planned_course():
    design = TrialDesign(participants=60)
    still = tuple(
        replace(s, level_sd=0.01, slope_sd=0.01, follow_up_sd=0.01, residual_sd=0.01)
        for s in design.outcomes
    )
    arms = tuple(
        replace(arm, stopping=0.0, crosses_to=None, crossing=0.0,
                courses=tuple(tuple(round(m) for m in c) for c in arm.courses))
        for arm in design.arms
    )  # fmt: skip
    quiet = replace(design, outcomes=still, arms=arms, therapist_icc=0.0)
    means = table(true_values(quiet, seed=6, people=50))["estimate"]
    for arm in arms:
        for p, scale in enumerate(still):
            for k, visit in enumerate(design.visits):
                assert means[(HYPOTHETICAL, scale.name, arm.name, visit)] == arm.courses[p][k]


def test_chunks_add_up_and_unknown_differences_are_refused(truth):
    assert truth.people == 40_000
    assert truth.difference(HYPOTHETICAL, "hamd17", "IPT", "week_16") < -3
    with pytest.raises(KeyError):
        truth.difference(HYPOTHETICAL, "hamd17", "MED", "week_16")
