"""Every fact of a definition with its name, its value in words, and its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ipt_outcomes.instruments.definition import InstrumentDefinition, Items, Missing, Score
from ipt_outcomes.instruments.evidence import CONFIDENCE_IN_WORDS, Fact


@dataclass(frozen=True)
class FactLine:
    """One fact as it is printed.

    Parameters
    ----------
    name
        What the fact is about, such as ``total`` or ``remission (tdcrp)``.
    value
        The fact in words.
    fact
        The fact with its sources and confidence.
    scoring
        Whether scores depend on it.
    """

    name: str
    value: str
    fact: Fact
    scoring: bool = False

    def __str__(self) -> str:
        sure = CONFIDENCE_IN_WORDS[self.fact.confidence]
        note = f" {self.fact.note}" if self.fact.note else ""
        by = "our own rule" if "project_default" in self.fact.sources else sure
        return f"{self.name}: {self.value} ({by}).{note}"


def assumptions(definition: InstrumentDefinition, *, scoring_only: bool = False) -> tuple[str, ...]:
    """Return what is used of an instrument without having been read in a source.

    Parameters
    ----------
    definition
        The instrument.
    scoring_only
        Only what decides scores, not what bands and criteria rest on.

    Examples
    --------
    >>> from ipt_outcomes.instruments import instrument
    >>> assumptions(instrument("MADRS"), scoring_only=True)
    ('missing items (total): up to 2 may be missing; the score rests on those answered (our own \
rule). No published rule was found.',)
    """
    return tuple(
        str(line)
        for line in fact_lines(definition)
        if line.fact.assumption and (line.scoring or not scoring_only)
    )


def fact_lines(definition: InstrumentDefinition) -> Iterator[FactLine]:
    """Yield every fact of a definition, in the order in which it is printed."""
    yield FactLine("items", _items(definition.items), definition.items, scoring=True)
    if reverse := definition.reverse:
        yield FactLine("reversed items", numbers(reverse.items), reverse, scoring=True)
    for name, score in definition.scores().items():
        yield FactLine(name, _score(definition, name, score), score, scoring=True)
        yield FactLine(f"missing items ({name})", _missing(score.missing), score.missing, True)
    for name, scheme in definition.severity.items():
        words = "; ".join(f"{b.low:g}-{b.high:g} {b.label}" for b in scheme.bands)
        yield FactLine(_named("severity", name), words, scheme)
    for group in ("cutoff", "remission", "response", "important_change"):
        for name, criterion in getattr(definition, group).items():
            title = {"cutoff": "clinical range", "important_change": "important change"}
            yield FactLine(_named(title.get(group, group), name), criterion.in_words(), criterion)
    yield from _change(definition)
    for name, norm in definition.norms.items():
        words = f"mean {norm.mean:g}, SD {norm.sd:g} ({norm.population})"
        yield FactLine(_named("norm", name), words, norm)
    if safety := definition.safety:
        words = f"{numbers(safety.items)}, positive from {safety.positive_from:g}"
        yield FactLine("safety items", words, safety)
    if versions := definition.versions:
        yield FactLine("never mixed with", ", ".join(versions.not_with), versions)
    if licence := definition.licence:
        yield FactLine("licence", licence.terms, licence)


def _change(definition: InstrumentDefinition) -> Iterator[FactLine]:
    change = definition.change
    for name, sd in change.sd.items():
        size = f", n = {sd.n:,}" if sd.n else ""
        words = f"{sd.value:g} ({sd.when}; {sd.population}{size})"
        yield FactLine(_named("SD", name), words, sd)
    for name, reliability in change.reliability.items():
        whom = f"; {reliability.population}" if reliability.population else ""
        words = f"{reliability.value:g} ({reliability.kind}{whom})"
        yield FactLine(_named("reliability", name), words, reliability)
    for name, published in change.published.items():
        words = f"{published.points:g} points ({published.by})"
        yield FactLine(_named("published reliable change", name), words, published)


def numbers(items: Sequence[int]) -> str:
    """Write item numbers, runs shortened.

    Examples
    --------
    >>> numbers([1, 2, 3, 7, 9, 10])
    '1-3, 7, 9, 10'
    """
    if not items:
        return "none"
    runs: list[list[int]] = [[items[0]]]
    for before, item in pairwise(items):
        if item == before + 1:
            runs[-1].append(item)
        else:
            runs.append([item])
    words = [f"{r[0]}-{r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs]
    return ", ".join(words)


def span(low: float, high: float) -> str:
    """Write a range.

    Examples
    --------
    >>> span(0, 52), span(0, float("inf"))
    ('0 to 52', '0 or more')
    """
    return f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"


def _named(group: str, name: str) -> str:
    return group if name == "default" else f"{group} ({name.replace('_', ' ')})"


def _items(items: Items) -> str:
    words = [f"{items.count}, each {span(*items.range)}"]
    by_range: dict[tuple[float, float], list[int]] = {}
    for item, limits in items.ranges.items():
        by_range.setdefault(limits, []).append(item)
    words += [f"items {numbers(same)} {span(*limits)}" for limits, same in by_range.items()]
    if items.unscored:
        words.append(f"not scored: {numbers(items.unscored)}")
    if items.letters:
        which = "all" if len(items.letters) == items.count else numbers(items.letters)
        words.append(f"letters dropped (2a, 2b): {which}")
    for item, both in items.alternatives.items():
        words.append(
            f"item {item} may stand as {both.columns[0]} and {both.columns[1]} ({both.rule})"
        )
    for title, codes in (
        ("not assessed", items.not_assessed),
        ("does not apply", items.not_applicable),
    ):
        same_codes: dict[tuple[float, ...], list[int]] = {}
        for item, values in codes.items():
            same_codes.setdefault(values, []).append(item)
        for values, which_items in same_codes.items():
            code = ", ".join(f"{value:g}" for value in values)
            words.append(f"{code} says {title}: item {numbers(which_items)}")
    for recode in items.recodes:
        table = ", ".join(f"{value:g}" for value in recode.values)
        words.append(f"items {numbers(recode.items)} count {table}")
    return "; ".join(words)


def _score(definition: InstrumentDefinition, name: str, score: Score) -> str:
    if score.rule == "mean of subscales":
        of = ", ".join(s.replace("_", " ") for s in score.subscales)
        how = f"mean of at least {score.at_least} of {of}"
    elif score.rule == "domain maxima":
        of = "; ".join(numbers(domain) for domain in score.domains)
        how = f"sum of the highest answers of the domains {of}"
    else:
        which = numbers(score.items) if score.items else "all scored items"
        how = {
            "sum": f"sum of {which}",
            "mean": f"mean of {which}",
            "mean times 10": f"ten times the mean of {which}",
            "goal attainment": f"T score of goal attainment from {which}",
        }[score.rule]
    return f"{how}; {span(*definition.range_of(name))}"


def _missing(missing: Missing) -> str:
    if missing.rule == "complete":
        return "none may be missing"
    if missing.rule == "answered":
        return "any may be missing; the score rests on those answered"
    if missing.rule == "domains":
        return "every domain needs one answer; the highest of those given counts"
    if missing.rule == "subscale mean, rounded":
        return f"up to {missing.allowed} may be missing; each counts as the rounded mean of its subscale"  # noqa: E501  # fmt: skip
    return f"up to {missing.allowed} may be missing; the score rests on those answered"
