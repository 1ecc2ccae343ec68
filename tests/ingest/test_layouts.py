"""Exports of data systems, and of several files, give the same canonical frames."""

from __future__ import annotations

import random
import re
import string

import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.ingest.identifiers import identifying_entry
from ipt_outcomes.ingest.screen import STUDY_NUMBER
from ipt_outcomes.study.contradictions import contradictions

from .layouts import (
    LAYOUTS,
    adam,
    apart,
    per_site,
    qualtrics,
    redcap_classic,
    redcap_repeating,
    sdtm,
)
from .small_trial import csv_long, redcap
from .test_data_files import written

NOTES = {"repeating rows", "records left out", "previews left out", "found out"}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    return written(csv_long().ingest(folder), folder, rows=False)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gives_the_same_bytes(name, expected, tmp_path):
    result = LAYOUTS[name]().ingest(tmp_path)
    assert set(result.findings["kind"]) <= NOTES
    assert set(result.findings["severity"]) <= {"note"}
    assert written(result, tmp_path, rows=False) == expected


def test_what_was_left_out_is_counted(tmp_path):
    found = adam().ingest(tmp_path).findings
    assert found["kind"].tolist() == ["records left out"]
    assert found["found"].iloc[0] == '1 that were derived from other records ("LOCF")'
    found = sdtm().ingest(tmp_path).findings
    assert "marked as not done" in found["found"].iloc[0]
    found = qualtrics().ingest(tmp_path).findings
    assert found["kind"].tolist() == ["found out"] + ["previews left out"] * 3
    assert found["row"].dropna().tolist() == [10, 10, 10]


def test_each_score_keeps_its_own_row(tmp_path):
    export = adam()
    result = export.ingest(tmp_path)
    rows = export.files["data/raw/adqs.xpt"]
    used = result.scores.dropna(subset="score")
    for one in used.to_dict("records"):
        row = rows[one["source_row"] - 1]
        assert row[0] == one["participant"]
        assert float(row[4]) == one["score"]


def test_an_impossible_score_of_a_data_set_is_named_by_its_row(tmp_path):
    export = adam()
    rows = export.files["data/raw/adqs.xpt"]
    at = next(n for n, row in enumerate(rows) if row[1] == "BDITOT")
    rows[at][4] = "64"
    found = export.ingest(tmp_path).findings
    error = found[found["severity"] == "error"].iloc[0]
    assert (error["kind"], error["row"], error["column"]) == (
        "out of range", at + 1, "AVAL of BDITOT",
    )  # fmt: skip


def test_the_same_parameter_twice_on_a_day_is_a_duplicate(tmp_path):
    export = sdtm()
    rows = export.files["data/raw/qs.xpt"]
    rows.append(list(rows[1]))
    rows[-1][4] = "1"
    found = export.ingest(tmp_path).findings
    error = found[found["severity"] == "error"].iloc[0]
    assert (error["kind"], error["row"]) == ("duplicated participant and visit", len(rows))


def test_parameters_that_are_not_there_are_named(tmp_path):
    export = adam()
    export.trial["columns"]["outcomes"]["bdi"] = "BDITOTAL"
    found = export.ingest(tmp_path).findings
    error = found[found["severity"] == "error"].iloc[0]
    assert error["kind"] == "no such parameter"
    assert 'Did you mean "BDITOT"?' in error["mend"]


def test_items_of_data_sets_come_in_one_row(tmp_path):
    export = adam()
    export.trial["columns"]["items"] = {"bdi": ["BDITOT", "HAMDTOT"]}
    assert (export.ingest(tmp_path).findings["severity"] != "error").all()


def test_scores_without_the_score_file_are_asked_for(tmp_path):
    export = adam()
    export.trial["export"]["format"] = "sdtm"
    found = export.ingest(tmp_path).findings
    assert "QSTESTCD" in found["expected"].iloc[0]
    assert "format" in found["mend"].iloc[0]


def test_an_error_is_in_the_file_that_it_stands_in(tmp_path):
    export = per_site()
    rows = export.files["data/raw/zurich.csv"]
    rows[2][rows[0].index("hamd")] = "1O"
    rows[3][rows[0].index("age")] = "77"
    found = export.ingest(tmp_path).findings
    errors = found[found["severity"] == "error"]
    assert errors[["file", "row"]].values.tolist() == [
        ["data/raw/zurich.csv", 3], ["data/raw/zurich.csv", 4],
    ]  # fmt: skip
    assert "in row 2 of data/raw/zurich.csv" in errors["found"].iloc[1]


def test_the_participants_column_is_needed_in_every_file(tmp_path):
    export = apart()
    export.files["data/raw/participants.xlsx"][0][0] = "participant"
    found = export.ingest(tmp_path).findings
    assert found[["kind", "file", "column"]].values.tolist() == [
        ["missing column", "data/raw/participants.xlsx", "id"]
    ]


def test_a_file_that_is_not_there_is_named(tmp_path):
    export = apart()
    export.trial["export"]["further_files"] = ["data/raw/people.xlsx"]
    found = export.ingest(tmp_path).findings
    assert found[["kind", "file"]].values.tolist() == [
        ["file cannot be opened", "data/raw/people.xlsx"]
    ]


def test_a_repeated_instance_can_be_the_visit(tmp_path):
    export = redcap_repeating()
    trial = export.trial
    trial["columns"] |= {"visit": "redcap_repeat_instance"}
    trial["columns"].pop("visit_date")
    trial["codes"]["visit"] = {"1": "baseline", "2": "week_4", "3": "week_8"}
    result = export.ingest(tmp_path)
    assert set(result.findings["severity"]) == {"note"}
    assert result.scores["score"].equals(csv_long().ingest(tmp_path).scores["score"])


def test_a_participant_twice_in_a_classic_project_is_an_error(tmp_path):
    export = redcap_classic()
    export.rows.append(list(export.rows[1]))
    assert export.ingest(tmp_path).findings["kind"].tolist() == ["duplicated participant"]


def test_fields_marked_as_identifiers_are_refused(tmp_path):
    export = redcap()
    for row in export.dictionary[1:]:
        if row[0] in {"record_id", "therapist", "assessed_on"}:
            row[-1] = "y"
    found = export.ingest(tmp_path).findings
    assert found[["kind", "column"]].values.tolist() == [["identifier", "therapist"]]
    assert "trials.small.columns.therapist" in found["mend"].iloc[0]


def test_scores_in_unfinished_forms_are_counted(tmp_path):
    export = redcap()
    for row in export.dictionary[1:]:
        row[1] = "assessment"
    export.cell(3, "assessment_complete", "0")
    export.cell(4, "assessment_complete", "1")
    found = export.ingest(tmp_path).findings
    assert found["kind"].tolist() == ["unfinished forms"]
    assert "1 incomplete, 1 unverified" in found["found"].iloc[0]


def test_decimal_commas_of_single_fields_are_read(expected, tmp_path):
    export = redcap()
    for row in export.dictionary[1:]:
        if row[0] == "bdi_total":
            row[7] = "number_1dp_comma_decimal"
    for row in range(2, len(export.rows) + 1):
        export.cell(row, "bdi_total", export.get(row, "bdi_total").replace(".", ","))
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert written(result, tmp_path, rows=False) == expected


def test_missing_data_codes_of_the_whole_project(expected, tmp_path):
    export = redcap()
    for row in range(2, len(export.rows) + 1):
        for column in ("hamd_total", "bdi_total", "age", "gender", "left_on", "therapist"):
            if not export.get(row, column):
                export.cell(row, column, "NASK")
    export.trial["codes"]["missing_everywhere"] = ["NASK"]
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert written(result, tmp_path, rows=False) == expected
    export.trial["codes"]["missing_everywhere"] = ["9"]
    problems = [problem for _, problem, _ in contradictions(export.study())]
    assert problems[0] == "9 can be a score of hamd (0 to 52)."


def test_outcomes_of_one_export_are_all_wide_or_all_long():
    export = redcap_classic()
    export.trial["columns"]["outcomes"]["bdi"] = "bdi"
    with pytest.raises(ValidationError, match="visit: column"):
        export.study()


def test_a_workbook_of_several_sheets(expected, tmp_path):
    source = apart()
    source.write(tmp_path)
    scores = pd.read_csv(tmp_path / "data/raw/scores.csv", dtype=str)
    people = pd.read_excel(tmp_path / "data/raw/participants.xlsx", dtype=str)
    path = tmp_path / "data/raw/trial.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        scores.to_excel(book, sheet_name="Scores", index=False)
        people.to_excel(book, sheet_name="People", index=False)
    settings = {"file": "data/raw/trial.xlsx", "format": "long", "sheet": ["Scores", "People"]}
    source.trial["export"] = settings
    source.files = {}
    result = source.ingest(tmp_path)
    assert result.findings.empty
    assert written(result, tmp_path, rows=False) == expected
    settings.pop("sheet")
    found = source.ingest(tmp_path).findings
    assert found["kind"].tolist() == ["which sheet"]
    settings["sheet"] = "Score"
    assert source.ingest(tmp_path).findings["kind"].tolist() == ["no such sheet"]


def test_study_numbers_that_are_passed_over_are_never_identifiers():
    draw = random.Random(1)
    for _ in range(2_000):
        letters = "".join(draw.choices(string.ascii_letters, k=draw.randint(1, 4)))
        digits = "".join(draw.choices(string.digits, k=draw.randint(1, 6)))
        text = letters + draw.choice(["", "-", "_", "."]) + digits
        assert re.fullmatch(STUDY_NUMBER, text)
        assert identifying_entry(text) is None, text
