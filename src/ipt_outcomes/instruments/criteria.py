"""Bands and criteria that are laid on a total: severity, remission, response, reliable change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipt_outcomes.instruments.evidence import Fact, Part

ReliabilityKind = Literal["internal consistency", "test-retest", "inter-rater"]


class Band(Part):
    """One severity band."""

    low: float
    """Lowest total of the band."""
    high: float
    """Highest total of the band."""
    label: Annotated[str, Field(min_length=1, max_length=30)]
    """Its name."""


class Bands(Fact):
    """Severity bands, from the lowest totals up."""

    bands: tuple[Band, ...] = Field(min_length=2)
    """The bands, without gaps."""

    @model_validator(mode="before")
    @classmethod
    def _from_rows(cls, content: object) -> object:
        # [low, high, label] is how bands are written in tables.
        if isinstance(content, dict) and isinstance(content.get("bands"), list):
            rows = [
                dict(zip(("low", "high", "label"), row, strict=True))
                if isinstance(row, list) and len(row) == 3
                else row
                for row in content["bands"]
            ]
            return {**content, "bands": rows}
        return content

    @model_validator(mode="after")
    def _without_gaps(self) -> Bands:
        for lower, upper in pairwise(self.bands):
            if not lower.low <= lower.high < upper.low <= lower.high + 1:
                raise ValueError(f"bands {lower.label} and {upper.label} overlap or leave a gap")
        return self


class Criterion(Fact):
    """One criterion on a total, or on the change from baseline.

    Exactly one of the seven is given. Change is counted towards the better.
    """

    at_most: float | None = None
    """The later total is at most this."""
    below: float | None = None
    """The later total is below this."""
    at_least: float | None = None
    """The later total is at least this."""
    above: float | None = None
    """The later total is above this."""
    percent: Annotated[float, Field(gt=0, le=100)] | None = None
    """Improvement of at least this percentage of the distance between baseline and floor."""
    more_than_percent: Annotated[float, Field(gt=0, lt=100)] | None = None
    """As percent, but improvement must be more than this."""
    points: Annotated[float, Field(gt=0)] | None = None
    """Improvement of at least this many points."""
    floor: float = 0
    """Where percentages count from: the total of a person without any symptom."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Criterion:
        if len(self.given()) != 1:
            raise ValueError(f"give exactly one of {', '.join(_KINDS)}")
        if self.floor and not self.is_percentage:
            raise ValueError("a floor belongs to a percentage")
        return self

    def given(self) -> dict[str, float]:
        """Return the kind of criterion and its value."""
        return {kind: v for kind in _KINDS if (v := getattr(self, kind)) is not None}

    @property
    def is_percentage(self) -> bool:
        """Whether it is a percentage of the baseline."""
        return self.percent is not None or self.more_than_percent is not None

    @property
    def needs_baseline(self) -> bool:
        """Whether the baseline total is needed."""
        return self.is_percentage or self.points is not None

    def in_words(self) -> str:
        """Say the criterion in words.

        Examples
        --------
        >>> Criterion(at_most=7).in_words()
        'at most 7'
        >>> Criterion(percent=50, floor=17).in_words()
        'at least 50 % better than baseline, counted from 17'
        """
        ((kind, value),) = self.given().items()
        if kind == "points":
            return f"at least {value:g} points better than baseline"
        if self.is_percentage:
            how = "at least" if kind == "percent" else "more than"
            counted = f", counted from {self.floor:g}" if self.floor else ""
            return f"{how} {value:g} % better than baseline{counted}"
        return f"{kind.replace('_', ' ')} {value:g}"


_KINDS = ("at_most", "below", "at_least", "above", "percent", "more_than_percent", "points")


class Important(Fact):
    """Smallest change that matters to patients or clinicians."""

    points: Annotated[float, Field(gt=0)] | None = None
    """In points."""
    percent: Annotated[float, Field(gt=0, le=100)] | None = None
    """In per cent of the baseline."""
    basis: Annotated[str, Field(max_length=120)] = ""
    """How it was found."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Important:
        if (self.points is None) == (self.percent is None):
            raise ValueError("give points or percent")
        return self

    def in_words(self) -> str:
        """Say it in words."""
        amount = f"{self.points:g} points" if self.points else f"{self.percent:g} % of baseline"
        return f"{amount} ({self.basis})" if self.basis else amount


class StandardDeviation(Fact):
    """Standard deviation of totals."""

    value: Annotated[float, Field(gt=0)]
    """In points."""
    when: Literal["baseline", "post-test", "one occasion"]
    """When totals were taken; reliable change is computed from baseline."""
    population: Annotated[str, Field(max_length=120)]
    """Of whom."""
    n: int | None = None
    """How many people stand behind it."""


class Reliability(Fact):
    """Reliability of totals."""

    value: Annotated[float, Field(gt=0, lt=1)]
    """The coefficient."""
    kind: ReliabilityKind
    """What it describes. Agreement between raters says nothing about change."""
    population: Annotated[str, Field(max_length=120)] = ""
    """In whom, and over what time."""


class PublishedChange(Fact):
    """A reliable change that somebody published as such."""

    points: Annotated[float, Field(gt=0)]
    """In points."""
    by: Annotated[str, Field(max_length=120)]
    """Who."""


class Change(Part):
    """What reliable change is computed from (Jacobson & Truax 1991)."""

    sd: dict[str, StandardDeviation] = Field(default_factory=dict)
    """Standard deviations by name; the first of a baseline is the default."""
    reliability: dict[str, Reliability] = Field(default_factory=dict)
    """Reliabilities by name; the first that is not inter-rater is the default."""
    published: dict[str, PublishedChange] = Field(default_factory=dict)
    """Published thresholds; the first is the default where nothing can be computed."""

    def default_sd(self) -> str | None:
        """Return the name of the standard deviation that is used unless another is asked for.

        Totals after treatment spread more than before it, so only a baseline is a default.
        """
        return next((name for name, sd in self.sd.items() if sd.when == "baseline"), None)

    def default_reliability(self) -> str | None:
        """Return the name of the reliability that is used unless another is asked for.

        Agreement between raters says nothing about change in a person: never the default.
        """
        fit = (name for name, r in self.reliability.items() if r.kind != "inter-rater")
        return next(fit, None)

    def facts(self) -> Iterator[tuple[str, Fact]]:
        """Yield every fact with its name."""
        for group in ("sd", "reliability", "published"):
            for name, fact in getattr(self, group).items():
                yield f"{group} {name}", fact
