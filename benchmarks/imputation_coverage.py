"""Simulate how reference-based imputation performs: bias, coverage, and two kinds of variance.

Run: python benchmarks/imputation_coverage.py --trials 2000 [--processes 2] [--seed 1]

Two arms of 75, three visits, baseline. A participant leaves before a visit with a probability that
rises with the last score (missing at random given what was seen); about one in five leaves. What
would have been seen afterwards is never seen, so the same data serve two truths at the last visit:

* missing at random: they go on as their own arm, the difference is Δ;
* jump to reference: the treated who left lose the benefit, the difference is Δ (1 − π), with π the
  share of treated who leave, found from a very large sample.

Each data set is analysed under both assumptions, so that every assumption is seen both where it is
right and where it is wrong.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from ipt_outcomes.imputation import (
    IncompleteTrial,
    analyse,
    ancova,
    draws,
    impute,
    incomplete_trial,
    pool,
    stream,
)

WEEKS = [4, 8, 16]
MEANS = {"MED": np.array([17.0, 15.0, 14.0]), "IPT": np.array([16.0, 12.5, 10.5])}
SD = np.array([5.0, 6.3, 7.5])
CORRELATION = np.array([[1.0, 0.6, 0.5], [0.6, 1.0, 0.7], [0.5, 0.7, 1.0]])
DIFFERENCE = float(MEANS["IPT"][-1] - MEANS["MED"][-1])
METHODS = [("jackknife", 0), ("bootstrap", 100), ("approximate bayes", 50)]


def scores(n: int, arm: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return baselines, scores had nobody left, and the visit before which each leaves."""
    baseline = rng.normal(22, 4.5, n)
    error = rng.multivariate_normal(np.zeros(3), CORRELATION * np.outer(SD, SD), n)
    y = MEANS[arm] + 0.4 * (baseline - 22)[:, None] + error
    last = np.column_stack([baseline - 6, y[:, :2]])
    hazard = 1 / (1 + np.exp(2.4 - 0.08 * (last - 14)))
    hazard[:, 0] *= 0.3
    leaves = rng.random(hazard.shape) < hazard
    return baseline, y, np.where(leaves.any(1), leaves.argmax(1), 3)


def one_trial(number: int, seed: int, size: int = 75) -> IncompleteTrial:
    rng = stream(seed, "coverage", str(number))
    parts, events = [], []
    for k, arm in enumerate(MEANS):
        baseline, y, left = scores(size, arm, rng)
        y[np.arange(3)[None, :] >= left[:, None]] = np.nan
        ids = np.arange(size) + k * size
        parts.append(
            pd.DataFrame(
                {
                    "participant": np.repeat(ids, 3),
                    "arm": arm,
                    "baseline": np.repeat(baseline, 3),
                    "week": np.tile(WEEKS, size),
                    "score": y.ravel(),
                }
            )
        )
        gone = left < 3
        visits = np.array(WEEKS)[left[gone]]
        events.append(pd.DataFrame({"participant": ids[gone], "visit": visits, "strategy": "JR"}))
    return incomplete_trial(
        pd.concat(parts, ignore_index=True), "score ~ baseline*week + arm*week",
        participant="participant", visit="week", arm="arm", reference="MED",
        events=pd.concat(events, ignore_index=True),
    )  # fmt: skip


def analysed(number: int, seed: int) -> list[dict[str, object]]:
    trial = one_trial(number, seed)
    rows = []
    for method, size in METHODS:
        drawn = draws(trial, method, size, rng=stream(seed, "coverage", str(number), method))  # type: ignore[arg-type]
        for strategy in ("MAR", "JR"):
            table = pool(analyse(impute(drawn, strategy), ancova(visits=[WEEKS[-1]])))
            first = table.iloc[0]
            rows.append(
                {"trial": number, "method": method, "strategy": strategy,
                 **{k: first[k] for k in ("estimate", "se", "lower", "upper")}}
            )  # fmt: skip
    return rows


def truths(size: int = 2_000_000) -> dict[str, float]:
    _, _, left = scores(size, "IPT", np.random.default_rng(20261122))
    return {"MAR": DIFFERENCE, "JR": DIFFERENCE * float((left == 3).mean())}


def summary(rows: pd.DataFrame, truth: dict[str, float]) -> pd.DataFrame:
    out = []
    for (method, strategy), own in rows.groupby(["method", "strategy"], sort=False):
        for name, value in truth.items():
            covered = ((own["lower"] <= value) & (value <= own["upper"])).mean()
            out.append(
                {
                    "inference": method,
                    "assumed": strategy,
                    "true": name,
                    "truth": value,
                    "bias": own["estimate"].mean() - value,
                    "sd of estimates": own["estimate"].std(),
                    "mean se": own["se"].mean(),
                    "coverage %": 100 * covered,
                    "Monte-Carlo error %": 100 * np.sqrt(covered * (1 - covered) / len(own)),
                }
            )
    return pd.DataFrame(out)


def main(trials: int, processes: int, seed: int) -> None:
    begin = time.perf_counter()
    rows: list[dict[str, object]] = []
    with ProcessPoolExecutor(processes) as pool_of:
        done = pool_of.map(analysed, range(trials), [seed] * trials, chunksize=10)
        for number, found in enumerate(done, start=1):
            rows += found
            if number % 100 == 0:
                print(
                    f"{number} of {trials} trials, {time.perf_counter() - begin:.0f} s", flush=True
                )
    table = summary(pd.DataFrame(rows), truths())
    print(table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    main(options.trials, options.processes, options.seed)
