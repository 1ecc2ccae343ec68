"""No planted identifier reaches a file: refused by name and by content, free text dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipt_outcomes.frames import write_frames
from ipt_outcomes.ingest import gate, write_findings
from ipt_outcomes.ingest.findings import DataErrors, entry
from ipt_outcomes.ingest.identifiers import identifying_entry, identifying_name, kinds
from ipt_outcomes.ingest.k_anonymity import anonymity
from ipt_outcomes.ingest.release import release
from ipt_outcomes.report.quality_page import write_quality_page

from .small_trial import Export, csv_long, csv_wide, redcap, redcap_labels

IDENTIFIERS: dict[str, tuple[str, str]] = {
    "full name": ("patient_name", "Anna-Lena Brunnenthal"),
    "first name": ("FirstName", "Wendelgard"),
    "family name": ("surname", "Brunnenthal"),
    "maiden name": ("maiden_name", "Oberhuberin"),
    "initials": ("initials", "XQZ"),
    "alias": ("nickname", "Zottel77"),
    "next of kin": ("next_of_kin_name", "Katharina Brunnenthal"),
    "employer": ("employer", "Zementwerk Oberhausen"),
    "signature": ("signature", "sig-Brunnenthal"),
    "address": ("home_address", "Bahnhofstrasse 117, 8953 Dietikon"),
    "English address": ("addr1", "221B Baker Street, London"),
    "post office box": ("po_box", "P.O. Box 74512"),
    "town": ("city", "Oberstammheim"),
    "ZIP code": ("zip", "90210-4417"),
    "postcode": ("postcode", "SW1A 1AA"),
    "coordinates": ("gps", "47.37688, 8.54169"),
    "latitude": ("LocationLatitude", "47.376881"),
    "date of birth": ("dob", "1971-11-23"),
    "year of birth": ("birth_year", "1971x"),
    "date of death": ("date_of_death", "2021-10-09"),
    "date of admission": ("admission_date", "2019-02-17"),
    "telephone": ("phone", "+41 44 917 35 62"),
    "mobile": ("mobile_number", "0791 234 567 89"),
    "fax": ("fax", "Fax: 044 917 35 63"),
    "e-mail": ("email", "anna.brunnenthal@example.org"),
    "disguised e-mail": ("e_mail_2", "brunnenthal (at) example (dot) org"),
    "social security number": ("ssn", "536-22-8741"),
    "national insurance number": ("nino", "AB 12 34 56 C"),
    "NHS number": ("nhs_number", "943 476 5919"),
    "Swiss insurance number": ("AHV-Nr", "756.9217.0769.85"),
    "Swedish number": ("personnummer", "811228-9874"),
    "Finnish number": ("hetu", "131052-308T"),
    "Italian tax code": ("codice_fiscale", "RSSMRA85T10A562S"),
    "Canadian number": ("sin_number", "046 454 286"),
    "French number": ("nir", "1 84 12 76 451 089 46"),
    "record number": ("mrn", "MRN 00817263"),
    "hospital number": ("hospital_number", "Patient no. 5527182"),
    "health plan number": ("insurance_id", "1EG4-TE5-MK73"),
    "policy": ("policy_number", "Policy no: AB7612345"),
    "IBAN": ("iban", "GB82 WEST 1234 5698 7654 32"),
    "credit card": ("card_number", "4111 1111 1111 1111"),
    "passport": ("passport_no", "Passport No 12345678"),
    "driving licence": ("drivers_license", "Driver's license: D7654321"),
    "vehicle": ("vin", "1M8GDM9AXKP042788"),
    "licence plate": ("licence_plate", "B-MW 1234"),
    "MAC address": ("mac_address", "00:1B:44:11:3A:B7"),
    "IMEI": ("imei", "49-015420-323751-8"),
    "device": ("device_serial_number", "S/N: XK-2231-77"),
    "web page": ("website", "https://example.org/~brunnenthal"),
    "IP address": ("IPAddress", "192.168.117.12"),
    "IP address, version 6": ("client_ip", "2001:db8:85a3::8a2e:370:7334"),
    "fingerprint": ("fingerprint_id", "fingerprint_77812"),
    "photograph": ("photo_file", "brunnenthal_face.jpg"),
    "account": ("twitter_handle", "@anna_brunnenthal"),
    "messenger": ("skype", "skype: anna.brunn"),
    "universal identifier": ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
    "researcher's identifier": ("orcid", "0000-0002-1825-0097"),
}
"""Kind: a column named for it, an entry of it."""

BY_NAME_ONLY = {"first name", "family name", "maiden name", "initials", "alias", "employer",
                "signature", "town", "latitude", "date of birth", "year of birth", "date of death",
                "date of admission"}  # fmt: skip
"""Kinds that a single entry cannot be told from a word or number of another meaning."""
BY_CONTENT = [kind for kind in IDENTIFIERS if kind not in BY_NAME_ONLY]


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
