"""Coverage of the primary analysis: how often its 95 % intervals hold the truth.

Draws trials of the example's design, analyses each with the primary analysis (mixed model for
repeated measures, score ~ baseline x visit + arm x visit + site, unstructured covariance, REML,
Satterthwaite) under both estimands, and holds the arm differences against the truth from a very
large counterfactual sample. Per estimand, contrast and visit it reports

* bias, the mean estimate minus the truth, with its Monte-Carlo error;
* the ratio of the mean model-based to the empirical standard error;
* coverage of the 95 % intervals with its Monte-Carlo error (Morris, White & Crowther 2019).

Run from the root of the repository::

    python benchmarks/coverage.py --trials 2000 --seed 1
    python benchmarks/coverage.py --trials 2000 --seed 1 --out results/coverage
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from ipt_outcomes.mixed import MixedModelError, mixed_model
from ipt_outcomes.simulate import TrialDesign, Truth, simulate_trial, true_values
from ipt_outcomes.simulate.design import ESTIMANDS

FORMULA = "score ~ baseline*visit + arm*visit + site"
LEVEL = 0.95
NOT_FITTED = "not fitted"


def analyse(seed: int, design: TrialDesign, outcome: str) -> pd.DataFrame:
    """Draw one trial and estimate all arm differences by visit, under both estimands."""
    trial = simulate_trial(design, seed)
    parts = []
    for estimand in ESTIMANDS:
        rows = trial.model_rows(outcome, estimand)
        try:
            fit = mixed_model(FORMULA, rows, participant="participant", visit="visit",
                              covariance="unstructured", df="kenward-roger", level=LEVEL,
                              reference={"arm": design.reference_arm})  # fmt: skip
            found = fit.contrasts("arm", by="visit", pairwise=True)
        except MixedModelError as error:
            found = pd.DataFrame({"arm": [NOT_FITTED], "reference": [str(error)]})
        parts.append(found.assign(estimand=estimand, seed=seed))
    return pd.concat(parts, ignore_index=True)


def analyse_all(
    design: TrialDesign, outcome: str, trials: int, seed: int, processes: int
) -> pd.DataFrame:
    """Analyse that many trials; each has a seed of its own, whatever the number of processes."""
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(trials, np.uint64)]
    one = partial(analyse, design=design, outcome=outcome)
    if processes == 1:
        return pd.concat(map(one, seeds), ignore_index=True)
    with ProcessPoolExecutor(processes) as pool:
        return pd.concat(pool.map(one, seeds, chunksize=10), ignore_index=True)


def true_differences(truth: Truth, outcome: str) -> pd.DataFrame:
    """Find the true difference of every pair of arms at every visit."""
    means = truth.means[truth.means["outcome"] == outcome]
    keyed = means.set_index(["estimand", "visit", "arm"])["estimate"]
    rows = [
        (estimand, visit, arm, reference,
         keyed[estimand, visit, arm] - keyed[estimand, visit, reference])
        for estimand in ESTIMANDS
        for visit in truth.design.visits
        for pair in combinations([a.name for a in truth.design.arms], 2)
        for arm, reference in (pair, pair[::-1])
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["estimand", "visit", "arm", "reference", "truth"])


def summarise(estimates: pd.DataFrame, truths: pd.DataFrame) -> pd.DataFrame:
    """Summarise the estimates of many trials against the truth."""
    fitted = estimates[estimates["arm"] != NOT_FITTED].astype({"visit": "str"})
    keys = ["estimand", "visit", "arm", "reference"]
    table = fitted.merge(truths, on=keys, validate="many_to_one")
    table["error"] = table["estimate"] - table["truth"]
    table["covered"] = table["truth"].between(table["lower"], table["upper"])
    rows = []
    for key, group in table.groupby(keys, sort=False):
        n, empirical = len(group), group["error"].std()
        coverage = group["covered"].mean()
        model = np.sqrt((group["se"] ** 2).mean())
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "trials": n,
                "truth": group["truth"].iloc[0],
                "bias": group["error"].mean(),
                "bias_mc_error": empirical / np.sqrt(n),
                "empirical_se": empirical,
                "model_se": model,
                "se_ratio": model / empirical,
                "coverage": 100 * coverage,
                "coverage_mc_error": 100 * np.sqrt(coverage * (1 - coverage) / n),
            }
        )
    return pd.DataFrame(rows)


def as_markdown(table: pd.DataFrame) -> str:
    """Show a summary as a Markdown table."""
    lines = [
        "| estimand | visit | contrast | truth | bias (MC error) | model SE / empirical SE "
        "| coverage, % (MC error) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.estimand} | {r.visit} | {r.arm} − {r.reference} | {r.truth:.2f} "
        f"| {r.bias:+.3f} ({r.bias_mc_error:.3f}) "
        f"| {r.model_se:.3f} / {r.empirical_se:.3f} = {r.se_ratio:.3f} "
        f"| {r.coverage:.2f} ({r.coverage_mc_error:.2f}) |"
        for r in table.itertuples()
    ]
    return "\n".join(lines)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    design = TrialDesign()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000, help="number of trials")
    parser.add_argument("--seed", type=int, default=20261122, help="seed of the study")
    parser.add_argument("--outcome", default=design.outcomes[0].name, help="outcome to analyse")
    parser.add_argument("--icc", type=float, default=design.therapist_icc,
                        help="therapists' intraclass correlation at the endpoint")  # fmt: skip
    parser.add_argument("--people", type=int, default=1_000_000, help="sample of the truth")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--all-visits", action="store_true", help="print all visits")
    parser.add_argument("--out", type=Path, help="folder for coverage.csv and coverage.md")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table."""
    asked = parsed(arguments)
    design = replace(TrialDesign(), therapist_icc=asked.icc)
    start = time.perf_counter()
    truth = true_values(design, asked.seed, asked.people)
    estimates = analyse_all(design, asked.outcome, asked.trials, asked.seed, asked.processes)
    table = summarise(estimates, true_differences(truth, asked.outcome))
    endpoint = table[table["visit"] == design.endpoint]
    failures = estimates[estimates["arm"] == NOT_FITTED]
    text = (
        f"{asked.trials} trials of {design.participants} participants, {asked.outcome}, "
        f"therapist ICC {design.therapist_icc:g}, seed {asked.seed}; "
        f"fits that failed: {len(failures)} of {asked.trials * len(ESTIMANDS)}.\n\n"
        + as_markdown(table if asked.all_visits else endpoint)
    )
    print(f"{text}\n\n{time.perf_counter() - start:.0f} s")
    for reason, count in failures["reference"].value_counts().items():
        print(f"not fitted ({count}): {reason}")
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
        table.to_csv(asked.out / "coverage.csv", index=False, lineterminator="\n")
        (asked.out / "coverage.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
