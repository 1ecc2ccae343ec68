"""Figures of events and of reliable change when counts are hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from tidy import assert_tidy

from ipt_outcomes.figures import draw_figure
from ipt_outcomes.figures.reliable_change import CLASSES
from ipt_outcomes.study import Study


def with_hidden_steps(rows: pd.DataFrame, arm: str, visits: list[str]) -> pd.DataFrame:
    rows = rows.copy()
    hidden = (rows["analysis"] == "time to response") & (rows["quantity"] == "survival")
    hidden &= (rows["arm"] == arm) & rows["visit"].isin(visits)
    assert hidden.sum() == len(visits)
    for name in ("estimate", "se", "lower", "upper"):
        rows.loc[hidden, name] = np.nan
    rows.loc[hidden, "notes"] = "known at visits only; suppressed: fewer than 5"
    return rows


def test_a_curve_breaks_where_a_step_is_hidden(example: Study, rows: pd.DataFrame) -> None:
    about = {"study": example, "trial": "example"}
    whole = draw_figure("time_to_events", estimates=rows, **about)
    assert "broken" not in str(whole.caption)
    few = with_hidden_steps(rows, "IPT", ["week_4", "week_12"])
    drawing = draw_figure("time_to_events", estimates=few, **about)
    assert "A curve is broken where its height would tell of few participants" in str(
        drawing.caption
    )
    axes = next(a for a in drawing.figure.axes if a.get_title(loc="left").startswith("Response"))
    curves = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    heights = [np.asarray(line.get_ydata(), float) for line in curves]
    weeks = [np.asarray(line.get_xdata(), float) for line in curves]
    broken = [(x, y) for x, y in zip(weeks, heights, strict=True) if np.isnan(y).any()]
    assert len(broken) == 1
    x, y = broken[0]
    assert x[np.isnan(y)].tolist() == [4.0, 12.0]
    hidden = drawing.data[drawing.data["estimate"].isna()]
    assert hidden["week"].tolist() == [4.0, 12.0]
    assert_tidy(drawing)


def test_an_arm_without_any_shown_step_keeps_its_name(example: Study, rows: pd.DataFrame) -> None:
    visits = [visit for visit in example.visits_of("example") if visit != example.baseline]
    few = with_hidden_steps(rows, "IPT", visits)
    drawing = draw_figure("time_to_events", study=example, trial="example", estimates=few)
    assert_tidy(drawing)


def test_hidden_classes_keep_their_place(example: Study, rows: pd.DataFrame) -> None:
    """Of 70 there are 30, hidden, 25 and 2: the hidden class is the 13 that are left."""
    drawing = draw_figure("reliable_change", study=example, trial="example", estimates=rows)
    axes = drawing.figure.axes[0]
    first = axes.patches[:4]
    ends = np.cumsum([0, 30, 13, 25]) / 70 * 100
    assert np.allclose([bar.get_x() for bar in first], ends)
    assert np.isclose(first[-1].get_x() + first[-1].get_width(), 100)
    assert first[1].get_hatch()
    colours = dict(CLASSES)
    assert to_hex(first[2].get_facecolor()) == colours["no reliable change"]
    texts = {text.get_text() for text in drawing.figure.texts}
    assert "not shown" in texts
    assert "reliably improved" not in texts  # this outcome has a clinical range
    assert_tidy(drawing)
