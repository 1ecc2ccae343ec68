"""What an estimate owes to the imputation model: against theory and re-weighted maxima."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.imputation import joint_normal
from ipt_outcomes.imputation.linearised import linearised

WIDE = (-999.0, 999.0)


@pytest.fixture(scope="module")
def trial():
    """Three visits of 90 participants in two arms; who leaves depends on what was seen."""
    random = np.random.default_rng(8)
    covariance = [[16.0, 8, 6], [8, 30, 20], [6, 20, 40]]
    arm = np.repeat([0, 1], 45)
    y = random.multivariate_normal([20, 15, 10], covariance, 90) - 2.0 * arm[:, None]
    y[random.random(90) < 1 / (1 + np.exp(-(y[:, 0] - 22) / 4)), 1:] = np.nan
    y[random.random(90) < 0.15, 2] = np.nan
    return y, arm


def parameters(model):
    above = np.triu_indices(len(model.covariance))
    return np.concatenate([model.coefficients.ravel(), model.covariance[above]])


def test_parameters_move_as_the_maximum_does(trial, monkeypatch):
    """A participant's influence is how far the maximum moves when they count a little more."""
    monkeypatch.setattr(joint_normal, "TOLERANCE", 1e-11)
    monkeypatch.setattr(joint_normal, "STEPS", 5000)
    y, arm = trial
    x = joint_normal.design(arm, np.empty((90, 0)))
    found = linearised(y, arm, np.empty((90, 0)), np.random.default_rng(1), WIDE)
    best = joint_normal.fit_normal(y, x)
    for person in (*found.incomplete[:3], *np.flatnonzero(~np.isnan(y).any(axis=1))[:3]):
        ends = []
        for by in (0.001, -0.001):
            weights = np.ones(90)
            weights[person] += by
            ends.append(parameters(joint_normal.fit_normal(y, x, best, weights)))
        moved = (ends[0] - ends[1]) / 0.002
        np.testing.assert_allclose(found.influence[person] / 90, moved, rtol=1e-4, atol=1e-5)


def test_the_mean_of_a_later_visit_is_the_regression_estimate():
    """One arm, two visits, the second missing at random (Anderson 1957, JASA 52:200)."""
    random = np.random.default_rng(2)
    y = random.multivariate_normal([20, 12], [[16, 10], [10, 25]], 600)
    y[random.random(600) < 1 / (1 + np.exp(-(y[:, 0] - 21) / 3)), 1] = np.nan
    arm = np.zeros(600, np.int64)
    found = linearised(y, arm, np.empty((600, 0)), random, WIDE)
    seen = ~np.isnan(y[:, 1])
    slope, intercept = np.polyfit(y[seen, 0], y[seen, 1], 1)
    before = y[:, 0] - y[seen, 0].mean()
    residual = np.where(seen, y[:, 1] - intercept - slope * y[:, 0], 0.0)
    # mean of those seen, plus slope times how far everyone's baseline lies from theirs
    errors = 600 * residual * (1 / seen.sum() + before.mean() * before / (before[seen] ** 2).sum())
    expected = slope * (y[:, 0] - y[:, 0].mean()) + errors
    own = np.where(seen, y[:, 1], intercept + slope * y[:, 0])
    own = own - own.mean()
    total = own + found.estimation(found.drawn[:, :, 1:])[:, 0]
    np.testing.assert_allclose(total, expected, rtol=0.05, atol=0.04 * expected.std())
    known = (own**2).sum()
    assert known < 0.7 * (expected**2).sum()  # were the imputation model known


def test_an_estimate_without_imputed_scores_owes_nothing(trial):
    y, arm = trial
    found = linearised(y, arm, np.empty((90, 0)), np.random.default_rng(1), WIDE)
    constant = np.broadcast_to(
        np.arange(len(found.incomplete))[:, None], (*found.drawn.shape[:2], 1)
    )
    assert found.estimation(constant.astype(float)).tolist() == [[0.0]] * 90


def test_drawn_scores_are_scores_and_observed_ones_stay(trial):
    y, arm = trial
    whole = np.clip(np.rint(y), 0, 52)
    found = linearised(whole, arm, np.empty((90, 0)), np.random.default_rng(1), (0, 52))
    seen = ~np.isnan(whole[found.incomplete])
    for drawn in found.drawn:
        np.testing.assert_array_equal(drawn[seen], whole[found.incomplete][seen])
    assert (found.drawn == np.rint(found.drawn)).all()
    assert found.drawn.min() >= 0
    assert found.drawn.max() <= 52


def test_complete_scores_need_no_model(trial):
    y, arm = trial
    filled = np.where(np.isnan(y), 10.0, y)
    assert linearised(filled, arm, np.empty((90, 0)), np.random.default_rng(1), WIDE) is None
