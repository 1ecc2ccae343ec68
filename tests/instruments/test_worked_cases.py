"""Every instrument reproduces cases worked by hand, missing items included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from ipt_outcomes.instruments import define, instrument, load_registry, score, severity

FOLDER = Path(__file__).parent / "worked_cases"
CASES: dict[str, list[dict[str, Any]]] = {
    name: cases
    for file in sorted(FOLDER.glob("*.yaml"))
    for name, cases in yaml.safe_load(file.read_text("utf-8")).items()
}
NUMBERED = [(name, place) for name, cases in CASES.items() for place in range(len(cases))]


def answers(text: str) -> list[str | None]:
    expanded: list[str | None] = []
    for token in str(text).split():
        value, _, times = token.partition("*")
        expanded += [None if value == "." else value] * int(times or 1)
    return expanded


def test_every_instrument_has_three_cases_and_one_with_missing_items():
    registry = load_registry()
    assert set(CASES) == set(registry)
    for name, cases in CASES.items():
        assert len(cases) >= 3, name
        assert any(None in answers(case["items"]) for case in cases), name
        assert all(case["arithmetic"] for case in cases), name


@pytest.mark.parametrize(("name", "place"), NUMBERED)
def test_a_case_worked_by_hand(name: str, place: int):
    case, definition = CASES[name][place], instrument(name)
    given = answers(case["items"])
    if definition.items.count == len(given) + 1:  # the unscored item at the end may be absent
        assert definition.items.count in definition.items.unscored
    data = pd.DataFrame([given], columns=range(1, len(given) + 1), dtype=object)
    already = case.get("already_reversed", False)
    result = score(definition, data, already_reversed=already)
    row = result.scores.iloc[0]
    assert result.findings.empty
    for what, value in case["expect"].items():
        if what == "why":
            assert value in row["reason"]
        elif what == "severity":
            assert severity(definition, result.scores["total"])[0] == value
        elif value == "none":
            assert pd.isna(row[what]), what
            assert result.reasons[what][0] != ""
        else:
            assert row[what] == pytest.approx(value, abs=5e-7), what
    if definition.total is not None:
        assert (row["reason"] == "") == pd.notna(row["total"])


def test_items_that_do_not_apply_are_not_missing():
    coded = define(
        {"based_on": "WSAS", "name": "WSAS coded", "items": {"not_applicable": {1: [9]}}}
    )
    data = pd.DataFrame([[9, 4, 4, 4, 4], [9, 4, None, 4, 4], [4, 4, 4, 4, 4]], columns=range(1, 6))
    scores = score(coded, data).scores
    # retired: items 2 to 5 make 16 of 32; a blank among them is missing all the same
    assert scores["total"].tolist()[::2] == [16, 20]
    assert pd.isna(scores["total"][1])
    assert scores["items_not_applicable"].tolist() == [1, 1, 0]
    assert scores["items_used"].tolist() == [4, 3, 5]
    assert scores["items_missing"].tolist() == [0, 1, 0]


def test_an_item_in_two_columns():
    columns = [str(i) for i in range(1, 16)] + ["16a", "16b", "17"]
    rows = [[1] * 15 + pair + [1] for pair in ([2, None], [None, 1], [3, 0], [1, 1], [1, 2])]
    result = score("HAM-D17", pd.DataFrame(rows, columns=columns))
    # by history 2; by weighing 1; history not assessed; both agree; both differ
    assert result.scores["total"].tolist()[:4] == [18, 17, 16, 17]
    assert pd.isna(result.scores["total"][4])
    assert result.findings[["kind", "row", "item", "found"]].values.tolist() == [
        ["two ratings of one item", 4, 16, "1 and 2"]
    ]


def test_the_higher_of_two_columns_counts_in_the_bdi2():
    columns = [str(i) for i in range(1, 16)] + ["16a", "16b", "17", "18", "19", "20", "21"]
    rows = [[0] * 15 + ["1a", "2b", 0, 0, 0, 0, 0], [0] * 15 + [None, "1b", 0, 0, 0, 0, 0]]
    result = score("BDI-II", pd.DataFrame(rows, columns=columns, dtype=object))
    assert result.scores["total"].tolist() == [2, 1]
    assert result.findings.empty


def test_goal_attainment_is_a_t_score():
    scaling = define(
        {
            "name": "GAS", "title": "Goal attainment scaling", "measures": "own goals",
            "rater": "interview or self", "higher_is": "better",
            "items": {"count": 3, "range": [-2, 2]},
            "total": {"label": "T", "rule": "goal attainment", "missing": {"rule": "answered"}},
        }
    )  # fmt: skip
    data = pd.DataFrame([[0, 0, 0], [1, 1, 1], [2, -1, None], [2, None, None]], columns=[1, 2, 3])
    totals = score(scaling, data).scores["total"]
    # 50 + 10 x 3 / sqrt(0.7 x 3 + 0.3 x 9) = 50 + 30/2.190890 = 63.693064
    # 50 + 10 x 1 / sqrt(0.7 x 2 + 0.3 x 4) = 50 + 10/1.612452 = 56.201737
    # 50 + 10 x 2 / sqrt(0.7 + 0.3) = 70
    assert totals.tolist() == pytest.approx([50, 63.693064, 56.201737, 70], abs=5e-7)
