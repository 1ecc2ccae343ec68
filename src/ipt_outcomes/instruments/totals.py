"""What is laid on totals: severity bands, the clinical range, and what must not be mixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

from ipt_outcomes.instruments.criteria import Criterion
from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.registry import InstrumentError, instrument, plain

Chosen = TypeVar("Chosen")
_CLOSE = 1e-9


def severity(
    definition: InstrumentDefinition | str, totals: pd.Series, scheme: str | None = None
) -> pd.Series:
    """Return the severity band of each total.

    A prorated total between two bands (7.4 between 0-7 and 8-16) belongs to the lower one.

    Parameters
    ----------
    definition
        The instrument, or its name in the registry.
    totals
        Totals; empty where there is none.
    scheme
        Name of the bands; the instrument's first ones when not given.

    Returns
    -------
    pandas.Series
        Ordered categories, index as ``totals``.

    Raises
    ------
    InstrumentError
        When there are no such bands, or totals lie outside the instrument's range.

    Examples
    --------
    >>> severity("HAM-D17", pd.Series([7, 16, 24])).tolist()
    ['none', 'mild', 'severe']
    """
    definition = named(definition)
    bands = chosen(definition, "severity bands", definition.severity, scheme).bands
    values = checked(definition, totals)
    place = np.searchsorted([band.low for band in bands], values.to_numpy(), side="right") - 1
    place[values.isna().to_numpy()] = -1
    kinds = pd.CategoricalDtype([band.label for band in bands], ordered=True)
    codes = pd.Categorical.from_codes(place.astype(np.int64), dtype=kinds)
    return pd.Series(codes, index=values.index, name="severity")


def clinical_range(
    definition: InstrumentDefinition | str, totals: pd.Series, cutoff: str | None = None
) -> pd.Series:
    """Tell which totals lie in the clinical range.

    Parameters
    ----------
    definition, totals
        As for :func:`severity`.
    cutoff
        Name of the cut-off; the instrument's first one when not given.

    Returns
    -------
    pandas.Series
        ``boolean``, empty where there is no total.

    Raises
    ------
    InstrumentError
        When there is no such cut-off, or totals lie outside the instrument's range.

    Examples
    --------
    >>> clinical_range("PHQ-9", pd.Series([9, 10, None])).tolist()
    [False, True, <NA>]
    """
    definition = named(definition)
    criterion = chosen(definition, "cut-off", definition.cutoff, cutoff)
    return holds(criterion, checked(definition, totals))


def holds(criterion: Criterion, totals: pd.Series) -> pd.Series:
    """Tell which totals fulfil a criterion on the total itself."""
    ((kind, value),) = criterion.given().items()
    compared = {
        "at_most": totals <= value + _CLOSE,
        "below": totals < value - _CLOSE,
        "at_least": totals >= value - _CLOSE,
        "above": totals > value + _CLOSE,
    }
    if kind not in compared:
        raise InstrumentError(f"the criterion '{criterion.in_words()}' needs a baseline")
    return compared[kind].astype("boolean").mask(totals.isna())


def version_conflicts(names: Iterable[str]) -> list[str]:
    """Say which instruments must not be put into one outcome.

    Parameters
    ----------
    names
        Names of instruments of the registry.

    Returns
    -------
    list of str
        One sentence per pair.

    Raises
    ------
    InstrumentError
        When a name is not in the registry.

    Examples
    --------
    >>> version_conflicts(["BDI-II", "BDI-I", "PHQ-9"])
    ['BDI-II and BDI-I are different instruments: their totals must not be mixed.']
    """
    definitions = [instrument(name) for name in names]
    found = []
    for place, first in enumerate(definitions):
        for second in definitions[place + 1 :]:
            if _apart(first, second) or _apart(second, first):
                found.append(
                    f"{first.name} and {second.name} are different instruments: their totals "
                    f"must not be mixed."
                )
    return found


def _apart(first: InstrumentDefinition, second: InstrumentDefinition) -> bool:
    versions = first.versions
    return versions is not None and plain(second.name) in {plain(n) for n in versions.not_with}


def named(definition: InstrumentDefinition | str) -> InstrumentDefinition:
    """Return the definition, looking up a name."""
    return instrument(definition) if isinstance(definition, str) else definition


def chosen(
    definition: InstrumentDefinition, what: str, choices: Mapping[str, Chosen], name: str | None
) -> Chosen:
    """Return the choice of that name, or the first one.

    Raises
    ------
    InstrumentError
        When there is none.
    """
    if not choices:
        raise InstrumentError(f"{definition.name}: no {what} is in the registry")
    if name is None:
        return next(iter(choices.values()))
    if name not in choices:
        known = ", ".join(choices)
        raise InstrumentError(f"{definition.name}: no {what} is called {name!r}; there is {known}")
    return choices[name]


def checked(definition: InstrumentDefinition, totals: pd.Series) -> pd.Series:
    """Return totals as numbers, refusing those that the instrument cannot have.

    Raises
    ------
    InstrumentError
        With how many there are and the first few.
    """
    values = pd.Series(totals).astype("Float64").astype(float)
    low, high = definition.total_range
    outside = values[(values < low - _CLOSE) | (values > high + _CLOSE)]
    if len(outside):
        shown = ", ".join(f"{value:g}" for value in outside.head(3))
        raise InstrumentError(
            f"{definition.name}: {len(outside)} totals lie outside {low:g} to {high:g}, "
            f"such as {shown}"
        )
    return values
