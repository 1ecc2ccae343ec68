"""What the engine costs, against lme4/lmerTest, nlme (R), statsmodels and mixedlm in the same run.

    OMP_NUM_THREADS=1 python benchmarks/mixed.py            whole calls, ratios, batched refits
    OMP_NUM_THREADS=1 python benchmarks/mixed.py --scale    100,000 × 6, streaming 1,000,000 × 10

A whole call goes from the data frame to coefficients, Kenward-Roger, all arm × visit adjusted means
and contrasts. Times are the best of several; wall-clock and CPU time stand side by side because
other work on the machine lengthens the former. Ratios to other programs are of CPU times.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.mixed import mixed_model, mixed_model_from_parquet

FORMULA = "score ~ baseline*visit + arm*visit"
GROWTH = "score ~ baseline + week*arm"


def trial(participants: int, visits: int, arms: int = 4, seed: int = 1) -> pd.DataFrame:
    """Draw a trial with growing variance, dropout and a few gaps, observed rows only."""
    rng = np.random.default_rng(seed)
    at = np.arange(visits)
    sd = 5 + 0.5 * at
    sigma = 0.6 ** np.abs(np.subtract.outer(at, at)) * np.outer(sd, sd)
    arm = np.arange(participants) % arms
    baseline = rng.normal(20, 4, participants)
    mean = 0.6 * baseline[:, None] - at - 0.3 * arm[:, None] * at / visits
    y = mean + rng.normal(size=(participants, visits)) @ np.linalg.cholesky(sigma).T
    gone = rng.random((participants, visits)) < 0.05
    gone[:, 0] = False
    seen = ~np.logical_or.accumulate(gone, axis=1) & (rng.random((participants, visits)) > 0.01)
    i, a = np.nonzero(seen)
    return pd.DataFrame(
        {
            "participant": i,
            "visit": a + 1,
            "week": a + 1.0,
            "arm": np.array([f"A{k}" for k in range(arms)])[arm[i]],
            "baseline": baseline[i],
            "score": y[i, a],
        }
    )


def best(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the best wall-clock and CPU seconds."""
    wall, cpu = [], []
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - w)
        cpu.append(time.process_time() - c)
    return min(wall), min(cpu)


def line(what: str, seconds: tuple[float, float], limit: float | None = None) -> None:
    """Print one measurement, with the limit it is held against."""
    target = "" if limit is None else f"   limit {limit * 1e3:8.0f} ms"
    print(f"{what:64s} {seconds[0] * 1e3:9.1f} ms wall {seconds[1] * 1e3:9.1f} ms CPU{target}")


def whole_call(frame: pd.DataFrame) -> Any:
    """Fit with Kenward-Roger and make every table."""
    fit = mixed_model(FORMULA, frame, participant="participant", visit="visit")
    return fit.coefficients, fit.means("arm", by="visit"), fit.contrasts("arm", by="visit")


def growth_call(frame: pd.DataFrame) -> Any:
    """Fit a random slope with Satterthwaite df."""
    fit = mixed_model(
        GROWTH, frame, participant="participant", random="1 + week", df="satterthwaite"
    )
    return fit.coefficients


def whole_calls() -> None:
    """Measure whole calls and batched refits."""
    for participants, visits, limit in ((200, 6, 0.020), (1000, 10, 0.060), (10_000, 10, None)):
        frame = trial(participants, visits)
        whole_call(frame)
        name = f"unstructured, Kenward-Roger, means, contrasts: {participants} × {visits}"
        line(name, best(lambda f=frame: whole_call(f), 15), limit)
    frame = trial(200, 5, arms=2)
    fit = mixed_model(FORMULA, frame, participant="participant", visit="visit")
    weights = np.random.default_rng(0).multinomial(200, np.full(200, 1 / 200), size=10_000)
    line("10,000 bootstrap refits of 200 × 5", best(lambda: fit.refit(weights=weights), 1), 15.0)


def comparisons() -> None:
    """Measure the random-slope model against what else is installed, in CPU time on both sides."""
    frame = trial(1000, 6)
    growth_call(frame)
    ours = best(lambda: growth_call(frame), 15)
    line("random slope, Satterthwaite: 1000 × 6", ours, 0.015)
    others = {**python_peers(frame), **r_peers(frame)}
    for name, seconds in others.items():
        if isinstance(seconds, str):
            print(f"  {name:62s} {seconds}")
        else:
            print(f"  {name:62s} {seconds * 1e3:9.1f} ms CPU {seconds / ours[1]:8.1f} × ours")


def python_peers(frame: pd.DataFrame) -> dict[str, Any]:
    """Time statsmodels and mixedlm on the same model."""
    import statsmodels.formula.api as smf

    out: dict[str, Any] = {}

    def statsmodels_call() -> Any:
        model = smf.mixedlm(GROWTH, frame, groups=frame["participant"], re_formula="1 + week")
        return model.fit(reml=True)

    out["statsmodels MixedLM (no df)"] = best(statsmodels_call, 2)[1]
    if importlib.util.find_spec("mixedlm") is None:
        out["mixedlm"] = "not installed"
        return out
    import mixedlm

    def mixedlm_call() -> Any:
        return mixedlm.lmer(GROWTH + " + (1 + week | participant)", frame)

    out["mixedlm (no df)"] = best(mixedlm_call, 5)[1]
    return out


R_SCRIPT = """
d <- read.csv("%s"); d$arm <- factor(d$arm); d$participant <- factor(d$participant)
d$visit <- factor(d$visit); out <- list()
cpu <- function(f) sum(system.time(f())[c("user.self", "sys.self")])
time <- function(f) { f(); min(sapply(1:3, function(i) cpu(f))) }
if (requireNamespace("lmerTest", quietly = TRUE))
  out[["lmerTest (R), Satterthwaite"]] <- time(function() summary(lmerTest::lmer(
    score ~ baseline + week * arm + (1 + week | participant), d)))
if (requireNamespace("nlme", quietly = TRUE))
  out[["nlme (R)"]] <- time(function() summary(nlme::lme(
    score ~ baseline + week * arm, random = ~ 1 + week | participant, data = d)))
cat(sprintf("{%%s}", paste(sprintf('"%%s": %%f', names(out), unlist(out)), collapse = ", ")))
"""


def r_peers(frame: pd.DataFrame) -> dict[str, Any]:
    """Time R's packages, when R is present."""
    if shutil.which("Rscript") is None:
        return {"lmerTest, nlme": "R is not installed"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.csv"
        frame.to_csv(path, index=False)
        run = subprocess.run(
            ["Rscript", "-e", R_SCRIPT % path], capture_output=True, text=True, check=False
        )
    if run.returncode:
        return {"lmerTest, nlme": f"failed: {run.stderr.strip()[-120:]}"}
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def scale() -> None:
    """Measure many participants: in memory, streamed, and the solver alone."""
    frame = trial(100_000, 6)
    line("whole call, 100,000 × 6", best(lambda: whole_call(frame), 3), 0.5)
    print(f"peak memory so far {peak():.0f} MB   limit 600 MB")
    solver: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.parquet"
        for participants in (1_000, 1_000_000):
            write(path, participants)
            code = (
                "import sys, json; sys.path.insert(0, sys.argv[1]); import mixed; "
                "print(json.dumps(mixed.streamed(sys.argv[2])))"
            )
            run = subprocess.run(
                [sys.executable, "-c", code, str(Path(__file__).parent), str(path)],
                capture_output=True,
                text=True,
                check=True,
            )
            seconds, cpu, solve, memory, patterns = json.loads(run.stdout)
            solver[participants] = solve
            limit = 20.0 if participants == 1_000_000 else None
            line(f"streamed from Parquet, {participants:,} × 10", (seconds, cpu), limit)
            print(
                f"  solver alone {solve * 1e3:.1f} ms for {patterns} patterns; peak memory of "
                f"the process {memory:.0f} MB   limit 2000 MB"
            )
    growth = solver[1_000_000] / solver[1_000]
    print(f"solver time from 1,000 to 1,000,000 participants: × {growth:.2f}   limit × 1.5")


def write(path: Path, participants: int) -> None:
    """Write a large trial with a fixed set of thirty patterns of visits seen, in pieces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(3)
    kept = [np.arange(10) < last for last in (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)]
    for gap in range(1, 10):
        kept.append(np.arange(10) != gap)
        kept.append((np.arange(10) != gap) & (np.arange(10) != (gap + 3) % 10))
    patterns = np.array(kept)
    writer = None
    step = min(participants, 100_000)
    for start in range(0, participants, step):
        piece = trial_piece(rng, start, step, patterns)
        table = pa.Table.from_pandas(piece, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def trial_piece(
    rng: np.random.Generator, start: int, number: int, patterns: np.ndarray
) -> pd.DataFrame:
    at = np.arange(10)
    sd = 5 + 0.5 * at
    root = np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(at, at)) * np.outer(sd, sd))
    arm = np.arange(number) % 4
    baseline = rng.normal(20, 4, number)
    y = 0.6 * baseline[:, None] - at + rng.normal(size=(number, 10)) @ root.T
    seen = patterns[np.arange(number) % len(patterns)]
    i, a = np.nonzero(seen)
    return pd.DataFrame(
        {
            "participant": start + i,
            "visit": a + 1,
            "arm": np.array(["A0", "A1", "A2", "A3"])[arm[i]],
            "baseline": baseline[i],
            "score": y[i, a],
        }
    )


def streamed(path: str) -> tuple[float, float, float, float, int]:
    """Fit from a file; return seconds, CPU seconds, the solver's seconds, memory, patterns."""
    from ipt_outcomes.mixed.model import fit_prepared
    from ipt_outcomes.mixed.threads import single_threaded

    w, c = time.perf_counter(), time.process_time()
    fit = mixed_model_from_parquet(FORMULA, path, participant="participant", visit="visit")
    fit.contrasts("arm", by="visit")
    seconds, cpu = time.perf_counter() - w, time.process_time() - c
    memory = peak()
    with single_threaded():
        solve = best(lambda: fit_prepared(fit.prepared), 5)[1]
    return seconds, cpu, solve, memory, len(fit.likelihood.statistics.n)


def peak() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", action="store_true", help="large data")
    if parser.parse_args().scale:
        scale()
    else:
        whole_calls()
        comparisons()


if __name__ == "__main__":
    main()
