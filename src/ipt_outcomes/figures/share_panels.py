"""Panels of shares over weeks by arm: curves in percent, labelled at their ends, counts below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ipt_outcomes.figures.label_places import label_at_right
from ipt_outcomes.figures.style import (
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
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source

PANEL = 172.0
"""Height of a panel without its counts, in points."""
COUNT_ROW = 10.5
BETWEEN = 18.0

Points = Sequence[tuple[float, Row]]
"""Week, and the row of the share then, in order of time; in steps the share may be hidden."""


@dataclass(frozen=True)
class SharePanel:
    """One panel.

    Parameters
    ----------
    title, y_label
        Its words.
    curves
        Arm: its points.
    counts
        Arm: how many stand behind a week, in words.
    head
        What is counted.
    step
        Whether shares hold until the next point and all start from everyone, as those without an
        event do, and a hidden share breaks the curve; else points are joined and carry their
        intervals as bars.
    """

    title: str
    y_label: str
    curves: Mapping[str, Points]
    counts: Mapping[str, Mapping[float, str]]
    head: str
    step: bool = False


def draw_share_panels(source: Source, panels: Sequence[SharePanel]) -> Figure:
    """Draw panels beside and below each other into a new figure.

    Parameters
    ----------
    source
        Study and rows.
    panels
        The panels, in order.
    """
    across = 2 if len(panels) > 1 else 1
    down = max(1, -(-len(panels) // across))
    below = 26 + COUNT_ROW * (len(source.arms) + 1)
    height = down * (PANEL + below) + (down - 1) * BETWEEN
    with styled():
        figure = new_figure(height * POINT)
        for place, panel in enumerate(panels):
            _panel(figure, source, panel, place // across, place % across, across, below)
    return figure


def _panel(
    figure: Figure,
    source: Source,
    panel: SharePanel,
    row: int,
    column: int,
    across: int,
    below: float,
) -> None:
    study = source.study
    page, height = (side / POINT for side in figure.get_size_inches())
    names = {arm: wrapped(study.arms[arm].label, 74, SMALL, 2, True) for arm in source.arms}
    widest = max(
        (text_width(line, SMALL, bold=True) for lines in names.values() for line in lines),
        default=0,
    )
    left = max(40.0, text_width(panel.head, SMALL) + 12)
    width = (page - BETWEEN * (across - 1)) / across
    top = row * (PANEL + below + BETWEEN)
    room = width - left - widest - 14
    axes = figure.add_axes(
        (
            (column * (width + BETWEEN) + left) / page,
            1 - (top + PANEL) / height,
            room / page,
            (PANEL - 24) / height,
        )
    )
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    title = wrapped(panel.title, width - 8, TEXT, 1, True)[0]
    axes.set_title(title, loc="left", fontweight="bold", x=(2 - left) / room, pad=8)
    axes.set_ylabel(panel.y_label, labelpad=3)
    weeks = sorted({week for points in panel.curves.values() for week, _ in points} | {0.0})
    # The last drop, or bar, stays in view.
    axes.set_xlim(0, (1.03 if panel.step else 1.06) * weeks[-1] if len(weeks) > 1 else 1)
    for place, (arm, points) in enumerate(panel.curves.items()):
        if panel.step:
            _step(axes, points, arm_colour(study, arm))
        else:
            beside = (place - (len(panel.curves) - 1) / 2) * 3.0 * weeks[-1] / room
            _bars(axes, points, arm_colour(study, arm), arm_marker(study, arm), beside)
    widest_count = max((text_width(n, SMALL) for of in panel.counts.values() for n in of.values()),
                       default=0.0)  # fmt: skip
    gap = max(widest_count, text_width(f"{weeks[-1]:g}", SMALL)) + 2.5
    gap = max(gap, 22.0) if panel.step else gap
    shown = shown_points(weeks, room, gap)
    axes.set_xticks(shown, [f"{week:g}" for week in shown], fontsize=SMALL)
    axes.set_xlabel("Weeks since randomisation", labelpad=3)
    label_at_right(
        axes,
        [(names[arm], arm_colour(study, arm), _last_shown(points))
         for arm, points in panel.curves.items()],
    )  # fmt: skip
    _counts(axes, source, panel, shown)


def shown_points(weeks: Sequence[float], width: float, gap: float = 22.0) -> list[float]:
    """Choose weeks that can be labelled without touching, the last one among them.

    Parameters
    ----------
    weeks
        In order.
    width
        Length of the axis in points.
    gap
        Least distance of two labels, in points.

    Examples
    --------
    >>> shown_points([0.0, 1.0, 2.0, 16.0], 160.0)
    [0.0, 16.0]
    """
    chosen = [weeks[-1], weeks[0]]
    scale = width / max(weeks[-1] - weeks[0], 1e-9)
    for week in weeks:
        if all(abs(week - other) * scale >= gap for other in chosen):
            chosen.append(week)
    return sorted(set(chosen))


def _last_shown(points: Points) -> float:
    return next((100 * row["estimate"] for _, row in reversed(points) if _shown(row)), 100.0)


def _shown(row: Row) -> bool:
    return row["estimate"] is not None


def _ends(row: Row) -> tuple[float, float]:
    if not _shown(row):
        return math.nan, math.nan
    lower = row["estimate"] if row["lower"] is None else row["lower"]
    upper = row["estimate"] if row["upper"] is None else row["upper"]
    return 100 * lower, 100 * upper


def _step(axes: Axes, points: Points, colour: str) -> None:
    weeks = [0.0, *(week for week, _ in points)]
    shares = [100.0, *(100 * row["estimate"] if _shown(row) else math.nan for _, row in points)]
    ends = [(100.0, 100.0), *(_ends(row) for _, row in points)]
    axes.fill_between(weeks, [low for low, _ in ends], [high for _, high in ends], step="post",
                      color=colour, alpha=0.12, linewidth=0)  # fmt: skip
    axes.step(weeks, shares, where="post", color=colour, linewidth=1.4, zorder=3)
    # Where a curve goes on at its last week there is no line yet.
    again = [
        (week, share)
        for week, share, before in zip(weeks[1:], shares[1:], shares, strict=False)
        if math.isnan(before) and not math.isnan(share)
    ]
    if again:
        axes.plot(*zip(*again, strict=True), linestyle="none", marker="o", markersize=2.6,
                  color=colour, zorder=3)  # fmt: skip


def _bars(axes: Axes, points: Points, colour: str, marker: str, beside: float) -> None:
    weeks = [week + beside for week, _ in points]
    shares = [100 * row["estimate"] for _, row in points]
    ends = [_ends(row) for _, row in points]
    axes.vlines(weeks, [low for low, _ in ends], [high for _, high in ends], color=colour,
                linewidth=1.0, zorder=2)  # fmt: skip
    axes.plot(weeks, shares, color=colour, linewidth=1.3, marker=marker,
              markersize=MARKER_SIZES[marker], markeredgecolor=PAPER, markeredgewidth=0.5,
              zorder=3, clip_on=False)  # fmt: skip


def _counts(axes: Axes, source: Source, panel: SharePanel, shown: Sequence[float]) -> None:
    across = axes.get_xaxis_transform()
    y = -38.0
    axes.annotate(panel.head, (0, 0), xycoords=across, xytext=(-8, y), textcoords="offset points",
                  ha="right", va="baseline", fontsize=SMALL, color=QUIET,
                  annotation_clip=False)  # fmt: skip
    for arm in source.arms:
        for week, count in panel.counts.get(arm, {}).items():
            if week in shown:
                axes.annotate(
                    count, (week, 0), xycoords=across, xytext=(0, y),
                    textcoords="offset points", ha="center", va="baseline", fontsize=SMALL,
                    color=arm_colour(source.study, arm), annotation_clip=False,
                )  # fmt: skip
        y -= COUNT_ROW
