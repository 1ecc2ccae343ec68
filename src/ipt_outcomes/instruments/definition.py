"""The typed definition of an instrument: items, scores, bands, and criteria of change.

An instrument has numbered items i = 1 … k with entries x_i in [l_i, u_i]. Reverse-keyed items
enter as l_i + u_i - x_i. A score is one of

* sum          Σ x_i
* mean         Σ x_i / m over the m items answered
* mean × 10    ten times the mean
* domain maxima    Σ_d max_{i in d} x_i
* mean of subscales
* goal attainment  50 + 10 Σ x_i / √((1 - ρ) m + ρ m²) with ρ = 0.3 (Kiresuk & Sherman 1968)

The same model holds the registry's instruments and those that a study defines itself. Items are
known by number only: no wording, which is the copyright of others, has a place here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipt_outcomes.instruments.criteria import Bands, Change, Criterion, Important
from ipt_outcomes.instruments.evidence import Fact, Part
from ipt_outcomes.instruments.ranges import Item, Range, attainable

Rule = Literal[
    "sum", "mean", "mean times 10", "domain maxima", "mean of subscales", "goal attainment"
]
MissingKind = Literal["complete", "prorate", "answered", "domains", "subscale mean, rounded"]
Label = Annotated[str, Field(min_length=1, max_length=60)]


class Alternatives(Part):
    """An item that stands in two columns of the form."""

    columns: tuple[str, str]
    """The two columns' tokens, such as ``16a`` and ``16b``."""
    rule: Literal["one of them", "highest"]
    """``one of them``: only one is rated; two different ratings are a finding and are not used.
    ``highest``: the higher one counts."""


class Recode(Part):
    """A table from entries to the values that are scored."""

    items: tuple[Item, ...] = Field(min_length=1)
    """Items that the table is for."""
    values: tuple[float, ...] = Field(min_length=2)
    """Scored values for the entries, from the lowest entry up."""


class Items(Fact):
    """The items, known by number."""

    count: Annotated[int, Field(ge=1, le=500)]
    """How many numbered items the form has."""
    range: Range
    """Lowest and highest entry."""
    ranges: dict[Item, Range] = Field(default_factory=dict)
    """Items whose range differs."""
    unscored: tuple[Item, ...] = ()
    """Items that enter no score; their columns may be absent."""
    whole: bool = True
    """Whether entries are whole numbers."""
    letters: tuple[Item, ...] = ()
    """Items whose entries may carry a letter (``2a``, ``2b``), which is dropped."""
    alternatives: dict[Item, Alternatives] = Field(default_factory=dict)
    """Items that stand in two columns."""
    not_assessed: dict[Item, tuple[float, ...]] = Field(default_factory=dict)
    """Codes outside the range that say "not assessed": missing, not a finding."""
    not_applicable: dict[Item, tuple[float, ...]] = Field(default_factory=dict)
    """Codes that say the item does not apply to the person: structural, not missing."""
    recodes: tuple[Recode, ...] = ()
    """Tables from entries to scored values."""

    @model_validator(mode="before")
    @classmethod
    def _for_all_items(cls, content: object) -> object:
        # `letters: all` and `not_applicable: {all: [8]}` are shorter than a list of 54 numbers.
        if not isinstance(content, dict) or not isinstance(content.get("count"), int):
            return content
        every = range(1, content["count"] + 1)
        content = dict(content)
        if content.get("letters") == "all":
            content["letters"] = list(every)
        for key in ("not_assessed", "not_applicable"):
            if isinstance(codes := content.get(key), dict) and "all" in codes:
                content[key] = dict.fromkeys(every, codes["all"])
        return content

    @property
    def scored(self) -> tuple[int, ...]:
        """Numbers of the items that enter a score."""
        return tuple(i for i in range(1, self.count + 1) if i not in self.unscored)

    def range_of(self, item: int) -> Range:
        """Return lowest and highest entry of an item."""
        return self.ranges.get(item, self.range)

    def scored_range(self, item: int) -> Range:
        """Return lowest and highest value with which an item enters a score."""
        for recode in self.recodes:
            if item in recode.items:
                return min(recode.values), max(recode.values)
        return self.range_of(item)


class Reverse(Fact):
    """Items that are keyed the other way round."""

    items: tuple[Item, ...] = Field(min_length=1)
    """Their numbers."""
    must_be_stated: bool = False
    """Whether exports of both kinds are common, so that whoever scores must say which it is."""


class Missing(Fact):
    """What happens when items are missing."""

    rule: MissingKind
    """``complete``: no item may be missing. ``prorate``: the score rests on the items answered.
    ``answered``: as prorate, whatever is missing. ``domains``: every domain needs one answer.
    ``subscale mean, rounded``: a missing item becomes the rounded mean of its subscale."""
    allowed: Annotated[int, Field(ge=0)] = 0
    """How many items may be missing."""

    @property
    def published(self) -> bool:
        """Whether somebody has published the rule, so that it is not our default."""
        return "project_default" not in self.sources


class Score(Fact):
    """One score made from items."""

    label: Label
    """Its name in tables."""
    rule: Rule
    """How it is made."""
    items: tuple[Item, ...] = ()
    """Items that enter; empty: all that are scored."""
    domains: tuple[tuple[Item, ...], ...] = ()
    """For domain maxima: the items of each domain."""
    subscales: tuple[str, ...] = ()
    """For a mean of subscales: their names."""
    at_least: Annotated[int, Field(ge=1)] = 1
    """For a mean of subscales: how many of them are needed."""
    range: Range | None = None
    """Lowest and highest possible score; must be what follows from the items."""
    missing: Missing
    """What happens when items are missing."""


class Norm(Fact):
    """Mean and standard deviation in a population."""

    population: Label
    """Who they are."""
    mean: float
    """The mean."""
    sd: Annotated[float, Field(gt=0)]
    """The standard deviation."""


class Safety(Fact):
    """Items about suicide or self-harm."""

    items: tuple[Item, ...] = Field(min_length=1)
    """Their numbers."""
    positive_from: float = 1
    """The entry from which an answer counts as positive."""


class Versions(Fact):
    """Instruments that must not be mixed with this one in one outcome."""

    not_with: tuple[str, ...] = Field(min_length=1)
    """Their names."""


class Licence(Fact):
    """Who holds the rights, and what that means for a trial."""

    terms: Annotated[str, Field(max_length=200)]
    """In a few words."""


class InstrumentDefinition(Part):
    """All that is known about an instrument."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 .+/-]*$", max_length=40)]
    """Short name, such as ``HAM-D17``."""
    title: Label
    """Full name."""
    aliases: tuple[str, ...] = ()
    """Other short names of exactly this version."""
    measures: Label
    """What it measures."""
    rater: Literal["self", "clinician", "interview or self"]
    """Who rates."""
    higher_is: Literal["worse", "better"]
    """Whether a higher total means more symptoms or less."""
    unit: str = "points"
    """Unit of the total."""
    items: Items
    """The items."""
    reverse: Reverse | None = None
    """Reverse-keyed items."""
    total: Score | None = None
    """The total; some instruments have none."""
    subscales: dict[str, Score] = Field(default_factory=dict)
    """Further scores."""
    severity: dict[str, Bands] = Field(default_factory=dict)
    """Severity bands of the total; the first is the default."""
    cutoff: dict[str, Criterion] = Field(default_factory=dict)
    """What counts as a clinical case."""
    remission: dict[str, Criterion] = Field(default_factory=dict)
    """What counts as remission; the first is the default."""
    response: dict[str, Criterion] = Field(default_factory=dict)
    """What counts as response; the first is the default."""
    important_change: dict[str, Important] = Field(default_factory=dict)
    """Smallest change that matters; the first is the default."""
    change: Change = Field(default_factory=Change)
    """Standard deviations and reliabilities for reliable change."""
    norms: dict[str, Norm] = Field(default_factory=dict)
    """Means in known populations."""
    safety: Safety | None = None
    """Items that are listed for safety, whatever the total."""
    versions: Versions | None = None
    """What it must not be mixed with."""
    licence: Licence | None = None
    """Rights."""
    cautions: tuple[Annotated[str, Field(max_length=300)], ...] = ()
    """Traps."""

    @model_validator(mode="after")
    def _is_consistent(self) -> InstrumentDefinition:
        problems = list(self._problems())
        if problems:
            raise ValueError(f"{self.name}: " + "; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        known = set(range(1, self.items.count + 1))
        for what, numbers in self._item_lists():
            if unknown := sorted(set(numbers) - known):
                yield f"{what} names items {unknown}, but there are {self.items.count}"
        for item, (low, high) in {0: self.items.range, **self.items.ranges}.items():
            if not low < high:
                yield f"the range of {f'item {item}' if item else 'the items'} is not ascending"
        for recode in self.items.recodes:
            for item in recode.items:
                low, high = self.items.range_of(item)
                if high - low + 1 != len(recode.values):
                    yield f"the table for item {item} does not have one value per entry"
        if not self.total and not self.subscales:
            yield "neither a total nor a subscale is defined"
        for name, score in self.scores().items():
            yield from self._score_problems(name, score)
        if self.total is not None:
            low, high = self.total_range
            for scheme, bands in self.severity.items():
                if (bands.bands[0].low, bands.bands[-1].high) != (low, high):
                    yield f"severity {scheme} does not span {low:g} to {high:g}"

    def _item_lists(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield "unscored", self.items.unscored
        yield "ranges", tuple(self.items.ranges)
        yield "letters", self.items.letters
        yield "alternatives", tuple(self.items.alternatives)
        yield "not_assessed", tuple(self.items.not_assessed)
        yield "not_applicable", tuple(self.items.not_applicable)
        yield "recodes", tuple(i for recode in self.items.recodes for i in recode.items)
        yield "reverse", self.reverse.items if self.reverse else ()
        yield "safety", self.safety.items if self.safety else ()
        for name, score in self.scores().items():
            yield name, score.items + tuple(i for domain in score.domains for i in domain)

    def _score_problems(self, name: str, score: Score) -> Iterator[str]:
        if (score.rule == "domain maxima") != bool(score.domains):
            yield f"{name}: domains belong to the rule 'domain maxima'"
        if (score.rule == "mean of subscales") != bool(score.subscales):
            yield f"{name}: subscales belong to the rule 'mean of subscales'"
        elif missing := [s for s in score.subscales if s not in self.subscales]:
            yield f"{name}: there is no subscale {', '.join(missing)}"
        elif score.range is not None and score.range != (follows := self._range_from_items(score)):
            yield (
                f"{name}: the range is given as {score.range[0]:g} to {score.range[1]:g}, "
                f"but the items make it {follows[0]:g} to {follows[1]:g}"
            )
        if name != "total" and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            yield f"the subscale's name {name!r} needs lower-case letters, digits and _"

    def scores(self) -> dict[str, Score]:
        """Return all scores by name, the total first."""
        total = {"total": self.total} if self.total is not None else {}
        return {**total, **self.subscales}

    def items_of(self, score: Score) -> tuple[int, ...]:
        """Return the numbers of the items that enter a score, each once."""
        if score.rule == "domain maxima":
            return tuple(item for domain in score.domains for item in domain)
        if score.rule == "mean of subscales":
            parts = (self.items_of(self.subscales[name]) for name in score.subscales)
            return tuple(sorted({item for part in parts for item in part}))
        return score.items or self.items.scored

    def _range_from_items(self, score: Score) -> Range:
        if score.rule == "mean of subscales":
            parts = [self._range_from_items(self.subscales[name]) for name in score.subscales]
            lows, highs = zip(*parts, strict=True)
            return sum(lows) / len(lows), sum(highs) / len(highs)
        ranges = {item: self.items.scored_range(item) for item in self.items_of(score)}
        return attainable(score.rule, ranges, score.domains)

    def range_of(self, name: str = "total") -> Range:
        """Return the lowest and highest possible value of a score.

        Raises
        ------
        KeyError
            When the instrument has no such score.
        """
        return self._range_from_items(self.scores()[name])

    @property
    def total_range(self) -> Range:
        """Lowest and highest possible total."""
        return self.range_of("total")
