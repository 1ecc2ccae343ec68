r"""Effects of scores: mean differences and Hedges' g, from what trials publish.

With means m, standard deviations s and sizes n of arm 1 and reference 2,

    mean difference  m1 - m2,        var = s1²/n1 + s2²/n2,
    g = J d,   d = (m1 - m2) / s,    s² = ((n1 - 1) s1² + (n2 - 1) s2²) / f,   f = n1 + n2 - 2,

and J(f) = 1 - 3/(4 f - 1), or exactly Γ(f/2) / (√(f/2) Γ((f - 1)/2)). The variance of g has
several formulas in use; each is named in :data:`VARIANCE_FORMULAS`.

Sources: Hedges (1981), J. Educational Statistics 6:107; Hedges & Olkin (1985), Statistical Methods
for Meta-Analysis, ch. 5; Borenstein et al. (2009), Introduction to Meta-Analysis, ch. 4;
Viechtbauer (2007), J. Educational and Behavioral Statistics 32:39.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from ipt_outcomes.synthesis.effects import Floats

Correction = Literal["approximate", "exact"]
VarianceFormula = Literal["large sample", "large sample, shrunk", "unbiased", "uncorrected d"]

VARIANCE_FORMULAS: dict[VarianceFormula, str] = {
    "large sample": "1/n1 + 1/n2 + g²/(2(n1 + n2)); metafor's escalc, vtype LS",
    "large sample, shrunk": "J²(1/n1 + 1/n2 + d²/(2(n1 + n2))); Borenstein et al., vtype LS2",
    "unbiased": "1/n1 + 1/n2 + g²(1 - (f - 2)/(f J²)); Hedges 1983, vtype UB",
    "uncorrected d": "1/n1 + 1/n2 + d²/(2(n1 + n2)); of d, used for g by the Metapsy databases",
}
"""Formulas for the sampling variance of g."""


def small_sample_factor(f: ArrayLike, correction: Correction = "approximate") -> Floats:
    """Return Hedges' factor J for f degrees of freedom.

    Examples
    --------
    >>> round(float(small_sample_factor(20)), 5), round(float(small_sample_factor(20, "exact")), 5)
    (0.96203, 0.96194)
    """
    f = np.asarray(f, dtype=np.float64)
    if correction == "approximate":
        return 1 - 3 / (4 * f - 1)
    return np.exp(gammaln(f / 2) - np.log(np.sqrt(f / 2)) - gammaln((f - 1) / 2))


def mean_difference(
    mean_arm: ArrayLike, sd_arm: ArrayLike, n_arm: ArrayLike,
    mean_reference: ArrayLike, sd_reference: ArrayLike, n_reference: ArrayLike,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Return mean differences and the parts of their variance that arm and reference bring.

    Examples
    --------
    >>> difference, of_arm, of_reference = mean_difference(9.8, 7.9, 61, 13.2, 7.8, 62)
    >>> round(float(difference), 2), round(float(np.sqrt(of_arm + of_reference)), 4)
    (-3.4, 1.4158)
    """
    m1, s1, n1, m2, s2, n2 = (
        np.asarray(x, dtype=np.float64)
        for x in (mean_arm, sd_arm, n_arm, mean_reference, sd_reference, n_reference)
    )
    return m1 - m2, s1**2 / n1, s2**2 / n2


def standardised_difference(
    mean_arm: ArrayLike, sd_arm: ArrayLike, n_arm: ArrayLike,
    mean_reference: ArrayLike, sd_reference: ArrayLike, n_reference: ArrayLike,
    *, correction: Correction = "approximate", variance: VarianceFormula = "large sample",
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return Hedges' g, arm minus reference, and its sampling variance.

    Parameters
    ----------
    mean_arm, sd_arm, n_arm, mean_reference, sd_reference, n_reference
        Summaries at the endpoint, or of the change from baseline (then g is standardised by the
        SD of the change, which is another scale).
    correction
        Formula for J.
    variance
        Formula for the variance, one of :data:`VARIANCE_FORMULAS`.

    Examples
    --------
    >>> g, v = standardised_difference(9.8, 7.9, 61, 13.2, 7.8, 62)
    >>> round(float(g), 4), round(float(np.sqrt(v)), 4)
    (-0.4304, 0.1824)
    """
    m1, s1, n1, m2, s2, n2 = (
        np.asarray(x, dtype=np.float64)
        for x in (mean_arm, sd_arm, n_arm, mean_reference, sd_reference, n_reference)
    )
    f = n1 + n2 - 2
    d = (m1 - m2) / np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / f)
    J = small_sample_factor(f, correction)
    g = J * d
    sizes = 1 / n1 + 1 / n2
    if variance == "large sample":
        return g, sizes + g**2 / (2 * (n1 + n2))
    if variance == "large sample, shrunk":
        return g, J**2 * (sizes + d**2 / (2 * (n1 + n2)))
    if variance == "unbiased":
        return g, sizes + (1 - (f - 2) / (f * J**2)) * g**2
    return g, sizes + d**2 / (2 * (n1 + n2))


def endpoint_sd(change_sd: ArrayLike, correlation: float) -> Floats:
    """Turn the SD of a change into that of a score, given the correlation with baseline.

    With equal SDs before and after, s_change = s √(2 (1 - r)).

    Parameters
    ----------
    change_sd
        Standard deviation of the change from baseline.
    correlation
        Correlation r between baseline and endpoint, an assumption below 1.

    Examples
    --------
    >>> round(float(endpoint_sd(6.4, 0.5)), 2)
    6.4
    """
    sd: Floats = np.asarray(change_sd, dtype=np.float64) / math.sqrt(2 * (1 - correlation))
    return sd
