"""Ten kinds of bad input: each gives one clear message with file, row and column."""

from __future__ import annotations

import pytest

from ipt_outcomes.frames import validate_participants, validate_scores
from ipt_outcomes.ingest import DataErrors, gate

from .small_trial import FORMATS, Export

NAMES = {
    "redcap": {"score": "hamd_total", "date": "assessed_on", "visit": "redcap_event_name"},
    "long": {"score": "hamd", "date": "date", "visit": "visit"},
    "wide": {"score": "hamd_week_4", "date": "date_week_4", "visit": None},
}
FILE = "data/raw/export.csv"


@pytest.fixture(params=NAMES)
def export(request) -> Export:
    return FORMATS[request.param]()


def names(export: Export) -> dict[str, str]:
    return NAMES[export.format]


def some_row(export: Export) -> int:
    """Return a row with a score in week 4."""
    return 2 if export.format == "wide" else 3


def one_error(export: Export, folder, kind: str, row: int, column: str | None) -> str:
    """Return the message of an export that must have exactly one error."""
    result = export.ingest(folder)
    errors = result.findings[result.findings["severity"] == "error"]
    assert errors["kind"].tolist() == [kind]
    assert errors["file"].tolist() == [FILE]
    assert errors["row"].tolist() == [row]
    found_column = errors["column"].iloc[0]
    assert found_column == column if column else errors["column"].isna().all()
    validate_scores(result.scores)
    validate_participants(result.participants)
    with pytest.raises(DataErrors) as stopped:
        gate(result.findings)
    first, message, *more = str(stopped.value).splitlines()
    assert first == "The data of small cannot be analysed: 1 error."
    assert not more
    return message


def test_missing_column(export, tmp_path):
    column = names(export)["score"]
    misspelt = column.replace("hamd", "HAMDS")
    export.rows[0][export.header.index(column)] = misspelt
    message = one_error(export, tmp_path, "missing column", 1, column)
    assert f'Did you mean "{misspelt}"?' in message
    assert "trials.small.columns.outcomes.hamd" in message


def test_wrong_type(export, tmp_path):
    row, column = some_row(export), names(export)["score"]
    export.cell(row, column, "1O")
    message = one_error(export, tmp_path, "not a number", row, column)
    assert message == (
        f'{FILE}, row {row}, column {column}: found "1O", expected a number from 0 to 52. '
        "Correct the entry in the data base and export again."
    )


@pytest.mark.parametrize("other_score", [True, False])
def test_duplicated_participant_and_visit(export, tmp_path, other_score):
    row, column = some_row(export), names(export)["visit"] or "id"
    export.rows.append(list(export.rows[row - 1]))
    last = len(export.rows)
    kind = "duplicated participant and visit"
    if export.format == "wide":
        kind = "duplicated participant"
    elif other_score:
        export.cell(last, names(export)["score"], "3")
    message = one_error(export, tmp_path, kind, last, column)
    assert f"a second time, first in row {row}" in message


def test_unknown_arm(export, tmp_path):
    export.cell(2, "arm", "4")
    message = one_error(export, tmp_path, "unknown arm", 2, "arm")
    assert 'found "4"' in message
    assert '"1"' in message
    assert "trials.small.codes.arm" in message


@pytest.mark.parametrize("name", ["redcap", "long"])
def test_unknown_event(name, tmp_path):
    export = FORMATS[name]()
    column = names(export)["visit"]
    export.cell(3, column, "week4_arm_1")
    message = one_error(export, tmp_path, "unknown event", 3, column)
    assert 'The nearest known code is "week_4_arm_1".' in message


def test_decimal_comma(export, tmp_path):
    row, column = some_row(export), names(export)["score"]
    export.cell(row, column, "12,5")
    message = one_error(export, tmp_path, "decimal commas", row, column)
    assert 'set decimal: "," under trials.small.export' in message


def test_decimal_point_where_commas_are_expected(tmp_path):
    export = FORMATS["long with semicolons and decimal commas"]()
    export.cell(3, "hamd", "12.5")
    message = one_error(export, tmp_path, "decimal points", 3, "hamd")
    assert 'set decimal: "." under' in message


@pytest.mark.parametrize("score", ["53", "-1", "99", "1" * 400])
def test_score_out_of_range(export, tmp_path, score):
    row, column = some_row(export), names(export)["score"]
    export.cell(row, column, score)
    message = one_error(export, tmp_path, "out of range", row, column)
    assert "expected a number from 0 to 52" in message
    assert f"codes.missing.{column}" in message


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b" , ,\n,,\n", b"\x1a"])
def test_empty_file(export, tmp_path, content):
    export.raw = content
    message = one_error(export, tmp_path, "empty file", 1, None)
    assert message.startswith(f"{FILE}, row 1: found an empty file")


def test_wrong_encoding(export, tmp_path):
    row = some_row(export)
    export.rows = [[c.encode("ascii", "ignore").decode() for c in row] for row in export.rows]
    export.cell(row, "therapist", "Ménard")
    export.raw = export.text().encode("cp1252")
    export.trial["export"]["encoding"] = "utf-8"
    message = one_error(export, tmp_path, "wrong encoding", row, "therapist")
    assert "0xE9" in message
    assert "set encoding: cp1252 under trials.small.export" in message


def test_visit_outside_every_window(export, tmp_path):
    row, column = some_row(export), names(export)["date"]
    export.cell(row, column, "2025-01-01")
    message = one_error(export, tmp_path, "outside every window", row, column)
    assert "found day 309 after randomisation" in message
    assert "week_4 14 to 41" in message


def test_all_kinds_at_once_are_all_found(tmp_path):
    export = FORMATS["long"]()
    export.cell(2, "hamd", "1O")
    export.cell(3, "hamd", "99")
    export.cell(4, "visit", "week_88")
    for row in (5, 6, 7):
        export.cell(row, "arm", "7")
    export.cell(8, "bdi", "3,5")
    export.cell(9, "date", "2031-02-28")
    export.rows.append(list(export.rows[10]))
    export.rows[0][export.header.index("site")] = "centre"
    result = export.ingest(tmp_path)
    errors = result.findings[result.findings["severity"] == "error"]
    assert dict(zip(errors["row"], errors["kind"], strict=True)) == {
        1: "missing column",
        2: "not a number",
        3: "out of range",
        4: "unknown event",
        5: "unknown arm",
        6: "unknown arm",
        7: "unknown arm",
        8: "decimal commas",
        9: "outside every window",
        20: "duplicated participant and visit",
    }
