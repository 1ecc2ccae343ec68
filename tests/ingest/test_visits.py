"""Windows decide visits; names only where there is no day; of several assessments one counts."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.ingest.release import release
from ipt_outcomes.ingest.unscheduled import SECOND
from ipt_outcomes.study.contradictions import contradictions

from .small_trial import Export, Person, csv_long, csv_wide, redcap

ROW = 3  # participant 9 in week 4, randomised on 2024-02-27


def dated(day: int) -> str:
    return (datetime.date(2024, 2, 27) + datetime.timedelta(days=day)).isoformat()


def findings_of(result, severity: str) -> list[tuple[str, int]]:
    found = result.findings[result.findings["severity"] == severity]
    return list(zip(found["kind"], found["row"], strict=True))


def score(result, participant: str, visit: str, outcome: str = "hamd") -> tuple[object, ...]:
    scores = result.scores.set_index(["participant", "outcome", "visit"])
    day, value = scores.loc[(participant, outcome, visit), ["day", "score"]]
    return (None if pd.isna(day) else day, None if pd.isna(value) else value)


def added_row(export: Export, row: int, **changes: str) -> int:
    export.rows.append(list(export.rows[row - 1]))
    for column, value in changes.items():
        export.cell(len(export.rows), column, value)
    return len(export.rows)


def test_the_window_decides_and_a_disagreement_is_listed(tmp_path):
    export = redcap()
    export.cell(4, "assessed_on", "")  # no assessment in week 8 ...
    export.cell(4, "hamd_total", "")
    export.cell(4, "bdi_total", "")
    export.cell(ROW, "assessed_on", "2024-04-09")  # ... but day 42, called week 4
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == []
    assert findings_of(result, "warning") == [("event and day disagree", ROW)]
    found = result.findings["found"].iloc[0]
    assert "week_8" in found
    assert "week_4" in found
    assert score(result, "9", "week_4") == (None, None)
    assert score(result, "9", "week_8") == (42, 15)


@pytest.mark.parametrize(("day", "visit"), [(-28, "baseline"), (0, "baseline"), (14, "week_4"),
                                            (41, "week_4"), (42, "week_8"), (80, "week_8")])  # fmt: skip
def test_both_ends_of_a_window_belong_to_it(day, visit, tmp_path):
    person = Person("1", "1", "2024-02-27", days=(day, None, None), hamd=("9", "", ""),
                    bdi=("8", "", ""))  # fmt: skip
    result = redcap((person,)).ingest(tmp_path)
    assert score(result, "1", visit) == (day, 9)
    assert result.counts["scores"] == 2


@pytest.mark.parametrize("day", [-29, 1, 13, 81])
def test_outside_every_window_stops_or_is_set_aside(day, tmp_path):
    person = Person("1", "1", "2024-02-27", days=(day, None, None), hamd=("9", "", ""),
                    bdi=("8", "", ""))  # fmt: skip
    export = redcap((person,))
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == [("outside every window", 2)]
    export.config["outside_windows"] = "set aside"
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == []
    assert findings_of(result, "warning") == [("outside every window", 2)]
    assert result.counts["scores"] == 0
    assert result.counts["scores_not_used"] == 2


def test_the_assessment_nearest_to_the_planned_day_counts(tmp_path):
    export = csv_long()
    # day 28 was planned and is there; day 30 comes second
    row = added_row(export, ROW, date="2024-03-28", hamd="1", bdi="2")
    result = export.ingest(tmp_path)
    assert findings_of(result, "warning") == [("second assessment in a window", row)]
    assert "beside day 28 in row 3" in result.findings["found"].iloc[0]
    assert score(result, "9", "week_4") == (28, 15)
    assert result.counts["scores_not_used"] == 2


def test_of_two_equally_near_the_earlier_counts(tmp_path):
    export = csv_long()
    export.cell(ROW, "date", "2024-03-29")  # day 31
    row = added_row(export, ROW, date="2024-03-23", hamd="1", bdi="2")  # day 25
    result = export.ingest(tmp_path)
    assert findings_of(result, "warning") == [("second assessment in a window", ROW)]
    assert score(result, "9", "week_4") == (25, 1)
    assert row in set(result.scores["source_row"].dropna())


def test_outcomes_of_one_visit_may_stand_in_rows_of_their_own(tmp_path):
    whole = csv_long().ingest(tmp_path)
    export = csv_long()
    row = added_row(export, ROW, hamd="")
    export.cell(ROW, "bdi", "")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    columns = ["participant", "outcome", "visit", "day", "score"]
    assert result.scores[columns].equals(whole.scores[columns])
    assert row in set(result.scores["source_row"].dropna())


def test_a_row_twice_is_an_error_and_no_score_is_chosen(tmp_path):
    export = csv_long()
    row = added_row(export, ROW, hamd="1")
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == [("duplicated participant and visit", row)]
    assert score(result, "9", "week_4") == (28, None)
    assert score(result, "9", "week_4", "bdi") == (28, 22.5)


def test_three_rows_for_one_visit(tmp_path):
    export = csv_long()
    rows = [added_row(export, ROW) for _ in range(2)]
    result = export.ingest(tmp_path)
    kind = "duplicated participant and visit"
    assert findings_of(result, "error") == [(kind, row) for row in rows]


def test_without_a_date_the_name_decides_and_that_is_listed(tmp_path):
    export = csv_long()
    export.cell(ROW, "date", "")
    result = export.ingest(tmp_path)
    assert findings_of(result, "warning") == [("assessment without date", ROW)]
    assert score(result, "9", "week_4") == (None, 15)


def test_without_a_name_the_date_decides(tmp_path):
    export = csv_long()
    export.cell(ROW, "visit", "")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert score(result, "9", "week_4") == (28, 15)


def test_without_name_and_date(tmp_path):
    export = csv_long()
    export.cell(ROW, "visit", "")
    export.cell(ROW, "date", "")
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == [("no visit", ROW)]
    assert score(result, "9", "week_4") == (None, None)


@pytest.mark.parametrize("date", ["2024-02-30", "26.03.2024", "1.3.24", "0024-03-26", "soon"])
def test_a_bad_date_is_one_error(date, tmp_path):
    export = csv_long()
    export.cell(ROW, "date", date)
    result = export.ingest(tmp_path)
    assert len(result.findings) == 1
    assert result.findings["row"].tolist() == [ROW]
    assert result.findings["column"].tolist() == ["date"]


def test_a_bad_date_without_a_name_is_still_one_error(tmp_path):
    export = csv_long()
    export.cell(ROW, "visit", "")
    export.cell(ROW, "date", "soon")
    assert export.ingest(tmp_path).findings["kind"].tolist() == ["not a date"]


def test_a_time_of_day_is_dropped(tmp_path):
    export = csv_long()
    for row in range(2, len(export.rows) + 1):
        if export.get(row, "date"):
            export.cell(row, "date", export.get(row, "date") + " 14:05")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert score(result, "9", "week_4") == (28, 15)


def test_a_baseline_after_randomisation_is_outside(tmp_path):
    export = csv_long()
    export.cell(2, "date", "2024-03-01")
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == [("outside every window", 2)]


def test_rows_without_scores_need_no_visit(tmp_path):
    export = csv_long()
    for column in ("hamd", "bdi"):
        export.cell(ROW, column, "")
    export.cell(ROW, "date", "2031-01-01")
    result = export.ingest(tmp_path)
    assert result.findings.empty


def test_a_score_in_an_event_without_assessment(tmp_path):
    export = redcap()
    export.cell(5, "hamd_total", "7")
    export.cell(5, "assessed_on", "2024-03-26")
    result = export.ingest(tmp_path)
    assert findings_of(result, "warning") == [("score in an event without assessment", 5)]
    assert result.counts["scores_not_used"] == 1


def test_a_visit_without_a_window_goes_by_its_name(tmp_path):
    export = csv_long()
    export.config["visits"]["week_8"].pop("window_days")
    export.cell(4, "date", "2025-04-26")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert score(result, "9", "week_8") == (424, 10)


def test_no_windows_at_all(tmp_path):
    export = csv_long()
    for visit in export.config["visits"].values():
        visit.pop("window_days")
    export.cell(4, "date", "2025-04-26")
    result = export.ingest(tmp_path)
    assert result.findings.empty
    assert score(result, "9", "week_8") == (424, 10)
    export.cell(4, "visit", "")
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == [("no visit", 4)]


def test_wide_columns_whose_dates_disagree(tmp_path):
    export = csv_wide()
    export.cell(2, "date_week_8", "2024-03-27")  # day 29: a second assessment in week 4
    result = export.ingest(tmp_path)
    assert findings_of(result, "error") == []
    assert sorted(findings_of(result, "warning")) == [
        ("event and day disagree", 2),
        ("second assessment in a window", 2),
    ]
    assert score(result, "9", "week_4") == (28, 15)
    assert score(result, "9", "week_8") == (None, None)


@pytest.mark.parametrize("key", ["visit_date", "visit_day"])
def test_wide_needs_a_date_column_per_visit(key):
    wide, long = csv_wide(), csv_long()
    columns = wide.trial["columns"]
    columns.pop("visit_date")
    columns[key] = "date"
    with pytest.raises(ValidationError, match=rf"columns.{key}: the format wide needs"):
        wide.study()
    columns[key] = {"week_9": "date_week_9"}
    with pytest.raises(ValidationError, match=rf"columns.{key}.week_9: no outcome"):
        wide.study()
    columns = long.trial["columns"]
    columns.pop("visit_date")
    columns[key] = {"week_4": "date"}
    with pytest.raises(ValidationError, match="the format long needs one column name"):
        long.study()


def test_assessments_that_count_for_no_visit_are_kept_and_listed(tmp_path):
    export = csv_long()
    export.config["outside_windows"] = "set aside"
    export.trial["codes"]["visit"]["extra"] = "unscheduled"
    for day in (5, 24, 70, None):
        added_row(export, ROW, visit="extra", date=dated(day) if day is not None else "")
    result = export.ingest(tmp_path)
    assert (result.findings["severity"] != "error").all()
    apart = result.unscheduled
    assert apart["outcome"].tolist() == ["hamd"] * 4 + ["bdi"] * 4
    first = apart.iloc[:4]
    assert first["day"].fillna(-99).tolist() == [5, 24, 70, -99]
    assert first["reason"].tolist() == [
        "outside every window", SECOND, SECOND, "unscheduled, without a day",
    ]  # fmt: skip
    assert first["visit"].fillna("").tolist() == ["", "week_4", "week_8", ""]
    assert result.counts["assessments_kept_apart"] == {
        "outside every window": 1, SECOND: 2, "unscheduled, without a day": 1,
    }  # fmt: skip
    used = int(result.scores["score"].count())
    assert used + len(apart) == result.counts["scores"] + result.counts["scores_not_used"]


@pytest.mark.parametrize(("rule", "expected"), [("earlier", 26), ("later", 30)])
def test_of_two_equally_near_the_configured_one_counts(rule, expected, tmp_path):
    export = csv_long()
    export.config["equally_near"] = rule
    export.cell(ROW, "date", dated(26))
    added_row(export, ROW, date=dated(30))
    result = export.ingest(tmp_path)
    assert score(result, "9", "week_4") == (expected, 15)
    assert rule in result.findings["mend"].iloc[0]


def test_an_unscheduled_assessment_nearer_to_the_planned_day_counts(tmp_path):
    export = csv_long()
    export.trial["codes"]["visit"]["extra"] = "unscheduled"
    export.cell(ROW, "date", dated(35))
    added_row(export, ROW, visit="extra", date=dated(29))
    result = export.ingest(tmp_path)
    assert score(result, "9", "week_4")[0] == 29
    assert result.unscheduled["day"].tolist() == [35, 35]


def test_windows_alone_can_tell_the_visit(tmp_path):
    named, export = csv_long(), csv_long()
    expected = named.ingest(tmp_path).scores
    export.trial["columns"].pop("visit")
    export.trial["codes"]["visit"] = {}
    result = export.ingest(tmp_path)
    assert result.findings.empty
    pd.testing.assert_frame_equal(result.scores, expected)
    for visit in export.config["visits"].values():
        visit.pop("window_days")
    assert any(
        "no visit has window_days" in problem for _, problem, _ in contradictions(export.study())
    )


def test_sessions_and_the_start_of_treatment_are_second_time_axes(tmp_path):
    export = csv_long()
    export.rows[0] += ["session", "started"]
    for number, row in enumerate(export.rows[1:]):
        first = export.get(number + 2, "randomised")
        start = datetime.date.fromisoformat(first) + datetime.timedelta(days=9)
        row += [str(number % 3 * 4), start.isoformat()]
    export.trial["columns"] |= {"session": "session", "treatment_start_date": "started"}
    export.cell(2, "session", "4.5")
    result = export.ingest(tmp_path)
    assert result.findings[["kind", "row", "column"]].values.tolist() == [
        ["not a whole number", 2, "session"]
    ]
    one = result.scores.query("participant == '11' and outcome == 'hamd'")
    assert one["session"].tolist() == [0, 4, 8]
    assert (result.participants["treatment_start_day"] == 9).all()
    assert one["day"].tolist() == [-3, 28, 57]  # windows still count from randomisation


def test_unscheduled_assessments_are_released_under_pseudonyms(tmp_path):
    export = csv_long()
    added_row(export, ROW, date=dated(40))
    result = export.ingest(tmp_path)
    released = release(result, export.study(), "small", key="a key for this test alone")
    assert result.unscheduled["participant"].tolist() == ["9", "9"]
    (name,) = set(released.unscheduled["participant"])
    assert name in set(released.participants["participant"])
    assert name != "9"
