"""Covariances of rows that share participants: by hand, and against simulated trials."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.synthesis.binary import binary_effects
from ipt_outcomes.synthesis.continuous import standardised_difference
from ipt_outcomes.synthesis.dependence import with_dependence
from ipt_outcomes.synthesis.effects import Effects, make_effects
from ipt_outcomes.synthesis.errors import SynthesisError


def rows(measure="md", **columns) -> Effects:
    k = len(columns["arm"])
    base = {"trial": ["A"] * k, "estimate": [0.5] * k, "se": [0.3] * k}
    return make_effects(measure, {**base, **columns})


def test_two_treatments_against_one_control_share_its_variance():
    sds = np.array([7.0, 8.0, 9.0])  # of two arms and the control of 50
    parts = sds**2 / [40, 45, 50]
    effects = rows(arm=["IPT", "CBT"], reference=["TAU", "TAU"], se=np.sqrt(parts[:2] + parts[2]),
                   part_arm=parts[:2], part_reference=[parts[2]] * 2)  # fmt: skip
    V = with_dependence(effects, 0.6).covariance
    assert V[0, 1] == pytest.approx(9.0**2 / 50)


def test_an_arm_that_is_the_reference_of_another_row_counts_against():
    effects = rows(arm=["IPT", "TAU"], reference=["TAU", "WL"], part_arm=[0.04, 0.05],
                   part_reference=[0.05, 0.04])  # fmt: skip
    assert with_dependence(effects, 0.6).covariance[0, 1] == pytest.approx(-0.05)


def test_no_arm_in_common_no_covariance():
    effects = rows(arm=["IPT", "CBT"], reference=["TAU", "WL"])
    assert with_dependence(effects, 0.6).covariance[0, 1] == 0


def test_two_outcomes_of_the_same_arms_have_the_assumed_correlation():
    effects = rows(arm=["IPT"] * 2, reference=["TAU"] * 2, outcome=["HAM-D", "BDI"],
                   se=[0.2, 0.3])  # fmt: skip
    found = with_dependence(effects, 0.6)
    assert found.covariance[0, 1] == pytest.approx(0.6 * 0.2 * 0.3)
    assert found.notes == ("correlation 0.6 assumed between outcomes of the same participants",)


def test_another_outcome_of_a_shared_control_has_both():
    effects = rows(arm=["IPT", "CBT"], reference=["TAU"] * 2, outcome=["HAM-D", "BDI"],
                   part_reference=[0.05, 0.05], part_arm=[0.04, 0.04])  # fmt: skip
    assert with_dependence(effects, 0.6).covariance[0, 1] == pytest.approx(0.6 * 0.05)


def test_arms_that_nobody_names_are_the_same_people():
    effects = make_effects("g", {"trial": ["A", "A", "B"], "estimate": [0.1, 0.2, 0.3],
                                 "se": [0.2, 0.2, 0.2]})  # fmt: skip
    V = with_dependence(effects, 0.5).covariance
    assert V[0, 1] == pytest.approx(0.5 * 0.04)
    assert V[0, 2] == V[1, 2] == 0


def test_log_risk_ratios_share_the_variance_of_the_shared_risk():
    found = binary_effects("log rr", [20, 25], [40, 50], [10, 10], [45, 45])
    effects = rows("log rr", arm=["IPT", "CBT"], reference=["TAU", "TAU"], estimate=found.estimate,
                   se=np.sqrt(found.variance), part_arm=found.part_arm,
                   part_reference=found.part_reference)  # fmt: skip
    assert with_dependence(effects, 0).covariance[0, 1] == pytest.approx(1 / 10 - 1 / 45)


def test_covariance_of_g_with_a_shared_control_is_that_of_simulated_trials():
    rng = np.random.default_rng(7)
    n, truth = np.array([30, 40, 50]), np.array([1.2, 0.9])
    draws = [rng.normal(m, 1, (60_000, k)) for m, k in zip([*truth, 0], n, strict=True)]
    means, sds = [x.mean(axis=1) for x in draws], [x.std(axis=1, ddof=1) for x in draws]
    g = [standardised_difference(means[i], sds[i], n[i], means[2], sds[2], n[2])[0] for i in (0, 1)]
    simulated = np.cov(g)[0, 1]
    v = 1 / n[:2] + 1 / 50 + truth**2 / (2 * (n[:2] + 50))
    effects = rows("g", arm=["IPT", "CBT"], reference=["TAU"] * 2, estimate=truth, se=np.sqrt(v),
                   n_arm=n[:2], n_reference=[50, 50], part_arm=1 / n[:2],
                   part_reference=[1 / 50] * 2)  # fmt: skip
    assert with_dependence(effects, 0.6).covariance[0, 1] == pytest.approx(simulated, rel=0.03)
    # Without the term of the shared SD, a tenth of it would be missing.
    assert 0.92 * simulated > 1 / 50


@pytest.mark.parametrize("rho", [-0.1, 1.0])
def test_impossible_correlations_are_refused(rho):
    with pytest.raises(SynthesisError, match="from 0 to below 1"):
        with_dependence(rows(arm=["IPT"], reference=["TAU"]), rho)


def test_a_covariance_that_no_rows_can_have_is_refused_by_name():
    effects = rows(arm=["IPT", "CBT"], reference=["TAU", "TAU"], part_arm=[0.0, 0.0],
                   part_reference=[0.09, 0.09])  # fmt: skip
    with pytest.raises(SynthesisError, match="A: the sampling covariance of its 2 rows"):
        with_dependence(effects, 0.6)
