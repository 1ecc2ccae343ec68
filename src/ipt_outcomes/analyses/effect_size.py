r"""Standardised effects from means, standard deviations and model differences.

Hedges' g is the difference divided by the pooled standard deviation of the two arms,

    g = J(m) (difference / s),   s^2 = ((n1 - 1) s1^2 + (n2 - 1) s2^2) / m,   m = n1 + n2 - 2,

with the small-sample factor J(m) = 1 - 3 / (4 m - 1). The sign is turned so that a positive g
favours the arm over its reference, whichever way the instrument points.

Source: Hedges (1981), Journal of Educational Statistics 6:107.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class EffectSize:
    """A standardised difference with its uncertainty.

    Parameters
    ----------
    g
        Hedges' g, in standard deviations; positive favours the arm.
    se
        Standard error, counting that of the difference and that of the standard deviation.
    lower, upper
        Ends of the interval.
    sd
        The standard deviation used, in units of the outcome.
    """

    g: float
    se: float
    lower: float
    upper: float
    sd: float


def pooled_sd(sd_arm: float, n_arm: int, sd_reference: float, n_reference: int) -> float:
    """Pool the standard deviations of two arms.

    Examples
    --------
    >>> round(pooled_sd(7.9, 61, 7.8, 62), 4)
    7.8497
    """
    m = n_arm + n_reference - 2
    return math.sqrt(((n_arm - 1) * sd_arm**2 + (n_reference - 1) * sd_reference**2) / m)


def hedges_g(
    difference: float,
    sd: float,
    n_arm: int,
    n_reference: int,
    *,
    se_difference: float | None = None,
    higher_is_worse: bool = True,
    level: float = 0.95,
) -> EffectSize:
    """Standardise a difference between two arms.

    Parameters
    ----------
    difference
        Arm minus reference, in units of the outcome.
    sd
        Pooled standard deviation, same units.
    n_arm, n_reference
        Participants behind the standard deviation.
    se_difference
        Standard error of the difference, from the model; by default that of two independent means.
    higher_is_worse
        Whether a lower score is the better one.
    level
        Level of the (normal) interval.

    Returns
    -------
    EffectSize
        With var(g) = J^2 (se^2 / s^2 + d^2 / (2 m)), the delta method for a difference and an
        independent standard deviation on m degrees of freedom.

    Raises
    ------
    ValueError
        When the standard deviation is not positive, or fewer than two participants are behind it.

    Examples
    --------
    >>> trial = hedges_g(9.8 - 13.2, pooled_sd(7.9, 61, 7.8, 62), 61, 62)
    >>> round(trial.g, 4)
    0.4304
    """
    m = n_arm + n_reference - 2
    if not sd > 0 or m < 1:
        raise ValueError("an effect size needs a positive standard deviation and 3 participants")
    if se_difference is None:
        se_difference = sd * math.sqrt(1 / n_arm + 1 / n_reference)
    correction = 1 - 3 / (4 * m - 1)
    d = (-difference if higher_is_worse else difference) / sd
    g = correction * d
    se = correction * math.sqrt((se_difference / sd) ** 2 + d**2 / (2 * m))
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    return EffectSize(g, se, g - half, g + half, sd)
