"""The words around numbers: signs, plurals, and what a reader must be told."""

from __future__ import annotations

import pandas as pd
import pytest

from ipt_outcomes.results import estimates
from ipt_outcomes.study import Study
from ipt_outcomes.tables import make_tables
from ipt_outcomes.tables.quotes import participants, quote
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.therapists import is_count_of_clusters, number_of_clusters


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "no difference was shown: an advantage of -1.2 points (interval -4.9 to 2.6).",
            "no difference was shown: a disadvantage of 1.2 points "
            "(interval 4.9 worse to 2.6 better).",
        ),
        (
            "an advantage of 1.2 points per day (interval -2.6 to 4.9)",
            "an advantage of 1.2 points per day (interval 2.6 worse to 4.9 better)",
        ),
        ("an advantage of 3.0 is not excluded", "an advantage of 3.0 is not excluded"),
        ("1 participants and 21 participants", "1 participant and 21 participants"),
        ("at -1 SD, items 1-4, week-2", "at \N{MINUS SIGN}1 SD, items 1-4, week-2"),
    ],
)
def test_words_follow_the_sign(note: str, said: str) -> None:
    assert quote({"id": "a", "notes": note}, "notes").text == said


@pytest.mark.parametrize(("n", "said"), [(1.0, "1 participant"), (12.0, "12 participants")])
def test_one_is_singular(n: float, said: str) -> None:
    assert str(participants({"id": "a", "estimate": n, "notes": None})) == said


DEFINED = "response: at least 50 % (X; Standard knowledge of the field, not read in a source)"


def test_a_note_is_taken_apart_outside_brackets() -> None:
    row = {"id": "a", "notes": f"{DEFINED}; missing scores imputed; suppressed: fewer than 5"}
    assert quote(row, "definition").text == "response: at least 50 % (X; source not stated)"
    assert quote(row, "counting").text == "missing scores imputed"
    assert quote(row, "reason").text == "suppressed: fewer than 5"


def test_a_hidden_share_keeps_the_size_of_its_arm_and_says_why(
    example: Study, rows: pd.DataFrame
) -> None:
    hidden = rows.copy()
    which = (hidden["analysis"] == "response") & (hidden["quantity"] == "probability")
    hidden.loc[which, ["estimate", "lower", "upper", "n_arm"]] = None
    hidden.loc[which, "notes"] = f"{DEFINED}; suppressed: fewer than 5"
    table = make_tables(study=example, estimates=hidden, trial="example")["responders"]
    for line in table.lines:
        if "response" in str(line.group):
            assert str(line.cells[0]).isdigit()
            assert str(line.cells[1]) == "\N{EN DASH}"
    said = [str(note) for note in table.footnotes]
    assert any(note.startswith("\N{EN DASH}: share of") and "fewer than 5" in note for note in said)
    assert not any("not read in a source" in note for note in said)


def test_few_therapists_are_counted_in_the_table_and_the_list() -> None:
    about = {"analysis": "therapists", "arm": "A", "visit": None, "notes": "suppressed: x"}
    count = {**about, "id": "c", "quantity": "count", "contrast": "therapists", "estimate": None}
    mean = {**about, "id": "m", "quantity": "observed mean", "estimate": 29 / 3, "n_arm": 29}
    assert is_count_of_clusters(count)
    assert number_of_clusters(Rows([count, mean]), count).text == "3"


def test_lists_leave_out_empty_columns_and_say_why_a_number_is_missing(
    example: Study, rows: pd.DataFrame
) -> None:
    about = {"trial": "example", "analysis": "something new", "analysis_set": "as randomised",
             "outcome": example.primary_outcome, "method": "m", "status": "exploratory",
             "disclosure": "shared", "quantity": "test", "unit": "number"}  # fmt: skip
    new = estimates([
        {**about, "contrast": "quantile 0.5 of the residuals", "estimate": 0.0},
        {**about, "contrast": "tiny", "estimate": 3e-14},
        {**about, "contrast": "the model", "notes": "no model: nobody has the event"},
    ])  # fmt: skip
    made = make_tables(study=example, estimates=pd.concat([rows, new]), trial="example")
    table = made["analysis_something_new"]
    assert [str(column.label) for column in table.columns] == ["Quantity", "Estimate"]
    assert [[str(cell) for cell in line.cells] for line in table.lines] == [
        ["quantile", "0"], ["value", "3.0 × 10⁻¹⁴"], ["value", "not shown (a)"],
    ]  # fmt: skip
    assert str(table.footnotes[0]) == "(a) no model: nobody has the event."
