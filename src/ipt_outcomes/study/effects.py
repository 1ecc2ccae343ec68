"""The sections of ``config.yaml`` about treatment effects.

Cross-checks, families of hypotheses, moderators, growth, problem areas, medication, non-inferiority
and diagnostics.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipt_outcomes.study.clinical import Status
from ipt_outcomes.study.sections import Name, Section
from ipt_outcomes.study.trials import ProblemArea

Positive = Annotated[float, Field(gt=0)]

SEVERITY = "baseline"
"""The moderator that is always there: the outcome's own score at baseline."""


class CrossChecksAnalysis(Section):
    """The primary comparison again, by other means that lean on other assumptions."""

    constrained: bool = True
    """The constrained longitudinal model: the baseline score is an outcome, with the same mean in
    all arms, so that nobody with any score is left out."""
    robust: Literal["CR2", "CR3"] | None = "CR2"
    """Sandwich errors, right even when the covariance is not; ``null`` for none."""
    bootstrap: int = Field(default=1000, ge=0, le=20000)
    """Bootstrap samples of participants within arms; 0 for none."""


class Family(Section):
    """One family of hypotheses: the arms compared with the reference, on some outcomes."""

    outcomes: list[Name] = Field(min_length=1)
    """Their outcomes, each at the primary estimand's endpoint."""
    arms: list[Name] | None = None
    """The arms compared with the reference; all when left out."""


class MultiplicityAnalysis(Section):
    """Which hypotheses are tested together, and in what order."""

    families: dict[Name, Family] = Field(min_length=1)
    """In the order of testing: a family is tested only if all of the one before was rejected
    (serial gate). Within a family, Holm's adjustment."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Two-sided level of the whole."""


class ModeratorsAnalysis(Section):
    """For whom the effect differs: interactions of arm with what was known before randomisation."""

    prespecified: list[Name] = Field(default_factory=list, max_length=3)
    """At most three characteristics, or ``baseline`` for severity on the primary outcome."""
    exploratory: list[Name] = Field(default_factory=list)
    """Any others; how many were looked at is printed beside each."""

    @model_validator(mode="after")
    def _once_each(self) -> ModeratorsAnalysis:
        both = [*self.prespecified, *self.exploratory]
        if not both:
            raise ValueError("name at least one moderator, or leave the section out")
        if len(both) != len(set(both)):
            raise ValueError("a moderator is named twice")
        return self


class GrowthAnalysis(Section):
    """The course of the primary outcome as curves: slopes by phase, and what lasts."""

    phases: dict[Name, Positive] = Field(default_factory=dict)
    """Phase of treatment: the week (or session) at which it ends, in order, such as
    ``{initial: 4, middle: 12, termination: 16}``; what comes later is follow-up. Left out: the
    treatment until the endpoint, then follow-up."""
    time: Literal["weeks", "sessions"] = "weeks"
    """The axis: planned weeks since randomisation, or the number of the treatment session at which
    the assessment was made (``columns: session``)."""
    sustained: Name | None = None
    """Outcome for sustained response, defined as under ``response``; left out for none."""

    @model_validator(mode="after")
    def _in_order(self) -> GrowthAnalysis:
        ends = list(self.phases.values())
        if ends != sorted(set(ends)):
            raise ValueError("phases must end one after the other; give them in order of time")
        if "follow_up" in self.phases:
            raise ValueError("follow_up begins where the last phase ends; take it out of phases")
        return self


class Misclassification(Section):
    """What is assumed of raters' mistakes about the primary focus (illustrative)."""

    kappa: float = Field(default=0.82, gt=0, lt=1)
    """Agreement of two raters on the primary focus. Agreement is not accuracy: both are taken to
    err alike and independently of each other and of the outcome (non-differential)."""
    flag_kappas: dict[ProblemArea, Annotated[float, Field(gt=0, le=1)]] = Field(
        default={"grief": 0.87, "role_disputes": 0.58, "role_transitions": 1.0,
                 "interpersonal_deficits": 0.48}
    )  # fmt: skip
    """The same for each area's flag."""
    rated: int = Field(default=18, ge=5)
    """Number of recordings that the kappas were found on; their uncertainty is propagated."""
    draws: int = Field(default=10000, ge=1000, le=100000)
    """Number of draws of kappa and of the differences."""


class ProblemAreasAnalysis(Section):
    """The comparison of the four interpersonal problem areas. Not randomised: exploratory."""

    rated: Literal["before-randomisation", "after-randomisation"]
    """When the areas were assigned; usually after the first sessions."""
    arms: list[Name] = Field(min_length=1)
    """The arms in which areas were assigned."""
    flags: bool = True
    """Also compare those with and without each area, several areas per participant allowed."""
    misclassification: Misclassification | None = None
    """How the differences change when some were assigned the wrong area; ``null`` for none."""
    moderation: bool = False
    """Whether the effect of treatment differs between areas. Refused unless the areas were rated
    before randomisation in all arms."""

    @model_validator(mode="after")
    def _moderation_needs_a_baseline(self) -> ProblemAreasAnalysis:
        if self.moderation and self.rated != "before-randomisation":
            raise ValueError(
                "moderation by problem area is refused: areas assigned after randomisation, in "
                "some arms only, are not a baseline characteristic, and comparing arms within them "
                "compares groups that were not randomised. It needs rated: before-randomisation "
                "and every arm under arms"
            )
        return self


class Factorial(Section):
    """The four cells of a 2 × 2: four arms, or two arms and a characteristic."""

    both: Name | None = None
    """The arm with psychotherapy and medication."""
    psychotherapy: Name | None = None
    """The arm with psychotherapy and without medication."""
    medication: Name | None = None
    """The arm with medication and without psychotherapy."""
    neither: Name | None = None
    """The arm with neither of the two."""
    characteristic: Name | None = None
    """Where medication was not randomised: the characteristic that tells who took it before
    randomisation."""
    present: str | None = None
    """Its code for those who did."""

    @model_validator(mode="after")
    def _one_kind(self) -> Factorial:
        arms = [self.both, self.psychotherapy, self.medication, self.neither]
        by_arms = all(arms) and self.characteristic is None and self.present is None
        by_trait = not any(arms) and self.characteristic is not None and self.present is not None
        if not (by_arms or by_trait):
            raise ValueError(
                "name four arms (both, psychotherapy, medication, neither), or the characteristic "
                "that tells who took medication and its code (characteristic, present)"
            )
        if by_arms and len(set(arms)) != 4:
            raise ValueError("the four cells are four different arms")
        return self

    @property
    def arms(self) -> list[str]:
        """The arms of the cells (both, psychotherapy, medication, neither); empty without."""
        named = [self.both, self.psychotherapy, self.medication, self.neither]
        return [arm for arm in named if arm is not None]


class SymptomTiming(Section):
    """Whether medication works early on some symptoms, and psychotherapy late on others."""

    clusters: list[Name] = Field(min_length=1)
    """Outcomes, each one cluster of symptoms (such as a subscale of sleep and appetite)."""
    early: Name
    """The early visit."""
    late: Name
    """The late visit."""


class MedicationAnalysis(Section):
    """Add-on contrasts, read off the components of the arms, and the factorial, if any."""

    status: Status = "exploratory"
    """Whether the contrasts were prespecified as confirmatory."""
    factorial: Factorial | None = None
    """Which cells form a 2 × 2, if any: four arms, or two arms and a characteristic."""
    additivity_margin: Positive | None = None
    """Largest interaction, in units of the outcome, that would still be called additive."""
    timing: SymptomTiming | None = None
    """Early and late effects by symptom cluster; needs a factorial of arms."""

    @model_validator(mode="after")
    def _timing_needs_cells(self) -> MedicationAnalysis:
        if self.timing is not None and not (self.factorial and self.factorial.arms):
            raise ValueError("timing compares both components: give the factorial's four arms")
        return self


class NonInferiorityAnalysis(Section):
    """Whether a treatment is not worse than an active comparator, by more than a margin."""

    arm: Name
    """The treatment that is asked about."""
    comparator: Name
    """The active treatment that it is compared with."""
    margin: Positive
    """Largest difference, in units of the primary outcome, that is still acceptable."""
    justification: str = Field(min_length=20)
    """Why this margin: what the comparator does against no treatment, how much of it is kept."""
    kind: Literal["non-inferiority", "equivalence"] = "non-inferiority"
    """Whether only worse matters, or better as well."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of the two-sided interval: .95 stands for a one-sided test at .025."""
    status: Status = "exploratory"
    """Whether it was prespecified as confirmatory."""


class DiagnosticsAnalysis(Section):
    """What the fitted models rest on: residuals, influence, convergence, covariance."""

    covariances: list[str] = Field(
        default=["heterogeneous toeplitz", "heterogeneous autoregressive", "compound symmetry",
                 "unstructured by arm"]
    )  # fmt: skip
    """Other covariances that the primary models' difference at the endpoint is estimated with."""
