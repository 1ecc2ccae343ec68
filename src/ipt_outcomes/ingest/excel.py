"""Excel workbooks (.xlsx, .xlsm) as tables of text.

What is read is what the sheet shows as a value: a formula counts with its stored result, and one
without a stored result is an error, because it would look like an empty cell.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.as_text import listed, text_column
from ipt_outcomes.ingest.findings import quoted
from ipt_outcomes.ingest.source import Source
from ipt_outcomes.ingest.table import RawTable, table_of

MOST_UNPACKED = 1_500_000_000
"""Bytes of a workbook's parts, unpacked; more than any trial's workbook has."""
MOST_COLUMNS = 16_384
"""Columns that a sheet can have."""


def read(source: Source, sheets: Sequence[str], header_row: int | None) -> list[RawTable] | None:
    """Read sheets of a workbook.

    Parameters
    ----------
    source
        The file.
    sheets
        Names of the sheets; none when there is only one with data.
    header_row
        Row with the names of the columns; None for the first row with an entry.

    Returns
    -------
    list of RawTable or None
        One table per sheet; None when they cannot be read, and the findings then say why.
    """
    if _swollen(source):
        return None
    try:
        book = _open(source, data_only=True)
        try:
            chosen = _chosen(source, book, sheets)
            if chosen is None:
                return None
            tables = [_sheet(source, book[name], header_row) for name in chosen]
        finally:
            book.close()
        if any(table is None for table in tables):
            return None
        if _without_results(source, chosen):
            return None
    except Exception as error:  # openpyxl fails in many ways on a damaged or crafted workbook
        source.damaged("a workbook", error)
        return None
    return [table for table in tables if table is not None]


def _open(source: Source, *, data_only: bool) -> Any:
    import openpyxl

    # As a stream: openpyxl judges a path by its ending, and we by the content.
    return openpyxl.load_workbook(
        io.BytesIO(source.path.read_bytes()), read_only=True, data_only=data_only
    )


def _swollen(source: Source) -> bool:
    """Tell archives that unpack to more than a workbook can hold, before unpacking anything."""
    with zipfile.ZipFile(source.path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
        locked = any(part.flag_bits & 1 for part in archive.infolist())
    if locked:
        source.error("locked file", "an archive locked with a password", "a workbook without one",
                     "Save it without a password.")  # fmt: skip
    if unpacked > MOST_UNPACKED:
        source.error("too large", f"a workbook that unpacks to {unpacked:,} bytes",
                     f"at most {MOST_UNPACKED:,}", "It is no ordinary workbook: look where it "
                     "comes from, or save the sheet as CSV.")  # fmt: skip
    return locked or unpacked > MOST_UNPACKED


def _chosen(source: Source, book: Any, sheets: Sequence[str]) -> list[str] | None:
    there = [name for name in book.sheetnames if hasattr(book[name], "iter_rows")]
    if not there:
        source.damaged("a workbook", "no sheet")
        return None
    absent = [name for name in sheets if name not in there]
    for name in absent:
        source.error("no such sheet", f"no sheet {quoted(name)}", f"one of {listed(there)}",
                     f"Correct sheet under {source.settings}.")  # fmt: skip
    if absent:
        return None
    if sheets:
        return list(sheets)
    filled = [name for name in there if next(_filled(book[name]), None) is not None]
    if len(filled) > 1:
        source.error("which sheet", f"{len(filled)} sheets with data ({listed(filled)})",
                     "the name of the one with the trial's data",
                     f"Name it, or several, as sheet under {source.settings}.")  # fmt: skip
        return None
    return filled or there[:1]


def _filled(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the rows with an entry, and their numbers."""
    sheet.reset_dimensions()  # the size that a workbook states is often wrong
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(value is not None and value != "" for value in row):
            yield number, row


def _sheet(source: Source, sheet: Any, header_row: int | None) -> RawTable | None:
    rows = _filled(sheet)
    header: tuple[Any, ...] = ()
    numbers: list[int] = []
    body: list[tuple[Any, ...]] = []
    top = 0
    for number, row in rows:
        if not top and number < (header_row or number):
            continue
        if not top:
            top, header = number, row
            continue
        numbers.append(number)
        body.append(row)
    if not top or (header_row and top != header_row):
        source.error("no header", f"an empty row {header_row or 1} in sheet {quoted(sheet.title)}",
                     "the names of the columns",
                     f"Set header_row under {source.settings}.")  # fmt: skip
        return None
    names = [_head(value) for value in header]
    width = max(map(len, [header, *body]))
    names += [""] * (width - len(names))
    nameless: list[tuple[int, int]] = []
    columns: dict[str, pd.Series] = {}
    twice = [name for place, name in enumerate(names) if name and name in names[:place]]
    for place, name in enumerate(names):
        values = [row[place] if place < len(row) else None for row in body]
        if name and name not in twice:
            columns[name] = text_column(pd.Series(list(map(_value, values)), dtype=object))
        elif not name:  # such as a remark beside the table
            filled = (n for n, value in enumerate(values) if value not in (None, ""))
            if (first := next(filled, None)) is not None:
                nameless.append((numbers[first], place + 1))
    for row_number, place in nameless:
        source.findings.add("warning", "column without a name", file=source.name, row=row_number,
                            found=f"entries in column {place} of sheet {quoted(sheet.title)}, "
                            "which has no name", expected="a name in every column with data",
                            mend="They are not read. Name the column, if it matters.",
                            )  # fmt: skip
    return table_of(
        source,
        columns,
        np.array(numbers, dtype=np.int64),
        described={"kind": "excel", "encoding": "utf-8", "sheet": sheet.title},
        repeated=sorted(set(twice)),
    )


def _head(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _value(value: Any) -> Any:
    if isinstance(value, datetime.datetime | str | bool | int | float) or value is None:
        return value
    return str(value)


def _without_results(source: Source, sheets: Sequence[str]) -> bool:
    """Report formulas whose result the workbook does not hold."""
    from openpyxl.utils import get_column_letter

    with zipfile.ZipFile(source.path) as archive:
        parts = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        if not any(b"<f" in archive.read(name) for name in parts):
            return False
    formulas, results = _open(source, data_only=False), _open(source, data_only=True)
    found = False
    try:
        for name in sheets:
            values = dict(_all_rows(results[name]))
            for number, row in _filled(formulas[name]):
                shown = values.get(number, ())
                for place, entry in enumerate(row):
                    empty = place >= len(shown) or shown[place] is None
                    if isinstance(entry, str) and entry.startswith("=") and empty:
                        found = True
                        source.error("formula without a result", quoted(entry),
                                     "a formula with its stored result, or a value",
                                     "Open the workbook in a spreadsheet program, save it, and "
                                     "try again.", row=number,
                                     column=get_column_letter(place + 1),
                                     )  # fmt: skip
    finally:
        formulas.close()
        results.close()
    return found


def _all_rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    sheet.reset_dimensions()
    yield from enumerate(sheet.iter_rows(values_only=True), start=1)
