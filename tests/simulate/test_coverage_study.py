"""The coverage study runs, counts what it counts, and sees a wrong truth."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "coverage.py"


@pytest.fixture(scope="module")
def coverage():
    spec = importlib.util.spec_from_file_location("coverage_study", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_small_study_prints_and_writes_its_table(coverage, tmp_path, capsys):
    coverage.main(["--trials", "6", "--seed", "2", "--people", "2000", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "fits that failed: 0 of 12" in printed
    table = pd.read_csv(tmp_path / "coverage.csv")
    assert len(table) == 2 * 5 * 3
    assert (table["trials"] == 6).all()
    endpoint = table[(table["visit"] == "week_16") & (table["reference"] == "MED")]
    assert (np.abs(endpoint["bias"]) < 5 * endpoint["bias_mc_error"]).all()
    assert "| hypothetical | week_16 | IPT − MED |" in (tmp_path / "coverage.md").read_text()


def test_coverage_counts_intervals_that_hold_the_truth(coverage):
    key = {"estimand": "e", "visit": "v", "arm": "A", "reference": "B"}
    draws = pd.DataFrame(
        [{**key, "estimate": e, "se": 1.0, "lower": e - 2, "upper": e + 2} for e in (0, 1, 3, 4)]
    )
    found = coverage.summarise(draws, pd.DataFrame([{**key, "truth": 1.0}])).iloc[0]
    assert found["coverage"] == 75
    assert found["bias"] == 1
    assert found["se_ratio"] == pytest.approx(1 / np.std([0, 1, 3, 4], ddof=1))
