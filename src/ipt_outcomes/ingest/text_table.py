"""Delimited text as a table of text, with the row numbers that a spreadsheet shows.

Nothing is guessed here: every cell stays the text that it was, without outer blanks. What makes a
file unreadable, or a row, is a finding with its row, never an exception.

Rows are records: a quoted cell may hold line breaks, and the header is row 1.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipt_outcomes.ingest.detection import DELIMITERS, detect_delimiter
from ipt_outcomes.ingest.findings import quoted
from ipt_outcomes.ingest.identifiers import identifying_entry
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.text_file import TextFile, records

__all__ = ["RawTable", "TextFile", "read_text_table", "records"]

MOST_COLUMNS = 50_000
"""More columns than the widest export has."""
CHUNK = 2_000
"""Records turned into columns at a time: few enough that their texts are freed soon."""


@dataclass
class _Body:
    """The records below the header."""

    columns: list[pa.ChunkedArray]
    rows: np.ndarray
    blank: int = 0
    ragged: list[tuple[int, int]] = field(default_factory=list)
    broken: csv.Error | None = None
    last: int = 0


def read_text_table(
    source: TextFile, wanted: Collection[str], header_row: int | None = None
) -> RawTable | None:
    """Read delimited text.

    Parameters
    ----------
    source
        The file.
    wanted
        Names of columns that are needed, by which a wrong delimiter is recognised.
    header_row
        Row with the names of the columns; None for the first row with an entry.

    Returns
    -------
    RawTable or None
        None when the file cannot be read at all; the findings then say why.
    """
    decoded = source.text()
    if decoded is None:
        return None
    text, encoding = decoded
    findings, file = source.findings, source.name
    delimiter = source.delimiter or detect_delimiter(text, wanted)
    reader = records(text, delimiter)
    try:
        rows = ((n, r) for n, r in reader if n >= (header_row or 1) and any(c.strip() for c in r))
        start, header = next(rows, (0, None))
    except csv.Error as error:
        _report_broken(error, 1, source)
        return None
    if header is None:
        findings.add("error", "empty file", file=file, row=1, found="an empty file",
                     expected="a row of column names, and rows below it",
                     mend="Export again.")  # fmt: skip
        return None
    names = [name.strip() for name in header]
    if len(names) > MOST_COLUMNS:
        findings.add("error", "too many columns", file=file, row=start,
                     found=f"{len(names):,} columns", expected=f"at most {MOST_COLUMNS:,}",
                     mend="Leave out what the study does not need, or write one row per visit.",
                     )  # fmt: skip
        return None
    other = None
    if source.delimiter is not None:
        other = _better_delimiter(names, text, delimiter, wanted)
    if other is not None:
        count = "one column only" if len(names) == 1 else f"{len(names)} columns, none as expected,"
        findings.add("error", "wrong delimiter", file=file, row=start,
                     found=f"{count} in {_first_row(names, delimiter)}",
                     expected=f"columns separated by {DELIMITERS.get(delimiter, delimiter)}",
                     mend=f"The file looks as if {DELIMITERS[other]} separates its columns: "
                     f"set delimiter: {DELIMITERS[other]} under {source.settings}.",
                     )  # fmt: skip
        return None
    body = _read_quickly(text, delimiter, start, len(names))
    if body is None:
        body = _read_carefully(reader, start, len(names))
    if body.ragged:
        _report_ragged(body, len(names), source)
    if body.broken is not None:
        _report_broken(body.broken, body.last + 1, source)
    if body.last == start and body.broken is None:
        findings.add("error", "no rows", file=file, row=start + 1,
                     found="no row below the column names", expected="rows with data",
                     mend="Export again, with all records.")  # fmt: skip
    return _table(body, names, source.name, {"kind": "text", "encoding": encoding,
                                             "delimiter": delimiter})  # fmt: skip


def _table(body: _Body, names: list[str], file: str, described: Mapping[str, str]) -> RawTable:
    repeated = tuple(name for name, count in Counter(names).items() if name and count > 1)
    blank = np.ones(len(body.rows), dtype=bool)
    trimmed: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(names, body.columns, strict=True):
        cells = pc.utf8_trim_whitespace(column)
        cells = pc.if_else(pc.equal(cells, ""), None, cells)
        blank &= pc.is_null(cells).to_numpy()
        if name and name not in repeated:
            trimmed[name] = cells
    frame = pd.DataFrame(
        {name: pd.array(cells, dtype="str") for name, cells in trimmed.items()},
        index=pd.RangeIndex(len(body.rows)),
    )
    if blank.any():
        frame = frame[~blank].reset_index(drop=True)
    return RawTable(
        file,
        frame,
        body.rows[~blank],
        repeated,
        complete=not body.ragged and body.broken is None,
        blank_rows=body.blank + int(blank.sum()),
        described=described,
    )


# --- records to columns --------------------------------------------------------------------------


def _read_quickly(text: str, delimiter: str, start: int, width: int) -> _Body | None:
    """Read a file without any fault; None when there is one.

    The records are gone through once to see that each has its cells and that all quotation marks
    pair; then a faster parser makes the columns.
    """
    import pyarrow.csv

    try:
        widths = Counter(len(record) for _, record in records(text, delimiter))
    except csv.Error:
        return None
    n = widths[width]
    if start != 1 or n < 2 or len(widths) > 1:
        return None
    names = [str(place) for place in range(width)]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode("utf-8")),
            pyarrow.csv.ReadOptions(use_threads=False, column_names=names),
            pyarrow.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:  # such as a record longer than its blocks
        return None
    if table.num_rows != n:
        return None
    body = table.slice(1)
    return _Body([body.column(name) for name in names], np.arange(2, n + 1), last=n)


def _read_carefully(reader: Iterator[tuple[int, list[str]]], start: int, width: int) -> _Body:
    """Read what can be read of a file, and note the rest."""
    body = _Body([], np.array([], dtype=np.int64), last=start)
    chunks: list[list[pa.Array]] = [[pa.array([], pa.large_string())] * width]
    rows: list[int] = []
    whole = _until_broken(reader, body)
    while batch := list(islice(whole, CHUNK)):
        body.last = batch[-1][0]
        kept = []
        for row, record in batch:
            if len(record) == width:
                kept.append(record)
                rows.append(row)
            elif not any(cell.strip() for cell in record):
                body.blank += 1
            else:
                # Even an empty cell too many is not cut off: an unquoted decimal comma moves all
                # entries to the right, and the last one may well be empty.
                body.ragged.append((row, len(record)))
        columns = zip(*kept, strict=True)
        chunks.append([pa.array(column, pa.large_string()) for column in columns])
    body.columns = [
        pa.chunked_array([chunk[place] for chunk in chunks if chunk], pa.large_string())
        for place in range(width)
    ]
    body.rows = np.array(rows, dtype=np.int64)
    return body


def _until_broken(
    reader: Iterator[tuple[int, list[str]]], body: _Body
) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from reader
    except csv.Error as error:
        body.broken = error


def _better_delimiter(
    names: list[str], text: str, delimiter: str, wanted: Collection[str]
) -> str | None:
    """Return another delimiter that splits the header into more of the columns needed."""
    found = len(set(wanted) & set(names))
    if found > 0 and len(names) > 1:
        return None
    best = None
    for other in DELIMITERS:
        if other == delimiter:
            continue
        try:
            split = next((r for _, r in records(text[:100_000], other, strict=False) if any(r)), [])
        except csv.Error:
            continue
        gained = len(set(wanted) & {name.strip() for name in split})
        if gained > found or (len(names) == 1 and found == 0 and len(split) > 2):
            best, found = other, max(gained, found)
    return best


# --- what is wrong -------------------------------------------------------------------------------


def _first_row(names: list[str], delimiter: str) -> str:
    """Quote what should be a header; a file without one may begin with somebody's data."""
    line = delimiter.join(names)
    parts = [part.strip() for part in re.split(r"[,;|\t]", line)]
    return "the first row" if any(map(identifying_entry, parts)) else quoted(line)


def _report_broken(error: csv.Error, row: int, source: TextFile) -> None:
    reason = str(error)
    if "unexpected end" in reason:
        found, mend = "a quotation mark that is never closed", "Close it, or export again."
    elif "field larger" in reason:
        found = f"a cell of more than {csv.field_size_limit():,} characters"
        mend = "A quotation mark before it was probably never closed; export again."
    else:
        found = "text after the quotation mark that ends a cell"
        mend = "Write quotation marks inside an entry twice, or export again."
    source.findings.add("error", "broken quotation marks", file=source.name, row=row,
                        found=f"{found}; nothing after this row was read",
                        expected="entries in pairs of quotation marks", mend=mend)  # fmt: skip


def _report_ragged(body: _Body, width: int, source: TextFile) -> None:
    mends = []
    for row, cells in body.ragged:
        if cells > width:
            mends.append("An entry with the delimiter in it (a decimal comma, perhaps) must stand "
                         "in quotation marks: export again.")  # fmt: skip
        elif row == body.last:
            mends.append("It is the last row: the file was probably cut off; export again.")
        else:
            mends.append("An entry or a delimiter is missing in it: export again.")
    source.findings.add("error", "ragged row", file=source.name,
                        row=[row for row, _ in body.ragged],
                        found=[f"{n} cells" if n != 1 else "1 cell" for _, n in body.ragged],
                        expected=f"{width} cells, as in the header", mend=mends)  # fmt: skip
