"""What runs in the process that reads one file of SPSS, Stata or SAS, and what it hands back.

Damaged bytes can break the native code that reads such files, and with it the process that it runs
in. So it runs in a process of its own, which loads neither pandas nor the package: this file is
started by its path (:mod:`ipt_outcomes.ingest.separate_process`).

What is handed back is plain numbers and texts, nothing that could run when it is loaded: one line
of JSON, then the columns' arrays one after the other, in the order of ``columns`` in that line. A
column of numbers is its float64 values; any other is int32 places in its list of distinct values,
-1 where there is none.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
from typing import Any, BinaryIO

import numpy as np

BASE_MEMORY = 2 << 30
"""Bytes of address space for the program itself and the descriptions in a file."""
CELL_MEMORY = 128
"""Bytes more per cell; a cell of text takes its width besides."""
MOST_PER_BYTE = 4000
"""Cells per byte of a file: more than the best compression of any of the formats can hold."""
SPARE_CELLS = 1_000_000
"""So many cells are always plausible."""

Tagged = tuple[str, Any]


def tagged(value: Any) -> Tagged:
    """Return a value as JSON can hold it, with a letter for its type.

    Examples
    --------
    >>> tagged(datetime.date(2024, 3, 1)), tagged("a"), tagged(2)
    (('d', '2024-03-01'), ('s', 'a'), ('n', 2.0))
    """
    match value:
        case str():
            return "s", value
        case bool() | int() | float() | np.integer() | np.floating():
            return "n", float(value)
        case datetime.datetime():
            return "m", value.isoformat()
        case datetime.date():
            return "d", value.isoformat()
        case datetime.time():
            return "t", value.isoformat()
        case _:
            return "s", str(value)


def untagged(pair: Any) -> Any:
    """Return the value again.

    Examples
    --------
    >>> untagged(["d", "2024-03-01"])
    datetime.date(2024, 3, 1)
    """
    kind, value = pair
    match kind:
        case "n":
            return float(value)
        case "m":
            return datetime.datetime.fromisoformat(value)
        case "d":
            return datetime.date.fromisoformat(value)
        case "t":
            return datetime.time.fromisoformat(value)
        case _:
            return str(value)


def packed(values: list[Any]) -> tuple[list[Tagged] | None, np.ndarray]:
    """Return a column's distinct values (none of a column of numbers) and its array."""
    if set(map(type, values)) <= {float, int, type(None)}:
        return None, np.array(values, dtype="<f8")  # an empty cell becomes no number
    places: dict[Tagged, int] = {}
    codes = np.full(len(values), -1, dtype="<i4")
    for row, value in enumerate(values):
        # A number that does not equal itself is none: a missing value.
        if value is not None and value == value:
            codes[row] = places.setdefault(tagged(value), len(places))
    return list(places), codes


def unpacked(distinct: list[Any] | None, content: bytes) -> np.ndarray:
    """Return the column again: float64, or objects with ``nan`` where there is no value.

    Raises
    ------
    ValueError, IndexError, TypeError
        When this is no column: the process that wrote it had broken down.
    """
    if distinct is None:
        return np.frombuffer(content, dtype="<f8").astype(np.float64)
    codes = np.frombuffer(content, dtype="<i4")
    values = np.empty(len(distinct) + 1, dtype=object)
    for place, pair in enumerate(distinct):
        values[place] = untagged(pair)
    values[-1] = np.nan
    if len(codes) and codes.min() < -1:
        raise IndexError("no such value")
    column: np.ndarray = values[codes]
    return column


def _limit(name: str, value: int) -> None:
    """Set a limit of this process where the platform has it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    which = getattr(resource, name)
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        value = min(value, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, most))


def _read(job: dict[str, Any]) -> tuple[dict[str, Any], list[np.ndarray]]:
    import pyreadstat

    readers: dict[str, Any] = {
        "spss": pyreadstat.read_sav,
        "stata": pyreadstat.read_dta,
        "sas": pyreadstat.read_sas7bdat,
        "xport": pyreadstat.read_xport,
    }
    reader = readers[job["kind"]]
    options: dict[str, Any] = {"output_format": "dict"}  # any other loads pandas
    if job["encoding"] is not None:
        options["encoding"] = job["encoding"]
    _, about = reader(job["path"], metadataonly=True, **options)
    rows, width = max(about.number_rows or 0, 0), max(about.number_columns or 0, 0)
    size = os.path.getsize(job["path"])
    if rows * width > job["most_cells"]:
        return {"problem": "too large", "reason": f"{rows:,} rows of {width:,} columns"}, []
    if rows * width > SPARE_CELLS + MOST_PER_BYTE * size:
        return {
            "problem": "damaged",
            "reason": f"{rows:,} rows of {width:,} columns in {size:,} bytes",
        }, []
    texts = sum(about.variable_storage_width.get(name) or 0
                for name, stored in about.readstat_variable_types.items()
                if stored == "string")  # fmt: skip
    _limit("RLIMIT_AS", BASE_MEMORY + 100 * size + rows * (width * CELL_MEMORY + 4 * texts))
    if job["kind"] != "xport":
        options["user_missing"] = True
    columns, about = reader(job["path"], **options)
    arrays, described = [], []
    for name in list(columns):
        distinct, array = packed(columns.pop(name))
        arrays.append(array)
        described.append({"name": name, "distinct": distinct, "bytes": array.nbytes})
    said: dict[str, Any] = {}
    said["rows"] = len(arrays[0]) if arrays else 0
    said["rows_stated"] = about.number_rows
    said["encoding"] = about.file_encoding
    said["columns"] = described
    said["stored"] = dict(about.readstat_variable_types or {})
    said["missing"] = about.missing_ranges or {}
    said["questions"] = dict(about.column_names_to_labels or {})
    known = about.variable_value_labels or {}
    if job["catalog"] is not None:
        try:
            _, formats = pyreadstat.read_sas7bcat(job["catalog"])
        except Exception as error:
            return {"problem": "catalog", "reason": str(error)}, []
        known = {name: formats.value_labels.get(label, {})
                 for name, label in about.variable_to_label.items()}  # fmt: skip
        if not any(known.values()):
            return {"problem": "catalog", "reason": "it holds none of the data set's formats"}, []
    said["labels"] = {
        name: [[tagged(code), label] for code, label in labels.items()]
        for name, labels in known.items()
    }
    return said, arrays


def main(job: dict[str, Any], out: BinaryIO) -> None:
    """Read one file and write what is in it."""
    _limit("RLIMIT_CORE", 0)  # what a broken process leaves behind would hold participants' data
    _limit("RLIMIT_CPU", job["seconds"])
    _limit("RLIMIT_AS", BASE_MEMORY + 100 * os.path.getsize(job["path"]))
    arrays: list[np.ndarray] = []
    try:
        said, arrays = _read(job)
    except MemoryError:
        said = {"problem": "damaged", "reason": "it asks for more memory than such a file can need"}
    except LookupError as error:
        said = {"problem": "unknown encoding", "reason": str(error)}
    except Exception as error:  # the reader is another's, with many ways to fail on damaged bytes
        said = {"problem": "damaged", "reason": str(error)}
    out.write(json.dumps(said).encode() + b"\n")
    for array in arrays:
        out.write(array.data)
    out.flush()


if __name__ == "__main__":
    # Whatever native code prints must not get between what is handed back.
    with os.fdopen(os.dup(1), "wb") as handed:
        os.dup2(2, 1)
        main(json.loads(sys.argv[1]), handed)
