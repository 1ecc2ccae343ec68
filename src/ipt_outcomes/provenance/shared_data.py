"""The data that a bundle carries: anonymised analysis data, or a synthetic stand-in.

Anonymised: the canonical frames without rows of the export, without the columns that the
configuration withholds, participants under numbers that say nothing. Every combination of the
quasi-identifiers that are not withheld must be shared by enough participants
(:mod:`ipt_outcomes.ingest.k_anonymity`), or nothing is released. Simulated data go the same way,
but for that check: they describe nobody.

Synthetic: frames of the same structure, drawn from the *published* observed means, SDs and counts
and from nothing else, so that they disclose no more than the results do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from ipt_outcomes.frames import (
    AREAS,
    CHARACTERISTIC,
    PARTICIPANT_COLUMNS,
    SCORE_COLUMNS,
    no_process,
    read_participants,
    read_process,
    read_scores,
    validate_participants,
    validate_process,
    validate_scores,
    write_frames,
)
from ipt_outcomes.ingest.k_anonymity import anonymity
from ipt_outcomes.study import Study
from ipt_outcomes.study.privacy import Privacy
from ipt_outcomes.study.publication import Publication

NEVER_WITHHELD = ("trial", "participant", "arm")
PROCESS = "process"
"""What ``withhold`` calls everything recorded in sessions and diaries."""


class SharingError(ValueError):
    """Data that may not be shared as asked."""


@dataclass(frozen=True)
class Frames:
    """The canonical frames of one trial (see :mod:`ipt_outcomes.frames`)."""

    scores: pd.DataFrame
    participants: pd.DataFrame
    process: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> Frames:
        """Read the frames of a folder."""
        return cls(
            read_scores(folder / "scores.parquet"),
            read_participants(folder / "participants.parquet"),
            read_process(folder / "process.parquet"),
        )

    def as_files(self) -> dict[str, bytes]:
        """Return the frames as Parquet files by name."""
        names = ("scores.parquet", "participants.parquet", "process.parquet")
        with tempfile.TemporaryDirectory() as place:
            scores, people, process = (str(Path(place, name)) for name in names)
            write_frames(self.scores, self.participants, scores, people, self.process, process)
            return {name: Path(place, name).read_bytes() for name in names}


def anonymised(frames: Frames, policy: Publication, privacy: Privacy) -> Frames:
    """Make the frames that may be shared.

    Parameters
    ----------
    frames
        The canonical frames of one trial.
    policy
        What may be shared.
    privacy
        By what participants could be recognised, and how many have to be alike.

    Returns
    -------
    Frames
        The same, in the same order, under new numbers, without what is withheld.

    Raises
    ------
    SharingError
        When a column named is not there, or participants could be recognised.
    """
    participants = frames.participants
    columns = {n: _column(n, participants) for n in policy.withhold if n != PROCESS}
    if bad := [n for n, c in columns.items() if c in NEVER_WITHHELD]:
        raise SharingError(f"publication.withhold: {', '.join(bad)} cannot be left out.")
    people = participants.copy()
    gone = list(columns.values())
    if "problem_area" in gone:
        gone += [f"area_{area}" for area in AREAS]
    for column in gone:
        people[column] = _empty(people[column])
    if policy.data != "simulated":
        _refuse_recognisable(people, [n for n in privacy.quasi_identifiers if n not in columns],
                             privacy.smallest_group)  # fmt: skip
    width = len(str(len(people)))
    numbers = [f"N{place:0{width}d}" for place in range(1, len(people) + 1)]
    new = dict(zip(people["participant"], numbers, strict=True))
    process = no_process() if PROCESS in policy.withhold else frames.process
    return Frames(
        validate_scores(_renamed(frames.scores, new)),
        validate_participants(_renamed(people, new)),
        validate_process(_renamed(process, new)),
    )


def _renamed(frame: pd.DataFrame, new: dict[str, str]) -> pd.DataFrame:
    return frame.assign(
        participant=frame["participant"].map(new).astype("str"),
        source_row=pd.Series(pd.NA, index=frame.index, dtype="Int64"),
    )


def _refuse_recognisable(people: pd.DataFrame, known: list[str], smallest: int) -> None:
    found = anonymity(people, known, smallest)
    if known and not found.holds:
        raise SharingError(
            f"{found.recognisable} of {found.participants} participants share their "
            f"{', '.join(known)} (privacy.quasi_identifiers) with fewer than {smallest - 1} others "
            "and could be recognised. Name one or more of these columns under "
            "publication.withhold, or set publication.data to synthetic."
        )


def _empty(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series([None] * len(column), index=column.index).astype(cast(Any, column.dtype))


def _column(name: str, participants: pd.DataFrame) -> str:
    for candidate in (name, CHARACTERISTIC + name):
        if candidate in participants:
            return candidate
    known = sorted(str(c).removeprefix(CHARACTERISTIC) for c in participants if c != "source_row")
    raise SharingError(
        f"publication: {name} is no column of participants; known are {', '.join(known)}."
    )


def stand_in(study: Study, trial: str, estimates: pd.DataFrame) -> Frames:
    """Draw synthetic frames from published means, SDs and counts.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    estimates
        The published estimates.

    Returns
    -------
    Frames
        Canonical frames without process rows.
    """
    rows = estimates[(estimates["trial"] == trial) & (estimates["analysis"] == "observed")]
    means = rows[(rows["quantity"] == "observed mean") & rows["estimate"].notna()]
    means = means[means["analysis_set"] == "as randomised"]
    rng = np.random.default_rng([study.study.seed, 7])
    people: list[dict[str, object]] = []
    for arm in study.arms_of(trial):
        at_baseline = means[(means["arm"] == arm) & (means["visit"] == study.baseline)]
        size = int(at_baseline["n_arm"].max()) if len(at_baseline) else 20
        people += [{"trial": trial, "arm": arm} for _ in range(size)]
    frame = pd.DataFrame(people)
    frame["participant"] = [f"S{place:04d}" for place in range(1, len(frame) + 1)]
    columns = {
        **{name: dtype for name, (dtype, _, _) in PARTICIPANT_COLUMNS.items()},
        **{
            CHARACTERISTIC + name: "float64" if described.kind == "number" else "str"
            for name, described in study.characteristics.items()
        },
    }
    frame = frame.reindex(columns=list(columns)).astype(cast(Any, columns))
    pieces = [
        _scores(study, trial, outcome, visit, frame, means, rng)
        for outcome in study.outcomes_of(trial)
        for visit in study.visits_of(trial)
    ]
    scores = pd.concat(pieces, ignore_index=True)
    kinds = {name: dtype for name, (dtype, _, _) in SCORE_COLUMNS.items()}
    scores = scores.reindex(columns=list(kinds)).astype(cast(Any, kinds))
    return Frames(validate_scores(scores), validate_participants(frame), no_process())


def _scores(
    study: Study,
    trial: str,
    outcome: str,
    visit: str,
    people: pd.DataFrame,
    means: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw one outcome at one visit: published mean, spread and number seen of every arm."""
    low, high = study.outcomes[outcome].range
    score = np.full(len(people), np.nan)
    at = means[(means["outcome"] == outcome) & (means["visit"] == visit)]
    for arm, mean, sd, n in _published(at):
        here = np.flatnonzero((people["arm"] == arm).to_numpy())
        drawn = np.clip(np.rint(rng.normal(mean, sd, len(here))), low, high)
        seen = rng.permutation(len(here)) < n
        score[here] = np.where(seen, drawn, np.nan)
    return pd.DataFrame(
        {
            "trial": trial,
            "participant": people["participant"],
            "outcome": outcome,
            "visit": visit,
            "week": study.visits[visit].week,
            "score": score,
        }
    )


def _published(rows: pd.DataFrame) -> Iterable[tuple[str, float, float, int]]:
    """Yield arm, mean, SD (from the mean's standard error) and number seen."""
    for row in rows[rows["arm"].notna() & rows["se"].notna()].to_dict("records"):
        n = int(row["n_arm"])
        yield str(row["arm"]), float(row["estimate"]), float(row["se"]) * float(np.sqrt(n)), n
