"""What one pass over a file leaves behind: counts, levels and cross-products by cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .errors import DesignError
from .factors import Codes, Floats

CELL_LIMIT = 20_000


@dataclass
class Tallies:
    """What one pass over the file leaves behind.

    Attributes
    ----------
    cells
        (visits seen as bits, levels of the categorical columns) → number of participants and
        cross-products of (numeric columns, outcomes by visit).
    visits, levels
        Values in the order of their first appearance.
    visit_values
        Value of every visit-level numeric factor at every visit.
    """

    numeric: list[tuple[str, ...]]
    cells: dict[tuple[int, ...], tuple[float, Floats]] = field(default_factory=dict)
    visits: list[Any] = field(default_factory=list)
    levels: dict[str, list[Any]] = field(default_factory=dict)
    level_rows: dict[str, list[int]] = field(default_factory=dict)
    visit_rows: list[int] = field(default_factory=list)
    visit_values: dict[str, dict[int, Floats]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    shift: float = 0.0
    participants: int = 0

    def accumulate(self, keys: Codes, U: Floats) -> None:
        """Add the cross-products of participants with keys (visits seen, levels) to their cells."""
        combined = keys[:, 0].copy()
        spread = 1
        for j in range(1, keys.shape[1]):
            size = int(keys[:, j].max()) + 1
            spread *= size
            combined = combined * size + keys[:, j] if spread < 2**20 else combined
        if spread >= 2**20 or len(self.visits) > 40:
            _, inverse = np.unique(keys, axis=0, return_inverse=True)
        else:
            _, inverse = np.unique(combined, return_inverse=True)
        inverse = inverse.ravel()
        order = np.argsort(inverse, kind="stable")
        arranged = U[order]
        ends = np.cumsum(np.bincount(inverse))
        begin = 0
        for end in ends:
            block = arranged[begin:end]
            key = tuple(int(k) for k in keys[order[begin]])
            gram = block.T @ block
            if key in self.cells:
                n, before = self.cells[key]
                size = len(before)
                gram[:size, :size] += before
                self.cells[key] = (n + end - begin, gram)
            else:
                self.cells[key] = (float(end - begin), gram)
            begin = end
        if len(self.cells) > CELL_LIMIT:
            raise DesignError(
                f"more than {CELL_LIMIT} combinations of visits seen and levels; too many "
                "categorical levels to stream."
            )

    def note_visit_values(self, expression: str, numbers: Floats, visit: Codes) -> None:
        """Remember a factor's value at every visit; raise when it is not one value."""
        known = self.visit_values.setdefault(expression, {})
        for v in np.unique(visit):
            at = visit == v
            value = numbers[at][0]
            if not (numbers[at] == value).all() or (
                int(v) in known and not np.array_equal(known[int(v)], value)
            ):
                raise DesignError(moved(expression, "visit"))
            known[int(v)] = value


def value_codes(column: pd.Series[Any], known: list[Any], rows: list[int]) -> Codes:
    """Return codes by first appearance, remembering new values and counting rows."""
    codes, uniques = pd.factorize(column)
    place = {value: j for j, value in enumerate(known)}
    for value in uniques:
        if value not in place:
            place[value] = len(known)
            known.append(value)
            rows.append(0)
    moved = np.array([place[v] for v in uniques], np.int64)
    out: Codes = moved[codes]
    for j, number in enumerate(np.bincount(out, minlength=len(known))):
        rows[j] += int(number)
    return out


def moved(expression: str, unit: str) -> str:
    """Say that a column is not what the first rows of the file made it seem."""
    return (
        f"{expression!r} was constant within each {unit} in the first rows of the file but is not "
        "later; use mixed_model on a data frame."
    )
