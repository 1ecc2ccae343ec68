"""Figures: nothing overlaps or leaves the page, every number is traced, the bytes never change."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import ROOT, SECRET, config, example_study, made_up
from matplotlib.text import Text
from PIL import Image
from tidy import assert_tidy

from ipt_outcomes.figures import draw_figure, figure_names, module_of
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import styled
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import FORMS
from ipt_outcomes.tables.quotes import Text as Words
from ipt_outcomes.tables.rows import Rows

KINDS = ("png", "svg", "pdf", "csv", "json", "rst")


def all_figures(study: Study, rows: pd.DataFrame) -> dict[str, Drawing]:
    return {
        name: draw_figure(name, study=study, estimates=rows, trial="example")
        for name in figure_names(study, "example")
    }


@pytest.fixture(scope="module")
def figures(example: Study, rows: pd.DataFrame) -> dict[str, Drawing]:
    return all_figures(example, rows)


@pytest.mark.parametrize(
    "name",
    ["participant_flow", "adjusted_means_hamd17", "adjusted_means_bdi2", "problem_areas",
     "medication", "responders", "reliable_change", "time_to_events", "moderators"],
)  # fmt: skip
def test_text_neither_overlaps_nor_leaves_the_page(figures: dict[str, Drawing], name: str) -> None:
    assert_tidy(figures[name])


def test_hostile_labels_neither_overlap_nor_leave_the_page(
    hostile: Study, hostile_rows: pd.DataFrame
) -> None:
    for drawing in all_figures(hostile, hostile_rows).values():
        assert_tidy(drawing)


def many(arms: int, weeks: list[int]) -> Study:
    raw = copy.deepcopy(config())
    names = ["IPT", "IPT+MED", "MED", "CBT", "SUP", "WAIT"][:arms]
    raw["arms"] = {
        name: raw["arms"].get(name, {**raw["arms"]["MED"], "label": f"Treatment {name.lower()}"})
        for name in names
    }
    raw["reference_arm"] = names[-1]
    raw["visits"] = {
        "baseline": raw["visits"]["baseline"],
        **{f"week_{w}": {"label": f"Week {w}", "week": w, "phase": "treatment"} for w in weeks},
    }
    raw["visits"]["baseline"].pop("window_days")
    codes = raw["trials"]["example"]["codes"]
    codes["arm"] = {str(i): name for i, name in enumerate(names)}
    codes["visit"] = {name: name for name in raw["visits"]}
    for estimand in raw["estimands"].values():
        estimand["endpoint"] = f"week_{weeks[-1]}"
    raw["analyses"] = {"primary": raw["analyses"]["primary"]}
    raw["enrolment"] = {}
    return example_study(raw)


@pytest.mark.parametrize(
    ("arms", "weeks"), [(2, [12]), (2, [8, 12, 22, 35]), (6, [4, 8, 16]), (4, list(range(1, 17)))]
)
def test_other_trials_are_drawn_tidily(arms: int, weeks: list[int]) -> None:
    study = many(arms, weeks)
    figures = all_figures(study, made_up(study))
    assert list(figures) == ["participant_flow", "baseline_distributions",
                             "adjusted_means_hamd17", "adjusted_means_bdi2"]  # fmt: skip
    for drawing in figures.values():
        assert_tidy(drawing)


def test_every_number_of_the_words_is_quoted_from_a_row(
    figures: dict[str, Drawing], rows: pd.DataFrame
) -> None:
    by_id = {row["id"]: row for row in Rows.of(rows, "example")}
    for name, drawing in figures.items():
        for text in (drawing.title, drawing.caption, drawing.alt_text):
            assert str(text)
            for piece in text.pieces:
                if piece.estimate:
                    assert piece.text == FORMS[piece.form](by_id[piece.estimate])
                elif not piece.origin:
                    assert not re.search(r"\d", piece.text), f"{name}: typed {piece.text!r}"


def test_captions_say_model_n_and_interval(figures: dict[str, Drawing]) -> None:
    caption = str(figures["adjusted_means_hamd17"].caption)
    for words in ("mixed model for repeated measures, REML, Kenward–Roger df", "n = 240",
                  "unstructured covariance", "95% confidence intervals", "higher = worse"):  # fmt: skip
        assert words in caption
    assert "not randomised" in str(figures["problem_areas"].caption)


def test_plotted_data_are_the_rows(figures: dict[str, Drawing], rows: pd.DataFrame) -> None:
    by_id = {row["id"]: row for row in Rows.of(rows, "example")}
    for name, drawing in figures.items():
        assert len(drawing.data)
        value = "n" if name == "participant_flow" else "estimate"
        for mark in drawing.data.to_dict("records"):
            estimate = by_id[mark["id"]]["estimate"]
            assert mark[value] == estimate or (estimate is None and pd.isna(mark[value]))
        assert SECRET not in set(drawing.data[value])


def test_an_arm_keeps_its_colour_in_every_figure(
    example: Study, figures: dict[str, Drawing]
) -> None:
    from ipt_outcomes.figures.style import ARM_COLOURS

    for name in ("participant_flow", "adjusted_means_hamd17", "adjusted_means_bdi2"):
        with styled():
            found = {str(artist.get_color()) for artist in figures[name].figure.findobj(Text)}
            found |= {matplotlib_hex(patch.get_edgecolor()) for patch in figures[name].figure.findobj()
                      if hasattr(patch, "get_edgecolor")}  # fmt: skip
        assert set(ARM_COLOURS[: len(example.arms)]) <= found


def matplotlib_hex(colour: object) -> str:
    from matplotlib.colors import to_hex

    values = np.atleast_2d(np.asarray(colour, dtype=object))
    return to_hex(tuple(values[0])) if len(values) else ""


def test_saving_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    draw = (
        "import sys; sys.path.insert(0, sys.argv[1]); from made_up import *;"
        "from ipt_outcomes.figures import draw_figure; s = example_study(); r = made_up(s);"
        "[draw_figure(n, study=s, estimates=r, trial='example').save(f'{sys.argv[2]}/{n}')"
        " for n in ('participant_flow', 'problem_areas')]"
    )
    for turn, seed in (("a", "1"), ("b", "2")):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "MPLBACKEND": "svg" if turn == "b" else "",
        }
        environment = {key: value for key, value in environment.items() if value}
        (tmp_path / turn).mkdir()
        (tmp_path / turn / "matplotlibrc").write_text("lines.linewidth: 9\nfont.size: 30\n")
        subprocess.run(
            [sys.executable, "-c", draw, str(ROOT / "tests" / "tables"), str(tmp_path / turn)],
            check=True, env=environment, cwd=tmp_path / turn if turn == "b" else tmp_path,
        )  # fmt: skip
    names = sorted(p.name for p in (tmp_path / "a").iterdir() if p.suffix)
    assert {Path(name).suffix[1:] for name in names} == set(KINDS)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_files_hold_no_date_and_words_read_back(
    figures: dict[str, Drawing], tmp_path: Path
) -> None:
    drawing = figures["medication"]
    drawing.save(tmp_path / "medication")
    assert sorted(path.suffix[1:] for path in tmp_path.iterdir()) == sorted(KINDS)
    svg = (tmp_path / "medication.svg").read_text("utf-8")
    assert "<dc:date>" not in svg
    pdf = (tmp_path / "medication.pdf").read_bytes()
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf
    assert round(Image.open(tmp_path / "medication.png").info["dpi"][0]) == 300
    words = json.loads((tmp_path / "medication.json").read_text("utf-8"))
    assert words["caption"] == str(drawing.caption)
    assert Words.from_lists(words["pieces"]["caption"]) == drawing.caption


def test_captions_are_safe_in_restructured_text(
    hostile: Study, hostile_rows: pd.DataFrame, tmp_path: Path
) -> None:
    core = pytest.importorskip("docutils.core")
    drawing = draw_figure(
        "adjusted_means_hamd17", study=hostile, estimates=hostile_rows, trial="example"
    )
    drawing.save(tmp_path / "x")
    page = core.publish_parts(
        (tmp_path / "x.rst").read_text("utf-8"), writer="html", settings_overrides={"halt_level": 2}
    )["body"]
    assert "<script" not in page
    assert "\\frac{1}{0}" in page
    assert "system-message" not in page


def test_the_module_of_each_figure_exists(example: Study) -> None:
    from ipt_outcomes.provenance.fingerprint import fingerprint

    prints = {name: fingerprint(module_of(name)) for name in figure_names(example, "example")}
    assert prints["adjusted_means_hamd17"] == prints["adjusted_means_bdi2"]
    modules = {module_of(name) for name in prints}
    assert len(set(prints.values())) == len(modules) > 4


def test_unknown_names_are_refused(example: Study, rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no figure called figure_1"):
        draw_figure("figure_1", study=example, estimates=rows, trial="example")


def test_plotted_data_are_safe_in_a_spreadsheet(
    figures: dict[str, Drawing], tmp_path: Path
) -> None:
    drawing = figures["participant_flow"]
    data = drawing.data.assign(stage="=HYPERLINK(1)")
    replace(drawing, data=data).save(tmp_path / "x")
    back = pd.read_csv(tmp_path / "x.csv")
    assert set(back["stage"]) == {"'=HYPERLINK(1)"}
    assert back["n"].dtype == "int64"
