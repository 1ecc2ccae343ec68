"""From rows of a long data frame to participants × visits.

Every row of the data belongs to one participant *i* and one visit *a*; the outcome becomes a
matrix y (participants × visits) with a mask of what was seen. Rows with a missing outcome or
covariate cannot enter the likelihood: they are counted by reason, never dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DesignError
from .factors import Codes, Floats, level_label


@dataclass
class Layout:
    """The analysed rows, addressed by participant and visit.

    Attributes
    ----------
    keep
        Mask over the rows of the data frame: analysed or not.
    participant, visit
        Codes of the analysed rows.
    participants, visits
        Labels of the codes. ``visits`` are positions 1, 2, … when the data have no visit column.
    counts
        Rows read, analysed and excluded by reason; participants with at least one analysed row.
    """

    keep: NDArray[np.bool_]
    participant: Codes
    visit: Codes
    participants: pd.Index[Any]
    visits: list[Any]
    counts: dict[str, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Participants × visits."""
        return len(self.participants), len(self.visits)

    def first(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return each participant's first value of a row-wise array."""
        out = np.empty((len(self.participants), *values.shape[1:]), values.dtype)
        out[self.participant[::-1]] = values[::-1]
        return out

    def grid(self, values: Floats) -> Floats:
        """Spread a row-wise array over participants × visits, zero where nothing was seen."""
        out = np.zeros((*self.shape, *values.shape[1:]))
        out[self.participant, self.visit] = values
        return out

    def mask(self) -> NDArray[np.bool_]:
        """Return which participant was seen at which visit."""
        seen = np.zeros(self.shape, bool)
        seen[self.participant, self.visit] = True
        return seen


def visit_order(column: pd.Series[Any], name: str) -> tuple[list[Any], Codes]:
    """Return the visits in time order and each row's position.

    An ordered categorical gives its own order, numbers (and dates) are sorted. Plain text has no
    order in time and is refused.

    Raises
    ------
    DesignError
        For text or unordered categories.

    Examples
    --------
    >>> labels, codes = visit_order(pd.Series([8, 4, 8]), "week")
    >>> [int(v) for v in labels], codes.tolist()
    ([4, 8], [1, 0, 1])
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if not dtype.ordered and not pd.api.types.is_numeric_dtype(dtype.categories.dtype):
            raise DesignError(_unordered(name, list(dtype.categories)))
        categories, codes = column.cat.categories, column.cat.codes.to_numpy().astype(np.int64)
        if not dtype.ordered:
            order = np.argsort(categories.to_numpy())
            rank = np.empty(len(order), np.int64)
            rank[order] = np.arange(len(order))
            return list(categories[order]), np.where(codes >= 0, rank[codes], -1)
        return list(categories), codes
    if pd.api.types.is_bool_dtype(dtype) or not (
        pd.api.types.is_numeric_dtype(dtype)
        or pd.api.types.is_datetime64_any_dtype(dtype)
        or pd.api.types.is_timedelta64_dtype(dtype)
    ):
        raise DesignError(_unordered(name, list(pd.unique(column.dropna()))))
    codes, uniques = pd.factorize(column, sort=True)
    if pd.api.types.is_numeric_dtype(dtype) and np.isinf(np.asarray(uniques, float)).any():
        raise DesignError(f"visit column {name!r} holds infinite numbers.")
    return list(uniques), codes.astype(np.int64)


def _unordered(name: str, found: list[Any]) -> str:
    shown = ", ".join(repr(str(v)) for v in found[:6])
    return (
        f"visit column {name!r} holds text without an order ({shown}); make it numeric (weeks) "
        "or an ordered categorical: pd.Categorical(column, categories=[…], ordered=True)."
    )


def occurrence(participant: Codes) -> Codes:
    """Count the rows of each participant 0, 1, 2, … in the order of the data.

    Examples
    --------
    >>> occurrence(np.array([0, 1, 0, 0, 1])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(participant, kind="stable")
    arranged = participant[order]
    starts = np.flatnonzero(np.r_[True, arranged[1:] != arranged[:-1]])
    lengths = np.diff(np.r_[starts, len(arranged)])
    out = np.empty(len(participant), np.int64)
    out[order] = np.arange(len(arranged)) - np.repeat(starts, lengths)
    return out


def arrange(
    participant: tuple[Codes, pd.Index[Any]],
    visit: tuple[list[Any], Codes] | None,
    missing: dict[str, NDArray[np.bool_]],
    visit_name: str,
) -> Layout:
    """Lay the analysed rows out by participant and visit, counting what is left out.

    Parameters
    ----------
    participant
        Code of each row (−1 where missing) and labels of the codes.
    visit
        Visit labels and each row's code, or ``None`` to number the rows of each participant.
    missing
        Reason → mask of the rows that it excludes. A row counts under its first reason.
    visit_name
        Name of the visit column, for messages.

    Raises
    ------
    DesignError
        When nothing is left to analyse, or a participant has two rows at one visit.
    """
    codes, labels = participant
    total = len(codes)
    reasons = {"participant missing": codes < 0}
    if visit is not None:
        reasons["visit missing"] = visit[1] < 0
    reasons |= missing
    out = np.zeros(total, bool)
    counts = {"rows": total}
    for reason, mask in reasons.items():
        fresh = mask & ~out if out.any() else mask
        number = int(np.count_nonzero(fresh))
        if number:
            counts[f"excluded: {reason}"] = number
            out |= mask
    keep = ~out
    counts["rows analysed"] = int(np.count_nonzero(keep))
    counts["participants"] = len(labels)
    if not counts["rows analysed"]:
        told = "; ".join(f"{k}: {v}" for k, v in counts.items() if k.startswith("excluded"))
        raise DesignError(f"no row is left to analyse ({total} rows read; {told or 'none given'}).")
    if out.any():
        codes = codes[keep]
        seen = np.bincount(codes, minlength=len(labels)) > 0
        if not seen.all():
            codes, labels = (np.cumsum(seen) - 1)[codes], labels[seen]
    counts["participants analysed"] = len(labels)
    if visit is None:
        position = occurrence(codes)
        visits: list[Any] = list(range(1, int(position.max()) + 2))
    else:
        visits, position = visit[0], visit[1][keep] if out.any() else visit[1]
        used = np.bincount(position, minlength=len(visits)) > 0
        if not used.all():
            position = (np.cumsum(used) - 1)[position]
            visits = [v for v, u in zip(visits, used, strict=True) if u]
        _no_duplicates(codes, position, labels, visits, visit_name)
    return Layout(keep, codes, position, labels, visits, counts)


def _no_duplicates(
    participant: Codes, visit: Codes, labels: pd.Index[Any], visits: list[Any], name: str
) -> None:
    cell = participant * len(visits) + visit
    seen = np.zeros(len(labels) * len(visits), bool)
    seen[cell] = True
    if np.count_nonzero(seen) == len(cell):
        return
    values, counts = np.unique(cell, return_counts=True)
    twice = values[counts > 1]
    shown = "; ".join(
        f"participant {labels[c // len(visits)]} at {name} {level_label(visits[c % len(visits)])}"
        for c in twice[:5]
    )
    more = f" and {len(twice) - 5} more" if len(twice) > 5 else ""
    raise DesignError(
        f"{len(twice)} participant-visits occur more than once: {shown}{more}. Each participant "
        "may have one row per visit."
    )
