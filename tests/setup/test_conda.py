"""environment.yml: what conda users get is what the lock holds."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml
from rattler import MatchSpec, Version

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "setup" / "conda_environment.py"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
LINES = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]


def test_the_file_is_what_the_lock_makes_of_it() -> None:
    text = (ROOT / "environment.yml").read_text("utf-8")
    assert text == SCRIPT["environment"](), "run `make lock`"


@pytest.mark.parametrize("line", LINES)
def test_each_line_is_a_strict_conda_specification(line: str) -> None:
    assert MatchSpec(line, strict=True).version is not None


def test_versions_are_those_of_the_lock() -> None:
    locked = SCRIPT["locked_versions"](ROOT / "requirements" / "run.txt")
    pypi_names = {conda: name for name, conda in SCRIPT["CONDA_NAMES"].items()}
    for line in LINES:
        name, _, version = line.partition("=")
        if not line.startswith("python>"):
            assert Version(version) == Version(locked[pypi_names.get(name, name)]), line


def test_only_what_conda_lacks_comes_from_pip() -> None:
    locked = SCRIPT["locked_versions"](ROOT / "requirements" / "run.txt")
    by_pip = [f"{name}=={locked[name]}" for name in SCRIPT["PIP_ONLY"]]
    assert ENVIRONMENT["dependencies"] == [*LINES, {"pip": by_pip}]
