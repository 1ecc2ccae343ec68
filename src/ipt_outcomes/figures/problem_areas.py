"""The four interpersonal problem areas: their courses, and their pairwise differences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ipt_outcomes.figures.courses import COUNT_ROW, Course, draw_courses
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Bar, Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import interval_words
from ipt_outcomes.figures.means import bars_are, mark_of
from ipt_outcomes.figures.style import (
    area_colour,
    area_marker,
    letter_panels,
    new_figure,
    styled,
)
from ipt_outcomes.figures.timeline import Timeline
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS, PROBLEM_AREAS
from ipt_outcomes.tables.problem_areas import NOT_RANDOMISED
from ipt_outcomes.tables.quotes import FORMS, estimated, joined, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, about_model

COLUMNS = ("panel", "area", "compared_with", "visit", "week", "n", "n_compared_with", "estimate",
           "lower", "upper", "p", "p_adjusted", "id")  # fmt: skip


def problem_areas(source: Source) -> Drawing:
    """Draw the courses of the problem areas above the forest of their differences."""
    study = source.study
    rows = source.rows.where(analysis="problem areas")
    outcome = study.primary_outcome
    endpoint = study.endpoint
    differences = rows.where(quantity="difference")
    courses = [_course(source, rows, area) for area in PROBLEM_AREAS]
    courses = [course for course in courses if course.marks]
    block = Block("", [_bar(source, row) for row in differences])
    settings = study.outcomes[outcome]
    with styled():
        upper = 3.5 + COUNT_ROW / 72 * len(courses)
        figure = new_figure(upper + 0.32 + forest_height([block]))
        draw_courses(
            figure, 0.18, upper - 0.18, courses, Timeline.of(study, source.trial, endpoint),
            y_label=f"{settings.short_label}, adjusted mean ({settings.unit})\n"
                    f"{source.direction(outcome)}",
        )  # fmt: skip
        draw_forest(
            figure, upper + 0.32, [block],
            heads=("n", f"difference {interval_words(differences)}", "p", "p (Holm)"),
            x_label=f"Difference in {settings.short_label} at {study.visits[endpoint].label} "
                    f"({settings.unit})",
            sides=_sides(settings.higher_is == "worse"),
        )  # fmt: skip
        letter_panels(figure, A=0.03, B=upper + 0.14)
    shown = [row for row in differences if row["estimate"] is not None]
    return Drawing(
        figure,
        pd.DataFrame(_data(source, rows), columns=list(COLUMNS)),
        words("Problem areas, ", source.outcome(outcome), ": ", source.trial_label()),
        words(
            NOT_RANDOMISED, " A: adjusted means by primary problem area over weeks; ",
            bars_are(rows.where(quantity="mean")), "; below, participants with a score. B: "
            "pairwise differences at ", source.visit(endpoint), ", the first area minus the "
            "second, with unadjusted intervals; p (Holm) is adjusted over the differences shown. ",
            source.outcome(outcome), f": {source.direction(outcome)}. ",
            about_model(rows),
        ),
        words(
            "Two panels. A: lines of adjusted means by problem area over weeks. B: forest of "
            "pairwise differences at ", source.visit(endpoint), ": ",
            joined([words(source.difference(row), " ", estimated(row)) for row in shown]), ".",
        ),
    )  # fmt: skip


def _sides(higher_is_worse: bool) -> tuple[str, str]:
    sides = ("first area better", "second area better")
    return sides if higher_is_worse else (sides[1], sides[0])


def _course(source: Source, rows: Rows, area: str) -> Course:
    study = source.study
    at = {row["visit"]: row for row in rows.where(quantity="mean", arm=area)}
    marks = [
        mark_of(at[visit], study.visits[visit].week)
        for visit in study.visits_of(source.trial)
        if visit in at and at[visit]["estimate"] is not None
    ]
    return Course(PROBLEM_AREA_LABELS[area], area_colour(area), area_marker(area), marks)


def _bar(source: Source, row: Row) -> Bar:
    return Bar(
        str(source.difference(row)),
        f"{FORMS['n'](row)} / {FORMS['n of reference'](row)}",
        row["estimate"],
        row["lower"],
        row["upper"],
        (
            f"{FORMS['estimate'](row)} {FORMS['interval'](row)}",
            FORMS["p"](row),
            FORMS["adjusted p"](row),
        ),
    )


def _data(source: Source, rows: Rows) -> list[tuple[Any, ...]]:
    panels = {"mean": "A", "difference": "B"}
    return [
        (panels[row["quantity"]], row["arm"], row["reference"], row["visit"],
         source.study.visits[row["visit"]].week, row["n_arm"], row["n_reference"],
         row["estimate"], row["lower"], row["upper"], row["p"], row["p_adjusted"], row["id"])
        for row in rows
        if row["quantity"] in panels
    ]  # fmt: skip
