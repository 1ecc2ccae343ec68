"""Large tables: the same values as a table read whole, and mistakes named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.ingest import large_table
from ipt_outcomes.ingest.large_table import LargeTableError, csv_to_parquet

COLUMNS = {"patient": "whole number", "arm": "text", "score": "number"}


def test_same_values_as_the_table_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(large_table, "BLOCK", 4096)  # many blocks
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "patient": np.arange(3000), "arm": np.where(np.arange(3000) % 2, "IPT", "TAU"),
            "score": rng.normal(20, 5, 3000), "free_text": "never read",
        }
    )  # fmt: skip
    table.loc[::7, "score"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False, na_rep="NA")
    assert csv_to_parquet(tmp_path / "t.csv", tmp_path / "t.parquet", COLUMNS) == 3000
    again = pd.read_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(again, table[list(COLUMNS)], check_dtype=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient,arm,score\n1,IPT,twenty\n", "twenty"),
        ("patient,arm\n1,IPT\n", "score"),
        ("patient,arm,score\n1,IPT\n", "Expected 3 columns"),
        ("", "Empty"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text, "utf-8")
    with pytest.raises(LargeTableError, match=words):
        csv_to_parquet(tmp_path / "t.csv", tmp_path / "t.parquet", COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_decimal_commas(tmp_path):
    (tmp_path / "t.csv").write_text("patient;arm;score\n1;IPT;20,5\n", "utf-8")
    csv_to_parquet(tmp_path / "t.csv", tmp_path / "t.parquet", COLUMNS, delimiter=";", decimal=",")
    assert pd.read_parquet(tmp_path / "t.parquet")["score"].tolist() == [20.5]
