"""Delimited text in every state that files arrive in."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipt_outcomes.ingest import Findings
from ipt_outcomes.ingest.text_file import TextFile, records
from ipt_outcomes.ingest.text_table import _read_carefully, _read_quickly, read_text_table

from .small_trial import csv_long, redcap


def read(tmp_path, content: bytes, *, encoding="utf-8", delimiter=",", wanted=("a", "b")):
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    findings = Findings("t", "export.csv")
    source = TextFile(path, "export.csv", "trials.t.export", findings, encoding, delimiter)
    return read_text_table(source, wanted), findings.table()


def kinds(findings):
    return list(zip(findings["kind"], findings["row"], strict=True))


def test_cells_stay_text(tmp_path):
    table, findings = read(tmp_path, b"a,b\r\n007,NA\r\n 1.0 ,\r\nTrue,1e5\r\n")
    assert findings.empty
    assert table.cells["a"].tolist() == ["007", "1.0", "True"]
    assert table.cells["b"].isna().tolist() == [False, True, False]
    assert table.cells["b"].iloc[0] == "NA"
    assert table.rows.tolist() == [2, 3, 4]


def test_rows_are_counted_as_a_spreadsheet_shows_them(tmp_path):
    table, findings = read(tmp_path, b'\n\na,b\n1,"x\ny"\n\n , \n2,"p\r\nq"\n3,4\n')
    assert findings.empty
    assert table.rows.tolist() == [4, 7, 8]
    assert table.blank_rows == 2
    assert table.cells["b"].tolist() == ["x\ny", "p\r\nq", "4"]


@pytest.mark.parametrize(
    ("content", "kind", "row"),
    [
        (b"a,b\n1,2\n1\n3,4\n", "ragged row", 3),
        (b"a,b\n1,2\n1,2,3\n", "ragged row", 3),
        (b"a,b\n1,2\n1,2,\n", "ragged row", 3),
        (b"a,b\n", "no rows", 2),
        (b"a,b", "no rows", 2),
        (b'a,b\n1,2\n"3,4\n5,6\n', "broken quotation marks", 3),
        (b'a,b\n1,2\n"3"x,4\n5,6\n', "broken quotation marks", 3),
        (b'a,"b\n1,2\n', "broken quotation marks", 1),
        (b"a,b\n1,2\n3,\x004\n", "NUL bytes", 3),
        (b"a;b\n1;2\n", "wrong delimiter", 1),
        (b"a\tb\n1\t2\n", "wrong delimiter", 1),
        (b"a|b|c\n1|2|3\n", "wrong delimiter", 1),
        (b"a;b;c, d\n1;2;3,5\n", "wrong delimiter", 1),
        (b"x;y;z\n1;2;3\n", "wrong delimiter", 1),
        ("a,b\n1,ü\n".encode("latin-1"), "wrong encoding", 2),
        ("a,b\n1,2\n".encode("utf-16"), "wrong encoding", 1),
        ("a,b\n1,2\n".encode("utf-16-be"), "wrong encoding", 1),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "broken quotation marks", 2),
    ],
)
def test_faults_have_one_finding_with_its_row(tmp_path, content, kind, row):
    _, findings = read(tmp_path, content)
    assert kinds(findings) == [(kind, row)]
    assert findings["severity"].tolist() == ["error"]
    assert findings["mend"].str.len().min() > 10


def test_what_can_be_read_of_a_faulty_file_is_read(tmp_path):
    table, _ = read(tmp_path, b'a,b\n1,2\n3\n4,5\n6,"7\n')
    assert table.cells["a"].tolist() == ["1", "4"]
    assert table.rows.tolist() == [2, 4]
    assert not table.complete


def test_a_file_cut_off_says_so(tmp_path):
    _, findings = read(tmp_path, b"a,b\n1,2\n3,4\n5")
    assert "cut off" in findings["mend"].iloc[0]


def test_the_delimiter_that_it_looks_like_is_named(tmp_path):
    _, findings = read(tmp_path, b"a;b\n1;2\n")
    assert 'set delimiter: ";" under trials.t.export.' in findings["mend"].iloc[0]
    _, findings = read(tmp_path, b"a\tb\n1\t2\n", delimiter=";")
    assert 'set delimiter: "\\t" under trials.t.export.' in findings["mend"].iloc[0]


def test_a_single_column_is_no_fault_of_the_delimiter(tmp_path):
    table, findings = read(tmp_path, b"a\n1\n2\n")
    assert findings.empty
    assert table.cells["a"].tolist() == ["1", "2"]


def test_repeated_names(tmp_path):
    table, findings = read(tmp_path, b"a,b, a,,\n1,2,3,,\n")
    assert findings.empty
    assert table.repeated == ("a",)
    assert list(table.cells.columns) == ["b"]


def test_files_that_are_no_text(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    for content, words in (
        (stream.getvalue(), "Excel workbook"),
        (gzip.compress(b"a,b\n1,2\n"), "compressed"),
        (b"$FL2@(#) SPSS DATA FILE", "SPSS"),
    ):
        table, findings = read(tmp_path, content)
        assert table is None
        assert findings["kind"].tolist() == ["not a text file"]
        assert words in findings["found"].iloc[0]


def test_files_that_cannot_be_opened(tmp_path):
    findings = Findings("t", "gone.csv")
    for path in (tmp_path / "gone.csv", tmp_path):
        source = TextFile(path, "gone.csv", "trials.t.export", findings, "utf-8", ",")
        assert read_text_table(source, ["a"]) is None
    assert set(findings.table()["kind"]) == {"file cannot be opened"}


def test_an_encoding_that_does_not_exist(tmp_path):
    for encoding in ("klingon", "base64", "rot13"):
        table, findings = read(tmp_path, b"a,b\n1,2\n", encoding=encoding)
        assert table is None
        assert findings["kind"].tolist() == ["unknown encoding"]


def test_utf8_read_as_something_else_is_a_warning(tmp_path):
    table, findings = read(tmp_path, "a,b\n1,ü\n".encode(), encoding="cp1252")
    assert table is not None
    assert findings["severity"].tolist() == ["warning"]
    _, findings = read(tmp_path, "a,b\n1,ü\n".encode("cp1252"), encoding="cp1252")
    assert findings.empty
    # 0x81 is no character of cp1252
    _, findings = read(tmp_path, "a,b\n1,Á\n".encode(), encoding="cp1252")
    assert findings["kind"].tolist() == ["wrong encoding"]
    assert "looks like utf-8" in findings["mend"].iloc[0]


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.text(alphabet="a1 \",;\n\r'é", max_size=4), min_size=3, max_size=3), min_size=1
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_the_quick_and_the_careful_reader_agree(rows, end, quoting):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=end, quoting=quoting)
    writer.writerows([["a", "b", "c"], *rows])
    assert_readers_agree(stream.getvalue(), 3)


@settings(max_examples=500, deadline=None)
@given(body=st.text(alphabet='a",\n\r ', max_size=30))
def test_the_quick_reader_takes_nothing_that_the_careful_one_refuses(body):
    assert_readers_agree("x,y\n" + body, 2)


def assert_readers_agree(text: str, width: int) -> None:
    quick = _read_quickly(text, ",", 1, width)
    reader = records(text, ",")
    next(reader)
    careful = _read_carefully(reader, 1, width)
    if quick is None:
        return
    assert not careful.ragged
    assert careful.broken is None
    assert [c.to_pylist() for c in quick.columns] == [c.to_pylist() for c in careful.columns]
    assert quick.rows.tolist() == careful.rows.tolist()
    assert quick.last == careful.last


def test_an_export_cut_anywhere_gives_findings_or_frames(tmp_path):
    for export in (redcap(), csv_long()):
        content = export.text().encode()
        whole = export.ingest(tmp_path).scores["score"].notna().sum()
        for cut in range(0, len(content), 37):
            export.raw = content[:cut]
            result = export.ingest(tmp_path)
            assert result.scores["score"].notna().sum() <= whole
