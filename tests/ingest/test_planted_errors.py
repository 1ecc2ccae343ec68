"""Every planted mistake is found, at its row and in its column; a clean export has no finding."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from .mistakes import CONTROL_ONLY, SINGLE, Expected, jump, no_baseline, twin
from .planted import ITEMS, PEOPLE, REVERSED, VISITS, planted, row_of, set_person
from .small_trial import Export

BATCH = 13


def batches() -> list[list[str]]:
    names = list(SINGLE)
    return [names[start : start + BATCH] for start in range(0, len(names), BATCH)]


def test_a_clean_export_has_no_finding(tmp_path):
    found = planted().ingest(tmp_path, checks=True)
    assert found.findings.empty
    assert found.counts["scores"] == PEOPLE * len(VISITS) * 3


def test_at_least_sixty_are_planted():
    assert len(SINGLE) + len(WHOLE) >= 60


@pytest.mark.parametrize("names", batches(), ids=lambda names: names[0])
def test_planted_errors_are_found_at_their_row(names, tmp_path):
    export = planted()
    people = iter(range(1, PEOPLE, 2))
    controls = iter(range(2, PEOPLE, 6))
    rest = iter([p for p in people if p % 3 != 2] + [p for p in range(0, PEOPLE, 2) if p % 3 != 2])
    wanted = {}
    for name in names:
        person = next(controls) if name in CONTROL_ONLY else next(rest)
        wanted[name] = SINGLE[name](export, person)
    findings = export.ingest(tmp_path, checks=True).findings
    lost = {name: one for name, one in wanted.items() if not _there(findings, one)}
    assert not lost, findings[["kind", "row", "column", "found"]].to_string()


def _there(findings: pd.DataFrame, expected: Expected) -> bool:
    kind, row, column = expected
    fits = findings["kind"] == kind
    fits &= findings["row"].isna() if row is None else (findings["row"] == row).fillna(False)
    if column is not None:
        fits &= (findings["column"] == column).fillna(False)
    return bool(fits.any())


# --- mistakes of a whole column ------------------------------------------------------------------


def each_row(export: Export):
    return range(2, len(export.rows) + 1)


def reversed_twice(export: Export) -> Expected:
    for row in each_row(export):
        for item in REVERSED:
            name = f"cesd_{item:02d}"
            export.cell(row, name, str(3 - int(export.get(row, name))))
    return "reversed twice?", None, "cesd_01"


def said_to_be_reversed(export: Export) -> Expected:
    export.trial["codes"]["already_reversed"] = {"cesd": True}
    return "reversed twice?", None, "cesd_01"


def turned_round(export: Export) -> Expected:
    for row in each_row(export):
        export.cell(row, "hamd17", str(52 - int(export.get(row, "hamd17"))))
    return "reversed twice?", None, "bdi2"


def named_for_another(export: Export) -> Expected:
    export.rows[0][export.header.index("hamd17")] = "hamd24_total"
    export.trial["columns"]["outcomes"]["hamd"] = "hamd24_total"
    return "another version?", 1, "hamd24_total"


def bdi_one(export: Export) -> Expected:
    for name in ITEMS:
        export.rows[0][export.header.index(name)] = name.replace("bdi", "bdi1")
    export.trial["columns"]["items"]["bdi"] = "bdi1_{01..21}"
    return "another version?", 1, "bdi1_01"


def letters(export: Export) -> Expected:
    export.cell(row_of(4, "week_4"), "bdi_02", "2b")
    return "another version?", row_of(4, "week_4"), "bdi_02"


def beyond(export: Export) -> Expected:
    for person in (3, 9):
        export.cell(row_of(person, "week_4"), "hamd17", "60")
    return "another version?", row_of(3, "week_4"), "hamd17"


def spike(export: Export) -> Expected:
    for row in each_row(export):
        if int(export.get(row, "hamd17")) in (7, 8, 9, 10, 11):
            export.cell(row, "hamd17", "13")
    for person in range(12):
        export.cell(row_of(person, "week_16"), "hamd17", "9")
    return "missing code?", row_of(0, "week_16"), "hamd17"


def code_in_range(export: Export) -> Expected:
    export.trial["codes"]["missing"] = {"hamd17": ["9"]}
    return "missing code within the range", None, "hamd17"


def empty_visit(export: Export) -> Expected:
    for person in range(PEOPLE):
        export.cell(row_of(person, "week_12"), "hamd17", "")
    return "visit without scores", None, "hamd17"


def screening(export: Export) -> Expected:
    export.config["enrolment"] = {
        "small": {"assessed_for_eligibility": 90, "excluded": {"declined": 40}}
    }
    return "screening counts do not add up", None, None


def recognisable(export: Export) -> Expected:
    export.config["privacy"] = {"quasi_identifiers": ["site", "age", "gender"]}
    return "recognisable participants", None, None


def no_therapist(export: Export) -> Expected:
    row = set_person(export, 3, "therapist", "")
    return "no therapist", row, "therapist"


WHOLE = (reversed_twice, said_to_be_reversed, turned_round, named_for_another, bdi_one, letters,
         beyond, spike, code_in_range, empty_visit, screening, recognisable, no_therapist)  # fmt: skip


@pytest.mark.parametrize("plant", WHOLE, ids=lambda plant: plant.__name__)
def test_mistakes_of_a_whole_column_are_found(plant, tmp_path):
    export = planted()
    wanted = plant(export)
    findings = export.ingest(tmp_path, checks=True).findings
    assert _there(findings, wanted), findings[["kind", "row", "column", "found"]].to_string()


def test_legitimate_nines_are_left_alone(tmp_path):
    export = planted()
    for person in range(0, PEOPLE, 5):
        export.cell(row_of(person, "week_16"), "hamd17", "9")
    result = export.ingest(tmp_path, checks=True)
    assert "missing code?" not in set(result.findings["kind"])
    assert (result.scores["score"] == 9).sum() >= 8


def test_a_healthy_person_ticks_the_lowest_answer_everywhere(tmp_path):
    export = planted()
    for name in ITEMS:
        export.cell(row_of(4, "week_16"), name, "0")
    export.cell(row_of(4, "week_16"), "bdi2", "0")
    assert export.ingest(tmp_path, checks=True).findings.empty


def test_no_check_depends_on_the_order_of_rows(tmp_path):
    export = planted()
    no_baseline(export, 5)
    jump(export, 8)
    twin(export, 12)
    first = export.ingest(tmp_path / "a", checks=True).findings
    again_ = dataclasses.replace(export, rows=[export.header, *export.rows[:0:-1]])
    second = again_.ingest(tmp_path / "b", checks=True).findings
    count = len(export.rows) + 1
    mirrored = second.assign(row=count + 1 - second["row"])
    one, other = (
        set(map(tuple, table[["kind", "column", "found"]].astype(str).to_numpy()))
        for table in (first, mirrored)
    )
    assert one == other
