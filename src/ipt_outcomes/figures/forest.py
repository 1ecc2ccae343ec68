"""Drawing differences with their intervals as a forest, with the numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ipt_outcomes.figures.style import INK, QUIET, SMALL, TEXT, text_width, wrapped
from ipt_outcomes.tables.numbers import number

POINT = 1 / 72
LINE = 15.0
"""Height of a line, in points."""
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
    """

    label: str
    n: str
    estimate: float | None
    lower: float | None
    upper: float | None
    columns: tuple[str, ...]
    strong: bool = False


@dataclass(frozen=True)
class Block:
    """Lines under a common head; an empty head takes no room."""

    head: str
    bars: Sequence[Bar]


def forest_height(blocks: Sequence[Block]) -> float:
    """Return the height that a forest needs, in inches."""
    heads = sum(HEAD for block in blocks if block.head)
    lines = sum(LINE * len(block.bars) for block in blocks)
    return (TOP + heads + lines + BELOW) * POINT


def draw_forest(
    figure: Figure,
    top: float,
    blocks: Sequence[Block],
    *,
    heads: Sequence[str],
    x_label: str,
    sides: tuple[str, str],
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
        What lies left and right of no difference.
    """
    page_width, page_height = figure.get_size_inches()
    height = forest_height(blocks)
    bars = [bar for block in blocks for bar in block.bars]
    room = 175.0
    labels = {bar.label: wrapped(bar.label, room, TEXT, 1)[0] for bar in bars}
    left = 10 + max((text_width(text, TEXT) for text in labels.values()), default=0.0)
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
    axes.set_ylim(length, 0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
    edges = [0.0]
    for x, head in zip(_columns(widths), heads[1:], strict=True):
        _beside(axes, head, x, -7, right=True, size=SMALL, colour=QUIET)
    _beside(axes, heads[0], -4, -7, right=False, size=SMALL, colour=QUIET, ha="right")
    y = 0.0
    for block in blocks:
        if block.head:
            axes.annotate(
                wrapped(block.head, page_width / POINT - 8, TEXT, 1)[0], (0, y + HEAD / 2 + 2),
                xycoords=("figure fraction", "data"), xytext=(4, 0), textcoords="offset points",
                ha="left", va="center", fontweight="bold", annotation_clip=False,
            )  # fmt: skip
            y += HEAD
        for bar in block.bars:
            _draw_bar(axes, bar, y + LINE / 2)
            edges += [end for end in (bar.lower, bar.upper, bar.estimate) if end is not None]
            axes.annotate(
                labels[bar.label], (0, y + LINE / 2), xycoords=("figure fraction", "data"),
                xytext=(10 if block.head else 4, 0), textcoords="offset points", ha="left",
                va="center", fontweight="bold" if bar.strong else "normal", annotation_clip=False,
            )  # fmt: skip
            _beside(axes, bar.n, -4, y + LINE / 2, right=False, ha="right")
            for x, text in zip(_columns(widths), bar.columns, strict=True):
                _beside(axes, text, x, y + LINE / 2, right=True)
            y += LINE
    margin = 0.06 * max(max(edges) - min(edges), 1e-9)
    axes.set_xlim(min(edges) - margin, max(edges) + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: number(x, 1 if x % 1 else 0)))
    axes.set_xlabel(x_label, labelpad=3)
    low, high = axes.get_xlim()
    width = (page_width - start - end) / POINT
    zero = width * (0 - low) / (high - low)
    for text, ha, at in ((f"← {sides[0]}", "right", -6), (f"{sides[1]} →", "left", 6)):
        axes.annotate(
            text, (0, 0), xycoords=("data", "axes fraction"),
            xytext=(at, -31), textcoords="offset points", ha=ha, va="top", fontsize=SMALL,
            color=QUIET, annotation_clip=False,
        )  # fmt: skip
    assert 0 <= zero <= width
    return axes


def _columns(widths: Sequence[float]) -> list[float]:
    """Right edges of the text columns, in points from the plot's right end."""
    return [sum(widths[: k + 1]) for k in range(len(widths))]


def _draw_bar(axes: Axes, bar: Bar, y: float) -> None:
    if bar.estimate is None:
        return
    if bar.lower is not None and bar.upper is not None:
        axes.hlines(y, bar.lower, bar.upper, color=INK, linewidth=1.2, zorder=2)
    axes.plot([bar.estimate], [y], linestyle="none", marker="s", markersize=5.5,
              markerfacecolor=INK if bar.strong else "white", markeredgecolor=INK,
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
        textcoords="offset points", ha=ha, va="center", fontsize=size, color=colour,
        annotation_clip=False,
    )  # fmt: skip
