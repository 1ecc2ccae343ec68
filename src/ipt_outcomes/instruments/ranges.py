"""Ranges of items, and the ranges of scores that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

Item = Annotated[int, Field(ge=1, le=500)]
"""Number of an item, counted from 1 as on the form."""
Range = tuple[float, float]
"""Lowest and highest value; ``inf`` where there is no highest."""

GOAL_CORRELATION = 0.3
"""Correlation between goals that goal attainment scaling assumes (Kiresuk & Sherman 1968)."""


def attainable(
    rule: str, ranges: Mapping[int, Range], domains: Sequence[Sequence[int]] = ()
) -> Range:
    """Return the lowest and highest score that items of the given ranges can make.

    Parameters
    ----------
    rule
        How the score is made; any rule of a score but the mean of subscales.
    ranges
        Range of each item that enters.
    domains
        Items of each domain, for the rule ``domain maxima``.

    Examples
    --------
    >>> attainable("sum", {1: (0, 4), 2: (0, 2)})
    (0, 6)
    >>> attainable("domain maxima", {1: (0, 3), 2: (0, 3), 3: (0, 3)}, [[1, 2], [3]])
    (0, 6)
    """
    lows = {item: low for item, (low, _) in ranges.items()}
    highs = {item: high for item, (_, high) in ranges.items()}
    if rule == "domain maxima":
        low = sum(max(lows[item] for item in domain) for domain in domains)
        return low, sum(max(highs[item] for item in domain) for domain in domains)
    low, high = sum(lows.values()), sum(highs.values())
    number = len(ranges)
    if rule == "sum":
        return low, high
    if rule == "mean":
        return low / number, high / number
    if rule == "mean times 10":
        return 10 * low / number, 10 * high / number
    if rule == "goal attainment":
        scale = 10 / goal_divisor(number)
        return 50 + scale * low, 50 + scale * high
    raise ValueError(f"no range follows from items for the rule {rule!r}")


def goal_divisor(number: float) -> float:
    """Return √((1 - ρ) m + ρ m²), the spread of the sum of m equally weighted goals."""
    return math.sqrt((1 - GOAL_CORRELATION) * number + GOAL_CORRELATION * number**2)
