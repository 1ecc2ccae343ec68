"""The map of missing scores: how many by arm and visit, and in what patterns. Aggregates only."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    FAINT,
    INK,
    PAPER,
    QUIET,
    SMALL,
    TEXT,
    arm_colour,
    letter_panels,
    new_figure,
    styled,
    wrapped,
)
from ipt_outcomes.tables.quotes import FORMS, Text, joined, listed, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

GONE = "not seen from here on"
GAP = "missed, seen again later"
PATTERN = "participants with this pattern of visits"
MOST = 12
"""Most patterns shown."""
UPPER = 2.05
"""Height of the panel of arms, in inches."""
TILE = 13.0
"""Height of a pattern, in points."""
TILES = "#8a8a86"
COLUMNS = ("panel", "arm", "visit", "what", "estimate", "n", "id")


@dataclass(frozen=True)
class Pattern:
    """A pattern of visits seen and missed.

    Parameters
    ----------
    seen
        Whether each visit was seen.
    row
        Its row of the estimates table.
    """

    seen: tuple[bool, ...]
    row: Row


def missing_scores(source: Source) -> Drawing:
    """Draw where scores of the primary outcome are missing.

    Parameters
    ----------
    source
        Study and rows.
    """
    study = source.study
    outcome = study.primary_outcome
    rows = source.rows.where(analysis="missing data", outcome=outcome, quantity="count")
    visits = [v for v in study.visits_of(source.trial) if v in rows.values("visit")]
    patterns = _patterns(rows)
    shown = [one for one in patterns if one.row["estimate"] is not None][:MOST]
    withheld = len(patterns) - len(shown)
    with styled():
        lines = len(shown) + (withheld > 0)
        lower = (TILE * max(lines, 2) + 36) / 72
        figure = new_figure(0.2 + UPPER + 0.2 + lower)
        _arms(figure, source, rows, visits)
        _map(figure, source, shown, withheld, visits, 0.2 + UPPER + 0.2)
        letter_panels(figure, A=0.04, B=0.2 + UPPER + 0.06)
    return Drawing(
        figure,
        pd.DataFrame(_data(rows, shown, visits), columns=list(COLUMNS)),
        words("Missing scores of ", source.outcome(outcome), ": ", source.trial_label()),
        words(
            "A: scores missing by arm and visit, as a share of all participants as randomised; "
            "above the bars, how many. Filled: not seen from that visit on; open: missed, but seen "
            "again later. B: patterns of visits seen (filled) and missed (open), all arms "
            "together, with the number of participants; rare patterns are withheld.",
        ),
        words("Bar charts of missing scores by visit for each arm, above a map of patterns. ",
              _sentences(source, rows, visits)),
    )  # fmt: skip


def _patterns(rows: Rows) -> list[Pattern]:
    found = []
    for row in rows.where(contrast=PATTERN):
        text = str(row["subgroup"]).removeprefix("pattern ")
        found.append(Pattern(tuple(letter == "o" for letter in text), row))
    return found


def _week(source: Source, visit: str) -> str:
    return f"{source.study.visits[visit].week:g}"


def _arms(figure: Figure, source: Source, rows: Rows, visits: list[str]) -> None:
    width, height = figure.get_size_inches()
    arms = source.arms
    room = (width - 0.62 - 0.05) / len(arms)
    highest = 0.0
    every = []
    for place, arm in enumerate(arms):
        x = 0.62 + room * place
        axes = figure.add_axes(
            (x / width, 1 - (0.2 + UPPER - 0.42) / height, (room - 0.22) / width,
             (UPPER - 0.72) / height)
        )  # fmt: skip
        highest = max(highest, _bars(axes, source, rows.where(arm=arm), arm, visits))
        name = wrapped(source.study.arms[arm].label, 72 * room - 16, TEXT, 2, True)
        axes.set_title("\n".join(name), loc="left", fontweight="bold", pad=9)
        if place:
            axes.tick_params(labelleft=False)
        every.append(axes)
    for axes in every:
        axes.set_ylim(0, max(1.18 * highest, 5))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    every[0].set_ylabel("Scores missing (%)")
    base = 1 - (0.2 + UPPER - 0.06) / height
    keys = [_key(QUIET, "not seen again"), _key(PAPER, "seen again later")]
    figure.legend(handles=keys, loc="lower right", frameon=False, handlelength=1.2, ncols=2,
                  handleheight=1.0, bbox_to_anchor=(1 - 0.2 / width, base), borderaxespad=0,
                  borderpad=0.1)  # fmt: skip
    middle = (0.62 + (width - 0.22)) / 2
    figure.text(middle / width, base, "Week", ha="center", va="bottom")


def _key(colour: str, label: str) -> Patch:
    return Patch(facecolor=colour, edgecolor=QUIET, linewidth=0.7, label=label)


def _bars(axes: Axes, source: Source, rows: Rows, arm: str, visits: list[str]) -> float:
    colour = arm_colour(source.study, arm)
    highest = 0.0
    for x, visit in enumerate(visits):
        at = {what: rows.first(visit=visit, contrast=what) for what in (GONE, GAP)}
        base = 0.0
        for what, row in at.items():
            if row is None or not row["n_arm"]:
                continue
            share = 100 * row["estimate"] / row["n_arm"]
            axes.bar(x, share, bottom=base, width=0.62, linewidth=1.0, edgecolor=colour,
                     facecolor=colour if what == GONE else PAPER)  # fmt: skip
            base += share
        total = rows.first(visit=visit, contrast="scores missing")
        if total is not None:
            axes.annotate(FORMS["count"](total), (x, base), xytext=(0, 2), fontsize=SMALL,
                          textcoords="offset points", ha="center", va="bottom")  # fmt: skip
        highest = max(highest, base)
    axes.set_xticks(range(len(visits)), [_week(source, visit) for visit in visits])
    axes.set_xlim(-0.6, len(visits) - 0.4)
    return highest


def _map(
    figure: Figure, source: Source, shown: list[Pattern], withheld: int, visits: list[str],
    top: float,
) -> None:  # fmt: skip
    width, height = figure.get_size_inches()
    lines = len(shown) + (withheld > 0)
    tall = TILE * max(lines, 2) / 72
    wide = min(0.42 * len(visits), 2.6)
    tiles = figure.add_axes((0.62 / width, 1 - (top + tall) / height, wide / width, tall / height))
    left = 0.62 + wide + 0.12
    bars = figure.add_axes(
        (left / width, 1 - (top + tall) / height, (width - left - 1.2) / width, tall / height)
    )
    most = max((one.row["estimate"] for one in shown), default=1.0)
    for y, one in enumerate(shown):
        for x, seen in enumerate(one.seen):
            tiles.add_patch(
                Rectangle((x + 0.06, y + 0.12), 0.88, 0.76, linewidth=0.7, edgecolor=QUIET,
                          facecolor=TILES if seen else PAPER)
            )  # fmt: skip
        bars.barh(y + 0.5, one.row["estimate"], height=0.62, color=FAINT, linewidth=0)
        bars.annotate(FORMS["count"](one.row), (one.row["estimate"], y + 0.5), xytext=(3, 0),
                      textcoords="offset points", va="center_baseline", fontsize=SMALL)  # fmt: skip
    if withheld:
        bars.annotate("rare patterns, withheld", (0, len(shown) + 0.5), xytext=(0, 0),
                      textcoords="offset points", va="center_baseline", fontsize=SMALL,
                      color=QUIET)  # fmt: skip
        for x in range(len(visits)):
            tiles.annotate("…", (x + 0.5, len(shown) + 0.5), ha="center", va="center",
                           fontsize=SMALL, color=QUIET)  # fmt: skip
    tiles.set_xlim(0, len(visits))
    bars.set_xlim(0, 1.08 * most)
    for axes in (tiles, bars):
        axes.set_ylim(max(lines, 2), 0)
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
    bars.set_xticks([])
    tiles.tick_params(length=0)
    tiles.set_xticks(
        [x + 0.5 for x in range(len(visits))], [_week(source, visit) for visit in visits]
    )
    tiles.set_xlabel("Week")
    bars.set_xlabel("Participants")
    keys = [_key(TILES, "seen"), _key(PAPER, "missed")]
    figure.legend(handles=keys, loc="lower right", frameon=False, handlelength=1.2,
                  handleheight=1.0, bbox_to_anchor=(1 - 0.2 / width, 0.12 / height),
                  borderaxespad=0)  # fmt: skip
    tiles.xaxis.label.set_color(INK)


def _sentences(source: Source, rows: Rows, visits: list[str]) -> Text:
    last = visits[-1:]
    found = []
    for arm in source.arms:
        said = [
            words(quote(row, "count"), " of ", quote(row, "n"), " missing at ",
                  source.visit(visit))
            for visit in [*visits[:1], *last]
            for row in rows.where(arm=arm, visit=visit, contrast="scores missing")
        ]  # fmt: skip
        if said:
            found.append(words(source.arm(arm), ": ", listed(said), "."))
    return joined(found, " ")


def _data(rows: Rows, shown: list[Pattern], visits: list[str]) -> list[tuple[object, ...]]:
    bars: list[tuple[object, ...]] = [
        ("A", row["arm"], row["visit"], row["contrast"], row["estimate"], row["n_arm"], row["id"])
        for row in rows.where(contrast=("scores missing", GONE, GAP))
        if row["visit"] in visits
    ]
    return bars + [
        ("B", None, None, one.row["subgroup"], one.row["estimate"], one.row["n_arm"],
         one.row["id"])
        for one in shown
    ]  # fmt: skip
