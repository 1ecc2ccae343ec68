"""How many of each arm changed reliably: the shareable twin of the scatter of participants.

Regions of Jacobson & Truax (1991), J Consult Clin Psychol 59:12.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
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
    ("no reliable change", "#d9d9d6"),
    ("reliably deteriorated", "#b3460b"),
)
"""Class, best first: its colour."""
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
              "baseline (Jacobson & Truax); observed scores only, nobody imputed. Counts of fewer "
              "than five, other than of harm, are not shown. ",
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
    for place, (name, colour) in enumerate(CLASSES):
        x, y = page / 2 * (place % 2), 15.0 * (place // 2)
        figure.text((x + 6) / page, 1 - (y + 9) / height, "■", color=colour, fontsize=11,
                    va="center")  # fmt: skip
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
            for name, colour in CLASSES:
                row = of.first(contrast=name)
                if row is not None and row["estimate"] and row["n_arm"]:
                    width = 100 * row["estimate"] / row["n_arm"]
                    axes.barh(y + BAR / 2, width, BAR - 5, left=start, color=colour,
                              edgecolor=PAPER, linewidth=0.6)  # fmt: skip
                    if width * (page - left - right) / 100 > 16:
                        dark = colour not in ("#d9d9d6", "#6fb1d2")
                        axes.text(start + width / 2, y + BAR / 2, FORMS["count"](row),
                                  ha="center", va="center_baseline", fontsize=SMALL,
                                  color=PAPER if dark else "#1a1a1a")  # fmt: skip
                    start += width
            first: Row | None = next(iter(of), None)
            if first is not None:
                axes.annotate(
                    f"n = {FORMS['n'](first)}", (1, y + BAR / 2),
                    xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
                    ha="left", va="center_baseline", annotation_clip=False,
                )  # fmt: skip
            y += BAR
