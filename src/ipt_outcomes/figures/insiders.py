"""Figures that show persons: each participant's course and change, and what models say of each.

They are for those who may see the data: they go to ``results/restricted`` and never into the
report. What may be shared says the same of groups: the adjusted and observed means, and the classes
of reliable change (``reliable_change``). No id of a participant is drawn or written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.insiders_models import (
    NOT_SHARED,
    PREDICTED,
    residual_plot,
    therapist_effects,
)
from ipt_outcomes.figures.reliable_change import ANALYSIS, CLASSES
from ipt_outcomes.figures.style import (
    INK,
    MARKER_SIZES,
    PAPER,
    QUIET,
    SMALL,
    arm_colour,
    arm_marker,
    new_figure,
    styled,
)
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import named, words

CLASS_MARKERS = ("o", "s", "s", "D", "v")
"""Marker of each class of reliable change; no instrument has both of those that share one."""


def trajectories(study: Study, trial: str, scores: pd.DataFrame, arms: pd.Series) -> Drawing:
    """Draw every participant's observed course on the primary outcome, one panel per arm.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    scores
        The canonical score frame.
    arms
        Arm by participant.
    """
    outcome = study.primary_outcome
    settings = study.outcomes[outcome]
    weeks = {name: study.visits[name].week for name in study.visits_of(trial)}
    seen = scores[(scores["outcome"] == outcome) & scores["score"].notna()].copy()
    seen["week"] = seen["visit"].map(weeks)
    seen["arm"] = seen["participant"].map(arms)
    seen = seen.dropna(subset=["week", "arm"]).sort_values(["participant", "week"])
    names = study.arms_of(trial)
    with styled():
        figure = new_figure(2.9)
        panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
        for axes, arm in zip(panels, names, strict=True):
            of = seen[seen["arm"] == arm]
            colour = arm_colour(study, arm)
            for _, course in of.groupby("participant", sort=True):
                axes.plot(course["week"], course["score"], color=colour, alpha=0.18, linewidth=0.7)
            mean = of.groupby("week")["score"].mean()
            axes.plot(mean.index, mean, color=INK, linewidth=1.8, marker=arm_marker(study, arm),
                      markersize=MARKER_SIZES[arm_marker(study, arm)], markeredgecolor=PAPER,
                      markeredgewidth=0.5)  # fmt: skip
            n = of["participant"].nunique()
            axes.set_title(f"{study.arms[arm].label[:40]}\nn = {n}", color=colour,
                           fontweight="bold", loc="left")  # fmt: skip
            _quiet(axes)
            axes.set_xlabel("Weeks since randomisation")
            axes.set_xticks(sorted(weeks.values()), [f"{w:g}" for w in sorted(weeks.values())],
                            fontsize=SMALL)  # fmt: skip
        panels[0].set_ylabel(f"{settings.short_label[:60]} ({settings.unit[:30]})")
        figure.subplots_adjust(left=0.08, right=0.99, top=0.85, bottom=0.16, wspace=0.08)
    data = seen[["arm", "week", "score"]].reset_index(drop=True)
    return Drawing(
        figure,
        data,
        words("Course of each participant, ", named(settings.short_label), ": ",
              named(study.trials[trial].label)),
        words(NOT_SHARED, "Thin: observed scores of each participant. Thick: observed mean of "
              "those with a score at the visit, without a model: who leaves changes it."),
        words("Line charts of every participant's observed scores over weeks, one panel per arm, "
              "with the observed mean."),
    )  # fmt: skip


def change_plot(study: Study, trial: str, rows: pd.DataFrame) -> Drawing:
    """Draw the score at the endpoint against that at baseline, by class of reliable change.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    rows
        The restricted rows that name each participant's class and two scores.
    """
    outcome = study.primary_outcome
    of = rows[(rows["analysis"] == ANALYSIS) & (rows["outcome"] == outcome)]
    wide = of.pivot_table(index=["subgroup", "arm", "contrast"], columns="visit",
                          values="estimate").reset_index()  # fmt: skip
    endpoint = next((v for v in wide.columns[3:] if v != study.baseline), None)
    settings = study.outcomes[outcome]
    with styled():
        figure = new_figure(4.6, 5.2)
        axes = figure.add_axes((0.11, 0.2, 0.86, 0.77))
        _quiet(axes)
        if endpoint is not None and study.baseline in wide:
            ends = [*wide[study.baseline], *wide[endpoint]]
            low, high = min(ends) - 1, max(ends) + 1
            axes.plot([low, high], [low, high], color=QUIET, linewidth=0.8)
            no_range = bool((wide["contrast"] == "reliably improved").any())
            for (name, colour), marker in zip(CLASSES, CLASS_MARKERS, strict=True):
                part = wide[wide["contrast"] == name]
                if part.empty and "improved" in name and ("clinical" in name) == no_range:
                    continue  # a class that this instrument does not have
                axes.plot(part[study.baseline], part[endpoint], linestyle="none", marker=marker,
                          markersize=MARKER_SIZES[marker], color=colour, markeredgecolor=INK,
                          markeredgewidth=0.4, alpha=0.85,
                          label=f"{name} (n = {len(part)})")  # fmt: skip
            axes.set_xlim(low, high)
            axes.set_ylim(low, high)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False,
                        fontsize=SMALL, handletextpad=0.3, columnspacing=1.0)  # fmt: skip
        axes.set_xlabel(f"{settings.short_label[:40]} at baseline ({settings.unit[:20]})")
        axes.set_ylabel(f"{settings.short_label[:40]} at the endpoint ({settings.unit[:20]})")
    shown = [name for name in (study.baseline, endpoint) if name in wide]
    return Drawing(
        figure,
        wide[["arm", "contrast", *shown]],
        words("Change of each participant, ", named(settings.short_label), ": ",
              named(study.trials[trial].label)),
        words(NOT_SHARED, "Each mark is a participant with both scores. Line: no change. Classes "
              "of reliable change after Jacobson and Truax; how they are defined stands in the "
              "table of responders."),
        words("Scatter of the score at the endpoint against that at baseline by class of change."),
    )  # fmt: skip


def _quiet(axes: Axes) -> None:
    axes.grid(color="#ececec", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)


def draw_insiders(
    study: Study,
    trial: str,
    *,
    scores: pd.DataFrame,
    participants: pd.DataFrame,
    rows: pd.DataFrame,
    residuals: Mapping[str, pd.DataFrame] | None = None,
    folder: str | Path,
) -> list[str]:
    """Draw all figures that show persons into a folder that stays inside.

    Parameters
    ----------
    study, trial
        The configuration and the trial.
    scores, participants
        The canonical frames.
    rows
        The restricted rows of the analyses, with the shared ones of the therapists' beside them.
    residuals
        Outcome: residuals of its primary model, one row per score.
    folder
        Where to write.

    Returns
    -------
    list of str
        The names of the figures drawn.
    """
    folder = Path(folder)
    arms = participants.set_index("participant")["arm"]
    drawn = {"trajectories": trajectories(study, trial, scores, arms)}
    if len(rows) and (rows["analysis"] == ANALYSIS).any():
        drawn["change_plot"] = change_plot(study, trial, rows)
    if len(rows) and (rows["analysis"] == PREDICTED).any():
        drawn["therapist_effects"] = therapist_effects(study, trial, rows)
    for outcome, table in (residuals or {}).items():
        drawn[f"residuals_{outcome}"] = residual_plot(study, trial, outcome, table, arms)
    for name, drawing in drawn.items():
        drawing.save(folder / name)
    return list(drawn)
