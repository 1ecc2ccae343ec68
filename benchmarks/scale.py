"""Routine care at scale: from a CSV of up to 1,000,000 patients × 10 sessions to model and page.

    python benchmarks/scale.py [--patients 1000000] [--out docs/figures]

For 1,000 to 1,000,000 patients, each in a process of its own: CSV to Parquet, one streamed pass
and the mixed model (unstructured over ten sessions, Kenward-Roger), adjusted means and differences,
a page with them. Prints seconds and peak memory, and draws cost against patients.
Writing the CSV is not counted: it stands for the export.
"""

from __future__ import annotations

import argparse
import html
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

LIMIT_SECONDS, LIMIT_MB = 180.0, 4096.0
SIZES = (1_000, 10_000, 100_000, 1_000_000)
FORMULA = "score ~ baseline*session + arm*session"
COLUMNS = {
    "patient": "whole number",
    "session": "whole number",
    "arm": "text",
    "baseline": "number",
    "score": "number",
}


def write_export(path: Path, patients: int) -> None:
    """Write an export: two arms, patients leave over ten sessions, a few sessions are missed."""
    rng = np.random.default_rng(20261122)
    at = np.arange(10)
    sd = 5 + 0.4 * at
    root = np.linalg.cholesky(0.75 ** np.abs(np.subtract.outer(at, at)) * np.outer(sd, sd))
    for start in range(0, patients, 50_000):
        n = min(50_000, patients - start)
        arm = rng.integers(0, 2, n)
        baseline = np.rint(rng.normal(20, 4.8, n))
        y = (
            8
            + 0.6 * baseline[:, None]
            - (0.8 + 0.25 * arm[:, None]) * at
            + rng.normal(size=(n, 10)) @ root.T
        )
        last = np.minimum(rng.geometric(0.04, n), 10)
        seen = (at < last[:, None]) & ((rng.random((n, 10)) > 0.02) | (at == 0))
        i, a = np.nonzero(seen)
        pd.DataFrame(
            {
                "patient": start + i,
                "session": a + 1,
                "arm": np.array(["TAU", "IPT"])[arm[i]],
                "baseline": baseline[i],
                "score": np.rint(np.clip(y[i, a], 0, 52)),
            }
        ).to_csv(path, mode="a" if start else "w", header=not start, index=False)


def measure(export: str, folder: str) -> dict[str, float]:
    """Go from the export to the page; return seconds by step, rows, patterns and memory."""
    from ipt_outcomes.ingest.large_table import csv_to_parquet
    from ipt_outcomes.mixed import mixed_model_from_parquet

    parquet = Path(folder, "export.parquet")
    clock = [time.perf_counter()]
    rows = csv_to_parquet(export, parquet, COLUMNS)
    clock.append(time.perf_counter())
    fit = mixed_model_from_parquet(
        FORMULA, parquet, participant="patient", visit="session", reference={"arm": "TAU"}
    )
    clock.append(time.perf_counter())
    means = fit.means("arm", by="session")
    differences = fit.contrasts("arm", by="session", reference="TAU")
    page = (
        "<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>Routine care</title>"
        f"<h1>Differences by session</h1><pre>{html.escape(str(fit))}</pre>"
        f"{differences.round(3).to_html(index=False)}<h2>Adjusted means</h2>"
        f"{means.round(3).to_html(index=False)}</html>"
    )
    Path(folder, "report.html").write_text(page, "utf-8")
    clock.append(time.perf_counter())
    return {
        "rows": rows,
        "patterns": len(fit.likelihood.statistics.n),
        "to Parquet": clock[1] - clock[0],
        "pass and model": clock[2] - clock[1],
        "means and page": clock[3] - clock[2],
        "seconds": clock[3] - clock[0],
        "cpu": time.process_time(),
        "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def draw(table: pd.DataFrame, stem: Path) -> None:
    """Draw cost against patients."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from ipt_outcomes.figures.drawing import save_figure
    from ipt_outcomes.figures.style import ARM_COLOURS, new_figure, styled
    from ipt_outcomes.tables.quotes import words

    with styled():
        figure = new_figure(3.0)
        for place, (column, label) in enumerate(
            (("seconds", "Seconds, from CSV to page"), ("MB", "Peak memory (MB)"))
        ):
            axes = figure.add_axes((0.09 + 0.5 * place, 0.17, 0.38, 0.76))
            axes.plot(table["patients"], table[column], marker="o", color=ARM_COLOURS[place])
            axes.set_xscale("log")
            axes.set_yscale("log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.7g}"))
                axis.set_minor_formatter(NullFormatter())
            axes.set_xlabel("Patients (up to ten sessions each)")
            axes.set_ylabel(label)
            for x, y in zip(table["patients"], table[column], strict=True):
                axes.annotate(f"{y:.3g}", (x, y), xytext=(0, 6), textcoords="offset points",
                              ha="center", fontsize=7)  # fmt: skip
            axes.set_ylim(10 ** np.floor(np.log10(table[column].min())), table[column].max() * 3)
    save_figure(
        figure,
        stem,
        data=table,
        title=words("Cost of a mixed model of routine care against the number of patients"),
        caption=words(
            "From a CSV export to an unstructured mixed model over ten sessions with Kenward–Roger "
            "inference and a page; both axes are logarithmic."
        ),
        alt_text=words("Two line charts: seconds and memory against the number of patients."),
    )


def main() -> int:
    """Measure all sizes; return 1 when the largest exceeds a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=SIZES[-1], help="largest size")
    parser.add_argument("--out", type=Path, help="folder for the figure and its data")
    parser.add_argument("--measure", nargs=2, metavar=("EXPORT", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*asked.measure)))
        return 0
    lines = []
    for patients in [size for size in SIZES if size <= asked.patients]:
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder, "export.csv")
            write_export(export, patients)
            done = subprocess.run(
                [sys.executable, __file__, "--measure", str(export), folder],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
        line = {"patients": patients, **json.loads(done.stdout)}
        lines.append(line)
        print(
            f"{patients:>9,} patients, {line['rows']:>10,} rows, {line['patterns']:>4} patterns: "
            f"{line['seconds']:6.1f} s (CSV to Parquet {line['to Parquet']:.1f}, pass and model "
            f"{line['pass and model']:.1f}, means and page {line['means and page']:.1f}), "
            f"{line['cpu']:.1f} s of processor, {line['MB']:.0f} MB",
            flush=True,
        )
    table = pd.DataFrame(lines)
    if asked.out is not None:
        draw(table, asked.out / "cost_against_patients")
    last = lines[-1]
    good = last["seconds"] <= LIMIT_SECONDS and last["MB"] <= LIMIT_MB
    print(f"limits for 1,000,000: {LIMIT_SECONDS:.0f} s and {LIMIT_MB:.0f} MB: "
          f"{'kept' if good else 'broken'}")  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
