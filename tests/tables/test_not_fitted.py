"""Rows without numbers: a model that could not be fitted, a subgroup that is too small."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from ipt_outcomes.figures import draw_figure, figure_names
from ipt_outcomes.results import NOT_FITTED, estimates
from ipt_outcomes.study import Study
from ipt_outcomes.tables import make_tables

WHY = "not fitted: unstructured: the information is not positive definite"


def without(rows: pd.DataFrame, study: Study, analysis: str, **about: str) -> pd.DataFrame:
    """Put one row that says so in place of all rows of an analysis."""
    gone = rows["analysis"].str.startswith(analysis)
    for column, value in about.items():
        gone &= rows[column] == value
    assert gone.any()
    row = {
        "trial": "example", "outcome": study.primary_outcome, "analysis": analysis.strip(", "),
        "analysis_set": "as randomised", "estimand": study.primary_estimand,
        "quantity": "difference", "contrast": "the model", "method": NOT_FITTED,
        "converged": False, "status": "exploratory", "disclosure": "shared", "notes": WHY, **about,
    }  # fmt: skip
    return pd.concat([rows[~gone], estimates([row])], ignore_index=True)


@pytest.mark.parametrize(
    ("analysis", "table"),
    [
        ("problem areas", "problem_areas"),
        ("medication", "medication"),
        ("moderators", "moderators"),
        ("therapists", "therapists"),
        ("families of hypotheses", "analysis_families_of_hypotheses"),
    ],
)
def test_the_note_stands_below_the_table_of_the_analysis(example, rows, analysis, table):
    if analysis.startswith("families"):
        lost = pd.concat([rows, without(rows, example, "medication").tail(1).assign(
            analysis=analysis, id="x")])  # fmt: skip
    else:
        lost = without(rows, example, analysis)
    made = make_tables(study=example, estimates=lost, trial="example")
    told = [name for name, one in made.items() if any(WHY in str(t) for t in one.footnotes)]
    assert table in told
    assert all(name.startswith((table, f"analysis_{table}")) for name in told)
    assert not any(WHY in str(line.label) for line in made[table].lines)


def test_a_secondary_outcome_without_a_fit_stops_no_table_and_no_figure(example, rows):
    outcome = next(o for o in example.outcomes_of("example") if o != example.primary_outcome)
    lost = without(rows, example, "primary", outcome=outcome)
    made = make_tables(study=example, estimates=lost, trial="example")
    told = {name for name, one in made.items() if any(WHY in str(t) for t in one.footnotes)}
    first = f"adjusted_means_{outcome}__{example.primary_estimand}"
    assert {f"endpoint_differences_{outcome}", first, "secondary_outcomes"} <= told
    assert not any(example.primary_outcome in name for name in told)
    for name in figure_names(example, "example"):
        draw_figure(name, study=example, estimates=lost, trial="example")


@pytest.mark.parametrize("name", ["problem_areas", "medication", "moderators"])
def test_a_figure_without_a_fit_says_so(example, rows, name):
    lost = without(rows, example, name.replace("_", " "))
    drawing = draw_figure(name, study=example, estimates=lost, trial="example")
    assert WHY in str(drawing.caption)


def test_a_level_of_a_moderator_that_is_too_small_stands_without_numbers(example, rows):
    shared = rows[rows["analysis"] == "moderators, Recurrent depression"].iloc[0]
    level = "Recurrent depression: Unknown"
    small = {name: shared[name] for name in ("trial", "outcome", "analysis", "analysis_set",
                                             "estimand", "visit", "status", "disclosure")}  # fmt: skip
    small |= {"quantity": "difference", "contrast": "all arms", "subgroup": level,
              "method": "not estimated", "notes": "fewer than 5 participants in an arm, suppressed"}  # fmt: skip
    with_it = pd.concat([rows, estimates([small])], ignore_index=True)
    table = make_tables(study=example, estimates=with_it, trial="example")["moderators"]
    (line,) = [line for line in table.lines if str(line.label) == level]
    assert not any(re.search(r"\d\.\d", str(cell)) for cell in line.cells)
    drawing = draw_figure("moderators", study=example, estimates=with_it, trial="example")
    assert level not in set(drawing.data["subgroup"])
