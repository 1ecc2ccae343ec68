"""The Makefile's targets, and who may use what is under the GPL."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Makefile").read_text("utf-8")
TARGETS = re.findall(r"^([a-z-]+):", TEXT, re.MULTILINE)

# Extend this list and the documents together: names that people learn are not to be lost.
COMMANDS = {
    *("help", "run", "test", "real", "lock", "lint", "docs", "notebooks", "validate", "simulate"),
    *("bench", "bench-scale", "slurm-test", "faults", "clean"),
}


def test_targets_are_commands_that_are_agreed_on() -> None:
    assert set(TARGETS) <= COMMANDS
    assert sorted(TARGETS) == sorted(re.findall(r"^\.PHONY: (.*)", TEXT, re.M)[0].split())


@pytest.mark.parametrize("make", ["make", "bmake"])
def test_help_is_the_default_and_lists_every_target(make: str) -> None:
    if shutil.which(make) is None:
        pytest.skip(f"{make} is not installed")
    said = subprocess.run([make], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+) +\S", said, re.MULTILINE) == TARGETS


@pytest.mark.parametrize("make", ["make", "bmake"])
def test_every_target_is_understood(make: str) -> None:
    if shutil.which(make) is None:
        pytest.skip(f"{make} is not installed")
    for target in TARGETS:
        subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, check=True)


def imported(folder: Path) -> set[str]:
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("part", ["mixed", "imputation"])
def test_the_parts_that_could_stand_alone_are_free_of_gpl(part: str) -> None:
    folder = ROOT / "src" / "ipt_outcomes" / part
    assert "pingouin" not in imported(folder)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    named = {module for c in contracts["contracts"] for module in c.get("source_modules", [])}
    if (folder / "__init__.py").exists():
        assert f"ipt_outcomes.{part}" in named, "give it its place in [tool.importlinter]"
