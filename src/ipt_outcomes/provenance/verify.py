"""Rebuild a bundle's results and say of each published number and figure whether it holds.

The bundle is unpacked into a clean folder; its own source runs its own data under its own
configuration in a process of its own (:mod:`.rebuild`), which never sees an estimate of the bundle.
Then every row, figure, table and number quoted in the report is compared. What depends on withheld
data *cannot be rebuilt*: that is neither a pass nor a fail.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ipt_outcomes.provenance.archive import ArchiveError, unpack, unzipped
from ipt_outcomes.provenance.bundle import platform_name
from ipt_outcomes.provenance.claims import Claim, check_claims
from ipt_outcomes.provenance.compare import pictures_differ, row_differences, tables_differ
from ipt_outcomes.provenance.integrity import BundleError, Check, integrity, read_manifest
from ipt_outcomes.provenance.quoted import quoted_numbers
from ipt_outcomes.results import ResultsError, read, spreadsheet_frame

WITHHELD = "data withheld"
EVERYTHING = "*"


@dataclass(frozen=True)
class Verification:
    """What came out.

    Parameters
    ----------
    bundle
        Name and SHA-256 of the file.
    manifest
        What the bundle says of itself.
    checks
        All checks.
    """

    bundle: tuple[str, str]
    manifest: Mapping[str, Any]
    checks: list[Check]

    @property
    def counts(self) -> dict[str, int]:
        """Number of checks by status."""
        return dict(Counter(check.status for check in self.checks))

    @property
    def exit_code(self) -> int:
        """0: everything holds; 1: something fails; 3: something cannot be rebuilt, none fails."""
        counts = self.counts
        if counts.get("fail"):
            return 1
        return 3 if counts.get("cannot be rebuilt") else 0


def verify(
    bundle: str | Path,
    *,
    claims: list[Claim] | None = None,
    digest: str | None = None,
    processes: int = 1,
) -> Verification:
    """Verify a bundle.

    Parameters
    ----------
    bundle
        The ZIP file of ``snakemake publish``.
    claims
        A paper's published numbers.
    digest
        The SHA-256 that the paper prints, or its beginning.
    processes
        Analyses that run at the same time.

    Raises
    ------
    BundleError
        When the file is no bundle.
    """
    path = Path(bundle)
    try:
        files = unzipped(path)
    except ArchiveError as error:
        raise BundleError(f"{path}: {error}") from None
    manifest = read_manifest(files)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    checks = list(_digest(path.name, sha256, digest))
    checks += integrity(files, manifest)
    with tempfile.TemporaryDirectory(prefix="ipt_verify_") as place:
        folder = Path(place)
        said = run_rebuild(files, folder, processes)
        if said is None:
            checks += compare(files, manifest, folder / "out", claims or [])
        else:
            checks.append(Check("code", "rebuild", "fail", f"did not run: {said}"))
    return Verification((path.name, sha256), manifest, checks)


def _digest(name: str, found: str, expected: str | None) -> Iterator[Check]:
    if expected is None:
        return
    if len(expected) >= 8 and found.startswith(expected.lower()):
        yield Check("description", name, "pass", "is the file that was named")
    else:
        yield Check("description", name, "fail", f"SHA-256 {found[:16]}, expected {expected[:16]}")


def run_rebuild(files: Mapping[str, bytes], folder: Path, processes: int = 1) -> str | None:
    """Unpack code, data and configuration, and run the rebuild; return its last words if it fails.

    Parameters
    ----------
    files
        The bundle's files.
    folder
        A clean folder; results come to lie in its ``out``.
    processes
        Analyses that run at the same time.
    """
    inputs = {n: c for n, c in files.items() if n.startswith(("data/", "config/"))}
    unpack(inputs, folder)
    try:
        unpack(unzipped(files.get("code/source.zip", b"")), folder / "code")
    except ArchiveError as error:
        return str(error)
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PYTHONPATH": str(folder / "code" / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    command = [
        sys.executable, "-m", "ipt_outcomes.provenance.rebuild", str(folder / "config/config.yaml"),
        str(folder / "data"), str(folder / "out"), "--processes", str(processes),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return None
    lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
    return " / ".join(line.strip() for line in lines[-3:])


def compare(
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    rebuilt: Path,
    claims: list[Claim] | None = None,
) -> list[Check]:
    """Compare everything published with what was rebuilt.

    Parameters
    ----------
    files, manifest
        The bundle.
    rebuilt
        The folder that :func:`run_rebuild` filled.
    claims
        A paper's published numbers.
    """
    failures = json.loads((rebuilt / "failures.json").read_text("utf-8"))
    withheld = set(manifest["data"]["not_rebuilt"])
    with tempfile.TemporaryDirectory() as place:
        stored = Path(place, "estimates.parquet")
        stored.write_bytes(files.get("results/estimates.parquet", b""))
        try:
            published = read(stored)
        except (ResultsError, OSError, ValueError) as error:
            said = f"cannot be read: {str(error).splitlines()[0]}"
            return [Check("result", "results/estimates.parquet", "fail", said)]
    again = read(rebuilt / "estimates.parquet")
    checks = [*_rows(published, again, withheld, failures)]
    csv = files.get("results/estimates.csv", b"")
    checks += _result("result", "results/estimates.csv", _as_csv(published), csv)
    unlike = {check.what for check in checks if check.status != "pass"}
    checks += _pictures(files, rebuilt, manifest, unlike, withheld)
    checks += _tables(files, rebuilt, bool(withheld))
    page = files.get("results/report.html")
    if page is not None:
        checks += quoted_numbers(page.decode("utf-8", "replace"), published)
    checks += check_claims(claims or [], again, published, withheld)
    return checks


def _rows(
    published: pd.DataFrame, rebuilt: pd.DataFrame, withheld: set[str], failures: dict[str, str]
) -> Iterator[Check]:
    again = {row["id"]: row for row in rebuilt.to_dict("records")}
    because = "; ".join(f"{name}: {what}" for name, what in failures.items())
    for row in published.to_dict("records"):
        name = str(row["id"])
        if name in withheld or EVERYTHING in withheld:
            yield Check("number", name, "cannot be rebuilt", WITHHELD)
        elif name not in again:
            said = "the rebuild gave no such row" + (f" ({because})" if because else "")
            yield Check("number", name, "fail", said)
        elif different := row_differences(row, again[name]):
            yield Check("number", name, "fail", "; ".join(different))
        else:
            yield Check("number", name, "pass")
    for name in sorted(set(again) - set(published["id"])):
        if EVERYTHING not in withheld and name not in withheld:
            yield Check("number", name, "fail", "was rebuilt, but is not among the published rows")


def _as_csv(table: pd.DataFrame) -> bytes:
    return spreadsheet_frame(table).to_csv(index=False, lineterminator="\n").encode("utf-8")


def _result(kind: str, name: str, expected: bytes, found: bytes) -> Iterator[Check]:
    different = tables_differ(found, expected)
    yield Check(kind, name, "fail" if different else "pass", different)


def _pictures(
    files: Mapping[str, bytes],
    rebuilt: Path,
    manifest: Mapping[str, Any],
    unlike: set[str],
    withheld: set[str],
) -> Iterator[Check]:
    """Compare each figure: plotted data, words, and pixels on the platform of the bundle."""
    same_platform = manifest["platform"] == platform_name()
    names = sorted(name for name in files if "/figures/" in name and name.endswith(".csv"))
    for name in names:
        figure = name.removesuffix(".csv")
        again = rebuilt / Path(name).relative_to("results")
        if withheld and (EVERYTHING in withheld or not again.is_file()):
            yield Check("figure", figure, "cannot be rebuilt", WITHHELD)
            continue
        if not again.is_file():
            yield Check("figure", figure, "fail", "the rebuild drew no such figure")
            continue
        different = [tables_differ(files[name], again.read_bytes())]
        for kind in (".json", ".rst"):
            words = again.with_suffix(kind)
            if files.get(figure + kind) != words.read_bytes():
                different.append(f"the words ({kind}) differ")
        pixels = "pixels not compared: another platform"
        if same_platform:
            pixels = "data and pixels equal"
            picture = again.with_suffix(".png").read_bytes()
            different.append(pictures_differ(files.get(figure + ".png", b""), picture))
            for kind in (".svg", ".pdf"):
                if files.get(figure + kind) != again.with_suffix(kind).read_bytes():
                    different.append(f"the drawing ({kind}) differs")
        said = "; ".join(filter(None, different))
        if said and withheld:
            yield Check("figure", figure, "cannot be rebuilt", f"{WITHHELD}: {said}")
        else:
            yield Check("figure", figure, "fail" if said else "pass", said or pixels)


def _tables(files: Mapping[str, bytes], rebuilt: Path, withheld: bool) -> Iterator[Check]:
    for name in sorted(n for n in files if "/tables/" in n and n.endswith((".csv", ".html"))):
        again = rebuilt / Path(name).relative_to("results")
        if not again.is_file():
            said = "the rebuild set no such table"
        elif name.endswith(".csv"):
            said = tables_differ(files[name], again.read_bytes())
        else:
            said = "" if files[name] == again.read_bytes() else "the page of the table differs"
        if said and withheld:
            yield Check("table", name, "cannot be rebuilt", f"{WITHHELD}: {said}")
        else:
            yield Check("table", name, "fail" if said else "pass", said)
