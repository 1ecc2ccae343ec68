"""Encoding, delimiter and decimal mark of delimited text, told from the text itself.

Used only where the configuration does not state them. What was found is always reported, and where
the text allows two readings that differ in a score, none is chosen.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable

import pandas as pd

DELIMITERS = {",": '","', ";": '";"', "\t": '"\\t"', "|": '"|"'}
"""Delimiter: as it is written in config.yaml."""

SAMPLE = 20_000
"""Bytes looked at to recognise UTF-16."""
SAMPLE_TEXT = 100_000
"""Characters looked at to recognise the delimiter."""

_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_POINT = re.compile(r"[+-]?\d*\.\d+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)


def decodes(content: bytes, encoding: str) -> bool:
    """Tell whether bytes are text in an encoding."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def utf16(content: bytes) -> str | None:
    """Tell UTF-16 by its mark, or by every other byte of western text being zero."""
    sample = content[:SAMPLE]
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[place::2].count(0) > len(sample) / 4:
            return "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else name
    return None


def detect_encoding(content: bytes) -> str:
    """Return the encoding of text.

    Text with some letters in UTF-8 and a byte that is not UTF-8 is damaged UTF-8, not text in
    another encoding.

    Examples
    --------
    >>> detect_encoding("Zürich".encode()), detect_encoding("Zürich".encode("cp1252"))
    ('utf-8', 'cp1252')
    """
    if found := utf16(content):
        return found
    if decodes(content, "utf-8") or _MULTIBYTE.search(content) or not decodes(content, "cp1252"):
        return "utf-8"
    return "cp1252"


def detect_delimiter(text: str, wanted: Collection[str] = ()) -> str:
    r"""Return what separates the columns: what gives most of the columns needed, and even rows.

    Examples
    --------
    >>> detect_delimiter("id;score;note\n1;12,5;a, b\n2;13,0;c\n")
    ';'
    """
    sample = text[:SAMPLE_TEXT]
    if len(text) > SAMPLE_TEXT:  # the last line is cut
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    best, merit = ",", (0, 0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(sample.splitlines(), delimiter=delimiter) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        if width < 2:
            continue
        hits = len(set(wanted) & {name.strip() for name in rows[0]})
        even = sum(len(row) == width for row in rows) / len(rows)
        if (hits, round(even, 1), width) > merit:
            best, merit = delimiter, (hits, round(even, 1), width)
    return best


def detect_decimal(columns: Iterable[pd.Series]) -> str:
    """Return the decimal mark of columns that should hold numbers.

    A comma is only taken for one when no number has a point, and when not all commas could be
    marks of thousands; otherwise it stays a point, and what does not fit becomes an error.

    Examples
    --------
    >>> detect_decimal([pd.Series(["12,5", "13", None])])
    ','
    >>> detect_decimal([pd.Series(["1,234", "13.5"])]), detect_decimal([pd.Series(["1,234"])])
    ('.', '.')
    """
    commas = False
    for column in columns:
        for text in column.dropna().unique():
            if _POINT.fullmatch(text):
                return "."
            if _COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text):
                commas = True
    return "," if commas else "."
