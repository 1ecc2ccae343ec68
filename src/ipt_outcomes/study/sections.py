"""The sections of ``config.yaml`` that describe a trial's people, arms, visits and scores.

Each class is one section; its docstring and field descriptions are what the reference
documentation and the JSON Schema show, so they are written for researchers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_+]*$", max_length=40)]
"""A short name that can stand in file names: letters, digits, ``_`` and ``+``."""


def _as_text(value: object) -> object:
    # YAML reads `1: IPT` as a number; in an export every code is text.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _keys_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {_as_text(key): entry for key, entry in value.items()}
    return value


Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Codes = Annotated[dict[Text, str], BeforeValidator(_keys_as_text)]


class Section(BaseModel):
    """What all sections share: unknown keys are refused and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _none_for_no(value: object) -> object:
    # `medication: no` is what people write, and YAML turns it into False.
    return "none" if value is False or value is None else value


class Arm(Section):
    """One randomised arm, described by what its participants were offered."""

    label: str
    """How the arm is called in tables and figures."""
    psychotherapy: Annotated[str, BeforeValidator(_none_for_no)]
    """The psychotherapy: ``IPT``, ``CBT``, ``supportive`` ... or ``none``."""
    medication: Annotated[str, BeforeValidator(_none_for_no)]
    """The medication's name (``nortriptyline``, ``any antidepressant`` ...) or ``none``."""
    format: Literal["individual", "group", "couple", "telehealth", "online", "none"] = "individual"
    """How psychotherapy was delivered; ``none`` without psychotherapy."""
    also: str = ""
    """Anything else the arm contained, such as ``clinical management``."""

    @property
    def has_psychotherapy(self) -> bool:
        """Whether a psychotherapy was part of the arm."""
        return self.psychotherapy.lower() != "none"

    @property
    def has_medication(self) -> bool:
        """Whether a medication was part of the arm."""
        return self.medication.lower() != "none"


class Visit(Section):
    """One planned assessment."""

    label: str
    """How the visit is called in tables and figures."""
    week: float
    """Planned time in weeks since randomisation; the baseline visit has 0 or less."""
    window_days: tuple[int, int] | None = None
    """First and last day since randomisation that count as this visit, both included."""
    phase: Literal["baseline", "treatment", "follow-up"]
    """The part of the course to which the visit belongs."""

    @model_validator(mode="after")
    def _window_is_ordered(self) -> Visit:
        if self.window_days is not None and self.window_days[0] > self.window_days[1]:
            raise ValueError("the window ends before it starts; write [first day, last day]")
        return self


class Outcome(Section):
    """One symptom score or other outcome."""

    label: str
    """The instrument's full name."""
    short_label: str
    """The name on axes and in table heads, such as ``HAM-D17``."""
    role: Literal["primary", "secondary"]
    """Exactly one outcome is primary."""
    range: tuple[float, float]
    """Lowest and highest possible score."""
    higher_is: Literal["worse", "better"] = "worse"
    """Whether a higher score means more symptoms or less."""
    unit: str = "points"
    """The unit of the score."""
    instrument: str | None = None
    """The instrument, of the registry or of the section ``instruments``: needed to score single
    items, and by which other versions of it and impossible totals are recognised."""
    score: str = "total"
    """Which of the instrument's scores this outcome is: ``total``, or the name of a subscale."""

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Outcome:
        if not self.range[0] < self.range[1]:
            raise ValueError("the range must be [lowest, highest]")
        return self


class Characteristic(Section):
    """Something known of each participant before randomisation: described, or adjusted for."""

    label: str
    """The name in tables."""
    kind: Literal["number", "category"]
    """A number is summarised by mean and SD, a category by counts."""
    unit: str = ""
    """The unit of a number."""
    labels: Codes = Field(default_factory=dict)
    """Labels for the codes of a category."""


class Enrolment(Section):
    """Counts from before randomisation, which no export holds, for the participant flow."""

    assessed_for_eligibility: int | None = Field(default=None, ge=0)
    """How many people were screened."""
    excluded: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Reason: how many."""
