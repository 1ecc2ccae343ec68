"""Write environment.yml: for conda users, what requirements/run.txt locks for everyone else.

It names the project's direct dependencies at the versions of the lock, and what installs the
project itself; conda chooses the rest. `make lock` runs this, and a test holds the file against it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

# Where conda calls a package otherwise. Its "base" and "minimal" packages are those that leave out
# what nobody needs here (window toolkits, cloud storage).
CONDA_NAMES = {
    "great-tables": "great_tables",
    "matplotlib": "matplotlib-base",
    "pandera": "pandera-pandas",
    "seaborn": "seaborn-base",
    "snakemake": "snakemake-minimal",
}

# What conda's channels have under no name that brings the same Python package.
PIP_ONLY = ("pypandoc-binary", "typst")

# These install the project in the activated environment (see README.md).
INSTALLERS = ("editables", "hatchling", "pip")

HEAD = """\
# For conda users; everyone else runs `make run`. Written by `make lock`: do not edit by hand.
#
#     conda env create --file environment.yml
#     conda activate ipt-outcomes
#     pip install --no-deps --no-build-isolation --editable .
name: ipt-outcomes
channels:
  - conda-forge
  - bioconda
dependencies:
"""


def locked_versions(lock: Path) -> dict[str, str]:
    """Read which version a hashed requirements file holds of each package."""
    pins = re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(pins)


def environment() -> str:
    """Compose environment.yml from pyproject.toml and requirements/run.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = locked_versions(ROOT / "requirements" / "run.txt")
    direct = [Requirement(line).name.lower() for line in project["dependencies"]]
    lines = [f"python{project['requires-python']}"]
    by_conda = [name for name in sorted(direct) if name not in PIP_ONLY]
    lines += [f"{CONDA_NAMES.get(name, name)}={versions[name]}" for name in by_conda]
    lines += [f"{name}={versions[name]}" for name in INSTALLERS]
    by_pip = [f"{name}=={versions[name]}" for name in PIP_ONLY]
    return "".join(
        [
            HEAD,
            *(f"  - {line}\n" for line in lines),
            "  - pip:\n",
            *(f"      - {line}\n" for line in by_pip),
        ]
    )


if __name__ == "__main__":
    (ROOT / "environment.yml").write_text(environment(), encoding="utf-8")
