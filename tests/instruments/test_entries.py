"""What is wrong in item columns is found, in the right row, and never used."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.instruments import (
    InstrumentError,
    instrument,
    item_columns,
    safety_answers,
    score,
)
from ipt_outcomes.instruments.entries import Entries
from ipt_outcomes.instruments.reversal import reversal_findings


def gad(*rows: list[object]) -> pd.DataFrame:
    index = [f"P{i:02d}" for i in range(1, len(rows) + 1)]
    return pd.DataFrame(list(rows), columns=[f"gad7_{i}" for i in range(1, 8)], index=index)


def test_entries_out_of_range_are_found_and_no_total_is_made():
    result = score("GAD-7", gad([1] * 7, [1, 4, 1, 1, 1, 1, 1], [1, 1, -1, 1, 1, 1, 9]))
    assert result.scores["total"].tolist()[0] == 7
    assert result.scores["total"].isna().tolist() == [False, True, True]
    assert result.scores["reason"]["P02"] == "an entry cannot be used (see the findings)"
    found = result.findings[["severity", "kind", "row", "item", "column", "found", "expected"]]
    assert found.values.tolist() == [
        ["error", "out of range", "P02", 2, "gad7_2", "4", "a whole number from 0 to 3"],
        ["error", "out of range", "P03", 3, "gad7_3", "-1", "a whole number from 0 to 3"],
        ["error", "out of range", "P03", 7, "gad7_7", "9", "a whole number from 0 to 3"],
    ]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [("1a", "not a number"), ("one", "not a number"), ("1,5", "not a number"), (1.5, "not a whole number"),
     ("0.5", "not a whole number"), ("3 points", "not a number"),
     ("-", "not a number"), ("1e1", "not a number"), ("\u0663", "not a number")],
)  # fmt: skip
def test_entries_that_are_no_answer(entry: object, kind: str):
    result = score("GAD-7", gad([1, entry, 1, 1, 1, 1, 1]).astype(object))
    assert result.findings["kind"].tolist() == [kind]
    assert result.findings["item"].tolist() == [2]
    assert np.isnan(result.scores["total"].iloc[0])


def test_infinity_is_no_answer():
    result = score("GAD-7", gad([1, np.inf, 1, 1, 1, 1, 1]))
    assert result.findings["kind"].tolist() == ["out of range"]
    assert np.isnan(result.scores["total"].iloc[0])


@pytest.mark.parametrize("blank", [None, "", "  ", np.nan, pd.NA])
def test_blanks_are_missing_and_no_finding(blank: object):
    result = score("GAD-7", gad([1, blank, 1, 1, 1, 1, 1]).astype(object))
    assert result.findings.empty
    assert result.scores["items_missing"].tolist() == [1]


@pytest.mark.parametrize(
    "dtype", ["float64", "Int64", "Float64", "str", "object", "category", "int8"]
)
def test_columns_of_any_type_give_the_same(dtype: str):
    data = gad([1, 2, 0, 1, 3, 0, 1], [0] * 7).astype(dtype)
    assert score("GAD-7", data).scores["total"].tolist() == [8, 0]


def test_the_original_is_not_touched():
    data = gad([1, 9, 1, 1, 1, 1, 1])
    before = data.copy()
    score("GAD-7", data)
    pd.testing.assert_frame_equal(data, before)


def test_columns_are_told_by_their_names():
    gad7 = instrument("GAD-7")
    for names in (
        [str(i) for i in range(1, 8)],
        [f"GAD7_{i:02d}" for i in range(1, 8)],
        [f"gad_q{i}" for i in range(1, 8)],
    ):
        found = item_columns(gad7, ["record_id", "visit", *names, "gad7_total", "phq_1"])
        assert list(found) == names
        assert list(found.values()) == [str(i) for i in range(1, 8)]


def test_columns_that_could_be_either_are_not_guessed():
    names = [f"{stem}_{i}" for stem in ("pre", "post") for i in range(1, 8)]
    with pytest.raises(InstrumentError, match=re.escape("post_1 ..., pre_1 ...")):
        item_columns(instrument("GAD-7"), names)


def test_a_missing_column_is_named():
    with pytest.raises(InstrumentError, match="no column for item 4, 7 among those named gad7_1"):
        score("GAD-7", gad([1] * 7).drop(columns=["gad7_4", "gad7_7"]))
    with pytest.raises(InstrumentError, match="no column for item 1, 2, 3"):
        score("GAD-7", pd.DataFrame({"age": [3]}))


def test_columns_can_be_named():
    data = pd.DataFrame([[1] * 7], columns=list("abcdefg"))
    mapping = dict(zip("abcdefg", range(1, 8), strict=True))
    assert score("GAD-7", data, columns=mapping).scores["total"].tolist() == [7]
    with pytest.raises(InstrumentError, match="there is no column h"):
        score("GAD-7", data, columns={**mapping, "h": 1})
    with pytest.raises(InstrumentError, match="GAD-7 has no item 8"):
        score("GAD-7", data, columns={**mapping, "g": 8})
    with pytest.raises(InstrumentError, match="two columns for item 6"):
        score("GAD-7", data, columns={**mapping, "g": 6})
    with pytest.raises(InstrumentError, match="no column is named for item 7"):
        score("GAD-7", data, columns={k: v for k, v in mapping.items() if k != "g"})


def test_two_columns_of_one_name_are_refused():
    data = gad([1] * 7)
    data.columns = [*data.columns[:6], "gad7_6"]
    with pytest.raises(InstrumentError, match=r"no column for item 7|two columns are called"):
        score("GAD-7", data)
    doubled = pd.concat([gad([1] * 7), gad([2] * 7)], axis=1)
    with pytest.raises(InstrumentError, match="two columns are called gad7_1, gad7_2"):
        score("GAD-7", doubled)


def test_whoever_scores_the_epds_must_say_what_the_export_holds():
    data = pd.DataFrame([[1] * 10], columns=range(1, 11))
    with pytest.raises(InstrumentError, match="already_reversed"):
        score("EPDS", data)
    assert score("EPDS", data, already_reversed=True).scores["total"].tolist() == [10]
    assert score("EPDS", data, already_reversed=False).scores["total"].tolist() == [17]


def distressed(n: int, seed: int) -> pd.DataFrame:
    """Return CES-D answers as they were ticked: positive items go the other way."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=n)
    columns = {}
    for item in range(1, 21):
        mood = np.clip(np.round(1.5 + level + rng.normal(size=n)), 0, 3)
        columns[item] = 3 - mood if item in (4, 8, 12, 16) else mood
    return pd.DataFrame(columns)


def test_items_reversed_twice_are_suspected():
    ticked = distressed(80, seed=1)
    assert score("CES-D", ticked).findings.empty
    scored = ticked.copy()
    scored[[4, 8, 12, 16]] = 3 - scored[[4, 8, 12, 16]]
    findings = score("CES-D", scored).findings
    assert findings[["severity", "kind"]].values.tolist() == [["warning", "reversed twice?"]]
    assert "4, 8, 12, 16" in findings["found"][0]
    assert score("CES-D", scored, already_reversed=True).findings.empty


def test_few_people_make_no_suspicion():
    scored = distressed(29, seed=1)
    scored[[4, 8, 12, 16]] = 3 - scored[[4, 8, 12, 16]]
    assert score("CES-D", scored).findings.empty


def test_unrelated_answers_make_no_suspicion():
    # two of four items with their whole interval below zero by chance: 6 x 0.025^2 = 0.4 %
    definition, none = instrument("CES-D"), np.zeros((60, 20), dtype=bool)
    rng = np.random.default_rng(20261123)
    suspected = 0
    for _ in range(300):
        answers = rng.integers(0, 4, (60, 20)).astype(float)
        entries = Entries(tuple(range(1, 21)), answers, none, none, pd.DataFrame())
        suspected += not reversal_findings(definition, entries).empty
    assert suspected <= 6


def test_safety_items_are_listed_in_the_scored_direction():
    data = pd.DataFrame([[0] * 9 + [3], [0] * 9 + [0], [0] * 9 + [None]], columns=range(1, 11))
    answers = safety_answers("EPDS", data, already_reversed=False)
    assert answers["positive"].tolist()[:2] == [False, True]
    assert answers["positive"].isna().tolist() == [False, False, True]
    assert safety_answers("GAD-7", gad([1] * 7)).empty


def test_counts_add_up_to_all_rows():
    data = gad([1] * 7, [1, None, 1, 1, 1, 1, 1], [None] * 7, [1, 9, 1, 1, 1, 1, 1], [2] * 7)
    counts = score("GAD-7", data).counts().set_index("outcome")["rows"]
    assert counts.to_dict() == {
        "complete": 2,
        "prorated": 1,
        "no item answered": 1,
        "an entry cannot be used (see the findings)": 1,
    }


def test_what_scoring_rests_on_is_handed_over():
    result = score("GAD-7", gad([1] * 7))
    assert len(result.assumptions) == 1
    assert "up to 2 may be missing" in result.assumptions[0]
    assert "our own rule" in result.assumptions[0]
