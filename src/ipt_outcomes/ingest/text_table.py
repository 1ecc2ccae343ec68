"""Delimited text as a table of text, with the row numbers that a spreadsheet shows.

Nothing is guessed here: every cell stays the text that it was, without outer blanks. What makes a
file unreadable, or a row, is a finding with its row, never an exception.

Rows are records: a quoted cell may hold line breaks, and the header is row 1.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ipt_outcomes.ingest.findings import Findings, quoted

DELIMITERS = {",": '","', ";": '";"', "\t": '"\\t" (tab)', "|": '"|"'}
CHUNK = 2_000
"""Records turned into columns at a time: few enough that their texts are freed soon."""

SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"$FL2": "an SPSS file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a compressed file",
}
"""First bytes of files that are often taken for text."""


@dataclass(frozen=True)
class RawTable:
    """An export as text.

    Parameters
    ----------
    file
        The file, as the configuration names it.
    cells
        One text column per column of the file, blanks trimmed; an empty cell is missing.
    rows
        Row of the file of each row of ``cells``; the header is row 1.
    repeated
        Names that stand more than once in the header; only the first is in ``cells``.
    complete
        Whether every row could be read.
    blank_rows
        Number of rows without any entry, which were passed over.
    heads
        Name in ``cells``: name in the file, where a reader has renamed a column.
    excused
        Columns whose absence has been reported already.
    """

    file: str
    cells: pd.DataFrame
    rows: np.ndarray
    repeated: tuple[str, ...] = ()
    complete: bool = True
    blank_rows: int = 0
    heads: Mapping[str, str] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()

    def head(self, column: str) -> str:
        """Return a column's name in the file."""
        return self.heads.get(column, column)


def read_text_table(
    path: Path,
    findings: Findings,
    *,
    file: str,
    encoding: str,
    delimiter: str,
    wanted: Collection[str],
    settings: str,
) -> RawTable | None:
    """Read delimited text.

    Parameters
    ----------
    path
        The file.
    findings
        Takes what was found.
    file
        Its name in messages.
    encoding, delimiter
        As configured.
    wanted
        Names of columns that are needed, by which a wrong delimiter is recognised.
    settings
        Where the encoding and the delimiter are configured, for messages.

    Returns
    -------
    RawTable or None
        None when the file cannot be read at all; the findings then say why.
    """
    text = _text(path, findings, file, encoding, delimiter, settings)
    if text is None:
        return None
    reader = _records(text, delimiter)
    try:
        start, header = next(((n, r) for n, r in reader if any(c.strip() for c in r)), (0, None))
    except csv.Error as error:
        _broken_record(error, 1, findings, file)
        return None
    if header is None:
        findings.add("error", "empty file", file=file, found="an empty file",
                     expected="a row of column names, and rows below it",
                     mend="Export again.")  # fmt: skip
        return None
    names = [name.strip() for name in header]
    other = _better_delimiter(names, text, delimiter, wanted)
    if other is not None:
        count = "one column only" if len(names) == 1 else f"{len(names)} columns, none as expected,"
        findings.add("error", "wrong delimiter", file=file, row=start,
                     found=f"{count} in {quoted(delimiter.join(names))}",
                     expected=f"columns separated by {DELIMITERS.get(delimiter, delimiter)}",
                     mend=f"The file looks as if {DELIMITERS[other]} separates its columns: "
                     f"set delimiter: {DELIMITERS[other].split(' ')[0]} under {settings}.",
                     )  # fmt: skip
        return None
    return _table(reader, names, start, findings, file)


# --- bytes to text -------------------------------------------------------------------------------


def _text(
    path: Path, findings: Findings, file: str, encoding: str, delimiter: str, settings: str
) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        findings.add("error", "file cannot be opened", file=file,
                     found=f"a file that cannot be opened ({error.strerror})",
                     expected="a readable file",
                     mend="Check its name, its folder and its permissions.")  # fmt: skip
        return None
    for signature, what in SIGNATURES.items():
        if content.startswith(signature):
            findings.add("error", "not a text file", file=file, found=what,
                         expected="a text file (CSV)",
                         mend="Open it in the program that made it and save it as CSV.",
                         )  # fmt: skip
            return None
    try:
        text = content.decode(encoding)
        text.encode("utf-8")  # some encodings can yield what is no text
    except LookupError:
        findings.add("error", "unknown encoding", file=file, found=f"encoding: {encoding}",
                     expected="the name of a text encoding, such as utf-8 or cp1252",
                     mend=f"Correct encoding under {settings}.")  # fmt: skip
        return None
    except UnicodeError:
        _wrong_encoding(content, findings, file, encoding, delimiter, settings)
        return None
    text = text.removeprefix("\ufeff").rstrip("\x1a")  # byte order mark; end mark of old programs
    if "\x00" in text:
        _strange_bytes(text, "\x00", findings, file, delimiter, "NUL bytes", "NUL characters",
                       "text", "The file is damaged, or no text file: export again.")  # fmt: skip
        return None
    if not content.isascii() and encoding.lower().replace("_", "-") not in {"utf-8", "utf-8-sig"}:
        _perhaps_utf8(content, findings, file, encoding, settings)
    # A first line such as `sep=;` tells a spreadsheet the delimiter and is not shown as a row.
    return re.sub(r"\Asep=[^\r\n]\r?\n", "", text, count=1)


def _wrong_encoding(
    content: bytes, findings: Findings, file: str, encoding: str, delimiter: str, settings: str
) -> None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        findings.add("error", "wrong encoding", file=file, row=1, found="text in UTF-16",
                     expected=f"text in {encoding}",
                     mend=f"Set encoding: utf-16 under {settings}.")  # fmt: skip
        return
    mend = f"Save the file as UTF-8, or name its encoding under {settings}."
    for guess in ("utf-8", "cp1252"):
        try:
            content.decode(guess)
        except UnicodeDecodeError:
            continue
        mend = f"The file looks like {guess}: set encoding: {guess} under {settings}."
        break
    # Every byte that ASCII does not know passes as a surrogate, so the cell can be found.
    text = content.decode("ascii", errors="surrogateescape").removeprefix("\udcef\udcbb\udcbf")
    try:
        content.decode(encoding)
        first = 0
    except UnicodeDecodeError as error:
        first = error.start
    except UnicodeError:
        first = 0
    byte = f"0x{content[first]:02X}"
    row, column = _cell_at(text, len(content[:first]), delimiter, len(content) - len(text))
    findings.add("error", "wrong encoding", file=file, row=row, column=column,
                 found=f"the byte {byte}, which is not {encoding}",
                 expected=f"text in {encoding}", mend=mend)  # fmt: skip


def _cell_at(text: str, offset: int, delimiter: str, removed: int) -> tuple[int, str | None]:
    """Return row and column name of the cell that holds a character of the text."""
    header: list[str] | None = None
    record: list[str] = []
    row = 1
    try:
        # Cut after the offending character: the last cell of the last record holds it.
        for number, cells in _records(text[: offset - removed + 1], delimiter, strict=False):
            row, record = number, cells
            if header is None and any(cell.strip() for cell in record):
                header = record
    except csv.Error:
        return row, None
    place = len(record) - 1
    inside = header is not None and header is not record and 0 <= place < len(header)
    name = header[place].strip() if inside and header is not None else ""
    return row, name if name and name.isascii() else None


def _strange_bytes(
    text: str, what: str, findings: Findings, file: str, delimiter: str, kind: str, found: str,
    expected: str, mend: str,
) -> None:  # fmt: skip
    row, column = _cell_at(text, text.index(what), delimiter, 0)
    n = text.count(what)
    findings.add("error", kind, file=file, row=row, column=column,
                 found=f"{n:,} {found}" if n > 1 else f"a {found.rstrip('s')}",
                 expected=expected, mend=mend)  # fmt: skip


def _perhaps_utf8(
    content: bytes, findings: Findings, file: str, encoding: str, settings: str
) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return
    findings.add("warning", "perhaps another encoding", file=file, found="text that is valid UTF-8",
                 expected=f"text in {encoding}",
                 mend="If letters with accents look wrong in the report, set encoding: utf-8 "
                 f"under {settings}.")  # fmt: skip


# --- text to records -----------------------------------------------------------------------------


def _records(text: str, delimiter: str, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    stream = io.StringIO(text, newline="")
    return enumerate(csv.reader(stream, delimiter=delimiter, strict=strict), start=1)


def _better_delimiter(
    names: list[str], text: str, delimiter: str, wanted: Collection[str]
) -> str | None:
    """Return another delimiter that splits the header into more of the columns needed."""
    found = len(set(wanted) & set(names))
    if found > 0 and len(names) > 1:
        return None
    best = None
    for other in DELIMITERS:
        if other != delimiter:
            try:
                records = _records(text[:100_000], other, strict=False)
                split = next((r for _, r in records if any(c.strip() for c in r)), [])
            except csv.Error:
                continue
            split = [name.strip() for name in split]
            gained = len(set(wanted) & set(split))
            if gained > found or (len(names) == 1 and found == 0 and len(split) > 2):
                best, found = other, max(gained, found)
    return best


def _broken_record(error: csv.Error, row: int, findings: Findings, file: str) -> None:
    reason = str(error)
    if "unexpected end" in reason:
        found, mend = "a quotation mark that is never closed", "Close it, or export again."
    elif "field larger" in reason:
        found = f"a cell of more than {csv.field_size_limit():,} characters"
        mend = "A quotation mark before it was probably never closed; export again."
    else:
        found = "text after the quotation mark that ends a cell"
        mend = "Write quotation marks inside an entry twice, or export again."
    findings.add("error", "broken quotation marks", file=file, row=row,
                 found=f"{found}; nothing after this row was read",
                 expected="entries in pairs of quotation marks", mend=mend)  # fmt: skip


def _table(
    reader: Iterator[tuple[int, list[str]]],
    names: list[str],
    start: int,
    findings: Findings,
    file: str,
) -> RawTable:
    width = len(names)
    chunks: list[list[pa.Array]] = []
    numbers: list[np.ndarray] = []
    ragged: list[tuple[int, int]] = []
    broken: list[csv.Error] = []
    blank, last = 0, start
    whole = _until_broken(reader, broken)
    while batch := list(islice(whole, CHUNK)):
        last = batch[-1][0]
        records, kept = [], []
        for row, record in batch:
            if not any(cell.strip() for cell in record):
                blank += 1
            elif len(record) < width or any(cell.strip() for cell in record[width:]):
                ragged.append((row, len(record)))
            else:  # a spreadsheet may add empty cells at the end of a row
                records.append(record[:width])
                kept.append(row)
        if records:
            columns = zip(*records, strict=True)
            chunks.append([pa.array(column, pa.large_string()) for column in columns])
            numbers.append(np.array(kept, dtype=np.int64))
    if ragged:
        _ragged_rows(ragged, width, last, findings, file)
    for error in broken:
        _broken_record(error, last + 1, findings, file)
    rows = np.concatenate(numbers) if numbers else np.array([], dtype=np.int64)
    if not (numbers or ragged or broken):
        findings.add("error", "no rows", file=file, row=start + 1,
                     found="no row below the column names", expected="rows with data",
                     mend="Export again, with all records.")  # fmt: skip
    cells: dict[str, pd.Series] = {}
    for place, name in enumerate(names):
        if name and name not in cells:
            pieces = pa.chunked_array([chunk[place] for chunk in chunks], pa.large_string())
            cells[name] = _trimmed(pieces)
    repeated = tuple(name for name, count in Counter(names).items() if name and count > 1)
    return RawTable(
        file,
        pd.DataFrame(cells, index=pd.RangeIndex(len(rows))),
        rows,
        repeated,
        complete=not (ragged or broken),
        blank_rows=blank,
    )


def _until_broken(
    reader: Iterator[tuple[int, list[str]]], broken: list[csv.Error]
) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from reader
    except csv.Error as error:
        broken.append(error)


def _ragged_rows(
    ragged: list[tuple[int, int]], width: int, last: int, findings: Findings, file: str
) -> None:
    mends = []
    for row, cells in ragged:
        if cells > width:
            mends.append("An entry with the delimiter in it (a decimal comma, perhaps) must stand "
                         "in quotation marks: export again.")  # fmt: skip
        elif row == last:
            mends.append("It is the last row: the file was probably cut off; export again.")
        else:
            mends.append("An entry or a delimiter is missing in it: export again.")
    findings.add("error", "ragged row", file=file, row=[row for row, _ in ragged],
                 found=[f"{cells} cells" if cells != 1 else "1 cell" for _, cells in ragged],
                 expected=f"{width} cells, as in the header", mend=mends)  # fmt: skip


def _trimmed(cells: pa.ChunkedArray) -> pd.Series:
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(cells)
    trimmed = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    return pd.Series(pd.array(trimmed, dtype="str"))
