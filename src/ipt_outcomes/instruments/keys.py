"""From entries to the values that enter scores: reversed and recoded items."""

from __future__ import annotations

import numpy as np

from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.entries import Entries
from ipt_outcomes.instruments.ranges import Range


def keyed(definition: InstrumentDefinition, entries: Entries, *, already_reversed: bool) -> Entries:
    """Return entries as they enter scores: reversed and recoded items replaced."""
    values = entries.values.copy(order="K")
    reverse = definition.reverse.items if definition.reverse and not already_reversed else ()
    for place, item in enumerate(entries.items):
        if item in reverse:
            values[:, place] = reversed_entries(values[:, place], definition.items.range_of(item))
        for recode in definition.items.recodes:
            if item in recode.items:
                values[:, place] = _recoded(values[:, place], definition, item, recode.values)
    return Entries(entries.items, values, entries.wrong, entries.not_applicable, entries.findings)


def reversed_entries(values: np.ndarray, span: Range) -> np.ndarray:
    """Return low + high - x, which reverses an item; doing it twice changes nothing.

    Examples
    --------
    >>> reversed_entries(np.array([0.0, 1.0, 3.0]), (0, 3))
    array([3., 2., 0.])
    """
    reversed_: np.ndarray = span[0] + span[1] - values
    return reversed_


def _recoded(
    values: np.ndarray, definition: InstrumentDefinition, item: int, table: tuple[float, ...]
) -> np.ndarray:
    low = definition.items.range_of(item)[0]
    there = ~np.isnan(values)
    result = np.full(len(values), np.nan)
    result[there] = np.asarray(table)[(values[there] - low).astype(int)]
    return result
