"""How many of each arm changed reliably: the shareable twin of the scatter of participants.

Regions of Jacobson & Truax (1991), J Consult Clin Psychol 59:12.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    PAPER,
    POINT,
    SMALL,
    TEXT,
    arm_colour,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from ipt_outcomes.tables.quotes import FORMS, Text, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

ANALYSIS = "change of each participant"
CLASSES = (
    ("reliably improved and out of the clinical range", "#17567a"),
    ("reliably improved, still in the clinical range", "#6fb1d2"),
    ("reliably improved", "#6fb1d2"),
    ("no reliable change", "#d9d9d6"),
    ("reliably deteriorated", "#b3460b"),
)
"""Class, best first: its colour."""
HIDDEN = "not shown"
LINES = "#8a8a86"
"""Colour of the hatching of what is not shown."""
BAR, HEAD, TOP, BELOW = 19.0, 20.0, 46.0, 30.0
COLUMNS = ("outcome", "arm", "class", "estimate", "n_arm", "id")


def reliable_change(source: Source) -> Drawing:
    """Draw the classes of reliable change of each arm at the endpoint as shares.

    Parameters
    ----------
    source
        Study and rows.
    """
    rows = source.rows.where(analysis=ANALYSIS, quantity="count")
    outcomes = rows.values("outcome")
    lines = sum(HEAD + BAR * len(source.arms) for _ in outcomes)
    with styled():
        figure = new_figure((TOP + lines + BELOW) * POINT)
        _draw(figure, source, rows, TOP + lines + BELOW)
    data = pd.DataFrame(
        [(row["outcome"], row["arm"], row["contrast"], row["estimate"], row["n_arm"], row["id"])
         for row in rows],
        columns=list(COLUMNS),
    )  # fmt: skip
    return Drawing(
        figure,
        data,
        words("Reliable change by arm: ", source.trial_label()),
        words("Participants with a score at the endpoint by class of reliable change since "
              "baseline (Jacobson & Truax); observed scores only, nobody imputed. Small counts, "
              "other than of harm, are not shown, nor what would give them back: hatched classes "
              "share in equal parts what the others leave of the bar. ",
              joined(_definitions(source, rows), " ")),
        words("Stacked bars. ", joined(_spoken(source, rows)), "."),
    )  # fmt: skip


def _definitions(source: Source, rows: Rows) -> list[Text]:
    found = []
    for outcome in rows.values("outcome"):
        row = next(iter(rows.where(outcome=outcome)))
        found.append(words(source.outcome(outcome), ": ", quote(row, "notes"), "."))
    return found


def _spoken(source: Source, rows: Rows) -> list[Text]:
    return [
        words(source.outcome(row["outcome"]), ", ", source.arm(row["arm"]), ", ",
              quote(row, "contrast"), ": ", quote(row, "count"), " of ", quote(row, "n"))
        for row in rows
        if row["estimate"] is not None
    ]  # fmt: skip


def _draw(figure: Figure, source: Source, rows: Rows, height: float) -> None:
    study = source.study
    page = figure.get_size_inches()[0] / POINT
    labels = {arm: wrapped(study.arms[arm].label, 110, TEXT, 1)[0] for arm in source.arms}
    left = 20 + max((text_width(label, TEXT) for label in labels.values()), default=0.0)
    right = text_width("n = 1000", TEXT) + 12
    axes = figure.add_axes(
        (left / page, BELOW / height, (page - left - right) / page, 1 - (TOP + BELOW) / height)
    )
    axes.set_xlim(0, 100)
    axes.set_ylim(height - TOP - BELOW, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_xlabel("Participants with a score at the endpoint (%)", labelpad=3)
    named = [(name, colour) for name, colour in CLASSES if len(rows.where(contrast=name))]
    if any(_is_hidden(row) for row in rows):
        named.append((HIDDEN, PAPER))
    for place, (name, colour) in enumerate(named):
        x, y = page / 2 * (place % 2), 15.0 * (place // 2)
        figure.add_artist(
            Rectangle(
                ((x + 6) / page, 1 - (y + 13) / height), 8 / page, 8 / height,
                transform=figure.transFigure, **_look(name, colour),
            )
        )  # fmt: skip
        figure.text((x + 20) / page, 1 - (y + 9) / height, name, fontsize=SMALL + 0.5,
                    va="center")  # fmt: skip
    y = 0.0
    for outcome in rows.values("outcome"):
        axes.annotate(
            study.outcomes[outcome].short_label[:60], (0, y + HEAD / 2 + 2),
            xycoords=("figure fraction", "data"), xytext=(4, 0), textcoords="offset points",
            fontweight="bold", va="center", annotation_clip=False,
        )  # fmt: skip
        y += HEAD
        for arm in source.arms:
            of = rows.where(outcome=outcome, arm=arm)
            axes.annotate(
                labels[arm], (0, y + BAR / 2), xycoords=("axes fraction", "data"), xytext=(-8, 0),
                textcoords="offset points", ha="right", va="center_baseline",
                color=arm_colour(study, arm), annotation_clip=False,
            )  # fmt: skip
            start = 0.0
            for name, colour, width, told in _pieces(of):
                axes.barh(y + BAR / 2, width, BAR - 5, left=start, **_look(told, colour))
                if width * (page - left - right) / 100 > max(16, text_width(told, SMALL) + 4):
                    dark = name != HIDDEN and colour not in ("#d9d9d6", "#6fb1d2")
                    axes.text(start + width / 2, y + BAR / 2, told, ha="center",
                              va="center_baseline", fontsize=SMALL,
                              color=PAPER if dark else "#1a1a1a",
                              bbox=_BEHIND if told == HIDDEN else None)  # fmt: skip
                start += width
            # The size of the arm stands in the rows that are shown.
            first: Row | None = next((row for row in of if row["n_arm"]), of.first())
            if first is not None:
                axes.annotate(
                    f"n = {FORMS['n'](first)}", (1, y + BAR / 2),
                    xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
                    ha="left", va="center_baseline", annotation_clip=False,
                )  # fmt: skip
            y += BAR


def _is_hidden(row: Row) -> bool:
    return row["estimate"] is None and "suppressed" in (row["notes"] or "")


def _pieces(of: Rows) -> Iterator[tuple[str, str, float, str]]:
    """Give the classes of one bar in order: name, colour, width in per cent, what stands in it.

    Classes that are not shown keep their place. Their widths are no news: together they are what
    the others leave of the arm, and each gets an equal part.
    """
    n = next((row["n_arm"] for row in of if row["n_arm"]), None)
    if n is None:
        return
    shown = sum(row["estimate"] for row in of if row["estimate"] is not None)
    hidden = sum(_is_hidden(row) for row in of)
    for name, colour in CLASSES:
        row = of.first(contrast=name)
        if row is not None and row["estimate"]:
            yield name, colour, 100 * row["estimate"] / n, FORMS["count"](row)
        elif row is not None and _is_hidden(row) and n > shown:
            yield HIDDEN, PAPER, 100 * (n - shown) / n / hidden, HIDDEN


_BEHIND = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}


def _look(name: str, colour: str) -> dict[str, Any]:
    if name == HIDDEN:
        return {"facecolor": PAPER, "edgecolor": LINES, "linewidth": 0.4, "hatch": "//////"}
    return {"facecolor": colour, "edgecolor": PAPER, "linewidth": 0.6}
