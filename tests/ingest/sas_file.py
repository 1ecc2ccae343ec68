"""A writer of uncompressed SAS data sets (.sas7bdat), as no library offers one.

It follows the public description of the format by M. Shotwell ("SAS7BDAT Database Binary Format"):
32 bits, little-endian, a first page with all descriptions, then pages of rows. Two independent
readers check it: pyreadstat and pandas.
"""

from __future__ import annotations

import datetime
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
HEADER, PAGE = 1024, 65536
META, DATA = 0x0000, 0x0100
EPOCH = datetime.date(1960, 1, 1)
MISSING = bytes.fromhex("0000000000feffff")
UTF8 = 20


@dataclass(frozen=True)
class Variable:
    """A column: its name, its cells, and whether they are dates."""

    name: str
    values: Sequence[str | float | datetime.date | None]
    label: str = ""
    value_format: str = ""

    @property
    def is_text(self) -> bool:
        return any(isinstance(value, str) for value in self.values)

    @property
    def format(self) -> str:
        is_date = any(isinstance(value, datetime.date) for value in self.values)
        return "DATE" if is_date else self.value_format

    @property
    def width(self) -> int:
        if not self.is_text:
            return 8
        return max(len(str(value or "").encode()) for value in self.values) or 1

    def cell(self, row: int) -> bytes:
        value = self.values[row]
        if self.is_text:
            return str(value or "").encode().ljust(self.width)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return MISSING
        if isinstance(value, datetime.date):
            value = (value - EPOCH).days
        return struct.pack("<d", float(value))


def write_sas7bdat(path: Path, variables: Sequence[Variable]) -> None:
    """Write a data set."""
    texts = _Texts()
    order = sorted(
        variables, key=lambda one: one.is_text
    )  # numbers first, so that they are aligned
    offsets, place = {}, 0
    for one in order:
        offsets[one.name], place = place, place + one.width
    row_length, rows = place, len(variables[0].values)
    names = [texts.add(one.name) for one in variables]
    formats = [(texts.add(one.format), texts.add(one.label)) for one in variables]
    n = len(variables)
    body = [b"".join(one.cell(row) for one in order) for row in range(rows)]
    per_page = (PAGE - 24) // row_length

    size = bytearray(480)
    size[0:4] = b"\xf7\xf7\xf7\xf7"
    struct.pack_into("<II", size, 20, row_length, rows)
    struct.pack_into("<II", size, 36, n, 0)  # columns described by the first column list
    struct.pack_into("<I", size, 52, PAGE)
    struct.pack_into("<I", size, 60, per_page)
    counts = struct.pack("<4sI", b"\xf6\xf6\xf6\xf6", n) + bytes(4)
    text = texts.subheader()
    name = _listed(b"\xff\xff\xff\xff", [struct.pack("<HHHH", 0, *ref, 0) for ref in names])
    attributes = _listed(
        b"\xfc\xff\xff\xff",
        [
            struct.pack("<IIHBB", offsets[v.name], v.width, 4, 2 if v.is_text else 1, 0)
            for v in variables
        ],
    )
    described = [size, counts, text, name, attributes]
    for (format_, label), one in zip(formats, variables, strict=True):
        part = bytearray(52)
        part[0:4] = b"\xfe\xfb\xff\xff"
        struct.pack_into("<HH", part, 12, 9 if one.format == "DATE" else 0, 0)
        struct.pack_into("<HHH", part, 34, 0, *format_)
        struct.pack_into("<HHH", part, 40, 0, *label)
        described.append(part)

    pages = [_description_page([bytes(one) for one in described])]
    for start in range(0, rows, per_page):
        of_page = body[start : start + per_page]
        head = bytes(16) + struct.pack("<HHHH", DATA, len(of_page), 0, 0)
        pages.append((head + b"".join(of_page)).ljust(PAGE, b"\0"))
    path.write_bytes(header(len(pages), path.stem) + b"".join(pages))


class _Texts:
    """The one block that holds all names, formats and labels."""

    def __init__(self) -> None:
        self.content = bytearray(24)

    def add(self, text: str) -> tuple[int, int]:
        """Return where a text stands, and its length."""
        if not text:
            return 0, 0
        at = len(self.content) + 4
        encoded = text.encode()
        self.content += encoded + bytes(-len(encoded) % 4)
        return at, len(encoded)

    def subheader(self) -> bytes:
        content = bytes(self.content) + bytes(8)
        block = b"\xfd\xff\xff\xff" + bytes(4) + content
        return block[:4] + struct.pack("<H", len(block) - 12) + block[6:]


def _listed(signature: bytes, entries: list[bytes]) -> bytes:
    block = signature + bytes(8) + b"".join(entries) + bytes(8)
    return block[:4] + struct.pack("<H", len(block) - 12) + block[6:]


def _description_page(parts: list[bytes]) -> bytes:
    pointers, blocks, end = b"", b"", PAGE
    for part in parts:
        padded = part + bytes(-len(part) % 4)
        end -= len(padded)
        pointers += struct.pack("<IIBBH", end, len(part), 0, 0, 0)
        blocks = padded + blocks
    head = bytes(16) + struct.pack("<HHHH", META, len(parts), len(parts), 0)
    return (head + pointers).ljust(end, b"\0") + blocks


def header(pages: int, name: str, magic: bytes = MAGIC, kind: bytes = b"DATA    ") -> bytes:
    """Return a file's first bytes: which machine wrote it, what it is, and how many pages it has."""
    head = bytearray(HEADER)
    head[0:32] = magic
    head[32], head[35], head[37], head[39] = 0x22, 0x22, 1, ord("2")
    head[70] = UTF8
    head[84:92] = b"SAS FILE"
    head[92:124] = name.upper().encode()[:32].ljust(32)
    head[156:164] = kind
    struct.pack_into("<III", head, 196, HEADER, PAGE, pages)
    head[216:224] = b"9.0401M6"
    return bytes(head)
