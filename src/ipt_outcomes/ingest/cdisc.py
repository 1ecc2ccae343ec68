"""CDISC data sets, ADaM (ADQS + ADSL) and SDTM (QS + DM), to the intermediate form.

They have one row per score. A parameter's code (``PARAMCD``, ``QSTESTCD``) is to the configuration
what a column is elsewhere. Scores of one participant, visit and date become one row of the
intermediate form, so that items can be scored together; each entry remembers its own row. Records
that an analyst derived (a ``DTYPE`` such as LOCF) were not observed, and are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.as_text import listed
from ipt_outcomes.ingest.findings import Findings, quoted
from ipt_outcomes.ingest.records import (
    ITEM,
    OUTCOME,
    Part,
    Records,
    assessment_columns,
    check_columns,
    labelled,
    part,
    person_columns,
    without_missing_codes,
)
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.values import nearest
from ipt_outcomes.study.trials import Trial


@dataclass(frozen=True)
class Dialect:
    """The names that a standard gives to the parts of a score.

    Parameters
    ----------
    parameter
        Column with the code of what was measured.
    values
        Columns with the value, the best first.
    derived
        Column that marks derived records, where there is one.
    status
        Column that says that nothing was measured.
    """

    parameter: str
    values: tuple[str, ...]
    derived: str | None = None
    status: str | None = None


DIALECTS = {
    "adam": Dialect("PARAMCD", ("AVAL", "AVALC"), derived="DTYPE"),
    "sdtm": Dialect("QSTESTCD", ("QSSTRESN", "QSSTRESC", "QSORRES"), status="QSSTAT"),
}


def read(trial: Trial, table: RawTable, folder: Path, findings: Findings) -> Records | None:
    """Read CDISC data sets.

    Parameters
    ----------
    trial, table, folder, findings
        As for :func:`ipt_outcomes.ingest.long_layout.read`.

    Returns
    -------
    Records or None
        None when it cannot be read; the findings then say why.
    """
    dialect = DIALECTS[trial.export.format]
    value = next((name for name in dialect.values if name in table.cells), None)
    if dialect.parameter not in table.cells or value is None:
        expected = f"{dialect.parameter}, and one of {', '.join(dialect.values)}"
        findings.add("error", "missing column", row=1, found=f"columns {_names(table)}",
                     expected=expected,
                     mend="Name the file with the scores (ADQS, QS) as file, and the one with the "
                     "participants (ADSL, DM) under further_files; or correct format.",
                     )  # fmt: skip
        return None
    fields = assessment_columns(trial.columns)[None]
    codes = {name: code for name, code in fields.items() if name.startswith((OUTCOME, ITEM))}
    complete = check_columns(trial, table, findings, not_columns=set(codes.values()))
    if trial.columns.participant not in table.cells:
        return None
    cells = without_missing_codes(trial, table)
    people = part(trial, table, cells, person_columns(trial.columns))
    observed = _observed(dialect, table, cells, findings)
    _report_absent(codes, cells[dialect.parameter], dialect, findings)
    block = _by_assessment(trial, table, cells[observed], codes, dialect.parameter, value)
    return Records(people, [block], labelled(table, people), complete and table.complete)


def _names(table: RawTable) -> str:
    return listed([str(name) for name in table.cells.columns], limit=8)


def _observed(
    dialect: Dialect, table: RawTable, cells: pd.DataFrame, findings: Findings
) -> np.ndarray:
    score = cells[dialect.parameter].notna().to_numpy(dtype=bool, copy=True)
    for column, why in (
        (dialect.derived, "were derived from other records"),
        (dialect.status, "are marked as not done"),
    ):
        if column in cells:
            out = cells[column].notna().to_numpy() & score
            if out.any():
                kinds = listed(sorted(cells.loc[out, column].unique()))
                findings.add("note", "records left out", column=column,
                             found=f"{int(out.sum()):,} that {why} ({kinds})",
                             expected="observed scores",
                             mend="Only what was observed is read; missing scores are dealt with "
                             "in the analysis.")  # fmt: skip
            score &= ~out
    return score


def _report_absent(
    codes: Mapping[str, str], parameters: pd.Series, dialect: Dialect, findings: Findings
) -> None:
    there = sorted(parameters.dropna().unique())
    for name, code in codes.items():
        if code not in there:
            near = nearest(code, there)
            hint = f"Did you mean {quoted(near)}? " if near else ""
            findings.add("error", "no such parameter", column=dialect.parameter,
                         found=f"no record of {quoted(code)}",
                         expected=f"one of {listed(there, limit=12)}",
                         mend=f"{hint}Correct trials.{findings.trial}.columns.{name} in "
                         "config.yaml.")  # fmt: skip


def _by_assessment(
    trial: Trial,
    table: RawTable,
    cells: pd.DataFrame,
    codes: Mapping[str, str],
    parameter: str,
    value: str,
) -> Part:
    """Gather the scores of each participant, visit and date in one row."""
    fields = {
        name: column
        for name, column in assessment_columns(trial.columns)[None].items()
        if name not in codes
    }
    wanted = cells[cells[parameter].isin(set(codes.values()))]
    fixed = part(trial, replace(table, rows=table.rows[wanted.index]), wanted, fields)
    keys = [fixed.cells[name] for name in fixed.cells.columns]
    group = pd.DataFrame(dict(enumerate(keys))).groupby(
        list(range(len(keys))), dropna=False, sort=False
    )
    # A second record of the same parameter in a group is kept, in a row of its own.
    place = group.ngroup().to_numpy()
    again = (
        pd.DataFrame({"place": place, "code": wanted[parameter].to_numpy()})
        .groupby(["place", "code"])
        .cumcount()
        .to_numpy()
    )
    row_of, _ = pd.factorize(pd.Series(place.astype(np.int64) * (again.max(initial=0) + 1) + again))
    n = int(row_of.max(initial=-1)) + 1
    first = np.full(n, -1)
    first[row_of[::-1]] = np.arange(len(row_of))[::-1]
    result = fixed.cells.iloc[first].reset_index(drop=True)
    own_rows: dict[str, np.ndarray] = {}
    columns = dict(fixed.columns)
    for name, code in codes.items():
        missing = [*trial.codes.missing_in.get(code, ()), *trial.codes.missing_everywhere]
        of_code = (wanted[parameter] == code) & ~wanted[value].isin(missing)
        at = np.flatnonzero(of_code.to_numpy())
        entries = np.full(n, -1)
        entries[row_of[at]] = at
        texts = pd.array([*wanted[value].array, None], dtype="str")
        result[name] = texts.take(np.where(entries < 0, len(wanted), entries))
        rows = fixed.rows[first].copy()
        rows[entries >= 0] = fixed.rows[entries[entries >= 0]]
        own_rows[name] = rows
        columns[name] = f"{value} of {code}"
    return Part(result, fixed.rows[first], columns, own_rows=own_rows)
