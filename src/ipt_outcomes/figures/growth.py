"""The course of the primary outcome as curves: straight within each phase, with its slopes."""

from __future__ import annotations

import re

import pandas as pd

from ipt_outcomes.figures.courses import WEEKS, Course, draw_courses
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import (
    DATA,
    about_method,
    bar_of,
    forest_data,
    interval_words,
    spoken,
)
from ipt_outcomes.figures.means import bars_are, mark_of
from ipt_outcomes.figures.style import (
    arm_colour,
    arm_marker,
    letter_panels,
    new_figure,
    styled,
)
from ipt_outcomes.figures.timeline import Timeline
from ipt_outcomes.tables.quotes import Text, capitalised, estimated, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, Source

CURVE = "growth, curve"
UPPER = 3.1
"""Height of the panel of curves, in inches."""
BETWEEN = 0.3
_TIME = re.compile(r"^(week|session) (\d+(?:\.\d+)?)$")


def growth(source: Source) -> Drawing:
    """Draw each arm's curve with its observed means, and below the slope of each phase."""
    study = source.study
    outcome = study.primary_outcome
    settings = study.outcomes[outcome]
    curve = source.rows.where(analysis=CURVE, quantity="mean")
    slopes = source.rows.where(analysis="growth", quantity="slope")
    differences = source.rows.where(analysis="growth", quantity="difference")
    observed = _observed(source, curve)
    blocks = [_block(source, phase, slopes) for phase in slopes.values("subgroup")]
    unit = next(iter(slopes), None)
    worse = settings.higher_is == "worse"
    sides = ("improving", "worsening")
    with styled():
        figure = new_figure(UPPER + BETWEEN + forest_height(blocks))
        draw_courses(
            figure, 0.18, UPPER - 0.18,
            [_course(source, curve, observed, arm) for arm in source.arms],
            _timeline(source, curve),
            y_label=f"{settings.short_label} ({settings.unit})\n{source.direction(outcome)}",
            x_label=WEEKS if _unit(curve) == "week" else "Session", counts=None,
        )  # fmt: skip
        draw_forest(
            figure, UPPER + BETWEEN, blocks, heads=("n", f"slope {interval_words(slopes)}", "p"),
            x_label=f"Slope, {settings.short_label} ({unit['unit'] if unit else settings.unit})",
            sides=sides if worse else (sides[1], sides[0]),
        )  # fmt: skip
        letter_panels(figure, A=0.03, B=UPPER + BETWEEN - 0.16)
    data = pd.concat([forest_data(rows) for rows in (curve, observed, slopes)], ignore_index=True)
    return Drawing(
        figure,
        data[list(DATA)],
        words("Course of ", source.outcome(outcome), " by phase: ", source.trial_label()),
        words(
            "A: curves of the model by arm, straight within each phase, with one mean at the "
            "start; ", bars_are(curve), " at the ends of phases. ",
            "Hollow: observed means. " if len(observed) else "",
            "B: slopes by phase and arm with their intervals; p-values are of no change, not "
            "adjusted for multiplicity. n: participants in the model. ",
            _tests(source), _differences(source, differences), source.outcome(outcome),
            f": {source.direction(outcome)}. ", about_method(slopes),
        ),
        words("Two panels. A: curves by arm over time. B: forest of slopes by phase: ",
              spoken(list(slopes), [words(source.arm(row["arm"]), ", ", quote(row, "subgroup"))
                                    for row in slopes])),
    )  # fmt: skip


def _unit(curve: Rows) -> str:
    found = [_TIME.match(row["subgroup"] or "") for row in curve]
    return next((m[1] for m in found if m), "week")


def _time(row: Row) -> float | None:
    found = _TIME.match(row["subgroup"] or "")
    return float(found[2]) if found else None


def _timeline(source: Source, curve: Rows) -> Timeline:
    times = sorted({time for row in curve if (time := _time(row)) is not None})
    study = source.study
    plan = study.analyses.growth
    endpoint = study.visits[study.endpoint].week
    ends = list(plan.phases.values()) if plan is not None else []
    last = max(ends, default=endpoint)
    return Timeline(times[0] if times else 0.0, tuple(times[1:]), last, last)


def _course(source: Source, curve: Rows, observed: Rows, arm: str) -> Course:
    study = source.study
    marks = [
        mark_of(row, time)
        for row in curve.where(arm=arm)
        if row["estimate"] is not None and (time := _time(row)) is not None
    ]
    means = [(study.visits[row["visit"]].week, row["estimate"]) for row in observed.where(arm=arm)]
    return Course(study.arms[arm].label, arm_colour(study, arm), arm_marker(study, arm), marks,
                  observed=sorted(means))  # fmt: skip


def _observed(source: Source, curve: Rows) -> Rows:
    """Observed means are known by visit: they have a place on an axis of weeks only."""
    if _unit(curve) != "week":
        return Rows([])
    found = source.rows.where(
        analysis="observed", outcome=source.study.primary_outcome, quantity="observed mean",
        analysis_set=AS_RANDOMISED, subgroup=None,
    )  # fmt: skip
    return Rows([row for row in found if row["estimate"] is not None and row["arm"] is not None])


def _block(source: Source, phase: str, slopes: Rows) -> Block:
    study = source.study
    return Block(capitalised(phase), [
        bar_of(row, source.arm(row["arm"]).text, strong=True, colour=arm_colour(study, row["arm"]),
               marker=arm_marker(study, row["arm"]))
        for row in slopes.where(subgroup=phase)
    ])  # fmt: skip


def _tests(source: Source) -> Text:
    row = source.rows.first(analysis="growth", quantity="test")
    if row is None or row["statistic"] is None:
        return words()
    return words("Test of ", quote(row, "contrast"), ": F(", quote(row, "numerator df"), ", ",
                 quote(row, "df"), ") = ", quote(row, "statistic"), ", p ",
                 quote(row, "p equation"), ". ")  # fmt: skip


def _differences(source: Source, rows: Rows) -> Text:
    """Give the differences between arms of the first phase; all stand in the table."""
    phase = next((row["subgroup"] for row in rows), None)
    first = list(rows.where(subgroup=phase))
    said = [words(source.difference(row), " ", estimated(row))
            for row in first]  # fmt: skip
    if not said:
        return words()
    return words("Differences of slopes, ", quote(first[0], "subgroup"), ": ",
                 joined(said), ". ")  # fmt: skip
