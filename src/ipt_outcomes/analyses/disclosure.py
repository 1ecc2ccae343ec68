"""Small cells never reach a shared output.

A count of 1 to 4 in a described group can point at a person. It is left empty, and so is the
next smallest count of the same group whenever the hidden one could be had by subtraction.
"""

from __future__ import annotations

from collections.abc import Mapping

SMALLEST = 5
"""The smallest count that is shown (zero is shown too: it describes nobody)."""

SUPPRESSED = "suppressed: fewer than 5"
COMPLEMENT = "suppressed: would reveal a count below 5"


def suppress(counts: Mapping[str, int]) -> dict[str, str]:
    """Say which counts of one group must be hidden, and why.

    Parameters
    ----------
    counts
        Level: number of participants; the group's total is taken to be known.

    Returns
    -------
    dict
        Level: reason, for the levels to be hidden only.

    Examples
    --------
    >>> suppress({"A": 30, "B": 12, "C": 3})
    {'C': 'suppressed: fewer than 5', 'B': 'suppressed: would reveal a count below 5'}
    >>> suppress({"A": 30, "B": 0})
    {}
    """
    hidden = {level: SUPPRESSED for level, n in counts.items() if 0 < n < SMALLEST}
    shown = {level: n for level, n in counts.items() if n >= SMALLEST}
    # Hidden counts that sum to less than SMALLEST are as good as shown: the total gives the sum.
    known_sum = sum(counts[level] for level in hidden)
    if hidden and (len(hidden) == 1 or known_sum < SMALLEST):
        if shown:
            hidden[min(shown, key=lambda level: shown[level])] = COMPLEMENT
        else:  # only zeros beside it: they are hidden too
            hidden |= {level: COMPLEMENT for level in counts if level not in hidden}
    return hidden
