"""Small trials in canonical frames, and the reference trial with R's results on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import (
    PARTICIPANT_COLUMNS,
    SCORE_COLUMNS,
    validate_participants,
    validate_scores,
)
from ipt_outcomes.study import Study

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "reference"


def canonical(frame: pd.DataFrame, columns: dict[str, tuple[str, bool, str]]) -> pd.DataFrame:
    """Give a frame all canonical columns with their types."""
    full = {
        name: frame[name].astype(dtype) if name in frame else pd.array([pd.NA] * len(frame), dtype)
        for name, (dtype, _, _) in columns.items()
        if dtype != "float64" or name in frame
    }
    extra = {name: frame[name] for name in frame if name.startswith("characteristic_")}
    return pd.DataFrame({**full, **extra}, index=frame.index)


def pick(table: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """Return the rows with these values; None asks for empty cells."""
    for name, value in where.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    return table


def planned(
    data: TrialData, change: Callable[[dict[str, Any]], object] | None = None, **sections: Any
) -> TrialData:
    """Give a trial other sections under ``analyses``, or another configuration."""
    content = data.study.model_dump(mode="json")
    content["analyses"] |= sections
    if change is not None:
        change(content)
    return replace(data, study=Study.model_validate(content))


def without_ends(data: TrialData) -> TrialData:
    """Give the trial as an export that has no column for stopping treatment or leaving the study."""
    content = data.study.model_dump(mode="json", exclude_none=True)
    columns = content["trials"][data.trial]["columns"]
    for name in [name for name in columns if name.startswith(("treatment_stop", "study_exit"))]:
        del columns[name]
    people = data.participants.copy()
    for name in ("treatment_stop", "study_exit"):
        people[f"{name}_day"] = pd.array([pd.NA] * len(people), "Int64")
        people[f"{name}_reason"] = pd.array([pd.NA] * len(people), "str")
    return replace(data, study=Study.model_validate(content), participants=people)


def example_config() -> dict:
    return yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))


@pytest.fixture(scope="session")
def clinical_reference() -> dict[str, Any]:
    """Results of R on the data beside it (tests/reference/clinical_questions.R)."""
    return json.loads((REFERENCE / "clinical_questions.json").read_text("utf-8"))


@pytest.fixture
def reference_trial() -> TrialData:
    """The trial of tests/reference as canonical frames: three arms, four visits, four sites."""
    rows = pd.read_csv(REFERENCE / "reference_trial.csv")
    config = example_config()
    weeks = [4, 8, 12, 16]
    config["visits"] = {
        "baseline": {"label": "Baseline", "week": 0, "phase": "baseline"},
        **{f"week_{w}": {"label": f"Week {w}", "week": w, "phase": "treatment"} for w in weeks},
    }
    trial = config["trials"]["example"]
    trial["codes"]["visit"] = {name: name for name in config["visits"]}
    trial["columns"]["outcomes"] = {"hamd17": "hamd17_total"}
    trial["columns"]["characteristics"] = {}
    config["outcomes"].pop("bdi2")
    config["characteristics"] = {}
    config["analysis_sets"] = {"completers": True}
    config["analyses"]["primary"]["degrees_of_freedom"] = "satterthwaite"
    people = rows.drop_duplicates("participant")
    area = {"role_dispute": "role_disputes", "role_transition": "role_transitions",
            "deficits": "interpersonal_deficits"}  # fmt: skip
    participants = canonical(
        pd.DataFrame(
            {
                "trial": "example",
                "participant": people["participant"],
                "arm": people["arm"],
                "site": people["site"],
                "therapist": people["therapist"],
                "problem_area": people["problem_area"].replace(area).where(people["arm"] != "MED"),
            }
        ).reset_index(drop=True),
        PARTICIPANT_COLUMNS,
    )
    start = people.assign(visit="baseline", week=0, score=people["baseline"])
    later = rows.assign(visit="week_" + rows["week"].astype(str))
    columns = ["participant", "visit", "week", "score"]
    scores = pd.concat([start[columns], later[columns]], ignore_index=True)
    scores = canonical(
        scores.assign(trial="example", outcome="hamd17"),
        SCORE_COLUMNS,
    )
    return TrialData(
        Study.model_validate(config),
        "example",
        validate_scores(scores),
        validate_participants(participants),
    )
