"""The canonical frames: what every reader makes of an export, and all that analyses may read.

Tables per trial, validated when written and when read:

* **scores**: one row per participant x outcome x planned visit. A score that was not observed is
  a row with an empty ``score``, so that missing values are counted and never just absent.
* **participants**: one row per participant: arm, site, therapist, what happened to them, problem
  areas, and the study's own characteristics (columns ``characteristic_<name>``).
* **process**: one row per session, diary entry, rating or event, and variable; empty where a trial
  has no such files.

Dates never pass: they become days since randomisation.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ipt_outcomes.whole_files import whole_file

if TYPE_CHECKING:
    import pandera.pandas as pa

CHARACTERISTIC = "characteristic_"
"""Prefix of the participant frame's columns for the study's own characteristics."""

EVENT = "event_day_"
"""Prefix of the participant frame's columns for further events: the day of the first one."""

AREAS = ("grief", "role_disputes", "role_transitions", "interpersonal_deficits")

SCORE_COLUMNS: dict[str, tuple[str, bool, str]] = {
    "trial": ("str", False, "name of the trial"),
    "participant": ("str", False, "study number of the participant"),
    "outcome": ("str", False, "name of the outcome"),
    "visit": ("str", False, "name of the planned visit"),
    "week": ("float64", False, "planned week of the visit, counted from randomisation"),
    "day": ("Int64", True, "day of the assessment, counted from randomisation"),
    "session": ("Int64", True, "number of the treatment session of the assessment, if recorded"),
    "score": ("float64", True, "the score; empty when not observed"),
    "source_row": ("Int64", True, "row of the export, as a spreadsheet counts (header = 1)"),
}
"""Score frame: column: (type, may be empty, what it holds)."""

PARTICIPANT_COLUMNS: dict[str, tuple[str, bool, str]] = {
    "trial": ("str", False, "name of the trial"),
    "participant": ("str", False, "study number of the participant"),
    "arm": ("str", False, "arm randomised to"),
    "received_arm": ("str", True, "arm received; empty when not recorded"),
    "site": ("str", True, "site or clinic"),
    "therapist": ("str", True, "therapist; empty where there is none"),
    "group": ("str", True, "therapy group, or cluster randomised as a whole"),
    "sessions_attended": ("Int64", True, "psychotherapy sessions attended"),
    "treatment_start_day": ("Int64", True, "day of the first session or dose; empty if unknown"),
    "treatment_stop_day": ("Int64", True, "day treatment was stopped early; empty if it was not"),
    "treatment_stop_reason": ("str", True, "coded reason"),
    "study_exit_day": ("Int64", True, "day the participant left the study; empty if they did not"),
    "study_exit_reason": ("str", True, "coded reason"),
    "problem_area": ("str", True, "primary focus among the four interpersonal problem areas"),
    **{
        f"area_{area}": ("boolean", True, f"whether {area.replace('_', ' ')} was a focus")
        for area in AREAS
    },
    "source_row": ("Int64", True, "row of the export that describes the participant"),
}
"""Participant frame: column: (type, may be empty, what it holds)."""


PROCESS_COLUMNS: dict[str, tuple[str, bool, str]] = {
    "trial": ("str", False, "name of the trial"),
    "participant": ("str", False, "study number of the participant"),
    "record": ("str", False, "the file among trials.<trial>.process that the row is from"),
    "session": ("Int64", True, "number of the session, where there is one"),
    "day": ("Int64", True, "day counted from randomisation, where it is known"),
    "visit": ("str", True, "planned visit, where the row belongs to one"),
    "variable": ("str", False, "name of the process variable"),
    "value": ("float64", True, "the number; 1 and 0 for yes and no; empty for a category"),
    "text": ("str", True, "the category; empty for a number"),
    "source_row": ("Int64", True, "row of the file, as a spreadsheet counts (header = 1)"),
}
"""Process frame: column: (type, may be empty, what it holds). Only what was recorded has a row."""


class FrameError(ValueError):
    """A frame on the disk that cannot be read."""


@cache
def _schema(kind: str) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    columns = {
        "scores": SCORE_COLUMNS,
        "participants": PARTICIPANT_COLUMNS,
        "process": PROCESS_COLUMNS,
    }[kind]
    fields = {
        name: pa.Column(dtype, nullable=nullable) for name, (dtype, nullable, _) in columns.items()
    }
    if kind == "participants":
        fields["problem_area"] = pa.Column("str", pa.Check.isin(AREAS), nullable=True)
        fields[f"^{CHARACTERISTIC}.+$"] = pa.Column(regex=True, required=False, nullable=True)
        fields[f"^{EVENT}.+$"] = pa.Column("Int64", regex=True, required=False, nullable=True)
    if kind == "process":
        return pa.DataFrameSchema(fields, strict=True, ordered=False)
    unique = ["participant", "outcome", "visit"] if kind == "scores" else ["participant"]
    return pa.DataFrameSchema(fields, strict=True, ordered=False, unique=["trial", *unique])


def validate_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a score frame: columns, types, one row per participant, outcome and visit.

    Raises
    ------
    pandera.errors.SchemaErrors
        When a reader made a frame that is not canonical (a defect of the reader, never of data).
    """
    return _schema("scores").validate(frame, lazy=True)


def validate_participants(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a participant frame: columns, types, one row per participant.

    Raises
    ------
    pandera.errors.SchemaErrors
        When a reader made a frame that is not canonical (a defect of the reader, never of data).
    """
    return _schema("participants").validate(frame, lazy=True)


def validate_process(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a process frame: columns and types.

    Raises
    ------
    pandera.errors.SchemaErrors
        When a reader made a frame that is not canonical (a defect of the reader, never of data).
    """
    return _schema("process").validate(frame, lazy=True)


def no_process() -> pd.DataFrame:
    """Return the process frame of a trial that has no further files."""
    types = {name: dtype for name, (dtype, _, _) in PROCESS_COLUMNS.items()}
    return pd.DataFrame({name: [] for name in types}).astype(types)


def write_frames(
    scores: pd.DataFrame,
    participants: pd.DataFrame,
    scores_path: str,
    participants_path: str,
    process: pd.DataFrame | None = None,
    process_path: str | None = None,
) -> None:
    """Validate the frames and write them as Parquet, each whole or not at all."""
    for frame, check, path in (
        (scores, validate_scores, scores_path),
        (participants, validate_participants, participants_path),
        (no_process() if process is None else process, validate_process, process_path),
    ):
        if path is None:
            continue
        with whole_file(path) as part:
            check(frame).to_parquet(part, index=False)


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read and check a score frame."""
    return validate_scores(_typed(_whole(path), SCORE_COLUMNS))


def read_participants(path: str | Path) -> pd.DataFrame:
    """Read and check a participant frame."""
    return validate_participants(_typed(_whole(path), PARTICIPANT_COLUMNS))


def read_process(path: str | Path) -> pd.DataFrame:
    """Read and check a process frame."""
    return validate_process(_typed(_whole(path), PROCESS_COLUMNS))


def _whole(path: str | Path) -> pd.DataFrame:
    """Read a Parquet file; say what to do when it is none."""
    import pyarrow as pa

    try:
        return pd.read_parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        said = str(error).splitlines()[0]
        raise FrameError(
            f"{path} is damaged ({said}). Make it anew with `snakemake --force {path}`, then run "
            "`snakemake`."
        ) from None


def _typed(frame: pd.DataFrame, columns: dict[str, tuple[str, bool, str]]) -> pd.DataFrame:
    # Parquet has one text and one integer type; pandas' own come back only when asked for.
    return frame.astype({name: dtype for name, (dtype, _, _) in columns.items() if name in frame})
