"""Psychotherapy and medication as a 2 × 2: their effects over time, and whether they add up."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.figures.courses import COUNT_ROW, Course, draw_courses
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import (
    about_method,
    bar_of,
    forest_data,
    interval_words,
    n_beside,
    spoken,
)
from ipt_outcomes.figures.means import bars_are, mark_of
from ipt_outcomes.figures.style import (
    AREA_COLOURS,
    AREA_MARKERS,
    QUIET,
    letter_panels,
    new_figure,
    styled,
)
from ipt_outcomes.figures.timeline import Timeline
from ipt_outcomes.tables.factorial import ADDITIVITY, EFFECTS, FACTORIAL, GROUPS, INTERACTION
from ipt_outcomes.tables.quotes import Text, capitalised, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

UPPER = 3.2
"""Height of the panel over time without its counts, in inches."""
BETWEEN = 0.32


def additivity(source: Source) -> Drawing:
    """Draw both components' effects and their interaction over weeks, and all at the endpoint."""
    study = source.study
    outcome = study.primary_outcome
    settings = study.outcomes[outcome]
    endpoint = study.endpoint
    rows = source.rows.where(analysis=FACTORIAL, quantity="difference")
    verdict = source.rows.first(analysis=ADDITIVITY)
    at = rows.where(visit=endpoint)
    over_time = [rows.where(contrast=name) for name in EFFECTS]
    courses = [_course(source, of, k) for k, of in enumerate(over_time)]
    courses = [course for course in courses if course.marks]
    plan = study.analyses.medication
    margin = plan.additivity_margin if plan is not None else None
    blocks = [
        Block(head, [bar_of(row, _short(row), strong=row["contrast"] == INTERACTION)
                     for row in at.where(contrast=names)],
              () if margin is None or head != "Both" else (-margin, margin))
        for head, names in GROUPS
    ]  # fmt: skip
    worse = settings.higher_is == "worse"
    sides = ("lower, better", "higher, worse")
    with styled():
        upper = UPPER + COUNT_ROW / 72 * 2 * len(courses)
        figure = new_figure(upper + BETWEEN + forest_height(blocks))
        axes = draw_courses(
            figure, 0.18, upper - 0.18, courses, Timeline.of(study, source.trial, endpoint),
            y_label=f"Difference in {settings.short_label} ({settings.unit})\n"
                    f"{source.direction(outcome)}",
            counts="n with / without",
        )  # fmt: skip
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, -0.05 * (high - low)), max(high, 0.05 * (high - low)))
        axes.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
        draw_forest(
            figure, upper + BETWEEN, blocks, heads=("n", f"difference {interval_words(rows)}", "p"),
            x_label=f"Difference in {settings.short_label} at {study.visits[endpoint].label} "
                    f"({settings.unit})",
            sides=sides if worse else ("lower, worse", "higher, better"),
        )  # fmt: skip
        letter_panels(figure, A=0.03, B=upper + BETWEEN - 0.16)
    shown = list(at)
    return Drawing(
        figure,
        pd.concat([forest_data([row for of in over_time for row in of]), forest_data(shown)])
        .drop_duplicates("id").reset_index(drop=True),
        words("Psychotherapy and medication together, ", source.outcome(outcome), ": ",
              source.trial_label()),
        words(
            "A: effects of psychotherapy and of medication, each over both levels of the other, "
            "and their interaction, by week; ", bars_are(rows), "; below, n: participants with a "
            "score, with / without. B: all contrasts at ", source.visit(endpoint), "; p-values "
            "are not adjusted for multiplicity. ",
            "Broken lines: the margin of additivity. " if margin is not None else "",
            _verdict(verdict), _over_time(source),
            source.outcome(outcome), f": {source.direction(outcome)}. ", about_method(at),
        ),
        words("Two panels. A: effects over weeks. B: forest of contrasts at ",
              source.visit(endpoint), ": ",
              spoken(shown, [words(quote(row, "contrast")) for row in shown]), " ",
              _verdict(verdict)),
    )  # fmt: skip


def _short(row: Row) -> str:
    return capitalised(str(row["contrast"]))


def _course(source: Source, rows: Rows, place: int) -> Course:
    study = source.study
    at = {row["visit"]: row for row in rows if row["estimate"] is not None}
    marks = [
        mark_of(at[visit], study.visits[visit].week, n_beside(at[visit]))
        for visit in study.visits_of(source.trial)
        if visit in at
    ]
    label = ("Psychotherapy", "Medication", "Interaction")[place]
    return Course(label, AREA_COLOURS[place], AREA_MARKERS[place], marks)


def _verdict(row: Row | None) -> Text:
    if row is None or row["estimate"] is None:
        return words()
    return words("Benefit of both together beyond the sum of the two: ", quote(row, "estimate"),
                 " ", quote(row, "interval"), ": ", quote(row, "notes"), ". ")  # fmt: skip


def _over_time(source: Source) -> Text:
    row = source.rows.first(analysis=f"{FACTORIAL}, over time", quantity="test")
    if row is None or row["statistic"] is None:
        return words()
    return words("Test of ", quote(row, "contrast"), ": F(", quote(row, "numerator df"), ", ",
                 quote(row, "df"), ") = ", quote(row, "statistic"), ", p ",
                 quote(row, "p equation"), ". ")  # fmt: skip
