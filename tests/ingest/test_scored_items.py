"""Outcomes are scored from the items of an export, by the registry or by the study's own rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.instruments import item_table, reliability, score
from ipt_outcomes.study import ConfigError, load_study
from ipt_outcomes.study.contradictions.instruments import instrument_problems

from .planted import CESD, ITEMS, PEOPLE, VISITS, planted, row_of


def frame(export) -> pd.DataFrame:
    return pd.DataFrame(export.rows[1:], columns=export.header)


def scores_of(result, outcome: str) -> np.ndarray:
    return result.scores.loc[result.scores["outcome"] == outcome, "score"].to_numpy()


def test_scores_are_those_of_the_registry(tmp_path):
    export = planted()
    result = export.ingest(tmp_path, checks=True)
    answers = frame(export)[CESD].astype(float)
    expected = score("CES-D", answers, already_reversed=False).scores["total"]
    np.testing.assert_array_equal(scores_of(result, "cesd"), expected)
    np.testing.assert_array_equal(scores_of(result, "bdi"), frame(export)["bdi2"].astype(float))


def test_missing_items_are_prorated_counted_and_too_many_leave_no_score(tmp_path):
    export = planted()
    row, other = row_of(3, "week_4"), row_of(4, "week_4")
    for name in ITEMS[:2]:
        export.cell(row, name, "")
    for name in ITEMS[:3]:
        export.cell(other, name, "")
    for at in (row, other):
        export.cell(at, "bdi2", "")
    result = export.ingest(tmp_path)
    answered = [int(export.get(row, name)) for name in ITEMS[2:]]
    by_row = result.scores[result.scores["outcome"] == "bdi"].set_index("source_row")["score"]
    assert by_row[row] == pytest.approx(sum(answered) / 19 * 21)
    assert other not in by_row.index
    about = result.quality["items"]["bdi"]
    assert (about["prorated"], about["not_scored"]) == (1, 1)
    assert about["complete"] == PEOPLE * len(VISITS) - 2
    missing = {item["item"]: item["missing"] for item in about["items"]}
    assert [missing[n] for n in range(1, 5)] == [2, 2, 1, 0]


def test_an_entered_total_counts_only_where_items_give_none(tmp_path):
    export = planted()
    row = row_of(3, "week_4")
    for name in ITEMS:
        export.cell(row, name, "")
    export.cell(row, "bdi2", "41")
    result = export.ingest(tmp_path)
    bdi = result.scores[(result.scores["outcome"] == "bdi") & (result.scores["visit"] == "week_4")]
    assert bdi["score"].iloc[3] == 41


def test_reliability_is_that_of_the_first_visit(tmp_path):
    export = planted()
    found = export.ingest(tmp_path).quality["items"]["cesd"]
    first = frame(export)[frame(export)["visit"] == "baseline"][CESD].astype(float)
    for number in (4, 8, 12, 16):
        first[f"cesd_{number:02d}"] = 3 - first[f"cesd_{number:02d}"]
    expected = reliability(first)
    assert found["reliability"]["alpha"] == pytest.approx(expected.alpha, abs=1e-6)
    assert found["reliability"]["omega"] == pytest.approx(expected.omega, abs=1e-6)
    assert found["reliability"]["n"] == PEOPLE
    assert len(item_table(first)) == len(found["items"]) == 20


def test_an_instrument_of_the_study_itself(tmp_path):
    export = planted()
    export.config["instruments"] = {
        "Mood": {
            "title": "Mood of the first items", "measures": "mood", "rater": "self",
            "higher_is": "worse", "items": {"count": 5, "range": [0, 3]},
            "total": {"label": "Total", "rule": "mean", "missing": {"rule": "complete"}},
        }
    }  # fmt: skip
    export.config["outcomes"]["mood"] = {
        "label": "Mood", "short_label": "Mood", "role": "secondary", "range": [0, 3],
        "instrument": "Mood",
    }  # fmt: skip
    export.trial["columns"]["items"]["mood"] = "bdi_{01..05}"
    assert not list(instrument_problems(export.study()))
    result = export.ingest(tmp_path)
    expected = frame(export)[ITEMS[:5]].astype(float).mean(axis=1)
    np.testing.assert_allclose(scores_of(result, "mood"), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["outcomes"]["hamd"].update(range=[0, 50]), "goes from 0 to 52"),
        (lambda c: c["outcomes"]["hamd"].update(higher_is="better"), "higher is worse"),
        (lambda c: c["outcomes"]["hamd"].update(instrument="HAMD"), "Did you mean HAM-D17"),
        (lambda c: c["outcomes"]["hamd"].update(score="core"), "no score called core"),
        (lambda c: c["outcomes"]["bdi"].pop("instrument"), "items can be scored only when"),
        (lambda c: c["trials"]["small"]["columns"]["items"].update(bdi="bdi_{01..20}"),
         "no column for item 21"),
        (lambda c: c["trials"]["small"]["columns"]["items"].update(bdi="bdi_{01..22}"),
         "names item 22"),
        (lambda c: c["trials"]["small"]["codes"].update(already_reversed={"hamd": True}),
         "has no item columns"),
        (lambda c: c.update(instruments={"Mine": {"title": "Mine", "colour": "red"}}),
         "colour: is not a known key"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_before_anything_runs(change, said):
    export = planted()
    change(export.config)
    problems = " ".join(f"{what} {mend}" for _, what, mend in instrument_problems(export.study()))
    assert said in problems


def test_problems_of_instruments_stand_among_those_of_the_configuration(tmp_path):
    from pathlib import Path

    text = (Path(__file__).resolve().parents[2] / "config.yaml").read_text("utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(text.replace("range: [0, 63]", "range: [0, 60]"), "utf-8")
    with pytest.raises(ConfigError, match=r"outcomes\.bdi2\.range: found 0 to 60, but BDI-II"):
        load_study(path, check_files=False)
