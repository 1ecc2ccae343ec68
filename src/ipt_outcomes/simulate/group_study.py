"""A cluster-randomised trial of group IPT with weekly sessions and diaries, as a study folder.

Groups are randomised as a whole to group IPT or to a supportive group. Everybody is assessed at
five visits; in both arms every session has a rating of the alliance and a symptom score, and the
first two weeks a diary. The folder holds the export, the further files, ``config.yaml`` and the
truth, and runs with ``snakemake --directory``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ipt_outcomes.simulate.clusters import WEEKS, ClusteredDesign, simulate_clusters
from ipt_outcomes.simulate.process import (
    DiaryDesign,
    SessionsDesign,
    simulate_diary,
    simulate_sessions,
)

ARMS = {"control": "SUP", "treatment": "GIPT"}
VISITS = ("baseline", *(f"week_{week}" for week in WEEKS))
SCORE_OFFSET = 20.0
"""Added to every score, so that none of the simulated ones falls below the least possible."""


def write_group_study(
    folder: str | Path, seed: int, *, groups: int = 10, size: int = 6
) -> dict[str, Any]:
    """Write the study.

    Parameters
    ----------
    folder
        Where to; it is made if need be.
    seed
        Any whole number.
    groups, size
        Groups in each arm, and participants in a group.

    Returns
    -------
    dict
        The truth that is also written to ``truth.json``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    design = ClusteredDesign(clusters=groups, size=size, icc=0.05, both_arms=True)
    rows = simulate_clusters(design, seed)
    people = 2 * groups * size
    sessions = SessionsDesign(participants=people, sessions=12)
    diary = DiaryDesign(participants=people, days=14)
    names = [f"{number:03d}" for number in range(1, people + 1)]
    export = _export(rows, names)
    _write(export, folder / "export.csv")
    weekly = simulate_sessions(sessions, seed + 1)
    weekly = weekly.assign(record_id=weekly["participant"].str[1:])
    # Who has no score after baseline is not among the simulated rows, and so in no file.
    weekly = weekly[weekly["record_id"].isin(export["record_id"])]
    _write(weekly[["record_id", "session", "alliance", "symptoms"]].round(2), folder / "weekly.csv")
    daily = simulate_diary(diary, seed + 2)
    daily = daily.assign(record_id=daily["participant"].str[1:], event=daily["event"].astype(int))
    daily = daily[daily["record_id"].isin(export["record_id"])]
    _write(daily[["record_id", "day", "event", "mood"]].round(2), folder / "diary.csv")
    (folder / "config.yaml").write_text(yaml.safe_dump(_config(), sort_keys=False), "utf-8")
    truth = {
        "difference at week 16": design.effect,
        "intraclass correlation of groups": design.icc,
        "lagged slope of symptoms on alliance": sessions.effect,
        "same-day slope of mood on events": diary.effect,
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), "utf-8")
    return truth


def _export(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    number = rows["participant"] - int(rows["participant"].min())
    rows = rows.assign(record_id=[names[i] for i in number], arm=rows["arm"].map(ARMS))
    first = rows.drop_duplicates("participant").assign(
        visit="baseline", score=lambda f: f["baseline"]
    )
    later = rows.assign(visit="week_" + rows["week"].astype(str))
    whole = pd.concat([first, later], ignore_index=True)
    order = whole["visit"].map(VISITS.index)
    whole = whole.assign(score=np.round(whole["score"] + SCORE_OFFSET, 1), order=order)
    whole = whole.sort_values(["record_id", "order"], kind="stable")
    return whole.rename(columns={"cluster": "group"})[
        ["record_id", "arm", "group", "visit", "score"]
    ]


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n")


def _config() -> dict[str, Any]:
    return {
        "config_version": 1,
        "study": {
            "title": "Group IPT against supportive groups, groups randomised as a whole",
            "notice": "All data of this study are simulated; no person is described.",
            "seed": 20261122,
        },
        "trials": {"groups": _trial()},
        "arms": {
            "GIPT": {"label": "Group IPT", "psychotherapy": "IPT", "medication": "none",
                      "format": "group"},
            "SUP": {"label": "Supportive group", "psychotherapy": "supportive",
                    "medication": "none", "format": "group"},
        },
        "reference_arm": "SUP",
        "visits": {
            name: {"label": name.replace("_", " ").capitalize(), "week": week,
                   "phase": "treatment" if week else "baseline"}
            for name, week in zip(VISITS, (0, *WEEKS), strict=True)
        },
        "outcomes": {
            "depression": {"label": "Depression score", "short_label": "Depression",
                           "role": "primary", "range": [0, 100]},
        },
        "estimands": {
            "policy": {"label": "Effect of assignment", "population": "All randomised",
                       "endpoint": "week_16",
                       "intercurrent_events": {"stopping_treatment": "treatment-policy"}},
        },
        "analyses": {
            "primary": {"adjust_for": []},
            "therapists": {"cluster": "group", "residual": "common", "arms": ["GIPT", "SUP"]},
            "lagged_effects": {"pairs": {"alliance": {"predictor": "alliance",
                                                      "outcome": "symptoms"}}},
            # The sessions' courses differ between participants: trends of their own.
            "cross_lagged": {"pairs": {"alliance": {"predictor": "alliance",
                                                    "outcome": "symptoms"}}, "trends": True},
            "sudden_gains": {"variable": "symptoms"},
            "diary": {"mood": "mood", "event": "event"},
        },
    }  # fmt: skip


def _trial() -> dict[str, Any]:
    return {
        "label": "Group trial",
        "export": {"file": "export.csv", "format": "long"},
        "columns": {"participant": "record_id", "arm": "arm", "visit": "visit", "group": "group",
                    "outcomes": {"depression": "score"}},
        "codes": {"arm": {"GIPT": "GIPT", "SUP": "SUP"}, "visit": {v: v for v in VISITS}},
        "process": {
            "weekly": {"file": "weekly.csv", "participant": "record_id", "session": "session",
                       "variables": {"alliance": {"column": "alliance"},
                                     "symptoms": {"column": "symptoms"}}},
            "diary": {"file": "diary.csv", "participant": "record_id", "day": "day",
                      "variables": {"mood": {"column": "mood"},
                                    "event": {"column": "event", "kind": "yes-no"}}},
        },
    }  # fmt: skip
