"""Questions that a fit cannot answer are refused in words, with warnings taken as errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import MixedModelError, likelihood_ratio_test, mixed_model

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def fits(small_trial):
    common = {"participant": "participant", "visit": "week", "reference": {"arm": "MED"}}
    plain = mixed_model("score ~ baseline*week + arm*week", small_trial, **common)
    own = {"participant": "participant", "random": "1 + day", "time": "day"}
    clusters = {"cluster": "therapist", "cluster_where": "arm == 'IPT'", "cluster_effect": "slope"}
    moved = small_trial.assign(day=small_trial["week"] + small_trial["participant"] / 97)
    irregular = mixed_model("score ~ arm*day", moved, df="normal", **own, **clusters)
    return {"plain": plain, "irregular": irregular}


QUESTIONS = {
    "a factor twice": ("plain", lambda f: f.means("arm", by="arm"), "named twice"),
    "no value": ("plain", lambda f: f.means("arm", at={"week": []}), "holds no value"),
    "an unknown level": ("plain", lambda f: f.means("arm", at={"week": 5}), "has no level 5"),
    "two factors": ("plain", lambda f: f.contrasts(["arm", "week"]), "one factor"),
    "a slope at text": (
        "plain",
        lambda f: f.trends("baseline", at={"baseline": "x"}),
        "one number",
    ),
    "a level in per cent": ("plain", lambda f: f.means("arm", level=95), "between 0 and 1"),
    "text as a test": ("plain", lambda f: f.test("a"), "must be numbers"),
    "an infinite test": (
        "plain",
        lambda f: f.test(np.full((1, len(f.coefficients)), np.inf)),
        "finite",
    ),
    "two numbers too few": ("plain", lambda f: f.test([[1, 2]]), "one per coefficient"),
    "no frame to predict": ("plain", lambda f: f.predict({"arm": ["IPT"]}), "needs a DataFrame"),
    "less than no trials": ("plain", lambda f: f.simulate(-1, 1), "must not be negative"),
    "a seed in words": ("plain", lambda f: f.simulate(1, "one"), "whole number"),
    "no replicates": (
        "plain",
        lambda f: f.refit(weights=np.ones((0, f.n_participants))),
        "must have shape",
    ),
    "text as weights": ("plain", lambda f: f.refit(weights="a"), "must be numbers"),
    "a test against nothing": ("plain", lambda f: likelihood_ratio_test(f, None), "two fitted"),
    "correlation without a time": (
        "irregular",
        lambda f: f.icc(),
        "no visit has one intraclass correlation",
    ),
    "a covariance without times": (
        "irregular",
        lambda f: f.marginal_covariance,
        "no common covariance",
    ),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_what_has_no_answer_is_refused(case, fits):
    which, ask, told = QUESTIONS[case]
    with pytest.raises(MixedModelError, match=told):
        ask(fits[which])


def test_values_of_a_covariate_are_compared_with_one_of_them(fits):
    up = fits["plain"].contrasts("baseline", at={"baseline": [10, 20]}, reference=10)
    down = fits["plain"].contrasts("baseline", at={"baseline": [10, 20]}, reference=20)
    assert up["estimate"].iloc[0] == pytest.approx(-down["estimate"].iloc[0])
    slopes = fits["plain"].trends("baseline")
    assert up["estimate"].iloc[0] == pytest.approx(10 * slopes["estimate"].iloc[0])


def test_refits_without_data_do_not_converge_and_leave_the_others_alone(fits):
    fit = fits["plain"]
    weights = np.vstack([np.ones(fit.n_participants), np.zeros(fit.n_participants)])
    found = fit.refit(weights=weights)
    assert found.converged.tolist() == [True, False]
    np.testing.assert_allclose(found.beta[0], fit.beta, rtol=1e-7)
    assert np.isnan(found.beta[1]).all()
    assert not fit.refit(outcomes=np.full((1, *fit.layout.shape), np.inf)).converged.any()


def test_a_replicate_that_determines_no_covariance_ends_alone(small_trial):
    # the first ten participants were seen once only: a resample of them says nothing of Σ
    frame = small_trial[(small_trial["participant"] >= 10) | (small_trial["week"] == 4)]
    fit = mixed_model("score ~ arm", frame, participant="participant", visit="week")
    once = np.asarray(fit.layout.participants) < 10
    weights = np.vstack([np.ones(len(once)), once.astype(float), 1.0 + once])
    found = fit.refit(weights=weights)
    assert found.converged.tolist() == [True, False, True]
    twice = frame[frame["participant"] < 10]
    twice = twice.assign(participant=twice["participant"] + 100)
    both = pd.concat([frame, twice])
    fresh = mixed_model("score ~ arm", both, participant="participant", visit="week")
    np.testing.assert_allclose(found.beta[2], fresh.beta, rtol=1e-5)
    np.testing.assert_allclose(found.sigma[2], fresh.point.sigma, rtol=1e-4)
