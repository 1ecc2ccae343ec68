"""Reviewed corrections of an export: applied when it is read, listed, and never written into it.

A CSV file with one line per correction:

====================  =====================================================================
``participant``       the study number, as the export has it
``visit``             the entry of the visit's column in that row; empty where the row has none
``column``            the column of the export
``from``, ``to``      what stands there now, and what should; empty means an empty cell
``reason``            why
``reviewed_by``       who has checked it against the source
``reviewed_on``       when (2026-11-25)
====================  =====================================================================

A correction counts only when somebody has reviewed it and when it fits: exactly one row, in which
the old entry still stands. Else it is an error, so that no new export is corrected by accident.
"""

from __future__ import annotations

import csv
import datetime
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, entry
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.values import nearest
from ipt_outcomes.study.trials import Trial

COLUMNS = (
    "participant",
    "visit",
    "column",
    "from",
    "to",
    "reason",
    "reviewed_by",
    "reviewed_on",
)


def apply_corrections(
    trial: Trial, table: RawTable, folder: Path, findings: Findings
) -> tuple[RawTable, int]:
    """Apply the corrections of an export.

    Parameters
    ----------
    trial
        The trial's configuration.
    table
        The export as text.
    folder
        The study's folder.
    findings
        Takes one note per correction, and an error for each that does not fit.

    Returns
    -------
    tuple of RawTable and int
        The corrected export, and how many corrections were applied.
    """
    file = trial.corrections
    if file is None:
        return table, 0
    lines = _read(folder / file, file, findings)
    named = {line["column"] for _, line in lines}
    cells = {name: table.cells[name].astype(object) for name in named if name in table.cells}
    done: set[tuple[int, str]] = set()
    for number, line in lines:
        place = _fitting(trial, table, number, line, file, findings)
        if place is None:
            continue
        if (place, line["column"]) in done:
            findings.add("error", "correction does not fit", file=file, row=number,
                         column=line["column"], found="a second correction of the same entry",
                         expected="one", mend="Remove one of the two.")  # fmt: skip
            continue
        done.add((place, line["column"]))
        cells[line["column"]].iloc[place] = line["to"] or None
        findings.add("note", "corrected", row=int(table.rows[place]),
                     participant=line["participant"], column=line["column"],
                     found=f"{_shown(line['from'])}, corrected to {_shown(line['to'])}",
                     expected="the reviewed entry",
                     mend=f"Listed in row {number} of {file}. Correct the data base too.",
                     )  # fmt: skip
    fixed = {name: column.astype("str") for name, column in cells.items()}
    return replace(table, cells=table.cells.assign(**fixed)), len(done)


def _shown(text: str) -> str:
    return entry(text) if text else "an empty cell"


def _read(path: Path, file: str, findings: Findings) -> list[tuple[int, dict[str, str]]]:
    """Return the lines that were reviewed, with their row."""
    mend = f"Write a CSV file with the columns {', '.join(COLUMNS)}."
    try:
        text = path.read_text("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeError, csv.Error) as error:
        findings.add("error", "corrections cannot be read", file=file,
                     found=f"a file that cannot be read ({type(error).__name__})",
                     expected="corrections as CSV in UTF-8", mend=mend)  # fmt: skip
        return []
    header = [name.strip() for name in rows[0]] if rows else []
    if sorted(header) != sorted(COLUMNS):
        findings.add("error", "corrections cannot be read", file=file, row=1,
                     found="columns " + (", ".join(header) or "none"),
                     expected=", ".join(COLUMNS), mend=mend)  # fmt: skip
        return []
    lines = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            findings.add("error", "corrections cannot be read", file=file, row=number,
                         found=f"{len(row)} cells", expected=f"{len(header)} cells",
                         mend="Write entries with a comma in quotation marks.")  # fmt: skip
            continue
        line = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        if _reviewed(line, number, file, findings):
            lines.append((number, line))
    return lines


def _reviewed(line: dict[str, str], number: int, file: str, findings: Findings) -> bool:
    lacking = [
        name for name in ("participant", "column", "reason", "reviewed_by") if not line[name]
    ]
    try:
        datetime.date.fromisoformat(line["reviewed_on"])
    except ValueError:
        lacking.append("reviewed_on")
    if lacking:
        findings.add("error", "correction not reviewed", file=file, row=number,
                     column=lacking[0], found=f"nothing that can be read in {', '.join(lacking)}",
                     expected="a reason, who has reviewed it, and when (such as 2026-11-25)",
                     mend="Have it reviewed, or remove it.")  # fmt: skip
    return not lacking


def _fitting(
    trial: Trial,
    table: RawTable,
    number: int,
    line: dict[str, str],
    file: str,
    findings: Findings,
) -> int | None:
    """Return the place of the row that a correction is about; None when there is not just one."""

    def unfit(column: str, found: str, expected: str, mend: str) -> None:
        findings.add("error", "correction does not fit", file=file, row=number, column=column,
                     found=found, expected=expected, mend=mend)  # fmt: skip

    column, person = line["column"], trial.columns.participant
    if column not in table.cells or person not in table.cells:
        near = nearest(column, table.cells.columns)
        unfit("column", f"no column {column} in the export", "a column of the export",
              f"Did you mean {near}?" if near else "Correct the name.")  # fmt: skip
        return None
    at = (table.cells[person] == line["participant"]).fillna(False).to_numpy(dtype=bool)
    if not at.any():
        unfit("participant", "a study number that is not in the export",
              "one of the export", "Correct the number, or remove the correction.")  # fmt: skip
        return None
    visit = trial.columns.visit
    if visit in table.cells:
        at = at & _same(table.cells[visit], line["visit"])
    if not at.any():
        unfit("visit", f"no row of this participant at {_shown(line['visit'])}",
              "the entry of the visit's column in the row to be corrected",
              "Correct the visit.")  # fmt: skip
        return None
    at = at & _same(table.cells[column], line["from"])
    places = np.flatnonzero(at)
    if len(places) != 1:
        found = "another entry in the export than" if not len(places) else (
            f"{len(places)} rows with")  # fmt: skip
        unfit("from", f"{found} {_shown(line['from'])}", "one row with the entry to be corrected",
              "The data base may have been corrected already: remove the correction.")  # fmt: skip
        return None
    return int(places[0])


def _same(cells: pd.Series, text: str) -> np.ndarray:
    same = cells == text if text else cells.isna()
    return np.asarray(same.fillna(False), dtype=bool)
