"""The real trial's file, whichever of its two sources it comes from."""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIALS = Path(os.environ.get("IPT_TRIALS", ROOT.parent / "shared" / "trials"))
FILE = TRIALS / "beat_the_blues" / "btheb_wide.csv"


@pytest.fixture
def fetch() -> Callable[[Path], None]:
    script = runpy.run_path(str(ROOT / "scripts" / "setup" / "beat_the_blues.py"))
    return script["main"]  # type: ignore[no-any-return]


def test_the_package_labels_the_months_as_the_trial_did(
    fetch: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPT_TRIALS", str(tmp_path / "nothing here"))
    fetch(tmp_path / "raw" / "btheb_wide.csv")
    table = pd.read_csv(tmp_path / "raw" / "btheb_wide.csv")
    months = [f"bdi.{when}" for when in ("pre", "2m", "3m", "5m", "8m")]
    assert list(table.columns) == ["subject", "drug", "length", "treatment", *months]
    assert table[months].notna().sum().tolist() == [100, 97, 73, 58, 52]
    assert table["treatment"].value_counts().to_dict() == {"BtheB": 52, "TAU": 48}


def test_both_sources_give_the_same_data(
    fetch: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not FILE.exists():
        pytest.skip(f"IPT_TRIALS: {FILE} is not there")
    monkeypatch.setenv("IPT_TRIALS", str(TRIALS))
    fetch(tmp_path / "folder.csv")
    assert (tmp_path / "folder.csv").read_bytes() == FILE.read_bytes()
    monkeypatch.setenv("IPT_TRIALS", str(tmp_path))
    fetch(tmp_path / "package.csv")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "folder.csv"), pd.read_csv(tmp_path / "package.csv")
    )


def test_a_file_that_is_there_stays(fetch: Callable[[Path], None], tmp_path: Path) -> None:
    target = shutil.copy(__file__, tmp_path / "btheb_wide.csv")
    fetch(Path(target))
    assert Path(target).read_bytes() == Path(__file__).read_bytes()
