"""Qualtrics exports to the intermediate form.

A text or Excel export has three header rows: names, questions, and import ids. The second and third
look like answers and are taken off here. Answers of the survey's preview are no answers of
participants, and are left out and counted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ipt_outcomes.ingest import long_layout, wide_layout
from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.ingest.records import Records
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study.trials import Trial

IMPORT_ID = '{"ImportId":'
PREVIEWS = {
    "Status": {"Survey Preview", "Survey Test", "1", "2"},
    "DistributionChannel": {"preview", "test"},
}
"""Column: entries by which Qualtrics marks answers that its users gave while trying a survey."""


def read(trial: Trial, table: RawTable, folder: Path, findings: Findings) -> Records | None:
    """Read a Qualtrics export: one row per response.

    Parameters
    ----------
    trial, table, folder, findings
        As for :func:`ipt_outcomes.ingest.long_layout.read`.

    Returns
    -------
    Records or None
        None when it cannot be read; the findings then say why.
    """
    read_layout = wide_layout.read if trial.visits_by_column else long_layout.read
    return read_layout(trial, answers(table, findings), folder, findings)


def answers(table: RawTable, findings: Findings) -> RawTable:
    """Return the table without the two further header rows and without previews."""
    cells = table.cells
    imports = cells.apply(lambda column: column.str.startswith(IMPORT_ID)).any(axis=1)
    ids = np.flatnonzero(imports.fillna(False).to_numpy(dtype=bool))
    header = np.zeros(len(cells), dtype=bool)
    questions = dict(table.questions)
    for at in ids:
        header[at] = True
        # The row above holds the questions; in stacked files every file has both rows.
        if at and table.rows[at - 1] == table.rows[at] - 1:
            header[at - 1] = True
            asked = cells.iloc[at - 1].dropna()
            questions |= {str(name): str(text) for name, text in asked.items()}
    if not len(ids) and table.described.get("kind") in ("text", "excel"):
        findings.add("warning", "no import ids", row=3, found="no third header row of Qualtrics",
                     expected='a row of entries such as {"ImportId":"QID1"}',
                     mend="If rows 2 and 3 are answers, all is well; otherwise export again.",
                     )  # fmt: skip
    preview = np.zeros(len(cells), dtype=bool)
    for column, marks in PREVIEWS.items():
        if column in cells:
            preview |= cells[column].isin(marks).to_numpy() & ~header
    if preview.any():
        findings.add("note", "previews left out", row=table.rows[preview],
                     found=["an answer given in the survey's preview"] * int(preview.sum()),
                     mend="It is not a participant's, and not used.")  # fmt: skip
    kept = ~(header | preview)
    return replace(
        table,
        cells=cells[kept].reset_index(drop=True),
        rows=table.rows[kept],
        questions=questions,
    )
