"""The section ``synthesis`` of ``config.yaml``: several trials, our own or published, pooled."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ipt_outcomes.study.sections import Name, Section


class OwnTrials(Section):
    """Trials of this study, by their own estimates."""

    outcome: Name
    """The harmonised outcome."""
    estimand: Name
    """The estimand whose effects are pooled, at its endpoint."""
    compare: tuple[Name, Name]
    """The arm and its reference; trials without either are left out."""
    analysis_set: Literal["as randomised", "per protocol"] = "as randomised"
    one_stage: Literal["by visit", "intercept"] | None = None
    """Also fit one mixed model to the participants of all these trials, beside the pooled effects.
    The treatment effect of a trial differs from the mean by a part common to all visits
    (``intercept``), or also by one of each visit (``by visit``)."""


class PublishedTrials(Section):
    """A table of published effects."""

    file: str
    """Path of the table (CSV), relative to ``config.yaml``."""
    columns: Literal["standard", "metapsy"] = "standard"
    """How its columns are called: ``standard`` as in the documentation, or as in the Metapsy
    databases."""
    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    missing: list[str] = Field(default_factory=lambda: ["NA"])
    """What stands for a missing entry."""
    categories: dict[Name, str] = Field(default_factory=dict)
    """Grouping moderator: its column."""
    numbers: dict[Name, str] = Field(default_factory=dict)
    """Numeric moderator: its column."""
    higher_is: Literal["worse", "better"] = "worse"
    """Which way scores point, unless the row says so."""
    event_is: Literal["better", "worse"] = "better"
    """Whether an event is a good one (response) or a bad one."""
    zero_cells: Literal["constant", "by arm size", "none"] = "constant"
    """How tables with a zero cell are corrected."""
    variance: Literal["large sample", "large sample, shrunk", "unbiased", "uncorrected d"] = (
        "large sample"
    )
    """Formula of the variance of g."""
    same_trials: dict[Name, str] = Field(default_factory=dict)
    """Own trial: what it is called in the table. Its published rows are replaced by ours."""


class Synthesis(Section):
    """One pooled effect."""

    label: str
    """What it is called in figures."""
    outcome: Name
    """What the effects are about, such as ``depression``."""
    comparison: str
    """Who is compared with whom, such as ``IPT against control``."""
    measure: Literal["g", "md", "log rr", "log or", "log hr", "rd"] = "g"
    """``g`` for different instruments, ``md`` for one in points; for events a ratio or ``rd``."""
    own: OwnTrials | None = None
    published: PublishedTrials | None = None
    method: Literal["REML", "PM", "DL"] = "REML"
    """Estimator of the variance between trials."""
    inference: Literal["hartung-knapp", "hartung-knapp, floored", "normal"] = "hartung-knapp"
    correlation: float = Field(default=0.6, ge=0, lt=1)
    """Assumed correlation of several outcomes of the same participants."""
    subgroups: list[Name] = Field(default_factory=list)
    """Grouping moderators by which trials are compared."""
    moderators: list[list[Name]] = Field(default_factory=list)
    """Meta-regressions: each a list of moderators of one model."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    status: Literal["confirmatory", "exploratory"] = "exploratory"
