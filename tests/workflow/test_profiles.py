"""The Slurm profile and the shared-out power run, as far as they go without a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_power_is_shared_out_over_the_parts_asked_for(tmp_path):
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "power.smk"),
        "--cores", "1", "--dry-run", "--config", f"design={ROOT}/data/example/planned_trial.yaml",
        "parts=3", "trials=500", "out=power",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for part in ("1", "2", "3"):
        assert f"part_{part}_of_3.parquet" in said
    assert "part_4" not in said


def test_the_slurm_profile_says_how_and_never_what():
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text("utf-8"))
    assert profile["executor"] == "slurm"
    assert not {"config", "configfile", "directory", "snakefile"} & set(profile)
    logs = profile["slurm-logdir"]
    assert logs.startswith("results/restricted/")  # logs may quote data
