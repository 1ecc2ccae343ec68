"""Whether `ipt verify` catches and names what was tampered with, and never passes what is withheld.

    python benchmarks/tampering.py [--only NAME]

The example with its primary analysis is run under a locked plan and published by the workflow. Its
bundle is verified as it is; then again and again with one thing changed, mostly by a forger who
mends the checksums too, each time by the real command in a process of its own. At last it is
published with a column withheld, and with a synthetic stand-in: both must end with exit code 3.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from ipt_outcomes.provenance.archive import unzipped, zipped
from ipt_outcomes.provenance.source import fingerprint_of
from ipt_outcomes.results import read, write

ROOT = Path(__file__).resolve().parents[1]
DIFFERENCE = "example/hamd17/primary/as-randomised/policy/difference/IPT/MED/week_16"
FIGURE = "results/example/figures/adjusted_means_hamd17"
TABLE = "results/example/tables/baseline.csv"
LOCK = "config/analysis_plan.lock.yaml"
SOURCE = "src/ipt_outcomes/analyses/effect_size.py"

Files = dict[str, bytes]


def replaced(name: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    """Make a change of one file's bytes."""

    def change(files: Files) -> Files:
        if old not in files[name]:
            raise LookupError(f"{name} does not hold {old!r}")
        return {**files, name: files[name].replace(old, new, 1)}

    return change


def forged(change: Callable[[Files], Files]) -> Callable[[Files], Files]:
    """Make a change by somebody who also mends the checksums and the code's fingerprint."""

    def mended(files: Files) -> Files:
        files = change(files)
        manifest = json.loads(files["manifest.json"])
        source = unzipped(files["code/source.zip"])
        manifest["program"]["fingerprint"] = fingerprint_of(source)
        manifest["checksums"] = {
            name: hashlib.sha256(files[name]).hexdigest() for name in manifest["checksums"]
        }
        return {**files, "manifest.json": json.dumps(manifest).encode()}

    return mended


def score(files: Files) -> Files:
    """Move one score at the endpoint by a point."""
    name = "data/example/scores.parquet"
    frame = pd.read_parquet(io.BytesIO(files[name]))
    at = (frame["outcome"] == "hamd17") & (frame["visit"] == "week_16") & frame["score"].notna()
    frame.loc[frame.index[at][7], "score"] += 1
    return {**files, name: frame.to_parquet(index=False)}


def estimate(files: Files) -> Files:
    """Move one estimate by 0.0001, in both files of the table."""
    with tempfile.TemporaryDirectory() as place:
        table, csv = Path(place, "estimates.parquet"), Path(place, "estimates.csv")
        table.write_bytes(files["results/estimates.parquet"])
        rows = read(table)
        rows.loc[rows["id"] == DIFFERENCE, "estimate"] += 1e-4
        write(rows, table, csv)
        return {
            **files,
            "results/estimates.parquet": table.read_bytes(),
            "results/estimates.csv": csv.read_bytes(),
        }


def picture(files: Files) -> Files:
    """Paint sixteen pixels."""
    from matplotlib.image import imread, imsave

    pixels = np.array(imread(io.BytesIO(files[f"{FIGURE}.png"])))
    pixels[40:44, 40:44, :3] = 0.5
    stream = io.BytesIO()
    imsave(stream, pixels, format="png")
    return {**files, f"{FIGURE}.png": stream.getvalue()}


def code(files: Files) -> Files:
    """Change the program: effects a tenth larger."""
    source = unzipped(files["code/source.zip"])
    source = replaced(SOURCE, b"else difference) / sd", b"else difference) / (1.1 * sd)")(source)
    return {**files, "code/source.zip": zipped(source)}


def quoted(files: Files) -> Files:
    """Change the number that the report's first sentence quotes."""
    page = files["results/report.html"]
    start = page.index(f'data-estimate="{DIFFERENCE}" data-form="estimate"'.encode())
    begin, end = page.index(b">", start) + 1, page.index(b"</span>", start)
    return {**files, "results/report.html": page[:begin] + "−9.99".encode() + page[end:]}


def checksum(files: Files) -> Files:
    """Change a checksum and nothing else."""
    manifest = json.loads(files["manifest.json"])
    manifest["checksums"][TABLE] = "0" * 64
    return {**files, "manifest.json": json.dumps(manifest).encode()}


TAMPERINGS: dict[str, tuple[Callable[[Files], Files], str]] = {
    "a score": (score, "FAIL data: data/example/scores.parquet"),
    "a score, checksums mended": (forged(score), "FAIL number: "),
    "the configuration": (
        replaced("config/config.yaml", b"kenward-roger", b"satterthwaite"),
        "FAIL config: config/config.yaml",
    ),
    "the configuration, checksums mended": (
        forged(replaced("config/config.yaml", b"kenward-roger", b"satterthwaite")),
        "FAIL number: ",
    ),
    "the seed, checksums mended": (
        forged(replaced("config/config.yaml", b"seed: 2026", b"seed: 1026")),
        "FAIL config: config/config.yaml: seed",
    ),
    "the locked plan, checksums mended": (
        forged(replaced(LOCK, b"seed: 2026", b"seed: 1026")),
        f"FAIL plan: {LOCK}",
    ),
    "the code": (code, "FAIL code: code/source.zip"),
    "the code, checksums and fingerprint mended": (
        forged(code),
        "FAIL code: installed release",
    ),
    "an estimate by 0.0001, checksums mended": (forged(estimate), f"FAIL number: {DIFFERENCE}"),
    "sixteen pixels, checksums mended": (forged(picture), f"FAIL figure: {FIGURE}"),
    "a figure's data, checksums mended": (
        forged(replaced(f"{FIGURE}.csv", b"IPT", b"XPT")),
        f"FAIL figure: {FIGURE}",
    ),
    "a table, checksums mended": (forged(replaced(TABLE, b"IPT", b"XPT")), f"FAIL table: {TABLE}"),
    "a number of the report, checksums mended": (forged(quoted), f"FAIL report: {DIFFERENCE}"),
    "a checksum": (checksum, f"FAIL table: {TABLE}"),
    "a file taken out": (
        lambda files: {name: c for name, c in files.items() if name != TABLE},
        f"FAIL table: {TABLE}: is missing",
    ),
    "a file added": (
        lambda files: {**files, "data/example/more.csv": b"x"},
        "FAIL data: data/example/more.csv: was added",
    ),
}
"""What is tampered with: how, and what the command has to say."""


class WorkflowError(RuntimeError):
    """A command of the workflow that should have worked."""


def run(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command to its end."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def publish(study: Path, bundle: Path, **policy: object) -> None:
    """Publish a study under a policy."""
    config = yaml.safe_load((study / "config.yaml").read_text("utf-8"))
    config["publication"] = {**config["publication"], **policy}
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (study / "config.yaml").write_text(text, "utf-8")
    code, said = run(
        [
            sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
            "--profile", str(ROOT / "profiles" / "default"), "publish",
        ],
        study,
    )  # fmt: skip
    if code:
        raise WorkflowError(said)
    shutil.copy2(study / "results" / "bundle.zip", bundle)


def locked_study(folder: Path) -> Path:
    """Write the example with its primary analysis, and lock its plan."""
    folder.mkdir()
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    config["analyses"] = {"primary": config["analyses"]["primary"]}
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (folder / "config.yaml").write_text(text, "utf-8")
    shutil.copytree(ROOT / "data" / "example", folder / "data" / "example")
    code, said = run([sys.executable, "-m", "ipt_outcomes.cli", "lock"], folder)
    if code:
        raise WorkflowError(said)
    return folder


def verify(bundle: Path, *more: str) -> tuple[int, str, float]:
    """Run `ipt verify`; return its exit code, what it said and how long it took."""
    begin = time.monotonic()
    command = [sys.executable, "-m", "ipt_outcomes.cli", "verify", str(bundle), *more]
    code, said = run(command, bundle.parent)
    return code, said, time.monotonic() - begin


def note(good: bool, what: str, code: int, seconds: float, said: str) -> bool:
    """Print what came out."""
    first = next((line for line in said.splitlines() if line.startswith("FAIL")), "")
    shown = first or said.strip().splitlines()[-2]
    word = "pass" if good else "FAILED"
    print(f"{word}  {what}: exit code {code}, {seconds:.0f} s: {shown[:150]}", flush=True)
    return good


def main() -> int:
    """Tamper in every way; return 1 when one was not caught and named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(TAMPERINGS))
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    good = []
    with tempfile.TemporaryDirectory(prefix="ipt_tampering_") as place:
        folder = Path(place)
        study = locked_study(folder / "study")
        bundle = folder / "bundle.zip"
        publish(study, bundle)
        files = unzipped(bundle)
        code, said, seconds = verify(bundle)
        good.append(note(code == 0, "nothing", code, seconds, said))
        for name, (change, words) in TAMPERINGS.items():
            if asked.only in (None, name):
                other = folder / "tampered.zip"
                other.write_bytes(zipped(change(dict(files))))
                code, said, seconds = verify(other)
                good.append(note(code == 1 and words in said, name, code, seconds, said))
        if asked.only is None:
            claims = folder / "claims.csv"
            claims.write_text(f"what,value,tolerance\n{DIFFERENCE},-9.99,0.005\n", "utf-8")
            code, said, seconds = verify(bundle, "--claims", str(claims))
            caught = code == 1 and f"FAIL claim: line 2: {DIFFERENCE}" in said
            good.append(note(caught, "a claim of the paper", code, seconds, said))
            for policy in ({"withhold": ["site"]}, {"withhold": [], "data": "synthetic"}):
                publish(study, bundle, **policy)
                code, said, seconds = verify(bundle, "--claims", str(claims))
                withheld = code == 3 and "cannot be rebuilt" in said
                good.append(note(withheld, f"published with {policy}", code, seconds, said))
    print(f"{sum(good)} of {len(good)} as they should be")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
