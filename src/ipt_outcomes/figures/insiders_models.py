"""Figures that show persons behind a model: each residual, and each therapist's predicted effect.

They go to ``results/restricted`` and never into the report. What may be shared says the same of
groups: quantiles and SDs of the residuals (``diagnostics``), intraclass correlations
(``therapists``). No id of a participant or a therapist is drawn or written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    INK,
    PAPER,
    QUIET,
    SMALL,
    arm_colour,
    arm_marker,
    new_figure,
    styled,
    tick,
    wrapped,
)
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import Text, joined, named, quote, words

NOT_SHARED = "Shows persons: not to be shared. "
PREDICTED = "therapists, predicted effects"


def residual_plot(
    study: Study, trial: str, outcome: str, residuals: pd.DataFrame, arms: pd.Series
) -> Drawing:
    """Draw every normalised residual of a primary model: against normal quantiles, and fitted.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    outcome
        Short name of the outcome.
    residuals
        participant, visit, residual (normalised), fitted.
    arms
        Arm by participant.
    """
    settings = study.outcomes[outcome]
    table = residuals.assign(arm=residuals["participant"].map(arms)).dropna(subset=["residual"])
    table = table.sort_values("residual", kind="stable").reset_index(drop=True)
    n = len(table)
    table["normal"] = ndtri((np.arange(n) + 0.5) / max(n, 1))
    with styled():
        figure = new_figure(3.1)
        left = figure.add_axes((0.075, 0.15, 0.4, 0.74))
        right = figure.add_axes((0.57, 0.15, 0.42, 0.74))
        ends = [*table["normal"], *table["residual"]] or [-1.0, 1.0]
        edge = 1.06 * max(abs(float(value)) for value in ends)
        left.plot([-edge, edge], [-edge, edge], color=QUIET, linewidth=0.8, zorder=1)
        right.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
        for arm in study.arms_of(trial):
            of = table[table["arm"] == arm]
            about: dict[str, Any] = {
                "linestyle": "none", "marker": arm_marker(study, arm), "markersize": 3.0,
                "markerfacecolor": arm_colour(study, arm), "markeredgecolor": PAPER,
                "markeredgewidth": 0.3, "alpha": 0.8,
            }  # fmt: skip
            label = wrapped(study.arms[arm].label, 120, SMALL, 1)[0]
            left.plot(of["normal"], of["residual"], **about)
            right.plot(of["fitted"], of["residual"], label=label, **about)
        left.set_xlim(-edge, edge)
        left.set_ylim(-edge, edge)
        right.set_ylim(-edge, edge)
        for axes in (left, right):
            axes.grid(color="#ececec", linewidth=0.6, zorder=0)
            axes.set_axisbelow(True)
            axes.xaxis.set_major_formatter(tick)
            axes.yaxis.set_major_formatter(tick)
        left.set_xlabel("Normal quantile (SD)")
        left.set_ylabel("Normalised residual (SD)")
        right.set_xlabel(wrapped(f"Fitted {settings.short_label} ({settings.unit})", 200, 8, 1)[0])
        right.set_ylabel("Normalised residual (SD)")
        figure.legend(loc="upper right", ncols=min(4, len(study.arms_of(trial))), frameon=False,
                      fontsize=SMALL, handletextpad=0.2, columnspacing=1.0,
                      bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)  # fmt: skip
    return Drawing(
        figure,
        table[["arm", "visit", "normal", "residual", "fitted"]],
        words("Residuals of each score, ", named(settings.short_label), ": ",
              named(study.trials[trial].label)),
        words(NOT_SHARED, "Each mark is one score in the primary model. Left: normalised residuals "
              "against the quantiles of a normal distribution; on the line they are equal. Right: "
              "against the fitted scores."),
        words("Two scatter plots of normalised residuals, by arm."),
    )  # fmt: skip


def therapist_effects(study: Study, trial: str, rows: pd.DataFrame) -> Drawing:
    """Draw each therapist's predicted effect with its interval: a caterpillar.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    rows
        Rows of the therapists' analysis, the restricted ones with each effect among them.
    """
    known = rows["estimate"].notna()
    outcome = study.primary_outcome
    of = rows[(rows["analysis"] == PREDICTED) & (rows["outcome"] == outcome) & known]
    of = of.sort_values("estimate", kind="stable").reset_index(drop=True)
    similar = rows[
        (rows["analysis"] == "therapists") & (rows["quantity"] == "intraclass correlation")
        & (rows["outcome"] == outcome) & known
    ].astype(object).where(lambda table: table.notna(), None).to_dict("records")  # fmt: skip
    settings = study.outcomes[outcome]
    with styled():
        figure = new_figure(max(1.2, 0.16 * len(of) + 0.7), 4.6)
        height = figure.get_size_inches()[1]
        axes = figure.add_axes((0.12, 0.48 / height, 0.73, 1 - 0.68 / height))
        axes.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
        y = np.arange(len(of)) + 0.5
        axes.hlines(y, of["lower"], of["upper"], color=INK, linewidth=1.1, zorder=2)
        axes.plot(of["estimate"], y, linestyle="none", marker="o", markersize=4.2,
                  markerfacecolor=INK, markeredgecolor=PAPER, markeredgewidth=0.5,
                  zorder=3)  # fmt: skip
        axes.set_ylim(max(len(of), 1), 0)
        flat = len(of) > 0 and not of["estimate"].abs().gt(0).any()
        if flat:
            axes.set_xlim(-1, 1)
        axes.set_yticks(y, [str(k + 1) for k in range(len(of))], fontsize=SMALL)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_formatter(tick)
        axes.set_ylabel("Therapist, numbered in this figure only", fontsize=SMALL)
        axes.set_xlabel(wrapped(f"Predicted difference from the average, {settings.short_label} "
                                f"({settings.unit})", 300, 8, 1)[0])  # fmt: skip
        axes.annotate("n", (1, 1), xycoords="axes fraction", xytext=(22, 3), ha="right",
                      textcoords="offset points", va="bottom", fontsize=SMALL, color=QUIET,
                      fontstyle="italic", annotation_clip=False)  # fmt: skip
        for at, n in zip(y, of["n_arm"], strict=True):
            axes.annotate("" if pd.isna(n) else str(int(n)), (1, at), fontsize=SMALL,
                          xycoords=("axes fraction", "data"), xytext=(22, 0), ha="right",
                          textcoords="offset points", va="center_baseline",
                          annotation_clip=False)  # fmt: skip
    level = of["level"].dropna()
    return Drawing(
        figure,
        of[["estimate", "lower", "upper", "n_arm"]].assign(therapist=range(1, len(of) + 1)),
        words("Therapists' predicted effects, ", named(settings.short_label), ": ",
              named(study.trials[trial].label)),
        words(NOT_SHARED, "Each line is a therapist's predicted effect at the endpoint, with its ",
              f"{100 * level.iloc[0]:g}% " if len(level) else "", "interval; n: participants. "
              "Effects are shrunken towards the average and rest on few participants each: their "
              "order is no ranking. ",
              "All are zero: no variance between therapists was found. " if flat else "",
              _similar(study, similar)),
        words("Caterpillar plot of therapists' predicted effects, ordered by size."),
    )  # fmt: skip


def _similar(study: Study, rows: list[dict[Any, Any]]) -> Text:
    said = [
        words(named(study.arms[row["arm"]].label if row["arm"] in study.arms else "All arms"), " ",
              quote(row, "three decimals"), " ", quote(row, "three decimal interval"))
        for row in rows
    ]  # fmt: skip
    return words("Intraclass correlation: ", joined(said), ".") if said else words()
