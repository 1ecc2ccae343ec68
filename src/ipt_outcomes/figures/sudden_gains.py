"""Sudden gains: the mean course around the first gain, and how many of each arm had one."""

from __future__ import annotations

import re

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest_words import forest_data
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import (
    INK,
    MARKER_SIZES,
    PAPER,
    POINT,
    QUIET,
    SHADE,
    SMALL,
    TEXT,
    arm_colour,
    arm_marker,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from ipt_outcomes.tables.numbers import number
from ipt_outcomes.tables.quotes import FORMS, Text, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

COURSE = "sudden gains, course"
HEIGHT = 2.7
"""Inches."""
_AWAY = re.compile(r"^session ([+-]\d+) ")


def sudden_gains(source: Source) -> Drawing:
    """Draw the mean course around the first gain, and the share of each arm with one."""
    course = source.rows.where(analysis=COURSE, quantity="observed mean")
    shares = source.rows.where(
        analysis="sudden gains", quantity="probability", contrast="with a sudden gain"
    )
    with styled():
        figure = new_figure(HEIGHT)
        _course(figure, course)
        _shares(figure, source, shares)
        for letter, x in (("A", 0.006), ("B", 0.455)):
            figure.text(x, 0.985, letter, fontsize=TEXT + 2, fontweight="bold", va="top")
    about = next((row for row in course if row["estimate"] is not None), None)
    rule = next((row for row in shares if row["estimate"] is not None), None)
    return Drawing(
        figure,
        pd.concat([forest_data(course), forest_data(shares)], ignore_index=True),
        words("Sudden gains: ", source.trial_label()),
        words(
            "A: mean score around the first sudden gain, by session from the session before it; ",
            bars_are(course), "; below, n: participants with a score then. Shaded: the "
            "gain. B: share of each arm with a sudden gain, of participants with session scores; ",
            bars_are(shares), ". ",
            *([words("A: ", quote(about, "notes"), ". ")] if about is not None else []),
            *([words("B: ", quote(rule, "notes"), ".")] if rule is not None else []),
        ),
        words("Two panels. A: line of mean scores around the gain: ",
              joined([words(quote(row, "subgroup"), " ", quote(row, "estimate"))
                      for row in course if row["estimate"] is not None]),
              ". B: dot chart of shares: ",
              joined([_spoken(source, row) for row in shares]), "."),
    )  # fmt: skip


def _spoken(source: Source, row: Row) -> Text:
    if row["estimate"] is None:
        return words(source.arm(row["arm"]), " not shown")
    return words(source.arm(row["arm"]), " ", quote(row, "percent"), " of ", quote(row, "n"))


def _away(row: Row) -> int | None:
    found = _AWAY.match(row["subgroup"] or "")
    return int(found[1]) if found else None


def _course(figure: Figure, rows: Rows) -> None:
    axes = figure.add_axes((0.075, 0.27, 0.33, 0.63))
    points = [(away, row) for row in rows
              if row["estimate"] is not None and (away := _away(row)) is not None]  # fmt: skip
    if not points:
        axes.axis("off")
        axes.text(0.5, 0.5, "Too few participants\nhad a gain.", ha="center", va="center",
                  transform=axes.transAxes, color=QUIET)  # fmt: skip
        return
    x = [away for away, _ in points]
    means = [row["estimate"] for _, row in points]
    axes.axvspan(0, 1, color=SHADE, linewidth=0, zorder=0)
    axes.vlines(x, [row["lower"] for _, row in points], [row["upper"] for _, row in points],
                color=INK, linewidth=1.1, zorder=2)  # fmt: skip
    axes.plot(x, means, color=INK, linewidth=1.4, marker="o", markersize=MARKER_SIZES["o"],
              markeredgecolor=PAPER, markeredgewidth=0.5, zorder=3)  # fmt: skip
    axes.set_xlim(min(x) - 0.4, max(x) + 0.4)
    axes.set_xticks(x, [f"{'+' if away > 0 else ''}{number(away, 0)}" for away in x])
    axes.set_xlabel("Sessions from the one before the gain", labelpad=3)
    axes.set_ylabel("Mean score (points)", labelpad=4)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    across = axes.get_xaxis_transform()
    axes.annotate("n", (axes.get_xlim()[0], 0), xycoords=across, xytext=(-8, -38),
                  textcoords="offset points", ha="right", va="baseline", fontsize=SMALL,
                  color=QUIET, fontstyle="italic", annotation_clip=False)  # fmt: skip
    for away, row in points:
        axes.annotate(FORMS["n"](row), (away, 0), xycoords=across, xytext=(0, -38),
                      textcoords="offset points", ha="center", va="baseline", fontsize=SMALL,
                      annotation_clip=False)  # fmt: skip


def _shares(figure: Figure, source: Source, rows: Rows) -> None:
    study = source.study
    page = figure.get_size_inches()[0] / POINT
    texts = [_share(row) for row in rows]
    room = max([text_width(text, TEXT) for text in texts], default=40.0) + 10
    names = [wrapped(study.arms[row["arm"]].label, 120, TEXT, 1)[0] for row in rows]
    axes = figure.add_axes((0.49, 0.27, max(0.5 - room / page, 0.05), 0.63))
    axes.set_ylim(max(len(rows), 1), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    highest = max([row["upper"] or 0.0 for row in rows], default=0.0)
    axes.set_xlim(0, min(100, max(110 * highest, 10)))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("With a sudden gain (%)", labelpad=3)
    _beside(axes, "% [CI], n", 1, room - 4, -0.12, QUIET, SMALL)
    for k, (row, name, text) in enumerate(zip(rows, names, texts, strict=True)):
        colour, marker, y = arm_colour(study, row["arm"]), arm_marker(study, row["arm"]), k + 0.62
        if row["estimate"] is not None:
            axes.hlines(y, 100 * row["lower"], 100 * row["upper"], color=colour, linewidth=1.2)
            axes.plot([100 * row["estimate"]], [y], linestyle="none", marker=marker, color=colour,
                      markersize=MARKER_SIZES[marker], markeredgecolor=PAPER,
                      markeredgewidth=0.5)  # fmt: skip
        axes.annotate(name, (0, k + 0.3), xycoords=("axes fraction", "data"), xytext=(3, 0),
                      textcoords="offset points", va="center_baseline", color=colour,
                      fontweight="bold", annotation_clip=False,
                      bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8})  # fmt: skip
        _beside(axes, text, 1, room - 4, y, INK)


def _share(row: Row) -> str:
    if row["estimate"] is None:
        return "not shown"
    return f"{FORMS['percent'](row)} {FORMS['percent interval'](row)}, {FORMS['n'](row)}"


def _beside(
    axes: Axes, text: str, x: float, away: float, y: float, colour: str, size: float = TEXT
) -> None:
    axes.annotate(text, (x, y), xycoords=("axes fraction", "data"), xytext=(away, 0),
                  textcoords="offset points", ha="right", va="center_baseline", color=colour,
                  fontsize=size, annotation_clip=False, linespacing=1.05)  # fmt: skip
