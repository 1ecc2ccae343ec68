"""Bytes of a file to text, or to a finding that says what the file is instead.

The encoding is the one configured; others are only tried to name the likely one in a message.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ipt_outcomes.ingest.findings import Findings

SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"$FL2": "an SPSS file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a compressed file",
}
"""First bytes of files that are often taken for text."""

SAMPLE = 20_000
"""Bytes looked at to recognise UTF-16."""


@dataclass(frozen=True)
class TextFile:
    """A file of delimited text, as the configuration describes it.

    Parameters
    ----------
    path
        The file.
    name
        Its name in messages.
    encoding, delimiter
        As configured.
    settings
        Where they are configured, for messages.
    findings
        Takes what was found.
    """

    path: Path
    name: str
    encoding: str
    delimiter: str
    settings: str
    findings: Findings

    def text(self) -> str | None:
        """Return the text; None when the file holds none, and the findings then say why."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            self._error("file cannot be opened", f"a file that cannot be opened ({error.strerror})",
                        "a readable file", "Check its name, its folder and its permissions.",
                        )  # fmt: skip
            return None
        for signature, what in SIGNATURES.items():
            if content.startswith(signature):
                self._error("not a text file", what, "a text file (CSV)",
                            "Open it in the program that made it and save it as CSV.")  # fmt: skip
                return None
        if (utf16 := _utf16(content)) and not self.encoding.lower().startswith("utf-16"):
            self._error("wrong encoding", "text in UTF-16", f"text in {self.encoding}",
                        f"Set encoding: {utf16} under {self.settings}.", row=1)  # fmt: skip
            return None
        text = self._decoded(content)
        if text is None:
            return None
        text = text.removeprefix("\ufeff").rstrip("\x1a")  # byte order mark; old end mark
        if "\x00" in text:
            row, column = _cell_at(text, text.index("\x00"), self.delimiter)
            n = text.count("\x00")
            self._error("NUL bytes", f"{n:,} NUL characters" if n > 1 else "a NUL character",
                        "text", "The file is damaged, or no text file: export again.",
                        row=row, column=column)  # fmt: skip
            return None
        # A first line such as `sep=;` tells a spreadsheet the delimiter and is not shown as a row.
        return re.sub(r"\Asep=[^\r\n](?:\r\n|\r|\n)", "", text, count=1)

    def _decoded(self, content: bytes) -> str | None:
        try:
            text = content.decode(self.encoding)
            text.encode("utf-8")  # some encodings can yield what is no text
        except LookupError:
            self._error("unknown encoding", f"encoding: {self.encoding}",
                        "the name of a text encoding, such as utf-8 or cp1252",
                        f"Correct encoding under {self.settings}.")  # fmt: skip
            return None
        except UnicodeError as error:
            self._wrong_encoding(content, getattr(error, "start", 0))
            return None
        is_utf8 = self.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}
        if not (is_utf8 or content.isascii() or not _decodes(content, "utf-8")):
            self.findings.add("warning", "perhaps another encoding", file=self.name,
                              found="text that is valid UTF-8",
                              expected=f"text in {self.encoding}",
                              mend="If letters with accents look wrong in the report, set "
                              f"encoding: utf-8 under {self.settings}.")  # fmt: skip
        return text

    def _wrong_encoding(self, content: bytes, first: int) -> None:
        guess = next((name for name in ("utf-8", "cp1252") if _decodes(content, name)), None)
        mend = f"Save the file as UTF-8, or name its encoding under {self.settings}."
        if guess:
            mend = f"The file looks like {guess}: set encoding: {guess} under {self.settings}."
        # One character per byte, so that the place of the byte is the place in the text.
        row, column = _cell_at(content.decode("latin-1"), first, self.delimiter)
        self._error("wrong encoding",
                    f"the byte 0x{content[first]:02X}, which is not {self.encoding}",
                    f"text in {self.encoding}", mend, row=row, column=column)  # fmt: skip

    def _error(
        self,
        kind: str,
        found: str,
        expected: str,
        mend: str,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.findings.add(
            "error",
            kind,
            file=self.name,
            row=row,
            column=column,
            found=found,
            expected=expected,
            mend=mend,
        )


def records(text: str, delimiter: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of delimited text with their rows, counted from 1.

    Raises
    ------
    csv.Error
        When quotation marks do not pair (only if strict), or a cell is endless.
    """
    stream = io.StringIO(text, newline="")
    return enumerate(csv.reader(stream, delimiter=delimiter, strict=strict), start=1)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _utf16(content: bytes) -> str | None:
    """Tell UTF-16 by its mark, or by every other byte of western text being zero."""
    sample = content[:SAMPLE]
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[place::2].count(0) > len(sample) / 4:
            return "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else name
    return None


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
