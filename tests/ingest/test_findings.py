"""The findings table, its text, its file, and the gate."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.ingest import DataErrors, Findings, gate, read_findings, render, write_findings
from ipt_outcomes.ingest.findings import FINDING_COLUMNS, no_findings, quoted


def example() -> Findings:
    findings = Findings("example", "data/raw/export.csv")
    findings.add("warning", "odd", row=9, column="age", found=quoted("99"), mend="Look.")
    findings.add("error", "bad", row=np.array([17, 3]), participant=["P2", "P1"], column="score",
                 found=[quoted("x"), quoted("y")], expected="a number")  # fmt: skip
    findings.add("error", "empty file", found="an empty file", file="data/raw/other.csv")
    findings.add("note", "n", found="nothing")
    findings.add("error", "none", row=[], found=[])
    return findings


def test_findings_are_typed_and_ordered():
    table = example().table()
    assert list(table.columns) == list(FINDING_COLUMNS)
    assert {name: str(table[name].dtype) for name in table} == {
        name: dtype for name, (dtype, _) in FINDING_COLUMNS.items()
    }
    assert table["severity"].tolist() == ["error", "error", "error", "warning", "note"]
    assert table["row"].tolist() == [3, 17, pd.NA, 9, pd.NA]
    assert no_findings().dtypes.equals(table.dtypes)


def test_findings_survive_their_file(tmp_path):
    for table in (example().table(), no_findings()):
        write_findings(table, tmp_path / "deep" / "findings.csv")
        pd.testing.assert_frame_equal(read_findings(tmp_path / "deep" / "findings.csv"), table)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["findings.csv"]


@pytest.mark.parametrize(
    "text",
    ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "'=x", "''-x", "'x", "a\nb", 'say "x"', "é;,", "NA"],
)
def test_no_cell_is_taken_for_a_formula(text, tmp_path):
    findings = Findings("t", text)
    findings.add("error", "k", row=1, participant=text, column=text, found=text, mend=text)
    write_findings(findings.table(), tmp_path / "f.csv")
    with open(tmp_path / "f.csv", newline="", encoding="utf-8") as stream:
        for row in csv.reader(stream):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    pd.testing.assert_frame_equal(read_findings(tmp_path / "f.csv"), findings.table())


def test_the_gate_passes_without_errors():
    gate(no_findings())
    table = example().table()
    gate(table[table["severity"] != "error"])


def test_the_gate_lists_every_error():
    with pytest.raises(DataErrors) as stopped:
        gate(example().table(), "results/restricted/example/findings.csv")
    assert str(stopped.value) == (
        "The data of example cannot be analysed: 3 errors.\n"
        'data/raw/export.csv, row 3, column score: found "y", expected a number.\n'
        'data/raw/export.csv, row 17, column score: found "x", expected a number.\n'
        "data/raw/other.csv: found an empty file.\n"
        "All findings, 1 warning among them, are listed in results/restricted/example/findings.csv."
    )
    assert isinstance(stopped.value, ValueError)
    assert len(stopped.value.findings) == 5


def test_many_alike_are_shortened_and_counted():
    findings = Findings("t", "e.csv")
    findings.add("error", "bad", row=list(range(2, 38)), column="score",
                 found=[quoted(str(n)) for n in range(36)], expected="a number")  # fmt: skip
    findings.add("error", "bad", row=list(range(2, 21)), column="other", found=["x"] * 19)
    lines = render(findings.table()).splitlines()
    assert len(lines) == 3 + 1 + 19
    assert "  ... and 33 more rows like this in column score" in lines
    with pytest.raises(DataErrors, match="55 errors"):
        gate(findings.table())


def test_entries_are_quoted_on_one_line():
    assert quoted("a\nb\x00\u202ec") == '"a\\nb\\x00\\u202ec"'
    assert quoted("x" * 100) == '"' + "x" * 60 + '..."'
    assert quoted("Zürich") == '"Zürich"'
