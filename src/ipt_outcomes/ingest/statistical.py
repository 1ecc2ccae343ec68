"""Files of SPSS (.sav), Stata (.dta) and SAS (.sas7bdat, .xpt) as tables of text.

They are read in a process of their own (:mod:`ipt_outcomes.ingest.separate_process`).
Value labels are kept beside the codes. A value that the file itself declares missing (SPSS's user-
missing values, Stata's .a to .z, SAS's .A to .Z) is missing, and counted in a note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.as_text import label_texts, text_column
from ipt_outcomes.ingest.separate_process import ReadApart, SeparateError, read_apart
from ipt_outcomes.ingest.source import KIND_NAMES, SAS7BDAT, Kind, Source
from ipt_outcomes.ingest.table import RawTable, table_of

MOST_CELLS = 500_000_000
"""More cells than the data of any trial have: a damaged or a malicious file."""

_MISSING_LETTERS = {*"abcdefghijklmnopqrstuvwxyz", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "_"}


def read(
    source: Source, kind: Kind, encoding: str | None, catalog: Path | None = None
) -> RawTable | None:
    """Read a file of SPSS, Stata or SAS.

    Parameters
    ----------
    source, kind
        The file, and which kind it is.
    encoding
        The encoding of its texts, where the file does not say it or says it wrongly.
    catalog
        The value labels of a SAS data set.

    Returns
    -------
    RawTable or None
        None when it cannot be read; the findings then say why.
    """
    if not _whole(source, kind):
        return None
    try:
        content = read_apart(source.path, kind, encoding, MOST_CELLS, catalog)
    except SeparateError as error:
        _report(source, kind, encoding, error)
        return None
    return _table(source, kind, content)


def _report(source: Source, kind: Kind, encoding: str | None, error: SeparateError) -> None:
    reason = error.reason
    if error.problem == "too large":
        source.error("too large", reason, f"at most {MOST_CELLS:,} cells",
                     "Check what was exported.")  # fmt: skip
    elif error.problem == "catalog":
        source.error("catalog cannot be read", f"a catalog of value labels that cannot be read "
                     f"({reason})", "the catalog (.sas7bcat) of this data set's formats",
                     f"Correct catalog under {source.settings}, or delete it.")  # fmt: skip
    elif error.problem == "unknown encoding":
        source.error("unknown encoding", f"encoding: {encoding} ({reason})", "a text encoding",
                     f"Correct encoding under {source.settings}.")  # fmt: skip
    elif "encod" in reason.lower() or "convert" in reason.lower():
        source.error("wrong encoding", f"texts that cannot be decoded ({reason})",
                     f"texts in {encoding or 'the encoding that the file names'}",
                     f"Set encoding under {source.settings}, such as cp1252 or utf-8.",
                     )  # fmt: skip
    else:
        source.damaged(f"a file of {KIND_NAMES[kind]}", reason)


def _whole(source: Source, kind: Kind) -> bool:
    """Tell files that were cut off, where the format lets them pass for whole."""
    size = source.path.stat().st_size
    if kind == "xport" and size % 80:
        source.damaged("a SAS transport file", f"{size:,} bytes, which is no multiple of 80")
        return False
    if kind == "sas" and (expected := _sas_size(source)) is not None and size < expected:
        source.damaged("a SAS data set", f"{size:,} bytes of {expected:,}")
        return False
    return True


def _sas_size(source: Source) -> int | None:
    """Return the size that a SAS data set's header states: its own, and that of all pages."""
    with source.path.open("rb") as stream:
        head = stream.read(288)
    if len(head) < 288 or not head.startswith(SAS7BDAT):
        return None
    wide = head[32] == 0x33  # 64 bits: positions after the header's size move
    shift = 4 if head[35] == 0x33 else 0
    order = "little" if head[37] == 1 else "big"

    def number(at: int, width: int) -> int:
        return int.from_bytes(head[at : at + width], cast(Any, order))

    header, page = number(196 + shift, 4), number(200 + shift, 4)
    pages = number(204 + shift, 8 if wide else 4)
    return header + page * pages


def _table(source: Source, kind: Kind, content: ReadApart) -> RawTable:
    columns: dict[str, pd.Series] = {}
    labels: dict[str, Mapping[str, str]] = {}
    declared: dict[str, int] = {}
    for name, array in content.columns.items():
        values, stored = pd.Series(array), content.stored.get(name, "")
        single = stored == "float"
        missing = _declared_missing(values, stored, content.missing.get(name, []), kind)
        if missing.any():
            declared[name] = int(missing.sum())
            values = values.mask(missing)
        columns[name] = text_column(values, single=single)
        if known := content.labels.get(name):
            labels[name] = label_texts(known, single=single)
    questions = {name: text.strip() for name, text in content.questions.items()}
    if declared:
        which = ", ".join(f"{name}: {n:,}" for name, n in list(declared.items())[:8])
        more = f" and {len(declared) - 8} more columns" if len(declared) > 8 else ""
        source.findings.add(
            "note", "declared missing", file=source.name,
            found=f"values that the file itself declares missing ({which}{more})",
            mend="They are read as missing.")  # fmt: skip
    return table_of(
        source,
        columns,
        np.arange(2, content.rows + 2),
        described={"kind": kind, "encoding": content.encoding},
        labels=labels,
        questions=questions,
    )


def _declared_missing(values: pd.Series, stored: str, ranges: list[Any], kind: Kind) -> pd.Series:
    nothing = pd.Series(False, index=values.index)
    if kind in ("stata", "sas") and stored != "string" and values.dtype == object:
        return nothing | values.isin(list(_MISSING_LETTERS))
    result = nothing
    for one in ranges:
        lowest, highest = one["lo"], one["hi"]
        if isinstance(lowest, str):
            result = result | (values.astype("str").str.strip() == lowest.strip())
        else:
            numbers = pd.to_numeric(values, errors="coerce")
            low = -math.inf if lowest is None else float(lowest)
            high = math.inf if highest is None else float(highest)
            result = result | ((numbers >= low) & (numbers <= high))
    return result.fillna(False).astype(bool)
