"""The whole of ``config.yaml`` as one typed object, and the checks that cross its sections."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import Field

from ipt_outcomes.study.clinical import clinical_problems
from ipt_outcomes.study.clusters import cluster_problems
from ipt_outcomes.study.effects import effect_problems
from ipt_outcomes.study.estimands import Estimand, estimand_problems
from ipt_outcomes.study.missing import missing_problems
from ipt_outcomes.study.outcome_instruments import instrument_problems
from ipt_outcomes.study.plan import Analyses, AnalysisSets, StudyIdentity
from ipt_outcomes.study.privacy import Privacy
from ipt_outcomes.study.process_analyses import process_problems
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
from ipt_outcomes.study.synthesis import Synthesis, synthesis_problems
from ipt_outcomes.study.trials import NO_PLANNED_VISIT, Trial

Problem = tuple[tuple[str, ...], str, str]
"""Key path, what is wrong, how to mend it."""


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

    def outcomes_of(self, trial: str) -> list[str]:
        """Names of the outcomes of one trial, the primary one first."""
        used = self.trials[trial].columns.scored
        named = [outcome for outcome in self.outcomes if outcome in used]
        return sorted(named, key=lambda outcome: self.outcomes[outcome].role != "primary")

    def problems(self) -> Iterator[Problem]:
        """Every contradiction between sections, for :func:`load_study` to report."""
        yield from self._visit_problems()
        yield from self._choice_problems()
        yield from clinical_problems(self)
        yield from missing_problems(self)
        yield from estimand_problems(self)
        yield from cluster_problems(self)
        yield from process_problems(self)
        yield from effect_problems(self)
        yield from instrument_problems(self)
        yield from synthesis_problems(self)
        for name, trial in self.trials.items():
            yield from self._trial_problems(name, trial)

    def _visit_problems(self) -> Iterator[Problem]:
        baselines = [name for name, visit in self.visits.items() if visit.phase == "baseline"]
        if len(baselines) != 1:
            found = ", ".join(baselines) or "none"
            yield (
                ("visits",),
                f"exactly one visit has the phase baseline, found {found}.",
                "Give that phase to the assessment before treatment only.",
            )
        windows = [
            (visit.window_days, name) for name, visit in self.visits.items() if visit.window_days
        ]
        windows.sort()
        for (first, name), (second, later) in itertools.pairwise(windows):
            if second[0] <= first[1]:
                yield (
                    ("visits", later, "window_days"),
                    f"starts on day {second[0]}, inside the window of {name} "
                    f"({first[0]} to {first[1]}).",
                    "A day may belong to one visit only.",
                )
        weeks: dict[float, str] = {}
        for name, visit in self.visits.items():
            if visit.week in weeks:
                yield (
                    ("visits", name, "week"),
                    f"is week {visit.week:g}, as is {weeks[visit.week]}.",
                    "Two visits cannot be planned for the same time.",
                )
            weeks[visit.week] = name

    def _choice_problems(self) -> Iterator[Problem]:
        primary = [name for name, outcome in self.outcomes.items() if outcome.role == "primary"]
        if len(primary) != 1:
            found = ", ".join(primary) or "none"
            yield (
                ("outcomes",),
                f"exactly one outcome has the role primary, found {found}.",
                "Give the others the role secondary.",
            )
        yield from _unknown(("reference_arm",), self.reference_arm, self.arms, "arms")
        for name, estimand in self.estimands.items():
            key = ("estimands", name, "endpoint")
            yield from _unknown(key, estimand.endpoint, self.visits, "visits")
        known = {*self.characteristics, "site"}
        for covariate in self.analyses.primary.adjust_for:
            key = ("analyses", "primary", "adjust_for")
            yield from _unknown(key, covariate, known, "characteristics (or site)")
        for name in self.enrolment:
            yield from _unknown(("enrolment", name), name, self.trials, "trials")
        known = {*self.characteristics, "site", "therapist", "problem_area"}
        for name in self.privacy.quasi_identifiers:
            where = "characteristics (or site, therapist, problem_area)"
            yield from _unknown(("privacy", "quasi_identifiers"), name, known, where)

    def _trial_problems(self, name: str, trial: Trial) -> Iterator[Problem]:
        top = ("trials", name)
        for code, arm in trial.codes.arm.items():
            yield from _unknown((*top, "codes", "arm", code), arm, self.arms, "arms")
        if self.reference_arm in self.arms and self.reference_arm not in trial.codes.arm.values():
            yield (
                (*top, "codes", "arm"),
                f"no code stands for the reference arm {self.reference_arm}.",
                "Every trial needs the arm that the others are compared with.",
            )
        for code, visit in trial.codes.visit.items():
            if visit not in NO_PLANNED_VISIT:
                yield from _unknown((*top, "codes", "visit", code), visit, self.visits, "visits")
        for section in ("outcomes", "items"):
            for outcome, columns in getattr(trial.columns, section).items():
                key = (*top, "columns", section, outcome)
                yield from _unknown(key, outcome, self.outcomes, "outcomes")
                for visit in columns if isinstance(columns, dict) else ():
                    yield from _unknown((*key, visit), visit, self.visits, "visits")
        yield from self._visits_can_be_told(top, trial)
        yield from self._missing_everywhere_is_no_score(top, trial)
        for characteristic in trial.columns.characteristics:
            key = (*top, "columns", "characteristics", characteristic)
            yield from _unknown(key, characteristic, self.characteristics, "characteristics")
        for covariate in self.analyses.primary.adjust_for:
            named = covariate in trial.columns.characteristics
            if not named and not (covariate == "site" and trial.columns.site):
                yield (
                    (*top, "columns"),
                    f"analyses.primary adjusts for {covariate}, which has no column here.",
                    "Name its column, or take it out of adjust_for.",
                )
        if self.analyses.problem_areas and not trial.columns.problem_areas.focus:
            yield (
                (*top, "columns", "problem_areas"),
                "analyses.problem_areas needs the column with each participant's primary focus.",
                "Name it as focus, or leave that analysis out.",
            )

    def _missing_everywhere_is_no_score(
        self, top: tuple[str, ...], trial: Trial
    ) -> Iterator[Problem]:
        for code in trial.codes.missing_everywhere:
            try:
                number = float(code)
            except ValueError:
                continue
            for outcome in trial.columns.scored:
                known = self.outcomes.get(outcome)
                if known is not None and known.range[0] <= number <= known.range[1]:
                    yield (
                        (*top, "codes", "missing_everywhere"),
                        f"{code} can be a score of {outcome} "
                        f"({known.range[0]:g} to {known.range[1]:g}).",
                        "List it under missing, for the columns in which it means missing.",
                    )

    def _visits_can_be_told(self, top: tuple[str, ...], trial: Trial) -> Iterator[Problem]:
        told = trial.columns.visit or trial.visits_by_column
        if not told and not any(visit.window_days for visit in self.visits.values()):
            yield (
                (*top, "columns"),
                "the day of an assessment is to decide its visit, and no visit has window_days.",
                "Give the visits windows, or name the column with the visit.",
            )


def _unknown(
    key: tuple[str, ...], value: str, known: Iterable[str], section: str
) -> Iterator[Problem]:
    names = list(known)
    if value in names:
        return
    near = difflib.get_close_matches(value, names, n=1)
    mend = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(names)}."
    yield key, f"{value} does not stand under {section}.", mend
