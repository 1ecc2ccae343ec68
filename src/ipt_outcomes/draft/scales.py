"""Which instrument of the registry a column belongs to, by its name, its label and its range."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ipt_outcomes.draft.exports import Column
from ipt_outcomes.instruments import InstrumentDefinition, load_registry


@dataclass(frozen=True)
class Known:
    """An instrument under the names by which columns call it.

    Parameters
    ----------
    definition
        The instrument.
    names
        Its names, letters and digits only: ``hamd17``.
    families
        Its names without numbers: ``hamd``.
    """

    definition: InstrumentDefinition
    names: frozenset[str]
    families: frozenset[str]


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@cache
def known_instruments() -> tuple[Known, ...]:
    """Return the registry, ready to be compared with columns."""
    result = []
    for definition in load_registry().values():
        names = frozenset(_bare(name) for name in (definition.name, *definition.aliases))
        families = frozenset(re.sub(r"[0-9]+.*$", "", name) for name in names)
        families |= {re.sub(r"(?<=[a-z]{3})i+$", "", family) for family in families}
        result.append(Known(definition, names, frozenset(f for f in families if len(f) > 2)))
    return tuple(result)


def total_range(definition: InstrumentDefinition) -> tuple[float, float] | None:
    """Return the range of an instrument's total; None where it has none."""
    return definition.total_range if "total" in definition.scores() else None


def instruments_of(stem: str, question: str = "") -> list[InstrumentDefinition]:
    """Return the instruments that a name can mean: one when it says which, several when not.

    Parameters
    ----------
    stem
        The column's name without its visit.
    question
        The column's label.

    Examples
    --------
    >>> [one.name for one in instruments_of("hamd17_total")]
    ['HAM-D17']
    >>> [one.name for one in instruments_of("bdi")]
    ['BDI-I', 'BDI-II']
    """
    texts = [stem, question]
    for text in texts:
        words = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
        bare = [*words, _bare(text), *map("".join, itertools.pairwise(words))]
        exact = [k for k in known_instruments() if any(_begins(word, k.names) for word in bare)]
        if exact:
            longest = max(
                len(n) for k in exact for n in k.names if any(w.startswith(n) for w in bare)
            )
            return [
                k.definition for k in exact
                if any(len(n) == longest and w.startswith(n) for n in k.names for w in bare)
            ]  # fmt: skip
        letters = [re.sub(r"[0-9].*$|(?<=[a-z]{3})(total|tot|score|sum)$", "", w) for w in words]
        family = [k for k in known_instruments() if k.families & set(letters)]
        if family:
            return [k.definition for k in family]
    return []


def _begins(word: str, names: frozenset[str]) -> bool:
    # "hamd17total" begins with the name; "gaf" must not begin "gaffe": a longer word has to go on
    # with a word for a total.
    return any(
        word == name or re.fullmatch(re.escape(name) + r"(total|tot|score|sum|sc)", word)
        for name in names
    )


def fitting(definitions: Sequence[InstrumentDefinition], column: Column) -> list[
    InstrumentDefinition
]:  # fmt: skip
    """Return those whose total can take all values of a column, codes for "missing" aside."""
    values = [float(t.replace(",", ".")) for t in column.texts if t not in column.missing]
    result = []
    for one in definitions:
        ends = total_range(one)
        if ends is None or not values:
            continue
        inside = sum(ends[0] <= value <= ends[1] for value in values)
        if inside >= 0.8 * len(values):
            result.append(one)
    return result
