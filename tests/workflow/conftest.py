"""A study folder of its own for each test, and the real snakemake to run in it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.ingest.identifiers import identifying_entry
from ipt_outcomes.study.locking import lock_plan

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """What a finished call of snakemake said."""

    code: int
    text: str


@dataclass(frozen=True)
class StudyFolder:
    """A folder with config.yaml and exports, run from the checkout's Snakefile."""

    path: Path

    def snakemake(self, *arguments: str, package: Path | None = None, timeout: float = 1200) -> Run:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--profile", str(ROOT / "profiles" / "default"), "--cores", "2", *arguments]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        if package is not None:
            environment["PYTHONPATH"] = str(package)
        done = subprocess.run(
            command,
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.path / file
        text = path.read_text("utf-8")
        assert old in text, f"{old!r} does not stand in {file}"
        path.write_text(text.replace(old, new, 1), "utf-8")

    def times(self) -> dict[str, int]:
        """Modification times of all results."""
        results = self.path / "results"
        return {
            str(path.relative_to(results)): path.stat().st_mtime_ns
            for path in sorted(results.rglob("*"))
            if path.is_file() and "logs" not in path.parts
        }

    def contents(self) -> dict[str, bytes]:
        results = self.path / "results"
        return {
            str(path.relative_to(results)): path.read_bytes()
            for path in sorted(results.rglob("*"))
            if path.is_file() and "logs" not in path.parts
        }


KEPT = ("primary", "problem_areas", "medication")
"""Analyses of the lean study: enough to see what re-runs, what stops and what is resumed."""


def _example(folder: Path, *, lean: bool = False) -> StudyFolder:
    """The example, its plan locked, not yet run; lean: with three of its analyses."""
    text = (ROOT / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(_lean(text) if lean else text, "utf-8")
    shutil.copytree(ROOT / "data" / "example", folder / "data" / "example")
    # Study numbers that no count or score can be mistaken for, should one reach a result.
    export = folder / "data" / "example" / "redcap_export.csv"
    text = export.read_text("utf-8")
    export.write_text(re.sub(r"(?m)^(\d+),", r"person\1x,", text), "utf-8")
    if not lean:
        _plant_identifiers(folder)
    lock_plan(folder / "config.yaml")
    return StudyFolder(folder)


PLANTED = pd.read_csv(ROOT / "tests" / "planted_identifiers.csv", dtype=str)
"""Identifiers of every kind: the name of a column that is refused, and an entry."""
FREE_TEXT = "left when {} had written, since her sister in Bern had fallen ill once again"


def _plant_identifiers(folder: Path) -> None:
    """Plant identifiers where an export may have them and the run still goes to its end.

    Each stands in a column named for it, those that their entries tell also in one with a harmless
    name, and most of them in free text among the reasons for leaving.
    """
    path = folder / "data" / "example" / "redcap_export.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = table.index[table["redcap_event_name"] == "baseline_arm_1"]
    left = table.index[table["redcap_event_name"] == "end_of_study_arm_1"]
    columns: dict[str, list[str]] = {}
    for place, (head, entry, told) in enumerate(PLANTED[["column", "entry", "told by"]].to_numpy()):
        names = [head, f"field_{place}"] if "entry" in told else [head]
        for name in names:
            columns[name] = [""] * len(table)
            columns[name][rows[3 * place]] = entry
        if identifying_entry(text := FREE_TEXT.format(entry)) is None:  # the run would stop
            table.loc[left[place], "study_exit_reason"] = text
    table = pd.concat([table, pd.DataFrame(columns)], axis=1)
    table.to_csv(path, index=False)
    config = folder / "config.yaml"
    text = config.read_text("utf-8")
    assert "\nprivacy:\n" in text
    told = "\nprivacy:\n  identifiers_in_unused_columns: leave out\n"
    config.write_text(text.replace("\nprivacy:\n", told), "utf-8")


def _lean(text: str) -> str:
    before, analyses, after = re.split(r"(?ms)^(analyses:\n.*?)(?=^# ---)", text)
    sections = re.findall(r"(?ms)^  (\w+):(.*?)(?=^  (?:\w+:|#)|\Z)", analyses)
    kept = "".join(f"  {name}:{section}" for name, section in sections if name in KEPT)
    return f"{before}analyses:\n{kept}\n{after}"


def _once(factory: pytest.TempPathFactory, name: str, *, lean: bool = False) -> StudyFolder:
    """Run a study once for all workers of the test run: whoever needs it first makes it."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker whose run failed
            folder.mkdir()
            run = _example(folder, lean=lean).snakemake()
            assert run.code == 0, run.text
            done.touch()
    return StudyFolder(folder)


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    """The lean study, not yet run."""
    return _example(tmp_path, lean=True)


@pytest.fixture
def whole_study(tmp_path: Path) -> StudyFolder:
    """The whole example, not yet run."""
    return _example(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The whole example after one run; only to be read."""
    return _once(tmp_path_factory, "finished")


@pytest.fixture(scope="session")
def finished_lean(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The lean study after one run; copy it before changing it."""
    return _once(tmp_path_factory, "finished_lean", lean=True)


@pytest.fixture
def finished_copy(finished_lean: StudyFolder, tmp_path: Path) -> StudyFolder:
    """A copy of the finished lean study, with its history, to change at will."""
    shutil.copytree(finished_lean.path, tmp_path / "study", copy_function=shutil.copy2)
    return StudyFolder(tmp_path / "study")
