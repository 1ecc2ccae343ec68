"""When environment.sh installs, when it does nothing, and what an interruption leaves behind.

The real script runs in a small folder where stubs stand for Python, pip and uv; each stub writes
down its call, and fails when a file named after it tells it to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """#!/bin/sh
case "$*" in
--version) echo "Python 3.12.1"; exit 0 ;;
"-c ") exit 0 ;;
"-m venv"*) step=venv ;;
"-m pip install"*) step=pip ;;
"-m pip config"*) cat mirror 2>/dev/null; exit $? ;;
"-m compileall"*) step=compile ;;
esac
echo "$step" >>calls
[ ! -e "fail-$step" ] || { echo "no network for $step" >&2; exit 1; }
mkdir -p .venv/bin
cp "$STUBS/python" .venv/bin/python
cp "$STUBS/uv" .venv/bin/uv
"""

UV = """#!/bin/sh
echo "uv $2 ${UV_DEFAULT_INDEX:-}" >>calls
case "$*" in *" requirements/"*.txt*) ;; *" --editable ."*) ;; *) exit 3 ;; esac
[ ! -e fail-uv ] || { echo "cause: failed to look up address" >&2; exit 1; }
"""

NEW = ["venv", "pip", "uv sync ", "uv install ", "compile"]
UPDATE = ["uv sync ", "uv install ", "compile"]


@dataclass(frozen=True)
class Project:
    """A checkout with what environment.sh reads."""

    path: Path
    stubs: Path

    def set_up(self, level: str = "run") -> subprocess.CompletedProcess[str]:
        (self.path / "calls").unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
        return subprocess.run(
            ["sh", "scripts/setup/environment.sh", level],
            cwd=self.path,
            env={**environment, "STUBS": str(self.stubs)},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        file = self.path / "calls"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def change(self, name: str) -> None:
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write("# another line\n")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name, text in (("python", PYTHON), ("uv", UV)):
        (stubs / name).write_text(text, "utf-8")
        (stubs / name).chmod(0o755)
    path = tmp_path / "a folder"
    (path / "requirements").mkdir(parents=True)
    (path / "scripts" / "setup").mkdir(parents=True)
    for name in ("pyproject.toml", "requirements/uv.txt", "requirements/run.txt"):
        (path / name).write_text(name, "utf-8")
    (path / "requirements" / "dev.txt").write_text("dev", "utf-8")
    shutil.copy(ROOT / "scripts" / "setup" / "environment.sh", path / "scripts" / "setup")
    (path / "scripts" / "setup" / "check_machine.sh").write_text(f"echo '{stubs}/python'", "utf-8")
    return Project(path, stubs)


def test_the_first_call_makes_it_and_the_second_does_nothing(project: Project) -> None:
    first = project.set_up()
    assert first.returncode == 0, first.stderr
    assert "Making .venv with Python 3.12.1" in first.stdout
    assert project.calls == NEW
    second = project.set_up()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert project.calls == []


@pytest.mark.parametrize("name", ["requirements/run.txt", "requirements/uv.txt", "pyproject.toml"])
def test_a_changed_lock_is_installed_into_the_same_environment(project: Project, name: str) -> None:
    project.set_up()
    project.change(name)
    project.set_up()
    assert project.calls == UPDATE
    project.set_up()
    assert project.calls == []


def test_run_and_test_in_turn_do_not_install_again(project: Project) -> None:
    project.set_up("run")
    project.set_up("dev")
    assert project.calls == UPDATE
    for level in ("run", "dev", "run"):
        project.set_up(level)
        assert project.calls == []
    project.change("requirements/run.txt")
    project.set_up("run")
    assert project.calls == [], "a developer's environment follows requirements/dev.txt"
    project.change("requirements/dev.txt")
    project.set_up("run")
    assert project.calls == UPDATE


@pytest.mark.parametrize(("step", "what"), [("pip", "fetching"), ("uv", "installing the locked")])
def test_a_failure_is_told_plainly_and_the_next_call_starts_afresh(
    project: Project, step: str, what: str
) -> None:
    order = project.path / f"fail-{step}"
    order.touch()
    failed = project.set_up()
    assert failed.returncode == 1
    assert f"Set-up stopped: {what}" in failed.stderr
    assert "network" in failed.stderr
    assert "Traceback" not in failed.stderr
    order.unlink()
    assert project.set_up().returncode == 0
    assert project.calls == NEW


def test_a_failed_update_leaves_the_environment_as_it_was(project: Project) -> None:
    project.set_up()
    project.change("requirements/run.txt")
    (project.path / "fail-uv").touch()
    assert project.set_up().returncode == 1
    (project.path / "fail-uv").unlink()
    project.set_up()
    assert project.calls == UPDATE


def test_an_interrupted_set_up_is_made_anew(project: Project) -> None:
    project.set_up()
    (project.path / ".venv" / "ready").rename(project.path / ".venv" / "ready.before")
    project.set_up()
    assert project.calls == NEW


def test_a_broken_or_moved_environment_is_made_anew(project: Project) -> None:
    project.set_up()
    (project.path / ".venv" / "bin" / "python").unlink()
    project.set_up()
    assert project.calls == NEW
    moved = Project(project.path.rename(project.path.with_name("moved")), project.stubs)
    moved.set_up()
    assert moved.calls == NEW


def test_uv_is_handed_the_mirror_of_pip(project: Project) -> None:
    (project.path / "mirror").write_text("mirror.example/simple\n", "utf-8")
    project.set_up()
    assert "uv sync mirror.example/simple" in project.calls
