"""Kaplan-Meier curves of the times to response, remission, stopping treatment and leaving."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ipt_outcomes.figures.courses import spread
from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import (
    POINT,
    QUIET,
    SMALL,
    TEXT,
    arm_colour,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from ipt_outcomes.tables.quotes import FORMS, Text, listed, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.time_to_event import event_analyses

PANEL = 172.0
"""Height of a panel without its counts, in points."""
COUNT_ROW = 10.5
BETWEEN = 18.0
COLUMNS = ("event", "outcome", "arm", "week", "at_risk", "estimate", "lower", "upper", "id")
_WEEK = re.compile(r"by week (\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class Event:
    """One panel: an event, its outcome, and its rows."""

    title: str
    rows: Rows


def time_to_events(source: Source) -> Drawing:
    """Draw the share of each arm without each event over the weeks, with the numbers at risk.

    Parameters
    ----------
    source
        Study and rows.
    """
    events = _events(source)
    across = 2 if len(events) > 1 else 1
    down = max(1, -(-len(events) // across))
    below = 26 + COUNT_ROW * (len(source.arms) + 1)
    height = down * (PANEL + below) + (down - 1) * BETWEEN
    with styled():
        figure = new_figure(height * POINT)
        for place, event in enumerate(events):
            _panel(figure, source, event, place // across, place % across, across, below)
    data = pd.DataFrame([line for event in events for line in _data(event)], columns=list(COLUMNS))
    curves = Rows([row for event in events for row in event.rows.where(quantity="survival")])
    return Drawing(
        figure,
        data,
        words("Times to events by arm: ", source.trial_label()),
        words("Participants without the event over weeks since randomisation (Kaplan–Meier); ",
              _bands(curves), ". An event that is known at visits only is drawn at the visit at "
              "which it was first seen. Below: participants at risk. Restricted means and hazard "
              "ratios stand in the table."),
        words("Kaplan–Meier curves by arm. ",
              listed(_spoken(source, events), last="; ", between="; "), "."),
    )  # fmt: skip


def _bands(rows: Rows) -> Text:
    return words(str(bars_are(rows)).partition(":")[0].replace("bars", "bands"), ": ",
                 *[piece for piece in bars_are(rows).pieces if piece.estimate][:1],
                 " confidence intervals")  # fmt: skip


def _events(source: Source) -> list[Event]:
    found = []
    for analysis in event_analyses(source):
        of_event = source.rows.where(analysis=analysis)
        event = analysis.removeprefix("time to ")
        for outcome in dict.fromkeys(row["outcome"] for row in of_event):
            rows = of_event.where(outcome=outcome)
            title = event[:1].upper() + event[1:]
            if outcome in source.study.outcomes:
                title += f", {source.study.outcomes[outcome].short_label}"
            if len(rows.where(quantity="survival")):
                found.append(Event(title, rows))
    return found


def _week(row: Row) -> float | None:
    found = _WEEK.search(row["contrast"] or "")
    return float(found[1]) if found else None


def _curve(event: Event, arm: str) -> list[tuple[float, Row]]:
    rows = event.rows.where(quantity="survival", arm=arm)
    points = [(week, row) for row in rows if (week := _week(row)) is not None]
    return sorted((p for p in points if p[1]["estimate"] is not None), key=lambda p: p[0])


def _at_risk(event: Event, arm: str) -> dict[float, Row]:
    risk: dict[float, Row] = {}
    for row in event.rows.where(quantity="count", arm=arm):
        found = re.search(r"at risk at week (\d+(?:\.\d+)?)$", row["contrast"] or "")
        if found:
            risk[float(found[1])] = row
    return risk


def _data(event: Event) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = []
    for arm in event.rows.where(quantity="survival").values("arm"):
        risk = _at_risk(event, arm)
        for week, row in _curve(event, arm):
            at = risk.get(week)
            lines.append((row["analysis"], row["outcome"], arm, week,
                          None if at is None else at["estimate"], row["estimate"], row["lower"],
                          row["upper"], row["id"]))  # fmt: skip
    return lines


def _spoken(source: Source, events: Sequence[Event]) -> list[Text]:
    found = []
    for event in events:
        for arm in source.arms:
            if points := _curve(event, arm):
                last = points[-1][1]
                found.append(words(source.arm(arm), ", ", quote(last, "contrast"), ": ",
                                   quote(last, "percent")))  # fmt: skip
    return found


def _panel(
    figure: Figure, source: Source, event: Event, row: int, column: int, across: int, below: float
) -> None:
    study = source.study
    page, height = (side / POINT for side in figure.get_size_inches())
    names = {arm: wrapped(study.arms[arm].label, 74, SMALL, 2, True) for arm in source.arms}
    widest = max(
        (text_width(line, SMALL, bold=True) for lines in names.values() for line in lines),
        default=0,
    )
    left = max(40.0, text_width("at risk", SMALL) + 12)
    width = (page - BETWEEN * (across - 1)) / across
    top = row * (PANEL + below + BETWEEN)
    axes = figure.add_axes(
        (
            (column * (width + BETWEEN) + left) / page,
            1 - (top + PANEL) / height,
            (width - left - widest - 14) / page,
            (PANEL - 24) / height,
        )
    )
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    title = wrapped(event.title, width - 8, TEXT, 1, True)[0]
    start = (2 - left) / (width - left - widest - 14)
    axes.set_title(title, loc="left", fontweight="bold", x=start, pad=8)
    axes.set_ylabel("Without the event (%)", labelpad=3)
    weeks = {0.0}
    for arm in source.arms:
        weeks |= {week for week, _ in _curve(event, arm)}
        _step(axes, _curve(event, arm), arm_colour(study, arm))
    axes.set_xlim(0, 1.03 * max(weeks) if len(weeks) > 1 else 1)  # the last drop stays in view
    shown = _shown(sorted(weeks), width - left - widest - 14)
    axes.set_xticks(shown, [f"{week:g}" for week in shown])
    axes.set_xlabel("Weeks since randomisation", labelpad=3)
    _label_ends(axes, source, event, names)
    _counts(axes, source, event, shown)


def _shown(weeks: Sequence[float], width: float) -> list[float]:
    """Choose weeks that can be labelled without touching, the last one among them."""
    chosen = [weeks[-1], weeks[0]]
    scale = width / max(weeks[-1] - weeks[0], 1e-9)
    for week in weeks:
        if all(abs(week - other) * scale >= 22 for other in chosen):
            chosen.append(week)
    return sorted(set(chosen))


def _step(axes: Axes, points: Sequence[tuple[float, Row]], colour: str) -> None:
    if not points:
        return
    weeks = [0.0, *(week for week, _ in points)]
    shares = [100.0, *(100 * row["estimate"] for _, row in points)]
    lower = [100.0, *(100 * (row["estimate"] if row["lower"] is None else row["lower"])
                      for _, row in points)]  # fmt: skip
    upper = [100.0, *(100 * (row["estimate"] if row["upper"] is None else row["upper"])
                      for _, row in points)]  # fmt: skip
    axes.fill_between(weeks, lower, upper, step="post", color=colour, alpha=0.12, linewidth=0)
    axes.step(weeks, shares, where="post", color=colour, linewidth=1.4, zorder=3)


def _label_ends(axes: Axes, source: Source, event: Event, names: dict[str, list[str]]) -> None:
    arms = [arm for arm in source.arms if _curve(event, arm)]
    scale = axes.get_window_extent().height / axes.figure.dpi / POINT / 100
    wanted = [_curve(event, arm)[-1][1]["estimate"] * 100 * scale for arm in arms]
    room = [len(names[arm]) * (SMALL + 1.5) + 1 for arm in arms]
    for arm, at in zip(arms, spread(wanted, room, 100 * scale), strict=True):
        axes.annotate(
            "\n".join(names[arm]), (1, 0), xycoords="axes fraction", xytext=(6, at),
            textcoords="offset points", ha="left", va="center", fontsize=SMALL, linespacing=1.05,
            color=arm_colour(source.study, arm), fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def _counts(axes: Axes, source: Source, event: Event, shown: Sequence[float]) -> None:
    across = axes.get_xaxis_transform()
    y = -38.0
    axes.annotate("at risk", (0, 0), xycoords=across, xytext=(-8, y), textcoords="offset points",
                  ha="right", va="baseline", fontsize=SMALL, color=QUIET,
                  annotation_clip=False)  # fmt: skip
    for arm in source.arms:
        for week, row in _at_risk(event, arm).items():
            if week in shown:
                axes.annotate(
                    FORMS["count"](row), (week, 0), xycoords=across, xytext=(0, y),
                    textcoords="offset points", ha="center", va="baseline", fontsize=SMALL,
                    color=arm_colour(source.study, arm), annotation_clip=False,
                )  # fmt: skip
        y -= COUNT_ROW
