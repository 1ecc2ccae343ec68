"""Tables with one row per participant, to the intermediate form: a block per visit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ipt_outcomes.ingest import long_layout
from ipt_outcomes.ingest.findings import FILE_ROWS, Findings
from ipt_outcomes.ingest.records import Records
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study.trials import Trial


def read(trial: Trial, table: RawTable, folder: Path, findings: Findings) -> Records | None:
    """Read a table with one row per participant.

    Parameters
    ----------
    trial, table, folder, findings
        As for :func:`ipt_outcomes.ingest.long_layout.read`.

    Returns
    -------
    Records or None
        None when there is no column with the participants.
    """
    records = long_layout.read(trial, table, folder, findings)
    if records is None:
        return None
    # The columns say the visit, so the shared path is the same; only that a participant has one
    # row in each file is particular to this format.
    participants = records.people.cells["participant"]
    keys = pd.DataFrame({"name": participants, "file": table.rows // FILE_ROWS})
    again = participants.notna() & keys.duplicated()
    first = dict(zip(participants[::-1], table.rows[::-1], strict=True))
    findings.add(
        "error",
        "duplicated participant",
        row=table.rows[again],
        participant=participants[again].tolist(),
        column=trial.columns.participant,
        found=[
            f"this participant a second time, first in {findings.row_name(first[name])}"
            for name in participants[again]
        ],
        expected="one row per participant",
        mend="Remove or renumber one of the rows in the data base and export again.",
    )
    if not again.any():
        return records
    # Which of the rows is right is not for us to say: neither is used.
    twice = participants.isin(participants[again])
    return records.without_rows(twice.to_numpy())
