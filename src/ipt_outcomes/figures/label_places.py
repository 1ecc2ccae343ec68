"""Where labels stand at the end of lines, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from ipt_outcomes.figures.style import POINT, SMALL


def label_at_right(axes: Axes, labels: Sequence[tuple[Sequence[str], str, float]]) -> None:
    """Write bold labels beside the right end of axes, near the values that they belong to.

    Parameters
    ----------
    axes
        The axes, with their final limits.
    labels
        Lines, colour and value of each label.
    """
    low, high = axes.get_ylim()
    length = axes.get_window_extent().height / axes.figure.dpi / POINT
    wanted = [(value - low) * length / (high - low) for _, _, value in labels]
    room = [len(lines) * (SMALL + 1.5) + 1 for lines, _, _ in labels]
    for (lines, colour, _), at in zip(labels, spread(wanted, room, length), strict=True):
        axes.annotate(
            "\n".join(lines), (1, 0), xycoords="axes fraction", xytext=(6, at),
            textcoords="offset points", ha="left", va="center", fontsize=SMALL, linespacing=1.05,
            color=colour, fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def spread(wanted: Sequence[float], room: Sequence[float], height: float) -> list[float]:
    """Move labels apart along an axis as little as needed.

    Parameters
    ----------
    wanted
        Where each label would stand, in points.
    room
        How much room each takes, in points.
    height
        Length of the axis in points.

    Returns
    -------
    list of float
        Where each label stands, in the order given; none overlap unless the axis is too short.

    Examples
    --------
    >>> spread([10.0, 12.0, 50.0], [10.0, 10.0, 10.0], 100.0)
    [6.0, 16.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Labels that would touch form a block, which is centred on the mean of its members' places.
    blocks: list[list[int]] = []
    for i in order:
        blocks.append([i])
        while len(blocks) > 1 and _touch(blocks[-2], blocks[-1], wanted, room, height):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    placed = [0.0] * len(wanted)
    for block in blocks:
        at = _bottom(block, wanted, room, height)
        for i in block:
            placed[i] = at + room[i] / 2
            at += room[i]
    return placed


def _bottom(
    block: Sequence[int], wanted: Sequence[float], room: Sequence[float], height: float
) -> float:
    size = sum(room[i] for i in block)
    centre = sum(wanted[i] for i in block) / len(block)
    return max(min(centre - size / 2, height - size), 0.0)


def _touch(
    below: Sequence[int],
    above: Sequence[int],
    wanted: Sequence[float],
    room: Sequence[float],
    height: float,
) -> bool:
    top = _bottom(below, wanted, room, height) + sum(room[i] for i in below)
    return top > _bottom(above, wanted, room, height)
