"""A model streamed from Parquet equals the model of the data frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import (
    DesignError,
    MixedModelError,
    mixed_model,
    mixed_model_from_parquet,
)
from ipt_outcomes.mixed.validate import FORMULA, reference_trial

FOLDER = Path(__file__).parents[1] / "reference"


@pytest.fixture
def frame():
    return reference_trial(FOLDER)


def compare(streamed, whole):
    one, two = whole.coefficients.set_index("term"), streamed.coefficients.set_index("term")
    columns = ["estimate", "se", "df"]
    np.testing.assert_allclose(one[columns], two.loc[one.index, columns], rtol=1e-8)
    assert streamed.loglik == pytest.approx(whole.loglik, rel=1e-11)
    assert streamed.n_observations == whole.n_observations
    assert streamed.n_participants == whole.n_participants


@pytest.mark.parametrize("batch_rows", [17, 100_000])
@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"covariance": "toeph", "df": "kenward-roger"},
        {"covariance_by": "arm", "df": "satterthwaite"},
        {"random": "1 + week", "df": "satterthwaite"},
        {"reml": False, "df": "between-within"},
    ],
)
def test_streamed_equals_whole(frame, tmp_path, batch_rows, request_):
    path = tmp_path / "trial.parquet"
    frame.to_parquet(path)
    common = {"participant": "participant", "visit": "visit", "reference": {"arm": "MED"}}
    whole = mixed_model(FORMULA, frame, **common, **request_)
    streamed = mixed_model_from_parquet(FORMULA, path, batch_rows=batch_rows, **common, **request_)
    compare(streamed, whole)
    columns = ["estimate", "se", "df", "lower"]
    one = whole.contrasts("arm", by="visit")
    two = streamed.contrasts("arm", by="visit")
    np.testing.assert_allclose(one[columns], two[columns], rtol=1e-8, atol=1e-9)
    one = whole.means("arm", by="visit", weights="proportional")
    two = streamed.means("arm", by="visit", weights="proportional")
    np.testing.assert_allclose(one[columns], two[columns], rtol=1e-8)
    np.testing.assert_allclose(whole.anova()["statistic"], streamed.anova()["statistic"], rtol=1e-8)
    assert streamed.counts["excluded: change missing"] == 160


def test_growth_in_time(frame, tmp_path):
    path = tmp_path / "trial.parquet"
    frame.to_parquet(path)
    common = {"participant": "participant", "visit": "visit", "random": "1 + week"}
    formula = "score ~ baseline*arm + week*arm + log(week)"
    whole = mixed_model(formula, frame, df="satterthwaite", **common)
    compare(mixed_model_from_parquet(formula, path, df="satterthwaite", **common), whole)


def test_scattered_participants_are_refused(frame, tmp_path):
    path = tmp_path / "trial.parquet"
    pd.concat([frame.iloc[1:], frame.iloc[:1]]).to_parquet(path)
    for batch_rows in (50, 10_000):
        with pytest.raises(DesignError, match="stand together"):
            mixed_model_from_parquet(
                FORMULA, path, participant="participant", visit="visit", batch_rows=batch_rows
            )


def test_what_needs_rows_is_refused(frame, tmp_path):
    path = tmp_path / "trial.parquet"
    frame.to_parquet(path)
    fit = mixed_model_from_parquet(FORMULA, path, participant="participant", visit="visit")
    with pytest.raises(MixedModelError, match="streamed fit does not keep"):
        fit.residuals()
    with pytest.raises(DesignError, match="nearest"):
        mixed_model_from_parquet("chang ~ arm", path, participant="participant", visit="visit")
