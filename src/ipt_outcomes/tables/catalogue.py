"""Which tables a trial has: known from the configuration alone, for a workflow to plan them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from ipt_outcomes.study import Study
from ipt_outcomes.study.components import add_on_contrasts
from ipt_outcomes.study.plan import ALSO_READ
from ipt_outcomes.tables.baseline import baseline
from ipt_outcomes.tables.delivery import delivery
from ipt_outcomes.tables.diagnostics import diagnostics, model_checks
from ipt_outcomes.tables.diagnostics_models import other_models
from ipt_outcomes.tables.endpoint import endpoint_differences
from ipt_outcomes.tables.estimands import estimands
from ipt_outcomes.tables.factorial import factorial
from ipt_outcomes.tables.flow import participant_flow
from ipt_outcomes.tables.further import further_tables
from ipt_outcomes.tables.growth import curves, durability, growth, has_follow_up
from ipt_outcomes.tables.harms import harms
from ipt_outcomes.tables.lagged_effects import within_person
from ipt_outcomes.tables.means import adjusted_means
from ipt_outcomes.tables.medication import medication
from ipt_outcomes.tables.missing_scores import missing_predictors, missing_scores
from ipt_outcomes.tables.moderators import moderators
from ipt_outcomes.tables.non_inferiority import non_inferiority
from ipt_outcomes.tables.observed import observed_scores
from ipt_outcomes.tables.problem_areas import problem_areas
from ipt_outcomes.tables.process import dose_response, mediation, sudden_gains
from ipt_outcomes.tables.responders import responders
from ipt_outcomes.tables.robustness import robustness
from ipt_outcomes.tables.secondary import secondary_outcomes
from ipt_outcomes.tables.source import AS_RANDOMISED, PER_PROTOCOL, Source, not_fitted_notes
from ipt_outcomes.tables.table import Table
from ipt_outcomes.tables.therapists import therapists
from ipt_outcomes.tables.time_to_event import time_to_event


@dataclass(frozen=True)
class Maker:
    """How one table is made.

    Parameters
    ----------
    make
        Makes it from study and rows.
    analysis
        Beginning of the names of the analyses that it shows.
    about
        Columns that their rows have: outcome, estimand, analysis_set.
    """

    make: Callable[[Source], Table]
    analysis: str | tuple[str, ...] | None
    about: dict[str, object]

    def table(self, source: Source) -> Table:
        """Make the table; below it stands which of its models could not be fitted."""
        table = self.make(source)
        if self.analysis is None:
            return table
        lost = not_fitted_notes(source, self.analysis, **self.about)
        return replace(table, footnotes=(*table.footnotes, *lost))


Makers = dict[str, Maker]


def means_name(outcome: str, estimand: str, analysis_set: str) -> str:
    """Name the table of the adjusted means of one model.

    Examples
    --------
    >>> means_name("hamd17", "policy", "per protocol")
    'adjusted_means_hamd17__policy__per_protocol'
    """
    parts = ["adjusted_means_" + outcome, estimand]
    parts += [analysis_set.replace(" ", "_")] * (analysis_set != AS_RANDOMISED)
    return "__".join(parts)


def _makers(study: Study, trial: str) -> Makers:
    makers: Makers = {}

    def plan(
        name: str,
        make: Callable[..., Table],
        analysis: str | tuple[str, ...] | None = None,
        **about: str,
    ) -> None:
        makers[name] = Maker(partial(make, name=name, **about), analysis, {**about})

    plan("participant_flow", participant_flow)
    plan("baseline", baseline)
    plan("estimands", estimands)
    sets = [AS_RANDOMISED] + [PER_PROTOCOL] * (study.analysis_sets.per_protocol is not None)
    for outcome in study.outcomes_of(trial):
        plan(f"observed_{outcome}", observed_scores, outcome=outcome)
        plan(f"endpoint_differences_{outcome}", endpoint_differences, "primary", outcome=outcome)
        for estimand in study.estimands:
            for analysis_set in sets:
                name = means_name(outcome, estimand, analysis_set)
                plan(name, adjusted_means, "primary", outcome=outcome, estimand=estimand,
                     analysis_set=analysis_set)  # fmt: skip
    if study.analyses.problem_areas is not None:
        plan("problem_areas", problem_areas, "problem areas")
    adds = study.analyses.medication is not None
    if adds and add_on_contrasts(study, study.arms_of(trial)):
        plan("medication", medication, "medication")
    if study.analyses.medication is not None and study.analyses.medication.factorial is not None:
        plan("factorial", factorial, "medication, factorial")
    if study.analyses.growth is not None:
        plan("growth", growth, "growth")
        plan("growth_curves", curves, "growth, comparison of curves")
        if has_follow_up(study, trial):
            plan("durability", durability, "growth, durability")
    if study.analyses.diagnostics is not None:
        plan("diagnostics", diagnostics, "diagnostics")
        plan("diagnostics_models", model_checks)
        if any(getattr(study.analyses, name) is not None for name in ALSO_READ["diagnostics"]):
            plan("diagnostics_other_models", other_models)
    if study.analyses.non_inferiority is not None:
        kind = study.analyses.non_inferiority.kind
        plan("non_inferiority", non_inferiority, kind)
    for name, section, make, analysis in (
        ("sudden_gains", study.analyses.sudden_gains, sudden_gains, "sudden gains"),
        ("mediation", study.analyses.mediation, mediation, "mediation"),
        ("dose_response", study.analyses.dose_response, dose_response, "dose response"),
    ):
        if section is not None:
            plan(name, make, analysis)
    if study.analyses.lagged_effects is not None or study.analyses.cross_lagged is not None:
        plan("within_person", within_person, ("lagged effects", "cross-lagged panel"))
    others = tuple(o for o in study.outcomes_of(trial) if o != study.primary_outcome)
    if others:
        about: dict[str, object] = {"outcome": others, "estimand": study.primary_estimand,
                                    "analysis_set": AS_RANDOMISED}  # fmt: skip
        name = "secondary_outcomes"
        makers[name] = Maker(partial(secondary_outcomes, name=name), "primary", about)
    if study.analyses.response is not None:
        plan("responders", responders)
    if study.analyses.time_to_event is not None:
        plan("time_to_event", time_to_event)
    if study.analyses.therapists is not None:
        plan("therapists", therapists, "therapists")
    if study.analyses.moderators is not None:
        plan("moderators", moderators, "moderators")
    if study.analyses.delivery is not None:
        plan("delivery", delivery)
    if study.analyses.safety is not None:
        plan("harms", harms)
    if study.analyses.missing_data is not None:
        plan("missing_scores", missing_scores)
        plan("missing_predictors", missing_predictors)
    if study.analyses.robustness is not None:
        plan("robustness", robustness)
    return makers


def table_names(study: Study, trial: str) -> list[str]:
    """Return the names of a trial's tables.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    """
    return list(_makers(study, trial))


def make_table(name: str, *, study: Study, estimates: pd.DataFrame, trial: str) -> Table:
    """Make one of a trial's tables.

    Parameters
    ----------
    name
        One of :func:`table_names`.
    study
        The configuration.
    estimates
        The estimates table; restricted rows and those of other trials are not read.
    trial
        Short name of the trial.

    Raises
    ------
    ValueError
        When the trial has no such table.
    """
    return _maker(name, study, trial).table(Source.of(study, estimates, trial))


def make_tables(*, study: Study, estimates: pd.DataFrame, trial: str) -> dict[str, Table]:
    """Make all tables of a trial, those of analyses without a table of their own included.

    Parameters
    ----------
    study
        The configuration.
    estimates
        The estimates table; restricted rows and those of other trials are not read.
    trial
        Short name of the trial.

    Returns
    -------
    dict
        Name of the table: the table; those of :func:`table_names` first.
    """
    source = Source.of(study, estimates, trial)
    planned = {name: maker.table(source) for name, maker in _makers(study, trial).items()}
    return {**planned, **further_tables(source)}


def _maker(name: str, study: Study, trial: str) -> Maker:
    makers = _makers(study, trial)
    if name not in makers:
        raise ValueError(f"trial {trial} has no table called {name}, only {', '.join(makers)}")
    return makers[name]
