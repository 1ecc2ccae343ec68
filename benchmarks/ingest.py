"""How long a large export takes to become the canonical frames, and how much memory.

A made-up trial of 333,334 participants at three visits: 1,000,002 rows of delimited text. Read by a
process of its own, so that its peak of memory is its own. The aim: 10 seconds, 2 GB.

    python benchmarks/ingest.py            # a million rows
    python benchmarks/ingest.py --rows 100000
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VISITS = {"baseline": -3, "week_4": 28, "week_8": 56}
CONFIG = """\
config_version: 1
study: {title: A large trial, seed: 1}
trials:
  large:
    label: Large trial
    export: {file: export.csv, format: long}
    columns:
      participant: id
      arm: arm
      visit: visit
      randomisation_date: randomised
      visit_date: date
      site: site
      therapist: therapist
      outcomes: {hamd: hamd, bdi: bdi}
      characteristics: {age: age, gender: gender}
    codes:
      arm: {"1": IPT, "2": MED}
      visit: {baseline: baseline, week_4: week_4, week_8: week_8}
      missing: {hamd: ["-9"]}
arms:
  IPT: {label: IPT, psychotherapy: IPT, medication: none}
  MED: {label: Medication, psychotherapy: none, medication: any}
reference_arm: MED
visits:
  baseline: {label: Baseline, week: 0, window_days: [-28, 0], phase: baseline}
  week_4: {label: Week 4, week: 4, window_days: [14, 41], phase: treatment}
  week_8: {label: Week 8, week: 8, window_days: [42, 80], phase: treatment}
outcomes:
  hamd: {label: HAM-D, short_label: HAM-D, role: primary, range: [0, 52]}
  bdi: {label: BDI, short_label: BDI, role: secondary, range: [0, 63]}
characteristics:
  age: {label: Age, kind: number}
  gender: {label: Gender, kind: category, labels: {"1": Women, "2": Men}}
estimands:
  policy:
    label: Effect of assignment
    population: Adults
    endpoint: week_8
    intercurrent_events: {stopping_treatment: treatment-policy}
analyses: {primary: {}}
"""


def write_export(path: Path, participants: int) -> int:
    """Write the export; return its number of rows."""
    draw = random.Random(1)
    start = datetime.date(2020, 1, 6)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "visit", "date", "randomised", "arm", "site", "therapist", "age",
                         "gender", "hamd", "bdi"])  # fmt: skip
        for number in range(participants):
            day_0 = start + datetime.timedelta(days=number % 900)
            about = [day_0.isoformat(), 1 + number % 2, f"Site {number % 40}", f"T{number % 400}",
                     18 + number % 60, 1 + number // 2 % 2]  # fmt: skip
            for visit, day in VISITS.items():
                when = day_0 + datetime.timedelta(days=day + draw.randint(-2, 2))
                score = "-9" if draw.random() < 0.05 else draw.randint(0, 52)
                writer.writerow(
                    [f"P{number}", visit, when.isoformat(), *about, score, draw.randint(0, 63)]
                )
    return participants * len(VISITS)


def ingest(folder: Path) -> None:
    """Read the export in this process, and print what it took."""
    from ipt_outcomes.ingest import ingest_trial
    from ipt_outcomes.study import load_study

    study = load_study(folder / "config.yaml")
    began = time.perf_counter()
    result = ingest_trial(study, "large", folder)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else
                                                                 1024) / 1000  # fmt: skip
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "gigabytes": peak,
                      "scores": result.counts["scores"],
                      "errors": result.counts["findings"]["error"]}))  # fmt: skip


def main() -> None:
    """Write, read, and say whether the aim was met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--inner", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner is not None:
        ingest(options.inner)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(CONFIG, "utf-8")
        rows = write_export(folder / "export.csv", -(-options.rows // len(VISITS)))
        size = (folder / "export.csv").stat().st_size / 1e6
        command = [sys.executable, __file__, "--inner", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    took = json.loads(done.stdout)
    print(f"{rows:,} rows ({size:.0f} MB) on {platform.machine()}, Python "
          f"{platform.python_version()}: {took['seconds']:.1f} s (processor {took['cpu']:.1f} s), "
          f"{took['gigabytes']:.2f} GB, {took['scores']:,} scores, {took['errors']} errors"
          )  # fmt: skip
    met = took["seconds"] <= 10 and took["gigabytes"] <= 2
    print("The aim, 10 s and 2 GB for a million rows, is " + ("met." if met else "NOT met."))


if __name__ == "__main__":
    main()
