"""Power against the number of participants: the figure of a planned trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import ARM_COLOURS, FAINT, QUIET, SMALL, new_figure, styled
from ipt_outcomes.planning.closed_form import complete_data_power
from ipt_outcomes.planning.design import PlannedTrial
from ipt_outcomes.tables.numbers import number
from ipt_outcomes.tables.quotes import words

SIMULATED, THEORY = ARM_COLOURS[0], ARM_COLOURS[1]


def power_curve(design: PlannedTrial, sizes: pd.DataFrame, target: float | None) -> Drawing:
    """Draw simulated power by sample size, with theory for complete data beside it.

    Parameters
    ----------
    design
        The trial to come.
    sizes
        Simulated sizes: total, power, lower, upper, trials.
    target
        Power asked for, if any.
    """
    sizes = sizes.sort_values("total", ignore_index=True)
    low, high = sizes["total"].min(), max(sizes["total"].max(), design.total)
    grid = np.unique(np.linspace(max(0.55 * low, 8), 1.15 * high, 60).round().astype(int))
    theory = [complete_data_power(design.with_total(int(n))).power for n in grid]
    with styled():
        figure = new_figure(3.4)
        axes = figure.add_axes((0.09, 0.15, 0.87, 0.8))
        axes.plot(grid, theory, color=THEORY, lw=1.2, ls=(0, (5, 2)))
        place = int(len(grid) * 0.55)
        axes.annotate(
            "theory, everybody seen at every visit", (grid[place], theory[place]),
            xytext=(-4, 5), textcoords="offset points", color=THEORY, ha="right",
        )  # fmt: skip
        axes.errorbar(
            sizes["total"], sizes["power"],
            yerr=[sizes["power"] - sizes["lower"], sizes["upper"] - sizes["power"]],
            fmt="o", ms=4.5, lw=1.1, capsize=0, color=SIMULATED,
        )  # fmt: skip
        first = sizes.iloc[0]
        axes.annotate(
            "simulated", (first["total"], first["power"]), xytext=(6, -4),
            textcoords="offset points", color=SIMULATED, va="top",
        )  # fmt: skip
        if target is not None:
            axes.axhline(target, color=FAINT, lw=0.8, zorder=0)
            axes.annotate(f"target {100 * target:g} %", (grid[-1], target), xytext=(0, -2),
                          ha="right", va="top", textcoords="offset points", color=QUIET,
                          fontsize=SMALL)  # fmt: skip
        axes.axvline(design.total, color=FAINT, lw=0.8, zorder=0)
        axes.annotate(f"the design: {design.total}", (design.total, 0.02), xytext=(3, 0),
                      textcoords="offset points", color=QUIET, fontsize=SMALL)  # fmt: skip
        axes.set_ylim(0, 1.02)
        axes.set_xlim(grid[0], grid[-1])
        ticks = [0, 20, 40, 60, 80, 100]
        axes.set_yticks([tick / 100 for tick in ticks], [f"{tick} %" for tick in ticks])
        axes.set_xlabel("Participants in all arms")
        axes.set_ylabel("Power")
    described = ", ".join(f"{row.power:.1%} with {row.total:.0f}" for row in sizes.itertuples())
    names = " against ".join(design.compare)
    return Drawing(
        figure,
        sizes,
        words(f"Power by number of participants: {names}"),
        words(
            f"Power of the two-sided test at level {1 - design.level:.2g} to find a difference of "
            f"{number(design.true_difference)} {design.outcome.unit} in {design.outcome.label} "
            f"at {design.endpoint}. Points: simulated trials, analysed as the real one will be "
            "(mixed model for repeated measures, unstructured covariance, Kenward–Roger); bars: "
            "95 % Wilson intervals of the simulation. Dashed: theory if "
            "everybody were seen at every visit."
        ),
        words(f"Scatter plot of simulated power by number of participants: {described}."),
    )
