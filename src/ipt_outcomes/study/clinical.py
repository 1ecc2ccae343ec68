"""The sections of ``config.yaml`` for status, counts, time to event and safety.

What counts as response, remission or reliable change is stated here once per analysis: either by
the name of an instrument of the registry, whose definitions are then taken, or explicitly.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipt_outcomes.study.sections import Name, Section

Status = Literal["confirmatory", "exploratory"]
Level = Annotated[float, Field(gt=0.5, lt=1)]

CRITERIA = ("at_most", "below", "at_least", "above", "percent", "more_than_percent", "points")


class StatusCriterion(Section):
    """When a participant counts as responder, remitter or relapsed: exactly one of the seven."""

    at_most: float | None = None
    """The score is at most this."""
    below: float | None = None
    """The score is below this."""
    at_least: float | None = None
    """The score is at least this."""
    above: float | None = None
    """The score is above this."""
    percent: float | None = Field(default=None, gt=0, le=100)
    """Improvement of at least this percentage of the distance between baseline and floor."""
    more_than_percent: float | None = Field(default=None, gt=0, lt=100)
    """As percent, but improvement must be more than this."""
    points: float | None = Field(default=None, gt=0)
    """Improvement of at least this many points."""
    floor: float = 0
    """Where percentages count from: the score of a person without any symptom."""

    @model_validator(mode="after")
    def _exactly_one(self) -> StatusCriterion:
        given = [kind for kind in CRITERIA if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(CRITERIA)}")
        if self.floor and given[0] not in ("percent", "more_than_percent"):
            raise ValueError("a floor belongs to a percentage")
        return self


class ReliableChangeRule(Section):
    """What reliable change is computed from: 1.96 x SD x sqrt(2) x sqrt(1 - reliability)."""

    sd: float | Name | None = None
    """Standard deviation at baseline: a number, ``sample`` for that of this trial, or the name
    of one in the registry. Left out: the registry's default."""
    reliability: float | Name | None = None
    """A number between 0 and 1, or the name of one in the registry. Left out: the registry's
    default. Agreement between raters is not the reliability of change."""
    source: str = ""
    """Where the numbers come from; printed beside every rate."""

    @model_validator(mode="after")
    def _numbers_have_a_source(self) -> ReliableChangeRule:
        if isinstance(self.sd, float) and not self.sd > 0:
            raise ValueError("a standard deviation is above 0")
        if isinstance(self.reliability, float) and not 0 < self.reliability < 1:
            raise ValueError("a reliability lies between 0 and 1")
        numbers = isinstance(self.sd, float) or isinstance(self.reliability, float)
        if numbers and not self.source:
            raise ValueError(
                "give the source of the SD and the reliability: rates of reliable change swing "
                "with them"
            )
        return self


class OutcomeStatus(Section):
    """What counts as response, remission and reliable change on one outcome."""

    instrument: str | None = None
    """An instrument of the registry, such as ``HAM-D17``: its definitions are taken for what is
    not stated here."""
    response: StatusCriterion | Name | None = None
    """A criterion, or the name of one of the instrument's."""
    remission: StatusCriterion | Name | None = None
    """A criterion, or the name of one of the instrument's."""
    reliable_change: ReliableChangeRule | None = None
    """For reliable improvement and deterioration."""

    @model_validator(mode="after")
    def _states_something(self) -> OutcomeStatus:
        if self.instrument is None:
            if not (self.response or self.remission or self.reliable_change):
                raise ValueError("name an instrument, or give response, remission or both")
            named = [k for k in ("response", "remission") if isinstance(getattr(self, k), str)]
            rule = self.reliable_change
            if named or (rule and not (rule.sd is not None and rule.reliability is not None)):
                raise ValueError("names of the registry need the instrument that they belong to")
            if rule and (
                isinstance(rule.reliability, str)
                or (isinstance(rule.sd, str) and rule.sd != "sample")
            ):
                raise ValueError("names of the registry need the instrument that they belong to")
        return self


class ResponseAnalysis(Section):
    """Response, remission, reliable improvement and deterioration by arm at the endpoint."""

    outcomes: dict[Name, OutcomeStatus] = Field(min_length=1)
    """Outcome: its definitions."""
    adjust_for: list[Name] | None = None
    """Characteristics (or ``site``) beside the baseline score; those of the primary analysis
    when left out."""
    imputations: int = Field(default=50, ge=2, le=1000)
    """Number of imputations of missing scores."""
    bootstrap: int = Field(default=200, ge=0, le=5000)
    """Number of bootstrap samples; 0 leaves the bootstrap intervals out."""
    threshold_step: float = Field(default=10, gt=0, le=50)
    """Distance between the thresholds of the responder curves, in per cent."""
    status: Status = "exploratory"
    """Whether response on the primary outcome was prespecified as confirmatory."""
    level: Level = 0.95
    """Level of the confidence intervals."""


class CountOutcome(Section):
    """One outcome that counts days or episodes."""

    bounded_at: int | None = Field(default=None, ge=1)
    """Greatest possible count, such as 28 for days in the past 28 days; left out for episodes,
    which have no upper end."""
    visit: Name | None = None
    """The visit that is compared; the primary estimand's endpoint when left out."""


class CountsAnalysis(Section):
    """Counts by arm: bounded days and unbounded episodes."""

    outcomes: dict[Name, CountOutcome] = Field(min_length=1)
    """Outcome: what kind of count it is."""
    adjust_for: list[Name] | None = None
    """Characteristics (or ``site``); those of the primary analysis when left out."""
    status: Status = "exploratory"
    """Whether it was prespecified as confirmatory."""
    level: Level = 0.95
    """Level of the confidence intervals."""


class Relapse(Section):
    """Relapse during follow-up, among those who were well at the end of treatment."""

    among: Literal["responders", "remitters"] | None = None
    """Whom the rate is about. They are known only after randomisation, so that arms compared
    among them are not randomised groups; every row says so."""
    criterion: StatusCriterion
    """When a participant counts as relapsed, such as ``{at_least: 14}``."""

    @model_validator(mode="after")
    def _is_conditioned(self) -> Relapse:
        if self.among is None:
            raise ValueError(
                "a relapse rate needs its conditioning: write `among: responders` or "
                "`among: remitters`. Only who was well can relapse."
            )
        return self


class TimeToEventAnalysis(Section):
    """Time to response, remission, stopping treatment, leaving the study, and relapse."""

    outcomes: dict[Name, OutcomeStatus] = Field(default_factory=dict)
    """Outcome: what counts as response and remission on it."""
    stopping_treatment: bool = False
    """Time to stopping treatment early, until the endpoint."""
    leaving_the_study: bool = False
    """Time to leaving the study, until the last visit."""
    relapse: dict[Name, Relapse] = Field(default_factory=dict)
    """Outcome: what counts as relapse on it."""
    adjust_for: list[Name] | None = None
    """Characteristics (or ``site``) in the hazard model; those of the primary analysis when left
    out."""
    status: Status = "exploratory"
    """Whether it was prespecified as confirmatory."""
    level: Level = 0.95
    """Level of the confidence intervals."""

    @model_validator(mode="after")
    def _relapse_has_its_definitions(self) -> TimeToEventAnalysis:
        for outcome in self.relapse:
            if outcome not in self.outcomes:
                raise ValueError(
                    f"relapse on {outcome} needs to know who was well: give {outcome} under "
                    "outcomes too"
                )
        return self


class ItemThreshold(Section):
    """An outcome that is a single item, and from which answer on it counts."""

    at_least: float
    """The lowest answer that counts."""


class AdverseEvents(Section):
    """Adverse events: a process file with one row per event."""

    term: Name
    """Category among the process variables: what happened, coded (never free text)."""
    serious: Name | None = None
    """Yes-or-no variable of the same file: whether the event was serious."""
    severity: Name | None = None
    """Category or number of the same file: how severe it was."""
    related: Name | None = None
    """Yes-or-no variable of the same file: whether it was judged related to treatment."""


class SafetyAnalysis(Section):
    """Harms by arm: counts are shown however small they are."""

    deterioration: dict[Name, OutcomeStatus] = Field(default_factory=dict)
    """Outcome: what reliable change on it is computed from."""
    suicidality: dict[Name, ItemThreshold] = Field(default_factory=dict)
    """Outcome that holds an item about suicide or self-harm: from which answer it counts."""
    adverse_events: AdverseEvents | None = None
    """Adverse events by arm: all, serious, by term and by severity."""
    death_reasons: list[str] = Field(default_factory=list)
    """How the reason for stopping or leaving says that a participant died."""
    level: Level = 0.95
    """Level of the confidence intervals."""
