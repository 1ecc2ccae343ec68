"""What the primary models rest on: quantiles of their residuals, and the SD by arm and visit.

The shareable twin of the plot of each residual (``results/restricted``): quantiles tell of groups.
"""

from __future__ import annotations

import re

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import ndtri

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest_words import about_method
from ipt_outcomes.figures.label_places import label_at_right
from ipt_outcomes.figures.share_panels import shown_points
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
    tick,
    wrapped,
)
from ipt_outcomes.tables.quotes import Text, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

ANALYSIS = "diagnostics, residuals"
PANEL = 2.45
"""Height of an outcome's panels, in inches."""
COLUMNS = ("panel", "outcome", "arm", "visit", "week", "normal", "estimate", "n", "id")
_QUANTILE = re.compile(r"^quantile (\d*\.?\d+) ")


def diagnostics(source: Source) -> Drawing:
    """Draw quantiles against normal ones, and residual SDs over weeks, for every outcome."""
    rows = source.rows.where(analysis=ANALYSIS)
    outcomes = [name for name in source.study.outcomes if len(rows.where(outcome=name))]
    with styled():
        figure = new_figure(max(PANEL * len(outcomes), 0.6))
        for place, outcome in enumerate(outcomes):
            _panels(figure, source, rows.where(outcome=outcome), outcome, place, len(outcomes))
    return Drawing(
        figure,
        pd.DataFrame(
            [line for name in outcomes for line in _data(source, rows.where(outcome=name))],
            columns=list(COLUMNS),
        ),
        words("Residuals of the primary models: ", source.trial_label()),
        words(
            "Left: quantiles of the normalised residuals against those of a normal distribution; "
            "on the line they are equal. Right: SD of the residuals by arm and visit, where "
            "enough participants have a score. ",
            joined([_numbers(source, rows, name) for name in outcomes], " "),
            " ", about_method(rows),
            " None of this is a test to be passed: large trials reject any model, small ones none.",
        ),
        words("Per outcome a plot of quantiles and lines of residual SDs by arm. ",
              joined([_spoken(source, rows, name) for name in outcomes], " ")),
    )  # fmt: skip


def _quantiles(rows: Rows) -> list[tuple[float, Row]]:
    found = []
    for row in rows.where(quantity="test"):
        match = _QUANTILE.match(row["contrast"] or "")
        if match and row["estimate"] is not None:
            found.append((float(ndtri(float(match[1]))), row))
    return found


def _numbers(source: Source, rows: Rows, outcome: str) -> Text:
    of = rows.where(outcome=outcome)
    first = next((row for _, row in _quantiles(of)), None)
    parts: list[Text] = []
    if first is not None:
        parts.append(words("n = ", quote(first, "n"), " residuals"))
    for row in of.where(quantity="test", unit=("skewness", "kurtosis")):
        parts.append(words(str(row["unit"]), " ", quote(row, "estimate")))
    return words(source.outcome(outcome), ": ", joined(parts, ", "), ".")


def _spoken(source: Source, rows: Rows, outcome: str) -> Text:
    of = rows.where(outcome=outcome)
    points = _quantiles(of)
    ends = [
        words("outermost quantiles ", quote(points[0][1], "estimate"), " and ",
              quote(points[-1][1], "estimate"))
    ] if points else []  # fmt: skip
    sds = sorted(
        (row for row in of.where(quantity="standard deviation") if row["estimate"] is not None),
        key=lambda row: row["estimate"],
    )
    if sds:
        low, high = sds[0], sds[-1]
        ends.append(words("SD from ", quote(low, "estimate"), " (", source.arm(low["arm"]), ", ",
                          source.visit(low["visit"]), ") to ", quote(high, "estimate"), " (",
                          source.arm(high["arm"]), ", ", source.visit(high["visit"]),
                          ")"))  # fmt: skip
    return words(source.outcome(outcome), ": ", joined(ends), ".")


def _data(source: Source, rows: Rows) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = [
        ("quantiles", row["outcome"], None, None, None, normal, row["estimate"], row["n_arm"],
         row["id"])
        for normal, row in _quantiles(rows)
    ]  # fmt: skip
    lines += [
        ("SD", row["outcome"], row["arm"], row["visit"], source.study.visits[row["visit"]].week,
         None, row["estimate"], row["n_arm"], row["id"])
        for row in rows.where(quantity="standard deviation")
    ]  # fmt: skip
    return lines


def _panels(figure: Figure, source: Source, rows: Rows, outcome: str, place: int, of: int) -> None:
    width, height = figure.get_size_inches()
    top = PANEL * place
    settings = source.study.outcomes[outcome]
    head = wrapped(settings.short_label, width / POINT - 12, TEXT, 1, True)[0]
    figure.text(4 * POINT / width, 1 - (top + 0.06) / height, head, fontweight="bold", va="top")
    names = {arm: wrapped(source.study.arms[arm].label, 84, SMALL, 2, True) for arm in source.arms}
    room = max(text_width(line, SMALL, True) for lines in names.values() for line in lines)
    tall = PANEL - 0.78
    base = 1 - (top + 0.32 + tall) / height
    left = figure.add_axes((0.52 / width, base, tall / width, tall / height))
    draw_quantiles(left, _quantiles(rows))
    start = 0.52 + tall + 0.72
    end = (room + 16) * POINT
    right = figure.add_axes((start / width, base, (width - start - end) / width, tall / height))
    _spreads(right, source, rows, settings.unit, names)


def draw_quantiles(axes: Axes, points: list[tuple[float, Row]]) -> None:
    """Draw quantiles of residuals against normal ones, with the line of equality."""
    ends = [value for x, row in points for value in (x, row["estimate"])] or [-1.0, 1.0]
    edge = 1.1 * max(abs(value) for value in ends)
    axes.plot([-edge, edge], [-edge, edge], color=QUIET, linewidth=0.8, zorder=1)
    axes.plot([x for x, _ in points], [row["estimate"] for _, row in points], linestyle="none",
              marker="o", markersize=4.2, markerfacecolor=INK, markeredgecolor=PAPER,
              markeredgewidth=0.5, zorder=3)  # fmt: skip
    quiet_axes(axes, edge)
    axes.set_xlabel("Normal quantile (SD)", labelpad=3)
    axes.set_ylabel("Residual quantile (SD)", labelpad=3)


def quiet_axes(axes: Axes, edge: float) -> None:
    """Give both axes the same few ticks around zero."""
    axes.set_xlim(-edge, edge)
    axes.set_ylim(-edge, edge)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(tick)
    axes.grid(color="#ececec", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)


def _spreads(
    axes: Axes, source: Source, rows: Rows, unit: str, names: dict[str, list[str]]
) -> None:
    study = source.study
    sds = rows.where(quantity="standard deviation")
    ends: list[tuple[str, float]] = []
    every: list[float] = []
    highest = 0.0
    for arm in source.arms:
        points = sorted(
            (study.visits[row["visit"]].week, row["estimate"])
            for row in sds.where(arm=arm)
            if row["estimate"] is not None
        )
        if not points:
            continue
        weeks, values = [p[0] for p in points], [p[1] for p in points]
        marker = arm_marker(study, arm)
        axes.plot(weeks, values, color=arm_colour(study, arm), linewidth=1.2, marker=marker,
                  markersize=MARKER_SIZES[marker], markeredgecolor=PAPER,
                  markeredgewidth=0.5)  # fmt: skip
        ends.append((arm, values[-1]))
        every += weeks
        highest = max(highest, *values)
    axes.set_ylim(0, 1.12 * highest if highest else 1)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(tick)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("Weeks since randomisation", labelpad=3)
    axes.set_ylabel(wrapped(f"Residual SD ({unit})", 118, TEXT, 1)[0], labelpad=3)
    if every:
        span = max(max(every) - min(every), 1e-9)
        axes.set_xlim(min(every) - 0.05 * span, max(every) + 0.05 * span)
        width = axes.get_window_extent().width / axes.figure.dpi / POINT
        shown = shown_points(sorted(set(every)), 0.9 * width, 15.0)
        axes.set_xticks(shown, [f"{week:g}" for week in shown])
    label_at_right(axes, [(names[arm], arm_colour(study, arm), value) for arm, value in ends])
