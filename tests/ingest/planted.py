"""A clean trial of forty people with single items, to plant mistakes in."""

from __future__ import annotations

import copy
import datetime

import numpy as np

from .small_trial import AREAS, CONFIG, Export

VISITS = {"baseline": 0, "week_4": 4, "week_8": 8, "week_12": 12, "week_16": 16}
ITEMS = [f"bdi_{n:02d}" for n in range(1, 22)]
CESD = [f"cesd_{n:02d}" for n in range(1, 21)]
REVERSED = (4, 8, 12, 16)
PEOPLE = 40
HEADER = ["id", "visit", "date", "randomised", "arm", "site", "therapist", "age", "gender", "hamd17",
          "bdi2", *ITEMS, *CESD, "focus", "received", "sessions", "stop", "stop_reason", "left",
          "left_reason"]  # fmt: skip
ROWS_EACH = len(VISITS)


def row_of(person: int, visit: str = "baseline") -> int:
    """Row of the export of a participant (counted from 0) at a visit."""
    return 2 + person * ROWS_EACH + list(VISITS).index(visit)


def arm_of(person: int) -> str:
    return "123"[person % 3]


def planted() -> Export:
    """Return the clean export."""
    draws = np.random.default_rng(17)
    rows = [list(HEADER)]
    for person in range(PEOPLE):
        start = datetime.date(2023, 1, 9) + datetime.timedelta(days=9 * person)
        therapy = arm_of(person) != "3"
        level, slope = draws.normal(0, 0.5), draws.uniform(0.02, 0.06)
        age = str(int(draws.integers(21, 66)))
        for visit, week in VISITS.items():
            severity = 1.6 + level - slope * week
            items = np.clip(np.round(severity + draws.normal(0, 0.7, 21)), 0, 3).astype(int)
            mood = np.clip(np.round(severity + draws.normal(0, 0.6, 20)), 0, 3).astype(int)
            for place in REVERSED:
                mood[place - 1] = 3 - mood[place - 1]
            hamd = int(np.clip(np.round(12 * severity + draws.normal(0, 2.5)), 1, 50))
            date = start + datetime.timedelta(
                days=7 * week + int(draws.integers(-3, 4)) * (week > 0)
            )
            first = visit == "baseline"
            rows.append([
                str(201 + person), visit, date.isoformat(), start.isoformat(), arm_of(person),
                "AB"[person % 2], f"T{person % 4 + 1}" if therapy else "", age,
                "12"[person % 2], str(hamd), str(items.sum()), *map(str, items), *map(str, mood),
                str(person % 4 + 1) if therapy else "", arm_of(person),
                str(10 + person % 5) if therapy else "",
                *([shift(start.isoformat(), 60), "better"] if first and person == 39 else ["", ""]), "", "",
            ])  # fmt: skip
    config = copy.deepcopy(CONFIG)
    config["visits"] = {
        name: {
            "label": name,
            "week": week,
            "window_days": [-28, 7] if week == 0 else [7 * week - 13, 7 * week + 14],
            "phase": "treatment" if week else "baseline",
        }
        for name, week in VISITS.items()
    }
    outcomes = config["outcomes"]
    outcomes["hamd"]["instrument"] = "HAM-D17"
    outcomes["bdi"]["instrument"] = "BDI-II"
    outcomes["cesd"] = {"label": "CES-D", "short_label": "CES-D", "role": "secondary",
                        "range": [0, 60], "instrument": "CES-D"}  # fmt: skip
    config["estimands"]["policy"]["endpoint"] = "week_16"
    config["trials"]["small"] = {
        "label": "Planted trial",
        "export": {"file": "data/raw/export.csv", "format": "long", "decimal": "."},
        "columns": {
            "participant": "id",
            "arm": "arm",
            "visit": "visit",
            "randomisation_date": "randomised",
            "visit_date": "date",
            "received_arm": "received",
            "site": "site",
            "therapist": "therapist",
            "sessions_attended": "sessions",
            "treatment_stop_date": "stop",
            "treatment_stop_reason": "stop_reason",
            "study_exit_date": "left",
            "study_exit_reason": "left_reason",
            "outcomes": {"hamd": "hamd17", "bdi": "bdi2"},
            "items": {"bdi": "bdi_{01..21}", "cesd": "cesd_{01..20}"},
            "problem_areas": {"focus": "focus"},
            "characteristics": {"age": "age", "gender": "gender"},
        },
        "codes": {
            "arm": {"1": "IPT", "2": "IPT+MED", "3": "MED"},
            "visit": {name: name for name in VISITS},
            "problem_area": dict(zip("1234", AREAS, strict=True)),
            "already_reversed": {"cesd": False},
        },
    }
    return Export(rows, "long", config)


def set_person(export: Export, person: int, column: str, value: str) -> int:
    """Change a column in all rows of a participant; returns the first row."""
    for visit in VISITS:
        export.cell(row_of(person, visit), column, value)
    return row_of(person)


def shift(text: str, days: int) -> str:
    return (datetime.date.fromisoformat(text) + datetime.timedelta(days=days)).isoformat()
