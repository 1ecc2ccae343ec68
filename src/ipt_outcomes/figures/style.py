"""One style for every figure: fonts, ink, and a colour and marker for each arm.

Fonts are DejaVu Sans, which ships with matplotlib, so a figure looks the same on every machine.
The first four colours stay apart for readers with any of the three colour-vision deficiencies and
all have a contrast of at least 4.5 to white, so that labels can be set in them; markers repeat what
the colours say. An arm has the colour of its place in ``config.yaml``, whichever figure shows it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import PROBLEM_AREAS
from ipt_outcomes.tables.numbers import MINUS

INK = "#1a1a1a"
QUIET = "#595959"
FAINT = "#b8b8b8"
SHADE = "#f2f2f0"
PAPER = "#ffffff"

WIDTH = 7.09
"""Width of a figure in inches: 180 mm, two columns of a journal."""

POINT = 1 / 72
"""Inches in a point."""

TEXT = 8.0
SMALL = 7.0

ARM_COLOURS = ("#0b3d7a", "#bb5500", "#16806f", "#a03ab5", "#6b4a00", "#4d4d4d", "#c2185b",
               "#007ea8")  # fmt: skip
AREA_COLOURS = ("#2b2b2b", "#a8560f", "#237ca6", "#7a1f4b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
AREA_MARKERS = ("D", "v", "P", "X")
MARKER_SIZES = {"o": 5.0, "s": 4.8, "^": 5.6, "D": 4.6, "v": 5.6, "P": 6.4, "X": 6.4, "<": 5.6}
"""Sizes in points at which the markers weigh alike."""

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold dollar signs
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": TEXT,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "xtick.labelsize": TEXT,
    "xtick.major.width": 0.8,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
    "ytick.labelsize": TEXT,
    "ytick.major.width": 0.8,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "ipt-outcomes",
    "path.simplify": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside in the project's style, whatever a user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in _STYLE.items():
            matplotlib.rcParams[name] = value  # type: ignore[index]
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Make an empty figure.

    Parameters
    ----------
    height, width
        Size in inches.
    """
    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def letter_panels(figure: Figure, **tops: float) -> None:
    """Write the letters of panels at the left edge.

    Parameters
    ----------
    figure
        The figure.
    tops
        Letter: where its panel starts, in inches from the figure's top.
    """
    height = figure.get_size_inches()[1]
    for letter, top in tops.items():
        figure.text(0.006, 1 - top / height, letter, fontsize=TEXT + 2, fontweight="bold", va="top")


def arm_colour(study: Study, arm: str) -> str:
    """Return the colour of an arm: that of its place in the configuration."""
    return ARM_COLOURS[list(study.arms).index(arm) % len(ARM_COLOURS)]


def arm_marker(study: Study, arm: str) -> str:
    """Return the marker of an arm: that of its place in the configuration."""
    return MARKERS[list(study.arms).index(arm) % len(MARKERS)]


def area_colour(area: str) -> str:
    """Return the colour of a problem area."""
    return AREA_COLOURS[_area(area)]


def area_marker(area: str) -> str:
    """Return the marker of a problem area."""
    return AREA_MARKERS[_area(area)]


def _area(area: str) -> int:
    names: tuple[str, ...] = PROBLEM_AREAS
    return names.index(area) if area in names else 0


def tick(value: float, _: float | None = None) -> str:
    """Write a number of an axis with as many decimals as it needs, as matplotlib asks for it.

    Examples
    --------
    >>> tick(-0.05), tick(10.0)
    ('−0.05', '10')
    """
    return f"{value:g}".replace("-", MINUS)


@cache
def text_width(text: str, size: float = TEXT, bold: bool = False) -> float:
    """Measure a line of text.

    Parameters
    ----------
    text
        The line.
    size
        Font size in points.
    bold
        Whether it is set in bold.

    Returns
    -------
    float
        Width in points.

    Examples
    --------
    >>> text_width("IPT + medication") > text_width("IPT")
    True
    """
    if not text.strip():
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    font.set_size(size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return float(width)


def wrapped(
    text: str, width: float, size: float = TEXT, most: int = 4, bold: bool = False
) -> list[str]:
    """Break text into lines that fit a width.

    Parameters
    ----------
    text
        The text.
    width
        Room in points.
    size
        Font size in points.
    most
        Most lines; the rest is cut and the cut is marked by an ellipsis.
    bold
        Whether it is set in bold.

    Examples
    --------
    >>> wrapped("did not meet criteria", 60)
    ['did not meet', 'criteria']
    """
    lines: list[str] = []
    for word in _short_words(" ".join(text.split()), width, size, bold):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        last = lines[most - 1]
        while last and text_width(last + "…", size, bold) > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last.rstrip(".,; ") + "…"]
    return lines or [""]


def _short_words(text: str, width: float, size: float, bold: bool) -> list[str]:
    # A word wider than the room is cut, or one hostile label would burst every figure.
    words: list[str] = []
    for word in text[:400].split():
        if text_width(word, size, bold) <= width:
            words.append(word)
        else:
            letters = max(1, int(len(word) * width / text_width(word, size, bold)))
            words.extend(textwrap.wrap(word, letters))
    return words
