"""The export and its data dictionary, held against the shipped configuration."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.simulate.course import NEVER
from ipt_outcomes.simulate.redcap import DICTIONARY_COLUMNS, dictionary, events, export, fields
from ipt_outcomes.study import load_study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study():
    return load_study(ROOT / "config.yaml", check_files=False)


@pytest.fixture(scope="module")
def rows(trial):
    """The export, written and read back as a user would."""
    text = export(trial).to_csv(index=False, lineterminator="\n")
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


def by_event(rows, event):
    return rows[rows["redcap_event_name"] == f"{event}_arm_1"].set_index("record_id")


def test_columns_and_codes_are_those_of_the_configuration(rows, study, trial):
    described = study.trials["example"]
    named = [
        *(
            c
            for c in described.columns.model_dump(exclude_none=True).values()
            if isinstance(c, str)
        ),
        *described.columns.outcomes.values(),
        described.columns.problem_areas.focus,
        *described.columns.problem_areas.flags.values(),
        *described.columns.characteristics.values(),
    ]
    assert set(named) <= set(rows.columns)
    assert set(rows["redcap_event_name"]) == set(described.codes.visit)
    assert events(trial.design) == list(described.codes.visit)
    codes = {arm.code: arm.name for arm in trial.design.arms}
    assert codes == described.codes.arm
    assert {a.code: a.name for a in trial.design.areas} == described.codes.problem_area
    assert set(codes.values()) == set(study.arms)
    assert trial.design.reference_arm == study.reference_arm
    for scale in trial.design.outcomes:
        assert tuple(study.outcomes[scale.name].range) == scale.range
        assert described.codes.missing[scale.column] == ["-9"]


def test_scores_survive_the_round_trip(rows, trial):
    for k, visit in enumerate(trial.design.visits):
        event = by_event(rows, visit).reindex(trial.numbers().astype(str)).fillna("")
        for p, scale in enumerate(trial.design.outcomes):
            text = event[scale.column].replace({"": None, "-9": None})
            read = pd.to_numeric(text).to_numpy(float)
            np.testing.assert_array_equal(read, trial.observed[:, k, p])


def test_people_survive_the_round_trip(rows, trial):
    people = trial.participants().set_index("participant")
    people.index = people.index.astype(str)
    start, end = by_event(rows, "baseline"), by_event(rows, "end_of_study")
    names = {arm.code: arm.name for arm in trial.design.arms}
    assert start["arm"].map(names).tolist() == people["arm"].tolist()
    assert end["received_arm"].map(names).tolist() == people["received_arm"].tolist()
    assert start["site"].tolist() == people["site"].tolist()
    assert (start["therapist"] == people["therapist"].fillna("")).all()
    assert (end["sessions_attended"] == people["sessions_attended"].astype("str").fillna("")).all()
    first = pd.to_datetime(start["randomisation_date"])
    for column, days in (
        ("treatment_stop_date", "treatment_stop_day"),
        ("study_exit_date", "study_exit_day"),
    ):
        read = (pd.to_datetime(end[column].replace("", None)) - first).dt.days
        expected = people[days].astype("Float64").to_numpy(float, na_value=np.nan)
        np.testing.assert_array_equal(read.to_numpy(float), expected)
    areas = by_event(rows, "week_4").reindex(people.index).fillna("")
    names = {area.code: area.name for area in trial.design.areas}
    focus = areas["problem_focus"].map(names)
    assert (focus.fillna("") == people["problem_area"].fillna("")).all()
    rated = focus.notna()
    assert (areas.loc[rated, "problem_area_rating_complete"] == "2").all()
    for code, name in names.items():
        flag = areas.loc[rated, f"problem_areas___{code}"] == "1"
        assert (flag == people.loc[rated, f"area_{name}"].astype(bool)).all()


def test_fields_stand_only_in_the_events_of_their_form(rows, trial):
    where = {"enrolment": ["baseline"], "problem_area_rating": ["week_4"],
             "end_of_study": ["end_of_study"], "assessment": trial.design.visits}  # fmt: skip
    for field in fields(trial.design)[1:]:
        own = rows["redcap_event_name"].isin([f"{e}_arm_1" for e in where[field.form]])
        for column in (*field.columns, f"{field.form}_complete"):
            assert (rows.loc[~own, column] == "").all()
            if column.endswith("_complete") or field.kind == "checkbox":
                assert rows.loc[own, column].isin(["0", "1", "2"]).all()


def test_assessments_lie_in_the_windows_of_the_configuration(trial, study, large):
    for drawn in (trial, large):
        for k, name in enumerate(drawn.design.visits):
            least, greatest = study.visits[name].window_days
            assert drawn.people.day[:, k].min() >= least
            assert drawn.people.day[:, k].max() <= greatest
            assert study.visits[name].week == drawn.design.weeks[k]


def test_dates_are_those_of_the_assessments_and_in_order(rows, trial):
    first = pd.to_datetime(by_event(rows, "baseline")["randomisation_date"])
    assert first.is_monotonic_increasing
    assert (first.dt.day_of_week < 5).all()
    dated = rows[rows["assessment_date"] != ""]
    assert (
        pd.to_datetime(dated["assessment_date"])
        .groupby(dated["record_id"])
        .apply(lambda d: d.is_monotonic_increasing and d.is_unique)
        .all()
    )
    for k, visit in enumerate(trial.design.visits):
        event = by_event(rows, visit)
        assert ((event["assessment_date"] != "").sum()) == trial.assessed[:, k].sum()


def test_missed_visits_are_undated_rows_and_nobody_is_seen_after_leaving(rows, trial):
    for k, visit in enumerate(trial.design.visits):
        event = by_event(rows, visit).reindex(trial.numbers().astype(str))
        in_study = trial.people.day[:, k] < trial.exit_day
        extra = trial.delivery.areas_rated if visit == "week_4" else False
        assert (event["redcap_event_name"].notna().to_numpy() == (in_study | extra)).all()
        missed = event[in_study & trial.people.missed[:, k]]
        assert (missed[["assessment_date", "hamd17_total", "bdi2_total"]] == "").all(axis=None)
        assert (missed["assessment_complete"] == "0").all()


def test_missing_scores_are_marked_by_code_or_left_blank(rows, trial):
    seen = rows["assessment_date"] != ""
    assert (rows.loc[~seen, ["hamd17_total", "bdi2_total"]] != "-9").all(axis=None)
    missing = rows.loc[seen, "bdi2_total"].isin(["-9", ""])
    assert missing.sum() == (trial.assessed & np.isnan(trial.observed[:, :, 1])).sum()
    assert set(rows.loc[seen & missing, "bdi2_total"]) == {"-9", ""}
    assert (rows.loc[seen & missing, "assessment_complete"] == "1").all()


def test_some_are_assessed_off_treatment(rows, trial):
    off = trial.assessed & (trial.people.day > trial.course.stop_day[:, None])
    assert off.sum() > 20
    assert (trial.course.stop_day < NEVER).sum() > (trial.exit_day <= trial.people.day[:, 4]).sum()


def test_dictionary_has_redcaps_columns_and_describes_every_column(rows, trial):
    text = dictionary(trial.design).to_csv(index=False, lineterminator="\n")
    header, *lines = list(csv.reader(io.StringIO(text)))
    assert tuple(header) == DICTIONARY_COLUMNS
    assert len(header) == 18
    described = {line[0] for line in lines}
    forms = {line[1] for line in lines}
    undescribed = {
        column.split("___")[0] for column in rows.columns if not column.endswith("_complete")
    } - described
    assert undescribed == {"redcap_event_name"}
    assert {f"{form}_complete" for form in forms} <= set(rows.columns)


def test_coded_values_are_choices_of_the_dictionary(rows, trial):
    for field in fields(trial.design):
        if field.kind in {"radio", "dropdown"}:
            assert set(rows[field.name]) - {""} <= {code for code, _ in field.choices}
