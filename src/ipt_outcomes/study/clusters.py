"""The section of ``config.yaml`` about therapists, therapy groups and randomised clusters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ipt_outcomes.study.clinical import Level, Status
from ipt_outcomes.study.sections import Name, Section


class TherapistsAnalysis(Section):
    """How much the outcome depends on the therapist or the group, and the arms with that."""

    cluster: Literal["therapist", "group", "site"] = "therapist"
    """Whose members share an effect: the ``therapist``, the therapy ``group`` (or the randomised
    cluster), or the ``site``. The column stands under ``columns``."""
    arms: list[Name] | None = None
    """The arms that have them; those with psychotherapy when left out. All arms in a
    cluster-randomised trial."""
    effect: Literal["growing", "by-visit", "constant"] = "growing"
    """How the effect behaves over the course: it builds up from zero to the endpoint, has a value
    of its own at every visit, or is the same at all visits. The two others are shown beside it."""
    residual: Literal["by-arm", "common"] = "by-arm"
    """Whether each arm has its own covariance of the visits; needed where one arm has therapists
    and another has none."""
    across_arms: Literal["same", "own"] = "same"
    """Therapists who work in several arms: one effect in all of them, or one of their own in
    each."""
    treatment_by_site: bool = False
    """Show the comparison with an effect of treatment that varies between sites, beside it."""
    predictors: list[Name] = Field(default_factory=list)
    """What may explain differences between therapists, such as fidelity or training: numbers
    among the characteristics or the process variables. Never randomised: exploratory."""
    outcomes: list[Name] | None = Field(default=None, min_length=1)
    """Outcomes; the primary one when left out."""
    degrees_of_freedom: Literal["kenward-roger", "satterthwaite"] = "kenward-roger"
    """Small-sample inference; it reflects the number of therapists."""
    status: Status = "exploratory"
    """Whether it was prespecified as confirmatory."""
    level: Level = 0.95
    """Level of the confidence intervals."""
