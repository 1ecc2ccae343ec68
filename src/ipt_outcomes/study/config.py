"""The whole of ``config.yaml`` as one typed object.

What its sections say against each other is found in :mod:`ipt_outcomes.study.contradictions`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ipt_outcomes.study.estimands import Estimand
from ipt_outcomes.study.plan import Analyses, AnalysisSets, StudyIdentity
from ipt_outcomes.study.privacy import Privacy
from ipt_outcomes.study.publication import Publication
from ipt_outcomes.study.sections import (
    Arm,
    Characteristic,
    Enrolment,
    Name,
    Outcome,
    Section,
    Visit,
)
from ipt_outcomes.study.synthesis import OwnTrials, Synthesis
from ipt_outcomes.study.trials import NO_PLANNED_VISIT, Trial


class Study(Section):
    """A study: its trials, arms, visits, outcomes, and the analyses planned."""

    config_version: Literal[1]
    """The version of this file's layout."""
    study: StudyIdentity
    trials: dict[Name, Trial] = Field(min_length=1)
    arms: dict[Name, Arm] = Field(min_length=2)
    reference_arm: Name
    """The arm that the others are compared with."""
    visits: dict[Name, Visit] = Field(min_length=2)
    outside_windows: Literal["stop", "set aside"] = "stop"
    """An assessment outside every window stops the run, or is kept apart as unscheduled and
    listed."""
    equally_near: Literal["earlier", "later"] = "earlier"
    """Of several assessments in a window the one nearest to the planned day counts; of two equally
    near, this one."""
    outcomes: dict[Name, Outcome] = Field(min_length=1)
    instruments: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Instruments of your own, by short name: the fields of one of the registry, or ``based_on``
    one of it and what differs."""
    characteristics: dict[Name, Characteristic] = Field(default_factory=dict)
    enrolment: dict[Name, Enrolment] = Field(default_factory=dict)
    """Trial: counts from before randomisation."""
    privacy: Privacy = Field(default_factory=Privacy)
    estimands: dict[Name, Estimand] = Field(min_length=1)
    """The first one is the primary estimand."""
    analysis_sets: AnalysisSets = Field(default_factory=AnalysisSets)
    analyses: Analyses
    synthesis: dict[Name, Synthesis] = Field(default_factory=dict)
    """Several trials pooled, our own or published: one entry per pooled effect."""
    publication: Publication | None = None
    """What a bundle for reviewers may hold; leave out until there is something to publish."""

    @property
    def baseline(self) -> str:
        """Name of the visit before treatment."""
        return next(name for name, visit in self.visits.items() if visit.phase == "baseline")

    @property
    def later_visits(self) -> list[str]:
        """Names of the visits after baseline, in order of time."""
        after = [(visit.week, name) for name, visit in self.visits.items() if name != self.baseline]
        return [name for _, name in sorted(after)]

    @property
    def primary_outcome(self) -> str:
        """Name of the primary outcome."""
        return next(name for name, outcome in self.outcomes.items() if outcome.role == "primary")

    @property
    def primary_estimand(self) -> str:
        """Name of the primary estimand."""
        return next(iter(self.estimands))

    @property
    def endpoint(self) -> str:
        """Name of the visit at which the primary estimand is read."""
        return self.estimands[self.primary_estimand].endpoint

    def arms_of(self, trial: str) -> list[str]:
        """Names of the arms of one trial, in the order of the file, the reference last."""
        used = set(self.trials[trial].codes.arm.values())
        named = [arm for arm in self.arms if arm in used]
        return sorted(named, key=lambda arm: arm == self.reference_arm)

    def visits_of(self, trial: str) -> list[str]:
        """Names of the visits of one trial, in order of time."""
        mapped = self.trials[trial]
        used = (set(mapped.codes.visit.values()) - NO_PLANNED_VISIT) | mapped.visits_by_column
        if not used:  # the day alone decides
            used = {name for name, visit in self.visits.items() if visit.window_days}
        return sorted(used & set(self.visits), key=lambda visit: self.visits[visit].week)

    def trials_pooled(self, own: OwnTrials) -> list[str]:
        """Names of the trials that have the outcome and both arms of a synthesis."""
        return [
            trial
            for trial in self.trials
            if own.outcome in self.outcomes_of(trial)
            and set(own.compare) <= set(self.arms_of(trial))
        ]

    def outcomes_of(self, trial: str) -> list[str]:
        """Names of the outcomes of one trial, the primary one first."""
        used = self.trials[trial].columns.scored
        named = [outcome for outcome in self.outcomes if outcome in used]
        return sorted(named, key=lambda outcome: self.outcomes[outcome].role != "primary")
