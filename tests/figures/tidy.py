"""Whether the words of a figure stand on its page and none covers another."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import styled


def boxes(figure: Figure) -> list[tuple[str, np.ndarray]]:
    """Text of the figure and where it stands, in pixels."""
    with styled():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        found = []
        undrawn = set()
        for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high:
                    undrawn |= {tick.label1, tick.label2}
        for text in figure.findobj(Text):
            if text in undrawn:
                continue
            words = text.get_text().strip()
            if not (words and text.get_visible()):
                continue
            # An annotation's arrow is no text.
            extent = (
                Text.get_window_extent(text, renderer)
                if isinstance(text, Annotation)
                else (text.get_window_extent(renderer))
            )
            if extent.width > 0:
                found.append((words, np.array([extent.x0, extent.y0, extent.x1, extent.y1])))
    return found


def overlaps(found: list[tuple[str, np.ndarray]], slack: float = 1.5) -> list[tuple[str, str]]:
    return [
        (a, b)
        for (a, p), (b, q) in itertools.combinations(found, 2)
        if min(p[2], q[2]) - max(p[0], q[0]) > slack and min(p[3], q[3]) - max(p[1], q[1]) > slack
    ]


def assert_tidy(drawing: Drawing) -> None:
    found = boxes(drawing.figure)
    assert found
    width, height = drawing.figure.get_size_inches() * drawing.figure.dpi
    outside = [words for words, box in found if box[0] < -1 or box[1] < -1 or box[2] > width + 1
               or box[3] > height + 1]  # fmt: skip
    assert not outside
    assert not overlaps(found)
