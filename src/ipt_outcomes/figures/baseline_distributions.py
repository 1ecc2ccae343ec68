"""How scores and other numbers were distributed at baseline, by arm; small classes are hidden.

The shareable twin of a plot of each participant: classes of participants, no one of them alone.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    PAPER,
    POINT,
    QUIET,
    SMALL,
    TEXT,
    arm_colour,
    new_figure,
    styled,
    wrapped,
)
from ipt_outcomes.tables.quotes import FORMS, Piece, Text, joined, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

ANALYSIS = "baseline distribution"
PANEL = 118.0
"""Height of a row of panels, in points."""
LEFT, BETWEEN, HEAD, BELOW = 34.0, 12.0, 20.0, 34.0
TOP = 14.0
"""Room for the names of the arms, in points."""
COLUMNS = ("variable", "arm", "class", "estimate", "n_arm", "id")


def baseline_distributions(source: Source) -> Drawing:
    """Draw the shares of each arm by class of every number known at baseline."""
    rows = source.rows.where(analysis=ANALYSIS)
    variables = rows.values("outcome")
    with styled():
        figure = new_figure((PANEL * len(variables) + TOP) * POINT)
        for place, variable in enumerate(variables):
            _row(figure, source, rows.where(outcome=variable), variable, place)
    hidden = any(row["estimate"] is None for row in rows)
    return Drawing(
        figure,
        pd.DataFrame(
            [[row[name] for name in ("outcome", "arm", "subgroup", "estimate", "n_arm", "id")]
             for row in rows],
            columns=list(COLUMNS),
        ),
        words("Distributions at baseline by arm: ", source.trial_label()),
        words("Shares of each arm by class of its values before randomisation, all participants "
              "as randomised with a value; the outer classes are open. Above each panel: n, mean "
              "and SD. ",
              "Hatched: too few participants to be shown, or a class that would reveal them. "
              if hidden else "",
              "Differences at baseline are not tested."),
        words("Histograms by arm. ",
              joined([_spoken(source, rows, name) for name in variables], " ")),
    )  # fmt: skip


def _label(source: Source, variable: str) -> tuple[Piece, str]:
    study = source.study
    if variable in study.outcomes:
        settings = study.outcomes[variable]
        return named(settings.short_label), settings.unit
    characteristic = study.characteristics[variable]
    return named(characteristic.label), characteristic.unit or ""


def _mean_and_sd(source: Source, variable: str, arm: str) -> tuple[Row | None, Row | None]:
    of = source.rows.where(analysis="baseline", outcome=variable, arm=arm)
    return of.first(quantity="observed mean"), of.first(quantity="standard deviation")


def _spoken(source: Source, rows: Rows, variable: str) -> Text:
    label, _ = _label(source, variable)
    said = []
    for arm in source.arms:
        known = [r for r in rows.where(outcome=variable, arm=arm) if r["estimate"] is not None]
        if known:
            most = max(known, key=lambda row: row["estimate"])
            said.append(words(source.arm(arm), " most often ", quote(most, "subgroup"), " (",
                              quote(most, "share"), " of ", quote(most, "n"), ")"))  # fmt: skip
    return words(label, ": ", joined(said), ".")


def _row(figure: Figure, source: Source, rows: Rows, variable: str, place: int) -> None:
    width, height = (side / POINT for side in figure.get_size_inches())
    arms = source.arms
    room = (width - LEFT - 4) / len(arms)
    label, unit = _label(source, variable)
    title = f"{label.text} ({unit})" if unit else label.text
    top = place * PANEL + HEAD + TOP
    tall = PANEL - HEAD - BELOW
    classes = rows.values("subgroup")
    shares = [row["estimate"] / row["n_arm"] for row in rows
              if row["estimate"] is not None and row["n_arm"]]  # fmt: skip
    highest = 100 * max(shares, default=1.0)
    for k, arm in enumerate(arms):
        axes = figure.add_axes(
            ((LEFT + k * room) / width, 1 - (top + tall) / height, (room - BETWEEN) / width,
             tall / height)
        )  # fmt: skip
        _bars(axes, rows.where(arm=arm), classes, arm_colour(source.study, arm), highest)
        lines = [*wrapped(source.study.arms[arm].label, room - BETWEEN, TEXT, 1, True)] * (
            not place
        )
        if lines:
            axes.annotate(lines[0], (0, 1), xycoords="axes fraction", xytext=(0, 16),
                          textcoords="offset points", fontweight="bold", va="bottom",
                          color=arm_colour(source.study, arm), annotation_clip=False)  # fmt: skip
        about = wrapped(_about(source, variable, arm), room - BETWEEN, SMALL, 1)[0]
        axes.annotate(about, (0, 1), xycoords="axes fraction", xytext=(0, 4),
                      textcoords="offset points", fontsize=SMALL, color=QUIET, va="bottom",
                      annotation_clip=False)  # fmt: skip
        if k:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("%", labelpad=2)
        shown = wrapped(title, room - BETWEEN, SMALL, 1)[0]
        axes.set_xlabel(shown, fontsize=SMALL, labelpad=2)


def _about(source: Source, variable: str, arm: str) -> str:
    mean, sd = _mean_and_sd(source, variable, arm)
    if mean is None or mean["estimate"] is None or sd is None:
        return ""
    return f"n = {FORMS['n'](mean)}; {FORMS['one decimal'](mean)} ({FORMS['one decimal'](sd)})"


def _bars(axes: Axes, rows: Rows, classes: list[str], colour: str, highest: float) -> None:
    for x, name in enumerate(classes):
        row = rows.first(subgroup=name)
        if row is None:
            continue
        if row["estimate"] is None:
            axes.add_patch(Rectangle((x + 0.06, 0), 0.88, 0.12 * highest, facecolor=PAPER,
                                     edgecolor=QUIET, linewidth=0.6, hatch="////"))  # fmt: skip
        elif row["n_arm"]:
            axes.bar(x + 0.5, 100 * row["estimate"] / row["n_arm"], width=0.88, color=colour,
                     linewidth=0)  # fmt: skip
    axes.set_xlim(0, max(len(classes), 1))
    axes.set_ylim(0, 1.08 * highest)
    edges = [_lower_end(name) for name in classes]
    every = max(1, -(-len(classes) // 6))
    ticks = [x for x, edge in enumerate(edges) if edge and x % every == (1 % every)]
    axes.set_xticks(ticks, [edges[x] for x in ticks], fontsize=SMALL)
    axes.tick_params(axis="y", labelsize=SMALL)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)


def _lower_end(name: str) -> str:
    """Return where a class begins; the first one has no beginning."""
    return "" if name.startswith(("below", "all")) else name.split(" ", 1)[0]
