"""What stops a run says so plainly, leaves nothing half-made, and the run goes on afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from .conftest import ROOT

EXPORT = "data/example/redcap_export.csv"


def no_traceback(text: str) -> bool:
    return not any(word in text for word in ("Traceback", "RuleException", "CalledProcessError"))


def test_a_broken_configuration_lists_every_mistake(study):
    study.edit("config.yaml", "reference_arm: MED", "reference_arm: PLACEBO")
    study.edit("config.yaml", "week: 8,", "week: eight,")
    run = study.snakemake()
    assert run.code != 0
    assert no_traceback(run.text), run.text
    assert "config.yaml cannot be used" in run.text
    assert "visits.week_8.week" in run.text
    assert not (study.path / "results").exists()


def test_a_missing_configuration(study):
    (study.path / "config.yaml").unlink()
    run = study.snakemake()
    assert run.code != 0
    assert no_traceback(run.text), run.text
    assert "does not exist" in run.text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # a participant's arm that the configuration does not know
        ("hamd17_total", "hamd_total", ("hamd17_total", "column")),
    ],
)
def test_a_broken_export_stops_at_the_gate(study, old, new, words):
    study.edit(EXPORT, old, new)
    run = study.snakemake()
    assert run.code != 0
    assert no_traceback(run.text), run.text
    assert "redcap_export.csv" in run.text
    assert all(word in run.text for word in words), run.text
    results = study.path / "results"
    assert (results / "restricted/example/findings.csv").stat().st_size > 0
    assert not (results / "shared").exists() or not list((results / "shared").rglob("*.*"))


def test_after_mending_the_export_the_run_goes_on(study):
    study.edit(EXPORT, "hamd17_total", "hamd_total")
    assert study.snakemake("check").code != 0
    study.edit(EXPORT, "hamd_total", "hamd17_total")
    run = study.snakemake("check")
    assert run.code == 0, run.text


def test_a_run_killed_half_way_is_resumed_to_the_same_bytes(study, finished):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--profile", str(ROOT / "profiles/default"), "--cores", "1"]
    process = subprocess.Popen(
        command, cwd=study.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    half_way = study.path / "results/shared/example/estimates/describe.parquet"
    for _ in range(600):
        if half_way.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert half_way.exists()
    assert not (study.path / "results/shared/report.html").exists()
    locked = study.snakemake()
    assert locked.code != 0
    assert "--unlock" in locked.text
    assert study.snakemake("--unlock").code == 0
    run = study.snakemake("--rerun-incomplete")
    assert run.code == 0, run.text
    first, second = finished.contents(), study.contents()
    assert [name for name in first if first[name] != second.get(name)] == []


def test_raw_data_are_never_written_to(finished):
    for path in (ROOT / "data/example").iterdir():
        assert (finished.path / "data/example" / path.name).read_bytes() == path.read_bytes()
