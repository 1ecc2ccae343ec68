"""The sections of ``config.yaml`` about missing scores: their description, and robustness."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ipt_outcomes.study.sections import Name, Section

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


class RobustnessAnalysis(Section):
    """What the primary result becomes under other assumptions about unseen scores."""

    assumptions: list[Assumption] = Field(
        default=["missing-at-random", "jump-to-reference", "copy-reference", "copy-increments"],
        min_length=1,
    )
    """The first one is the one that the others are compared with."""
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
    rubin_imputations: int = Field(default=200, ge=0)
    """Random imputations for Rubin's (information-anchored) variance beside it; 0 for none."""
    covariance: Literal["same", "by-arm"] = "same"
    """One covariance of the visits for all arms, or one each."""
    delta: DeltaAdjustment | None = Field(default_factory=DeltaAdjustment)
    """The tipping-point analysis; ``null`` for none."""
    remission_at_most: float | None = None
    """Highest score of remission; when given, remission is compared under every assumption too,
    and with everybody unseen counted as not remitted."""
