"""Coverage of clusters, process and dose: how often their 95 % intervals hold the truth.

Draws small studies with known truth and analyses each with the package's own functions:

* therapists in one of two arms (20 of six participants, intraclass correlation .05): difference at
  the endpoint, intraclass correlation (profile likelihood; at the boundary it is exempt from any
  claim), slope in the therapists' training;
* groups randomised as a whole (16 of eight participants in either arm): difference at the endpoint;
* the same participants crossed with 16 sites, each arm in each: difference with sites fixed and an
  effect of treatment that varies between them;
* twelve weekly sessions of 60 participants: within-person slope of the next session's symptoms on
  alliance, and the way back, whose truth is 0 but whose predictor is not exogenous;
* diaries of 40 participants over 14 days: within-person slopes of mood on an event of the same day
  and of the day before;
* 160 participants of whom seven in ten comply: effect among compliers; slope per session attended;
* mediation: indirect effect, percentile bootstrap;
* raters' drift along the months of the trial.

Run from the root of the repository::

    python benchmarks/process.py --trials 2000 --seed 20261122
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from clinical import as_markdown, summarise

from ipt_outcomes.analyses.cluster_predictors import slopes
from ipt_outcomes.analyses.clustered_models import ClusterModel, fit_clusters
from ipt_outcomes.analyses.dose_response import least_squares_hc3
from ipt_outcomes.analyses.instrument import two_stage
from ipt_outcomes.analyses.mediation import bootstrap_split, split_effect
from ipt_outcomes.analyses.percentiles import percentile_interval
from ipt_outcomes.analyses.within_between import fit_within_between, lagged_occasions
from ipt_outcomes.simulate.clusters import ClusteredDesign, simulate_clusters
from ipt_outcomes.simulate.process import (
    DiaryDesign,
    SessionsDesign,
    simulate_diary,
    simulate_sessions,
)

LEVEL = 0.95
THERAPISTS = ClusteredDesign(clusters=20, size=6, icc=0.05)
TRAINING = ClusteredDesign(clusters=20, size=6, icc=0.05, training_effect=-1.5)
GROUPS = ClusteredDesign(clusters=16, size=8, icc=0.05, both_arms=True)
SESSIONS = SessionsDesign()
DIARY = DiaryDesign(participants=40, days=14)
ECHO = DiaryDesign(participants=40, days=14, next_day=-0.6, next_day_sd=0.6)
ALIKE = DiaryDesign(participants=40, days=14, next_day=-0.6)
COMPLIER, PER_SESSION, DRIFT = -4.0, -0.3, 0.15
THROUGH, INDIRECT = -2.0, -1.6

Found = dict[str, tuple[float, float, float, float]]
TRUTH = {
    "difference, therapists in one arm": THERAPISTS.effect,
    "intraclass correlation at the endpoint": THERAPISTS.icc,
    "slope in training, between therapists": TRAINING.training_effect,
    "difference, randomised groups": GROUPS.effect,
    "difference, treatment by site": GROUPS.effect,
    "lagged slope within persons": SESSIONS.effect,
    "lagged slope within persons, the way back": 0.0,
    "same-day slope within persons, diary": DIARY.effect,
    "next-day slope within persons, diary": ECHO.next_day,
    "next-day slope within persons who do not differ in it, diary": ALIKE.next_day,
    "effect among compliers": COMPLIER,
    "slope per session attended": PER_SESSION,
    "indirect effect": INDIRECT,
    "rater drift": DRIFT,
}


def of_line(line: dict[str, float]) -> tuple[float, float, float, float]:
    """Pick an estimate with its error and interval."""
    return line["estimate"], line["se"], line["lower"], line["upper"]


def of_therapists(seed: int) -> Found:
    """Analyse one trial with therapists in one arm, and one in which their training matters."""
    model = ClusterModel("growing", "control")
    fit = fit_clusters(simulate_clusters(THERAPISTS, seed), model).fit
    difference = fit.contrasts("arm", by="visit").to_dict("records")[-1]
    icc = fit.icc(16, interval="profile").to_dict("records")
    own = next(line for line in icc if line.get("group", "treatment") == "treatment")
    rows = simulate_clusters(TRAINING, seed)
    rows = rows[rows["cluster"].notna()].assign(predictor=lambda f: f["training"])
    (slope,) = slopes(rows, model, "training", {"notes": None}, "therapist")
    return {
        "difference, therapists in one arm": of_line(difference),
        "intraclass correlation at the endpoint": (own["icc"], own["se"], own["lower"],
                                                   own["upper"]),
        "slope in training, between therapists": of_line(slope),
    }  # fmt: skip


def of_groups(seed: int) -> Found:
    """Analyse one cluster-randomised trial."""
    rows = simulate_clusters(GROUPS, seed)
    fit = fit_clusters(rows, ClusterModel("growing", "control", "common")).fit
    difference = fit.contrasts("arm", by="visit").to_dict("records")[-1]
    return {"difference, randomised groups": of_line(difference)}


def of_sites(seed: int) -> Found:
    """Analyse one trial whose sites have both arms, and an effect of their own in each."""
    random = np.random.default_rng([seed, 9])
    rows = simulate_clusters(GROUPS, seed)
    # Clusters k of one arm and of the other are the two halves of site k.
    number = rows["cluster"].str[1:].astype(int) - 1
    rows["site"] = [f"S{k % GROUPS.clusters:02d}" for k in number]
    shift = dict(zip(sorted(set(rows["site"])), random.normal(0, 2, GROUPS.clusters), strict=True))
    moved = rows["site"].map(shift).astype(float)
    rows = rows.assign(score=rows["score"] + moved, baseline=rows["baseline"] + moved)
    model = ClusterModel("growing", "control", "common", covariates=("site",))
    difference = fit_clusters(rows, model).fit.contrasts("arm", by="visit").to_dict("records")[-1]
    return {"difference, treatment by site": of_line(difference)}


def long(frame: pd.DataFrame, name: str, clock: str) -> pd.DataFrame:
    """Name a variable and its clock as the within–between model does."""
    renamed = frame.rename(columns={name: "value", clock: "time"})
    return renamed[["participant", "arm", "time", "value"]]


def within(
    first: pd.DataFrame, then: pd.DataFrame, lag: int, least: int, own: bool, same: bool = False
) -> tuple[float, float, float, float]:
    """Estimate a slope within persons."""
    occasions = lagged_occasions(first, then, lag, least, same=same)
    fit = fit_within_between(occasions, random_within=own, level=LEVEL)
    return of_line(fit.coefficients.set_index("term").to_dict("index")["within"])


def of_sessions(seed: int) -> Found:
    """Analyse one study with weekly sessions in both directions."""
    frame = simulate_sessions(SESSIONS, seed)
    x, y = long(frame, "alliance", "session"), long(frame, "symptoms", "session")
    return {
        "lagged slope within persons": within(x, y, 1, 5, own=False),
        "lagged slope within persons, the way back": within(y, x, 1, 5, own=False),
    }


def of_diaries(seed: int) -> Found:
    """Analyse one diary study."""
    frame = simulate_diary(DIARY, seed)
    x, y = long(frame, "event", "day"), long(frame, "mood", "day")
    found = {"same-day slope within persons, diary": within(x, y, 0, 7, own=True)}
    for design, who in ((ECHO, ""), (ALIKE, " who do not differ in it")):
        again = simulate_diary(design, seed)
        first, then = long(again, "event", "day"), long(again, "mood", "day")
        found[f"next-day slope within persons{who}, diary"] = within(
            first, then, 1, 7, own=True, same=True
        )
    return found


def of_doses(seed: int) -> Found:
    """Analyse one trial with non-compliers, one with sessions, one with a mediator."""
    random = np.random.default_rng([seed, 7])
    n = 160
    z = np.repeat([1.0, 0.0], n // 2)
    baseline = random.normal(20, 4, n)
    complier = random.random(n) < 0.7
    d = z * complier
    y = 8 + 0.4 * baseline - 3 * complier + COMPLIER * d + random.normal(0, 5, n)
    iv = two_stage(y, d, z, baseline[:, None])
    dose = random.integers(0, 17, n).astype(float)
    y2 = 10 + PER_SESSION * dose + 0.4 * baseline + random.normal(0, 5, n)
    ols = least_squares_hc3(np.column_stack([dose, np.ones(n), baseline]), y2, 0)
    m = 6 + THROUGH * z + 0.3 * baseline + random.normal(0, 2, n)
    y3 = 5 + INDIRECT / THROUGH * m - z + 0.2 * baseline + random.normal(0, 3, n)
    whole = (z, m, y3, baseline[:, None])
    drawn = bootstrap_split(whole, 200, random, interaction=False)[:, 0]
    lower, upper = percentile_interval(drawn, LEVEL, n // 2)
    indirect = split_effect(*whole, interaction=False).indirect
    return {
        "effect among compliers": t_interval(iv.value, iv.se, iv.df),
        "slope per session attended": t_interval(*ols, n - 3),
        "indirect effect": (indirect, float(drawn.std(ddof=1)), float(lower), float(upper)),
    }


def t_interval(value: float, se: float, df: float) -> tuple[float, float, float, float]:
    """Give an estimate its interval."""
    from scipy import stats

    half = float(stats.t.ppf((1 + LEVEL) / 2, df)) * se
    return value, se, value - half, value + half


def of_drift(seed: int) -> Found:
    """Analyse one trial whose raters' scores drift."""
    from ipt_outcomes.analyses.blinding import drift_model

    random = np.random.default_rng([seed, 8])
    rows = simulate_clusters(ClusteredDesign(clusters=10, size=5, icc=0.0), seed)
    rows["order"] = random.uniform(-12, 12, len(rows))
    rows["rater"] = random.choice(["R1", "R2", "R3"], len(rows))
    rows["score"] = rows["score"] + DRIFT * rows["order"] + (rows["rater"] == "R2")
    fit = drift_model(rows, (), "control", "kenward-roger", "unstructured", LEVEL)
    return {"rater drift": of_line(fit.coefficients.set_index("term").to_dict("index")["order"])}


KINDS = {
    "therapists": of_therapists,
    "groups": of_groups,
    "sites": of_sites,
    "sessions": of_sessions,
    "diaries": of_diaries,
    "doses": of_doses,
    "drift": of_drift,
}


def one(seed: int, kinds: list[str]) -> list[tuple[str, float, float, float, float]]:
    """Draw and analyse one study of each kind; what could not be estimated is counted."""
    rows: list[tuple[str, float, float, float, float]] = []
    for kind in kinds:
        try:
            rows += [(name, *values) for name, values in KINDS[kind](seed).items()]
        except ValueError as error:
            rows.append((f"{kind} not estimated: {error}", np.nan, np.nan, np.nan, np.nan))
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    seeds = [
        int(s) for s in np.random.SeedSequence(asked.seed).generate_state(asked.trials, np.uint64)
    ]
    analyse = partial(one, kinds=asked.kinds)
    if asked.processes == 1:
        parts = [analyse(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(asked.processes) as pool:
            parts = list(pool.map(analyse, seeds, chunksize=10))
    rows = pd.DataFrame(
        [row for part in parts for row in part], columns=["name", "value", "se", "lower", "upper"]
    )
    table = summarise(rows, TRUTH)
    print(
        f"{asked.trials} trials, seed {asked.seed}.\n\n{as_markdown(table)}\n\n"
        f"{time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
