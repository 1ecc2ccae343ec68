"""Arms masked until the analysis plan is locked: dealt out anew at random among the participants.

What a participant was offered and what became of it (arm, arm received, therapist, sessions,
problem areas, stopping) moves as one block to another participant. Arms keep their sizes and their
components, therapists stay in the arms that have them, every analysis runs as it will, and no
difference means anything. Reasons for leaving may name a treatment and are left out.

This keeps those who work with the results from seeing arms. It does not lock the export away.
"""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from ipt_outcomes.frames import AREAS
from ipt_outcomes.study.trials import Columns

TREATMENT = (
    "arm",
    "received_arm",
    "therapist",
    "group",
    "sessions_attended",
    "treatment_start_day",
    "treatment_stop_day",
    "treatment_stop_reason",
    "problem_area",
    *(f"area_{area}" for area in AREAS),
)
"""Columns of the participant frame that tell an arm, or are found in some arms only."""

TELLING = frozenset(
    {
        "another arm received",
        "therapist without psychotherapy",
        "sessions without psychotherapy",
        "no therapist",
        "problem area without psychotherapy",
    }
)
"""Kinds of findings from which a participant's arm can be told."""


def mask_arms(participants: pd.DataFrame, trial: str, seed: int) -> pd.DataFrame:
    """Deal the arms out anew.

    Parameters
    ----------
    participants
        The canonical participant frame, in an order that does not depend on arms' names.
    trial, seed
        Name of the trial and the study's seed, from which the random order is drawn.

    Returns
    -------
    pandas.DataFrame
        The frame with its treatment columns in another order.
    """
    order = _order(len(participants), trial, seed)
    moved = {name: participants[name].take(order).array for name in TREATMENT}
    left = pd.array([None] * len(participants), dtype="str")
    return participants.assign(**moved, study_exit_reason=left)


def mask_process(
    process: pd.DataFrame, participants: pd.DataFrame, trial: str, seed: int
) -> pd.DataFrame:
    """Give the rows of sessions, ratings and diaries to whom the block of treatment went.

    Parameters
    ----------
    process
        The process frame, with the participants' names of ``participants``.
    participants, trial, seed
        As for :func:`mask_arms`.
    """
    names = participants["participant"].to_numpy(object)
    new = dict(zip(names[_order(len(names), trial, seed)], names, strict=True))
    return process.assign(participant=process["participant"].map(new).astype("str"))


def _order(n: int, trial: str, seed: int) -> np.ndarray:
    stream = np.random.default_rng([seed, zlib.crc32(f"blinding/{trial}".encode())])
    return stream.permutation(n)


def without_arms(findings: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return findings from which no participant's arm can be told.

    Findings that only some arms can have are counted, without rows; entries of the columns of
    arms are not quoted.

    Parameters
    ----------
    findings
        A findings table.
    columns
        The trial's columns.
    """
    telling = findings["kind"].isin(TELLING)
    kept = findings.copy()
    arms = kept["column"].isin([columns.arm, columns.received_arm]) & (
        kept["kind"] == "contradiction"
    )
    kept.loc[arms, "found"] = "two different entries"
    if not telling.any():
        return kept
    alike = ["severity", "trial", "kind", "file"]
    merged = []
    for _, group in kept[telling].groupby(alike, sort=False, dropna=False):
        one = group.iloc[[0]].copy()
        n = len(group)
        one["row"], one["participant"] = pd.NA, None
        who = "1 participant" if n == 1 else f"{n} participants"
        one["found"] = f"{who}, not named because that would tell arms"
        merged.append(one)
    result = pd.concat([kept[~telling], *merged]).sort_index(kind="stable")
    return result.astype(findings.dtypes.to_dict()).reset_index(drop=True)
