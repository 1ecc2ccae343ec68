"""The program as a bundle carries it: its files, their version and their fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ipt_outcomes import __version__

PACKAGE = Path(__file__).resolve().parents[1]
ROOT_FILES = ("Snakefile", "pyproject.toml", "environment.yml", "LICENSE", "CITATION.cff",
              "THIRD_PARTY.md")  # fmt: skip
ROOT_FOLDERS = ("workflow", "scripts", "profiles", "requirements")


def source_files() -> dict[str, bytes]:
    """Return the program's files as they would lie in its repository.

    A program that was installed without its repository gives the package alone, which is what a
    rebuild needs.
    """
    sources = PACKAGE.parent
    files = {}
    for package in (PACKAGE, sources / "snakemake_logger_plugin_ipt"):
        for path in _files(package):
            files[f"src/{path.relative_to(sources).as_posix()}"] = path.read_bytes()
    root = sources.parent
    if (root / "pyproject.toml").is_file() and (root / "Snakefile").is_file():
        for name in ROOT_FILES:
            if (root / name).is_file():
                files[name] = (root / name).read_bytes()
        for folder in ROOT_FOLDERS:
            for path in _files(root / folder):
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    return files


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    ]


def fingerprint_of(files: Mapping[str, bytes]) -> str:
    """Hash the package's files, names included.

    Examples
    --------
    >>> fingerprint_of({"src/a.py": b"1"}) == fingerprint_of({"src/a.py": b"2"})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(name for name in files if name.startswith("src/")):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return digest.hexdigest()


def version() -> str:
    """Return the program's version."""
    return __version__
