"""The course, the 2 × 2, margins, processes, therapists, residuals and baseline: drawn as estimated.

Each figure is held against the rows that it is drawn from: its data, its n, what it hides.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import example_study, hostile_study, made_up, whole_config
from matplotlib.text import Text
from tidy import assert_tidy

from ipt_outcomes.figures import draw_figure, figure_names
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.insiders import draw_insiders
from ipt_outcomes.figures.insiders_models import residual_plot, therapist_effects
from ipt_outcomes.results import estimates
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import FORMS
from ipt_outcomes.tables.rows import Rows

LATE = ("baseline_distributions", "additivity", "non_inferiority", "response_by_visit", "growth",
        "durability", "sudden_gains", "within_person", "therapists", "diagnostics")  # fmt: skip


@pytest.fixture(scope="module")
def drawn(whole: Study, whole_rows: pd.DataFrame) -> dict[str, Drawing]:
    return {
        name: draw_figure(name, study=whole, estimates=whole_rows, trial="example") for name in LATE
    }


def texts(drawing: Drawing) -> list[str]:
    return [text.get_text() for text in drawing.figure.findobj(Text)]


def test_figures_appear_where_the_analysis_is_on(whole: Study, example: Study) -> None:
    assert set(LATE) <= set(figure_names(whole, "example"))
    asked = set(figure_names(example, "example"))
    assert not asked & {"additivity", "non_inferiority", "sudden_gains", "within_person"}
    brief = whole_config()
    for visit in [name for name in brief["visits"] if name == "week_40"]:
        brief["visits"][visit]["week"] = 15.5  # nothing comes after the endpoint any more
        brief["visits"][visit].pop("window_days")
    assert "durability" not in figure_names(example_study(brief), "example")
    assert {"growth", "durability", "therapists", "diagnostics", "response_by_visit"} <= asked


@pytest.mark.parametrize("name", LATE)
def test_the_data_are_the_rows_and_the_words_quote_them(
    name: str, drawn: dict[str, Drawing], whole_rows: pd.DataFrame
) -> None:
    drawing = drawn[name]
    by_id = {row["id"]: row for row in Rows.of(whole_rows, "example")}
    assert len(drawing.data)
    assert drawing.data["id"].is_unique
    for mark in drawing.data.to_dict("records"):
        row = by_id[mark["id"]]
        for column in ("estimate", "lower", "upper"):
            if column in mark:
                assert mark[column] == row[column] or (
                    row[column] is None and pd.isna(mark[column])
                )
        n = mark.get("n_arm", mark.get("n"))
        assert n == row["n_arm"] or (row["n_arm"] is None and pd.isna(n))
    quoted = 0
    for text in (drawing.title, drawing.caption, drawing.alt_text):
        for piece in text.pieces:
            if piece.estimate:
                quoted += 1
                assert piece.text == FORMS[piece.form](by_id[piece.estimate])
            elif not piece.origin:
                assert not re.search(r"\d", piece.text), piece.text
    assert quoted
    assert re.search(r"\bn\b", str(drawing.caption))


@pytest.mark.parametrize("name", LATE)
def test_nothing_overlaps_or_leaves_the_page(name: str, drawn: dict[str, Drawing]) -> None:
    assert_tidy(drawn[name])


def test_hostile_labels_stay_on_the_page_and_are_no_markup(tmp_path: Path) -> None:
    study = hostile_study(whole_config())
    rows = made_up(study)
    for name in ("additivity", "non_inferiority", "sudden_gains", "within_person", "durability"):
        drawing = draw_figure(name, study=study, estimates=rows, trial="example")
        assert_tidy(drawing)
        assert "<script" not in drawing.caption.html()
        drawing.save(tmp_path / name)
        assert b"<script" not in (tmp_path / f"{name}.svg").read_bytes()
        cells = pd.read_csv(tmp_path / f"{name}.csv").to_numpy().ravel()
        assert not any(str(cell).startswith(("=", "@")) for cell in cells)


def test_small_classes_are_hatched_and_not_drawn(drawn: dict[str, Drawing]) -> None:
    drawing = drawn["baseline_distributions"]
    assert drawing.data["estimate"].isna().sum() == 4  # two classes of one arm, two outcomes
    hatched = [patch for axes in drawing.figure.axes for patch in axes.patches if patch.get_hatch()]
    assert len(hatched) == 4
    assert "Hatched" in str(drawing.caption)
    heights = sorted(
        patch.get_height() for patch in drawing.figure.axes[0].patches if not patch.get_hatch()
    )
    assert heights == pytest.approx([100 * 25 / 80, 100 * 30 / 80])


def test_hidden_shares_leave_gaps_and_say_so(drawn: dict[str, Drawing]) -> None:
    by_visit = drawn["response_by_visit"]
    hidden = by_visit.data[by_visit.data["estimate"].isna()]
    assert len(hidden) == 2
    points = [len(line.get_xdata()) for line in by_visit.figure.axes[0].lines]
    later = by_visit.data["visit"].nunique()
    assert sorted(points) == [later - 1, later, later, later]
    gains = drawn["sudden_gains"]
    assert gains.data["estimate"].isna().sum() == 1
    assert "not shown" in texts(gains)


def test_the_margin_and_zero_stand_where_they_are(drawn: dict[str, Drawing]) -> None:
    (axes,) = drawn["non_inferiority"].figure.axes
    upright = {
        round(float(path.vertices[0, 0]), 6)
        for lines in axes.collections
        for path in lines.get_paths()
        if path.vertices[0, 0] == path.vertices[-1, 0]
    }
    assert upright == {0.0, -2.5}
    assert "2.5" in str(drawn["non_inferiority"].caption)
    assert "Verdict: it was shown. n" in str(drawn["non_inferiority"].caption)


def test_the_verdict_on_additivity_is_quoted(drawn: dict[str, Drawing]) -> None:
    caption = str(drawn["additivity"].caption)
    assert "1.20 [−1.30, 3.70]: no clear interaction." in caption
    assert "F(4, 170.3) = 1.20, p = .310" in caption


def test_each_direction_has_its_own_axis(drawn: dict[str, Drawing]) -> None:
    first, second, panel = drawn["within_person"].figure.axes
    assert len({axes.get_xlim() for axes in (first, second, panel)}) == 3
    shown = texts(drawn["within_person"])
    assert "bond → mood, the next session" in shown
    assert "bond → mood, the next occasion (cross-lagged panel)" in shown


def test_curves_pass_through_their_rows(drawn: dict[str, Drawing]) -> None:
    axes = drawn["growth"].figure.axes[0]
    data = drawn["growth"].data
    ends = data[(data["analysis"] == "growth, curve") & (data["subgroup"] == "week 16")]
    drawn_at = {round(float(y), 9) for line in axes.lines for y in line.get_ydata()}
    assert {round(value, 9) for value in ends["estimate"]} <= drawn_at


# --- figures of persons --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def residuals() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    who = [f"SECRET{i:02}" for i in range(12)]
    return pd.DataFrame(
        {"participant": np.repeat(who, 3), "visit": ["week_4", "week_8", "week_16"] * 12,
         "residual": rng.normal(size=36), "fitted": rng.normal(12, 3, 36)}
    )  # fmt: skip


@pytest.fixture(scope="module")
def therapist_rows() -> pd.DataFrame:
    shared = {"trial": "example", "outcome": "hamd17", "analysis_set": "as randomised",
              "method": "mixed model", "status": "exploratory", "level": 0.95}  # fmt: skip
    effects = [
        {**shared, "analysis": "therapists, predicted effects", "quantity": "predicted effect",
         "subgroup": f"therapist SECRET{k}", "estimate": value, "lower": value - 1,
         "upper": value + 1, "n_arm": 5 + k, "disclosure": "restricted"}
        for k, value in enumerate((0.4, -0.9, 0.1))
    ]  # fmt: skip
    similar = {**shared, "analysis": "therapists", "quantity": "intraclass correlation",
               "arm": "IPT", "estimate": 0.031, "lower": 0.0, "upper": 0.14,
               "disclosure": "shared"}  # fmt: skip
    return estimates([*effects, similar])


def test_every_residual_is_drawn_against_its_quantile(
    example: Study, residuals: pd.DataFrame
) -> None:
    arms = pd.Series(dict.fromkeys(residuals["participant"].unique(), "IPT"))
    drawing = residual_plot(example, "example", "hamd17", residuals, arms)
    assert sorted(drawing.data["residual"]) == sorted(residuals["residual"])
    assert drawing.data["normal"].is_monotonic_increasing
    assert drawing.data["normal"].sum() == pytest.approx(0.0, abs=1e-9)
    assert str(drawing.caption).startswith("Shows persons: not to be shared.")
    assert_tidy(drawing)


def test_therapists_are_ordered_without_names(example: Study, therapist_rows: pd.DataFrame) -> None:
    drawing = therapist_effects(example, "example", therapist_rows)
    assert drawing.data["estimate"].tolist() == [-0.9, 0.1, 0.4]
    assert drawing.data["n_arm"].tolist() == [6, 7, 5]
    assert "IPT 0.031 [0.000, 0.140]" in str(drawing.caption)
    assert "no ranking" in str(drawing.caption)
    assert not [text for text in texts(drawing) if "SECRET" in text]


def test_no_id_of_anyone_is_written(
    example: Study, residuals: pd.DataFrame, therapist_rows: pd.DataFrame, tmp_path: Path
) -> None:
    people = residuals["participant"].unique()
    names = draw_insiders(
        example, "example",
        scores=pd.DataFrame({"participant": people, "outcome": "hamd17", "visit": "week_4",
                             "score": 11.0}),
        participants=pd.DataFrame({"participant": people, "arm": "IPT"}),
        rows=therapist_rows, residuals={"hamd17": residuals}, folder=tmp_path,
    )  # fmt: skip
    assert names == ["trajectories", "therapist_effects", "residuals_hamd17"]
    for path in tmp_path.iterdir():
        assert b"SECRET" not in path.read_bytes(), path.name
