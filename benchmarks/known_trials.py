"""The trials with known truth of the coverage studies, in the frames that the analyses read.

Used by ``questions.py``, ``lasting.py`` and ``panel.py``; not a program of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import PARTICIPANT_COLUMNS, SCORE_COLUMNS
from ipt_outcomes.simulate.design import TrialDesign
from ipt_outcomes.simulate.studies import PHASES, factorial_design, weekly_design
from ipt_outcomes.simulate.trial import SimulatedTrial, simulate_trial
from ipt_outcomes.study import Study

Quantities = tuple[float, float, float, float]
"""Estimate, standard error and the ends of the interval."""
Found = dict[str, Quantities]
NOTHING: Quantities = (np.nan, np.nan, np.nan, np.nan)

CELLS = {"both": "IPT+MED", "psychotherapy": "IPT", "medication": "MED", "neither": "PLA"}
GRIEF = -3.0
KAPPA = 0.82
WORST = 52.0
POLICY = ("treatment-policy",)
AREAS = ("grief", "role_disputes", "role_transitions", "interpersonal_deficits")


def drawn(
    one: Callable[[int], Iterable[tuple[Any, ...]]],
    asked: argparse.Namespace,
    columns: Sequence[str] = ("name", "value", "se", "lower", "upper"),
    kind: type[np.unsignedinteger[Any]] = np.uint32,
) -> pd.DataFrame:
    """Draw and analyse as many trials as asked for; each has a seed of its own of this kind."""
    sequence = np.random.SeedSequence(asked.seed)
    seeds = [int(seed) for seed in sequence.generate_state(asked.trials, kind)]
    if asked.processes == 1:
        parts = [one(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(asked.processes) as pool:
            parts = list(pool.map(one, seeds, chunksize=10))
    return pd.DataFrame([row for part in parts for row in part], columns=list(columns))


def designs() -> dict[str, TrialDesign]:
    """Give the two designs; in the 2 × 2 those with grief end 3 points lower."""
    two_by_two = factorial_design()
    areas = tuple(replace(area, effects=(GRIEF,) if area.name == "grief" else (0.0,))
                  for area in two_by_two.areas)  # fmt: skip
    return {"factorial": replace(two_by_two, areas=areas), "weekly": weekly_design()}


def study_for(
    design: TrialDesign, analyses: dict[str, Any], strategies: tuple[str, ...] = POLICY
) -> Study:
    """Describe a design as a study; the first outcome is the primary one."""
    end = design.weeks[design.endpoint_index]
    visits = {
        name: {"label": name, "week": week, "phase": "baseline" if week == 0 else
               "treatment" if week <= end else "follow-up"}
        for name, week in zip(design.visits, design.weeks, strict=True)
    }  # fmt: skip
    arms = {
        arm.name: {"label": arm.label, "psychotherapy": "IPT" if arm.psychotherapy else "none",
                   "medication": "tablets" if arm.medication else "none",
                   "format": "individual" if arm.psychotherapy else "none"}
        for arm in design.arms
    }  # fmt: skip

    def estimand(strategy: str) -> dict[str, Any]:
        return {"label": strategy, "population": "all", "endpoint": design.endpoint,
                "intercurrent_events": {"stopping_treatment": strategy}}  # fmt: skip

    names = [scale.name for scale in design.outcomes]
    columns = {
        "participant": "p",
        "arm": "a",
        "visit": "v",
        "outcomes": dict(zip(names, names, strict=True)),
    }
    return Study.model_validate({
        "config_version": 1,
        "study": {"title": "known", "seed": 1},
        "trials": {"one": {"label": "One", "export": {"file": "one.csv", "format": "long"},
                           "columns": columns,
                           "codes": {"arm": dict(zip(arms, arms, strict=True)),
                                     "visit": dict(zip(visits, visits, strict=True))}}},
        "arms": arms,
        "reference_arm": design.reference_arm,
        "visits": visits,
        "outcomes": {scale.name: {"label": scale.label, "short_label": scale.name,
                                  "role": "secondary" if k else "primary",
                                  "range": list(scale.range)}
                     for k, scale in enumerate(design.outcomes)},
        "characteristics": {"age": {"label": "age", "kind": "number", "unit": "years"},
                            "recurrent": {"label": "recurrent", "kind": "category"}},
        "estimands": {name.replace("-", "_"): estimand(name) for name in strategies},
        "analyses": {"primary": {"adjust_for": []}, **analyses},
    })  # fmt: skip


@cache
def study_of(kind: str, margin: float = 1.0) -> Study:
    """Describe one of :func:`designs` with its analyses as a study."""
    design = designs()[kind]
    if kind == "weekly":
        return study_for(design, {"growth": {"phases": PHASES}})
    analyses = {
        "medication": {"factorial": CELLS},
        "moderators": {"exploratory": ["age", "recurrent"]},
        "problem_areas": {"rated": "after-randomisation", "arms": ["IPT", "IPT+MED"],
                          "misclassification": {"kappa": KAPPA, "draws": 2000}},
        "non_inferiority": {"arm": "MED", "comparator": "IPT", "margin": margin,
                            "justification": "the true difference, so that it is the null"},
    }  # fmt: skip
    return study_for(design, analyses, (*POLICY, "composite", "while-on-treatment"))


def as_data(trial: SimulatedTrial, study: Study) -> TrialData:
    """Lay a simulated trial out as the canonical frames."""
    people = trial.participants().assign(trial="one")
    people["participant"] = "P" + people["participant"].astype(str)
    scores = trial.scores().assign(trial="one")
    scores["participant"] = "P" + scores["participant"].astype(str)

    def canonical(frame: pd.DataFrame, columns: Any) -> pd.DataFrame:
        return pd.DataFrame({
            name: frame[name].astype(dtype) if name in frame
            else pd.array([pd.NA] * len(frame), dtype=dtype)
            for name, (dtype, _, _) in columns.items()
        })  # fmt: skip

    own = canonical(people, PARTICIPANT_COLUMNS)
    own["characteristic_age"] = people["age"].astype(float)
    own["characteristic_recurrent"] = people["recurrent"].astype(str).astype("str")
    return TrialData(study, "one", canonical(scores, SCORE_COLUMNS), own)


def of_row(row: Any) -> Quantities:
    """Take estimate, error and interval of a row; not a number where it has none."""
    values = (row.get(key) for key in ("estimate", "se", "lower", "upper"))
    estimate, se, lower, upper = (np.nan if pd.isna(value) else float(value) for value in values)
    return estimate, se, lower, upper


def two_by_two(seed: int, margin: float) -> TrialData:
    """Draw one 2 × 2."""
    return as_data(simulate_trial(designs()["factorial"], seed), study_of("factorial", margin))


def at(table: pd.DataFrame, analysis: str, **where: str) -> Any:
    """Take the row of an analysis at week 16."""
    kept = table[(table["analysis"] == analysis) & (table["quantity"] != "test")]
    for column, value in {"visit": "week_16", **where}.items():
        kept = kept[kept[column] == value]
    return kept.iloc[0]
