"""Drawing courses over weeks: means with intervals, labelled at their ends, counts below.

Used for arms and for problem areas; what a line means is up to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ipt_outcomes.figures.label_places import spread
from ipt_outcomes.figures.style import (
    INK,
    MARKER_SIZES,
    PAPER,
    POINT,
    QUIET,
    SHADE,
    SMALL,
    TEXT,
    text_width,
    tick,
    wrapped,
)
from ipt_outcomes.figures.timeline import Timeline, shown_weeks

COUNT_ROW = 12.0
"""Height of a line of the table of counts, in points."""

LABEL_GAP = 12.0
"""Between the axes and the labels of the lines, in points."""

LABEL_ROOM = 92.0
"""Most room for a label of a line or of a row of counts, in points."""

WEEKS = "Weeks since randomisation"


@dataclass(frozen=True)
class Mark:
    """One point of a course.

    Parameters
    ----------
    week
        When.
    estimate, lower, upper
        The mean and its interval.
    n
        How many stand behind it, in words.
    """

    week: float
    estimate: float
    lower: float
    upper: float
    n: str


@dataclass(frozen=True)
class Course:
    """One line.

    Parameters
    ----------
    label
        Its name, set at its end.
    colour, marker
        How it looks.
    marks
        Its points in order of time.
    n_at_start
        How many were assessed at the start, in words; empty when not known.
    observed
        Weeks and means drawn hollow beside the line, such as what was observed.
    """

    label: str
    colour: str
    marker: str
    marks: Sequence[Mark]
    n_at_start: str = ""
    observed: Sequence[tuple[float, float]] = ()


def draw_courses(
    figure: Figure,
    top: float,
    height: float,
    courses: Sequence[Course],
    time: Timeline,
    *,
    y_label: str,
    x_label: str = WEEKS,
    counts: str | None = "n with a score",
    start: float | None = None,
) -> Axes:
    """Draw courses over time into a part of a figure.

    Parameters
    ----------
    figure
        The figure.
    top, height
        Where the part starts and how high it is, in inches from the figure's top; the table of
        counts is inside.
    courses
        The lines.
    time
        The visits.
    y_label
        What is shown, with its unit.
    x_label
        What time is counted in.
    counts
        Head of the table of counts; None for no such table.
    start
        A mean that all lines start from; drawn hollow.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into.
    """
    names = [wrapped(course.label, LABEL_ROOM, SMALL, 2) for course in courses]
    widest = max((text_width(line, SMALL) for lines in names for line in lines), default=0)
    ends = [wrapped(course.label, LABEL_ROOM, TEXT, 3, True) for course in courses]
    widest_end = max(
        (text_width(line, TEXT, bold=True) for lines in ends for line in lines), default=0
    )
    beside = 58.0 if counts is None else max(text_width(counts, SMALL), widest) + 14
    beneath = 34.0 if counts is None else 56 + COUNT_ROW * sum(len(lines) for lines in names)
    left, below = beside * POINT, beneath * POINT
    right = (widest_end + LABEL_GAP + 6) * POINT
    page_width, page_height = figure.get_size_inches()
    axes = figure.add_axes(
        (
            left / page_width,
            1 - (top + height - below) / page_height,
            (page_width - left - right) / page_width,
            (height - below - 16 * POINT) / page_height,
        )
    )
    width_points = (page_width - left - right) / POINT
    _set_time(axes, time, width_points, x_label)
    _draw_lines(axes, courses, time, width_points, start)
    _set_scores(axes, courses, start, y_label)
    _mark_phases(axes, time)
    _label_ends(axes, courses, ends, _shifts(courses, time, width_points))
    if counts is not None:
        _write_counts(axes, courses, names, time, counts)
    return axes


def _set_time(axes: Axes, time: Timeline, width: float, x_label: str) -> None:
    span = max(time.last - time.start, 1e-9)
    axes.set_xlim(time.start - 0.03 * span, time.last + 0.03 * span)
    shown = shown_weeks(time, width)
    axes.set_xticks([time.start, *time.weeks], minor=True)
    axes.set_xticks(shown, [f"{week:g}" for week in shown])
    axes.tick_params(axis="x", which="minor", length=3, color=QUIET)
    for week, label in zip(shown, axes.get_xticklabels(), strict=True):
        if week == time.endpoint:
            label.set_fontweight("bold")
    axes.set_xlabel(x_label, labelpad=10)
    axes.axvline(time.endpoint, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)


def _shifts(courses: Sequence[Course], time: Timeline, width: float) -> list[float]:
    """Weeks by which each course is moved, so that intervals at a visit stand side by side."""
    every = sorted({time.start, *time.weeks})
    gaps = [later - earlier for earlier, later in pairwise(every)]
    a_point = 1.06 * (time.last - time.start) / width  # weeks that a printed point spans
    # Neighbours stand far enough apart to be told apart, but never nearer to another visit.
    apart = 5.5 if not any(course.observed for course in courses) else 2.5
    dodge = min(apart * a_point, 0.45 * min(gaps, default=1.0) / max(len(courses), 1))
    return [(position - (len(courses) - 1) / 2) * dodge for position in range(len(courses))]


def _draw_lines(
    axes: Axes,
    courses: Sequence[Course],
    time: Timeline,
    width: float,
    start: float | None,
) -> None:
    for course, shift in zip(courses, _shifts(courses, time, width), strict=True):
        weeks = [mark.week + shift for mark in course.marks]
        means = [mark.estimate for mark in course.marks]
        if start is not None and weeks:
            axes.plot([time.start, weeks[0]], [start, means[0]], color=course.colour,
                      linewidth=1.0, alpha=0.55, zorder=2)  # fmt: skip
        treated = [mark.week <= time.end_of_treatment for mark in course.marks].count(True)
        axes.plot(weeks[:treated], means[:treated], color=course.colour, linewidth=1.4, zorder=3)
        first = max(treated - 1, 0)
        axes.plot(weeks[first:], means[first:], color=course.colour, linewidth=1.2,
                  linestyle=(0, (3, 2)), zorder=2.9)  # fmt: skip
        axes.vlines(weeks, [mark.lower for mark in course.marks],
                    [mark.upper for mark in course.marks], color=course.colour,
                    linewidth=1.1, zorder=3)  # fmt: skip
        axes.plot([week + shift for week, _ in course.observed],
                  [mean for _, mean in course.observed], linestyle="none", marker=course.marker,
                  markersize=MARKER_SIZES[course.marker] - 0.6, markerfacecolor=PAPER,
                  markeredgecolor=course.colour, markeredgewidth=0.9, zorder=2.5)  # fmt: skip
        axes.plot(weeks, means, linestyle="none", marker=course.marker,
                  markersize=MARKER_SIZES[course.marker], markerfacecolor=course.colour,
                  markeredgecolor=PAPER, markeredgewidth=0.5, zorder=4)  # fmt: skip
    if start is not None:
        axes.plot([time.start], [start], linestyle="none", marker="o", markersize=6,
                  markerfacecolor=PAPER, markeredgecolor=INK, markeredgewidth=1.1,
                  zorder=5, clip_on=False)  # fmt: skip


def _set_scores(axes: Axes, courses: Sequence[Course], start: float | None, y_label: str) -> None:
    values = [
        end for course in courses for mark in course.marks for end in (mark.lower, mark.upper)
    ]
    values += [start] if start is not None else []
    if values:
        low, high = min(values), max(values)
        margin = 0.08 * max(high - low, 1e-9)
        # The zero of a score is a real bottom: show it where it is near.
        near_zero = 0 <= low < 0.35 * high
        axes.set_ylim(0 if near_zero else low - margin, high + margin)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(tick)
    length = axes.get_window_extent().height / axes.figure.dpi / POINT
    lines = [line for part in y_label.splitlines() for line in wrapped(part, length, TEXT, 2)]
    axes.set_ylabel("\n".join(lines), labelpad=6)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)


def _mark_phases(axes: Axes, time: Timeline) -> None:
    across = axes.get_xaxis_transform()
    left, right = axes.get_xlim()
    about: dict[str, Any] = {"transform": across, "fontsize": SMALL, "color": QUIET, "va": "bottom"}
    if time.has_follow_up:
        axes.axvspan(time.end_of_treatment, right, color=SHADE, linewidth=0, zorder=0)
        middle = (time.end_of_treatment + right) / 2
        axes.text(middle, 1.02, "Follow-up", ha="center", **about)
        axes.text((left + time.end_of_treatment) / 2, 1.02, "Treatment", ha="center", **about)
    axes.annotate(
        "endpoint", (time.endpoint, 0), xycoords=across, xytext=(0, -15),
        textcoords="offset points", ha="center", va="top", fontsize=SMALL, color=INK,
        fontweight="bold", annotation_clip=False,
    )  # fmt: skip


def _label_ends(
    axes: Axes, courses: Sequence[Course], names: Sequence[list[str]], shifts: Sequence[float]
) -> None:
    last = [
        (course, lines, shift)
        for course, lines, shift in zip(courses, names, shifts, strict=True)
        if course.marks
    ]
    low, high = axes.get_ylim()
    extent = axes.get_window_extent()
    length, height = (side / axes.figure.dpi / POINT for side in (extent.width, extent.height))
    points = height / (high - low)
    wanted = [(course.marks[-1].estimate - low) * points for course, _, _ in last]
    room = [len(lines) * (TEXT + 1.5) + 1.5 for _, lines, _ in last]
    edge = axes.get_xlim()[1]
    places = spread(wanted, room, height)
    for (course, lines, shift), wanted_at, at in zip(last, wanted, places, strict=True):
        end = course.marks[-1]
        axes.annotate(
            "\n".join(lines),
            (edge, end.estimate), xycoords="data",
            xytext=(LABEL_GAP, at - wanted_at), textcoords="offset points",
            ha="left", va="center", color=course.colour, fontsize=TEXT, fontweight="bold",
            annotation_clip=False, linespacing=1.05,
        )  # fmt: skip
        axes.annotate(
            "", (end.week + shift, end.estimate), xycoords="data",
            xytext=(1 + (LABEL_GAP - 2) / length, at / height), textcoords="axes fraction",
            annotation_clip=False, zorder=2,
            arrowprops={"arrowstyle": "-", "color": course.colour, "linewidth": 0.6,
                        "shrinkA": 0, "shrinkB": 4},
        )  # fmt: skip


def _write_counts(
    axes: Axes,
    courses: Sequence[Course],
    names: Sequence[list[str]],
    time: Timeline,
    head: str,
) -> None:
    across = axes.get_xaxis_transform()
    about: dict[str, Any] = {"xycoords": across, "textcoords": "offset points",
                             "va": "baseline", "fontsize": SMALL,
                             "annotation_clip": False}  # fmt: skip
    left = axes.get_xlim()[0]
    shown = [label.get_text() for label in axes.get_xticklabels()]
    y = -47.0
    axes.annotate(head, (left, 0), xytext=(-8, y), ha="right", color=QUIET, **about)
    for course, lines in zip(courses, names, strict=True):
        counts = {mark.week: mark.n for mark in course.marks}
        if course.n_at_start:
            counts[time.start] = course.n_at_start
        for position, line in enumerate(lines):
            y -= COUNT_ROW
            axes.annotate(line, (left, 0), xytext=(-8, y), ha="right", color=course.colour, **about)
            for week, n in counts.items() if not position else ():
                if f"{week:g}" in shown:
                    axes.annotate(n, (week, 0), xytext=(0, y), ha="center", color=course.colour,
                                  **about)  # fmt: skip
