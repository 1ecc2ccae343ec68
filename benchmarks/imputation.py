"""Time the imputation of a simulated trial against its targets.

Run: python benchmarks/imputation.py [--repeats 3]

What is timed goes from the laid-out trial to the pooled table: fit, refits, imputation, analysis
of covariance at every visit, pooling. For comparison R's rbmi took 23 s for the 100 bootstrap
imputations and 57 s for the jackknife of the same size.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from mixed import best

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
from ipt_outcomes.imputation.tipping import tipping_surface


def simulated(participants: int, visits: int, seed: int = 1) -> IncompleteTrial:
    """Simulate two arms; a quarter leave, and one score in twenty is missed before."""
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(participants) % 2, "IPT", "MED")
    baseline = rng.normal(20, 4, participants)
    week = 4 * np.arange(1, visits + 1)
    slope = np.where(arm == "IPT", -0.5, -0.4) + rng.normal(0, 0.2, participants)
    y = 0.5 * baseline[:, None] + 10 + slope[:, None] * week
    y = y + rng.normal(0, 3, participants)[:, None] + rng.normal(0, 3, y.shape)
    leave = np.where(rng.random(participants) < 0.25, rng.integers(1, visits, participants), visits)
    y[(np.arange(visits)[None] >= leave[:, None]) | (rng.random(y.shape) < 0.05)] = np.nan
    frame = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(participants), visits),
            "arm": np.repeat(arm, visits),
            "baseline": np.repeat(baseline, visits),
            "week": np.tile(week, participants),
            "score": y.ravel(),
        }
    )
    gone = np.flatnonzero(leave < visits)
    events = pd.DataFrame({"participant": gone, "visit": week[leave[gone]], "strategy": "JR"})
    return incomplete_trial(
        frame, "score ~ baseline*week + arm*week", participant="participant", visit="week",
        arm="arm", reference="MED", events=events,
    )  # fmt: skip


def main(repeats: int) -> None:
    trial = simulated(200, 6)
    last = trial.visits[-1]

    def once(method: str, number: int) -> pd.DataFrame:
        drawn = draws(trial, method, number, rng=stream(1, method))  # type: ignore[arg-type]
        return pool(analyse(impute(drawn), ancova()))

    grid = np.linspace(-10, 10, 21)
    drawn = draws(trial, "jackknife")
    rows = [
        ("100 bootstrap imputations, one strategy", lambda: once("bootstrap", 100), 0.3),
        ("jackknife of 200, one strategy", lambda: once("jackknife", 0), 0.4),
        ("1,000 approximate-Bayes draws", lambda: once("approximate bayes", 1000), 5.0),
        (
            "tipping surface 21 × 21, jackknife given",
            lambda: tipping_surface(
                impute(drawn), ancova(visits=[last]), arm="IPT", visit=last, deltas=grid,
                reference_deltas=grid,
            ),
            None,
        ),
    ]  # fmt: skip
    print(f"200 participants × 6 visits; {int(trial.missing.sum())} of 1,200 scores missing")
    print(f"{'what':45s} {'seconds':>8s} {'of CPU':>8s} {'target':>7s}")
    for what, run, target in rows:
        seconds, used = best(run, repeats)
        aim = "" if target is None else f"{target:7.1f}"
        print(f"{what:45s} {seconds:8.3f} {used:8.3f} {aim:>7s}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    main(parser.parse_args().repeats)
