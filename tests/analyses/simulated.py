"""Simulated and stored trials as the analyses take them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import PARTICIPANT_COLUMNS, SCORE_COLUMNS
from ipt_outcomes.study import Study

from .conftest import REFERENCE, canonical

ARMS: dict[str, dict[str, str]] = {
    "IPT+MED": {"label": "Both", "psychotherapy": "IPT", "medication": "tablets"},
    "IPT": {"label": "IPT", "psychotherapy": "IPT", "medication": "none"},
    "MED": {"label": "Tablets", "psychotherapy": "none", "medication": "tablets", "format": "none"},
    "PLA": {"label": "Neither", "psychotherapy": "none", "medication": "none", "format": "none"},
    "CM": {"label": "Management", "psychotherapy": "none", "medication": "none", "format": "none"},
}
CELLS = {"both": "IPT+MED", "psychotherapy": "IPT", "medication": "MED", "neither": "PLA"}


def stored_trial(name: str, reference: str, analyses: dict[str, Any], **study: Any) -> TrialData:
    """Read tests/reference/<name>_trial.csv as a trial whose study has these analyses."""
    rows = pd.read_csv(REFERENCE / f"{name}_trial.csv")
    weeks = sorted(rows["week"].unique())
    visits = {
        ("baseline" if week == 0 else f"week_{week}"): {
            "label": f"Week {week}", "week": int(week),
            "phase": "baseline" if week == 0 else "treatment" if week <= 16 else "follow-up",
        }
        for week in weeks
    }  # fmt: skip
    arms = [arm for arm in ARMS if arm in set(rows["arm"])]
    names = dict.fromkeys(arms)
    config = {
        "config_version": 1,
        "study": {"title": "A stored trial", "seed": 1},
        "trials": {"one": {
            "label": "One", "export": {"file": "one.csv", "format": "csv-long"},
            "columns": {"participant": "p", "arm": "a", "visit": "v", "outcomes": {"hamd": "h"}},
            "codes": {"arm": {arm: arm for arm in names}, "visit": {v: v for v in visits}},
        }},
        "arms": {arm: ARMS[arm] for arm in arms},
        "reference_arm": reference,
        "visits": visits,
        "outcomes": {"hamd": {"label": "H", "short_label": "H", "role": "primary",
                              "range": [0, 52]}},
        "estimands": {"main": {"label": "Main", "population": "All", "endpoint": "week_16",
                               "intercurrent_events": {"stopping_treatment": "treatment-policy"}}},
        "analyses": {"primary": {"degrees_of_freedom": "satterthwaite"}, **analyses},
        **study,
    }  # fmt: skip
    people = rows.drop_duplicates("participant")[["participant", "arm"]].assign(trial="one")
    rows = rows.assign(trial="one", outcome="hamd",
                       visit=["baseline" if w == 0 else f"week_{w}" for w in rows["week"]])  # fmt: skip
    rows["session"] = rows["week"].where(rows["week"] <= 16)
    return TrialData(
        Study.model_validate(config), "one", canonical(rows, SCORE_COLUMNS),
        canonical(people.reset_index(drop=True), PARTICIPANT_COLUMNS),
    )  # fmt: skip
