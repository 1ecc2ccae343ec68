"""A file that breaks, delays or confuses the program that reads it costs a finding, never the run."""

from __future__ import annotations

import datetime
import json
import math
import subprocess
import sys
import time

import numpy as np
import pytest

from ipt_outcomes.ingest import separate_process, separate_reader, statistical
from ipt_outcomes.ingest.separate_process import SeparateError, read_apart
from ipt_outcomes.ingest.separate_reader import packed, unpacked

from .data_files import DATA_FILES

BROKEN = {
    # The first variable's width, and with it the place of all others: reads beyond its memory.
    "SPSS": [(180, 118)],
    "SPSS, compressed": [(373, 1), (1438, 1), (2147, 1)],
}
CELLS = 1_000_000


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program of the test's own in place of the one that reads the file."""

    def replace(text: str):
        program = tmp_path / "program.py"
        program.write_text(text, "utf-8")
        monkeypatch.setattr(separate_reader, "__file__", str(program))
        path = tmp_path / "trial.sav"
        path.write_bytes(b"$FL2@(#)")
        with pytest.raises(SeparateError) as caught:
            read_apart(path, "spss", None, CELLS)
        return caught.value

    return replace


@pytest.mark.parametrize("name", BROKEN)
def test_bytes_that_break_the_reader(name, tmp_path):
    export = DATA_FILES[name]()
    path = export.write(tmp_path)
    content = bytearray(path.read_bytes())
    for place, byte in BROKEN[name]:
        content[place] = byte
    path.write_bytes(content)
    export.write = lambda _: path
    result = export.ingest(tmp_path)
    assert result.findings["kind"].tolist() == ["damaged file"]
    assert result.scores.empty


@pytest.mark.skipif(sys.platform == "win32", reason="a process has other ends there")
@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_reader_that_crashes(signal, stand_in):
    error = stand_in(f"import os, signal; os.kill(os.getpid(), signal.{signal})")
    assert error.problem == "damaged"
    assert "break the program" in error.reason


def test_a_reader_that_never_ends(stand_in, monkeypatch):
    monkeypatch.setattr(separate_process, "PATIENCE", 0.5)
    start = time.monotonic()
    error = stand_in("import time; time.sleep(60)")
    assert time.monotonic() - start < 30
    assert error.reason.startswith("not read within")


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_reader_that_computes_without_end_is_stopped_by_the_system(stand_in):
    error = stand_in(
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass"
    )
    assert error.reason.startswith("not read within")


SAID = {"columns": [{"name": "a", "distinct": [["s", "x"]], "bytes": 4}], "rows": 1,
        "rows_stated": None, "stored": {}, "missing": {}, "labels": {}, "questions": {},
        "encoding": None}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "array"),
    [
        ({}, (7).to_bytes(4, "little")),  # no such value
        ({}, (-2).to_bytes(4, "little", signed=True)),
        ({}, b"\0\0"),
        ({"rows": 2}, bytes(4)),
        ({"columns": 3}, b""),
        ({"columns": [{"name": "a", "distinct": [["d", "no date"]], "bytes": 4}]}, bytes(4)),
        ({"labels": {"a": [1]}}, bytes(4)),
        (None, b"no JSON"),
        (None, b""),
        (None, b"[" * 100_000),
    ],
)
def test_an_answer_that_makes_no_sense(change, array, stand_in):
    answer = array if change is None else json.dumps(SAID | change).encode() + b"\n" + array
    error = stand_in(f"import sys; sys.stdout.buffer.write({answer!r})")
    assert error.problem == "damaged"


def test_a_file_that_claims_more_than_it_can_hold(tmp_path):
    path = DATA_FILES["SPSS"]().write(tmp_path)
    with pytest.raises(SeparateError, match="too large: 18 rows"):
        read_apart(path, "spss", None, 10)
    # The number of rows stands in the header; what they need is never asked for.
    content = bytearray(path.read_bytes())
    content[80:84] = (20_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(SeparateError, match="20,000,000 rows of"):
        read_apart(path, "spss", None, statistical.MOST_CELLS)


def test_what_native_code_prints_is_no_answer(tmp_path, monkeypatch):
    source = separate_reader.__file__
    with open(source, encoding="utf-8") as stream:
        text = stream.read()
    program = tmp_path / "program.py"
    program.write_text(text.replace("    import pyreadstat\n", "    import pyreadstat\n"
                                    "    os.write(1, b'a warning')\n"), "utf-8")  # fmt: skip
    path = DATA_FILES["SPSS"]().write(tmp_path)
    expected = read_apart(path, "spss", None, CELLS)
    monkeypatch.setattr(separate_reader, "__file__", str(program))
    assert read_apart(path, "spss", None, CELLS).rows == expected.rows


def test_columns_come_back_as_they_were():
    moment = datetime.datetime(2024, 3, 1, 14, 30, 5, 250)
    columns = [
        [1.5, None, -0.0, float("inf"), 3, float("nan")],
        ["012", None, "", "nan", "1", "é\u2028"],
        [20.0, "a", None, 20.0, "b", 1e300],
        [datetime.date(2024, 3, 1), moment, moment.time(), None, "x", None],
        [None] * 6,
        [None, "12", "12.0", "inf", "7", None],
    ]
    for values in columns:
        distinct, array = packed(list(values))
        sent = None if distinct is None else json.loads(json.dumps(distinct))
        back = unpacked(sent, array.tobytes())
        for value, again in zip(values, back, strict=True):
            if value is None or value != value:
                assert isinstance(again, float | np.floating)
                assert math.isnan(again)
            else:
                assert again == value
                assert isinstance(again, str) == isinstance(value, str)


def test_the_reader_loads_no_more_than_it_needs(tmp_path):
    # It starts once for each file: pandas alone would take longer than the file.
    path = DATA_FILES["SPSS"]().write(tmp_path)
    job = {"path": str(path), "kind": "spss", "encoding": None, "most_cells": CELLS,
           "seconds": 100, "catalog": None}  # fmt: skip
    code = (
        "import io, runpy, sys; out = io.BytesIO(); "
        f"runpy.run_path(sys.argv[1])['main']({job!r}, out); "
        "assert b'hamd' in out.getvalue(); "
        "print([m for m in ('pandas', 'pyarrow', 'ipt_outcomes', 'scipy') if m in sys.modules])"
    )
    command = [sys.executable, "-P", "-c", code, separate_reader.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
