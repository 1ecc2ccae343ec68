"""The sections of ``config.yaml`` about missing scores: their description, and robustness."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ipt_outcomes.study.sections import Name, Section, Text

Assumption = Literal[
    "missing-at-random",
    "jump-to-reference",
    "copy-reference",
    "copy-increments",
    "last-mean-carried-forward",
]


class MissingDataAnalysis(Section):
    """The description of missing scores: when, in which arm, why, and in whom."""

    predictors: list[Name] = Field(default_factory=list)
    """Characteristics (or ``site``) examined as predictors of leaving, beside arm and baseline."""


class DeltaAdjustment(Section):
    """How much worse (or better) unseen scores are made until the conclusion changes."""

    largest: float = Field(default=10, gt=0)
    """Largest amount, in units of the outcome, in both directions."""
    steps: int = Field(default=21, ge=3, le=101)
    """Number of amounts from the least to the largest; odd, so that zero is among them."""


class Shift(Section):
    """Amounts added to unseen scores, in units of the outcome; those that apply are summed."""

    arm: dict[Name, float] = Field(default_factory=dict)
    """By arm."""
    visit: dict[Name, float] = Field(default_factory=dict)
    """By visit."""
    per_visit_since_event: dict[Name, float] = Field(default_factory=dict)
    """By arm, what is added once more with every visit since the event."""
    only_after_event: bool = False
    """Whether scores missed before an event, or without one, stay as they are."""


class FurtherAssumption(Section):
    """An assumption that differs between events, or that shifts unseen scores."""

    label: Text
    """Its name in tables and figures."""
    otherwise: Assumption = "missing-at-random"
    """What holds after all events that ``by_event`` does not name."""
    by_event: dict[Text, Assumption] = Field(default_factory=dict)
    """What holds after an event: the reason for stopping treatment or for leaving the study, as
    the export writes it, or the name of a further event. Of several events of a participant the
    first one decides that is not ``missing-at-random``."""
    shift: Shift | None = None
    """Amounts added to the unseen scores."""


class RobustnessAnalysis(Section):
    """What the primary result becomes under other assumptions about unseen scores."""

    assumptions: list[Assumption] = Field(
        default=["missing-at-random", "jump-to-reference", "copy-reference", "copy-increments"],
        min_length=1,
    )
    """The first one is the one that the others are compared with."""
    further: list[FurtherAssumption] = Field(default_factory=list)
    """Assumptions by type of event, and with shifted scores."""
    reference: Name | None = None
    """The arm whose course is taken over by those who stopped, under the reference-based
    assumptions. Needed when every arm is an active treatment: these assumptions are undefined
    between two active arms unless the protocol names the reference."""
    starts: Literal["at-stopping-treatment", "at-first-missed-visit"] = "at-stopping-treatment"
    """From when the assumption holds: the first visit after treatment was stopped (for those who
    left without a recorded stop, the first missed visit), or always the first missed visit."""
    inference: Literal["jackknife", "bootstrap"] = "jackknife"
    """How the standard errors of conditional-mean imputation are found."""
    resamples: int = Field(default=500, ge=50)
    """Number of resamples of the bootstrap; the jackknife leaves out each participant once."""
    intervals: Literal["normal", "percentile"] = "normal"
    """Intervals from the standard error, or, with the bootstrap, from the percentiles of the
    resamples (then with 1000 resamples or more)."""
    rubin_imputations: int = Field(default=200, ge=0)
    """Random imputations for Rubin's (information-anchored) variance beside it; 0 for none."""
    covariance: Literal["same", "by-arm"] = "same"
    """One covariance of the visits for all arms, or one each."""
    delta: DeltaAdjustment | None = Field(default_factory=DeltaAdjustment)
    """The tipping-point analysis; ``null`` for none."""
    remission_at_most: float | None = None
    """Highest score of remission; when given, remission is compared under every assumption too,
    with everybody unseen counted as not remitted, and with unseen scores shifted."""
    chained_equations: int = Field(default=20, ge=0)
    """Tables completed by chained equations, which impute the remission status itself; 0 for
    none."""

    @model_validator(mode="after")
    def _percentiles_need_resamples(self) -> RobustnessAnalysis:
        if self.intervals == "percentile" and self.inference != "bootstrap":
            raise ValueError(
                "intervals: percentile takes the percentiles of resamples, which the jackknife "
                "does not make. Write inference: bootstrap, or intervals: normal"
            )
        return self
