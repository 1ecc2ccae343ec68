"""What analyses pass to each other: a trial's canonical frames, and the rows of a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ipt_outcomes.frames import no_process, read_participants, read_process, read_scores
from ipt_outcomes.study import Study

_ENDS = {"treatment_stop": "stopping treatment", "study_exit": "leaving the study"}


@dataclass(frozen=True)
class TrialData:
    """One trial's canonical frames with the study that they belong to.

    Parameters
    ----------
    study
        The configuration.
    trial
        The trial's short name.
    scores, participants, process
        The canonical frames (see :mod:`ipt_outcomes.frames`); process rows are none by default.
    """

    study: Study
    trial: str
    scores: pd.DataFrame
    participants: pd.DataFrame
    process: pd.DataFrame = field(default_factory=no_process)

    _frames: dict[tuple[str, str, str], ModelFrame] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def read(cls, study: Study, trial: str, folder: Path) -> TrialData:
        """Read a trial's frames from the folder where ingest, or a bundle, has put them."""
        return cls(
            study,
            trial,
            read_scores(folder / "scores.parquet"),
            read_participants(folder / "participants.parquet"),
            read_process(folder / "process.parquet"),
        )

    @property
    def arms(self) -> list[str]:
        """The trial's arms, the reference last."""
        return self.study.arms_of(self.trial)

    @property
    def arm_labels(self) -> dict[str, str]:
        """Arm: how it is called in words."""
        return {arm: self.study.arms[arm].label for arm in self.arms}

    @property
    def later_visits(self) -> list[str]:
        """The trial's visits after baseline, in order of time."""
        return [v for v in self.study.visits_of(self.trial) if v != self.study.baseline]

    def no_day_of(self, stem: str) -> str | None:
        """Say that the export has no day of an end, so that nobody's is known; None if it has.

        Parameters
        ----------
        stem
            ``treatment_stop`` or ``study_exit``.
        """
        mapped = self.study.trials[self.trial].columns
        if getattr(mapped, f"{stem}_date") or getattr(mapped, f"{stem}_day"):
            return None
        if self.participants[f"{stem}_day"].notna().any():
            return None
        return f"not recorded: the export has no column for the day of {_ENDS[stem]}"


@dataclass(frozen=True)
class ModelFrame:
    """Rows for a model of repeated measures, and who is not in them.

    Parameters
    ----------
    rows
        One row per participant and later visit: participant, arm, visit (ordered categorical),
        baseline, score (empty when missing or set aside), therapist, problem_area and covariates.
    excluded
        Participants of the set without any usable row: participant, arm, reason.
    handled
        What the estimand's strategies did to the scores, in words.
    """

    rows: pd.DataFrame
    excluded: pd.DataFrame
    handled: list[str]
