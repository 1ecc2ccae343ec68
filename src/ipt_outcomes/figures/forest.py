"""Drawing differences with their intervals as a forest, with the numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ipt_outcomes.figures.style import (
    INK,
    MARKER_SIZES,
    PAPER,
    POINT,
    QUIET,
    SMALL,
    TEXT,
    text_width,
    tick,
    wrapped,
)

LIMIT = "#b3460b"
"""Colour of a line such as a margin."""
SYMBOLS = ("n", "p")
"""Heads that are set in italics."""
LINE = 15.0
"""Height of a line, in points."""
SECOND = 9.5
"""What the second line of a long label adds."""
LABEL_ROOM = 150.0
"""Most room for a label, in points."""
BESIDE = 4.5
"""How far a second interval lies below the first."""
HEAD = 20.0
"""Height of a block's head, in points."""
TOP = 16.0
BELOW = 44.0


@dataclass(frozen=True)
class Bar:
    """One line of a forest.

    Parameters
    ----------
    label
        What is compared.
    n
        How many stand behind it, in words.
    estimate, lower, upper
        The difference and its interval; None when not shown.
    columns
        Further columns of text, right of the plot.
    strong
        Whether it is the line that counts most.
    beside
        A second interval of the same estimate, drawn thin below the first; None for none.
    colour, marker
        How it looks: those of an arm, where the line is about one.
    """

    label: str
    n: str
    estimate: float | None
    lower: float | None
    upper: float | None
    columns: tuple[str, ...]
    strong: bool = False
    beside: tuple[float, float] | None = None
    colour: str = INK
    marker: str = "s"


@dataclass(frozen=True)
class Block:
    """Lines under a common head.

    Parameters
    ----------
    head
        The head; an empty one takes no room.
    bars
        The lines.
    limits
        Values besides no difference at which a line is drawn across the block: a margin.
    """

    head: str
    bars: Sequence[Bar]
    limits: Sequence[float] = ()


def forest_height(blocks: Sequence[Block]) -> float:
    """Return the height that a forest needs, in inches."""
    heads = sum(HEAD for block in blocks if block.head)
    lines = sum(_height(bar) for block in blocks for bar in block.bars)
    return (TOP + heads + lines + BELOW) * POINT


def _label(bar: Bar) -> list[str]:
    return wrapped(bar.label, LABEL_ROOM, TEXT, 2, bar.strong)


def _height(bar: Bar) -> float:
    return LINE + SECOND * (len(_label(bar)) - 1)


def draw_forest(
    figure: Figure,
    top: float,
    blocks: Sequence[Block],
    *,
    heads: Sequence[str],
    x_label: str,
    sides: tuple[str, str] | None,
) -> Axes:
    """Draw a forest into a part of a figure.

    Parameters
    ----------
    figure
        The figure.
    top
        Where the part starts, in inches from the figure's top.
    blocks
        The lines.
    heads
        Heads of the text columns: of ``n``, then of each bar's ``columns``.
    x_label
        What is shown, with its unit.
    sides
        What lies left and right of no difference; None where there are no sides.
    """
    page_width, page_height = figure.get_size_inches()
    height = forest_height(blocks)
    bars = [bar for block in blocks for bar in block.bars]
    left = 14 + max(
        (text_width(line, TEXT, bar.strong) for bar in bars for line in _label(bar)), default=0.0
    )
    n_width = max((text_width(bar.n, TEXT) for bar in bars), default=0.0) + 14
    n_width = max(n_width, text_width(heads[0], SMALL) + 14)
    widths = [
        max([text_width(heads[k + 1], SMALL), *(text_width(bar.columns[k], TEXT) for bar in bars)])
        + 12
        for k in range(len(heads) - 1)
    ]
    start, end = (left + n_width) * POINT, (sum(widths) + 6) * POINT
    axes = figure.add_axes(
        (
            start / page_width,
            1 - (top + height - BELOW * POINT) / page_height,
            (page_width - start - end) / page_width,
            (height - (BELOW + TOP) * POINT) / page_height,
        )
    )
    length = height / POINT - TOP - BELOW
    axes.set_ylim(max(length, 1.0), 0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    edges = [0.0, *(limit for block in blocks for limit in block.limits)]
    for x, name in zip(_columns(widths), heads[1:], strict=True):
        _beside(axes, name, x, -7, right=True, size=SMALL, colour=QUIET)
    _beside(axes, heads[0], -4, -7, right=False, size=SMALL, colour=QUIET, ha="right")
    y = 0.0
    for block in blocks:
        if block.head:
            head = wrapped(block.head, page_width / POINT - 8, TEXT, 1, True)[0]
            axes.annotate(
                head, (0, y + HEAD / 2 + 2),
                xycoords=("figure fraction", "data"), xytext=(4, 0), textcoords="offset points",
                ha="left", va="center", fontweight="bold", annotation_clip=False,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}, zorder=4,
            )  # fmt: skip
            y += HEAD
        _draw_limits(axes, block, y)
        for bar in block.bars:
            middle = y + _height(bar) / 2
            _draw_bar(axes, bar, middle)
            edges += [end for end in (bar.lower, bar.upper, bar.estimate) if end is not None]
            edges += bar.beside or ()
            axes.annotate(
                "\n".join(_label(bar)), (0, middle), xycoords=("figure fraction", "data"),
                xytext=(10 if block.head else 4, 0), textcoords="offset points", ha="left",
                va="center", fontweight="bold" if bar.strong else "normal", annotation_clip=False,
                linespacing=1.1,
            )  # fmt: skip
            _beside(axes, bar.n, -4, middle, right=False, ha="right")
            for x, text in zip(_columns(widths), bar.columns, strict=True):
                _beside(axes, text, x, middle, right=True)
            y += _height(bar)
    if max(edges) == min(edges):
        edges += [-1.0, 1.0]  # no line has numbers
    margin = 0.06 * max(max(edges) - min(edges), 1e-9)
    axes.set_xlim(min(edges) - margin, max(edges) + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(tick)
    around = 2 * min(start, end) / POINT + (page_width - start - end) / POINT
    axes.set_xlabel(wrapped(x_label, around, TEXT, 1)[0], labelpad=3)
    beside = () if sides is None else ((f"← {sides[0]}", "right", -6), (f"{sides[1]} →", "left", 6))
    for text, ha, at in beside:
        axes.annotate(
            text, (0, 0), xycoords=("data", "axes fraction"),
            xytext=(at, -31), textcoords="offset points", ha=ha, va="top", fontsize=SMALL,
            color=QUIET, annotation_clip=False,
        )  # fmt: skip
    return axes


def _draw_limits(axes: Axes, block: Block, top: float) -> None:
    bottom = top + sum(_height(bar) for bar in block.bars)
    axes.vlines(0, top, bottom, color=QUIET, linewidth=0.8, zorder=1)
    for limit in block.limits:
        axes.vlines(limit, top, bottom, color=LIMIT, linewidth=1.1, linestyle=(0, (4, 2)), zorder=1)
        axes.annotate("margin", (limit, top), xytext=(0, 2), textcoords="offset points",
                      ha="center", va="bottom", fontsize=SMALL, color=LIMIT, zorder=5,
                      annotation_clip=False)  # fmt: skip


def _columns(widths: Sequence[float]) -> list[float]:
    """Right edges of the text columns, in points from the plot's right end."""
    return [sum(widths[: k + 1]) for k in range(len(widths))]


def _draw_bar(axes: Axes, bar: Bar, y: float) -> None:
    if bar.estimate is None:
        return
    if bar.lower is not None and bar.upper is not None:
        axes.hlines(y, bar.lower, bar.upper, color=bar.colour, linewidth=1.2, zorder=2)
    if bar.beside is not None:
        below = y + BESIDE
        axes.hlines(below, *bar.beside, color=QUIET, linewidth=0.7, zorder=2)
        axes.plot(bar.beside, [below, below], linestyle="none", marker="|", markersize=3,
                  markeredgecolor=QUIET, markeredgewidth=0.7, zorder=2)  # fmt: skip
    axes.plot([bar.estimate], [y], linestyle="none", marker=bar.marker,
              markersize=MARKER_SIZES[bar.marker] + 0.7,
              markerfacecolor=bar.colour if bar.strong else PAPER, markeredgecolor=bar.colour,
              markeredgewidth=1.1, zorder=3)  # fmt: skip


def _beside(
    axes: Axes,
    text: str,
    x: float,
    y: float,
    *,
    right: bool,
    size: float = TEXT,
    colour: str = INK,
    ha: str = "right",
) -> None:
    axes.annotate(
        text, (1 if right else 0, y), xycoords=("axes fraction", "data"), xytext=(x, 0),
        textcoords="offset points", ha=ha, va="center_baseline", fontsize=size, color=colour,
        annotation_clip=False, fontstyle="italic" if text in SYMBOLS else "normal",
    )  # fmt: skip
