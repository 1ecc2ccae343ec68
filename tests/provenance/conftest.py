"""A small published study: the example with its main analyses, and its bundle."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ipt_outcomes.frames import write_frames
from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.ingest.release import release
from ipt_outcomes.provenance.archive import unzipped
from ipt_outcomes.provenance.bundle import publish
from ipt_outcomes.provenance.integrity import read_manifest
from ipt_outcomes.provenance.rebuild import rebuild
from ipt_outcomes.provenance.verify import run_rebuild
from ipt_outcomes.study import load_study

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Published:
    """A study folder, its bundle, the bundle's files and what was rebuilt from them."""

    folder: Path
    bundle: Path
    files: dict[str, bytes]
    rebuilt: Path

    @property
    def manifest(self):
        return read_manifest(self.files)


def report_of(folder: Path) -> None:
    """Write the report as the workflow does."""
    spec = importlib.util.spec_from_file_location("report_script", ROOT / "scripts" / "report.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    shared = folder / "results" / "shared"
    script.main(
        config=str(folder / "config.yaml"),
        trials=["example"],
        estimates=str(shared / "estimates.parquet"),
        figures=[str(path) for path in sorted((shared / "example" / "figures").glob("*.json"))],
        counts=[str(folder / "results" / "restricted" / "example" / "ingest.json")],
        report=str(shared / "report.html"),
    )


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its primary outcome and analysis alone, and its results."""
    folder = tmp_path_factory.mktemp("study")
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    config["analyses"] = {"primary": config["analyses"]["primary"]}
    del config["outcomes"]["bdi2"]
    del config["trials"]["example"]["columns"]["outcomes"]["bdi2"]
    config["trials"]["example"]["codes"]["missing"].pop("bdi2_total")
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (folder / "config.yaml").write_text(text, "utf-8")
    shutil.copytree(ROOT / "data" / "example", folder / "data" / "example")
    study = load_study(folder / "config.yaml")
    read = release(ingest_trial(study, "example", str(folder)), study, "example")
    restricted = folder / "results" / "restricted" / "example"
    write_frames(
        read.scores, read.participants, str(restricted / "scores.parquet"),
        str(restricted / "participants.parquet"), read.process, str(restricted / "process.parquet"),
    )  # fmt: skip
    (restricted / "ingest.json").write_text(json.dumps(read.counts), "utf-8")
    failures = rebuild(
        str(folder / "config.yaml"), str(folder / "results/restricted"),
        str(folder / "results/shared"),
    )  # fmt: skip
    assert failures == {}
    (folder / "results" / "shared" / "failures.json").unlink()
    report_of(folder)
    return folder


@pytest.fixture(scope="session")
def published(small_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Its bundle, and what a clean folder makes of it."""
    bundle = small_study / "results" / "bundle.zip"
    publish(small_study, bundle)
    files = unzipped(bundle)
    clean = tmp_path_factory.mktemp("clean")
    assert run_rebuild(files, clean) is None
    return Published(small_study, bundle, files, clean / "out")
