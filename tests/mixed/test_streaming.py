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


def test_a_first_batch_without_a_complete_row_waits_for_the_next(frame, tmp_path):
    path = tmp_path / "trial.parquet"
    early = frame["participant"].isin(frame["participant"].unique()[:9])
    frame = frame.assign(change=frame["change"].where(~early))
    frame.to_parquet(path)
    common = {"participant": "participant", "visit": "visit", "reference": {"arm": "MED"}}
    whole = mixed_model(FORMULA, frame, **common)
    streamed = mixed_model_from_parquet(FORMULA, path, batch_rows=8, **common)
    compare(streamed, whole)
    assert streamed.counts["excluded: change missing"] == whole.counts["excluded: change missing"]


REFUSED = {
    "infinite outcomes": (
        lambda f: f.assign(change=f["change"].where(f.index != 30, np.inf)),
        {},
        "infinite",
    ),
    "infinite covariates": (
        lambda f: f.assign(
            baseline=f["baseline"].where(f["participant"] != f["participant"].iloc[0], np.inf)
        ),
        {},
        "not finite",
    ),
    "text as outcome": (lambda f: f.assign(change="a"), {}, "must be numbers"),
    "nothing to analyse": (lambda f: f.assign(change=np.nan), {}, "no row is left to analyse"),
    "text as visits": (
        lambda f: f.assign(visit="w" + f["visit"].astype(str)),
        {},
        "must be numeric",
    ),
    "no rows at a time": (lambda f: f, {"batch_rows": 0}, "at least 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_cannot_be_streamed_are_refused_in_words(case, frame, tmp_path):
    change, request, told = REFUSED[case]
    path = tmp_path / "trial.parquet"
    change(frame).to_parquet(path)
    with pytest.raises(MixedModelError, match=told):
        mixed_model_from_parquet(FORMULA, path, participant="participant", visit="visit", **request)


def test_what_is_no_parquet_file_is_refused(tmp_path):
    path = tmp_path / "trial.parquet"
    for _ in range(2):
        with pytest.raises(MixedModelError, match="cannot be read as a Parquet file"):
            mixed_model_from_parquet(FORMULA, path, participant="participant", visit="visit")
        path.write_text("participant,visit")
