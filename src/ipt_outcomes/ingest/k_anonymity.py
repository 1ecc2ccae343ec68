"""How many participants somebody could recognise by what is known about them from elsewhere.

Participants with the same values of all quasi-identifiers form a class. A data set is k-anonymous
when each class has at least k members (Sweeney 2002, International Journal of Uncertainty,
Fuzziness and Knowledge-Based Systems 10:557). A number counts by tens, a missing value as one of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.frames import CHARACTERISTIC

BAND = 10
"""Width of the bands of numbers, such as ages."""


@dataclass(frozen=True)
class Anonymity:
    """What the classes of a data set look like.

    Parameters
    ----------
    k
        The least number of members asked for.
    participants
        How many there are.
    classes
        How many classes there are.
    smallest
        Members of the smallest class.
    recognisable
        Participants in classes of fewer than k.
    by_column
        Quasi-identifier: participants who would still be recognisable without it.
    """

    k: int
    participants: int
    classes: int
    smallest: int
    recognisable: int
    by_column: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether every class is large enough."""
        return self.recognisable == 0


def anonymity(participants: pd.DataFrame, columns: list[str], k: int) -> Anonymity:
    """Count classes of participants who share all quasi-identifiers.

    Parameters
    ----------
    participants
        The canonical participant frame.
    columns
        Quasi-identifiers: ``site``, ``therapist``, ``problem_area``, or names of characteristics.
    k
        The least number of members of a class.

    Examples
    --------
    >>> people = pd.DataFrame({"site": ["A"] * 6 + ["B"] * 3,
    ...                        "characteristic_age": [31.0, 35, 38, 33, 39, 30, 41, 42, 57]})
    >>> found = anonymity(people, ["site", "age"], 5)
    >>> found.classes, found.smallest, found.recognisable, found.by_column
    (3, 1, 3, {'site': 3, 'age': 3})
    """
    table = pd.DataFrame({name: _banded(participants, name) for name in columns})
    sizes = _sizes(table)
    small = int((sizes < k).sum())
    without = {
        name: int((_sizes(table.drop(columns=name)) < k).sum()) if len(columns) > 1 else 0
        for name in columns
    }
    return Anonymity(
        k,
        len(participants),
        len(table.drop_duplicates()),
        int(sizes.min()) if len(sizes) else 0,
        small,
        without,
    )


def _sizes(table: pd.DataFrame) -> np.ndarray:
    if table.empty or not len(table.columns):
        return np.full(len(table), len(table))
    group = table.groupby(list(table.columns), sort=False, dropna=False)
    return np.asarray(group[table.columns[0]].transform("size"))


def _banded(participants: pd.DataFrame, name: str) -> pd.Series:
    own = CHARACTERISTIC + name
    values = participants[own] if own in participants else participants[name]
    if pd.api.types.is_numeric_dtype(values.dtype):
        band = pd.Series(np.floor(values.astype("float64") / BAND), index=values.index)
        return band.map("{:g}".format, na_action="ignore").astype("object").fillna("missing")
    return values.astype("object").fillna("missing").astype("str")
