"""A synthesis from config.yaml to rows and figures: published trials, our own, and both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ipt_outcomes.figures.pooling import forest, funnel
from ipt_outcomes.ingest.findings import DataErrors
from ipt_outcomes.results import estimates, read
from ipt_outcomes.study import ConfigError, load_study
from ipt_outcomes.synthesis.planned import planned_synthesis

ROOT = Path(__file__).resolve().parents[2]
TABLE = """trial,outcome,mean_arm,sd_arm,n_arm,mean_reference,sd_reference,n_reference,control
A 2001,BDI,9.8,7.9,61,13.2,7.8,62,waiting list
A 2001,HAM-D,12.0,10.6,61,15.0,10.5,62,waiting list
B 2004,BDI,10.1,8.0,40,12.0,8.5,41,usual care
C 2010,HAM-D,11.5,7.0,30,14.5,7.5,28,usual care
D 2012,BDI,12.0,9.0,55,13.0,9.5,50,waiting list
"""
PUBLISHED = {"file": "trials.csv", "categories": {"control": "control"}}


def folder_with(tmp_path: Path, **changes: object) -> Path:
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    plan = {"label": "Depression", "outcome": "depression", "comparison": "IPT against control",
            "published": PUBLISHED, "subgroups": ["control"], **changes}  # fmt: skip
    config["synthesis"] = {"pooled": {k: v for k, v in plan.items() if v is not None}}
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    (tmp_path / "trials.csv").write_text(TABLE, "utf-8")
    return tmp_path


def own_rows() -> pd.DataFrame:
    """A g of the example trial, as its primary analysis would state it."""
    return estimates(
        [
            {
                "trial": "example", "outcome": "hamd17", "analysis": "primary",
                "analysis_set": "as randomised", "estimand": "policy", "quantity": "effect size",
                "contrast": "Hedges g on the observed endpoint SD (7.9)", "arm": "IPT",
                "reference": "MED", "visit": "week_16", "unit": "SD", "estimate": 0.45, "se": 0.16,
                "n_arm": 60, "n_reference": 61, "method": "MMRM", "converged": True,
                "status": "exploratory", "disclosure": "shared",
            }
        ]
    )  # fmt: skip


def pooled_of(rows: pd.DataFrame) -> pd.Series:
    mine = rows[(rows["analysis"] == "pooled trials") & (rows["trial"] == "pooled")]
    return mine[mine["contrast"] == "pooled effect"].iloc[0]


def test_published_trials_with_figures(tmp_path):
    folder = folder_with(tmp_path)
    study = load_study(folder / "config.yaml", check_files=False)
    found = planned_synthesis(study, "pooled", folder, None)
    pooled = pooled_of(found.rows)
    assert "CR2" in pooled["method"]  # two rows of A 2001 are dependent
    assert 0.2 < pooled["estimate"] < 0.5
    drawings = {"forest": forest, "funnel": funnel}
    for name, draw in drawings.items():
        drawing = draw(study.synthesis["pooled"], "pooled", found.rows)
        assert len(drawing.data) == 5
        assert set(drawing.data["id"]) <= set(found.rows["id"])
        drawing.save(tmp_path / name)
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    weights = forest(study.synthesis["pooled"], "pooled", found.rows).data["weight"]
    assert weights.sum() == pytest.approx(100)
    assert "No test for small-study effects" in str(
        funnel(study.synthesis["pooled"], "pooled", found.rows).caption
    )


def test_own_trial_replaces_its_published_rows(tmp_path):
    own = {"outcome": "hamd17", "estimand": "policy", "compare": ["IPT", "MED"]}
    published = {**PUBLISHED, "same_trials": {"example": "B 2004"}}
    folder = folder_with(tmp_path, own=own, published=published, subgroups=[])
    study = load_study(folder / "config.yaml", check_files=False)
    rows = planned_synthesis(study, "pooled", folder, own_rows()).rows
    effects = rows[
        (rows["analysis"] == "pooled trials in pooled")
        & (rows["contrast"] == "effect of the trial")
    ]
    assert sorted(effects["trial"].unique()) == ["A 2001", "C 2010", "D 2012", "example"]
    ours = effects[effects["trial"] == "example"].iloc[0]
    np.testing.assert_allclose([ours["estimate"], ours["se"]], [0.45, 0.16])
    assert "replace 1 row published as B 2004" in pooled_of(rows)["notes"]


def test_mistakes_are_named(tmp_path):
    folder = folder_with(tmp_path, own={"outcome": "x", "estimand": "policy", "compare": ["IPT", "no"]},
                         subgroups=["colour"])  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        load_study(folder / "config.yaml", check_files=False)
    for words in ("x is not known", "no is not known", "colour is no moderator"):
        assert words in str(raised.value)
    folder_with(tmp_path, published=None, subgroups=[])
    with pytest.raises(ConfigError, match="names no trials"):
        load_study(folder / "config.yaml", check_files=False)
    folder_with(tmp_path)
    (folder / "trials.csv").write_text(TABLE.replace("7.9", "nought"), "utf-8")
    study = load_study(folder / "config.yaml", check_files=False)
    with pytest.raises(DataErrors, match="nought"):
        planned_synthesis(study, "pooled", folder, None)
    (folder / "trials.csv").unlink()
    shutil.copytree(ROOT / "data" / "example", folder / "data" / "example")
    with pytest.raises(ConfigError, match=r"there is no file trials\.csv"):
        load_study(folder / "config.yaml")


def test_workflow_pools_published_trials_without_touching_own_data(tmp_path):
    folder = folder_with(tmp_path)
    shutil.copytree(ROOT / "data" / "example", folder / "data" / "example")
    target = "results/shared/pooled/estimates/synthesis.parquet"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--profile",
               str(ROOT / "profiles" / "default"), "--cores", "1", target]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = read(folder / target)
    study = load_study(folder / "config.yaml")
    again = planned_synthesis(study, "pooled", folder, None).rows
    pd.testing.assert_frame_equal(rows, again)
    assert (folder / "results/shared/pooled/figures/forest.png").is_file()
    assert not (folder / "results/restricted/example").exists()
