"""A writer of SAS format catalogs (.sas7bcat): the value labels of a data set.

A catalog of 32 bits, little-endian, has an index page whose entries point to blocks, one for each
format: its name, its codes (doubles, negated and big-endian on every machine), then its labels.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from .sas_file import PAGE, header

MAGIC = bytes(12) + bytes.fromhex("c2ea8163b31411cfbd92080009c7318c181f1011")
FIRST_ENTRY, ENTRY = 856, 212
DATA_PAGE = 4
"""The fourth page holds the blocks; the second the index; the others nothing."""


def write_sas7bcat(path: Path, formats: Mapping[str, Mapping[float, str]]) -> None:
    """Write formats of numbers that are not negative: name, then code and label."""
    index, data = bytearray(PAGE), bytearray(16)
    for place, (name, labels) in enumerate(formats.items()):
        at = FIRST_ENTRY + place * ENTRY
        index[at : at + 4] = b"XLSR"
        struct.pack_into("<IH", index, at + 4, DATA_PAGE, len(data))
        index[at + 50] = ord("O")
        block = _block(name, labels)
        data += struct.pack("<IHH", 0, 0, len(block)) + bytes(8) + block
    pages = [bytes(PAGE), bytes(index), bytes(PAGE), bytes(data.ljust(PAGE, b"\0"))]
    path.write_bytes(header(len(pages), path.stem, MAGIC, b"CATALOG ") + b"".join(pages))


def _block(name: str, labels: Mapping[float, str]) -> bytes:
    head = bytearray(106)
    head[8:16] = name.encode().ljust(8)
    struct.pack_into("<II", head, 38, len(labels), len(labels))
    codes, texts = b"", b""
    for place, (code, label) in enumerate(labels.items()):
        entry = bytearray(30)
        struct.pack_into("<H", entry, 2, len(entry) - 6)
        struct.pack_into("<I", entry, 10, place)
        struct.pack_into(">d", entry, 22, -code)
        codes += entry
        encoded = label.encode()
        texts += bytes(8) + struct.pack("<H", len(encoded)) + encoded + b"\0"
    return bytes(head) + codes + texts
