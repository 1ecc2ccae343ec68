"""Tables of the course, the 2 × 2, margins, diagnostics and processes: each cell from its row."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from made_up import hostile_study, made_up, whole_config

from ipt_outcomes.report.findings import findings
from ipt_outcomes.study import Study
from ipt_outcomes.tables import make_tables, table_names
from ipt_outcomes.tables.display import as_great_table
from ipt_outcomes.tables.numbers import number, p_value
from ipt_outcomes.tables.quotes import FORMS
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Table

LATE = ("factorial", "growth", "growth_curves", "durability", "diagnostics", "diagnostics_models",
        "diagnostics_other_models", "non_inferiority", "sudden_gains", "within_person", "mediation")  # fmt: skip


@pytest.fixture(scope="module")
def made(whole: Study, whole_rows: pd.DataFrame) -> dict[str, Table]:
    return make_tables(study=whole, estimates=whole_rows, trial="example")


def test_tables_appear_where_the_analysis_is_on(whole: Study, example: Study) -> None:
    assert set(LATE) <= set(table_names(whole, "example"))
    asked = set(table_names(example, "example"))
    assert not asked & {"factorial", "non_inferiority", "sudden_gains", "within_person"}


@pytest.mark.parametrize("name", LATE)
def test_every_number_of_a_late_table_is_quoted(
    name: str, made: dict[str, Table], whole_rows: pd.DataFrame
) -> None:
    table = made[name]
    by_id = {row["id"]: row for row in Rows.of(whole_rows, "example")}
    assert table.lines
    quoted = 0
    for line in table.lines:
        assert len(line.cells) == len(table.columns)
        for cell in line.cells:
            for piece in cell.pieces:
                if piece.estimate:
                    quoted += 1
                    assert piece.text == FORMS[piece.form](by_id[piece.estimate])
                else:
                    assert not re.search(r"\d", piece.text), piece.text
    assert quoted >= len(table.lines)


def test_the_endpoint_stands_first_in_the_2_by_2(made: dict[str, Table]) -> None:
    table = made["factorial"]
    assert str(table.lines[0].group) == "Week 16 (endpoint)"
    endpoint = [line for line in table.lines if str(line.group) == "Week 16 (endpoint)"]
    assert len(endpoint) == 8  # seven contrasts and the benefit beyond the sum
    assert "Additivity: no clear interaction." in [str(note) for note in table.footnotes]


def test_slopes_and_their_differences_stand_together(
    made: dict[str, Table], whole: Study, whole_rows: pd.DataFrame
) -> None:
    arms = len(whole.arms_of("example"))
    (first, *_) = made["growth"].blocks()
    assert len(first[1]) == arms + arms - 1
    row = Rows.of(whole_rows, "example").one(analysis="growth", quantity="slope", arm="IPT")
    assert str(first[1][0].cells[1]) == number(row["estimate"])
    assert str(first[1][0].cells[5]) == p_value(row["p"])


def test_hidden_gains_are_said_and_not_shown(made: dict[str, Table]) -> None:
    first = made["sudden_gains"].lines[0]
    assert [str(cell) for cell in first.cells][1:3] == ["not shown", ""]


def test_tiny_numbers_keep_the_figures_that_count(made: dict[str, Table]) -> None:
    (line,) = [line for line in made["diagnostics_models"].lines if "Newton" in str(line.label)]
    assert str(line.cells[0]) == "3.0 × 10⁻¹⁴"


def test_each_other_model_has_its_comparisons_with_one_left_out(
    made: dict[str, Table], whole: Study, whole_rows: pd.DataFrame
) -> None:
    table = made["diagnostics_other_models"]
    arms = len(whole.arms_of("example"))
    assert [(str(group), len(lines)) for group, lines in table.blocks()] == [
        ("Therapists: HAM-D17, difference", arms - 1),
        ("Time to response: HAM-D17, hazard ratio", arms - 1),
    ]  # fmt: skip
    first, second, *_ = table.lines
    assert [str(cell).replace("\N{NO-BREAK SPACE}", " ") for cell in first.cells] == [
        "231", "1.75 [1.15, 2.35]", "1.60", "1.90", "1.75 [1.05, 2.45]", "0.031",
    ]  # fmt: skip
    assert str(second.cells[-1]) == ""  # once a model
    said = [str(note) for note in table.footnotes]
    assert any(note.startswith("Newton decrement of all: at most 2.0 × 10⁻¹⁸. ") for note in said)
    assert "Therapists: covariance unstructured by arm; other: unstructured." in said
    assert said[-1] == (
        "Not examined: deterioration, HAM-D17: no model: an arm has nobody with the event."
    )


def test_models_examined_have_lists_of_their_own(made: dict[str, Table]) -> None:
    assert {"analysis_diagnostics_therapists", "analysis_diagnostics_time_to_response"} <= set(made)
    assert "analysis_diagnostics" not in made


@pytest.mark.parametrize("topic", ["medication", "margin", "course", "process", "therapists",
                                   "diagnostics"])  # fmt: skip
def test_sentences_quote_their_rows(topic: str, whole: Study, whole_rows: pd.DataFrame) -> None:
    by_id = {row["id"]: row for row in Rows.of(whole_rows, "example")}
    said = findings(Source.of(whole, whole_rows, "example"), topic)
    assert said
    for text in said:
        assert str(text).endswith(".")
        assert not str(text).endswith("..")
        assert any(piece.estimate for piece in text.pieces)
        for piece in text.pieces:
            if piece.estimate:
                assert piece.text == FORMS[piece.form](by_id[piece.estimate])
            elif not piece.origin:
                assert not re.search(r"\d", piece.text), piece.text


def test_without_rows_nothing_is_said(whole: Study, whole_rows: pd.DataFrame) -> None:
    bare = whole_rows[whole_rows["analysis"] == "flow"]
    source = Source.of(whole, bare, "example")
    assert not [text for topic in ("medication", "margin", "course", "process", "therapists",
                                   "diagnostics") for text in findings(source, topic)]  # fmt: skip


def test_hostile_labels_are_escaped() -> None:
    study = hostile_study(whole_config())
    tables = make_tables(study=study, estimates=made_up(study), trial="example")
    for name in LATE:
        page = as_great_table(tables[name]).as_raw_html()
        assert "<script>alert" not in page, name
