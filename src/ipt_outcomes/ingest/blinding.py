"""Arms masked until the analysis plan is locked: dealt out anew at random among the participants.

What a participant was offered and what became of it (arm, arm received, therapist, sessions,
problem areas, stopping, further events, numbers of sessions) moves as one block to another
participant. Arms keep their sizes and their components, therapists stay in the arms that have them,
every analysis runs as it will, and no difference means anything. Reasons for leaving may name a
treatment and are left out. What is found in the entries of that block is counted, and not told of
anybody: who has a therapist is in an arm that has therapists.

This keeps those who work with the results from seeing arms. It does not lock the export away.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ipt_outcomes.frames import AREAS, EVENT
from ipt_outcomes.ingest.findings import SEVERITIES
from ipt_outcomes.study.trials import Columns, Trial

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


REASON = "study_exit_reason"
"""May name a treatment, and is left out."""


def treatment_columns(participants: pd.DataFrame) -> list[str]:
    """Return the columns of a participant frame that may tell an arm."""
    events = [name for name in map(str, participants) if name.startswith(EVENT)]
    return [*TREATMENT, *events, REASON]


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
    moving = [name for name in treatment_columns(participants) if name != REASON]
    moved = {name: participants[name].take(order).array for name in moving}
    left = pd.array([None] * len(participants), dtype="str")
    return participants.assign(**moved, **{REASON: left})


def mask_scores(scores: pd.DataFrame, n: int, trial: str, seed: int) -> pd.DataFrame:
    """Give the numbers of sessions to whom the block of treatment went; no score moves.

    Parameters
    ----------
    scores
        The canonical score frame, its participants in the order of ``participants``.
    n
        Number of participants.
    trial, seed
        As for :func:`mask_arms`.
    """
    if not n:
        return scores
    rows = np.arange(len(scores)).reshape(n, -1)[_order(n, trial, seed)].ravel()
    return scores.assign(session=scores["session"].take(rows).array)


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
    """Return findings from which no participant's arm can be told at a glance.

    Findings that only some arms can have are counted, without rows; entries of the columns of
    arms are not quoted.

    Parameters
    ----------
    findings
        A findings table.
    columns
        The trial's columns.
    """
    kept = findings.copy()
    quoted = kept["column"].isin([columns.arm, columns.received_arm])
    quoted &= kept["kind"].isin(["contradiction", "corrected"])
    kept.loc[quoted, "found"] = "two different entries"
    return _counted(kept, kept["kind"].isin(TELLING))


def without_traces(findings: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return findings from which no participant's arm can be told while arms are masked.

    What is found in a column that only some arms fill, or in a record of sessions, is counted too.

    Parameters
    ----------
    findings
        A findings table.
    trial
        The trial's configuration.
    """
    kept = without_arms(findings, trial.columns)
    sessions = [one.file for one in trial.process.values() if one.session]
    told = kept["column"].isin(list(_treatment_columns(trial.columns))) | kept["file"].isin(
        sessions
    )
    return _counted(kept, told)


def _treatment_columns(columns: Columns) -> Iterator[str | None]:
    stems = ("treatment_start", "treatment_stop")
    names = ["therapist", "group", "sessions_attended"]
    names += [f"{stem}_{what}" for stem in stems for what in ("date", "day")]
    for name in (*names, "treatment_stop_reason"):
        yield getattr(columns, name)
    yield columns.problem_areas.focus
    yield from columns.problem_areas.flags.values()
    for event in columns.events.values():
        yield event.date or event.day
    session = columns.session
    yield from session.values() if isinstance(session, dict) else [session]


def _counted(findings: pd.DataFrame, telling: pd.Series) -> pd.DataFrame:
    """Say of some findings how many there are alike, and not where."""
    placed = findings["participant"].notna() | (findings["row"] > 1).fillna(False)
    telling = telling & placed.astype(bool)
    if not telling.any():
        return findings
    alike = ["severity", "trial", "kind", "file", "column"]
    merged = []
    for _, group in findings[telling].groupby(alike, sort=False, dropna=False):
        one = group.iloc[[0]].copy()
        n = len(group)
        one["row"], one["participant"] = pd.NA, None
        who = "1 participant" if n == 1 else f"{n} participants"
        one["found"] = f"{who}, not named because that would tell arms"
        merged.append(one)
    merged.sort(key=lambda one: one.iloc[0][["kind", "column"]].fillna("").tolist())
    # Behind all others of their severity: their place among rows would tell, too.
    result = pd.concat([findings[~telling], *merged]).astype(findings.dtypes.to_dict())
    rank = result["severity"].map({name: place for place, name in enumerate(SEVERITIES)})
    return result.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)
