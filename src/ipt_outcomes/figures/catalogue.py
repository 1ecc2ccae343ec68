"""Which figures a trial has: known from the configuration alone, for a workflow to plan them."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd

from ipt_outcomes.results import WHOLE_ANALYSIS
from ipt_outcomes.study import Study
from ipt_outcomes.study.components import add_on_contrasts
from ipt_outcomes.tables.growth import has_follow_up
from ipt_outcomes.tables.quotes import words
from ipt_outcomes.tables.source import AS_RANDOMISED, Source, not_fitted_notes

if TYPE_CHECKING:
    from ipt_outcomes.figures.drawing import Drawing

MEANS = "adjusted_means_"
ANALYSES: dict[str, str | tuple[str, ...]] = {
    "additivity": "medication, factorial",
    "non_inferiority": ("non-inferiority", "equivalence"),
    "durability": "growth, durability",
    "within_person": ("lagged effects", "cross-lagged panel"),
    "responders": "response" + WHOLE_ANALYSIS,
    "response_by_visit": "response" + WHOLE_ANALYSIS,
    "reliable_change": "response" + WHOLE_ANALYSIS,
    "time_to_events": ("time to event" + WHOLE_ANALYSIS, "relapse"),
    "missing_scores": "missing data" + WHOLE_ANALYSIS,
    "robustness_remission": "robustness" + WHOLE_ANALYSIS,
    "tipping_points": "robustness" + WHOLE_ANALYSIS,
}
"""Figure: beginnings of the names of its analyses, where they are not the figure's name."""


def figure_names(study: Study, trial: str) -> list[str]:
    """Return the names of a trial's figures.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    """
    names = [
        "participant_flow",
        "baseline_distributions",
        *(MEANS + outcome for outcome in study.outcomes_of(trial)),
    ]
    names += ["problem_areas"] * (study.analyses.problem_areas is not None)
    adds = study.analyses.medication is not None
    names += ["medication"] * bool(adds and add_on_contrasts(study, study.arms_of(trial)))
    plans = study.analyses
    names += ["additivity"] * (plans.medication is not None and bool(plans.medication.factorial))
    names += ["non_inferiority"] * (plans.non_inferiority is not None)
    names += ["responders", "response_by_visit", "reliable_change"] * (plans.response is not None)
    names += ["time_to_events"] * (study.analyses.time_to_event is not None)
    names += ["moderators"] * (study.analyses.moderators is not None)
    names += ["missing_scores"] * (study.analyses.missing_data is not None)
    names += ["growth"] * (plans.growth is not None)
    names += ["durability"] * (plans.growth is not None and has_follow_up(study, trial))
    names += ["sudden_gains"] * (plans.sudden_gains is not None)
    lagged = plans.lagged_effects is not None or plans.cross_lagged is not None
    names += ["within_person"] * lagged
    names += ["therapists"] * (plans.therapists is not None)
    names += ["diagnostics"] * (plans.diagnostics is not None)
    plan = study.analyses.robustness
    if plan is not None:
        names += ["robustness"]
        names += ["robustness_remission"] * (plan.remission_at_most is not None)
        names += ["tipping_points"] * (plan.delta is not None)
    return names


def module_of(name: str) -> str:
    """Return the module, inside the package, that draws a figure; its fingerprint stands for it.

    Examples
    --------
    >>> module_of("adjusted_means_hamd17")
    'figures.means'
    """
    modules = {"participant_flow": "flow", "robustness_remission": "robustness",
               "time_to_events": "event_curves"}  # fmt: skip
    return f"figures.{'means' if name.startswith(MEANS) else modules.get(name, name)}"


def draw_figure(name: str, *, study: Study, estimates: pd.DataFrame, trial: str) -> Drawing:
    """Draw one of a trial's figures.

    Parameters
    ----------
    name
        One of :func:`figure_names`.
    study
        The configuration.
    estimates
        The estimates table; restricted rows and those of other trials are not read.
    trial
        Short name of the trial.

    Raises
    ------
    ValueError
        When the trial has no such figure.
    """
    if name not in figure_names(study, trial):
        raise ValueError(f"trial {trial} has no figure called {name}")
    source = Source.of(study, estimates, trial)
    module = import_module(f"ipt_outcomes.{module_of(name)}")
    if name.startswith(MEANS):
        outcome = name.removeprefix(MEANS)
        drawing: Drawing = module.adjusted_means(source, outcome)
        lost = not_fitted_notes(source, "primary", outcome=outcome, analysis_set=AS_RANDOMISED,
                                estimand=study.primary_estimand)  # fmt: skip
    else:  # the function has the figure's name
        drawing = getattr(module, name)(source)
        lost = not_fitted_notes(source, ANALYSES.get(name, name.replace("_", " ")))
    for note in lost:
        drawing = replace(drawing, caption=words(drawing.caption, " ", note))
    return drawing
