"""The sections of ``config.yaml`` that say what is estimated and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ipt_outcomes.study.clinical import (
    CountsAnalysis,
    ResponseAnalysis,
    SafetyAnalysis,
    TimeToEventAnalysis,
)
from ipt_outcomes.study.clusters import TherapistsAnalysis
from ipt_outcomes.study.effects import (
    CrossChecksAnalysis,
    DiagnosticsAnalysis,
    GrowthAnalysis,
    MedicationAnalysis,
    ModeratorsAnalysis,
    MultiplicityAnalysis,
    NonInferiorityAnalysis,
    ProblemAreasAnalysis,
)
from ipt_outcomes.study.missing import MissingDataAnalysis, RobustnessAnalysis
from ipt_outcomes.study.process_analyses import (
    BlindingAnalysis,
    CrossLaggedAnalysis,
    DeliveryAnalysis,
    DiaryAnalysis,
    DoseResponseAnalysis,
    LaggedEffectsAnalysis,
    MediationAnalysis,
    SuddenGainsAnalysis,
)
from ipt_outcomes.study.sections import Name, Section


class StudyIdentity(Section):
    """What the study is called, and the seed of everything random."""

    title: str
    """The title of the report."""
    notice: str = ""
    """A sentence shown at the top of every report, such as "All data are simulated"."""
    seed: int = Field(ge=0)
    """Any whole number; every random draw of the pipeline derives from it."""
    blinded: bool = False
    """Whether arms are masked until the analysis plan is locked with ``ipt lock``: until then every
    analysis runs with the arms dealt out anew at random among the participants."""


class PerProtocol(Section):
    """Who counts as treated per protocol; the reasons for leaving out are counted by arm."""

    minimum_sessions: int | None = Field(default=None, ge=0)
    """Least number of sessions attended, in the arms with psychotherapy."""
    minimum_weeks_of_treatment: float | None = Field(default=None, ge=0)
    """Treatment not stopped before this week, in every arm."""
    received_the_randomised_arm: bool = True
    """Whether the arm received must be the one randomised to."""


class AnalysisSets(Section):
    """Who is analysed, beside everyone as randomised."""

    per_protocol: PerProtocol | None = None
    """Leave out when the trial has no per-protocol set."""
    completers: bool = False
    """Describe those with a score at the endpoint; never tested, only described."""


class PrimaryAnalysis(Section):
    """The mixed model for repeated measures."""

    covariance: Literal["unstructured"] = "unstructured"
    """How the scores of one participant are related across visits."""
    degrees_of_freedom: Literal["kenward-roger", "satterthwaite"] = "kenward-roger"
    """How uncertainty about the covariance enters intervals and tests."""
    adjust_for: list[Name] = Field(default_factory=list)
    """Characteristics (or ``site``) in the model beside baseline, arm and visit: the factors
    that randomisation was stratified by, and prespecified covariates."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of the confidence intervals."""


class Analyses(Section):
    """Which analyses are run. Leave one out to switch it off."""

    primary: PrimaryAnalysis
    cross_checks: CrossChecksAnalysis | None = None
    multiplicity: MultiplicityAnalysis | None = None
    moderators: ModeratorsAnalysis | None = None
    growth: GrowthAnalysis | None = None
    problem_areas: ProblemAreasAnalysis | None = None
    medication: MedicationAnalysis | None = None
    non_inferiority: NonInferiorityAnalysis | None = None
    diagnostics: DiagnosticsAnalysis | None = None
    response: ResponseAnalysis | None = None
    counts: CountsAnalysis | None = None
    time_to_event: TimeToEventAnalysis | None = None
    therapists: TherapistsAnalysis | None = None
    delivery: DeliveryAnalysis | None = None
    blinding: BlindingAnalysis | None = None
    dose_response: DoseResponseAnalysis | None = None
    lagged_effects: LaggedEffectsAnalysis | None = None
    cross_lagged: CrossLaggedAnalysis | None = None
    mediation: MediationAnalysis | None = None
    sudden_gains: SuddenGainsAnalysis | None = None
    diary: DiaryAnalysis | None = None
    safety: SafetyAnalysis | None = None
    missing_data: MissingDataAnalysis | None = None
    robustness: RobustnessAnalysis | None = None


ALSO_READ: dict[str, tuple[str, ...]] = {
    "diagnostics": ("growth", "therapists", "response", "counts", "time_to_event",
                    "lagged_effects", "diary"),
    "growth": ("response",),
}  # fmt: skip
"""Analyses that read sections beside their own: a change of one of these re-runs them too."""
