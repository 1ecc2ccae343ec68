"""The figures of several trials: a forest of their effects, and a funnel."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    ARM_COLOURS,
    FAINT,
    INK,
    PAPER,
    QUIET,
    SHADE,
    SMALL,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from ipt_outcomes.study import Study
from ipt_outcomes.study.synthesis import Synthesis
from ipt_outcomes.tables.numbers import count, interval, number
from ipt_outcomes.tables.pooling import HEADLINE, NOT_DONE, POOLED, PREDICTION
from ipt_outcomes.tables.quotes import Part, Text, named, quote, tallied, words
from ipt_outcomes.tables.rows import Rows

TRIAL_EFFECT, TRIAL_WEIGHT = "effect of the trial", "weight of the trial"
LINE = 13.0 / 72
"""Height of a line, in inches."""
LABEL = 168.0
"""Room for the name of a trial, in points."""
RATIOS = tuple(step * 10.0**power for power in range(-3, 4) for step in (1, 1.5, 2, 3, 5, 7))
"""Ratios that may be labelled on a logarithmic axis."""
FUNNEL_FROM = 3
"""Fewest comparisons of a funnel."""


def pooling_figures(study: Study, name: str, rows: pd.DataFrame) -> dict[str, Drawing]:
    """Draw the figures of a synthesis: the forest, and the funnel unless comparisons are too few.

    Parameters
    ----------
    study
        The configuration.
    name
        Short name of the synthesis.
    rows
        Its rows of the estimates table.
    """
    plan = study.synthesis[name]
    labels = {trial: described.label for trial, described in study.trials.items()}
    drawn = {"forest": forest(plan, name, rows, labels)}
    if len(drawn["forest"].data) >= FUNNEL_FROM:
        drawn["funnel"] = funnel(plan, name, rows)
    return drawn


def _effects(
    rows: pd.DataFrame, name: str, labels: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the comparisons with their weights, largest effect last."""
    mine = rows[rows["analysis"] == f"{HEADLINE} in {name}"]
    effects = mine[mine["contrast"] == TRIAL_EFFECT].copy()
    key = ["trial", "outcome", "visit", "arm", "reference"]
    weights = mine[mine["contrast"] == TRIAL_WEIGHT][[*key, "estimate"]]
    weights = weights.rename(columns={"estimate": "weight"})
    effects = effects.merge(weights, on=key, how="left") if len(weights) else effects
    if "weight" not in effects:
        effects["weight"] = np.nan
    effects["n"] = effects["n_arm"].astype("Float64") + effects["n_reference"].astype("Float64")
    several = effects["trial"].duplicated(keep=False)
    at_visits = effects.duplicated(["trial", "outcome", "arm", "reference"], keep=False)
    visit = (", " + effects["visit"].astype("str")).where(at_visits & effects["visit"].notna(), "")
    detail = effects["outcome"].fillna("") + visit
    called = effects["trial"].map(lambda trial: (labels or {}).get(trial, trial))
    effects["label"] = called + np.where(several, ": " + detail, "")
    return effects.sort_values(["estimate", "id"], ignore_index=True)


def _headline(rows: pd.DataFrame, name: str, contrast: str) -> pd.Series | None:
    mine = rows[
        (rows["analysis"] == HEADLINE) & (rows["trial"] == name) & (rows["contrast"] == contrast)
    ]
    return mine.iloc[0] if len(mine) else None


def forest(
    plan: Synthesis, name: str, rows: pd.DataFrame, labels: Mapping[str, str] | None = None
) -> Drawing:
    """Draw every comparison, the pooled effect and the prediction interval.

    Parameters
    ----------
    plan
        The synthesis of the configuration.
    name
        Its short name.
    rows
        Its rows of the estimates table.
    labels
        Trial: what it is called; published ones are called as in their table.
    """
    effects = _effects(rows, name, labels)
    pooled, prediction = _headline(rows, name, POOLED), _headline(rows, name, PREDICTION)
    assert pooled is not None
    ratio = pooled["unit"] == "ratio"
    lines = len(effects) + 3
    height = lines * LINE + 0.95
    with styled():
        figure = new_figure(height)
        width = float(figure.get_size_inches()[0])
        columns = [
            (count(n), interval(low, high), number(w, 1))
            for n, low, high, w in zip(
                effects["n"].astype(float), effects["lower"], effects["upper"], effects["weight"],
                strict=True,
            )
        ]  # fmt: skip
        values = [number(e) for e in effects["estimate"]]
        right = [
            max(text_width(t, SMALL) for t in texts) + 8
            for texts in (
                [*values, number(pooled["estimate"])],
                [*(c[1] for c in columns), interval(pooled["lower"], pooled["upper"])],
                [*(c[2] for c in columns), "weight %"],
            )
        ]
        left = LABEL + 40
        axes = figure.add_axes(
            (
                left / 72 / width,
                0.6 / height,
                (width - left / 72 - sum(right) / 72 - 0.05) / width,
                (height - 0.6 - 0.25) / height,
            )
        )
        axes.set_ylim(lines, 0)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        none = 1.0 if ratio else 0.0
        axes.axvline(none, color=QUIET, lw=0.8, zorder=1)
        axes.axvline(pooled["estimate"], color=ARM_COLOURS[0], lw=0.7, ls=(0, (3, 3)), zorder=1)
        if ratio:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        inside = [effects["estimate"], [pooled["lower"], pooled["upper"], none]]
        if prediction is not None:
            inside.append([prediction["lower"], prediction["upper"]])
        low, high = (f(np.concatenate([np.asarray(x, float) for x in inside])) for f in (min, max))
        # Intervals that would flatten all others end in an arrow.
        room = (math.log(high) - math.log(low)) if ratio else high - low
        low = math.exp(math.log(low) - room) if ratio else low - room
        high = math.exp(math.log(high) + room) if ratio else high + room
        needed = pooled if prediction is None else prediction
        low = max(low, min(float(effects["lower"].min()), float(needed["lower"])))
        high = min(high, max(float(effects["upper"].max()), float(needed["upper"])))
        axes.set_xlim(low, high)
        # A dependent comparison may have a negative weight; its square is the smallest.
        weights = effects["weight"].fillna(100 / len(effects)).clip(lower=0)
        for place, row in enumerate(effects.to_dict("records")):
            y, lower, upper = place + 0.5, float(row["lower"]), float(row["upper"])
            ends = [max(lower, low), min(upper, high)]
            axes.plot(ends, [y, y], color=INK, lw=0.9, solid_capstyle="butt")
            for cut, at, mark in ((lower < low, low, "<"), (upper > high, high, ">")):
                if cut:
                    axes.plot([at], [y], marker=mark, ms=3.5, color=INK, clip_on=False)
            size = 2.2 + 5 * math.sqrt(weights[place] / max(weights.max(), 1e-9))
            axes.plot([row["estimate"]], [y], marker="s", ms=size, color=ARM_COLOURS[0])
            label = wrapped(str(row["label"]), LABEL, SMALL, most=1)[0]
            _beside(axes, label, y, -left, "left")
            _beside(axes, columns[place][0], y, -8, "right")
            _right(axes, (values[place], *columns[place][1:]), right, y)
        y = len(effects) + 0.9
        _beside(axes, "Pooled effect", y, -left, "left", bold=True)
        middle = pooled["estimate"]
        axes.fill([pooled["lower"], middle, pooled["upper"], middle], [y, y - 0.4, y, y + 0.4],
                  color=ARM_COLOURS[0], lw=0)  # fmt: skip
        texts = (number(middle), interval(pooled["lower"], pooled["upper"]), "")
        _right(axes, texts, right, y, bold=True)
        if prediction is not None:
            y += 1.1
            _beside(axes, "Prediction interval, new trial", y, -left, "left")
            axes.plot(
                [prediction["lower"], prediction["upper"]], [y, y], color=ARM_COLOURS[0], lw=2
            )
            _right(axes, ("", interval(prediction["lower"], prediction["upper"]), ""), right, y)
        heads = ("effect", f"{100 * pooled['level']:g} % CI", "weight %")
        _right(axes, heads, right, -0.6, quiet=True)
        _beside(axes, "n", -0.6, -8, "right", quiet=True)
        axes.set_xlabel(_scale(plan, rows))
    data = effects[["trial", "outcome", "visit", "arm", "reference", "n", "estimate", "lower",
                    "upper", "weight", "id"]]  # fmt: skip
    return Drawing(
        figure,
        data,
        words(named(plan.label), ": effects of the trials and their pooled effect"),
        _caption(rows, name, effects),
        _alternative(rows, name, effects),
    )


def _scale(plan: Synthesis, rows: pd.DataFrame) -> str:
    scales = {
        "g": "Hedges g (positive favours the arm)",
        "md": "Mean difference",
        "log rr": "Risk ratio",
        "log or": "Odds ratio",
        "log hr": "Hazard ratio",
        "rd": "Risk difference",
    }
    return f"{scales[plan.measure]}: {plan.comparison}"


def _alternative(rows: pd.DataFrame, name: str, effects: pd.DataFrame) -> Text:
    pooled = Rows.of(rows, name).one(analysis=HEADLINE, contrast=POOLED)
    return words(
        "Forest plot of ", tallied(len(effects)), " comparisons from ",
        tallied(effects["trial"].nunique()), " trials. Pooled effect ", quote(pooled, "estimate"),
        " ", quote(pooled, "interval"), ".",
    )  # fmt: skip


def _caption(rows: pd.DataFrame, name: str, effects: pd.DataFrame) -> Text:
    mine = Rows.of(rows, name).where(analysis=HEADLINE)
    pooled = mine.one(contrast=POOLED)
    parts: list[Part] = [
        "Squares: comparisons, sized by their weight, with ", quote(pooled, "level"), " intervals "
        "(arrows: beyond the axis); diamond: pooled effect, by ", quote(pooled, "method"), "; p ",
        quote(pooled, "p equation"), ".",
    ]  # fmt: skip
    tau2 = next((row for row in mine.where(quantity="variance") if "τ²" in row["contrast"]), None)
    if tau2 is not None:
        parts += [" Variance between trials τ² = ", quote(tau2, "three decimals"), "."]
    if effects["trial"].duplicated().any():
        parts.append(" Comparisons of one trial are dependent, which the pooled effect allows for.")
    return words(*parts)


def _beside(
    axes: Axes, text: str, y: float, x: float, ha: str, *, bold: bool = False, quiet: bool = False
) -> None:
    axes.annotate(
        text, (0, y), xycoords=("axes fraction", "data"), xytext=(x, 0), ha=ha, va="center",
        textcoords="offset points", fontsize=SMALL, annotation_clip=False,
        fontweight="bold" if bold else "normal", color=QUIET if quiet else INK,
    )  # fmt: skip


def _right(
    axes: Axes,
    texts: tuple[str, ...],
    widths: list[float],
    y: float,
    *,
    bold: bool = False,
    quiet: bool = False,
) -> None:
    at = 0.0
    for text, width in zip(texts, widths, strict=True):
        at += width
        axes.annotate(
            text, (1, y), xycoords=("axes fraction", "data"), xytext=(at, 0), ha="right",
            va="center", textcoords="offset points", fontsize=SMALL, annotation_clip=False,
            fontweight="bold" if bold else "normal", color=QUIET if quiet else INK,
        )  # fmt: skip


def funnel(plan: Synthesis, name: str, rows: pd.DataFrame) -> Drawing:
    """Draw effects against their standard errors, with the test for small-study effects in words.

    Parameters
    ----------
    plan, name, rows
        As for :func:`forest`.
    """
    effects = _effects(rows, name)
    pooled = _headline(rows, name, POOLED)
    assert pooled is not None
    log = pooled["unit"] == "ratio"
    x = np.log(effects["estimate"]) if log else effects["estimate"]
    se = effects["se"] / effects["estimate"] if log else effects["se"]
    centre = math.log(pooled["estimate"]) if log else float(pooled["estimate"])
    worst = float(se.max()) * 1.08
    with styled():
        figure = new_figure(3.8)
        axes = figure.add_axes((0.1, 0.14, 0.86, 0.82))
        reach = 1.959964 * worst
        axes.fill([centre - reach, centre, centre + reach], [worst, 0, worst], color=SHADE, lw=0)
        axes.axvline(centre, color=ARM_COLOURS[0], lw=0.8, ls=(0, (3, 3)))
        axes.plot(x, se, ls="none", marker="o", ms=4.5, mfc=ARM_COLOURS[0], mec=PAPER, mew=0.5)
        axes.set_ylim(worst, 0)
        span = max(reach, float((x - centre).abs().max()) * 1.06)
        axes.set_xlim(centre - span, centre + span)
        if log:  # drawn on the logarithm, labelled as the ratios that a reader knows
            ratios = [r for r in RATIOS if abs(math.log(r) - centre) <= span]
            axes.set_xticks([math.log(r) for r in ratios], [f"{r:g}" for r in ratios])
        axes.annotate("pooled effect", (centre, 0), xytext=(4, -8), textcoords="offset points",
                      fontsize=SMALL, color=ARM_COLOURS[0])  # fmt: skip
        axes.set_xlabel(_scale(plan, rows) + (", log scale" if log else ""))
        axes.set_ylabel("Standard error")
        axes.spines["left"].set_color(FAINT)
    said = _small_studies(Rows.of(rows, name))
    data = effects[["trial", "outcome", "visit", "arm", "reference", "estimate", "se", "id"]]
    return Drawing(
        figure,
        data,
        words(named(plan.label), ": effects against their standard errors"),
        words(
            "Points: comparisons; dashed: pooled effect; shaded: where all comparisons but "
            "one in twenty would lie without heterogeneity or selection. ",
            said,
        ),
        words("Funnel plot of ", tallied(len(effects)), " comparisons. ", said),
    )


def _small_studies(rows: Rows) -> Text:
    """Say what the test for small-study effects gave, or why there was none."""
    test = next((r for r in rows if str(r["contrast"]).startswith("small-study effects")), None)
    if test is None:
        return words("No test for small-study effects was made.")
    if test["method"] == NOT_DONE:
        return words("No test for small-study effects: ", quote(test, "notes"), ".")
    return words("Test for small-study effects (", quote(test, "method"), "): p ",
                 quote(test, "p equation"), ". Asymmetry may have other causes than unpublished "
                 "trials.")  # fmt: skip
