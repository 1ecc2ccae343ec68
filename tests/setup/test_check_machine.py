"""What check_machine.sh says on machines that lack something: stubs stand for their programs."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "setup" / "check_machine.sh"


@dataclass(frozen=True)
class Machine:
    """A folder of programs and the name of a system."""

    folder: Path

    def has(self, name: str, script: str = "exit 0") -> Machine:
        program = self.folder / name
        program.write_text(f"#!{shutil.which('sh')}\n{script}\n", "utf-8")
        program.chmod(0o755)
        return self

    def has_python(self, name: str, version: str, venv: bool = True) -> Machine:
        able = "able" if venv else "unable"
        return self.has(name, f"echo '{version} {able} /programs/{name}'")

    def is_system(self, text: str) -> Machine:
        (self.folder / "os-release").write_text(text, "utf-8")
        return self

    def check(self, **environment: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [str(shutil.which("sh")), str(SCRIPT)],
            env={
                "PATH": str(self.folder),
                "OS_RELEASE": str(self.folder / "os-release"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """Debian, an ordinary user, and nothing that set-up needs."""
    machine = Machine(tmp_path).is_system("ID=debian\n")
    return machine.has("uname", "echo Linux").has("id", "echo 1000").has("apt-cache", "exit 100")


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """The same with git and make: only Python is left to look at."""
    return bare.has("git").has("make")


def test_a_bare_machine_hears_everything_at_once(bare: Machine) -> None:
    code, chosen, said = bare.check()
    assert (code, chosen) == (1, "")
    assert "Python was not found" in said
    assert "git was not found" in said
    assert "make was not found" in said
    assert "sudo apt-get install python3 python3-venv git make" in said
    assert "conda create" in said


def test_the_superuser_needs_no_sudo(bare: Machine) -> None:
    _, _, said = bare.has("id", "echo 0").check()
    assert "apt-get install" in said
    assert "sudo" not in said


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "2.7"])
def test_the_accepted_versions_are_those_of_pyproject(machine: Machine, version: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    supported = version in SpecifierSet(project["requires-python"])
    code, chosen, said = machine.has_python("python3", version).check()
    if supported:
        assert (code, chosen, said) == (0, "/programs/python3", "")
    else:
        assert (code, chosen) == (1, "")
        age = "too new" if version == "3.14" else "too old"
        assert f"Python {version} (/programs/python3) is {age}" in said


def test_the_newest_supported_python_is_chosen(machine: Machine) -> None:
    machine.has_python("python3", "3.14").has_python("python3.11", "3.11")
    assert machine.check()[1] == "/programs/python3.11"
    assert machine.has_python("python3.12", "3.12").check()[1] == "/programs/python3.12"


def test_a_python_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.has("python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    assert machine.has_python("python3", "3.11").check()[1] == "/programs/python3"


def test_a_python_without_venv_is_passed_over_for_one_with(machine: Machine) -> None:
    machine.has_python("python3.12", "3.12", venv=False).has_python("python3.11", "3.11")
    assert machine.check()[1] == "/programs/python3.11"


def test_debian_names_the_package_of_a_missing_venv(machine: Machine) -> None:
    code, _, said = machine.has_python("python3", "3.12", venv=False).check()
    assert code == 1
    assert "cannot make virtual environments" in said
    assert "apt-get install python3.12-venv\n" in said


def test_debian_offers_another_python_where_its_release_has_one(machine: Machine) -> None:
    machine.has_python("python3", "3.10")
    assert "apt-get" not in machine.check()[2], "no command that would not help"
    machine.has("apt-cache", 'test "$2" = python3.11-venv')
    assert "apt-get install python3.11 python3.11-venv\n" in machine.check()[2]


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("ID=ubuntu\nID_LIKE=debian\n", "sudo apt-get install python3 python3-venv git"),
        ("ID=fedora\n", "sudo dnf install python3.12 git"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "sudo dnf install python3.12 git"),
        ("ID=arch\n", "macOS:           brew install"),
    ],
)
def test_each_system_has_its_own_command(bare: Machine, system: str, command: str) -> None:
    assert command in bare.is_system(system).check()[2]


def test_macos_has_its_own_command(bare: Machine) -> None:
    bare.has("uname", "echo Darwin").has("git", "exit 1").has("make", "exit 1")
    said = bare.check()[2]
    assert "brew install python@3.13 git" in said
    assert "xcode-select --install" in said


def test_the_python_that_the_user_names_is_the_only_one_asked(machine: Machine) -> None:
    machine.has_python("python3", "3.11").has_python("mine", "3.12").has_python("old", "3.9")
    assert machine.check(PYTHON="mine")[1] == "/programs/mine"
    assert machine.check(PYTHON="old")[0] == 1
    code, _, said = machine.check(PYTHON="/no such/python")
    assert code == 1
    assert "not found at /no such/python" in said


def test_this_machine_can_set_up() -> None:
    done = subprocess.run(["sh", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version = subprocess.run([done.stdout.strip(), "--version"], capture_output=True, check=True)
    assert version.stdout.startswith(b"Python 3.1")
