"""Figures of missing scores when there is little to show, and what they show when there is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from ipt_outcomes.figures import draw_figure
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.study import Study


def drawn(name: str, study: Study, rows: pd.DataFrame) -> Drawing:
    return draw_figure(name, study=study, estimates=rows, trial="example")


def texts(drawing: Drawing) -> set[str]:
    return {text.get_text() for text in drawing.figure.findobj(Text)}


def test_nothing_could_be_examined(example: Study, rows: pd.DataFrame) -> None:
    # Every assumption was impossible: only such rows are left.
    about = rows["analysis"].str.startswith("robustness")
    few = rows[~about | (rows["analysis"] == "robustness, last mean carried forward")]
    for name in ("robustness", "robustness_remission", "tipping_points"):
        drawing = drawn(name, example, few)
        assert len(drawing.data) == 0
        assert any("othing" in text or "no score" in text.lower() for text in texts(drawing))


def test_an_impossible_assumption_has_its_line(example: Study, rows: pd.DataFrame) -> None:
    drawing = drawn("robustness", example, rows)
    assert {"Last mean carried forward", "not possible"} <= texts(drawing)


def test_rubins_interval_stands_beside(example: Study, rows: pd.DataFrame) -> None:
    data = drawn("robustness", example, rows).data
    width = (data["upper"] - data["lower"]).groupby(data["variance"]).mean()
    assert width["Rubin"] > width["first"]
    assert "primary" in width


def test_the_tipping_line_is_where_a_bound_is_zero(example: Study, rows: pd.DataFrame) -> None:
    drawing = drawn("tipping_points", example, rows)
    surfaces = [axes for axes in drawing.figure.axes if axes.get_ylabel().startswith("Shift")]
    assert len(surfaces) == 2
    # The made-up upper bound is −1.3 − k + 0.4 d − 0.2 r for the kth comparison.
    for k, axes in enumerate(surfaces):
        line = next(
            np.vstack([path.vertices for path in found.get_paths()])
            for found in axes.collections
            if len(found.get_paths()) == 1 and not found.get_fill()
        )
        assert -1.3 - k + 0.4 * line[:, 0] - 0.2 * line[:, 1] == pytest.approx(0.0, abs=1e-6)
    assert "tips at +3.2" in texts(drawing)


def test_withheld_patterns_are_not_drawn(example: Study, rows: pd.DataFrame) -> None:
    drawing = drawn("missing_scores", example, rows)
    patterns = drawing.data[drawing.data["panel"] == "B"]
    assert patterns["estimate"].notna().all()
    assert len(patterns) == 3
    assert "rare patterns, withheld" in texts(drawing)
