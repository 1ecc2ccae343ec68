"""Every format gives the same canonical frames, byte for byte."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from ipt_outcomes.frames import (
    read_participants,
    read_scores,
    validate_participants,
    validate_scores,
    write_frames,
)

from .small_trial import FORMATS, Export, csv_long, redcap, redcap_labels


def as_bytes(frame: pd.DataFrame) -> bytes:
    # Where a participant stands in the file is the one thing that formats do not share.
    return frame.drop(columns="source_row").to_parquet(index=False)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return redcap().ingest(tmp_path_factory.mktemp("expected"))


def test_the_small_trial_is_read_as_it_was_written(expected):
    assert expected.findings.empty
    scores = expected.scores.set_index(["participant", "outcome", "visit"])
    assert len(scores) == 6 * 2 * 3
    assert scores.loc[("10", "bdi", "week_4"), "score"] == 41
    assert scores.loc[("10", "bdi", "week_4"), "day"] == 20
    assert scores.loc[("9", "bdi", "week_4"), "score"] == 22.5
    first = scores.loc[("9", "hamd", "baseline")].drop("session")
    assert first.tolist() == ["small", 0.0, -3, 20.0, 2]
    assert pd.isna(scores.loc[("10", "hamd", "week_4"), "score"])  # its code for missing
    assert pd.isna(scores.loc[("10", "hamd", "week_8"), "score"])  # blank
    assert expected.participants["participant"].tolist() == ["9", "10", "11", "12", "A-2", "a10"]
    people = expected.participants.set_index("participant")
    assert people["arm"].tolist() == ["IPT", "IPT+MED", "MED", "MED", "IPT", "IPT+MED"]
    assert people.loc["10", "received_arm"] == "IPT"
    assert people.loc["10", "treatment_stop_day"] == 14
    assert people.loc["10", "study_exit_day"] == 31
    assert people.loc["10", "treatment_stop_reason"] == "Felt better"
    assert people.loc["9", "problem_area"] == "role_disputes"
    assert people.loc["9", ["area_grief", "area_role_disputes"]].tolist() == [False, True]
    assert people["area_grief"].isna().tolist() == [False, True, True, True, False, True]
    assert people.loc["10", "characteristic_age"] == 31.5
    assert people.loc["10", "characteristic_gender"] == "Men"
    assert pd.isna(people.loc["12", "characteristic_gender"])
    assert people.loc["9", "site"] == "Genève"
    assert people.loc["9", "sessions_attended"] == 14
    counts = expected.counts
    assert counts["rows"] == 24
    assert counts["participants"] == 6
    assert counts["scores"] == counts["assessments"] * 2 - 2 == 32
    assert counts["scores_by_visit"]["hamd"] == {"baseline": 6, "week_4": 5, "week_8": 5}


@pytest.mark.parametrize("name", FORMATS)
def test_all_formats_give_the_same_frames(name, expected, tmp_path):
    result = FORMATS[name]().ingest(tmp_path)
    assert result.findings.empty
    assert as_bytes(result.scores) == as_bytes(expected.scores)
    assert as_bytes(result.participants) == as_bytes(expected.participants)


@pytest.mark.parametrize("name", ["redcap", "long", "wide"])
@pytest.mark.parametrize(
    ("encoding", "line_end"),
    [("utf-8-sig", "\n"), ("cp1252", "\r\n"), ("latin-1", "\r"), ("utf-16", "\n")],
)
def test_encodings_and_line_ends(name, encoding, line_end, expected, tmp_path):
    export = FORMATS[name]()
    export.encoding, export.line_end = encoding, line_end
    configured = "utf-8" if encoding == "utf-8-sig" else encoding
    export.trial["export"]["encoding"] = configured
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert as_bytes(result.scores) == as_bytes(expected.scores)


@pytest.mark.parametrize("name", ["redcap", "redcap labels", "long", "wide"])
def test_the_order_of_rows_and_columns_changes_nothing(name, expected, tmp_path):
    draw = random.Random(3)
    for _ in range(5):
        export = FORMATS[name]()
        body = export.rows[1:]
        draw.shuffle(body)
        order = list(range(len(export.header)))
        draw.shuffle(order)
        export.rows = [[row[place] for place in order] for row in [export.header, *body]]
        result = export.ingest(tmp_path)
        assert as_bytes(result.scores) == as_bytes(expected.scores)
        assert as_bytes(result.participants) == as_bytes(expected.participants)


def test_frames_survive_writing_and_reading(expected, tmp_path):
    paths = [str(tmp_path / name) for name in ("scores.parquet", "participants.parquet")]
    write_frames(expected.scores, expected.participants, *paths)
    pd.testing.assert_frame_equal(read_scores(paths[0]), expected.scores)
    pd.testing.assert_frame_equal(read_participants(paths[1]), expected.participants)


def spreadsheet_extras(export: Export) -> None:
    export.rows = [[*row, "", ""] for row in export.rows]
    export.rows.insert(4, [""] * len(export.header))
    export.rows.append([])


@pytest.mark.parametrize("name", ["redcap", "long", "wide"])
def test_empty_rows_and_columns_of_a_spreadsheet_are_passed_over(name, expected, tmp_path):
    export = FORMATS[name]()
    spreadsheet_extras(export)
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert result.counts["blank_rows"] == 2
    assert as_bytes(result.scores) == as_bytes(expected.scores)
    # rows are still counted as the spreadsheet shows them
    for scores, column in ((result.scores, "source_row"),):
        rows = scores[column].dropna()
        assert rows.min() == 2
        assert 5 not in set(rows)


def test_a_line_that_tells_the_delimiter_is_no_row(expected, tmp_path):
    export = FORMATS["long with semicolons and decimal commas"]()
    export.raw = ("sep=;\r\n" + export.text()).encode("cp1252")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert result.scores["source_row"].min() == 2


def test_quoted_line_breaks_count_as_one_row(tmp_path):
    export = csv_long()
    export.rows[0].append("remark")
    for number, row in enumerate(export.rows[1:]):
        row.append('several\nlines, and "quotes"' if number % 3 == 0 else "")
    export.cell(6, "hamd", "1O")
    result = export.ingest(tmp_path)
    assert result.findings["row"].tolist() == [6]
    assert result.findings["column"].tolist() == ["hamd"]


def test_blanks_around_entries_and_names_do_not_matter(expected, tmp_path):
    export = csv_long()
    export.rows = [[f" {cell}\u00a0" for cell in row] for row in export.rows]
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert as_bytes(result.scores) == as_bytes(expected.scores)


def test_visits_without_dates_go_by_their_names(expected, tmp_path):
    export = csv_long()
    columns = export.trial["columns"]
    for key in ("randomisation_date", "visit_date", "treatment_stop_date", "study_exit_date"):
        columns.pop(key)
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert result.scores["score"].equals(expected.scores["score"])
    assert result.scores["day"].isna().all()


def test_days_instead_of_dates(expected, tmp_path):
    export = csv_long()
    columns = export.trial["columns"]
    columns["visit_day"] = columns.pop("visit_date")
    columns["treatment_stop_day"] = columns.pop("treatment_stop_date")
    columns["study_exit_day"] = columns.pop("study_exit_date")
    columns.pop("randomisation_date")
    days = dict(zip(expected.scores["source_row"], expected.scores["day"], strict=True))
    raw = redcap()
    for row in range(2, len(export.rows) + 1):
        person, event = export.rows[row - 1][:2]
        day = days.get(raw.row_of(person, event))
        export.cell(row, "date", "" if day is None or pd.isna(day) else str(day))
        export.cell(row, "stop", "14" if person == "10" else "")
        export.cell(row, "left", "31.0" if person == "10" else "")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert as_bytes(result.scores) == as_bytes(expected.scores)
    assert as_bytes(result.participants) == as_bytes(expected.participants)


def test_event_labels_of_a_study_with_several_arms(expected, tmp_path):
    export = redcap_labels()
    for row in export.rows[1:]:
        row[1] += " (Arm 1: Everybody)"
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert as_bytes(result.scores) == as_bytes(expected.scores)


def test_labels_can_be_configured_instead_of_codes(expected, tmp_path):
    export = redcap_labels()
    export.dictionary = None
    export.trial["export"].pop("dictionary")
    columns = {
        "participant": "Record ID",
        "arm": "Arm",
        "visit": "Event Name",
        "randomisation_date": "Date of randomisation",
        "visit_date": "Date of assessment",
        "outcomes": {"hamd": "HAM-D total", "bdi": "BDI total"},
    }
    export.trial["columns"] = columns
    export.trial["codes"] = {
        "arm": {ARM: CODE for CODE, ARM in zip(("IPT", "IPT+MED", "MED"), LABELS, strict=True)},
        "visit": {"Baseline": "baseline", "Week 4": "week_4", "Week 8": "week_8",
                  "End of study": "none"},
        "missing": {"HAM-D total": ["-9"]},
    }  # fmt: skip
    result = export.ingest(tmp_path)
    assert result.findings["kind"].tolist() == ["column stands twice"]  # "Complete?", a note
    assert as_bytes(result.scores) == as_bytes(expected.scores)


LABELS = ("IPT", "IPT, with tablets", "Tablets")


def test_frames_are_valid_and_typed_when_nothing_could_be_read(tmp_path, expected):
    export = redcap()
    export.raw = b""
    result = export.ingest(tmp_path)
    assert result.scores.empty
    assert validate_scores(result.scores).dtypes.equals(expected.scores.dtypes)
    assert validate_participants(result.participants).dtypes.equals(expected.participants.dtypes)
