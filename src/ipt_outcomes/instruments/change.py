"""Change between two totals of a person: response, remission, change that matters.

Change counts towards the better: d = b - x for baseline b and later total x where higher is
worse, x - b where it is better. A percentage is one of the distance b - f between the baseline
and the floor f, the total of a person without any symptom: 0 for most scales, 17 for the CDRS-R.
"""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.instruments.criteria import Criterion
from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.registry import InstrumentError
from ipt_outcomes.instruments.totals import checked, chosen, holds, named

_CLOSE = 1e-9


def remission(
    definition: InstrumentDefinition | str, totals: pd.Series, criterion: str | None = None
) -> pd.Series:
    """Tell who is in remission.

    Parameters
    ----------
    definition
        The instrument, or its name in the registry.
    totals
        Totals; empty where there is none.
    criterion
        Name of the criterion; the instrument's first one when not given.

    Returns
    -------
    pandas.Series
        ``boolean``, empty where there is no total.

    Raises
    ------
    InstrumentError
        When there is no such criterion, or totals lie outside the instrument's range.

    Examples
    --------
    >>> remission("HAM-D17", pd.Series([6, 7, 8, None])).tolist()
    [True, True, False, <NA>]
    """
    definition = named(definition)
    rule = chosen(definition, "criterion of remission", definition.remission, criterion)
    return holds(rule, checked(definition, totals)).rename("remission")


def response(
    definition: InstrumentDefinition | str,
    baseline: pd.Series | None,
    later: pd.Series,
    criterion: str | None = None,
) -> pd.Series:
    """Tell who responded.

    Parameters
    ----------
    definition
        The instrument, or its name in the registry.
    baseline
        Totals before treatment; ``None`` for criteria on the later total alone (CGI-I).
    later
        Totals after it, index as ``baseline``.
    criterion
        Name of the criterion; the instrument's first one when not given.

    Returns
    -------
    pandas.Series
        ``boolean``; empty where a total is missing, or where the baseline leaves nothing to
        improve (a percentage of zero).

    Raises
    ------
    InstrumentError
        When there is no such criterion, a baseline is needed and not given, the two do not have
        the same index, or totals lie outside the instrument's range.

    Examples
    --------
    >>> base, week_16 = pd.Series([20, 20, 61]), pd.Series([10, 11, 39])
    >>> response("HAM-D17", base.clip(upper=52), week_16).tolist()
    [True, False, False]
    >>> response("CDRS-R", pd.Series([61]), pd.Series([39])).tolist()  # (61 - 39) / (61 - 17)
    [True]
    """
    definition = named(definition)
    rule = chosen(definition, "criterion of response", definition.response, criterion)
    if not rule.needs_baseline:
        return holds(rule, checked(definition, later)).rename("response")
    if baseline is None:
        raise InstrumentError(f"{definition.name}: '{rule.in_words()}' needs the baseline totals")
    before, after = pair(definition, baseline, later)
    return _improved_by(definition, rule, before, after).rename("response")


def clinically_important(
    definition: InstrumentDefinition | str,
    baseline: pd.Series,
    later: pd.Series,
    criterion: str | None = None,
) -> pd.Series:
    """Tell who improved by at least the smallest change that matters.

    Parameters and errors as for :func:`response`.

    Examples
    --------
    >>> clinically_important("BDI-II", pd.Series([40, 40]), pd.Series([33, 34])).tolist()
    [True, False]
    """
    definition = named(definition)
    important = chosen(definition, "important change", definition.important_change, criterion)
    rule = Criterion(points=important.points, percent=important.percent)
    before, after = pair(definition, baseline, later)
    return _improved_by(definition, rule, before, after).rename("clinically important")


def pair(
    definition: InstrumentDefinition, baseline: pd.Series, later: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Return both totals as numbers, refusing those of different people.

    Raises
    ------
    InstrumentError
        When the indices differ, or totals lie outside the instrument's range.
    """
    before, after = checked(definition, baseline), checked(definition, later)
    if not before.index.equals(after.index):
        raise InstrumentError(
            f"{definition.name}: baseline and later totals do not belong to the same people in "
            f"the same order ({len(before)} and {len(after)} rows)"
        )
    return before, after


def towards_better(
    definition: InstrumentDefinition, before: pd.Series, after: pd.Series
) -> pd.Series:
    """Return change in points, positive towards the better."""
    return before - after if definition.higher_is == "worse" else after - before


def _improved_by(
    definition: InstrumentDefinition, rule: Criterion, before: pd.Series, after: pd.Series
) -> pd.Series:
    change = towards_better(definition, before, after)
    ((kind, value),) = rule.given().items()
    if kind == "points":
        return (change >= value - _CLOSE).astype("boolean").mask(change.isna())
    floor = pd.Series(rule.floor, index=before.index)
    distance = towards_better(definition, before, floor)
    needed = value / 100 * distance
    enough = change >= needed - _CLOSE if kind == "percent" else change > needed + _CLOSE
    return enough.astype("boolean").mask(change.isna() | (distance <= 0))
