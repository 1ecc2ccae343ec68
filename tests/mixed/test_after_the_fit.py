"""Predictions, random effects, residuals, influence, simulation, refits, comparisons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import MixedModelError, likelihood_ratio_test, mixed_model
from ipt_outcomes.mixed.validate import FORMULA, fit_growth, lme4_requests, reference_trial, stored

FOLDER = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="module")
def frame():
    return reference_trial(FOLDER)


@pytest.fixture(scope="module")
def fit(frame):
    return mixed_model(
        FORMULA, frame, participant="participant", visit="visit", reference={"arm": "MED"}
    )


@pytest.fixture(scope="module")
def by_therapist(frame):
    return mixed_model(
        "score ~ baseline + arm*visit",
        frame,
        participant="participant",
        visit="visit",
        df="satterthwaite",
        cluster="therapist",
        cluster_where="arm != 'MED'",
    )


@pytest.mark.parametrize("case", ["random_slope", "therapist_partially_nested_random_slope"])
def test_random_effects_equal_lme4(case):
    reference = stored(FOLDER, "growth_and_therapists")[case]
    result = fit_growth(FOLDER, reference, df="satterthwaite", **lme4_requests()[case])
    theirs = reference["ranef"]["participant"]
    ours = result.random_effects.loc[theirs["level"]]
    for name, column in (("(Intercept)", "Intercept"), ("week", "week")):
        np.testing.assert_allclose(ours[column], theirs[name], atol=2e-5)
    if "therapist" in case:
        theirs = reference["ranef"]["therapist"]
        ours = result.cluster_effects.set_index("cluster")["effect"]
        for label, value in zip(theirs["level"], theirs["tx"], strict=True):
            if label != "none":
                assert ours[label] == pytest.approx(value, abs=2e-5)
    mean = result.fitted(conditional=True)
    rows = result.layout.participant[:10], result.layout.visit[:10]
    residual = result.prepared.y[rows] - mean.to_numpy()[rows]
    # fitted() at the participant's random effects has the same residuals as lme4 up to the
    # prediction of the residual itself, which conditional means include
    assert np.isfinite(residual).all()


def test_predictions_equal_adjusted_means(fit, frame):
    grid = pd.DataFrame({"arm": ["IPT", "MED"], "visit": [16, 16], "site": ["S1", "S1"]})
    mean = frame.loc[frame["change"].notna(), "baseline"].mean()
    found = fit.predict(grid.assign(baseline=mean))
    expected = fit.means("arm", by="visit", at={"site": "S1"})
    expected = expected[expected["visit"] == 16].set_index("arm").loc[["IPT", "MED"]]
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-10)
    np.testing.assert_allclose(found["se"], expected["se"], rtol=1e-10)


def test_conditional_means_reproduce_what_was_seen(fit):
    mean = fit.fitted(conditional=True).to_numpy()
    seen = fit.prepared.seen
    np.testing.assert_allclose(mean[seen], fit.prepared.y[seen], atol=1e-10)
    assert np.isfinite(mean).all()


def test_normalised_residuals_are_uncorrelated(fit):
    table = fit.residuals("normalised")
    assert table["residual"].var() == pytest.approx(1, abs=0.1)
    wide = table.pivot_table(index="participant", columns="visit", values="residual").dropna()
    correlation = np.corrcoef(wide.to_numpy().T)
    assert np.abs(correlation - np.eye(4)).max() < 0.25


def test_influence_equals_leaving_a_participant_out_at_fixed_covariance(fit, frame):
    from ipt_outcomes.mixed.diagnostics import influence_table

    table, changes = influence_table(fit)
    who = int(table["cook"].idxmax())
    label = table["participant"].iloc[who]
    kept = np.ones((1, fit.n_participants))
    kept[0, who] = 0
    stats = fit.likelihood.statistics
    W, X, y = fit.point.W, [], []
    xwx, xwy = 0.0, 0.0
    for i in range(fit.n_participants):
        if fit.layout.participants[i] == label:
            continue
        X = fit.prepared.design_of(np.array([i]))[0]
        w = W[fit.prepared.patterns.member[i]]
        y = np.where(fit.prepared.seen[i], fit.prepared.y[i], 0)
        xwx, xwy = xwx + X.T @ w @ X, xwy + X.T @ w @ y
    without = np.linalg.solve(xwx, xwy)
    np.testing.assert_allclose(fit.fixed.beta - without, changes[who], rtol=1e-6, atol=1e-9)
    assert stats.coefficients == len(without)


def test_jackknife_refit_equals_a_fit_without_the_participant(fit, frame):
    weights = 1.0 - np.eye(fit.n_participants)[[3, 10]]
    refits = fit.refit(weights=weights)
    assert refits.converged.all()
    label = fit.layout.participants[3]
    alone = mixed_model(
        FORMULA,
        frame[frame["participant"] != label],
        participant="participant",
        visit="visit",
        reference={"arm": "MED"},
    )
    np.testing.assert_allclose(refits.beta[0], alone.beta, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(refits.sigma[0], alone.point.sigma, rtol=1e-6)


@pytest.mark.parametrize(
    "request_",
    [
        {"covariance": "us"},
        {"covariance": "cs"},
        {"covariance": "us", "covariance_by": "arm"},
        {"random": "1 + week"},
    ],
)
def test_refit_of_new_outcomes_equals_a_fresh_fit(frame, request_):
    common = {"participant": "participant", "visit": "visit", "df": "satterthwaite"}
    result = mixed_model("score ~ baseline + arm*visit", frame, **common, **request_)
    drawn = result.simulate(3, seed=1)
    refits = result.refit(outcomes=drawn)
    assert refits.converged.all()
    rows = result.layout.keep
    new = frame[rows].assign(score=drawn[1][result.layout.participant, result.layout.visit])
    fresh = mixed_model("score ~ baseline + arm*visit", new, **common, **request_)
    assert not fresh.notes
    np.testing.assert_allclose(refits.beta[1], fresh.beta, rtol=1e-5, atol=1e-6)


def test_refits_with_clusters_are_refused(by_therapist):
    with pytest.raises(MixedModelError, match="cannot be batched"):
        by_therapist.refit(weights=np.ones((1, by_therapist.n_participants)))


def test_simulated_outcomes_have_the_fitted_moments(fit):
    drawn = fit.simulate(4000, seed=11)
    seen = fit.prepared.seen.all(1)
    who = int(np.flatnonzero(seen)[0])
    sample = drawn[:, who]
    np.testing.assert_allclose(sample.mean(0), fit.fitted().to_numpy()[who], atol=0.6)
    np.testing.assert_allclose(np.cov(sample.T), fit.covariance, rtol=0.12)
    assert np.isnan(drawn[0][~fit.prepared.seen]).all()


def test_simulated_clusters_share_their_effects(by_therapist):
    drawn = by_therapist.simulate(3000, seed=5)
    prepared = by_therapist.prepared
    seen = prepared.seen[:, 0]
    member = np.where(seen, prepared.clusters.member, -1)
    first = int(np.flatnonzero(np.bincount(member[member >= 0]) > 1)[0])
    one, two = np.flatnonzero(member == first)[:2]
    outside = int(np.flatnonzero(seen & (prepared.clusters.member < 0))[0])
    sample = np.cov(drawn[:, [one, two, outside], 0].T)
    psi = by_therapist.variance_components.set_index("parameter")["estimate"]["cluster variance"]
    within = by_therapist.covariance.iloc[0, 0]
    size = psi + within
    expected = np.array([[size, psi, 0], [psi, size, 0], [0, 0, within]])
    # Monte Carlo error of a covariance: at most size·√(2/3000)
    np.testing.assert_allclose(sample, expected, atol=4 * size * np.sqrt(2 / 3000))
    assert psi > 8 * size * np.sqrt(2 / 3000)


def test_likelihood_ratio_of_reisby_style_models(frame):
    common = {"participant": "participant", "df": "satterthwaite", "reml": False}
    one = mixed_model("score ~ baseline + week*arm", frame, random="1", **common)
    two = mixed_model("score ~ baseline + week*arm", frame, random="1 + week", **common)
    line = likelihood_ratio_test(one, two).iloc[0]
    assert line["df"] == 2
    assert line["statistic"] == pytest.approx(2 * (two.loglik - one.loglik))
    with pytest.raises(MixedModelError, match="more parameters"):
        likelihood_ratio_test(two, one)


def test_icc_of_the_reference_trial(by_therapist):
    table = by_therapist.icc()
    variance = by_therapist.variance_components.set_index("parameter")["estimate"][
        "cluster variance"
    ]
    diagonal = np.diag(by_therapist.covariance)
    np.testing.assert_allclose(table["icc"], variance / (variance + diagonal), rtol=1e-10)
    assert (table["lower"] < table["icc"]).all()
    assert (table["icc"] < table["upper"]).all()
