"""Whatever happens to a data file: frames or findings, never an exception or a changed score."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .data_files import DATA_FILES, data_file
from .sas_file import Variable, write_sas7bdat
from .small_trial import Export, csv_long, csv_wide
from .test_fuzz import LIMITS, apply, assert_canonical, check, steps_of


def text_frame(export: Export) -> pd.DataFrame:
    return pd.DataFrame(export.rows[1:], columns=export.header, dtype="str")


def as_sav(path: Path, export: Export) -> None:
    pyreadstat.write_sav(text_frame(export), path)


def as_sas(path: Path, export: Export) -> None:
    frame = text_frame(export)
    write_sas7bdat(path, [Variable(name, frame[name].tolist()) for name in frame])


def as_parquet(path: Path, export: Export) -> None:
    text_frame(export).to_parquet(path, index=False)


def as_xlsx(path: Path, export: Export) -> None:
    book = openpyxl.Workbook()
    for row in export.rows:
        book.active.append([cell.replace("\x1f", "?") for cell in row])
    book.save(path)


WRITERS = {"t.sav": as_sav, "t.sas7bdat": as_sas, "t.parquet": as_parquet, "t.xlsx": as_xlsx}
STEPS = ("cell", "drop row", "repeat row", "swap rows", "swap columns")
BINARY = ["SPSS", "SPSS, compressed", "Stata", "SAS", "SAS transport", "Parquet",
          "Excel, all text"]  # fmt: skip


@LIMITS
@given(
    file=st.sampled_from(sorted(WRITERS)),
    make=st.sampled_from([csv_long, csv_wide]),
    steps=steps_of(STEPS),
)
def test_changed_entries(file, make, steps, tmp_path):
    export = data_file(make(), file, WRITERS[file])
    apply(export, steps)
    export.rows = [[cell.replace("\x1f", "?") for cell in row] for row in export.rows]
    check(export, tmp_path, rows=export.rows)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return each data file: its bytes, and the scores in it."""
    result = {}
    for name in BINARY:
        folder = tmp_path_factory.mktemp("whole")
        export = DATA_FILES[name]()
        content = export.write(folder).read_bytes()
        result[name] = (content, export.ingest(folder).scores)
    return result


@LIMITS
@given(
    name=st.sampled_from(BINARY),
    places=st.lists(st.integers(0, 1_000_000), min_size=1, max_size=6),
    byte=st.integers(0, 255),
    removed=st.integers(0, 40),
)
def test_changed_bytes(name, places, byte, removed, whole, tmp_path):
    content, scores = whole[name]
    for place in places:
        at = place % len(content)
        content = content[:at] + bytes([byte]) + content[at + 1 + removed :]
    export = DATA_FILES[name]()
    path = tmp_path / export.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    export.write = lambda _: path
    result = export.ingest(tmp_path)
    assert_canonical(result)
    # A workbook carries check sums: what can be read of it is what was written.
    if name.startswith("Excel") and not (result.findings["severity"] == "error").any():
        assert result.scores["score"].equals(scores["score"])


def test_a_workbook_of_nothing(tmp_path):
    book = io.BytesIO()
    openpyxl.Workbook().save(book)
    export = csv_long()
    export.raw = book.getvalue()
    assert export.ingest(tmp_path).findings["kind"].tolist() == ["no header"]
