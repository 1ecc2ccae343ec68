"""Invariants: what must not change, and classical results that must come out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ipt_outcomes.mixed import mixed_model

FORMULA = "score ~ baseline + arm*week"


def draw(n=40, visits=3, seed=3, gaps=True):
    rng = np.random.default_rng(seed)
    weeks = 4.0 * np.arange(1, visits + 1)
    base = rng.normal(20, 4, n)
    own = rng.normal(0, 3, n)
    frame = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(n), visits),
            "week": np.tile(weeks, n),
            "arm": np.repeat(np.where(np.arange(n) % 2, "IPT", "MED"), visits),
            "baseline": np.repeat(base, visits),
        }
    )
    noise = rng.normal(0, 2, n * visits)
    frame["score"] = 0.5 * frame["baseline"] - 0.3 * frame["week"] + np.repeat(own, visits) + noise
    return frame[rng.random(len(frame)) > 0.1] if gaps else frame


def fit(frame, formula=FORMULA, **request):
    request = {"participant": "participant", "visit": "week", "reference": {"arm": "MED"}} | request
    return mixed_model(formula, frame, **request)


def same(a, b, rtol=1e-8):
    one, two = a.coefficients.set_index("term"), b.coefficients.set_index("term")
    columns = ["estimate", "se", "df"]
    np.testing.assert_allclose(one[columns], two.loc[one.index, columns], rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_paired_t_test_is_reproduced(df):
    rng = np.random.default_rng(5)
    n = 9
    before = rng.normal(20, 5, n)
    after = 0.7 * before + rng.normal(0, 3, n)
    frame = pd.DataFrame(
        {
            "participant": np.tile(np.arange(n), 2),
            "week": np.repeat([0, 16], n),
            "score": np.concatenate([before, after]),
        }
    )
    result = fit(frame, "score ~ week", df=df, reference={})
    expected = stats.ttest_rel(after, before)
    line = result.coefficients.set_index("term").loc["week[16]"]
    assert line["df"] == pytest.approx(n - 1)
    assert line["statistic"] == pytest.approx(expected.statistic)
    assert line["p"] == pytest.approx(expected.pvalue)
    assert line["se"] == pytest.approx(np.std(after - before, ddof=1) / np.sqrt(n))


def test_second_order_term_in_mmrm_parameters_misses_the_paired_t_test():
    rng = np.random.default_rng(5)
    before = rng.normal(20, 5, 9)
    after = 0.7 * before + rng.normal(0, 3, 9)
    frame = pd.DataFrame(
        {
            "participant": np.tile(np.arange(9), 2),
            "week": np.repeat([0, 16], 9),
            "score": np.concatenate([before, after]),
        }
    )
    result = fit(frame, "score ~ week", df="kenward-roger-mmrm", reference={})
    line = result.coefficients.set_index("term").loc["week[16]"]
    assert line["se"] == pytest.approx(1.1003625692828554, rel=1e-6)
    assert np.std(after - before, ddof=1) / 3 == pytest.approx(1.284844195561768, rel=1e-6)


@pytest.mark.parametrize("covariance", ["us", "csh", "ar1h", "toeph"])
def test_kenward_roger_reproduces_the_two_sample_t_test_at_one_visit(covariance):
    frame = draw(gaps=False)
    result = fit(frame, "score ~ arm*week", covariance=covariance)
    last = frame[frame["week"] == 12]
    table = result.contrasts("arm", by="week")
    line = table[table["week"] == 12].iloc[0]
    a, b = (last.loc[last["arm"] == arm, "score"] for arm in ("IPT", "MED"))
    assert line["estimate"] == pytest.approx(a.mean() - b.mean())
    if covariance == "us":
        expected = stats.ttest_ind(a, b)
        assert line["df"] == pytest.approx(len(last) - 2)
        assert line["p"] == pytest.approx(expected.pvalue)


def test_balanced_compound_symmetry_equals_the_classical_anova():
    frame = draw(n=24, gaps=False)
    result = fit(frame, "score ~ arm*week", covariance="cs")
    # split-plot analysis of variance from sums of squares
    wide = frame.pivot_table(index="participant", columns="week", values="score")
    arm = frame.groupby("participant")["arm"].first()
    grand = wide.to_numpy().mean()
    person = wide.mean(axis=1)
    cell = wide.groupby(arm).transform("mean")
    by_arm, by_week = person.groupby(arm).transform("mean"), wide.mean(axis=0)
    between_error = 3 * ((person - by_arm) ** 2).sum() / 22
    within = wide.sub(person, axis=0) - cell.sub(by_arm, axis=0)
    within_error = (within.to_numpy() ** 2).sum() / 44
    interaction = cell.sub(by_arm, axis=0).sub(by_week - grand, axis=1)
    tests = result.anova().set_index("term")
    f_arm = 3 * ((by_arm - grand) ** 2).sum() / 1 / between_error
    f_interaction = (interaction.to_numpy() ** 2).sum() / 2 / within_error
    assert tests.loc["arm", "statistic"] == pytest.approx(f_arm, rel=1e-7)
    assert tests.loc["arm", "df_denominator"] == pytest.approx(22, rel=1e-7)
    name = next(t for t in tests.index if ":" in t)
    assert tests.loc[name, "statistic"] == pytest.approx(f_interaction, rel=1e-7)
    assert tests.loc[name, "df_denominator"] == pytest.approx(44, rel=1e-7)


def test_row_order_and_labels_of_participants_do_not_matter():
    frame = draw()
    moved = frame.sample(frac=1, random_state=2)
    moved = moved.assign(participant="p" + moved["participant"].astype(str))
    same(fit(frame), fit(moved))


def test_arm_labels_do_not_matter():
    frame = draw()
    renamed = frame.assign(arm=frame["arm"].map({"IPT": "a", "MED": "b"}))
    one = fit(frame).contrasts("arm", by="week", reference="MED")
    two = fit(renamed, reference={"arm": "a"}).contrasts("arm", by="week", reference="b")
    columns = ["estimate", "se", "df", "p"]
    np.testing.assert_allclose(one[columns], two[columns], rtol=1e-8)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_scale_and_shift_of_the_outcome(scale, shift):
    frame = draw()
    moved = frame.assign(score=scale * (frame["score"] + shift))
    one, two = fit(frame), fit(moved)
    contrasts = [r.contrasts("arm", by="week") for r in (one, two)]
    for name in ("estimate", "se"):
        np.testing.assert_allclose(scale * contrasts[0][name], contrasts[1][name], rtol=1e-6)
    np.testing.assert_allclose(contrasts[0]["df"], contrasts[1]["df"], rtol=1e-6)


@pytest.mark.parametrize("covariance", ["csh", "ar1h", "adh", "sp_exp"])
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_the_outcome_with_structured_covariances(covariance, scale):
    frame = draw()
    one = fit(frame, covariance=covariance).contrasts("arm", by="week")
    moved = frame.assign(score=scale * frame["score"])
    two = fit(moved, covariance=covariance).contrasts("arm", by="week")
    np.testing.assert_allclose(scale * one["se"], two["se"], rtol=1e-6)
    np.testing.assert_allclose(one["df"], two["df"], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_a_covariate(scale):
    frame = draw()
    one = fit(frame).coefficients.set_index("term")
    two = fit(frame.assign(baseline=scale * frame["baseline"])).coefficients.set_index("term")
    assert two.loc["baseline", "se"] * scale == pytest.approx(one.loc["baseline", "se"], rel=1e-7)
    assert two.loc["arm[IPT]", "df"] == pytest.approx(one.loc["arm[IPT]", "df"], rel=1e-7)


def test_duplicated_participants_double_the_likelihood():
    frame = draw()
    twice = pd.concat([frame, frame.assign(participant=frame["participant"] + 1000)])
    one = fit(frame, reml=False, df="normal")
    two = fit(twice, reml=False, df="normal")
    assert two.loglik == pytest.approx(2 * one.loglik, rel=1e-10)
    a, b = one.coefficients, two.coefficients
    np.testing.assert_allclose(a["estimate"], b["estimate"], rtol=1e-7)
    np.testing.assert_allclose(a["se"] / np.sqrt(2), b["se"], rtol=1e-7)


def test_compound_symmetry_equals_a_random_intercept():
    frame = draw()
    one = fit(frame, covariance="cs")
    two = fit(frame, random="1")
    assert one.loglik == pytest.approx(two.loglik, rel=1e-11)
    same(one, two, rtol=1e-7)


def test_numeric_time_in_compound_symmetry_needs_no_visits():
    frame = draw()
    one = fit(frame, "score ~ baseline + arm", covariance="cs", visit=None)
    two = fit(frame, "score ~ baseline + arm", covariance="cs")
    same(one, two, rtol=1e-7)


def test_irregular_times_equal_common_times_when_they_are_common():
    frame = draw()
    rng = np.random.default_rng(4)
    one = fit(frame, "score ~ baseline + I(week)", random="1 + I(week)", reference={})
    # a covariate that no two participants share puts every participant in a set of his own
    jitter = frame.assign(day=frame["week"] + 1e-9 * rng.normal(size=len(frame)))
    two = fit(jitter, "score ~ baseline + day", random="1 + day", visit=None, reference={})
    assert len(two.likelihood.statistics.n) == two.n_participants
    np.testing.assert_allclose(
        one.coefficients["estimate"], two.coefficients["estimate"], rtol=1e-5
    )
    np.testing.assert_allclose(one.coefficients["df"], two.coefficients["df"], rtol=1e-4)
    assert one.loglik == pytest.approx(two.loglik, abs=1e-5)


def test_time_varying_covariate_equals_its_dense_design():
    frame = draw()
    rng = np.random.default_rng(6)
    frame = frame.assign(stress=rng.normal(size=len(frame)))
    result = fit(frame, "score ~ stress + arm*week")
    table = result.coefficients.set_index("term")
    sigma = result.covariance.to_numpy()
    X, y, W = [], [], []
    for _, own in frame.groupby("participant"):
        at = (own["week"] / 4 - 1).astype(int).to_numpy()
        W.append(np.linalg.inv(sigma[np.ix_(at, at)]))
        ipt = (own["arm"] == "IPT").to_numpy(float)
        late = [(own["week"] == w).to_numpy(float) for w in (8, 12)]
        X.append(
            np.column_stack(
                [np.ones(len(own)), own["stress"], ipt, *late, *(ipt * d for d in late)]
            )
        )
        y.append(own["score"].to_numpy())
    xwx = sum(x.T @ w @ x for x, w in zip(X, W, strict=True))
    xwy = sum(x.T @ w @ v for x, w, v in zip(X, W, y, strict=True))
    beta = np.linalg.solve(xwx, xwy)
    assert table.loc["stress", "estimate"] == pytest.approx(beta[1], rel=1e-8)
    assert table.loc["arm[IPT]", "estimate"] == pytest.approx(beta[2], rel=1e-8)


def test_proportional_weights_and_trends():
    frame = draw(n=50)
    result = fit(frame, "score ~ baseline + arm*I(week)", random="1", visit=None)
    slopes = result.trends("week", "arm")
    table = result.coefficients.set_index("term")["estimate"]
    assert slopes.set_index("arm").loc["MED", "estimate"] == pytest.approx(
        table["I(week)"], rel=1e-6
    )
    difference = result.trend_contrasts("week", "arm").iloc[0]["estimate"]
    name = next(t for t in table.index if ":" in t)
    assert difference == pytest.approx(table[name], rel=1e-6)
    equal = fit(frame).means("week")
    shares = fit(frame).means("week", weights="proportional")
    assert not np.allclose(equal["estimate"], shares["estimate"], rtol=1e-12)


def test_holm_within_visits():
    frame = draw(n=60)
    frame = frame.assign(arm=frame["participant"].map(lambda i: ["A", "B", "C"][i % 3]))
    table = fit(frame, reference={}).contrasts("arm", by="week", pairwise=True, adjust="holm")
    own = table[table["week"] == 8].sort_values("p")
    expected = np.minimum(1, np.maximum.accumulate(own["p"].to_numpy() * [3, 2, 1]))
    np.testing.assert_allclose(own["p_adjusted"], expected)


def test_pooled_residual_and_between_within_degrees_of_freedom():
    frame = draw(gaps=False)
    table = fit(frame, df="between-within").coefficients.set_index("term")["df"]
    # 40 participants, intercept, arm and baseline between; two visits and their interactions within
    assert table["arm[IPT]"] == 40 - 3
    assert table["week[8]"] == table["Intercept"] == 120 - 40 - 4
    assert set(fit(frame, df="residual").coefficients["df"]) == {120 - 7}
    assert np.isinf(fit(frame, df="normal").coefficients["df"]).all()


def with_therapists(frame, seed=9):
    rng = np.random.default_rng(seed)
    therapist = frame["participant"] // 2 % 8
    effect = rng.normal(0, 2.5, 8)
    inside = frame["arm"] == "IPT"
    frame = frame.assign(therapist=np.where(inside, "T" + therapist.astype(str), ""))
    frame["score"] += np.where(inside, effect[therapist], 0.0)
    return frame


def test_clusters_with_irregular_times_equal_common_times():
    frame = with_therapists(draw(n=60))
    common = {"cluster": "therapist", "cluster_where": "arm == 'IPT'", "reference": {}}
    one = fit(frame, "score ~ baseline + I(week)", random="1 + I(week)", **common)
    rng = np.random.default_rng(4)
    jitter = frame.assign(day=frame["week"] + 1e-9 * rng.normal(size=len(frame)))
    two = fit(jitter, "score ~ baseline + day", random="1 + day", visit=None, **common)
    assert len(two.likelihood.statistics.n) == two.n_participants
    assert one.loglik == pytest.approx(two.loglik, abs=1e-5)
    for name in ("estimate", "se", "df"):
        np.testing.assert_allclose(one.coefficients[name], two.coefficients[name], rtol=1e-4)


def test_cluster_variances_by_arm_equal_separate_labels():
    frame = draw(n=80)
    rng = np.random.default_rng(2)
    therapist = frame["participant"] // 2 % 8
    frame = frame.assign(therapist="T" + therapist.astype(str))
    shift = {arm: rng.normal(0, size, 8) for arm, size in (("IPT", 4.0), ("MED", 1.5))}
    frame["score"] += [shift[a][t] for a, t in zip(frame["arm"], therapist, strict=True)]
    one = fit(frame, cluster="therapist", cluster_by="arm")
    split = frame.assign(therapist=frame["arm"] + frame["therapist"])
    two = fit(split, cluster="therapist", cluster_by="arm")
    assert one.loglik == pytest.approx(two.loglik, rel=1e-12)
    assert len(one.cluster_effects) == 16
    names = one.variance_components["parameter"].tolist()[-2:]
    assert names == ["cluster IPT: variance", "cluster MED: variance"]
    both = fit(split, cluster="therapist")
    assert one.loglik >= both.loglik - 1e-9


def test_therapists_by_visit_contain_a_constant_effect():
    frame = with_therapists(draw(n=80))
    common = {"cluster": "therapist", "cluster_where": "arm == 'IPT'", "df": "satterthwaite"}
    constant = fit(frame, **common)
    by_visit = fit(frame, cluster_effect="by visit", **common)
    both = fit(frame, cluster_effect="intercept and slope", **common)
    assert by_visit.loglik >= constant.loglik - 1e-8
    assert both.loglik >= constant.loglik - 1e-8
    assert by_visit.icc(12)["icc"].between(0, 1).all()
