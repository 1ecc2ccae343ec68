"""A synthesis in the report: its numbers are its rows', and nothing is typed."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from made_up import example_study

from ipt_outcomes.figures.drawing import words_as_json
from ipt_outcomes.figures.pooling import pooling_figures
from ipt_outcomes.report.page import report_html
from ipt_outcomes.report.pieces import ReportPieces
from ipt_outcomes.report.pooling import pooled_result, save_synthesis, synthesis_section
from ipt_outcomes.results import combine
from ipt_outcomes.study import Study
from ipt_outcomes.study.synthesis import Synthesis
from ipt_outcomes.synthesis import PoolingPlan, make_effects, pool_trials
from ipt_outcomes.tables.pooling import pooling_tables
from ipt_outcomes.tables.quotes import FORMS
from ipt_outcomes.tables.rows import Rows

from .page_reader import read_page
from .rendered import TRACED, pieces

SECRET = "<script>alert(1)</script>"
HOSTILE = f"=cmd|calc {SECRET} $x^2$ \u202eرقم 🙂 " + "long" * 50
"""A trial's name from a table that others made."""


def effects(measure: str, trials: int, rows_each: int = 1):
    called = [HOSTILE, *(f"T{place}" for place in range(1, trials))]
    names = [name for name in called for _ in range(rows_each)]
    n = len(names)
    return make_effects(
        measure,
        {
            "trial": names,
            "outcome": [f"scale {place % rows_each}" for place in range(n)],
            "estimate": [0.1 + 0.07 * (place * 5 % 11) for place in range(n)],
            "se": [0.15 + 0.02 * (place % 4) for place in range(n)],
            "n_arm": [30.0] * n, "n_reference": [28.0] * n,
        },
        moderators=pd.DataFrame({"control": [("usual care", SECRET)[p % 2] for p in range(n)],
                                 "weeks": [float(8 + p % 5) for p in range(n)]}),
    )  # fmt: skip


def pooled(measure: str, trials: int, rows_each: int = 1) -> tuple[Study, pd.DataFrame]:
    plan = Synthesis(label=f"Depression {SECRET}", outcome="depression", measure=measure,
                     comparison="IPT against control")  # fmt: skip
    study = example_study().model_copy(update={"synthesis": {"depression": plan}})
    asked = PoolingPlan("depression", "depression", plan.comparison, subgroups=("control",),
                        moderators=(("weeks",),))  # fmt: skip
    return study, pool_trials(effects(measure, trials, rows_each), asked)


def drawn(study: Study, rows: pd.DataFrame, folder: Path) -> list[Path]:
    """The words of the figures; drawing every format takes its time."""
    paths = []
    for name, drawing in pooling_figures(study, "depression", rows).items():
        paths.append(folder / f"{name}.json")
        words = words_as_json(
            title=drawing.title, caption=drawing.caption, alt_text=drawing.alt_text
        )
        paths[-1].write_text(words, "utf-8")
        paths[-1].with_suffix(".svg").write_text('<svg viewBox="0 0 510 300"/>')
    return paths


def test_every_number_of_a_synthesis_is_quoted(tmp_path, rows):
    study, mine = pooled("g", 12, 2)
    table = combine([rows, mine])
    figures = drawn(study, mine, tmp_path)
    assert [path.stem for path in figures] == ["forest", "funnel"]
    html = report_html(
        ReportPieces(study=study, estimates=table, syntheses={"depression": figures},
                     trials={"example": pieces(study, rows, tmp_path)})
    )  # fmt: skip
    assert SECRET not in html
    page = read_page(html)
    (part,) = page.all("section", id="synthesis-depression")
    by_id = {row["id"]: row for row in Rows.of(mine, "depression")}
    quotes = part.all(data_estimate=None)
    assert len(quotes) > 80
    for quote in quotes:
        row = by_id[str(quote.attributes["data-estimate"])]
        assert quote.text == FORMS[str(quote.attributes["data-form"])](row)
    assert not re.findall(r".{0,40}\d.{0,40}", part.text_without(*TRACED, tags=("style",)))
    headline = next(r for r in by_id.values() if r["contrast"] == "pooled effect")
    assert f"Hedges g\N{NO-BREAK SPACE}{headline['estimate']:.2f}" in part.text
    (summary,) = page.all("section", id="summary")
    assert headline["id"] in {str(q.attributes["data-estimate"]) for q in
                              summary.all(data_estimate=None)}  # fmt: skip


def test_hostile_names_are_only_text_in_figures_and_tables(tmp_path):
    study, mine = pooled("g", 4)
    save_synthesis(study, "depression", mine, tmp_path, tmp_path)
    forest = (tmp_path / "forest.svg").read_text("utf-8")
    assert "<script" not in forest
    for name in ("forest.csv", "pooled_leave_one_out.csv"):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert any("calc" in cell for cell in cells)
        assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
    for page in tmp_path.glob("*.html"):
        assert "<script" not in page.read_text("utf-8")


def test_tables_hold_checks_groups_and_what_each_trial_moves():
    study, mine = pooled("g", 12, 2)
    tables = pooling_tables(study, "depression", mine)
    assert set(tables) == {"pooled_effects", "pooled_heterogeneity", "pooled_moderators",
                           "pooled_leave_one_out"}  # fmt: skip
    text = tables["pooled_effects"].frame().to_string()
    for words in ("Three-level model", "Correlation 0.2", "control: usual care", "Headline"):
        assert words in text
    assert len(tables["pooled_leave_one_out"].lines) == 12


@pytest.mark.parametrize(
    ("measure", "words"),
    [("g", "contain zero"), ("log rr", "risk ratio 1."), ("md", "lower score")],
)
def test_sentence_says_the_scale_and_which_way_it_points(measure, words):
    study, mine = pooled(measure, 12)
    plan = study.synthesis["depression"]
    said = str(pooled_result(plan, Rows.of(mine, "depression")))
    assert words in said
    assert "Over 12 trials (12 comparisons, 696 participants)" in said
    assert ("does not contain one" in said) == (measure == "log rr")


def test_funnel_of_ratios_is_labelled_with_ratios():
    study, mine = pooled("log rr", 10)
    axes = pooling_figures(study, "depression", mine)["funnel"].figure.axes[0]
    at = dict(zip(axes.get_xticks(), (label.get_text() for label in axes.get_xticklabels()),
                  strict=True))  # fmt: skip
    assert {"1", "1.5", "2"} <= set(at.values())
    assert all(math.exp(place) == pytest.approx(float(label)) for place, label in at.items())
    assert "log scale" in axes.get_xlabel()


def test_few_trials_have_no_funnel_and_say_what_was_not_done(tmp_path):
    study, mine = pooled("g", 2)
    figures = drawn(study, mine, tmp_path)
    assert [path.stem for path in figures] == ["forest"]
    section = synthesis_section(study, "depression", mine, figures)
    text = " ".join(map(str, section.paragraphs))
    assert "Small-study effects were not tested: 2 trials are too few" in text
    assert ".." not in text
