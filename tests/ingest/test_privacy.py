"""No planted identifier reaches a file: refused by name and by content, free text dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.frames import write_frames
from ipt_outcomes.ingest import gate, write_findings
from ipt_outcomes.ingest.findings import DataErrors, entry
from ipt_outcomes.ingest.identifiers import identifying_entry, identifying_name, kinds
from ipt_outcomes.ingest.k_anonymity import anonymity
from ipt_outcomes.ingest.release import release
from ipt_outcomes.report.quality_page import write_quality_page

from .small_trial import Export, csv_long, csv_wide, redcap, redcap_labels

PLANTED = pd.read_csv(Path(__file__).parents[1] / "planted_identifiers.csv", dtype=str)
IDENTIFIERS = {row["kind"]: (row["column"], row["entry"]) for row in PLANTED.to_dict("records")}
"""Kind: a column named for it, an entry of it."""

BY_CONTENT = [*PLANTED.loc[PLANTED["told by"] == "column and entry", "kind"]]
"""Kinds of which a single entry can be told from words and numbers of another meaning."""


def write_all(export: Export, folder: Path, **options) -> bytes:
    """Ingest, write every file that ingest writes, and return all their bytes."""
    study = export.study()
    result = release(export.ingest(folder, checks=True), study, "small", **options)
    results = folder / "results"
    write_frames(
        result.scores, result.participants,
        str(results / "scores.parquet"), str(results / "participants.parquet"),
    )  # fmt: skip
    result.unscheduled.to_parquet(results / "unscheduled.parquet")
    result.process.to_parquet(results / "process.parquet")
    write_findings(result.findings, results / "findings.csv")
    (results / "ingest.json").write_text(json.dumps(result.counts), "utf-8")
    (results / "quality.json").write_text(json.dumps(result.quality), "utf-8")
    write_quality_page(study=study, trial="small", findings=result.findings, counts=result.counts,
                       quality=result.quality, path=results / "page.html")  # fmt: skip
    try:
        gate(result.findings, "page.html")
        log = ""
    except DataErrors as stopped:
        log = str(stopped)
    # Parquet compresses: its texts are read back.
    frames = (result.scores, result.participants, result.unscheduled, result.process)
    texts = "".join(frame.to_csv() for frame in frames) + log
    return b"".join(p.read_bytes() for p in sorted(results.iterdir())) + texts.encode("utf-8")


def with_column(export: Export, head: str, value: str) -> Export:
    export.rows[0].append(head)
    for number, row in enumerate(export.rows[1:]):
        row.append(value if number == 3 else "")
    return export


def test_forty_kinds_and_all_letters_are_planted():
    assert len(IDENTIFIERS) >= 40
    named = {identifying_name(head) for head, _ in IDENTIFIERS.values()}
    assert None not in named
    assert {kind.hipaa for kind in named} >= set("ABCDEFGHIJKLMNOPQR")
    assert all(kind.source for kind in kinds())


@pytest.mark.parametrize("start", range(3))
def test_columns_named_for_identifiers_are_refused(start, tmp_path):
    export = csv_long()
    some = list(IDENTIFIERS.values())[start::3]
    for head, value in some:
        with_column(export, head, value)
    written = write_all(export, tmp_path)
    assert b"cannot be analysed" in written
    for head, value in some:
        assert value.encode() not in written, head
        assert f",{head}," in written.decode(errors="replace"), head


def test_all_of_them_at_once_in_columns_with_harmless_names(tmp_path):
    export = csv_long()
    for number, kind in enumerate(BY_CONTENT):
        with_column(export, f"field_{number}", IDENTIFIERS[kind][1])
    written = write_all(export, tmp_path)
    assert len(BY_CONTENT) >= 40
    for number, kind in enumerate(BY_CONTENT):
        assert IDENTIFIERS[kind][1].encode() not in written, kind
        assert f"field_{number},".encode() in written, kind


PLACES = ("site", "stop_reason", "left_reason", "gender", "therapist", "hamd", "date", "visit",
          "arm", "age", "focus", "sessions", "id")  # fmt: skip


@pytest.mark.parametrize("column", PLACES)
def test_identifiers_in_a_column_that_is_used_pass_nowhere(column, tmp_path):
    some = [IDENTIFIERS[kind][1] for kind in BY_CONTENT[PLACES.index(column) % 4 :: 4]]
    export = csv_long()
    for row, value in enumerate(some, start=2):
        export.cell(row, column, value)
    written = write_all(export, tmp_path)
    for value in some:
        assert value.encode() not in written, value
    assert b"cannot be analysed" in written


@pytest.mark.parametrize("make", [redcap, redcap_labels, csv_wide])
def test_other_formats_are_screened_too(make, tmp_path):
    export = with_column(make(), "contact", "anna.brunnenthal@example.org")
    written = write_all(export, tmp_path)
    assert b"brunnenthal" not in written
    assert b"an e-mail address" in written


def test_unused_columns_may_be_left_out(tmp_path):
    export = with_column(csv_long(), "email", "anna.brunnenthal@example.org")
    export.config["privacy"] = {"identifiers_in_unused_columns": "leave out"}
    written = write_all(export, tmp_path)
    assert b"brunnenthal" not in written
    assert b"cannot be analysed" not in written
    assert b"It is left out" in written


def test_a_column_may_be_declared_harmless(tmp_path):
    export = with_column(csv_long(), "city", "Oberstammheim")
    export.config["privacy"] = {"not_identifying": ["city"]}
    assert b"direct identifier" not in write_all(export, tmp_path)


def test_a_column_without_entries_is_no_matter(tmp_path):
    assert b"direct identifier" not in write_all(with_column(csv_long(), "email", ""), tmp_path)


def test_free_text_is_dropped_and_not_quoted(tmp_path):
    text = "left because her sister in Bern had fallen ill and needed help at home"
    export = csv_long()
    for row in (5, 6, 7):
        export.cell(row, "left_reason", text)
    written = write_all(export, tmp_path)
    assert b"sister" not in written
    assert b"free text" in written


def test_dates_become_days(tmp_path):
    written = write_all(csv_long(), tmp_path)
    for date in ("2024-02-27", "2024-03-01", "2023-12-31", "2024-03-26"):
        assert date.encode() not in written


def test_therapists_are_numbered(tmp_path):
    export = csv_long()
    for row in range(2, 5):
        export.cell(row, "therapist", "Brunnenthal")
    written = write_all(export, tmp_path)
    assert b"Brunnenthal" not in written
    assert b",T1," in written


def test_harmless_entries_are_no_identifiers():
    for text in ("17", "-9", "12,5", "3.14159", "2024-02-27", "27.02.2024", "02/27/2024",
                 "2024-02-27 12:30", "12:30:15", "1001", "P-001", "01-001-023", "A-2", "person7x",
                 "IPT+MED", "week_4_arm_1", "Moved away", "Lost to follow-up", "Side effects",
                 "Role Disputes", "Adverse Event", "St. Mary Hospital", "San Jose Clinic",
                 "University Hospital Basel", "Zürich", "123456789", "1000000000"):  # fmt: skip
        assert identifying_entry(text) is None, text
    for head in ("record_id", "redcap_event_name", "site_name", "visit_name", "drug_name",
                 "assessment_date", "phone_sessions", "age", "gender", "hamd17_total", "USUBJID",
                 "treatment_stop_reason", "PARAM", "address_grief", "partner"):  # fmt: skip
        assert identifying_name(head) is None, head


def test_an_entry_is_quoted_only_when_it_tells_nobody():
    assert entry("1O") == '"1O"'
    assert entry("Frau Keller") == "a person's name in an entry (not shown)"
    assert entry("she moved to Bern") == "a text of 4 words (not shown)"


def test_classes_of_anonymity(tmp_path):
    people = csv_long().ingest(tmp_path).participants
    found = anonymity(people, ["site", "gender"], 5)
    assert (found.participants, found.recognisable) == (6, 6)
    assert anonymity(people, ["site"], 2).holds
    with_key = people.assign(site="A")
    assert anonymity(with_key, ["site"], 5).holds
    assert not anonymity(with_key, ["site"], 11).holds
