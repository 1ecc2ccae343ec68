"""Further files: sessions, diaries, ratings and events, and everything that can be wrong in them."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.frames import read_process, validate_process, write_frames
from ipt_outcomes.ingest import DataErrors, gate
from ipt_outcomes.study import ConfigError, load_study
from ipt_outcomes.study.process_files import ProcessFile

from .small_trial import FORMATS

SESSIONS = {
    "file": "data/raw/sessions.csv",
    "participant": "id",
    "session": "session",
    "date": "held",
    "variables": {
        "alliance": {"column": "wai", "range": [0, 84], "missing": ["-9"]},
        "homework": {"column": "hw", "kind": "yes-no"},
        "rater": {"column": "rater", "kind": "category", "labels": {"1": "R1", "2": "R2"}},
    },
}
TEXT = """id,session,held,wai,hw,rater
9,1,2024-03-05,60,yes,1
9,2,2024-03-12,-9,no,2
A-2,1,2024-04-09,44.5,,1
"""


def export(tmp_path, text=TEXT, **change):
    made = FORMATS["redcap"]()
    made.trial["process"] = {"sessions": {**SESSIONS, **change}}
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "sessions.csv").write_text(text, "utf-8")
    return made


def test_entries_become_rows_and_dates_become_days(tmp_path):
    read = export(tmp_path).ingest(tmp_path)
    assert read.findings.empty
    frame = validate_process(read.process)
    assert len(frame) == 7
    assert read.counts["process_entries"] == 7
    alliance = frame[frame["variable"] == "alliance"]
    assert alliance["value"].tolist() == [60.0, 44.5]
    assert alliance["day"].tolist() == [7, 7]
    assert alliance["session"].tolist() == [1, 1]
    assert alliance["source_row"].tolist() == [2, 4]
    assert frame[frame["variable"] == "homework"]["value"].tolist() == [1.0, 0.0]
    rater = frame[frame["variable"] == "rater"]
    assert rater["text"].tolist() == ["R1", "R2", "R1"]
    assert rater["value"].isna().all()


def test_order_of_rows_changes_only_their_order(tmp_path):
    head, *body = TEXT.splitlines()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = export(tmp_path / "a").ingest(tmp_path / "a").process
    other = export(tmp_path / "b", "\n".join([head, *body[::-1]])).ingest(tmp_path / "b").process
    keys = ["variable", "participant", "session"]
    columns = [name for name in one if name != "source_row"]
    pd.testing.assert_frame_equal(
        one.sort_values(keys)[columns].reset_index(drop=True),
        other.sort_values(keys)[columns].reset_index(drop=True),
    )


def test_all_mistakes_are_found_at_once_with_row_and_remedy(tmp_path):
    text = TEXT + "99,1,2024-03-05,60,yes,1\n9,2,2024-03-13,85,perhaps,3\n,1,2024-03-05,1,1,1\n"
    read = export(tmp_path, text).ingest(tmp_path)
    found = read.findings.set_index("kind")
    assert set(read.findings["severity"]) == {"error"}
    assert found.loc["unknown participant", "row"] == 5
    assert found.loc["session stands twice", "row"] == 6
    assert found.loc["out of range", "column"] == "wai"
    assert "0 to 84" in found.loc["out of range", "expected"]
    assert found.loc["not yes or no", "found"] == '"perhaps"'
    assert "expected" in read.findings
    assert found.loc["unknown category", "expected"] == '"1" or "2"'
    assert found.loc["no study number", "row"] == 7
    assert set(read.findings["file"]) == {"data/raw/sessions.csv"}
    with pytest.raises(
        DataErrors,
        match=r"sessions.csv, row 5, column id: found a study number that the export does not have",
    ):
        gate(read.findings)


def test_a_missing_column_is_named_with_its_key_and_the_nearest(tmp_path):
    read = export(tmp_path, TEXT.replace("wai", "WAI")).ingest(tmp_path)
    (line,) = read.findings.to_dict("records")
    assert line["expected"] == (
        "one, as trials.small.process.sessions.variables.alliance.column in config.yaml says"
    )
    assert 'Did you mean "WAI"?' in line["mend"]
    assert read.process.empty


def test_findings_of_both_files_stand_together_errors_first(tmp_path):
    made = export(tmp_path, TEXT.replace("60", "6O"))
    made.cell(made.row_of("9"), "age", "old")
    read = made.ingest(tmp_path)
    assert read.findings["file"].tolist() == ["data/raw/export.csv", "data/raw/sessions.csv"]


def test_the_frame_survives_writing_and_reading(tmp_path):
    read = export(tmp_path).ingest(tmp_path)
    paths = [str(tmp_path / f"{name}.parquet") for name in ("s", "p", "process")]
    write_frames(read.scores, read.participants, paths[0], paths[1], read.process, paths[2])
    pd.testing.assert_frame_equal(read_process(paths[2]), read.process)


def test_a_file_that_is_not_there_is_a_finding_of_the_configuration(tmp_path):
    import yaml

    made = export(tmp_path)
    made.write(tmp_path)
    (tmp_path / "data" / "raw" / "sessions.csv").unlink()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(made.config), "utf-8")
    with pytest.raises(
        ConfigError, match=r"process.sessions.file.* there is no file data/raw/sess"
    ):
        load_study(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"day": "d", "date": "e"}, "give day or date, not both"),
        ({"variables": {"x": {"column": "x", "range": [2, 1]}}}, "lowest, highest"),
        ({"variables": {"x": {"column": "x", "kind": "yes-no", "range": [0, 1]}}}, "a number"),
        ({"variables": {"x": {"column": "x", "labels": {"1": "a"}}}}, "a category"),
    ],
)
def test_contradictions_of_the_configuration(change, message):
    with pytest.raises(ValidationError, match=message):
        ProcessFile.model_validate({**SESSIONS, **change})


def test_released_rows_bear_the_same_pseudonyms_as_the_participants(tmp_path):
    from ipt_outcomes.ingest.release import release

    made = export(tmp_path)
    read = made.ingest(tmp_path)
    released = release(read, made.study(), "small")
    assert set(released.process["participant"]) <= set(released.participants["participant"])
    assert not set(released.process["participant"]) & {"9", "A-2"}
    therapist = dict(zip(released.participants["participant"],
                         released.participants["therapist"], strict=True))  # fmt: skip
    assert {therapist[who] for who in released.process["participant"]} == {"T1"}
    assert sorted(released.process["value"].dropna()) == sorted(read.process["value"].dropna())
