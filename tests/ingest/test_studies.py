"""The studies that ship: the simulated example, and the real trial where its data are at hand."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.frames import validate_participants, validate_scores
from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.study import load_study

ROOT = Path(__file__).resolve().parents[2]
TRIALS = Path(os.environ.get("IPT_TRIALS") or ROOT.parent / "shared" / "trials")


def test_the_example(tmp_path):
    study = load_study(ROOT / "config.yaml")
    result = ingest_trial(study, "example", ROOT)
    assert set(result.findings["kind"]) == {
        "another arm received",
        "gap between visits",
        "recognisable participants",
        "unfinished forms",
    }
    assert not (result.findings["severity"] == "error").any()
    validate_scores(result.scores)
    validate_participants(result.participants)
    # counted in the export without the package
    raw = pd.read_csv(ROOT / "data/example/redcap_export.csv", dtype=str)
    assert len(result.participants) == raw["record_id"].nunique()
    for outcome, column in (("hamd17", "hamd17_total"), ("bdi2", "bdi2_total")):
        observed = raw[column].dropna()
        n = int((observed != "-9").sum())
        scores = result.scores[result.scores["outcome"] == outcome]["score"].dropna()
        assert len(scores) == n
        assert scores.sum() == observed[observed != "-9"].astype(float).sum()


def real_study(tmp_path: Path) -> Path:
    data = TRIALS / "beat_the_blues" / "btheb_wide.csv"
    if not data.is_file():
        pytest.skip("no real trials: set IPT_TRIALS to the folder that holds beat_the_blues/")
    folder = tmp_path / "beat_the_blues"
    (folder / "raw").mkdir(parents=True)
    shutil.copy(ROOT / "data/beat_the_blues/config.yaml", folder)
    shutil.copy(data, folder / "raw")
    return folder


def test_beat_the_blues(tmp_path):
    folder = real_study(tmp_path)
    study = load_study(folder / "config.yaml")
    result = ingest_trial(study, "beat_the_blues", folder)
    assert result.findings.empty
    validate_scores(result.scores)
    people = validate_participants(result.participants)
    # HSAUR3: 100 participants; missing after baseline 3, 27, 42 and 48
    assert people["arm"].value_counts().to_dict() == {"BtheB": 52, "TAU": 48}
    observed = result.counts["scores_by_visit"]["bdi"]
    assert list(observed.values()) == [100, 97, 73, 58, 52]
    assert people["characteristic_drug"].notna().all()
    assert set(people["characteristic_length"]) == {"Less than six months", "More than six months"}


def test_beat_the_blues_without_its_missing_code(tmp_path):
    folder = real_study(tmp_path)
    config = (folder / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(config.replace('bdi.8m: ["NA"]', 'bdi.8m: ["none"]'))
    study = load_study(folder / "config.yaml")
    findings = ingest_trial(study, "beat_the_blues", folder).findings
    assert len(findings) == 48
    assert set(findings["column"]) == {"bdi.8m"}
    assert set(findings["found"]) == {'"NA"'}
