"""Truncated, locked, endless, wrongly encoded and swollen files: each a message, never a traceback."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pandas as pd
import pytest

from ipt_outcomes.ingest import excel

from .data_files import DATA_FILES
from .small_trial import csv_long

BINARY = ["SPSS", "SPSS, compressed", "Stata", "Stata in single precision", "SAS",
          "SAS transport", "Parquet", "Excel, all text"]  # fmt: skip


def read(export, folder, content: bytes):
    """Read a file in place of the export; return the kinds of errors."""
    path = folder / export.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    export.write = lambda _: path
    result = export.ingest(folder)
    errors = result.findings[result.findings["severity"] == "error"]
    assert (errors["found"].str.len() > 0).all()
    assert (errors["mend"].str.len() > 0).all()
    return errors, result


def one_kind(export, folder, content: bytes) -> str:
    errors, result = read(export, folder, content)
    assert result.scores.empty
    (kind,) = errors["kind"]
    return str(kind)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_file(name, share, tmp_path):
    export = DATA_FILES[name]()
    content = export.write(tmp_path).read_bytes()
    kept = content[: int(len(content) * share)]
    if name == "SAS transport":
        kept = kept[:-1] if len(kept) % 80 == 0 else kept
    errors, result = read(export, tmp_path, kept)
    assert len(errors), "a truncated file passed for a whole one"
    assert result.scores["score"].isna().all()


def test_a_workbook_with_a_password(tmp_path):
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    content += "EncryptedPackage".encode("utf-16-le") + bytes(100)
    assert one_kind(csv_long(), tmp_path, content) == "locked file"
    assert one_kind(csv_long(), tmp_path, content[:600]) == "not a data file"  # an old .xls
    assert one_kind(csv_long(), tmp_path, b"ENCRYPTEDSAV" + bytes(90)) == "not a data file"


def test_a_workbook_that_is_open_elsewhere(tmp_path):
    export = csv_long()
    export.file = "data/raw/~$trial.xlsx"
    export.trial["export"]["file"] = export.file
    assert one_kind(export, tmp_path, b"somebody") == "locked file"


def test_a_folder_in_place_of_a_file(tmp_path):
    export = csv_long()
    (tmp_path / export.file).mkdir(parents=True)
    export.write = lambda _: tmp_path
    assert export.ingest(tmp_path).findings["kind"].tolist() == ["file cannot be opened"]


def swollen(size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(size))
    return packed.getvalue()


def test_a_swollen_workbook_is_not_unpacked(monkeypatch, tmp_path):
    monkeypatch.setattr(excel, "MOST_UNPACKED", 10_000_000)
    content = swollen(10_000_001)
    assert len(content) < 20_000
    assert one_kind(csv_long(), tmp_path, content) == "too large"


def test_a_workbook_that_lies_about_its_size_is_not_unpacked(tmp_path):
    content = swollen(10_000_000)
    lie = content.replace((10_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lie != content
    assert one_kind(csv_long(), tmp_path, lie) == "damaged file"


def test_entities_that_multiply_are_not_followed(tmp_path):
    book = io.BytesIO()
    openpyxl.Workbook().save(book)
    bomb = '<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    bomb += "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb += '<!ENTITY z "&a11;">]><worksheet>&z;</worksheet>'
    packed = io.BytesIO()
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(packed, "w") as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                content = b'<?xml version="1.0"?>' + bomb.encode()
            target.writestr(part, content)
    errors, _ = read(csv_long(), tmp_path, packed.getvalue())
    assert len(errors)


def test_an_archive_that_is_no_workbook(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export.csv", "id,visit\n")
    assert one_kind(csv_long(), tmp_path, packed.getvalue()) == "not a data file"


def test_endless_lines(tmp_path):
    export = csv_long()
    text = export.text().encode()
    assert one_kind(export, tmp_path, b"a," * 3_000_000) == "endless line"
    errors, _ = read(export, tmp_path, text + b'9,x,"' + b"z" * 5_100_000 + b'"\n')
    assert errors[["kind", "row"]].values.tolist() == [["endless line", len(export.rows) + 1]]
    assert one_kind(export, tmp_path, b"a," * 60_000 + b"b\n1,2\n") == "too many columns"


def test_texts_in_an_encoding_that_the_file_does_not_name(tmp_path):
    export = DATA_FILES["Stata in single precision"]()
    content = export.write(tmp_path).read_bytes()
    export.trial["export"]["encoding"] = "no-such-encoding"
    errors, _ = read(export, tmp_path, content)
    assert len(errors) == 1


def test_formulas_without_results_are_no_empty_cells(tmp_path):
    export = DATA_FILES["Excel, all text"]()
    path = export.write(tmp_path)
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    cell = book.active.cell(2, export.header.index("hamd") + 1)
    cell.value = "=10+10"
    book.save(path)
    errors, result = read(export, tmp_path, path.read_bytes())
    assert errors[["kind", "row"]].values.tolist() == [["formula without a result", 2]]
    assert result.scores.empty


def test_a_setting_for_another_kind_of_file_is_refused(tmp_path):
    export = csv_long()
    export.trial["export"]["sheet"] = "Scores"
    assert one_kind(export, tmp_path, export.text().encode()) == "setting for another kind of file"


def test_a_catalog_that_is_none(tmp_path):
    export = DATA_FILES["SAS with a catalog"]()
    path = export.write(tmp_path)
    export.write = lambda _: path
    catalog = tmp_path / "data/raw/formats.sas7bcat"
    content = catalog.read_bytes()
    others = content.replace(b"SITEF", b"SITEX").replace(b"ARMF", b"ARMX")
    for broken in (content[:200], b"value labels", content[:70_000], others):
        catalog.write_bytes(broken)
        assert export.ingest(tmp_path).findings["kind"].tolist() == ["catalog cannot be read"]
    # The catalog in place of the data set, or beside a file that cannot have one.
    assert one_kind(csv_long(), tmp_path, content) == "not a data file"
    export = csv_long()
    export.trial["export"]["catalog"] = "data/raw/formats.sas7bcat"
    kind = one_kind(export, tmp_path, export.text().encode())
    assert kind == "setting for another kind of file"


def test_columns_of_lists_are_left_out_and_named(tmp_path):
    export = DATA_FILES["Parquet"]()
    path = export.write(tmp_path)
    frame = pd.read_parquet(path)
    frame["notes"] = [["a", "b"]] * len(frame)
    frame.to_parquet(path, index=False)
    export.write = lambda _: path
    found = export.ingest(tmp_path).findings
    assert found["kind"].tolist() == ["columns left out"]


def test_a_column_with_entries_and_no_name_is_a_warning(tmp_path):
    export = DATA_FILES["Excel, all text"]()
    for number, row in enumerate(export.rows):
        row.append("" if number != 4 else "seen by phone")
    result = export.ingest(tmp_path)
    assert result.findings[["severity", "kind", "row"]].values.tolist() == [
        ["warning", "column without a name", 5]
    ]
