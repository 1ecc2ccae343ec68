"""What must hold whatever the data: invariances, special cases, derivatives, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.synthesis.blocks import likelihood, stacks
from ipt_outcomes.synthesis.dependence import with_dependence
from ipt_outcomes.synthesis.effects import make_effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.heterogeneity import estimate_tau2, root_of_Q
from ipt_outcomes.synthesis.influence import leave_one_out
from ipt_outcomes.synthesis.moderators import design_matrix
from ipt_outcomes.synthesis.permutation import permutation_test
from ipt_outcomes.synthesis.pooling import prediction_interval, random_effects
from ipt_outcomes.synthesis.robust import robust, robust_inference
from ipt_outcomes.synthesis.subgroups import subgroups
from ipt_outcomes.synthesis.three_level import three_level, variance_interval
from ipt_outcomes.synthesis.weighted import log_likelihood, weighted_fit


def simple(y, se=0.2, **columns):
    y = list(y)
    return make_effects("g", {"trial": [f"T{i}" for i in range(len(y))], "estimate": y,
                              "se": np.broadcast_to(se, len(y)), **columns})  # fmt: skip


def test_scaling_the_effects_scales_the_results(dependent):
    rows = dependent.rows[["trial", "outcome", "estimate", "se"]]
    times3 = make_effects("md", dict(rows.assign(estimate=3 * rows.estimate, se=3 * rows.se)))
    for fit in (three_level, lambda e: robust(e).working):
        one, three = fit(dependent), fit(times3)
        assert three.between == pytest.approx(9 * one.between, rel=1e-9)
        assert three.within == pytest.approx(9 * one.within, rel=1e-9)
    one, three = robust(dependent).pooled, robust(times3).pooled
    assert (three.estimate, three.se) == pytest.approx((3 * one.estimate, 3 * one.se), rel=1e-9)
    assert (three.df, three.p) == pytest.approx((one.df, one.p), rel=1e-8)


def test_order_of_rows_and_names_of_trials_do_not_matter(dependent):
    order = np.random.default_rng(3).permutation(len(dependent))
    columns = {c: dependent.rows[c].iloc[order].reset_index(drop=True)
               for c in ("trial", "outcome", "estimate", "se")}  # fmt: skip
    columns["trial"] = columns["trial"].str.replace("D", "Z")
    one, other = robust(dependent).pooled, robust(make_effects("g", columns)).pooled
    assert (other.estimate, other.se, other.df) == pytest.approx(
        (one.estimate, one.se, one.df), rel=1e-9
    )


def test_shifting_all_effects_shifts_only_the_intercept(continuous):
    shifted = make_effects("g", {**{c: continuous.rows[c] for c in ("trial", "se")},
                                 "estimate": continuous.rows["estimate"] + 1.5},
                           moderators=continuous.moderators)  # fmt: skip
    one, other = (random_effects(e, moderators=["weeks"]) for e in (continuous, shifted))
    assert other.coefficients[0].estimate == pytest.approx(one.coefficients[0].estimate + 1.5)
    assert other.coefficients[1].estimate == pytest.approx(one.coefficients[1].estimate)
    assert other.heterogeneity.tau2 == pytest.approx(one.heterogeneity.tau2)


def test_unit_of_a_moderator_does_not_change_its_test(continuous):
    days = replace(
        continuous, moderators=continuous.moderators.assign(days=continuous.moderators.weeks * 7e4)
    )
    one, other = (random_effects(days, moderators=[m]).coefficients[1] for m in ("weeks", "days"))
    assert (other.estimate * 7e4, other.p) == pytest.approx((one.estimate, one.p))


def test_equal_variances_make_the_classical_one_sample_t():
    y = np.array([0.1, 0.9, 0.4, 1.6, 0.5])
    fit = random_effects(simple(y))
    assert fit.heterogeneity.tau2 == pytest.approx(np.var(y, ddof=1) - 0.04)
    assert fit.pooled.estimate == pytest.approx(y.mean())
    assert fit.pooled.se == pytest.approx(np.std(y, ddof=1) / np.sqrt(5))


def test_equal_effects_have_no_heterogeneity_and_the_floor_shows():
    effects = simple([0.4, 0.41, 0.39, 0.4])
    plain, floored = (
        random_effects(effects, inference=i) for i in ("hartung-knapp", "hartung-knapp, floored")
    )
    assert plain.heterogeneity.tau2 == 0
    assert plain.heterogeneity.tau2_interval.upper == 0
    assert plain.factor < 1
    assert plain.pooled.se < floored.pooled.se == pytest.approx(0.1)


def test_paule_mandel_makes_the_factor_of_hartung_and_knapp_one(continuous):
    assert random_effects(continuous, method="PM").factor == pytest.approx(1)


def test_reml_takes_the_highest_of_several_maxima():
    # Two precise trials far apart and many vague ones: the likelihood of tau² has two summits.
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(300):
        k = rng.integers(3, 7)
        v = rng.choice([0.001, 0.05, 3.0], k)
        y, X = rng.normal(0, 1.2, k), np.ones((k, 1))
        tau2 = estimate_tau2(y, v, X, "REML")
        grid = np.concatenate([[0], np.geomspace(1e-7, 50, 800)])
        heights = [log_likelihood(weighted_fit(y, v, X, t), X, reml=True) for t in grid]
        best = log_likelihood(weighted_fit(y, v, X, tau2), X, reml=True)
        assert best >= max(heights) - 1e-9
        rising = np.diff(heights) > 0
        found += int(np.sum(rising[:-1] & ~rising[1:]) + (not rising[0]) > 1)
    assert found > 0, "the simulated data never had two maxima: the test proves nothing"


def test_q_profile_ends_where_q_is_at_its_quantiles(continuous):
    y, v, X = continuous.estimate, continuous.variance, np.ones((14, 1))
    assert weighted_fit(y, v, X, root_of_Q(y, v, X, 20.0)).rss == pytest.approx(20)
    assert root_of_Q(y, v, X, 1e6) == 0


@pytest.mark.parametrize("moderators", [[], ["format", "weeks"]])
@pytest.mark.parametrize("at", [(0.0, 0.1), (0.07, 0.02), (0.3, 0.4)])
def test_gradient_and_information_are_the_derivatives_of_the_likelihood(dependent, moderators, at):
    effects = with_dependence(dependent, 0.6)
    parts = stacks(effects, design_matrix(effects, moderators).matrix)
    at, h = np.array(at) + 1e-3, 1e-5
    point = likelihood(parts, at)
    for i in range(2):
        step = h * np.eye(2)[i]
        up, down = likelihood(parts, at + step), likelihood(parts, at - step)
        slope = (up.log_likelihood - down.log_likelihood) / (2 * h)
        assert point.gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)
        np.testing.assert_allclose(
            -(up.gradient - down.gradient) / (2 * h), point.observed[i], rtol=1e-5, atol=1e-5
        )


def test_likelihood_equals_the_dense_formula(dependent):
    effects = with_dependence(dependent, 0.6)
    X, y = design_matrix(effects, ["weeks"]).matrix, effects.estimate
    same = effects.trial_codes[:, None] == effects.trial_codes[None, :]
    O = effects.covariance + 0.1 * same + 0.05 * np.eye(len(y))  # noqa: E741
    W = np.linalg.inv(O)
    XWX = X.T @ W @ X
    r = y - X @ np.linalg.solve(XWX, X.T @ W @ y)
    k, p = X.shape
    value = -0.5 * ((k - p) * np.log(2 * np.pi) - np.linalg.slogdet(X.T @ X)[1]
                    + np.linalg.slogdet(O)[1] + np.linalg.slogdet(XWX)[1] + r @ W @ r)  # fmt: skip
    point = likelihood(stacks(effects, X), np.array([0.1, 0.05]))
    assert point.log_likelihood == pytest.approx(value, abs=1e-10)
    P = W - W @ X @ np.linalg.solve(XWX, X.T @ W)
    for i, D in enumerate((same.astype(float), np.eye(len(y)))):
        expected = -0.5 * np.trace(P @ D) + 0.5 * y @ P @ D @ P @ y
        assert point.gradient[i] == pytest.approx(expected, abs=1e-9)
        assert point.expected[i, i] == pytest.approx(0.5 * np.trace(P @ D @ P @ D), abs=1e-9)


def test_three_level_intervals_hold_their_estimates_and_reach_the_boundary(dependent):
    fit = three_level(dependent)
    for which, estimate in enumerate((fit.between, fit.within)):
        interval = variance_interval(fit, which)
        assert 0 <= interval.lower <= estimate <= interval.upper


def test_without_heterogeneity_both_variances_are_zero():
    effects = make_effects("g", {"trial": list("AABBCC"), "se": [0.3] * 6,
                                 "estimate": [0.4, 0.41, 0.39, 0.4, 0.4, 0.42]})  # fmt: skip
    fit = three_level(effects)
    assert (fit.between, fit.within, fit.decrement) == (0, 0, 0)
    assert variance_interval(fit, 0).lower == 0 < variance_interval(fit, 0).upper


def test_balanced_trials_make_the_t_test_of_their_means():
    # Equal trials: CR2 is the variance of the trial means, with J - 1 degrees of freedom.
    rng = np.random.default_rng(11)
    y = rng.normal(0.5, 0.4, (8, 3))
    effects = make_effects("g", {"trial": np.repeat(list("ABCDEFGH"), 3), "estimate": y.ravel(),
                                 "outcome": list("xyz") * 8, "se": [0.2] * 24})  # fmt: skip
    pooled = robust(effects).pooled
    means = y.mean(axis=1)
    assert pooled.estimate == pytest.approx(means.mean())
    assert pooled.se == pytest.approx(np.std(means, ddof=1) / np.sqrt(8))
    assert pooled.df == pytest.approx(7)


def test_working_correlation_hardly_moves_robust_inference_of_balanced_trials():
    effects = make_effects("g", {"trial": np.repeat(list("ABCDE"), 2), "se": [0.2] * 10,
                                 "estimate": np.arange(10) / 10, "outcome": list("xy") * 5},
                           )  # fmt: skip
    low, high = (robust(effects, correlation=c).pooled for c in (0.0, 0.9))
    assert (low.estimate, low.se) == pytest.approx((high.estimate, high.se), rel=1e-6)


def test_leave_one_out_says_when_nothing_can_be_pooled():
    effects = make_effects("g", {"trial": list("AABC"), "estimate": [0.1, 0.2, 0.3, 0.4],
                                 "se": [0.2] * 4, "outcome": list("xyxx")})  # fmt: skip
    found = leave_one_out(effects, three_level)
    assert found["A"] is None
    assert found["B"] is not None


def test_random_permutations_need_a_seed_and_agree_with_it(continuous):
    fit = random_effects(continuous, moderators=["weeks"], method="DL")
    with pytest.raises(SynthesisError, match="seed"):
        permutation_test(fit)
    one, other = (permutation_test(fit, orders=200, seed=4) for _ in range(2))
    assert one == other
    assert (one.exact, one.orders) == (False, 200)
    assert abs(one.p["weeks"] - fit.coefficients[1].p) < 0.12


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda e: random_effects(e.select(np.arange(14) < 1)), "at least 2 are needed"),
        (lambda e: random_effects(e, method="SJ"), "not known"),
        (lambda e: random_effects(e, moderators=["age"]), "no such column"),
        (lambda e: random_effects(e, moderators=["weeks", "days"]), "repeat each other"),
        (lambda e: random_effects(e, moderators=["control"], reference={"control": "x"}), "levels"),
        (lambda e: random_effects(e, moderators=["partly"]), "not known in 1 row"),
        (lambda e: random_effects(e, moderators=["same"]), "the same in all rows"),
        (lambda e: three_level(e), "every trial has one row"),
        (lambda e: prediction_interval(random_effects(e, moderators=["weeks"])), "without"),
        (lambda e: prediction_interval(random_effects(e.select(np.arange(14) < 2))), "three"),
        (lambda e: permutation_test(random_effects(e)), "needs moderators"),
        (
            lambda e: subgroups(e.select(np.arange(14) < 5), "control", model="separate"),
            "one trial",
        ),
        (lambda e: e.select([True]), "1 marks for 14 rows"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(continuous, act, words):
    moderators = continuous.moderators.assign(
        days=lambda t: 7.0 * t.weeks, same="x", partly=[None] + ["a", "b"] * 6 + ["a"]
    )
    with pytest.raises(SynthesisError, match=words):
        act(replace(continuous, moderators=moderators))


def test_wrong_effects_are_refused_all_at_once():
    with pytest.raises(SynthesisError) as caught:
        make_effects("g", {"trial": ["A", "B", None], "estimate": [0.1, np.nan, 0.2],
                           "se": [0.0, 0.1, 0.1]})  # fmt: skip
    assert len(caught.value.findings) == 3


def test_rows_without_a_moderator_are_left_out_only_when_asked_and_counted(continuous):
    moderators = pd.DataFrame({"age": [40.0, None] * 7})
    known = replace(continuous, moderators=moderators).with_known("age")
    assert len(known) == 7
    assert known.notes == ("7 rows left out: age not known",)


def test_participants_of_shared_arms_count_once():
    effects = make_effects("g", {
        "trial": list("AAB"), "arm": ["IPT", "CBT", "IPT"], "reference": ["WL", "WL", "WL"],
        "estimate": [0.1, 0.2, 0.3], "se": [0.2] * 3, "n_arm": [20, 30, 40],
        "n_reference": [25, 25, 35]})  # fmt: skip
    assert effects.participants() == (90, 60)
    chain = replace(effects, rows=effects.rows.assign(reference=["CBT", "WL", "WL"],
                                                      n_reference=[30.0, 25.0, 35.0]))  # fmt: skip
    assert chain.participants_in_all() == 20 + 30 + 25 + 40 + 35


def test_robust_inference_works_on_any_working_model(dependent):
    plain = robust_inference(three_level(dependent))
    assert plain.correlation is None
    assert "with correlation" not in plain.method
