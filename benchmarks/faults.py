"""What may go wrong on a real machine, and whether the same bytes come out after recovery.

    python benchmarks/faults.py [--kills 20] [--seed 1]

A small study (the example with its primary analysis) is run undisturbed. Then copies of it meet:
``kill -9`` of the whole run at random moments, a full disk, results that cannot be written, two
runs at once, a damaged intermediate, and a clock that jumped. After each, what a user would do is
done (read the message, unlock, run again), and results and export are compared byte by byte. A full
disk and results that cannot be written need root (a small file system is mounted); without it they
are told as not tried.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [
    sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
    "--profile", str(ROOT / "profiles" / "default"), "--cores", "2",
]  # fmt: skip

KILLS_EACH = 7
"""Most kills of one study before it may finish."""


@dataclass
class Outcome:
    """What a fault did."""

    fault: str
    good: bool
    said: str = ""


@dataclass
class Bench:
    """The undisturbed study, and the outcomes so far."""

    reference: Path
    results: dict[str, str]
    outcomes: list[Outcome] = field(default_factory=list)

    def note(self, fault: str, good: bool, said: str = "") -> None:
        """Keep an outcome and print it."""
        self.outcomes.append(Outcome(fault, good, said))
        print(f"{'pass' if good else 'FAIL'}  {fault}{': ' + said if said else ''}", flush=True)

    def copy(self, folder: Path, *, with_results: bool) -> Path:
        """Copy the study, with its results and Snakemake's notes if asked."""
        study = folder / "study"
        study.mkdir()
        shutil.copy2(self.reference / "config.yaml", study)
        shutil.copytree(self.reference / "data", study / "data")
        if with_results:
            for name in ("results", ".snakemake"):
                shutil.copytree(self.reference / name, study / name, copy_function=shutil.copy2)
        return study

    def same(self, study: Path) -> str:
        """Say what differs from the undisturbed study; empty when nothing does."""
        found = digests(study / "results")
        unlike = sorted(n for n in {*found, *self.results} if found.get(n) != self.results.get(n))
        left = sorted(str(p) for p in (study / "results").rglob("*.part"))
        if digests(study / "data") != digests(self.reference / "data"):
            unlike.append("THE EXPORT")
        return ", ".join([*unlike, *left][:5])


def digests(folder: Path) -> dict[str, str]:
    """Hash every result; logs and Snakemake's own notes are none."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.parts and not path.name.startswith(".")
    }


def run(study: Path, *arguments: str) -> tuple[int, str]:
    """Run snakemake to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=study, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def start(study: Path) -> subprocess.Popen[bytes]:
    """Start snakemake in a session of its own."""
    return subprocess.Popen(
        COMMAND, cwd=study, start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 all processes of the session that :func:`start` made."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "-s", str(process.pid)], capture_output=True, text=True, check=False
    )
    for number in [str(process.pid), *listed.stdout.split()]:
        try:
            os.kill(int(number), signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def recover(study: Path) -> tuple[int, str]:
    """Do what the messages say: unlock, and run again."""
    run(study, "--unlock")
    return run(study)


def kills(bench: Bench, folder: Path, number: int, seed: int) -> None:
    """Kill runs at moments spread over their whole course; finish and compare each study.

    A moment is a number of results that are there, and a random time after it. A killed study is
    unlocked, goes on, and is killed again further on.
    """
    rng = random.Random(seed)
    done, studies, interrupted = 0, 0, set[str]()
    while done < number:
        place = folder / f"kills{studies}"
        place.mkdir()
        study = bench.copy(place, with_results=False)
        studies += 1
        moments = sorted(rng.sample(range(len(bench.results)), min(KILLS_EACH, number - done)))
        for results_there in moments:
            process = start(study)
            while process.poll() is None and len(digests(study / "results")) < results_there:
                time.sleep(0.1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.0, 3.0))
                break  # it came to its end before its moment came
            interrupted |= being_made(study)
            kill(process)
            done += 1
            run(study, "--unlock")
        code, text = recover(study)
        unlike = bench.same(study) if code == 0 else text.strip().splitlines()[-1]
        if unlike:
            bench.note(f"kill -9, study {studies}", False, unlike)
            return
        shutil.rmtree(place)
    bench.note(
        f"kill -9 at {done} random moments", True,
        f"{studies} studies, same bytes; interrupted while making "
        + (", ".join(sorted(interrupted)) or "nothing"),
    )  # fmt: skip


def being_made(study: Path) -> set[str]:
    """Name the results that a run is at, from the marks that Snakemake keeps of them."""
    marks = study / ".snakemake" / "incomplete"
    names = set()
    for mark in marks.rglob("*") if marks.is_dir() else ():
        if mark.is_file():
            coded = "".join(part.lstrip("@") for part in mark.relative_to(marks).parts)
            with contextlib.suppress(ValueError):
                names.add(Path(base64.urlsafe_b64decode(coded).decode()).name)
    return names


def small_disk(bench: Bench, folder: Path) -> None:
    """Fill the disk under the results, then make room; then forbid writing, then allow it."""
    for fault, begin, then, expected in (
        ("disk full", "size=300k", "size=400m", ("No space left",)),
        ("results that cannot be written", "size=400m,ro", "size=400m,rw", ("Read-only",)),
    ):
        place = folder / fault.replace(" ", "_")
        place.mkdir()
        study = bench.copy(place, with_results=False)
        (study / "results").mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", begin, "tmpfs", str(study / "results")],
            capture_output=True, check=False,
        )  # fmt: skip
        if mounted.returncode:
            print(f"not tried: {fault} (mounting a small file system needs root)")
            continue
        try:
            code, text = run(study)
            told = any(words in text for words in expected)
            subprocess.run(["mount", "-o", f"remount,{then}", str(study / "results")], check=True)
            again, later = recover(study)
            unlike = bench.same(study) if again == 0 else later.strip().splitlines()[-1]
            good = code != 0 and told and not unlike
            said = "stopped, said so, same bytes after room was made" if good else (
                f"code {code}, told {told}, {unlike or text.strip().splitlines()[-1]}"
            )  # fmt: skip
            bench.note(fault, good, said)
        finally:
            subprocess.run(["umount", str(study / "results")], check=False)


def two_at_once(bench: Bench, folder: Path) -> None:
    """Start a second run while the first works."""
    study = bench.copy(folder, with_results=False)
    first = start(study)
    time.sleep(6)
    code, text = run(study)
    ended = first.wait()
    unlike = bench.same(study)
    told = "lock" in text.lower()
    good = ended == 0 and code != 0 and told and not unlike
    bench.note(
        "two runs at once", good,
               "the second is refused and says why, the first ends with the same bytes"
               if good else f"first {ended}, second {code}: {text.strip()[-200:]}; {unlike}",
    )  # fmt: skip


def damaged(bench: Bench, folder: Path) -> None:
    """Cut an intermediate in half; make it anew, as the message says, and run again."""
    study = bench.copy(folder, with_results=True)
    for name in ("results/restricted/example/scores.parquet",
                 "results/shared/example/estimates/describe.parquet"):  # fmt: skip
        path = study / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        code, text = run(study)
        told = path.name in text and "is damaged" in text and f"--force {name}" in text
        run(study, "--force", name)
        again, later = run(study)
        unlike = bench.same(study) if again == 0 else later.strip()[-200:]
        good = code != 0 and told and not unlike
        bench.note(f"damaged {path.name}", good,
                   "named, with what to do; same bytes after it was done"
                   if good else f"code {code}, {text.strip()[-300:]}; {unlike}")  # fmt: skip


def clock(bench: Bench, folder: Path) -> None:
    """Set the export's time into the future, then the results' into the past."""
    for fault, name, shift in (("export from the future", "data/example/redcap_export.csv", 86_400),
                               ("results from the past", "results", -86_400)):  # fmt: skip
        place = folder / fault.replace(" ", "_")
        place.mkdir()
        study = bench.copy(place, with_results=True)
        target = study / name
        moment = time.time() + shift
        for path in [target] if target.is_file() else sorted(target.rglob("*")):
            os.utime(path, (moment, moment))
        code, text = run(study)
        unlike = bench.same(study) if code == 0 else text.strip()[-200:]
        bench.note(f"clock: {fault}", code == 0 and not unlike, unlike or "same bytes")


def main() -> int:
    """Run all faults; return 1 when one was not survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["two", "damaged", "clock", "disk", "kills"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ipt_faults_") as place:
        folder = Path(place)
        reference = folder / "reference"
        reference.mkdir()
        config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
        config["analyses"] = {"primary": config["analyses"]["primary"]}
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        (reference / "config.yaml").write_text(text, "utf-8")
        shutil.copytree(ROOT / "data" / "example", reference / "data" / "example")
        begin = time.monotonic()
        code, said = run(reference)
        if code:
            print(said)
            return 1
        seconds = time.monotonic() - begin
        print(f"undisturbed: {seconds:.0f} s", flush=True)
        bench = Bench(reference, digests(reference / "results"))
        faults: dict[str, Callable[[Path], None]] = {
            "two": lambda place: two_at_once(bench, place),
            "damaged": lambda place: damaged(bench, place),
            "clock": lambda place: clock(bench, place),
            "disk": lambda place: small_disk(bench, place),
            "kills": lambda place: kills(bench, place, asked.kills, asked.seed),
        }
        for name, meet in faults.items():
            if asked.only in (None, name):
                (folder / name).mkdir()
                meet(folder / name)
    failed = [outcome for outcome in bench.outcomes if not outcome.good]
    print(f"{len(bench.outcomes) - len(failed)} of {len(bench.outcomes)} faults survived")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
