"""Figures that show persons: every course, every change, and no id of anyone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.figures.insiders import change_plot, draw_insiders, trajectories
from ipt_outcomes.results import estimates
from ipt_outcomes.study import Study

N = 12


@pytest.fixture(scope="module")
def participants(example: Study) -> pd.DataFrame:
    arms = example.arms_of("example")
    return pd.DataFrame({"participant": [f"SECRET{i:02}" for i in range(N)], "arm": (arms * N)[:N]})


@pytest.fixture(scope="module")
def scores(example: Study, participants: pd.DataFrame) -> pd.DataFrame:
    visits = example.visits_of("example")
    return pd.DataFrame(
        [
            {"participant": person, "outcome": outcome, "visit": visit,
             "score": np.nan if (i + k) % 5 == 4 else 20.0 - k + i / 4}
            for i, person in enumerate(participants["participant"])
            for outcome in example.outcomes_of("example")
            for k, visit in enumerate(visits)
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def rows(example: Study, participants: pd.DataFrame) -> pd.DataFrame:
    shared = {"trial": "example", "outcome": example.primary_outcome, "quantity": "score",
              "analysis": "change of each participant", "analysis_set": "as randomised",
              "method": "observed", "status": "exploratory", "disclosure": "restricted"}  # fmt: skip
    endpoint = example.estimands[example.primary_estimand].endpoint
    return estimates(
        {**shared, "arm": arm, "subgroup": f"participant {person}", "visit": visit,
         "estimate": 18.0 - 9 * k, "contrast": "no reliable change"}
        for person, arm in participants.itertuples(index=False)
        for k, visit in enumerate((example.baseline, endpoint))
    )  # fmt: skip


def test_every_course_is_drawn_once(
    example: Study, scores: pd.DataFrame, participants: pd.DataFrame
) -> None:
    arms = participants.set_index("participant")["arm"]
    drawing = trajectories(example, "example", scores, arms)
    lines = sum(len(axes.lines) for axes in drawing.figure.axes)
    assert lines == N + len(example.arms_of("example"))  # and a mean in each panel
    of_primary = scores[scores["outcome"] == example.primary_outcome]
    assert len(drawing.data) == of_primary["score"].notna().sum()
    assert str(drawing.caption).startswith("Shows persons: not to be shared.")


def test_change_is_drawn_for_everyone_with_both_scores(example: Study, rows: pd.DataFrame) -> None:
    drawing = change_plot(example, "example", rows)
    assert len(drawing.data) == N
    (axes,) = drawing.figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"no reliable change (n = {N})" in labels
    assert "reliably deteriorated (n = 0)" in labels


def test_an_instrument_without_a_clinical_range_has_its_own_class(
    example: Study, rows: pd.DataFrame
) -> None:
    improved = rows.assign(contrast="reliably improved")
    (axes,) = change_plot(example, "example", improved).figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [f"reliably improved (n = {N})", "no reliable change (n = 0)",
                      "reliably deteriorated (n = 0)"]  # fmt: skip


def test_no_id_leaves_the_frames(
    example: Study, scores: pd.DataFrame, participants: pd.DataFrame, rows: pd.DataFrame,
    tmp_path: Path,
) -> None:  # fmt: skip
    names = draw_insiders(example, "example", scores=scores, participants=participants, rows=rows,
                          folder=tmp_path)  # fmt: skip
    assert names == ["trajectories", "change_plot"]
    for path in tmp_path.iterdir():
        assert b"SECRET" not in path.read_bytes(), path.name


def test_without_change_rows_the_courses_are_still_drawn(
    example: Study, scores: pd.DataFrame, participants: pd.DataFrame, tmp_path: Path
) -> None:
    names = draw_insiders(example, "example", scores=scores, participants=participants,
                          rows=estimates([]), folder=tmp_path)  # fmt: skip
    assert names == ["trajectories"]
