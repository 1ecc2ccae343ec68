"""Whether a bundle is whole and says the truth about itself, before anything of it is run.

Bundles carry the version of their layout. ``MIGRATIONS`` turns the manifest of an older layout into
the present one, step by step, so that the bundle of an older release still verifies; each step says
what changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from ipt_outcomes.provenance.archive import ArchiveError, unzipped
from ipt_outcomes.provenance.bundle import BUNDLE_VERSION, MANIFEST, METADATA, kind_of
from ipt_outcomes.provenance.source import fingerprint_of, source_files, version
from ipt_outcomes.study.locking import PLAN_FILE, plan_digest

Status = Literal["pass", "fail", "cannot be rebuilt", "note"]


def _says_how_it_was_protected(manifest: dict[str, Any]) -> dict[str, Any]:
    """Turn layout 1 into 2: the smallest group and the quasi-identifiers were not written down."""
    data = {"smallest_group": None, "quasi_identifiers": None, **manifest["data"]}
    return {**manifest, "data": data, "bundle_version": 2}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _says_how_it_was_protected,
}
"""Layout: what turns its manifest into that of the next one. Layout 1 is the first."""

REQUIRED = ("bundle_version", "program", "data", "plan", "platform", "seed", "checksums")


class BundleError(ValueError):
    """A file that is no bundle, or one that this program cannot read."""


@dataclass(frozen=True)
class Check:
    """One thing that was verified.

    Parameters
    ----------
    kind
        ``data``, ``config``, ``plan``, ``code``, ``number``, ``figure``, ``table``, ``report``,
        ``result``, ``claim`` or ``description``.
    what
        Its name: a file, or the id of a row.
    status
        What came out; ``note`` is neither a pass nor a fail.
    detail
        What was found and what was expected.
    """

    kind: str
    what: str
    status: Status
    detail: str = ""


def read_manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read a bundle's manifest, migrated to the present layout.

    Raises
    ------
    BundleError
        When there is none, or it is of a later layout.
    """
    if MANIFEST not in files:
        raise BundleError(f"the file holds no {MANIFEST}: it is no bundle of `snakemake publish`.")
    try:
        manifest = json.loads(files[MANIFEST].decode("utf-8"))
        layout = int(manifest["bundle_version"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise BundleError(f"{MANIFEST} cannot be read: {error}.") from None
    if layout > BUNDLE_VERSION or layout < 1:
        raise BundleError(
            f"the bundle has layout {layout}, this program reads up to {BUNDLE_VERSION}: use "
            f"release {manifest.get('program', {}).get('version', 'of the bundle')} or later."
        )
    while layout < BUNDLE_VERSION:
        manifest, layout = MIGRATIONS[layout](manifest), layout + 1
    if lacking := [name for name in REQUIRED if name not in manifest]:
        raise BundleError(f"{MANIFEST} lacks {', '.join(lacking)}.")
    return dict(manifest)


def integrity(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> list[Check]:
    """Compare every file with its checksum, and the description with the files.

    Parameters
    ----------
    files
        The bundle's files.
    manifest
        What :func:`read_manifest` returned.
    """
    checks = []
    known: Mapping[str, str] = manifest["checksums"]
    for path, expected in known.items():
        if path not in files:
            checks.append(Check(kind_of(path), path, "fail", "is missing from the bundle"))
            continue
        found = hashlib.sha256(files[path]).hexdigest()
        if found == expected:
            checks.append(Check(kind_of(path), path, "pass", "checksum"))
        else:
            said = f"was changed after publication: SHA-256 {found[:12]}, expected {expected[:12]}"
            checks.append(Check(kind_of(path), path, "fail", said))
    for path in sorted(set(files) - set(known) - {MANIFEST, METADATA}):
        checks.append(Check(kind_of(path), path, "fail", "was added after publication"))
    checks.append(_described(files))
    checks += [_seed(files, manifest), *_plan(files, manifest)]
    checks += _code(files, manifest)
    return checks


def _seed(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Check:
    """Hold the seed of the configuration against that of the run."""
    name = "config/config.yaml"
    try:
        found = yaml.safe_load(files.get(name, b""))["study"]["seed"]
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        return Check("config", f"{name}: seed", "fail", "cannot be read")
    if found != manifest["seed"]:
        said = f"is {found}, the results were made with {manifest['seed']}"
        return Check("config", f"{name}: seed", "fail", said)
    return Check("config", f"{name}: seed", "pass", f"is {found}")


def _plan(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Iterator[Check]:
    """Hold the locked plan against its own hash and against the one of the run."""
    name, expected = f"config/{PLAN_FILE}", str(manifest["plan"]["sha256"])
    if name not in files:
        if expected:
            yield Check("plan", name, "fail", "the results were made under a plan, which lacks")
        return
    try:
        content = yaml.safe_load(files[name])
        found, said = plan_digest({**content, "locked_on": str(content["locked_on"])}), ""
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        yield Check("plan", name, "fail", "cannot be read")
        return
    if found != content.get("sha256"):
        said = f"was changed after it was locked: its content has the hash {found[:12]}"
    elif found != expected:
        said = f"has the hash {found[:12]}, the results were made under {expected[:12]}"
    yield Check("plan", name, "fail" if said else "pass", said or f"hash {found[:12]}")


def _described(files: Mapping[str, bytes]) -> Check:
    """Hold the RO-Crate's list of files against the bundle."""
    try:
        graph = json.loads(files[METADATA].decode("utf-8"))["@graph"]
        parts = {
            part["@id"] for entity in graph if entity["@id"] == "./" for part in entity["hasPart"]
        }
    except (KeyError, ValueError, TypeError, UnicodeDecodeError):
        return Check("description", METADATA, "fail", "is missing or cannot be read")
    unlike = parts ^ (set(files) - {METADATA})
    if unlike:
        said = f"does not describe the files of the bundle: {', '.join(sorted(unlike)[:5])}"
        return Check("description", METADATA, "fail", said)
    return Check("description", METADATA, "pass", f"describes {len(parts)} files")


def _code(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> list[Check]:
    """Hold the source against its fingerprint, and against the installed program of its version."""
    name = "code/source.zip"
    try:
        source = unzipped(files.get(name, b""))
    except ArchiveError as error:
        return [Check("code", name, "fail", str(error))]
    found, expected = fingerprint_of(source), str(manifest["program"]["fingerprint"])
    if found != expected:
        said = f"fingerprint {found[:12]}, the manifest says {expected[:12]}"
        return [Check("code", name, "fail", said)]
    checks = [Check("code", name, "pass", f"fingerprint {found[:12]}")]
    of = manifest["program"]["version"]
    if of != version():
        said = f"made by release {of}, verified by {version()}: rebuilt with the bundle's own code"
        return [*checks, Check("code", "release", "note", said)]
    here = source_files()
    unlike = [
        path
        for path in sorted({*source, *here})
        if path.startswith("src/") and source.get(path) != here.get(path)
    ]
    if unlike:
        said = (
            f"{len(unlike)} files differ from the installed release {of}: {', '.join(unlike[:5])}"
        )
        return [*checks, Check("code", "installed release", "fail", said)]
    return [*checks, Check("code", "installed release", "pass", f"equal to {of}")]
