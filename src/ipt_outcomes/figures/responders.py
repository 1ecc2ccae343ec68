"""Who responded, remitted, improved reliably or deteriorated, by arm, with risk differences."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import (
    INK,
    MARKER_SIZES,
    PAPER,
    POINT,
    QUIET,
    SMALL,
    TEXT,
    arm_colour,
    arm_marker,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from ipt_outcomes.tables.quotes import FORMS, Text, joined, named, quote, words
from ipt_outcomes.tables.responders import CRITERIA, responder_rows
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source

LINE = 13.0
HEAD = 21.0
"""Heights of a line and of a block's head, in points."""
TOP = 18.0
BELOW = 30.0
COLUMNS = ("outcome", "criterion", "arm", "n", "estimate", "lower", "upper", "id")


def responders(source: Source) -> Drawing:
    """Draw the shares of each arm that meet each criterion at the endpoint.

    Parameters
    ----------
    source
        Study and rows.
    """
    blocks = list(_blocks(source))
    rows = [row for _, members in blocks for row, _ in members]
    height = TOP + BELOW + sum(HEAD + LINE * len(members) for _, members in blocks)
    with styled():
        figure = new_figure(height * POINT)
        _draw(figure, source, blocks, height)
    estimand = source.study.estimands[source.study.primary_estimand]
    data = pd.DataFrame(
        [
            (row["outcome"], row["analysis"], row["arm"], row["n_arm"], row["estimate"],
             row["lower"], row["upper"], row["id"])
            for row in rows
        ],
        columns=list(COLUMNS),
    )  # fmt: skip
    criteria = words("response, remission, reliable improvement and deterioration")
    return Drawing(
        figure,
        data,
        words("Response, remission and reliable change at ", source.visit(estimand.endpoint), ": ",
              source.trial_label()),
        words("Shares of participants with ", criteria, ", as randomised; ",
              bars_are(source.rows.where(analysis=CRITERIA, quantity="probability")),
              ". Right: risk difference from ", source.arm(source.study.reference_arm),
              " in percentage points, standardised over baseline score and covariates, with its "
              "interval. Scores not observed are imputed; definitions stand in the table. "
              "Estimand: ", named(estimand.label), "."),
        words("Dot chart of shares by arm. ", joined(_spoken(source, rows)), "."),
    )  # fmt: skip


Member = tuple[Row, Row | None]


def _blocks(source: Source) -> Iterator[tuple[str, list[Member]]]:
    for outcome in source.study.outcomes_of(source.trial):
        label = source.study.outcomes[outcome].short_label
        for criterion in CRITERIA:
            rows = responder_rows(source, criterion, outcome)
            members: list[Member] = []
            for arm in source.arms:
                share = rows.first(quantity="probability", arm=arm)
                if share is not None and share["estimate"] is not None:
                    members.append((share, rows.first(quantity="risk difference", arm=arm)))
            if members:
                yield f"{label}: {criterion}", members


def _spoken(source: Source, rows: list[Row]) -> list[Text]:
    return [
        words(source.outcome(row["outcome"]), " ", quote(row, "analysis"), ", ",
              source.arm(row["arm"]), " ", quote(row, "percent"))
        for row in rows
    ]  # fmt: skip


def _draw(
    figure: Figure, source: Source, blocks: list[tuple[str, list[Member]]], height: float
) -> None:
    study = source.study
    page = figure.get_size_inches()[0] / POINT
    labels = {arm: wrapped(study.arms[arm].label, 110, TEXT, 1)[0] for arm in source.arms}
    left = 18 + max((text_width(label, TEXT) for label in labels.values()), default=0)
    shares = [_share(row) for _, members in blocks for row, _ in members]
    differences = [_difference(row) for _, members in blocks for _, row in members]
    heads = ("% [CI]", "difference [CI], points")
    first = 14 + max([text_width(heads[0], SMALL), *(text_width(text, TEXT) for text in shares)])
    second = 14 + max(
        [text_width(heads[1], SMALL), *(text_width(text, TEXT) for text in differences)]
    )
    right = first + second + 4
    axes = figure.add_axes(
        (left / page, BELOW / height, (page - left - right) / page, 1 - (TOP + BELOW) / height)
    )
    axes.set_ylim(height - TOP - BELOW, 0)
    axes.set_xlim(0, 100)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("Participants (%)", labelpad=3)
    for x, head in ((first, heads[0]), (first + second, heads[1])):
        _text(axes, head, x, -8, size=SMALL, colour=QUIET)
    y = 0.0
    for title, members in blocks:
        axes.annotate(
            wrapped(title, page - 12, TEXT, 1, True)[0], (0, y + HEAD / 2 + 2),
            xycoords=("figure fraction", "data"), xytext=(4, 0), textcoords="offset points",
            fontweight="bold", ha="left", va="center", annotation_clip=False, zorder=5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
        y += HEAD
        for share, difference in members:
            arm = share["arm"]
            colour, middle = arm_colour(study, arm), y + LINE / 2
            _mark(axes, share, middle, colour, arm_marker(study, arm))
            axes.annotate(
                labels[arm], (0, middle), xycoords=("axes fraction", "data"), xytext=(-8, 0),
                textcoords="offset points", ha="right", va="center_baseline", color=colour,
                annotation_clip=False,
            )  # fmt: skip
            _text(axes, _share(share), first, middle)
            _text(axes, _difference(difference), first + second, middle)
            y += LINE


def _mark(axes: Axes, row: Row, y: float, colour: str, marker: str) -> None:
    if row["lower"] is not None and row["upper"] is not None:
        axes.hlines(y, 100 * row["lower"], 100 * row["upper"], color=colour, linewidth=1.2,
                    zorder=2)  # fmt: skip
    axes.plot([100 * row["estimate"]], [y], linestyle="none", marker=marker, color=colour,
              markersize=MARKER_SIZES[marker], markeredgecolor=PAPER, markeredgewidth=0.5,
              zorder=3, clip_on=False)  # fmt: skip


def _share(row: Row) -> str:
    interval = FORMS["percent interval"](row) if row["lower"] is not None else ""
    return f"{FORMS['percent'](row)} {interval}".strip()


def _difference(row: Row | None) -> str:
    if row is None or row["estimate"] is None:
        return ""
    return f"{FORMS['percent points'](row)} {FORMS['percent interval'](row)}"


def _text(
    axes: Axes, text: str, x: float, y: float, *, size: float = TEXT, colour: str = INK
) -> None:
    axes.annotate(
        text, (1, y), xycoords=("axes fraction", "data"), xytext=(x, 0),
        textcoords="offset points", ha="right", va="center_baseline", fontsize=size, color=colour,
        annotation_clip=False,
    )  # fmt: skip
