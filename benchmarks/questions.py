"""Coverage of the clinical questions: how often their 95 % intervals hold the truth.

Draws trials with known truth (:mod:`ipt_outcomes.simulate.studies`) and analyses each with the
package's own functions:

* a 2 × 2 of psychotherapy and medication, 160 participants: margins, simple effects, interaction;
  the constrained longitudinal model, CR2 errors and the bootstrap; effects by moderators; problem
  areas (grief 3 points better), also wrongly assigned by raters with a kappa of .82; composite and
  while-on-treatment estimands; non-inferiority at its boundary;
* weekly sessions, 80 participants: slopes by phase and arm, changes after the endpoint.

Truth is computed from large samples with every score recorded, on the observed scale. Run from the
root of the repository::

    python benchmarks/questions.py --trials 2000
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

from clinical import as_markdown, summarise
from known_trials import (
    AREAS,
    CELLS,
    GRIEF,
    KAPPA,
    NOTHING,
    WORST,
    Found,
    Quantities,
    as_data,
    at,
    designs,
    drawn,
    of_row,
    study_of,
    two_by_two,
)

from ipt_outcomes.analyses.area_errors import error_matrix
from ipt_outcomes.analyses.cross_checks import cross_checks
from ipt_outcomes.analyses.data import AS_RANDOMISED, model_frame
from ipt_outcomes.analyses.durability import durability_rows
from ipt_outcomes.analyses.factorial import INTERACTION, WEIGHTS, fit_factorial
from ipt_outcomes.analyses.growth import fit_curve
from ipt_outcomes.analyses.growth_data import growth_data
from ipt_outcomes.analyses.moderators import moderators
from ipt_outcomes.analyses.non_inferiority import non_inferiority
from ipt_outcomes.analyses.problem_areas import problem_areas
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.simulate.studies import PHASES
from ipt_outcomes.simulate.trial import simulate_trial
from ipt_outcomes.study.effects import CrossChecksAnalysis


def of_cells(seed: int, margin: float) -> Found:
    """Analyse the cells of a 2 × 2."""
    data = two_by_two(seed, margin)
    found: Found = {}
    plan = data.study.analyses.medication
    assert plan is not None
    assert plan.factorial is not None
    model = fit_factorial(data, plan.factorial, "hamd17", "medication, factorial", "exploratory")
    for name in WEIGHTS:
        found[f"{name}: 2 × 2"] = of_row(model.contrast(name, "week_16"))
    row = model.contrast(INTERACTION, "week_16", minus="week_4")
    found["change of the interaction: 2 × 2"] = of_row(row)
    return found


def of_checks(seed: int, margin: float, samples: int) -> Found:
    """Repeat the primary comparison by other means."""
    data = two_by_two(seed, margin)
    analyses = data.study.analyses
    plan = CrossChecksAnalysis(bootstrap=samples)
    study = data.study.model_copy(
        update={"analyses": analyses.model_copy(update={"cross_checks": plan})}
    )
    checks = cross_checks(replace(data, study=study))
    kinds = ["baseline as an outcome", "CR2 errors", *(["bootstrap"] if samples else [])]
    return {
        f"IPT minus neither: {kind}": of_row(at(checks, f"cross-checks, {kind}", arm="IPT"))
        for kind in kinds
    }


def of_estimands(seed: int, margin: float) -> Found:
    """Fit the primary model under every strategy."""
    data = two_by_two(seed, margin)
    found: Found = {}
    for estimand in ("treatment_policy", "composite", "while_on_treatment"):
        frame = model_frame(data, "hamd17", estimand, AS_RANDOMISED)
        fit = fit_repeated_measures(
            data, frame, group="arm", reference="PLA", names={arm: arm for arm in data.arms},
            where={"outcome": "hamd17", "analysis": "primary", "analysis_set": AS_RANDOMISED,
                   "estimand": estimand, "status": "exploratory"},
        )  # fmt: skip
        row = next(r for r in fit.differences("PLA", ["IPT"]) if r["visit"] == "week_16")
        found[f"IPT minus neither, {estimand}: primary"] = of_row(row)
    return found


def of_moderators(seed: int, margin: float) -> Found:
    """Compare effects between participants."""
    table = moderators(two_by_two(seed, margin))
    found = {"effect by age: moderators":
             of_row(at(table, "moderators, age", arm="IPT", quantity="slope"))}  # fmt: skip
    row = at(table, "moderators, recurrent", arm="IPT", subgroup="recurrent: True")
    found["IPT minus neither: in a subgroup"] = of_row(row)
    kept = table[table["subgroup"].fillna("").str.contains("against") & (table["arm"] == "IPT")]
    found["difference of effects: moderators"] = of_row(kept.iloc[0])
    return found


def of_areas(seed: int, margin: float) -> Found:
    """Compare the areas as rated, and as rated by raters who err."""
    data = two_by_two(seed, margin)
    found: Found = {}
    table = problem_areas(data)

    def pair(rows: pd.DataFrame, analysis: str) -> Quantities:
        own = rows[(rows["analysis"] == analysis) & (rows["arm"] == "role_disputes")
                   & (rows["reference"] == "grief")]  # fmt: skip
        return of_row(own.iloc[0]) if len(own) else NOTHING

    found["disputes minus grief: six contrasts"] = pair(table, "problem areas")
    found["disputes minus grief: partially pooled (exempt)"] = pair(
        table, "problem areas, partially pooled"
    )
    flags = table[(table["analysis"] == "problem areas, flags") & (table["arm"] == "grief")]
    found["with grief minus without: flags"] = of_row(flags.iloc[0])
    number = table[table["analysis"] == "problem areas, number of areas"]
    found["per further area: number of areas"] = of_row(number.iloc[0])
    # A second rating of the same participants, by raters whose agreement is KAPPA.
    random = np.random.default_rng([seed, 7])
    people = data.participants.copy()
    known = people["problem_area"].notna().to_numpy()
    true = people.loc[known, "problem_area"].map(AREAS.index).to_numpy()
    shares = np.array([area.share for area in designs()["factorial"].areas])
    edges = error_matrix(shares, KAPPA).cumsum(axis=1)[true]
    rated = (random.random((len(true), 1)) > edges).sum(axis=1)
    people.loc[known, "problem_area"] = [AREAS[j] for j in rated]
    again = problem_areas(replace(data, participants=people))
    found["disputes minus grief: wrongly rated, as it stands (exempt)"] = pair(
        again, "problem areas"
    )
    found["disputes minus grief: wrongly rated, adjusted"] = pair(
        again, "problem areas, misclassification"
    )
    return found


def of_margin(seed: int, margin: float) -> Found:
    """Ask for non-inferiority where the truth lies on the margin: a rate of errors."""
    table = non_inferiority(two_by_two(seed, margin)).set_index("analysis")
    found: Found = {"benefit of medication over IPT: as randomised":
                    of_row(table.loc["non-inferiority"])}  # fmt: skip
    imputed = table.loc["non-inferiority, imputed under the null"]
    for name, row in (("as randomised", table.loc["non-inferiority"]),
                      ("imputed under the null", imputed)):  # fmt: skip
        shown = float(row["lower"] > -margin)
        found[f"wrongly called non-inferior: {name}"] = (shown, np.nan, np.nan, np.nan)
    return found


def of_weekly(seed: int, margin: float) -> Found:
    """Draw and analyse one trial with weekly sessions."""
    data = as_data(simulate_trial(designs()["weekly"], seed), study_of("weekly"))
    course = growth_data(data)
    fit = fit_curve(course, "piecewise", "kenward-roger", 0.95)
    table = fit.coefficients.set_index("term")
    found: Found = {}
    for term, phase in zip(course.phases, [*PHASES, "follow_up"], strict=True):
        found[f"slope, {phase}: growth"] = of_row(table.loc[term])
        name = next(t for t in table.index if set(t.split(":")) == {term, "arm_0"})
        found[f"difference of slopes, {phase}: growth"] = of_row(table.loc[name])
    for row in durability_rows(data):
        if row["visit"] == "week_28" and row["reference"] is not None:
            found["difference of changes after the endpoint: durability"] = of_row(row)
    return found


KINDS = {
    "cells": of_cells,
    "estimands": of_estimands,
    "moderators": of_moderators,
    "areas": of_areas,
    "margin": of_margin,
    "weekly": of_weekly,
}


def one(seed: int, margin: float, samples: int, kinds: list[str]) -> list[tuple[Any, ...]]:
    """Analyse one trial of each kind; what could not be estimated is counted."""
    rows: list[tuple[Any, ...]] = []
    analyses = {**KINDS, "checks": partial(of_checks, samples=samples)}
    for kind in kinds:
        try:
            rows += [(what, *values) for what, values in analyses[kind](seed, margin).items()]
        except ValueError as error:
            rows.append((f"not estimated: {type(error).__name__}", *NOTHING))
    return rows


def truths(people: int) -> dict[str, float]:
    """Find the true values from large samples with every score recorded."""
    sums: dict[str, Any] = {}
    design = replace(designs()["factorial"], participants=20_000)
    arms = [arm.name for arm in design.arms]
    means = {key: np.zeros((4, 5)) for key in ("policy", "composite", "while")}
    count = np.zeros(4)
    moments, cross, number = np.zeros((5, 5)), np.zeros(5), [np.zeros((2, 2)), np.zeros(2)]
    for part in range(max(1, people // 20_000)):
        trial = simulate_trial(design, 10_000_000 + part)
        policy = trial.course.policy[:, :, 0]
        off = np.arange(5) >= trial.course.stop_interval[:, None]
        last = np.maximum(trial.course.stop_interval - 1, 0)
        carried = np.where(off, policy[np.arange(len(off)), np.minimum(last, 4)][:, None], policy)
        for a in range(4):
            own = trial.arm == a
            count[a] += own.sum()
            means["policy"][a] += policy[own].sum(0)
            means["composite"][a] += np.where(off, WORST, policy)[own].sum(0)
            means["while"][a] += carried[own].sum(0)
        treated = trial.delivery.areas_rated
        flags = trial.people.flags[treated].astype(float)
        effect = np.where(trial.people.area[treated] == 0, GRIEF, 0.0)
        x = np.column_stack([np.ones(len(flags)), flags])
        moments, cross = moments + x.T @ x, cross + x.T @ effect
        z = np.column_stack([np.ones(len(flags)), flags.sum(1)])
        number = [number[0] + z.T @ z, number[1] + z.T @ effect]
    for key in means:
        means[key] /= count[:, None]
    at = {key: dict(zip(arms, value[:, -1], strict=True)) for key, value in means.items()}
    cells = np.array([at["policy"][arm] for arm in CELLS.values()])
    sums |= {name: float(np.array(w) @ cells) for name, w in WEIGHTS.items()}
    early = dict(zip(arms, means["policy"][:, 1], strict=True))
    first = np.array([early[arm] for arm in CELLS.values()])
    weights = np.array(WEIGHTS[INTERACTION])
    sums["change of the interaction"] = float(weights @ (cells - first))
    sums["IPT minus neither"] = at["policy"]["IPT"] - at["policy"]["PLA"]
    for key, name in (("policy", "treatment_policy"), ("composite", "composite"),
                      ("while", "while_on_treatment")):  # fmt: skip
        sums[f"IPT minus neither, {name}"] = at[key]["IPT"] - at[key]["PLA"]
    sums |= {"effect by age": 0.0, "difference of effects": 0.0}
    sums["disputes minus grief"] = -GRIEF
    sums["with grief minus without"] = float(np.linalg.solve(moments, cross)[1])
    sums["per further area"] = float(np.linalg.solve(number[0], number[1])[1])
    sums["benefit of medication over IPT"] = at["policy"]["IPT"] - at["policy"]["MED"]
    design = replace(designs()["weekly"], participants=20_000)
    total, n = np.zeros((2, len(design.visits))), np.zeros(2)
    for part in range(max(1, people // 40_000)):
        trial = simulate_trial(design, 20_000_000 + part)
        for a in range(2):
            total[a] += trial.course.policy[trial.arm == a, :, 0].sum(0)
            n[a] += (trial.arm == a).sum()
    total /= n[:, None]
    weeks = np.array(design.weeks)
    basis, start = [np.ones(len(weeks))], 0.0
    for end in (*PHASES.values(), np.inf):
        basis.append(np.clip(weeks, start, end) - start)
        start = end
    slopes = np.linalg.lstsq(np.column_stack(basis), total.T, rcond=None)[0][1:]
    for k, phase in enumerate([*PHASES, "follow_up"]):
        sums[f"slope, {phase}"] = float(slopes[k, 1])
        sums[f"difference of slopes, {phase}"] = float(slopes[k, 0] - slopes[k, 1])
    change = total[:, -1] - total[:, design.endpoint_index]
    sums["difference of changes after the endpoint"] = float(change[0] - change[1])
    return sums


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--people", type=int, default=800_000, help="samples of the truth")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--bootstrap", type=int, default=200, help="samples a trial; 0 for none")
    parser.add_argument("--kinds", nargs="+", default=[*KINDS, "checks"])
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    truth = truths(asked.people)
    margin = -truth["benefit of medication over IPT"]
    analyse = partial(one, margin=margin, samples=asked.bootstrap, kinds=asked.kinds)
    rows = drawn(analyse, asked)
    wrong = rows["name"].str.startswith("wrongly")
    rates = rows[wrong].groupby("name", sort=False)["value"].agg(["mean", "size"])
    said = [f"{name}: {100 * rate:.2f} % of {n}" for name, (rate, n) in rates.iterrows()]
    table = summarise(rows[~wrong], truth)
    print(
        f"{asked.trials} trials of each kind, seed {asked.seed}.\n\n{as_markdown(table)}\n\n"
        + "\n".join(said)
        + f"\n\n{time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
