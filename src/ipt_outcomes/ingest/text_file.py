"""Bytes of a file to text, or to a finding that says what the file is instead.

The encoding is the one configured; others are then only tried to name the likely one in a message.
Without one the text tells it (see :mod:`ipt_outcomes.ingest.detection`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ipt_outcomes.ingest.detection import decodes, detect_encoding, utf16
from ipt_outcomes.ingest.source import Source

SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"$FL2": "an SPSS file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a compressed file",
}
"""First bytes of files that are often taken for text."""

MOST_BYTES = 4_000_000_000
"""Larger text files are refused: they would not fit into memory."""
LONGEST_LINE = 5_000_000
"""Bytes of a line, with which a table would have more columns than anybody can use."""


@dataclass(frozen=True)
class TextFile(Source):
    """A file of delimited text, as the configuration describes it.

    Parameters
    ----------
    path, name, settings, findings
        As of every :class:`~ipt_outcomes.ingest.source.Source`.
    encoding, delimiter
        As configured; None to tell them from the text.
    """

    encoding: str | None
    delimiter: str | None

    def text(self) -> tuple[str, str] | None:
        """Return the text and its encoding; None when it holds none, and the findings say why."""
        try:
            if (size := self.path.stat().st_size) > MOST_BYTES:
                self.error("too large", f"{size:,} bytes", f"at most {MOST_BYTES:,}",
                           "Split the file, or leave out columns that the study does not need.",
                           )  # fmt: skip
                return None
            content = self.path.read_bytes()
        except OSError as error:
            self.error("file cannot be opened", f"a file that cannot be opened ({error.strerror})",
                       "a readable file", "Check its name, its folder and its permissions.",
                       )  # fmt: skip
            return None
        for signature, what in SIGNATURES.items():
            if content.startswith(signature):
                self.error("not a text file", what, "a text file (CSV)",
                           "Open it in the program that made it and save it as CSV.")  # fmt: skip
                return None
        encoding = self.encoding or detect_encoding(content)
        if (found := utf16(content)) and not encoding.lower().startswith("utf-16"):
            self.error("wrong encoding", "text in UTF-16", f"text in {encoding}",
                       f"Set encoding: {found} under {self.settings}.", row=1)  # fmt: skip
            return None
        if self._has_endless_line(content):
            return None
        text = self._decoded(content, encoding)
        if text is None:
            return None
        text = text.removeprefix("\ufeff").rstrip("\x1a")  # byte order mark; old end mark
        if "\x00" in text:
            row, column = _cell_at(text, text.index("\x00"), self.delimiter or ",")
            n = text.count("\x00")
            self.error("NUL bytes", f"{n:,} NUL characters" if n > 1 else "a NUL character",
                       "text", "The file is damaged, or no text file: export again.",
                       row=row, column=column)  # fmt: skip
            return None
        # A first line such as `sep=;` tells a spreadsheet the delimiter and is not shown as a row.
        return re.sub(r"\Asep=[^\r\n](?:\r\n|\r|\n)", "", text, count=1), encoding

    def _has_endless_line(self, content: bytes) -> bool:
        if len(content) <= LONGEST_LINE:
            return False
        codes = np.frombuffer(content, dtype=np.uint8)
        ends = np.flatnonzero((codes == 10) | (codes == 13))
        lengths = np.diff(ends, prepend=-1, append=len(content))
        longest = int(lengths.argmax())
        if lengths[longest] <= LONGEST_LINE:
            return False
        self.error("endless line", f"a line of {int(lengths[longest]):,} bytes",
                   f"lines of at most {LONGEST_LINE:,}",
                   "The file has lost its line ends, or is no table: export again.",
                   row=content[: int(ends[longest - 1])].count(b"\n") + 2 if longest else 1,
                   )  # fmt: skip
        return True

    def _decoded(self, content: bytes, encoding: str) -> str | None:
        try:
            text = content.decode(encoding)
            text.encode("utf-8")  # some encodings can yield what is no text
        except LookupError:
            self.error("unknown encoding", f"encoding: {encoding}",
                       "the name of a text encoding, such as utf-8 or cp1252",
                       f"Correct encoding under {self.settings}.")  # fmt: skip
            return None
        except UnicodeError as error:
            self._wrong_encoding(content, getattr(error, "start", 0), encoding)
            return None
        is_utf8 = encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}
        if not (is_utf8 or content.isascii() or not decodes(content, "utf-8")):
            self.findings.add("warning", "perhaps another encoding", file=self.name,
                              found="text that is valid UTF-8",
                              expected=f"text in {encoding}",
                              mend="If letters with accents look wrong in the report, set "
                              f"encoding: utf-8 under {self.settings}.")  # fmt: skip
        return text

    def _wrong_encoding(self, content: bytes, first: int, encoding: str) -> None:
        guess = next((name for name in ("utf-8", "cp1252") if decodes(content, name)), None)
        mend = f"Save the file as UTF-8, or name its encoding under {self.settings}."
        if guess:
            mend = f"The file looks like {guess}: set encoding: {guess} under {self.settings}."
        # One character per byte, so that the place of the byte is the place in the text.
        row, column = _cell_at(content.decode("latin-1"), first, self.delimiter or ",")
        self.error("wrong encoding",
                   f"the byte 0x{content[first]:02X}, which is not {encoding}",
                   f"text in {encoding}", mend, row=row, column=column)  # fmt: skip


def records(text: str, delimiter: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of delimited text with their rows, counted from 1.

    Raises
    ------
    csv.Error
        When quotation marks do not pair (only if strict), or a cell is endless.
    """
    stream = io.StringIO(text, newline="")
    return enumerate(csv.reader(stream, delimiter=delimiter, strict=strict), start=1)


def _cell_at(text: str, offset: int, delimiter: str) -> tuple[int, str | None]:
    """Return row and column name of the cell that holds a character of the text."""
    header: list[str] | None = None
    record: list[str] = []
    row = 1
    try:
        # Cut after the character: it stands in the last cell of the last record.
        for number, cells in records(text[: offset + 1], delimiter, strict=False):
            row, record = number, cells
            if header is None and any(cell.strip() for cell in record):
                header = record
    except csv.Error:
        return row, None
    place = len(record) - 1
    if header is None or record is header or not 0 <= place < len(header):
        return row, None
    name = header[place].removeprefix("\xef\xbb\xbf").strip()
    return row, name if name and name.isascii() and name.isprintable() else None
