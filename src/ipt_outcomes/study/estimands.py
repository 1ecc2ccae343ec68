"""The section ``estimands``: what each treatment effect means, event by event (ICH E9(R1))."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ipt_outcomes.study.sections import Name, Section

STOPPING, DEATH = "stopping_treatment", "death"

PRINCIPAL_STRATUM = (
    "principal-stratum is refused: the effect among those who would have had no event under "
    "either treatment needs an estimator of its own, and deleting whoever had the event is not "
    "one. Choose treatment-policy, hypothetical, composite or while-on-treatment"
)
DEATH_HAS_NO_POLICY = (
    "death is never treatment-policy: there is no score after it. Choose composite, hypothetical "
    "or while-on-treatment (the last score while alive)"
)


def _estimable(value: object) -> object:
    if isinstance(value, str) and value.replace("_", "-") in ("principal-stratum",):
        raise ValueError(PRINCIPAL_STRATUM)
    return value


def _not_policy(value: object) -> object:
    if value == "treatment-policy":
        raise ValueError(DEATH_HAS_NO_POLICY)
    return _estimable(value)


Strategy = Annotated[
    Literal["treatment-policy", "hypothetical", "composite", "while-on-treatment"],
    BeforeValidator(_estimable),
]
DeathStrategy = Annotated[
    Literal["hypothetical", "composite", "while-on-treatment"], BeforeValidator(_not_policy)
]


class IntercurrentEvents(Section):
    """What happens to scores after an event that changes their meaning (ICH E9(R1)).

    When a participant has several events, the first one whose strategy is not treatment policy
    decides from its day on.
    """

    stopping_treatment: Strategy
    """``treatment-policy``: scores after stopping count like any other; ``hypothetical``: they
    are set aside, and the estimate is for a world in which nobody stopped; ``composite``: they
    become the score of a failure; ``while-on-treatment``: the last score before stopping stands
    for them."""
    death: DeathStrategy | None = None
    """The same for deaths, which are never treatment policy. Left out, what would have followed
    counts as missing at random, and the number of deaths is printed."""
    events: dict[Name, Strategy] = Field(default_factory=dict)
    """Event under ``columns: events``: its strategy. One that is left out is treatment policy."""
    composite_score: Literal["worst"] | float = "worst"
    """What ``composite`` makes of a score: the worst end of the outcome's range, or a number."""

    @model_validator(mode="after")
    def _reserved(self) -> IntercurrentEvents:
        for name in (STOPPING, DEATH):
            if name in self.events:
                raise ValueError(f"{name} has a line of its own; take it out of events")
        return self

    @property
    def strategies(self) -> dict[str, str]:
        """Event: its strategy, for every event that has one."""
        named = {STOPPING: str(self.stopping_treatment)}
        if self.death is not None:
            named[DEATH] = str(self.death)
        return named | {event: str(strategy) for event, strategy in self.events.items()}

    @property
    def takes_scores_as_they_came(self) -> bool:
        """Whether no strategy acts on any score."""
        return set(self.strategies.values()) == {"treatment-policy"}


class Estimand(Section):
    """What one treatment effect means, in the terms of ICH E9(R1)."""

    label: str
    """A name for the report."""
    population: str
    """Whom the effect is about."""
    endpoint: Name
    """The visit at which the effect is stated."""
    intercurrent_events: IntercurrentEvents
    summary: Literal["difference in means"] = "difference in means"
    """How arms are compared."""
