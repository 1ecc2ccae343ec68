"""Tables with one row per participant and assessment, to the intermediate form.

Participant-level columns may be filled in every row of the participant or in one.
"""

from __future__ import annotations

from pathlib import Path

from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.ingest.records import (
    Records,
    assessment_columns,
    check_columns,
    labelled,
    part,
    person_columns,
    without_missing_codes,
)
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study.trials import Trial


def read(trial: Trial, table: RawTable, folder: Path, findings: Findings) -> Records | None:
    """Read a table with one row per participant and assessment, or per participant.

    Parameters
    ----------
    trial
        The trial's configuration.
    table
        The export.
    folder
        The study's folder; not used by this format.
    findings
        Takes what was found.

    Returns
    -------
    Records or None
        None when there is no column with the participants.
    """
    complete = check_columns(trial, table, findings) and table.complete
    if trial.columns.participant not in table.cells:
        return None
    cells = without_missing_codes(trial, table)
    people = part(trial, table, cells, person_columns(trial.columns))
    blocks = [
        part(trial, table, cells, fields, visit)
        for visit, fields in assessment_columns(trial.columns).items()
    ]
    return Records(people, blocks, labelled(table, people), complete)
