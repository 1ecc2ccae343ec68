"""All files of a trial's export, whatever their kind, as one table of text.

Several files (participants in one and scores in another, a file per site or per wave) are stacked:
a column that a file does not have is empty in its rows, and each row remembers its file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ipt_outcomes.ingest import excel, parquet, statistical
from ipt_outcomes.ingest.findings import FILE_ROWS, Findings
from ipt_outcomes.ingest.source import KIND_NAMES, Kind, Source
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.text_file import TextFile
from ipt_outcomes.ingest.text_table import read_text_table
from ipt_outcomes.study.trials import FILE_COLUMN, SHEET_COLUMN, Export


def read_file(
    path: Path,
    name: str,
    export: Export,
    settings: str,
    wanted: Collection[str],
    findings: Findings,
    catalog: Path | None = None,
) -> list[RawTable] | None:
    """Read one file: a table, or one per sheet of a workbook.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    export, settings
        How it is configured, and where, for messages.
    wanted
        Names of columns that are needed, by which a delimiter is recognised.
    findings
        Takes what makes the file, or a row of it, unreadable.
    catalog
        The file with the value labels of a SAS data set.

    Returns
    -------
    list of RawTable or None
        None when it cannot be read; the findings then say why.
    """
    source = Source(path, name, settings, findings)
    kind = source.kind()
    if kind is None or not _settings_fit(source, kind, export):
        return None
    if kind == "excel":
        return excel.read(source, export.sheets, export.header_row)
    table: RawTable | None
    if kind == "text":
        text = TextFile(path, name, settings, findings, export.encoding, export.delimiter)
        table = read_text_table(text, wanted, export.header_row)
    elif kind == "parquet":
        table = parquet.read(source)
    else:
        table = statistical.read(source, kind, export.encoding, catalog)
    return None if table is None else [table]


def _settings_fit(source: Source, kind: Kind, export: Export) -> bool:
    """Refuse settings that would silently do nothing."""
    useless = []
    if kind != "excel" and export.sheet is not None:
        useless.append("sheet")
    if kind not in ("excel", "text") and export.header_row is not None:
        useless.append("header_row")
    if kind != "sas" and export.catalog is not None:
        useless.append("catalog")
    for name in useless:
        source.error("setting for another kind of file", f"a file of {KIND_NAMES[kind]}",
                     f"a kind of file for which {name} means something",
                     f"Delete {name} under {source.settings}.")  # fmt: skip
    return not useless


def read_files(
    export: Export,
    folder: Path,
    settings: str,
    wanted: Collection[str],
    participant: str,
    findings: Findings,
) -> RawTable | None:
    """Read all files of an export as one table.

    Parameters
    ----------
    export, settings
        The configuration, and where it stands, for messages.
    folder
        The study's folder.
    wanted, participant
        Names of columns that are needed, and of that with the participants: it has to be in every
        file.
    findings
        Takes what makes a file, or a row of it, unreadable.

    Returns
    -------
    RawTable or None
        None when one of the files cannot be read.
    """
    tables: list[RawTable] = []
    catalog = None if export.catalog is None else folder / export.catalog
    for name in export.files:
        read = read_file(folder / name, name, export, settings, wanted, findings, catalog)
        if read is None:
            return None
        tables += read
    if len(tables) == 1 and not {FILE_COLUMN, SHEET_COLUMN} & set(wanted):
        return tables[0]
    lacking = [table for table in tables if participant not in table.cells]
    if len(tables) > 1 and lacking:
        for table in lacking:
            findings.add("error", "missing column", file=table.file, row=1, column=participant,
                         found="no column of this name", expected="the participants' study "
                         "numbers, under the same name in every file",
                         mend="Rename the column in that file.")  # fmt: skip
        return None
    return stacked(tables)


def stacked(tables: list[RawTable]) -> RawTable:
    """Put tables one below the other; row numbers carry the place of their file.

    Parameters
    ----------
    tables
        At least one.
    """
    frames, rows = [], []
    files = list(dict.fromkeys(table.file for table in tables))
    labels: dict[str, Mapping[str, str]] = {}
    questions: dict[str, str] = {}
    for table in tables:
        n = len(table.rows)
        told = {FILE_COLUMN: Path(table.file).name, SHEET_COLUMN: table.described.get("sheet")}
        extra = {
            name: pd.array([text], dtype="str").take(np.zeros(n, dtype=np.int64))
            for name, text in told.items()
            if text is not None
        }
        frames.append(table.cells.assign(**extra))
        rows.append(table.rows + files.index(table.file) * FILE_ROWS)
        labels |= table.labels
        questions |= table.questions
    described = {
        name: "; ".join(dict.fromkeys(t.described[name] for t in tables if name in t.described))
        for name in ("kind", "encoding", "delimiter", "sheet")
    }
    return replace(
        tables[0],
        cells=pd.concat(frames, ignore_index=True),
        rows=np.concatenate(rows),
        repeated=tuple(dict.fromkeys(name for table in tables for name in table.repeated)),
        complete=all(table.complete for table in tables),
        blank_rows=sum(table.blank_rows for table in tables),
        labels=labels,
        questions=questions,
        described={name: text for name, text in described.items() if text},
    )
