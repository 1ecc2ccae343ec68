r"""Effects of events: log risk ratio, log odds ratio and risk difference.

With a events of n1 in the arm and c of n2 in the reference, b = n1 - a and d = n2 - c,

    log RR = log(a/n1) - log(c/n2),   var = (1/a - 1/n1) + (1/c - 1/n2),
    log OR = log(a/b) - log(c/d),     var = (1/a + 1/b) + (1/c + 1/d),
    RD = a/n1 - c/n2,                 var = ab/n1³ + cd/n2³;

the brackets are what arm and reference bring. Tables with a zero cell need a correction for the
ratios. ``constant`` adds 0.5 to each of the four cells; ``by arm size`` adds, in proportion to the
size of the *other* arm, amounts that sum to 1 over the two arms, which biases unequal arms less
(Sweeting et al. 2004). ``none`` leaves such a table out. Tables in which nobody, or everybody, in
both arms had the event say nothing of an odds ratio and no more than "about 1, variance 0" of a
risk ratio: they are left out of ratios whatever the correction. A risk difference is never
corrected; only its variance, where that would be 0.

Sources: Sweeting, Sutton & Lambert (2004), Statistics in Medicine 23:1351; Cochrane Handbook,
ch. 10.4.4; Hasselblad & Hedges (1995), Psychological Bulletin 117:167 for g from odds ratios.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipt_outcomes.synthesis.continuous import Correction, small_sample_factor
from ipt_outcomes.synthesis.effects import Floats

BinaryMeasure = Literal["log rr", "log or", "rd"]
ZeroCells = Literal["constant", "by arm size", "none"]

ZERO_CELLS: dict[ZeroCells, str] = {
    "constant": "0.5 added to each cell of tables with a zero cell",
    "by arm size": "the reciprocal of the other arm's size added to tables with a zero cell",
    "none": "tables with a zero cell left out",
}
"""Corrections for zero cells."""


@dataclass(frozen=True, eq=False)
class BinaryEffects:
    """Effects of events with what was done about zero cells.

    Parameters
    ----------
    estimate
        The effects; not a number where a row gives none.
    part_arm, part_reference
        What arm and reference bring to the variance.
    corrected
        Rows whose cells were corrected.
    uninformative
        Rows without or with only events in both arms, which give no ratio.
    """

    estimate: Floats
    part_arm: Floats
    part_reference: Floats
    corrected: NDArray[np.bool_]
    uninformative: NDArray[np.bool_]

    @property
    def variance(self) -> Floats:
        """The sampling variances."""
        return self.part_arm + self.part_reference


def binary_effects(
    measure: BinaryMeasure,
    events_arm: ArrayLike,
    total_arm: ArrayLike,
    events_reference: ArrayLike,
    total_reference: ArrayLike,
    *,
    zero_cells: ZeroCells = "constant",
) -> BinaryEffects:
    """Compute effects of events, arm against reference.

    Parameters
    ----------
    measure
        ``log rr``, ``log or`` or ``rd``.
    events_arm, total_arm, events_reference, total_reference
        Events and participants, shape (k,).
    zero_cells
        Correction of tables with a zero cell, one of :data:`ZERO_CELLS`.

    Examples
    --------
    >>> found = binary_effects("log rr", [14], [17], [10], [21])
    >>> round(float(found.estimate[0]), 4), round(float(np.sqrt(found.variance[0])), 4)
    (0.5478, 0.2549)
    """
    a, n1, c, n2 = (
        np.atleast_1d(np.asarray(x, dtype=np.float64))
        for x in (events_arm, total_arm, events_reference, total_reference)
    )
    b, d = n1 - a, n2 - c
    nobody, everybody = (a == 0) & (c == 0), (b == 0) & (d == 0)
    zero = (a == 0) | (b == 0) | (c == 0) | (d == 0)
    if measure == "rd":
        flat = ((a == 0) | (b == 0)) & ((c == 0) | (d == 0))
        add_arm, add_reference = _added(n1, n2, "constant" if zero_cells == "none" else zero_cells)
        add_arm, add_reference = np.where(flat, add_arm, 0), np.where(flat, add_reference, 0)
        of_arm = _risk_variance(a + add_arm, b + add_arm)
        of_reference = _risk_variance(c + add_reference, d + add_reference)
        none = np.zeros(len(a), dtype=bool)
        return BinaryEffects(a / n1 - c / n2, of_arm, of_reference, flat, none)
    uninformative = nobody | everybody
    add_arm, add_reference = _added(n1, n2, zero_cells)
    left_out = uninformative | (zero & (zero_cells == "none"))
    add_arm, add_reference = np.where(zero, add_arm, 0), np.where(zero, add_reference, 0)
    a, b = np.where(left_out, np.nan, a + add_arm), b + add_arm
    c, d = np.where(left_out, np.nan, c + add_reference), d + add_reference
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "log rr":
            estimate = np.log(a / (a + b)) - np.log(c / (c + d))
            part_arm, part_reference = 1 / a - 1 / (a + b), 1 / c - 1 / (c + d)
        else:
            estimate = np.log(a / b) - np.log(c / d)
            part_arm, part_reference = 1 / a + 1 / b, 1 / c + 1 / d
    part_arm, part_reference = (
        np.where(left_out, np.nan, part) for part in (part_arm, part_reference)
    )
    return BinaryEffects(estimate, part_arm, part_reference, zero & ~left_out, uninformative)


def g_from_events(
    events_arm: ArrayLike,
    total_arm: ArrayLike,
    events_reference: ArrayLike,
    total_reference: ArrayLike,
    *,
    zero_cells: ZeroCells = "constant",
    correction: Correction = "approximate",
) -> BinaryEffects:
    """Turn odds ratios into Hedges' g, as if a logistic score had been cut in two.

    d = log(OR) √3/π with variance var(log OR) 3/π², and g = J d. The variance is not shrunk by J².

    Examples
    --------
    >>> found = g_from_events([15], [70], [2], [62])
    >>> round(float(found.estimate[0]), 4), round(float(np.sqrt(found.variance[0])), 4)
    (1.1521, 0.4276)
    """
    odds = binary_effects("log or", events_arm, total_arm, events_reference, total_reference,
                          zero_cells=zero_cells)  # fmt: skip
    totals = np.atleast_1d(np.asarray(total_arm, float)) + np.atleast_1d(total_reference)
    factor = small_sample_factor(totals - 2, correction) * np.sqrt(3) / np.pi
    scale = 3 / np.pi**2
    return BinaryEffects(
        odds.estimate * factor,
        odds.part_arm * scale,
        odds.part_reference * scale,
        odds.corrected,
        odds.uninformative,
    )


def _added(n1: Floats, n2: Floats, zero_cells: ZeroCells) -> tuple[Floats, Floats]:
    """Return what is added to each cell of the arm and of the reference."""
    if zero_cells == "constant":
        return np.full(len(n1), 0.5), np.full(len(n1), 0.5)
    if zero_cells == "by arm size":
        return n1 / (n1 + n2), n2 / (n1 + n2)
    return np.zeros(len(n1)), np.zeros(len(n1))


def _risk_variance(events: Floats, others: Floats) -> Floats:
    return events * others / (events + others) ** 3
