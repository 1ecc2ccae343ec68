"""Awkward data: a correct answer or a clear error, never a silent wrong one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import ConvergenceError, DesignError, MixedModelError, mixed_model


def draw(n=40, visits=4, seed=8):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(n), visits),
            "week": np.tile(4 * np.arange(1, visits + 1), n),
            "arm": np.repeat(np.where(np.arange(n) % 2, "IPT", "MED"), visits),
        }
    )
    own = np.repeat(rng.normal(0, 3, n), visits)
    frame["score"] = 15 - 0.3 * frame["week"] + own + rng.normal(0, 2, n * visits)
    return frame


def fit(frame, formula="score ~ arm*week", **request):
    request = {"participant": "participant", "visit": "week", "reference": {"arm": "MED"}} | request
    return mixed_model(formula, frame, **request)


def test_visit_seen_by_one_arm_only_is_named_and_not_estimable():
    frame = draw()
    frame = frame[(frame["arm"] == "IPT") | (frame["week"] < 16)]
    result = fit(frame)
    assert result.aliased == ["arm[IPT]:week[16]"]
    assert "arm[IPT]:week[16]" in str(result)
    means = result.means("arm", by="week").set_index(["arm", "week"])["estimate"]
    assert np.isnan(means["MED", 16])
    assert np.isfinite(means.drop(("MED", 16))).all()
    seen = frame[(frame["arm"] == "IPT") & (frame["week"] == 16)]["score"]
    assert means["IPT", 16] == pytest.approx(seen.mean(), abs=1.0)
    tests = result.anova().set_index("term")
    assert tests.loc["arm:week", "df_numerator"] == 2


def test_arm_without_rows_at_all_is_said():
    frame = draw()
    frame["arm"] = pd.Categorical(frame["arm"], categories=["MED", "IPT", "IPT+MED"])
    result = fit(frame)
    assert any("IPT+MED" in note for note in result.notes)


def test_one_participant_in_a_cell_is_fitted():
    frame = draw()
    gone = (frame["arm"] == "IPT") & (frame["week"] == 16) & (frame["participant"] != 1)
    result = fit(frame[~gone])
    table = result.contrasts("arm", by="week")
    assert np.isfinite(table[["estimate", "se", "df"]]).all().all()


def test_perfectly_correlated_visits_do_not_pass_silently():
    frame = draw(visits=3)
    first = frame.loc[frame["week"] == 4, "score"].to_numpy()
    frame.loc[frame["week"] == 8, "score"] = 2.0 + first
    with pytest.raises(ConvergenceError, match="unstructured"):
        fit(frame, fallback=False)


def test_fall_back_is_recorded_and_printed():
    rng = np.random.default_rng(2)
    frame = draw(n=8, visits=7, seed=9)
    frame = frame[rng.random(len(frame)) > 0.3]
    result = fit(frame, "score ~ arm + week")
    assert result.covariance_used != "unstructured"
    assert result.steps[0][0] == "unstructured"
    assert result.steps[-1] == (result.covariance_used, "converged")
    assert "unstructured:" in str(result)


def test_constant_outcome_is_refused():
    frame = draw().assign(score=3.0)
    with pytest.raises(DesignError, match="constant"):
        fit(frame)


def test_unordered_text_visits_are_refused():
    frame = draw()
    frame["visit"] = "week " + frame["week"].astype(str)
    with pytest.raises(DesignError, match="without an order"):
        fit(frame, "score ~ arm*visit", visit="visit")
    order = [f"week {w}" for w in (4, 8, 12, 16)]
    frame["visit"] = pd.Categorical(frame["visit"], categories=order, ordered=True)
    result = fit(frame, "score ~ arm*visit", visit="visit")
    assert list(result.covariance.index) == order
    assert result.loglik == pytest.approx(fit(frame).loglik)


def test_all_findings_at_once():
    with pytest.raises(MixedModelError) as caught:
        fit(draw(), df="kenward", covariance="unstructurd", level=95)
    assert len(caught.value.findings) == 3
    assert "unstructured" in str(caught.value)


def test_missing_columns_are_named_with_the_nearest():
    with pytest.raises(DesignError, match="nearest: 'score'"):
        fit(draw(), "scor ~ arm*week")


def test_duplicated_participant_visits_are_named():
    frame = draw()
    with pytest.raises(DesignError, match="participant 0 at week 4"):
        fit(pd.concat([frame, frame.iloc[[0]]]))


def test_missing_values_are_counted_by_reason():
    frame = draw().assign(baseline=1.0)
    frame["baseline"] = np.arange(len(frame)) % 7 + 0.0
    frame.loc[3, "score"] = np.nan
    frame.loc[[5, 6], "baseline"] = np.nan
    result = fit(frame, "score ~ baseline + arm*week")
    assert result.counts["excluded: score missing"] == 1
    assert result.counts["excluded: baseline missing"] == 2
    assert result.n_observations == len(frame) - 3


def test_no_rows_left_is_refused():
    with pytest.raises(DesignError, match="no row is left"):
        fit(draw().assign(score=np.nan))


def test_infinite_outcome_is_refused():
    frame = draw()
    frame.loc[4, "score"] = np.inf
    with pytest.raises(DesignError, match="infinite"):
        fit(frame)


def test_zero_variance_of_a_random_intercept_is_found_and_said():
    frame = draw()
    # participants who differ less than chance: every one has the same mean in his arm
    own = frame.groupby("participant")["score"].transform("mean")
    frame["score"] += 0.9 * (frame.groupby("arm")["score"].transform("mean") - own)
    result = fit(frame, "score ~ arm", random="1", visit=None, information="expected")
    assert any("boundary" in note and "participants" in note for note in result.notes)
    assert result.random_covariance.iloc[0, 0] == pytest.approx(0, abs=1e-6)
    alone = fit(frame, "score ~ arm", covariance="independent", df="residual")
    assert result.loglik == pytest.approx(alone.loglik, rel=1e-10)
    assert result.convergence.converged


def test_zero_variance_of_clusters_is_found_and_said():
    frame = draw(n=60)
    # therapists who differ less than chance: every therapist's participants average the same
    therapist = frame["participant"] // 2 % 6
    frame["therapist"] = np.where(frame["arm"] == "IPT", "T" + therapist.astype(str), None)
    inside = frame["arm"] == "IPT"
    means = frame[inside].groupby("therapist")["score"].transform("mean")
    frame.loc[inside, "score"] += frame.loc[inside, "score"].mean() - means
    result = fit(frame, cluster="therapist", cluster_where="arm != 'MED'", df="satterthwaite")
    assert any("boundary" in note and "clusters" in note for note in result.notes)
    alone = fit(frame, df="satterthwaite")
    assert result.loglik == pytest.approx(alone.loglik, abs=1e-6)
    icc = result.icc(16).iloc[0]
    assert icc["icc"] == pytest.approx(0, abs=1e-6)
    assert icc["lower"] == 0
    assert icc["upper"] > 0


def test_therapist_missing_where_one_is_needed_is_refused():
    frame = draw().assign(therapist=None)
    frame["therapist"] = frame["therapist"].astype(object)
    frame.loc[frame["participant"] == 1, "therapist"] = "T1"
    with pytest.raises(DesignError, match="empty in"):
        fit(frame, cluster="therapist", cluster_where="arm != 'MED'", df="satterthwaite")


def test_thirty_visits():
    frame = draw(n=120, visits=30)
    result = fit(frame, "score ~ arm + I(week)", covariance="heterogeneous autoregressive")
    assert result.convergence.converged
    result = fit(frame, "score ~ arm + week", df="satterthwaite")
    assert result.convergence.converged
    assert result.covariance.shape == (30, 30)


def test_a_hundred_thousand_singletons_equal_least_squares():
    rng = np.random.default_rng(1)
    n = 100_000
    frame = pd.DataFrame({"participant": np.arange(n), "visit": 1, "x": rng.normal(size=n)})
    frame["score"] = 1 + 2 * frame["x"] + rng.normal(size=n)
    result = mixed_model("score ~ x", frame, participant="participant", visit="visit")
    X = np.column_stack([np.ones(n), frame["x"]])
    beta, rss, *_ = np.linalg.lstsq(X, frame["score"].to_numpy(), rcond=None)
    np.testing.assert_allclose(result.coefficients["estimate"], beta, rtol=1e-9)
    assert result.covariance.iloc[0, 0] == pytest.approx(rss[0] / (n - 2), rel=1e-8)
    assert result.coefficients["df"].iloc[1] == pytest.approx(n - 2, rel=1e-6)


def test_collinear_covariates_are_named():
    frame = draw()
    frame["age"] = frame["participant"] % 11 + 30.0
    frame["born"] = 2000.0 - frame["age"]
    result = fit(frame, "score ~ age + born + arm*week")
    assert result.aliased == ["born"]
    assert any("born" in note for note in result.notes)


def test_large_offset_of_a_covariate_keeps_its_digits():
    frame = draw()
    frame["year"] = 2000.0 + frame["participant"] % 7
    one = fit(frame, "score ~ year + arm*week").coefficients.set_index("term")
    centred = frame.assign(year=frame["year"] - 2000)
    two = fit(centred, "score ~ year + arm*week").coefficients.set_index("term")
    for name in ("estimate", "se", "df"):
        assert one.loc["year", name] == pytest.approx(two.loc["year", name], rel=1e-6)


def test_a_covariate_lost_beside_its_size_is_named_with_the_remedy():
    frame = draw().assign(stamp=lambda d: 1.7e12 + d["participant"] % 7)
    result = fit(frame, "score ~ stamp + arm*week")
    assert result.aliased == ["stamp"]
    assert any("stamp varies little beside its size" in note for note in result.notes)
    centred = fit(frame.assign(stamp=frame["stamp"] - 1.7e12), "score ~ stamp + arm*week")
    assert not centred.aliased
    assert not centred.notes


def test_between_within_needs_more_rows_than_participants():
    frame = draw()
    with pytest.raises(DesignError, match="0 degrees of freedom within participants"):
        fit(frame[frame["week"] == 4], "score ~ arm", df="between-within")


def test_sandwich_and_kenward_roger_do_not_mix():
    with pytest.raises(MixedModelError, match="own degrees of freedom"):
        fit(draw(), standard_errors="CR2")


def test_random_effects_beside_unstructured_are_refused():
    with pytest.raises(MixedModelError, match="not identified"):
        fit(draw(), random="1", covariance="unstructured")


def test_random_slopes_of_pure_noise_converge_on_the_boundary():
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(25):
        frame = draw(n=20).assign(score=lambda d: rng.normal(size=len(d)))
        result = fit(frame, "score ~ arm", random="1 + week")
        assert result.convergence.converged
        values = np.linalg.eigvalsh(result.random_covariance)
        assert values[0] > -1e-8
        found += any("boundary" in note for note in result.notes)
    assert found > 5


@pytest.mark.parametrize("seed", [556, 1136, 1321])
def test_persons_who_differ_in_their_slopes_alone(seed):
    """The intercept's variance is zero, the slope's is not: G is singular along its first axis."""
    rng = np.random.default_rng(seed)
    week = np.array([4.0, 8.0, 12.0, 16.0])
    slope = rng.normal(0, 0.35, 40)[:, None]
    score = 20 - 0.6 * week + slope * week + rng.normal(0, 3.4, (40, 4))
    frame = pd.DataFrame({"id": np.repeat(np.arange(40), 4), "week": np.tile(week, 40)})
    frame = frame.assign(score=score.ravel(), after=frame["week"] - 16, visit=frame["week"])
    frame = frame[rng.random(len(frame)) > 0.1]

    def fitted(time):
        return mixed_model(
            f"score ~ {time}", frame, participant="id", visit="visit", random=f"1 + {time}",
            df="satterthwaite",
        )  # fmt: skip

    result, shifted = fitted("week"), fitted("after")
    assert result.convergence.converged
    assert any("boundary" in note for note in result.notes)
    # The same model from another origin of time, where no variance is near zero.
    assert result.loglik == pytest.approx(shifted.loglik, abs=1e-8)
    move = np.array([[1.0, -16.0], [0.0, 1.0]])
    G = move @ np.asarray(shifted.random_covariance) @ move.T
    np.testing.assert_allclose(result.random_covariance, G, atol=1e-5)


def test_unbounded_likelihood_is_not_called_a_fit():
    # ten participants, six visits, gaps: the unstructured likelihood has no maximum
    rng = np.random.default_rng(3)
    frame = draw(n=9, visits=6)
    frame = frame[(rng.random(len(frame)) > 0.25) | (frame["week"] == 4)]
    with pytest.raises(ConvergenceError):
        fit(frame, fallback=False)


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("score ~ arm +* week", "cannot be read"),
        ("score ~ 0", "no term"),
        ("arm*week", "names no outcome"),
        ("arm ~ week", "must be numbers"),
        ("score ~ C(week, contr.sum)", "reference level"),
    ],
)
def test_formulas_that_say_nothing_are_refused(formula, told):
    with pytest.raises(DesignError, match=told):
        fit(draw(), formula, reference={})


def test_model_without_intercept_has_cell_means():
    result = fit(draw(), "score ~ arm:week - 1", reference={})
    assert result.aliased == []
    assert len(result.coefficients) == 8
    main = fit(draw(), "score ~ arm*week - 1", reference={})
    assert main.aliased == []
    assert main.loglik == pytest.approx(fit(draw(), "score ~ arm*week").loglik)


@pytest.mark.parametrize("covariance", ["us", "csh", "ar1h", "adh", "idh"])
def test_a_visit_that_the_fixed_effects_reproduce_leaves_its_variance_open(covariance):
    # one row of each arm at the last visit: arm and week fit both, nothing is left for a variance
    frame = draw(n=12)
    frame = frame[(frame["week"] < 16) | (frame["participant"] < 2)]
    with pytest.raises(
        ConvergenceError, match=r"(cannot tell apart|say nothing of).*variance\(16\)"
    ):
        fit(frame, covariance=covariance, fallback=False)
    result = fit(frame, covariance=covariance, fallback=["compound symmetry"])
    assert (result.coefficients["se"] > 1e-3).all()


def test_a_second_order_term_that_eats_up_the_variance_is_left_out_and_said():
    # noise without any correlation in time: the range goes to nothing and its curvature explodes
    frame = draw(n=5, seed=12)
    noise = np.random.default_rng(12).normal(size=len(frame))
    frame["score"] = noise + 0.3 * frame["score"]
    result = fit(frame, covariance="sp_exp")
    assert any("second-order term" in note for note in result.notes)
    linear = fit(frame, covariance="sp_exp", df="kenward-roger-linear")
    np.testing.assert_allclose(result.coefficients["se"], linear.coefficients["se"])
    assert not linear.notes


def test_moments_of_no_f_distribution_give_no_f_test():
    frame = draw(n=5, seed=4)
    frame = frame[np.random.default_rng(4).random(len(frame)) > 0.2]
    tests = fit(frame, covariance="csh", fallback=False).anova().set_index("term")
    assert tests.loc["arm", "df_denominator"] > 0
    assert np.isnan(tests.loc["week", ["df_denominator", "statistic", "p"]].astype(float)).all()


@pytest.mark.parametrize(("rows", "people"), [(2, 12), (3, 20), (4, 9)])
def test_kenward_roger_moments_are_exact_for_hotelling(rows, people):
    # l contrasts of n differences: T² has l and n − l df; A₁ and A₂ follow from Wishart moments
    tests = fit(differences(people, rows + 1), "score ~ week", reference={}).anova()
    assert tests["df_denominator"].iloc[0] == pytest.approx(people - rows, rel=1e-6)


def differences(people, visits):
    return draw(n=people, visits=visits, seed=people)
