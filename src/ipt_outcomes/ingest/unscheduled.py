"""Assessments that count for no planned visit: never dropped, always listed.

Outside every window, unscheduled without a day, a second one in a window, or in an event without
an assessment. They stay beside the canonical frames, so that nobody has to ask where a score went.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import FILE_ROWS
from ipt_outcomes.ingest.participants import whole
from ipt_outcomes.ingest.roster import Roster
from ipt_outcomes.ingest.scores import Scores
from ipt_outcomes.ingest.visits import REASONS
from ipt_outcomes.study import Study

UNSCHEDULED_COLUMNS: dict[str, tuple[str, str]] = {
    "trial": ("str", "name of the trial"),
    "participant": ("str", "study number of the participant"),
    "outcome": ("str", "name of the outcome"),
    "day": ("Int64", "day of the assessment, counted from randomisation"),
    "session": ("Int64", "number of the treatment session, if recorded"),
    "score": ("float64", "the score"),
    "visit": ("str", "planned visit in whose window it lies; empty when in none"),
    "reason": ("str", "why it counts for no planned visit"),
    "source_row": ("Int64", "row of the export"),
}
"""Column: (type, what it holds)."""

SECOND = "another assessment in the window counts"


def unscheduled_frame(
    study: Study, trial: str, scores: Scores, kept: pd.DataFrame, roster: Roster
) -> pd.DataFrame:
    """List the scores that count for no planned visit.

    Parameters
    ----------
    study, trial, roster
        The configuration and the participants.
    scores
        All scores read.
    kept
        Those that count, see :func:`ipt_outcomes.ingest.scores.one_per_visit`.

    Returns
    -------
    pandas.DataFrame
        See :data:`UNSCHEDULED_COLUMNS`; in the order of participants, outcomes and rows.
    """
    key = ["participant", "outcome", "row", "told_by"]
    table = scores.table
    used = pd.MultiIndex.from_frame(table[key]).isin(pd.MultiIndex.from_frame(kept[key]))
    others = table[~used].sort_values(["participant", "outcome", "day", "row"])
    visits = np.array([*study.visits_of(trial), None], dtype=object)
    outcomes = np.array(study.outcomes_of(trial), dtype=object)
    place = others["visit"].to_numpy()
    names = np.array(roster.names, dtype=object)
    frame = pd.DataFrame(
        {
            "trial": [trial] * len(others),
            "participant": names[others["participant"]],
            "outcome": outcomes[others["outcome"]],
            "day": whole(others["day"].to_numpy()),
            "session": whole(others["session"].to_numpy()),
            "score": others["score"].to_numpy(),
            "visit": visits[np.where(place < 0, len(visits) - 1, place)],
            "reason": [REASONS.get(one, SECOND) for one in place.tolist()],
            "source_row": whole(others["row"].to_numpy(dtype=np.float64) % FILE_ROWS),
        }
    )
    return frame.astype({name: dtype for name, (dtype, _) in UNSCHEDULED_COLUMNS.items()})


def count_unscheduled(frame: pd.DataFrame) -> dict[str, int]:
    """Return how many assessments are kept apart, by reason."""
    rows = frame.drop_duplicates(["participant", "source_row", "reason"])
    return {str(reason): int(n) for reason, n in rows["reason"].value_counts(sort=False).items()}
