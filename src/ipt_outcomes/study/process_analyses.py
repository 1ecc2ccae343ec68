"""The sections of ``config.yaml`` for delivery, blinding, dose, mechanism and process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipt_outcomes.study.clinical import Level
from ipt_outcomes.study.sections import Name, Section


class DeliveryAnalysis(Section):
    """What was delivered, by arm: sessions, fidelity, crossover, treatment outside the protocol."""

    ratings: list[Name] = Field(default_factory=list)
    """Process variables described by arm, such as fidelity or adherence to the manual."""
    outside_protocol: list[Name] = Field(default_factory=list)
    """Yes-or-no process variables or events that were not part of the arm, such as starting an
    antidepressant: who ever had it."""
    level: Level = 0.95
    """Level of the confidence intervals."""


class BlindingAnalysis(Section):
    """Whether raters were and stayed masked, and whether their scores drifted."""

    masked: Name | None = None
    """Yes-or-no process variable with a visit: whether the rater did not know the arm."""
    unmasked: Name | None = None
    """Yes-or-no process variable with a visit: whether the rater learned the arm there."""
    guess: Name | None = None
    """Category among the process variables: the arm that the rater (or participant) believes in;
    anything that is no arm of the study counts as "does not know"."""
    rater: Name | None = None
    """Category among the process variables, with a visit: who rated."""
    order: Name | None = None
    """Number among the process variables, with a visit: how far the trial, or the rater's work,
    had come (months, number of ratings): what drift is measured along."""
    clinician: Name | None = None
    """The outcome rated by a clinician."""
    self_report: Name | None = None
    """The outcome that the participants report themselves."""
    level: Level = 0.95
    """Level of the confidence intervals."""

    @model_validator(mode="after")
    def _belong_together(self) -> BlindingAnalysis:
        if self.order and not (self.rater and self.clinician):
            raise ValueError("drift along an order needs rater and clinician too")
        if self.self_report and not self.clinician:
            raise ValueError("self_report is compared with clinician: name that outcome too")
        return self


class ComplierEffect(Section):
    """The effect among those who attend because they were offered it, by randomisation."""

    arm: Name
    """The arm that offers the sessions."""
    reference: Name
    """The arm that cannot have them."""
    minimum_sessions: int = Field(ge=1)
    """How many sessions count as having received the treatment."""
    justification: Annotated[str, Field(min_length=30)] | None = None
    """Why being offered the sessions can have had no effect on those who attended fewer, and why
    nobody in the reference arm could have them. Printed beside the estimate."""

    @model_validator(mode="after")
    def _is_justified(self) -> ComplierEffect:
        if self.justification is None:
            raise ValueError(
                "the effect among compliers rests on assumptions that the data cannot show: write "
                "under justification why assignment alone changes nothing (exclusion restriction)"
            )
        return self


class DoseResponseAnalysis(Section):
    """Sessions attended and the outcome: an observational dose-response, never an effect."""

    outcome: Name | None = None
    """The outcome; the primary one when left out."""
    arms: list[Name] | None = None
    """The arms; those with psychotherapy when left out."""
    complier_effect: ComplierEffect | None = None
    """The effect of attending, with randomisation as the instrument, where that is justified."""
    imputations: int = Field(default=20, ge=2, le=1000)
    """Number of imputations of missing scores."""
    level: Level = 0.95
    """Level of the confidence intervals."""


class LaggedPair(Section):
    """A process variable and what it may lead to."""

    predictor: Name
    """Process variable with session numbers: alliance, technique use, homework ..."""
    outcome: Name
    """Process variable with session numbers that follows it, such as a symptom score."""


class LaggedEffectsAnalysis(Section):
    """Whether a session's process variable goes before a change at the next one, and back."""

    pairs: dict[Name, LaggedPair] = Field(min_length=1)
    """Name: a pair; each is also analysed the other way round."""
    lag: int = Field(default=1, ge=1, le=10)
    """Sessions between predictor and outcome."""
    minimum_occasions: int = Field(default=5, ge=4)
    """Pairs of sessions that a participant needs for their own line in time to be taken out."""
    previous_outcome: bool = False
    """Adjust for the outcome one session before, centred on the participant's mean. Refused with
    few sessions: its coefficient, and with it the others, would be biased (Nickell 1981)."""
    level: Level = 0.95
    """Level of the confidence intervals."""


class PanelPair(Section):
    """Two series of the same participants, asked in both directions."""

    predictor: Name
    """A process variable with session numbers, or (by visit) an outcome of the study or a process
    variable with visits: alliance, social functioning, support ..."""
    outcome: Name
    """The other series, such as a symptom score."""


class CrossLaggedAnalysis(Section):
    """Two series as one model: which goes before a change of the other, in either direction."""

    pairs: dict[Name, PanelPair] = Field(min_length=1)
    """Name: a pair; both directions come from one model."""
    occasions: Literal["sessions", "visits"] = "sessions"
    """Whether the series were recorded by session or at planned visits."""
    visits: Annotated[list[Name], Field(min_length=3)] | None = None
    """By visit: which visits, at about equal distances; those up to the endpoint when left out."""
    trends: bool = False
    """Whether participants may differ in how fast they change, beside their level (needs four
    occasions). Without it, different trends pass for effects from one occasion to the next."""
    free_lags: bool = False
    """Whether the effects may differ from occasion to occasion."""
    free_innovations: bool = False
    """Whether what is new at an occasion may vary more at one occasion than at another."""
    minimum_participants: int = Field(default=20, ge=10)
    """Sessions at the end with fewer participants than this are left out, and counted."""
    level: Level = 0.95
    """Level of the confidence intervals."""

    @model_validator(mode="after")
    def _belong_together(self) -> CrossLaggedAnalysis:
        if self.visits and self.occasions != "visits":
            raise ValueError("visits belong to occasions: visits")
        return self


class MediationPath(Section):
    """What may carry the effect of an arm on an outcome."""

    mediator: Name
    """An outcome of the study, at ``mediator_visit``."""
    mediator_visit: Name
    """When the mediator is measured: after treatment began, before the outcome."""
    outcome: Name | None = None
    """The outcome; the primary one when left out."""
    arm: Name
    """The arm whose effect is taken apart."""
    reference: Name | None = None
    """The arm that it is compared with; the study's reference arm when left out."""


class MediationAnalysis(Section):
    """How much of an arm's effect goes with a change of a mediator."""

    paths: dict[Name, MediationPath] = Field(min_length=1)
    """Name: a path."""
    interaction: bool = True
    """Whether the mediator may work differently in the two arms."""
    bootstrap: int = Field(default=1000, ge=100, le=20000)
    """Number of bootstrap samples."""
    level: Level = 0.95
    """Level of the intervals."""


class SuddenGainsAnalysis(Section):
    """Large, stable improvements between two sessions (Tang & DeRubeis 1999)."""

    variable: Name
    """Process variable with session numbers: the session's symptom score."""
    higher_is: Literal["worse", "better"] = "worse"
    """Whether a higher score means more symptoms or fewer."""
    points: float | None = Field(default=7, gt=0)
    """Least improvement from one session to the next, in points; null leaves the criterion out."""
    percent: float | None = Field(default=25, gt=0, lt=100)
    """Least improvement as a percentage of the score before; null leaves the criterion out."""
    stability: Annotated[float, Field(gt=0, lt=1)] | None = 0.05
    """Two-sided significance level at which the sessions before and after must differ; null leaves
    the criterion out."""
    sessions: int = Field(default=3, ge=2, le=6)
    """How many sessions before and after count for stability."""
    standard_error: bool = False
    """Whether stability is judged by the t-test's standard error of the difference, rather than by
    the pooled standard deviation, which the literature uses and which is stricter."""
    reversal_percent: float = Field(default=50, gt=0, le=100)
    """A gain counts as reversed when this percentage of it is lost at a later session."""
    level: Level = 0.95
    """Level of the intervals."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> SuddenGainsAnalysis:
        if self.points is None and self.percent is None and self.stability is None:
            raise ValueError("keep at least one criterion: points, percent or stability")
        return self


class DiaryAnalysis(Section):
    """Mood of a day and the interpersonal events of that day and the day before."""

    mood: Name
    """Number among the process variables, with days."""
    event: Name
    """Number or yes-or-no process variable of the same diary."""
    minimum_days: int = Field(default=7, ge=5)
    """Days with both that a participant needs."""
    level: Level = 0.95
    """Level of the confidence intervals."""
