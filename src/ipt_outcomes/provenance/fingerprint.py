"""A fingerprint of the code behind a rule, so that an edit re-runs exactly what depends on it.

Snakemake re-runs a rule when its inputs, parameters or script change, but knows nothing of the
package that the script calls. Each rule therefore carries the hash of the package's modules that
it uses, followed through their imports inside the package, and of the data files beside them.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "ipt_outcomes"
ROOT = Path(__file__).resolve().parents[1]


def fingerprint(*modules: str) -> str:
    """Hash the named modules, all that they import from this package, and their data files.

    Parameters
    ----------
    *modules
        Dotted names inside the package, such as ``"ingest"`` or ``"analyses.primary"``.

    Returns
    -------
    str
        Sixteen hexadecimal digits that change when any of that code does.

    Raises
    ------
    ValueError
        When a name is no module of the package.

    Examples
    --------
    >>> fingerprint("results") == fingerprint("results")
    True
    >>> fingerprint("results") == fingerprint("study")
    False
    """
    reached: set[str] = set()
    waiting = [f"{PACKAGE}.{module}" for module in modules]
    for name in waiting:
        if _file(name) is None:
            raise ValueError(f"{name} is not a module of this package")
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(_imports(name))
    digest = hashlib.sha256()
    for path in sorted({file for name in reached for file in _files(name)}):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")[1:])
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file() and path != ROOT:
            return candidate
    return ROOT / "__init__.py" if path == ROOT else None


def _files(module: str) -> list[Path]:
    """Return the module's source and, for a package, the templates and tables it reads."""
    source = _file(module)
    assert source is not None
    if source.name != "__init__.py" or module == PACKAGE:
        return [source]
    # Templates and tables of a package lie beside its modules or in folders that hold no module.
    data = [
        path
        for path in source.parent.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
    ]
    return [source, *data]


@cache
def _imports(module: str) -> list[str]:
    source = _file(module)
    assert source is not None
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _resolve(module, source.name == "__init__.py", node)
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    inside = {name for name in found if name.split(".")[0] == PACKAGE and _file(name)}
    # Importing a.b.c runs a and a.b too; the root holds only the version, which is no code of ours.
    parents = {
        ".".join(name.split(".")[:depth]) for name in inside for depth in range(2, name.count("."))
    }
    parents |= {name.rpartition(".")[0] for name in inside}
    return sorted((inside | parents) - {PACKAGE, ""})


def _resolve(module: str, is_package: bool, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module that a ``from ... import`` names."""
    if node.level == 0:
        return node.module or ""
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, node.module] if node.module else kept)
