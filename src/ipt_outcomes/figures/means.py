"""The adjusted means of an outcome by arm over weeks: the figure of the primary analysis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ipt_outcomes.figures.courses import COUNT_ROW, Course, Mark, draw_courses
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import arm_colour, arm_marker, new_figure, styled
from ipt_outcomes.figures.timeline import Timeline
from ipt_outcomes.tables.quotes import FORMS, Piece, Text, joined, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, Source, about_model


def adjusted_means(source: Source, outcome: str) -> Drawing:
    """Draw the adjusted means of one outcome, for the primary estimand and all as randomised.

    Parameters
    ----------
    source
        Study and rows.
    outcome
        Short name of the outcome.
    """
    study = source.study
    estimand = study.primary_estimand
    rows = source.rows.where(
        analysis="primary", outcome=outcome, estimand=estimand, analysis_set=AS_RANDOMISED
    )
    start = source.rows.first(
        analysis="baseline", outcome=outcome, arm=None, quantity="observed mean"
    )
    if start is not None and start["estimate"] is None:
        start = None
    endpoint = study.estimands[estimand].endpoint
    time = Timeline.of(study, source.trial, endpoint)
    courses = [_course(source, rows, outcome, arm) for arm in source.arms]
    with styled():
        height = 3.9 + COUNT_ROW / 72 * len(courses)
        figure = new_figure(height)
        draw_courses(
            figure, 0, height, courses, time,
            y_label=f"{study.outcomes[outcome].short_label}, adjusted mean "
                    f"({study.outcomes[outcome].unit})\n{source.direction(outcome)}",
            start=None if start is None else start["estimate"],
        )  # fmt: skip
    return Drawing(
        figure,
        pd.DataFrame(_data(source, rows, start), columns=_COLUMNS),
        words("Adjusted means of ", source.outcome(outcome), " by arm and week: ",
              source.trial_label()),
        _caption(source, rows, outcome, estimand, start),
        _alt_text(source, rows, outcome, estimand, start),
    )  # fmt: skip


def _course(source: Source, rows: Rows, outcome: str, arm: str) -> Course:
    study = source.study
    of = rows.where(quantity="mean", arm=arm)
    at = {row["visit"]: row for row in of if row["estimate"] is not None}
    marks = [
        mark_of(at[visit], study.visits[visit].week)
        for visit in study.visits_of(source.trial)
        if visit in at
    ]
    assessed = source.rows.first(
        analysis="observed", outcome=outcome, arm=arm, visit=study.baseline,
        analysis_set=AS_RANDOMISED, quantity="observed mean",
    )  # fmt: skip
    n = "" if assessed is None else FORMS["n"](assessed)
    return Course(study.arms[arm].label, arm_colour(study, arm), arm_marker(study, arm), marks, n)


def mark_of(row: Row, week: float, n: str | None = None) -> Mark:
    """Turn a row into a point of a course, with the words for how many stand behind it."""
    estimate = row["estimate"]
    low = estimate if row["lower"] is None else row["lower"]
    high = estimate if row["upper"] is None else row["upper"]
    return Mark(week, estimate, low, high, FORMS["n"](row) if n is None else n)


_COLUMNS = ("series", "label", "visit", "week", "n", "estimate", "lower", "upper", "id")


def _data(source: Source, rows: Rows, start: Row | None) -> Iterator[tuple[Any, ...]]:
    study = source.study
    if start is not None:
        visit = study.visits[study.baseline]
        yield ("observed, all", "All", study.baseline, visit.week, start["n_arm"],
               start["estimate"], None, None, start["id"])  # fmt: skip
    for arm in source.arms:
        for row in rows.where(quantity="mean", arm=arm):
            yield (arm, study.arms[arm].label, row["visit"], study.visits[row["visit"]].week,
                   row["n_arm"], row["estimate"], row["lower"], row["upper"],
                   row["id"])  # fmt: skip


def bars_are(rows: Rows) -> Text:
    """Say what the bars are, with the level and method of the rows."""
    for row in rows:
        if row["level"] is not None:
            method = (
                words(" (", quote(row, "interval method"), ")") if row["interval_method"] else ""
            )
            return words("bars: ", quote(row, "level"), " confidence intervals", method)
    return words("no intervals")


def _caption(source: Source, rows: Rows, outcome: str, estimand: str, start: Row | None) -> Text:
    study = source.study
    endpoint = study.estimands[estimand].endpoint
    parts: list[str | Piece | Text] = [
        "Adjusted means of the ", named(study.outcomes[outcome].label), " (",
        source.outcome(outcome), f", {source.direction(outcome)}) by arm over weeks since "
        "randomisation, all participants as randomised; ", bars_are(rows.where(quantity="mean")),
        ". ",
    ]  # fmt: skip
    if start is not None:
        parts += ["Hollow: observed mean of all arms at ", source.visit(study.baseline), " (n = ",
                  quote(start, "n"), "), shown as the common start. "]  # fmt: skip
    parts += ["Dotted: endpoint, ", source.visit(endpoint), ". "]
    if Timeline.of(study, source.trial, endpoint).has_follow_up:
        parts += ["Shaded, with broken lines: follow-up after the end of treatment. "]
    parts += ["Below: participants with a score at the visit. ", about_model(rows), " Estimand: ",
              named(study.estimands[estimand].label), ". "]  # fmt: skip
    parts += [_at_endpoint(source, rows, endpoint)]
    return words(*parts)


def _at_endpoint(source: Source, rows: Rows, endpoint: str) -> Text:
    found = [
        words(
            source.difference(row),
            " ",
            quote(row, "estimate"),
            ", ",
            quote(row, "level"),
            " CI ",
            quote(row, "interval"),
            ", p ",
            quote(row, "p equation"),
        )
        for row in rows.where(quantity="difference", visit=endpoint)
        if row["estimate"] is not None and row["level"] is not None
    ]
    if not found:
        return words()
    return words("Differences at ", source.visit(endpoint), ": ", joined(found), ".")


def _alt_text(source: Source, rows: Rows, outcome: str, estimand: str, start: Row | None) -> Text:
    study = source.study
    endpoint = study.estimands[estimand].endpoint
    parts: list[str | Piece | Text] = [
        "Line chart of adjusted mean ",
        source.outcome(outcome),
        " by arm over weeks. ",
    ]
    if start is not None:
        parts += [
            "From a common observed mean of ",
            quote(start, "estimate"),
            " at ",
            source.visit(study.baseline),
            ": ",
        ]
    sentences = []
    for arm in source.arms:
        at = rows.first(quantity="mean", arm=arm, visit=endpoint)
        if at is None:
            continue
        last = list(rows.where(quantity="mean", arm=arm))[-1]
        later = (
            words(", ", quote(last, "estimate"), " at ", source.visit(last["visit"]))
            if last["visit"] != endpoint
            else ""
        )
        sentences.append(
            words(
                source.arm(arm),
                " ",
                quote(at, "estimate"),
                " ",
                quote(at, "interval"),
                " at ",
                source.visit(endpoint),
                later,
            )
        )
    parts += [joined(sentences), "."]
    return words(*parts)
