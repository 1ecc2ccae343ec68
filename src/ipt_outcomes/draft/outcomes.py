"""The scores and items of an export: by the instruments of the registry, then by what varies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipt_outcomes.draft.exports import Column, ExportRead
from ipt_outcomes.draft.scales import fitting, instruments_of, total_range
from ipt_outcomes.draft.timing import Timing, plain_words, timing_in
from ipt_outcomes.instruments import InstrumentDefinition

CODES = {*range(-9, 0), -99, -88, -77, -98, -97, -999, -888, -777, 88, 99, 98, 97, 999, 998, 997,
         888, 777, 9999}  # fmt: skip
"""Numbers that data bases use for "missing"."""
TOTAL = re.compile(r".*\b(total|tot|score|sum)\b.*")
MOST_UNKNOWN = 3
"""Scores of no known instrument that a draft proposes."""


@dataclass
class OutcomeGuess:
    """A score.

    Parameters
    ----------
    name
        Its short name.
    columns
        Its column; or visit: column.
    items
        Item: column; or visit: {item: column}.
    definitions
        Instruments that it can be.
    observed
        Lowest and highest entry, codes for "missing" aside.
    missing
        Column: codes that probably mean "missing".
    question
        Its label in the export.
    """

    name: str
    columns: str | dict[str, str] | None
    definitions: list[InstrumentDefinition]
    observed: tuple[float, float] | None = None
    missing: dict[str, list[str]] = field(default_factory=dict)
    question: str = ""
    items: dict[int, str] | dict[str, dict[int, str]] = field(default_factory=dict)

    @property
    def range(self) -> tuple[float, float] | None:
        """The range of the total, where all instruments that it can be agree."""
        ends = {total_range(one) for one in self.definitions}
        return ends.pop() if len(ends) == 1 else None

    @property
    def all_columns(self) -> list[str]:
        """Return its columns, items included."""
        totals = (
            [self.columns] if isinstance(self.columns, str) else list((self.columns or {}).values())
        )
        items = [
            column
            for one in self.items.values()
            for column in (one.values() if isinstance(one, dict) else [one])
        ]
        return [*totals, *items]


def outcome_guesses(
    export: ExportRead, free: Mapping[str, Column], *, long: bool
) -> tuple[list[OutcomeGuess], dict[str, Timing]]:
    """Find the scores of an export.

    Parameters
    ----------
    export
        The export.
    free
        Columns that play no other part.
    long
        Whether a row is an assessment.

    Returns
    -------
    tuple
        The scores, those of known instruments first; and for wide exports the visits, by name.
    """
    if export.layout in ("adam", "sdtm"):
        return _of_parameters(export), {}
    if long:
        return _of_rows(free), {}
    return _of_columns(free)


def _of_rows(free: Mapping[str, Column]) -> list[OutcomeGuess]:
    varying = {name: one for name, one in free.items() if one.varies and one.numeric}
    items, rest = _items({name: name for name in varying}, varying)
    result: list[OutcomeGuess] = []
    unknown: list[OutcomeGuess] = []
    for name in rest:
        one = varying[name]
        if re.search(r"___|_complete$", name) or one.orders:
            continue
        guess = _guess(name, name, {"": one}, name)
        if guess.definitions:
            result.append(guess)
        elif one.distinct > 4 or TOTAL.fullmatch(plain_words(name)):
            unknown.append(guess)
    result += [one for one in unknown if TOTAL.fullmatch(plain_words(one.name))] or (
        unknown[:MOST_UNKNOWN] if not result and not items else []
    )
    return _with_items(result, {stem: dict(of.items()) for stem, of in items.items()}, varying)


def _of_columns(free: Mapping[str, Column]) -> tuple[list[OutcomeGuess], dict[str, Timing]]:
    stems: dict[str, dict[str, str]] = {}
    visits: dict[str, Timing] = {}
    for name, one in free.items():
        if "___" in name or one.orders or not one.numeric:
            continue
        told = timing_in(name)
        if told is None or not told[1]:
            continue
        timing, stem = told
        if timing.name not in stems.setdefault(stem, {}):
            stems[stem][timing.name] = name
            visits.setdefault(timing.name, timing)
    several = {stem: of for stem, of in stems.items() if len(of) > 1}
    first = {stem: free[next(iter(of.values()))] for stem, of in several.items()}
    items, rest = _items({stem: stem for stem in several}, first)
    result: list[OutcomeGuess] = []
    unknown: list[OutcomeGuess] = []
    for stem in rest:
        of = several[stem]
        guess = _guess(stem, dict(of), {column: free[column] for column in of.values()}, stem)
        (result if guess.definitions else unknown).append(guess)
    by_visit: dict[str, dict[str, dict[int, str]]] = {}
    for stem, numbers in items.items():
        for number, item_stem in numbers.items():
            for visit, column in several[item_stem].items():
                by_visit.setdefault(stem, {}).setdefault(visit, {})[number] = column
    guesses = _with_items(result or unknown[:MOST_UNKNOWN], by_visit, free)
    names = {
        visit
        for one in guesses
        for of in (one.columns, one.items)
        if isinstance(of, dict)
        for visit in of
    }
    return guesses, {name: timing for name, timing in visits.items() if name in names}


def _of_parameters(export: ExportRead) -> list[OutcomeGuess]:
    """Read the scores off a data set with one row per score."""
    parameter = "PARAMCD" if export.layout == "adam" else "QSTESTCD"
    question = "PARAM" if export.layout == "adam" else "QSTEST"
    value = next(n for n in ("AVAL", "QSSTRESN", "QSSTRESC", "AVALC") if n in export.columns)
    cells = export.table.cells
    result: list[OutcomeGuess] = []
    for code in export.columns[parameter].texts:
        rows = cells[cells[parameter] == code]
        label = str(rows[question].iloc[0]) if question in rows else ""
        texts = [str(text) for text in rows[value].dropna().unique() if _is_number(str(text))]
        if not texts:
            continue
        values = [float(text) for text in texts]
        one = Column(code, label, {}, tuple(texts), len(texts), len(rows), min(values), max(values),
                     (), (), varies=True)  # fmt: skip
        guess = _guess(code, code, {code: one}, code)
        if guess.definitions or TOTAL.fullmatch(plain_words(label)):
            result.append(guess)
    return result


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d*\.?\d+", text) is not None


def _items(
    names: Mapping[str, str], columns: Mapping[str, Column]
) -> tuple[dict[str, dict[int, str]], list[str]]:
    """Part numbered series (``hamd_1`` ... ``hamd_17``) from the other names."""
    series: dict[str, dict[int, str]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)[ _.\-]?(\d{1,3})", name)
        if match and match[1]:
            series.setdefault(match[1].rstrip("_.- "), {})[int(match[2])] = name
    items = {}
    for stem, numbers in series.items():
        whole_run = sorted(numbers) == list(range(1, len(numbers) + 1))
        small = all((columns[name].highest or 0) <= 10 for name in numbers.values())
        if len(numbers) >= 5 and whole_run and small:
            items[stem] = dict(sorted(numbers.items()))
    taken = {name for numbers in items.values() for name in numbers.values()}
    return items, [name for name in names if name not in taken]


def _guess(
    name: str, columns: str | dict[str, str], of: Mapping[str, Column], stem: str
) -> OutcomeGuess:
    first = next(iter(of.values()))
    definitions = instruments_of(stem, first.question)
    inside = definitions
    for one in of.values():
        inside = fitting(inside, one) or inside
    ends = {total_range(one) for one in inside}
    known = ends.pop() if len(ends) == 1 else None
    missing: dict[str, list[str]] = {}
    values: list[float] = []
    for one in of.values():
        codes = [*one.missing]
        for text in one.texts:
            if text in one.missing:
                continue
            number = float(text.replace(",", "."))
            negative = number < 0 <= (one.highest or 0)
            outside = not known[0] <= number <= known[1] if known else negative
            if outside and number in CODES:
                codes.append(text)
            else:
                values.append(number)
        if codes:
            missing[one.name] = codes
    observed = (min(values), max(values)) if values else None
    return OutcomeGuess(short_name(name), columns, inside, observed, missing, first.question)


def _with_items(
    totals: list[OutcomeGuess],
    items: Mapping[str, dict[int, str] | dict[str, dict[int, str]]],
    columns: Mapping[str, Column],
) -> list[OutcomeGuess]:
    """Add items to the total of the same instrument, or as an outcome of their own."""
    for stem, numbered in items.items():
        first = next(iter(numbered.values()))
        count = len(first) if isinstance(first, dict) else len(numbered)
        definitions = [
            one for one in instruments_of(stem) if one.items is None or one.items.count == count
        ] or instruments_of(stem)
        names = {one.name for one in definitions}
        own = next((t for t in totals if names & {one.name for one in t.definitions}), None)
        if own is None:
            own = OutcomeGuess(short_name(stem), None, definitions)
            totals.append(own)
        own.items = numbered
    return totals


def short_name(name: str) -> str:
    """Return a name that can stand in file names.

    Examples
    --------
    >>> short_name("HAMD17 total"), short_name("17.score")
    ('hamd17', 'score_17')
    """
    words = [word for word in plain_words(name).split() if word not in ("total", "tot", "sum")]
    words = sorted(words, key=lambda word: not word[0].isalpha())
    return "_".join(words)[:40] or "outcome"
