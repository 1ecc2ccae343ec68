"""Jointly normal scores: what their estimates and imputations promise."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.imputation import ImputationError
from ipt_outcomes.imputation.joint_normal import fit_normal, imputations


def test_em_finds_the_parameters_of_a_large_sample():
    random = np.random.default_rng(3)
    covariance = np.array([[16.0, 8, 6], [8, 30, 20], [6, 20, 40]])
    n = 20_000
    arm = np.repeat([0, 1], n // 2)
    y = random.multivariate_normal([20, 15, 10], covariance, n) - 2.0 * arm[:, None]
    lost = random.random(n) < 1 / (1 + np.exp(-(y[:, 1] - 15) / 4))  # depends on what is seen
    y[lost, 2] = np.nan
    fit = fit_normal(y, np.eye(2)[arm])
    np.testing.assert_allclose(fit.coefficients, [[20, 15, 10], [18, 13, 8]], atol=0.2)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=0.1)
    assert abs(np.nanmean(y[arm == 0, 2]) - 10) > 1  # which plain means miss


def test_imputed_scores_are_scores():
    random = np.random.default_rng(4)
    y = np.clip(np.rint(random.normal([20, 12, 8], 5, (60, 3))), 0, 52)
    y[random.random((60, 3)) < 0.3] = np.nan
    seen = ~np.isnan(y)
    for complete in imputations(y, np.repeat([0, 1], 30), np.empty((60, 0)), 5, random, (0, 52)):
        np.testing.assert_array_equal(complete[seen], y[seen])
        assert (complete == np.rint(complete)).all()
        assert (complete >= 0).all()
        assert (complete <= 52).all()


def test_a_visit_without_scores_cannot_be_imputed():
    y = np.column_stack([np.arange(10.0), np.full(10, np.nan)])
    with pytest.raises(ImputationError, match="without any score"):
        fit_normal(y, np.ones((10, 1)))
