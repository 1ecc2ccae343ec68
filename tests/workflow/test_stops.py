"""What stops a run says so plainly, leaves nothing half-made, and the run goes on afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pandas as pd
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


def rows_of(study) -> pd.DataFrame:
    return pd.read_csv(study.path / EXPORT, dtype=str, keep_default_na=False)


def save(study, table: pd.DataFrame) -> None:
    table.to_csv(study.path / EXPORT, index=False)


def cell(table: pd.DataFrame, event: str, column: str) -> int:
    """Row of the table with an entry in that column at that event."""
    return int(table.index[(table["redcap_event_name"] == event) & (table[column] != "")][2])


def set_cell(event: str, column: str, value: str):
    """Put a value where an entry stands; returns the row as a spreadsheet counts it."""

    def change(study) -> int:
        table = rows_of(study)
        row = cell(table, event, column)
        table.loc[row, column] = value
        save(study, table)
        return row + 2

    return change


def missing_column(study) -> None:
    save(study, rows_of(study).rename(columns={"hamd17_total": "hamd_total"}))


def duplicated_visit(study) -> int:
    table = rows_of(study)
    row = cell(table, "week_8_arm_1", "hamd17_total")
    twin = table.loc[[row]].assign(hamd17_total="3")
    save(study, pd.concat([table, twin], ignore_index=True))
    return len(table) + 2


def decimal_commas(study) -> None:
    table = rows_of(study)
    seen = ~table["hamd17_total"].isin(["", "-9"])
    table.loc[seen, "hamd17_total"] += ",5"
    save(study, table)


def empty_file(study) -> None:
    (study.path / EXPORT).write_bytes(b"")


def wrong_encoding(study) -> int:
    table = rows_of(study)
    row = cell(table, "end_of_study_arm_1", "study_exit_reason")
    table.loc[row, "study_exit_reason"] = "Übersiedlung"
    table.to_csv(study.path / EXPORT, index=False, encoding="cp1252")
    return row + 2


BAD_INPUT = {
    "missing column": (missing_column, ("hamd17_total", "hamd_total")),
    "wrong type": (set_cell("week_8_arm_1", "hamd17_total", "twelve"), ("hamd17_total", "twelve")),
    "duplicated participant and visit": (duplicated_visit, ("week_8",)),
    "unknown arm": (set_cell("baseline_arm_1", "arm", "7"), ("column arm", "7")),
    "unknown event": (
        set_cell("week_8_arm_1", "redcap_event_name", "week_9_arm_1"),
        ("redcap_event_name", "week_9_arm_1"),
    ),
    "decimal commas": (decimal_commas, ("hamd17_total", "decimal")),
    "out of range": (set_cell("week_8_arm_1", "hamd17_total", "77"), ("hamd17_total", "77", "52")),
    "empty file": (empty_file, ("empty",)),
    "wrong encoding": (wrong_encoding, ("encoding",)),
    "visit outside every window": (
        set_cell("week_8_arm_1", "assessment_date", "2029-01-01"),
        ("assessment_date", "window"),
    ),
}


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_stops_at_the_gate_with_its_place(study, kind):
    change, words = BAD_INPUT[kind]
    row = change(study)
    run = study.snakemake()
    assert run.code != 0
    assert no_traceback(run.text), run.text
    assert "redcap_export.csv" in run.text
    assert all(word in run.text for word in words), run.text
    if row is not None:
        assert f"row {row}" in run.text, run.text
    results = study.path / "results"
    assert (results / "restricted/example/findings.csv").stat().st_size > 0
    assert not [path for path in results.rglob("*") if path.suffix == ".part"]
    assert not (results / "shared").exists() or not list((results / "shared").rglob("*.*"))


def test_after_mending_the_export_the_run_goes_on(study):
    study.edit(EXPORT, "hamd17_total", "hamd_total")
    assert study.snakemake("check").code != 0
    study.edit(EXPORT, "hamd_total", "hamd17_total")
    run = study.snakemake("check")
    assert run.code == 0, run.text


def test_a_run_killed_half_way_is_resumed_to_the_same_bytes(study, finished_lean):
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
    run = study.snakemake()
    assert run.code == 0, run.text
    first, second = finished_lean.contents(), study.contents()
    assert [name for name in first if first[name] != second.get(name)] == []


def test_raw_data_are_never_written_to(finished_lean, study):
    raw = list((study.path / "data/example").iterdir())
    assert len(raw) >= 4
    for path in raw:
        assert (finished_lean.path / "data/example" / path.name).read_bytes() == path.read_bytes()
