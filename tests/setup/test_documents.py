"""The documents at the root say the same as the package does."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


def direct_dependencies() -> list[str]:
    lines = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        lines += extra
    text = (ROOT / "requirements" / "uv.in").read_text("utf-8")
    lines += [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Requirement(line).name for line in lines]


def test_one_version() -> None:
    assert CITATION["version"] == PROJECT["version"]
    assert metadata("ipt-outcomes")["Version"] == PROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in changes or f"## [{PROJECT['version']}]" in changes


def test_one_licence() -> None:
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert licence.startswith("BSD 3-Clause License")
    assert licence.count("IPT Outcomes developers") == 1
    assert PROJECT["license"] == CITATION["license"] == "BSD-3-Clause"


def test_the_citation_has_what_its_format_requires() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= CITATION.keys()


@pytest.mark.parametrize("name", direct_dependencies())
def test_third_party_lists_each_direct_dependency(name: str) -> None:
    rows = re.findall(
        rf"^\| {re.escape(name)} \| ([^|]+)", (ROOT / "THIRD_PARTY.md").read_text("utf-8"), re.M
    )
    assert len(rows) == 1, f"THIRD_PARTY.md has {len(rows)} rows for {name}"
    about = metadata(name)
    # Some packages put the whole text of their licence, and of others, into this field.
    named = str(about.get("License"))[:60]
    declared = f"{about.get('License-Expression')} {named} {about.get_all('Classifier')}"
    assert ("GPL" in rows[0]) == bool(re.search(r"GPL|GNU GENERAL", declared))
