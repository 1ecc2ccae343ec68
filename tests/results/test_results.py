"""The estimates table refuses what is not of its language, and survives a round trip."""

from __future__ import annotations

import pandas as pd
import pytest

from ipt_outcomes.results import (
    SCHEMA,
    ResultsError,
    combine,
    estimates,
    read,
    validate,
    write,
)

ROW = {
    "trial": "a",
    "outcome": "hamd17",
    "analysis": "primary",
    "analysis_set": "as randomised",
    "estimand": "policy",
    "quantity": "difference",
    "arm": "IPT",
    "reference": "MED",
    "visit": "week_16",
    "estimate": -3.0,
    "lower": -5.0,
    "upper": -1.0,
    "level": 0.95,
    "n_arm": 70,
    "converged": True,
    "method": "MMRM",
    "status": "confirmatory",
    "disclosure": "shared",
}


def test_a_round_trip_keeps_every_value_and_type(tmp_path):
    table = estimates([ROW, {**ROW, "visit": "week_8", "estimate": None, "lower": None}])
    write(table, tmp_path / "a.parquet", tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read(tmp_path / "a.parquet"), table)
    assert list(pd.read_csv(tmp_path / "a.csv").columns) == list(SCHEMA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.parquet"]


def test_an_empty_table_is_a_table(tmp_path):
    write(estimates([]), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").empty
    assert combine([]).empty


def test_the_same_bytes_twice(tmp_path):
    for name in "ab":
        write(estimates([ROW]), tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv")
    for suffix in ("parquet", "csv"):
        first, second = (tmp_path / f"{n}.{suffix}" for n in "ab")
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": "guess"}, "quantity"),
        ({"status": "sure"}, "status"),
        ({"disclosure": None}, "disclosure: empty"),
        ({"method": None}, "method: empty"),
        ({"estimate": -6.0}, "outside its interval"),
        ({"level": None}, "interval without level"),
        ({"colour": "red"}, "not columns of the estimates table: colour"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(ResultsError, match=message):
        estimates([{**ROW, **change}])


def test_ids_are_unique_and_stable():
    with pytest.raises(ResultsError, match="stands twice"):
        estimates([ROW, ROW])
    table = estimates([ROW])
    assert table.loc[0, "id"] == "a/hamd17/primary/as-randomised/policy/difference/IPT/MED/week_16"
    with pytest.raises(ResultsError, match="stands twice"):
        combine([table, table])


def test_another_schema_version_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = pa.Table.from_pandas(estimates([ROW]), preserve_index=False)
    pq.write_table(frame.replace_schema_metadata({"ipt_results_version": "999"}), tmp_path / "x")
    with pytest.raises(ResultsError, match="results version 999"):
        read(tmp_path / "x")


def test_wrong_types_are_named():
    table = estimates([ROW])
    with pytest.raises(ResultsError, match="n_arm: type float64, expected Int64"):
        validate(table.assign(n_arm=table["n_arm"].astype("float64")))


@pytest.mark.parametrize("labels", [("<6m", ">6m"), ("мужской", "женский"), ("≤ 2", "≥ 2")])
def test_labels_that_differ_in_a_sign_or_an_alphabet_are_different_rows(labels):
    rows = [
        {"trial": "a", "outcome": "length", "analysis": "baseline", "analysis_set": "as randomised",
             "quantity": "count", "contrast": label, "estimate": 5, "method": "count", "status": "exploratory",
             "disclosure": "shared"}
        for label in labels
    ]  # fmt: skip
    assert estimates(rows)["id"].nunique() == 2
