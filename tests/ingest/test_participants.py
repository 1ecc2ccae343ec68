"""One value per participant and field; what is absent or contradicts itself is said."""

from __future__ import annotations

import pandas as pd
import pytest

from .small_trial import AREAS, FORMATS, csv_long, csv_wide, redcap


def errors(result) -> list[tuple[str, int, str]]:
    found = result.findings[result.findings["severity"] == "error"]
    return list(zip(found["kind"], found["row"], found["column"], strict=True))


def warnings(result) -> list[tuple[str, int, str]]:
    found = result.findings[result.findings["severity"] == "warning"]
    return list(zip(found["kind"], found["row"], found["column"], strict=True))


def person(result, name: str) -> pd.Series:
    return result.participants.set_index("participant").loc[name]


def test_a_field_may_stand_in_any_row(tmp_path):
    export = csv_long()
    for row in (2, 3):
        for column in ("arm", "age", "site", "randomised", "left"):
            export.cell(row, column, "")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert person(result, "9")["arm"] == "IPT"
    assert person(result, "9")["source_row"] == 4


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [("arm", "2", "arm"), ("site", "Bern", "site"), ("age", "41", "characteristic_age"),
     ("gender", "2", "characteristic_gender"), ("stop", "2024-03-30", "treatment_stop_day"),
     ("focus", "1", "problem_area"), ("received", "2", "received_arm")],
)  # fmt: skip
def test_two_values_are_one_error_and_neither_is_used(column, value, field, tmp_path):
    export = csv_long()
    export.cell(2, "stop", "2024-03-15")
    assert export.get(4, column) != value
    export.cell(4, column, value)
    result = export.ingest(tmp_path)
    assert errors(result) == [("contradiction", 4, column)]
    first = "2024-03-15" if column == "stop" else csv_long().get(2, column)
    assert result.findings["found"].iloc[0] == f'"{value}", but "{first}" in row 2'
    if field == "arm":
        assert "9" not in set(result.participants["participant"])
        assert result.counts["participants_without_arm"] == 1
    else:
        assert pd.isna(person(result, "9")[field])


def test_the_odd_row_first_is_still_one_error(tmp_path):
    export = csv_long()
    export.cell(2, "arm", "3")
    result = export.ingest(tmp_path)
    assert errors(result) == [("contradiction", 3, "arm")]
    assert result.findings["participant"].tolist() == ["9"]


def test_numbers_written_differently_are_one_value(tmp_path):
    export = csv_long()
    export.cell(3, "age", "40.0")
    assert export.ingest(tmp_path).findings.empty


@pytest.mark.parametrize(("column", "kind"), [("arm", "no arm"),
                                              ("randomised", "no randomisation date")])  # fmt: skip
def test_what_every_participant_needs(column, kind, tmp_path):
    export = csv_wide()
    export.cell(4, column, "")
    result = export.ingest(tmp_path)
    assert errors(result) == [(kind, 4, column)]
    assert result.findings["participant"].tolist() == ["11"]


def test_a_bad_value_is_not_also_an_absent_one(tmp_path):
    for column in ("arm", "randomised"):
        export = csv_wide()
        export.cell(4, column, "?")
        result = export.ingest(tmp_path)
        assert [(row, name) for _, row, name in errors(result)] == [(4, column)]


def test_a_missing_column_is_not_also_absent_values(tmp_path):
    export = csv_wide()
    export.rows[0][export.header.index("arm")] = "group"
    result = export.ingest(tmp_path)
    assert [kind for kind, *_ in errors(result)] == ["missing column"]
    assert result.participants.empty
    assert result.scores.empty


def test_without_the_participants_nothing_is_read(tmp_path):
    export = csv_wide()
    export.rows[0][0] = "number"
    result = export.ingest(tmp_path)
    assert errors(result) == [("missing column", 1, "id")]
    assert result.participants.empty


@pytest.mark.parametrize("name", ["redcap", "long", "wide"])
def test_an_export_of_study_numbers_only(name, tmp_path):
    export = FORMATS[name]()
    export.rows = [row[:1] for row in export.rows]
    result = export.ingest(tmp_path)
    assert {kind for kind, *_ in errors(result)} == {"missing column"}
    assert result.participants.empty


def test_a_row_without_study_number(tmp_path):
    export = csv_long()
    export.cell(5, "id", "")
    result = export.ingest(tmp_path)
    assert errors(result) == [("no study number", 5, "id")]


def test_study_numbers_that_are_nearly_the_same(tmp_path):
    export = csv_long()
    for row in (3, 4):
        export.cell(row, "id", "09")
    result = export.ingest(tmp_path)
    assert warnings(result) == [("study numbers alike", 2, "id")]
    assert "like that of row 3" in result.findings["found"].iloc[0]


def test_codes_missing_names_a_column_that_is_not_there(tmp_path):
    export = csv_long()
    export.trial["codes"]["missing"]["hamd_totl"] = ["9"]
    result = export.ingest(tmp_path)
    assert errors(result) == [("missing column", 1, "hamd_totl")]
    assert "codes.missing.hamd_totl" in result.findings["expected"].iloc[0]


def test_missing_codes_hold_for_their_column_only(tmp_path):
    export = csv_long()
    export.trial["codes"]["missing"] = {"hamd": ["-9", "9"], "age": ["999"]}
    export.cell(2, "hamd", "9")
    export.cell(2, "bdi", "9")
    for row in (2, 3, 4):
        export.cell(row, "age", "999")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    scores = result.scores.set_index(["participant", "outcome", "visit"])["score"]
    assert pd.isna(scores["9", "hamd", "baseline"])
    assert scores["9", "bdi", "baseline"] == 9
    assert pd.isna(person(result, "9")["characteristic_age"])


@pytest.mark.parametrize("word", ["NA", "n/a", ".", "NaN", "missing"])
def test_words_for_missing_are_not_guessed(word, tmp_path):
    export = csv_long()
    export.cell(2, "hamd", word)
    result = export.ingest(tmp_path)
    assert errors(result) == [("not a number", 2, "hamd")]
    assert "codes.missing.hamd" in result.findings["mend"].iloc[0]
    export.trial["codes"]["missing"]["hamd"].append(word)
    assert export.ingest(tmp_path).findings.empty


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [("sessions", "3.5", "not a whole number"), ("sessions", "-1", "out of range"),
     ("sessions", "9" * 30, "out of range"), ("age", "forty", "not a number"),
     ("age", "9" * 400, "out of range"), ("gender", "3", "unknown category"),
     ("focus", "5", "unknown problem area"), ("grief", "maybe", "not yes or no"),
     ("received", "9", "unknown arm"), ("left", "2024-13-01", "impossible date")],
)  # fmt: skip
def test_values_of_the_wrong_kind(column, value, kind, tmp_path):
    export = csv_wide()
    export.cell(2, column, value)
    result = export.ingest(tmp_path)
    assert errors(result) == [(kind, 2, column)]


def test_stopping_before_randomisation_is_a_warning(tmp_path):
    export = csv_wide()
    export.cell(2, "stop", "2024-02-01")
    result = export.ingest(tmp_path)
    assert warnings(result) == [("before randomisation", 2, "stop")]
    assert person(result, "9")["treatment_stop_day"] == -26


def test_warnings_name_the_row_in_which_the_value_stands(tmp_path):
    export = redcap()
    export.cell(5, "stopped_on", "2024-02-01")
    export.cell(3, "areas___2", "0")
    result = export.ingest(tmp_path)
    assert warnings(result) == [
        ("focus without flag", 3, "areas___2"),
        ("before randomisation", 5, "stopped_on"),
    ]


def test_a_focus_that_is_not_ticked_is_a_warning(tmp_path):
    export = csv_wide()
    export.cell(2, "role_disputes", "0")
    result = export.ingest(tmp_path)
    assert warnings(result) == [("focus without flag", 2, "role_disputes")]
    assert person(result, "9")["problem_area"] == "role_disputes"


def test_boxes_unticked_in_another_event_say_nothing(tmp_path):
    export = redcap()
    for row in (2, 4, 5):
        for number in "1234":
            export.cell(row, f"areas___{number}", "0")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    flags = person(result, "9")[[f"area_{area}" for area in AREAS]]
    assert flags.tolist() == [False, True, False, True]


def test_areas_by_name_and_flags_without_a_focus(tmp_path):
    export = csv_wide()
    export.trial["columns"]["problem_areas"].pop("focus")
    export.trial["codes"].pop("problem_area")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert result.participants["problem_area"].isna().all()
    assert result.participants["area_grief"].tolist() == [False, False, False, False, True, False]


def test_a_focus_by_name(tmp_path):
    export = csv_wide()
    export.trial["codes"].pop("problem_area")
    export.cell(2, "focus", "role_disputes")
    export.cell(6, "focus", "grief")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert person(result, "A-2")["problem_area"] == "grief"


def test_what_a_trial_does_not_have_is_empty(tmp_path):
    export = csv_wide()
    columns = export.trial["columns"]
    export.trial["columns"] = {key: columns[key] for key in ("participant", "arm", "outcomes")}
    result = export.ingest(tmp_path)
    assert result.findings.empty
    empty = result.participants.drop(columns=["trial", "participant", "arm", "source_row"])
    assert empty.isna().all(axis=None)
    assert not any(name.startswith("characteristic_") for name in result.participants)


@pytest.mark.parametrize("name", FORMATS)
def test_counts_add_up(name, tmp_path):
    result = FORMATS[name]().ingest(tmp_path)
    counts = result.counts
    by_visit = counts["scores_by_visit"]
    assert sum(n for visits in by_visit.values() for n in visits.values()) == counts["scores"]
    assert counts["scores"] == result.scores["score"].notna().sum()
    assert counts["scores_not_used"] == 0
    assert counts["participants"] == len(result.participants) == 6
    assert counts["findings"] == {"error": 0, "warning": 0, "note": 0}


def test_further_events_become_days(tmp_path):
    export = csv_wide()
    export.trial["columns"]["events"] = {
        "left_early": {"date": "left"},
        "drug_started": {"day": "sessions"},
    }
    export.cell(3, "left", "2024-02-01")
    result = export.ingest(tmp_path)
    people = result.participants
    pd.testing.assert_series_equal(
        people["event_day_left_early"], people["study_exit_day"], check_names=False
    )
    attended = people["sessions_attended"]
    pd.testing.assert_series_equal(people["event_day_drug_started"], attended, check_names=False)
    assert warnings(result) == [("before randomisation", 3, "left")] * 2


def test_an_event_has_a_date_or_a_day(tmp_path):
    export = csv_wide()
    export.trial["columns"]["events"] = {"moved": {"date": "left", "day": "sessions"}}
    with pytest.raises(ValueError, match="date or of its day, one of the two"):
        export.ingest(tmp_path)
