"""The locked versions: hashed, free of addresses, and the same wherever they stand."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("uv", "run", "dev")


def requirements(lock: str) -> dict[Requirement, list[str]]:
    """Return each locked requirement with its hashes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    found = {}
    for entry in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
        found[Requirement(requirement)] = hashes
    return found


def pins(lock: str) -> set[str]:
    """Return names and versions; for which machines, each set decides for itself."""
    return {f"{requirement.name}{requirement.specifier}" for requirement in requirements(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_one_version_and_hashes(lock: str) -> None:
    for requirement, hashes in requirements(lock).items():
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement


@pytest.mark.parametrize(("smaller", "larger"), [("run", "dev"), ("uv", "run")])
def test_the_smaller_set_is_part_of_the_larger(smaller: str, larger: str) -> None:
    assert pins(smaller) <= pins(larger)


@pytest.mark.parametrize(
    ("lock", "extras"), [("run", ()), ("dev", ("notebooks", "slurm", "real", "dev"))]
)
def test_the_lock_fulfils_pyproject(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    text = (ROOT / "requirements" / "uv.in").read_text("utf-8")
    wanted += [line for line in text.splitlines() if line and not line.startswith("#")]
    locked: dict[str, list[str]] = {}
    for requirement in requirements(lock):
        version = str(requirement.specifier).removeprefix("==")
        locked.setdefault(requirement.name, []).append(version)
    for line in wanted:
        requirement = Requirement(line)
        versions = locked[requirement.name.lower()]
        assert all(requirement.specifier.contains(version) for version in versions), line


def test_no_tracked_file_names_a_registry() -> None:
    # The brackets keep this file from being a finding of its own.
    hosts = "[p]ypi.org|[p]ythonhosted|[r]egistry.npmjs|[d]eb.debian|[r]epo.anaconda"
    found = subprocess.run(
        ["git", "grep", "-nIE", hosts], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode not in (0, 1):
        pytest.skip("not a git checkout")
    assert found.stdout == ""


def test_no_address_stands_in_what_installs() -> None:
    files = [ROOT / "Makefile", ROOT / "environment.yml", ROOT / "pyproject.toml"]
    files += [*(ROOT / "requirements").iterdir(), *(ROOT / "scripts" / "setup").iterdir()]
    assert [file.name for file in files if file.is_file() and b"://" in file.read_bytes()] == []
