"""Cronbach's alpha and McDonald's omega against theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.instruments import item_table, reliability


def with_covariance(covariance: np.ndarray, n: int, seed: int) -> pd.DataFrame:
    """Return data whose sample covariance is exactly the one given."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, len(covariance)))
    noise -= noise.mean(axis=0)
    whitened = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False))).T
    return pd.DataFrame(whitened @ np.linalg.cholesky(covariance).T)


def one_factor(loadings: list[float], rest: list[float]) -> np.ndarray:
    return np.outer(loadings, loadings) + np.diag(rest)


def test_omega_is_exact_where_one_factor_holds():
    loadings, rest = [0.9, 0.6, 0.4, 1.2, 0.8], [0.5, 0.8, 0.3, 1.0, 0.7]
    result = reliability(with_covariance(one_factor(loadings, rest), 300, seed=1))
    expected = sum(loadings) ** 2 / (sum(loadings) ** 2 + sum(rest))
    assert result.omega == pytest.approx(expected, abs=1e-5)
    assert result.alpha < result.omega
    assert result.notes == ()


def test_alpha_and_omega_agree_where_loadings_are_equal():
    result = reliability(with_covariance(one_factor([0.7] * 4, [0.5] * 4), 200, seed=2))
    expected = 2.8**2 / (2.8**2 + 2.0)
    assert result.alpha == pytest.approx(expected, abs=1e-10)
    assert result.omega == pytest.approx(expected, abs=1e-5)


def test_alpha_has_feldts_interval():
    from scipy.stats import f

    data = with_covariance(one_factor([0.7] * 4, [0.5] * 4), 120, seed=3)
    result = reliability(data, level=0.9)
    df1, df2 = 119, 119 * 3
    assert result.lower == pytest.approx(1 - (1 - result.alpha) * f.ppf(0.95, df1, df2), abs=5e-4)
    assert result.upper == pytest.approx(1 - (1 - result.alpha) * f.ppf(0.05, df1, df2), abs=5e-4)


def test_incomplete_assessments_are_counted_and_set_aside():
    data = with_covariance(one_factor([0.7] * 4, [0.5] * 4), 60, seed=4)
    holes = data.copy()
    holes.iloc[:5, 0] = np.nan
    result = reliability(holes)
    assert (result.n, result.n_incomplete) == (55, 5)
    assert result.alpha == pytest.approx(reliability(data.iloc[5:]).alpha)


def test_items_without_spread_are_named():
    data = with_covariance(one_factor([0.7] * 4, [0.5] * 4), 60, seed=4)
    data[9] = 1.0
    result = reliability(data)
    assert result.items == 4
    assert result.notes == ("without any spread, left out: item 9",)


@pytest.mark.parametrize("shape", [(0, 4), (2, 4), (40, 1)])
def test_too_little_to_say_anything(shape: tuple[int, int]):
    data = pd.DataFrame(np.arange(shape[0] * shape[1], dtype=float).reshape(shape))
    result = reliability(data)
    assert np.isnan(result.alpha)
    assert np.isnan(result.omega)
    assert result.notes


def test_two_items_have_alpha_but_no_omega():
    result = reliability(with_covariance(one_factor([0.7] * 2, [0.5] * 2), 60, seed=5))
    assert result.alpha > 0
    assert np.isnan(result.omega)


def test_the_item_table_counts_what_is_missing():
    data = with_covariance(one_factor([0.7] * 4, [0.5] * 4), 50, seed=6)
    data.iloc[:10, 2] = np.nan
    table = item_table(data)
    assert table["missing"].tolist() == [0, 0, 10, 0]
    assert table["percent_missing"].tolist() == pytest.approx([0, 0, 20, 0])
    rest = data.iloc[10:, [1, 2, 3]].mean(axis=1)
    assert table["item_rest"][0] == pytest.approx(np.corrcoef(data.iloc[10:, 0], rest)[0, 1])
