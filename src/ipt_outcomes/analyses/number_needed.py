r"""Numbers needed to treat, from a risk difference or (apart from it) from an effect size.

From a risk difference RD, NNT = 1/RD. When the interval of RD holds 0, that of NNT passes through
infinity: it is the union of "needed to benefit" from 1/RD_upper to infinity and "needed to harm"
from 1/|RD_lower| to infinity (Altman 1998). One interval from 1/RD_lower to 1/RD_upper would
exclude the very values that the data support.

From a standardised difference d, NNT = 1 / (2 Phi(d / sqrt 2) - 1) (Kraemer & Kupfer 2006): the
number for one more participant who does better *than one of the other arm*. It is another
quantity, and the two never stand in one column.

Sources: Altman (1998), BMJ 317:1309; Kraemer & Kupfer (2006), Biological Psychiatry 59:990.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class NumberNeeded:
    """One piece of a number needed to treat with its interval.

    Parameters
    ----------
    kind
        Whether the participants are needed for one more benefit or for one more harm.
    estimate
        The number; empty in the piece on the other side of infinity.
    lower, upper
        Ends of the piece's interval; ``upper`` may be infinite.
    split
        Whether the whole interval passes through infinity and consists of two pieces.
    """

    kind: Literal["benefit", "harm"]
    estimate: float | None
    lower: float
    upper: float
    split: bool


def number_needed(difference: float, lower: float, upper: float) -> tuple[NumberNeeded, ...]:
    """Turn a risk difference and its interval into numbers needed to treat.

    Parameters
    ----------
    difference, lower, upper
        Risk difference, positive when it is a benefit, and the ends of its interval.

    Returns
    -------
    tuple of NumberNeeded
        One piece when the interval excludes 0, two (benefit first) when it holds 0.

    Examples
    --------
    >>> [(n.kind, n.estimate, n.lower, n.upper) for n in number_needed(0.2, 0.1, 0.25)]
    [('benefit', 5.0, 4.0, 10.0)]
    >>> [(n.kind, n.estimate, n.lower, n.upper) for n in number_needed(0.1, -0.05, 0.25)]
    [('benefit', 10.0, 4.0, inf), ('harm', None, 20.0, inf)]
    """
    if lower > 0:
        return (NumberNeeded("benefit", 1 / difference, 1 / upper, 1 / lower, split=False),)
    if upper < 0:
        return (NumberNeeded("harm", -1 / difference, -1 / lower, -1 / upper, split=False),)
    benefit = 1 / difference if difference > 0 else None
    harm = -1 / difference if difference < 0 else None
    return (
        NumberNeeded("benefit", benefit, _reciprocal(upper), math.inf, split=True),
        NumberNeeded("harm", harm, _reciprocal(-lower), math.inf, split=True),
    )


def _reciprocal(value: float) -> float:
    return 1 / value if value > 0 else math.inf


def nnt_from_d(d: float) -> float:
    """Convert a standardised difference into the number needed to treat of Kraemer and Kupfer.

    Parameters
    ----------
    d
        Standardised difference, positive when it is a benefit.

    Returns
    -------
    float
        Negative for a harm, infinite for no difference.

    Raises
    ------
    ValueError
        When the difference is not a finite number.

    Examples
    --------
    >>> round(nnt_from_d(0.63), 2)
    2.91
    """
    if not math.isfinite(d):
        raise ValueError(f"{d} is not a standardised difference")
    # 2 Phi(d / sqrt 2) - 1 is the error function of d / 2, without cancellation near 0.
    advantage = math.erf(d / 2)
    return math.inf if advantage == 0 else 1 / advantage
