"""Residuals and influence in hazard models, estimating equations and logistic regressions.

Against R's survival, and against refitting without each participant.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from ipt_outcomes.analyses.gee import INDEPENDENT, arm_by_visit, binomial_gee
from ipt_outcomes.analyses.gee_influence import gee_influence
from ipt_outcomes.analyses.hazard_residuals import hazard_residuals
from ipt_outcomes.analyses.hazards import fit_hazards
from ipt_outcomes.analyses.logistic_influence import LogisticError, logistic_influence
from ipt_outcomes.analyses.standardisation import standardised_risks

from .reference_values import HERE, participants, visits

R = json.loads((HERE / "hazard_residuals.json").read_text("utf-8"))


# --- hazards -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def followed():
    people = participants()
    x = np.column_stack([people["arm"] == "A", people["arm"] == "B", people["severity"]])
    return people["time"].to_numpy(float), people["status"].to_numpy(bool), x.astype(float)


@pytest.mark.parametrize("kind", ["martingale", "deviance", "score", "dfbeta"])
def test_same_residuals_as_survival(followed, kind):
    found = hazard_residuals(fit_hazards(*followed))
    own = found.change if kind == "dfbeta" else getattr(found, kind)
    np.testing.assert_allclose(own, R[kind], rtol=0, atol=1e-8)


def test_same_robust_errors_as_survival(followed):
    found = hazard_residuals(fit_hazards(*followed))
    np.testing.assert_allclose(found.robust, R["robust"], rtol=1e-6)


def test_dfbeta_is_near_what_refitting_gives(followed):
    time, event, x = followed
    fit = fit_hazards(time, event, x)
    exact = np.array([
        fit.coefficients - fit_hazards(*(np.delete(part, i, axis=0) for part in followed)).coefficients
        for i in range(len(time))
    ])  # fmt: skip
    change = hazard_residuals(fit).change
    for own, refitted in zip(change.T, exact.T, strict=True):
        assert np.corrcoef(own, refitted)[0, 1] > 0.99
    # to first order: the largest ones are a little too small
    assert np.abs(change - exact).max() < 0.15 * np.abs(exact).max()


def test_the_order_of_participants_does_not_matter(followed):
    time, event, x = followed
    order = np.random.default_rng(3).permutation(len(time))
    found = hazard_residuals(fit_hazards(time, event, x))
    moved = hazard_residuals(fit_hazards(time[order], event[order], x[order]))
    np.testing.assert_allclose(moved.deviance, found.deviance[order], atol=1e-8)
    np.testing.assert_allclose(moved.change, found.change[order], atol=1e-8)
    assert found.martingale.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.score.sum(axis=0), 0, atol=1e-6)


# --- estimating equations ------------------------------------------------------------------------


def repeated(outcome: str):
    long = visits()
    arm = long["arm"].map({"A": 0, "B": 1, "C": 2}).to_numpy(np.int64)
    visit = np.unique(long["visit"], return_inverse=True)[1].astype(np.int64)
    x = arm_by_visit(arm, visit, 3, visit.max() + 1, long[["severity"]].to_numpy(float))
    share = long["yes"] if outcome == "yes" else long["days"] / 28
    return share.to_numpy(float), x, long["participant"].to_numpy(np.int64)


@pytest.mark.parametrize(("outcome", "trials"), [("yes", 1), ("days", 28)])
def test_one_step_deletion_is_near_what_refitting_gives(outcome, trials):
    share, x, who = repeated(outcome)
    fit = binomial_gee(share, x, who, trials)
    found = gee_influence(fit, share, x, who, trials)
    people = np.unique(who)
    assert found.change.shape == (len(people), x.shape[1])
    largest = np.argsort(found.cook)[-5:]
    for i in [*largest, 0, 1, 2]:
        kept = who != people[i]
        exact = (
            fit.coefficients - binomial_gee(share[kept], x[kept], who[kept], trials).coefficients
        )
        scale = np.sqrt(np.diag(fit.covariance))
        # a tenth of a standard error: the correlation is held, and it is one step
        assert np.abs((found.change[i] - exact) / scale).max() < 0.1


@pytest.mark.parametrize(("outcome", "trials"), [("yes", 1), ("days", 28)])
def test_the_equations_are_solved_and_pearson_residuals_have_the_dispersion(outcome, trials):
    share, x, who = repeated(outcome)
    fit = binomial_gee(share, x, who, trials)
    found = gee_influence(fit, share, x, who, trials)
    step = np.linalg.solve(found.information, found.score)
    assert np.abs(step).max() < 1e-5
    squares = float((found.pearson**2).sum()) / (len(share) - x.shape[1])
    assert squares == pytest.approx(fit.dispersion)


def test_one_observation_each_is_logistic_regression():
    """Without repeats one-step deletion is Pregibon's, (y - p) / (1 - h) in the score."""
    share, x, who = repeated("yes")
    first = np.flatnonzero(np.r_[True, np.diff(who) > 0])
    y, z = share[first], np.column_stack([np.ones(len(first)), x[first, -1]])
    fit = binomial_gee(y, z, np.arange(len(first)))
    risk = 1 / (1 + np.exp(-(z @ fit.coefficients)))
    inverse = np.linalg.inv(z.T @ (z * (risk * (1 - risk))[:, None]))
    hat = risk * (1 - risk) * np.einsum("np,pq,nq->n", z, inverse, z)
    expected = (z @ inverse) * ((y - risk) / (1 - hat))[:, None]
    found = gee_influence(fit, y, z, np.arange(len(first)))
    np.testing.assert_allclose(found.change, expected, atol=1e-10)


def test_independent_working_correlation_is_the_plain_logistic_model():
    share, x, who = repeated("yes")
    fit = binomial_gee(share, x, who, working=INDEPENDENT)
    risk = 1 / (1 + np.exp(-(x @ fit.coefficients)))
    np.testing.assert_allclose(x.T @ (share - risk), 0, atol=1e-6)
    assert fit.correlation == 0


# --- logistic regression -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def events():
    people = participants()
    arm = people["arm"].map({"A": 0, "B": 1, "C": 2}).to_numpy(np.int64)
    site = (people["site"].to_numpy()[:, None] == np.unique(people["site"])[None, 1:]).astype(float)
    covariates = np.column_stack([people["severity"], site])
    return people["event"].to_numpy(bool), arm, covariates


def test_risks_are_the_standardised_ones(events):
    found = logistic_influence(*events, 3)
    expected = standardised_risks(*events, list("ABC"))
    np.testing.assert_allclose(found.risks(), expected.risks, atol=1e-10)


def test_leaving_one_out_is_refitting(events):
    found = logistic_influence(*events, 3)
    left_out = found.risks_left_out()
    for i in range(len(events[0])):
        refitted = standardised_risks(*(np.delete(part, i, axis=0) for part in events), list("ABC"))
        assert refitted.adjusted
        np.testing.assert_allclose(left_out[i], refitted.risks, atol=1e-8)


def test_leaving_one_out_in_pieces_is_the_same(events, monkeypatch):
    whole = logistic_influence(*events, 3)
    monkeypatch.setattr("ipt_outcomes.analyses.logistic_influence.CHUNK", 1000)
    pieces = logistic_influence(*events, 3)
    np.testing.assert_allclose(pieces.left_out, whole.left_out, atol=1e-9)
    np.testing.assert_allclose(pieces.risks_left_out(), whole.risks_left_out(), atol=1e-9)


def test_the_order_of_participants_and_units_does_not_matter_to_risks(events):
    event, arm, covariates = events
    order = np.random.default_rng(1).permutation(len(event))
    found = logistic_influence(event, arm, covariates, 3)
    scaled = logistic_influence(event[order], arm[order], 10 * covariates[order] - 3, 3)
    np.testing.assert_allclose(scaled.risks_left_out(), found.risks_left_out()[order], atol=1e-9)
    np.testing.assert_allclose(scaled.cook, found.cook[order], atol=1e-9)


def test_one_whose_loss_leaves_no_maximum_is_missing():
    event = np.array([1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0], bool)
    arm = np.repeat([0, 1], 6)
    left_out = logistic_influence(event, arm, np.empty((12, 0)), 2).left_out
    assert np.isnan(left_out[0]).all()  # the only event of its arm
    assert not np.isnan(left_out[1:]).any()


def test_an_arm_without_an_event_has_no_model():
    with pytest.raises(LogisticError, match="an arm has nobody with"):
        logistic_influence(
            np.array([0, 0, 1, 0], bool), np.array([0, 0, 1, 1]), np.empty((4, 0)), 2
        )
