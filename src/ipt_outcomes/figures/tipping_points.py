"""Tipping points: how far unseen scores must be shifted for the conclusion to change.

Left, the difference and its interval as the unseen scores of the arm are shifted and those of the
reference stay as predicted; right, shifted in both arms, with the line on which the interval of the
difference begins to hold zero, or ceases to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    FAINT,
    INK,
    PAPER,
    QUIET,
    SMALL,
    TEXT,
    arm_colour,
    new_figure,
    styled,
    text_width,
    tick,
    wrapped,
)
from ipt_outcomes.tables.numbers import number
from ipt_outcomes.tables.quotes import Part, Text, joined, listed, quote, words
from ipt_outcomes.tables.robustness import PREFIX
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

SHIFT = re.compile(re.escape(PREFIX) + r"delta ([+-][\d.e+-]+) and ([+-][\d.e+-]+)")
TIP = PREFIX + "tipping point "
UNSHIFTED = re.compile(r"shifted by [+-]0$")

ROW = 2.75
"""Height of a comparison, in inches."""
COLOURS = LinearSegmentedColormap.from_list(
    "difference", ["#2f6db3", "#a9c8e8", "#f7f7f7", "#f2c48f", "#c06a10"]
)
COLUMNS = ("arm", "reference", "shift", "shift_of_reference", "estimate", "lower", "upper", "id")


@dataclass(frozen=True)
class Surface:
    """The differences of one comparison under all pairs of shifts.

    Parameters
    ----------
    arm, reference
        What is compared.
    rows
        Row of the estimates table by pair of shifts.
    tips
        Rows of the tipping points while the reference is not shifted.
    """

    arm: str
    reference: str
    rows: dict[tuple[float, float], Row]
    tips: list[Row]

    @property
    def shifts(self) -> list[float]:
        """Shifts of the arm, in order."""
        return sorted({own for own, _ in self.rows})

    @property
    def other_shifts(self) -> list[float]:
        """Shifts of the reference, in order."""
        return sorted({other for _, other in self.rows})

    def grid(self, name: str) -> NDArray[np.float64]:
        """Return a column as (shifts of the reference, shifts of the arm)."""
        return np.array(
            [[self.rows[own, other][name] for own in self.shifts] for other in self.other_shifts],
            float,
        )


def surfaces(rows: Rows) -> list[Surface]:
    """Gather the rows of the tipping-point analysis by comparison."""
    found: dict[tuple[str, str], Surface] = {}
    for row in rows:
        name = row["analysis"]
        if not name.startswith(PREFIX) or row["arm"] is None:
            continue
        shift = SHIFT.fullmatch(name)
        is_tip = name.startswith(TIP) and UNSHIFTED.search(row["contrast"] or "") is not None
        if shift is None and not is_tip:
            continue
        pair = row["arm"], row["reference"]
        surface = found.setdefault(pair, Surface(*pair, {}, []))
        if shift is not None:
            surface.rows[float(shift[1]), float(shift[2])] = row
        else:
            surface.tips.append(row)
    return [surface for surface in found.values() if surface.rows]


def tipping_points(source: Source) -> Drawing:
    """Draw the difference at the endpoint as unseen scores are shifted.

    Parameters
    ----------
    source
        Study and rows.
    """
    study = source.study
    outcome = study.primary_outcome
    endpoint = source.visit(study.endpoint)
    found = surfaces(source.rows.where(outcome=outcome))
    with styled():
        figure = new_figure(max(ROW * len(found), 0.6))
        if not found:
            figure.text(0.5, 0.5, "No score is missing at the endpoint: there is nothing to shift.",
                        ha="center", va="center")  # fmt: skip
        extreme = max((np.abs(s.grid("estimate")).max() for s in found), default=1.0)
        for place, surface in enumerate(found):
            _draw(figure, place, len(found), source, surface, float(extreme))
    about = next((surface.rows[0.0, 0.0] for surface in found), None)
    method = Text() if about is None else words(
        "Bands and contours: ", quote(about, "level"), " confidence intervals (",
        quote(about, "interval method"), "). ", quote(about, "method"), ". ",
    )  # fmt: skip
    return Drawing(
        figure,
        pd.DataFrame(_data(found), columns=list(COLUMNS)),
        words("Tipping points of the difference in ", source.outcome(outcome), " at ", endpoint,
              ": ", source.trial_label()),
        words(
            "Left: the difference as the unseen scores of the arm are shifted, those of the "
            "reference being as predicted. Right: shifted in both arms; on the heavy line the "
            "interval of the difference begins to hold zero, or ceases to; the circle marks the "
            "assumption itself. ", f"{source.direction(outcome).capitalize()}. ", method,
        ),
        words(
            "Per comparison a line with its interval and a surface of differences by shifts of "
            "unseen scores. ", joined([_sentence(source, s) for s in found], " "),
        ),
    )  # fmt: skip


def _sentence(source: Source, surface: Surface) -> Text:
    base = surface.rows[0.0, 0.0]
    parts: list[Part] = [source.difference(base), " ", quote(base, "estimate"), " ",
                         quote(base, "interval"), " without a shift"]  # fmt: skip
    if surface.tips:
        tips = listed([words(quote(tip, "estimate")) for tip in surface.tips], last=" or ")
        parts += ["; the conclusion changes at a shift of ", tips]
    else:
        parts += ["; no shift examined changes the conclusion"]
    return words(*parts, ".")


# --- drawing -------------------------------------------------------------------------------------


def _draw(
    figure: Figure, place: int, of: int, source: Source, surface: Surface, extreme: float
) -> None:
    width, height = figure.get_size_inches()
    top = ROW * place

    def box(x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
        return x / width, 1 - (top + y + h) / height, w / width, h / height

    base = surface.rows[0.0, 0.0]
    head = wrapped(str(source.difference(base)), width * 72 - 8, TEXT, 1, True)[0]
    figure.text(4 / 72 / width, 1 - (top + 0.07) / height, head, fontweight="bold", va="top")
    tall = ROW - 0.85
    _line(figure.add_axes(box(0.56, 0.33, 2.5, tall)), source, surface)
    axes = figure.add_axes(box(3.95, 0.33, 2.2, tall))
    _surface(axes, figure.add_axes(box(6.3, 0.33, 0.09, tall)), source, surface, extreme)


def _shift_label(source: Source, arm: str, width: float) -> str:
    unit = source.study.outcomes[source.study.primary_outcome].unit
    name = source.study.arms[arm].label
    return wrapped(f"Shift of unseen scores, {name} ({unit})", width, TEXT, 1)[0]


def _few() -> MaxNLocator:
    return MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value, 1)


def _line(axes: Axes, source: Source, surface: Surface) -> None:
    study = source.study
    settings = study.outcomes[study.primary_outcome]
    rows = [surface.rows[shift, 0.0] for shift in surface.shifts]
    x = np.array(surface.shifts)
    estimate, lower, upper = (
        np.array([row[name] for row in rows], float) for name in ("estimate", "lower", "upper")
    )
    colour = arm_colour(study, surface.arm)
    axes.fill_between(x, lower, upper, color=colour, alpha=0.16, linewidth=0)
    axes.plot(x, estimate, color=colour, linewidth=1.6)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.plot([0], [surface.rows[0.0, 0.0]["estimate"]], marker="o", markersize=5,
              markerfacecolor=PAPER, markeredgecolor=colour, markeredgewidth=1.2)  # fmt: skip
    axes.set_xlim(x[0], x[-1])
    low, high = min(lower.min(), 0.0), max(upper.max(), 0.0)
    room = 0.16 * (high - low)
    axes.set_ylim(low - 0.04 * (high - low), high + room)
    for tip in surface.tips:
        at = tip["estimate"]
        axes.plot(
            [at, at], [low, high + 0.7 * room], color=INK, linewidth=0.9, linestyle=(0, (3, 2))
        )
        left = (at - x[0]) / (x[-1] - x[0]) > 0.5
        axes.annotate(
            f"tips at {_signed(at)}", (at, high + room), xytext=(-2 if left else 2, -1),
            textcoords="offset points", ha="right" if left else "left", va="top", fontsize=SMALL,
        )  # fmt: skip
        break  # the nearest one is labelled; a second is drawn by the surface
    axes.xaxis.set_major_locator(_few())
    axes.yaxis.set_major_locator(_few())
    axes.xaxis.set_major_formatter(tick)
    axes.yaxis.set_major_formatter(tick)
    axes.set_xlabel(_shift_label(source, surface.arm, 235))
    axes.set_ylabel(wrapped(f"Difference ({settings.unit})", 120, TEXT, 1)[0])


def _surface(axes: Axes, bar: Axes, source: Source, surface: Surface, extreme: float) -> None:
    study = source.study
    settings = study.outcomes[study.primary_outcome]
    x, y = np.array(surface.shifts), np.array(surface.other_shifts)
    estimate, lower, upper = (surface.grid(name) for name in ("estimate", "lower", "upper"))
    colours = COLOURS if settings.higher_is == "worse" else COLOURS.reversed()
    norm = TwoSlopeNorm(0, -extreme, extreme)
    levels = MaxNLocator(10, symmetric=True).tick_values(-extreme, extreme)
    filled = axes.contourf(x, y, estimate, levels=levels, cmap=colours, norm=norm)
    for bound in (lower, upper):
        if bound.min() < 0 < bound.max():
            axes.contour(x, y, bound, levels=[0.0], colors=INK, linewidths=1.8)
    axes.axhline(0, color=FAINT, linewidth=0.6)
    axes.axvline(0, color=FAINT, linewidth=0.6)
    axes.plot([0], [0], marker="o", markersize=5, markerfacecolor=PAPER, markeredgecolor=INK,
              markeredgewidth=1.2)  # fmt: skip
    _name_regions(axes, source, surface, x, y, (lower > 0).astype(int) - (upper < 0))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(_few())
        axis.set_major_formatter(tick)
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(True)
    axes.set_xlabel(_shift_label(source, surface.arm, 235))
    unit = settings.unit
    lines = wrapped(f"Shift of unseen scores, {study.arms[surface.reference].label} ({unit})", 130,
                    TEXT, 2)  # fmt: skip
    axes.set_ylabel("\n".join(lines))
    scale = axes.figure.colorbar(filled, cax=bar)
    scale.outline.set_visible(False)
    scale.locator = _few()
    scale.update_ticks()
    bar.yaxis.set_major_formatter(tick)
    bar.set_ylabel(wrapped(f"Difference ({unit})", 120, TEXT, 1)[0])


def _name_regions(
    axes: Axes, source: Source, surface: Surface, x: NDArray[np.float64], y: NDArray[np.float64],
    said: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write into every region what would be concluded there, in the middle of its widest line."""
    study = source.study
    worse = study.outcomes[study.primary_outcome].higher_is == "worse"
    arm = study.arms[surface.arm].label
    names = {
        0: "no difference shown",
        -1: f"{arm} {'better' if worse else 'worse'}",
        1: f"{arm} {'worse' if worse else 'better'}",
    }
    taken: list[float] = [0.0]  # the circle
    least = 0.11 * (y[-1] - y[0])
    for which, name in names.items():
        spans = []
        for a, line in enumerate(said == which):
            inside = np.flatnonzero(line)
            if len(inside) and min(abs(y[a] - other) for other in taken) >= least:
                spans.append((x[inside[-1]] - x[inside[0]], a, x[inside[0]], x[inside[-1]]))
        if not spans:
            continue
        edge = 0.06 * (y[-1] - y[0])
        spans = [s for s in spans if y[0] + edge <= y[s[1]] <= y[-1] - edge] or spans
        wide, a, left, right = max(spans)
        room = 2.2 * 72 * wide / (x[-1] - x[0]) - 6
        if room < 30:
            continue
        label = wrapped(name, room, SMALL, 2)
        if max(text_width(text, SMALL) for text in label) > room:
            continue
        taken.append(float(y[a]))
        axes.text(0.5 * (left + right), y[a], "\n".join(label), fontsize=SMALL, ha="center",
                  va="center", linespacing=1.0)  # fmt: skip


def _data(found: list[Surface]) -> list[tuple[object, ...]]:
    return [
        (surface.arm, surface.reference, own, other, row["estimate"], row["lower"], row["upper"],
         row["id"])
        for surface in found
        for (own, other), row in surface.rows.items()
    ]  # fmt: skip
