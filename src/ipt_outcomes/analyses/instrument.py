r"""Two-stage least squares with one instrument, and its robust variance.

With exogenous X (n, q), treatment received d, instrument z (assignment) and outcome y,
:math:`W = [d, X]`, :math:`Z = [z, X]`,

.. math::

    \hat\beta = (Z'W)^{-1} Z'y, \qquad
    \widehat{Var} = (Z'W)^{-1} Z' \mathrm{diag}(\hat u^2 k) Z (W'Z)^{-1},

:math:`k = n/(n - p)`. Under exclusion and monotonicity the coefficient of d is the average effect
among compliers (Imbens & Angrist 1994, Econometrica 62:467; Dunn et al. 2005, Statistical Methods
in Medical Research 14:369 for psychotherapy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class InstrumentFit:
    """Effect of the treatment received, by instrument.

    Parameters
    ----------
    value, se
        Estimate and robust standard error.
    df
        Participants minus coefficients.
    first_stage
        F statistic of the instrument in the regression of the treatment received.
    """

    value: float
    se: float
    df: int
    first_stage: float


def two_stage(y: Floats, received: Floats, assigned: Floats, x: Floats) -> InstrumentFit:
    """Fit by two-stage least squares.

    Parameters
    ----------
    y, received, assigned
        Outcome, treatment received, assignment, shape (n,).
    x
        Covariates without intercept, shape (n, q).

    Raises
    ------
    ValueError
        When assignment does not move the treatment received.

    Examples
    --------
    >>> z = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    >>> d = np.array([1.0, 1, 0, 0, 0, 0, 0, 0])
    >>> fit = two_stage(np.array([4.0, 6, 1, 1, 0, 2, 1, 1]), d, z, np.empty((8, 0)))
    >>> fit.value
    4.0
    """
    n = len(y)
    exogenous = np.column_stack([np.ones(n), x])
    w, z = np.column_stack([received, exogenous]), np.column_stack([assigned, exogenous])
    p = w.shape[1]
    coefficients, *_ = np.linalg.lstsq(z, received, rcond=None)
    left = received - z @ coefficients
    spread = float(left @ left) / (n - p)
    precision = np.linalg.inv(z.T @ z)[0, 0]
    if abs(coefficients[0]) < 1e-10:
        raise ValueError("assignment does not change who received the treatment")
    first = float(coefficients[0] ** 2 / (spread * precision)) if spread > 1e-14 else math.inf
    inverse = np.linalg.inv(z.T @ w)
    beta = inverse @ (z.T @ y)
    residual = y - w @ beta
    meat = (z * residual[:, None] ** 2).T @ z * n / (n - p)
    variance = inverse @ meat @ inverse.T
    return InstrumentFit(float(beta[0]), math.sqrt(float(variance[0, 0])), n - p, first)
