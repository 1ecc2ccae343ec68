r"""What wrongly assigned areas do to differences between areas (illustrative).

Two raters who agree with kappa κ are taken to err alike: a rater sees the true area with
probability a and otherwise guesses by the areas' shares π,

.. math:: P(\text{rated } j \mid \text{true } k) = a\,[j = k] + (1 - a)\,\pi_j .

Two such raters, independent of each other given the truth, agree with :math:`\kappa = a^2`, so that
:math:`a = \sqrt\kappa`: agreement is not accuracy. With errors that do not depend on the outcome
(non-differential), and the shares of true and rated areas equal,

.. math:: E(y \mid \text{rated } j) = a\,\mu_j + (1 - a) \sum_k \pi_k \mu_k ,

so that every difference between rated areas is a times the true one. The adjusted difference is the
observed one divided by a. κ comes from few recordings: its observed agreement is drawn from a
Beta distribution with that many ratings, the difference from its t distribution, and the quantiles
of the quotients are the interval. A flag of one area is the same with two classes.

Source: Lash, Fox & Fink (2009), Applying Quantitative Bias Analysis to Epidemiologic Data, ch. 8;
Rosner, Willett & Spiegelman (1989), Statistics in Medicine 8:1051 (regression calibration).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_KAPPA = 0.05
"""Draws of kappa below it say that a rating tells nothing, and are held there."""


def error_matrix(shares: Floats, kappa: float) -> Floats:
    """Give the assumed probabilities of rated areas (columns) by true area (rows).

    Parameters
    ----------
    shares
        Shares of the areas, shape (k,), adding up to 1.
    kappa
        Agreement of two raters.

    Examples
    --------
    >>> error_matrix(np.array([0.5, 0.5]), 0.64).round(2).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    a = math.sqrt(kappa)
    return np.asarray(a * np.eye(len(shares)) + (1 - a) * shares[None, :])


def draw_kappas(
    kappa: float, shares: Floats, rated: int, draws: int, random: np.random.Generator
) -> Floats:
    """Draw kappas that agree with one found on a few ratings.

    Parameters
    ----------
    kappa
        The kappa found.
    shares
        Shares of the classes; chance agreement is the sum of their squares.
    rated
        Number of ratings it was found on.
    draws
        Number of draws.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        Kappas between :data:`LEAST_KAPPA` and 1, shape (draws,).
    """
    chance = float((shares**2).sum())
    agreed = rated * (chance + kappa * (1 - chance))
    # Half an agreement and half a disagreement beforehand (Jeffreys).
    observed = random.beta(agreed + 0.5, rated - agreed + 0.5, draws)
    return np.clip((observed - chance) / (1 - chance), LEAST_KAPPA, 1.0)


def adjusted_difference(
    estimate: float,
    se: float,
    df: float,
    kappas: Floats,
    kappa: float,
    level: float,
    random: np.random.Generator,
) -> tuple[float, float, float]:
    """Undo the dilution of a difference between rated areas.

    Parameters
    ----------
    estimate, se, df
        The difference between rated areas, its standard error and degrees of freedom.
    kappas
        Draws of kappa.
    kappa
        The kappa of the point estimate.
    level
        Level of the interval.
    random
        Source of the draws.

    Returns
    -------
    tuple of float
        Difference between true areas under the assumptions, and its simulation interval.

    Examples
    --------
    >>> adjusted_difference(1.8, 0.0, 50, np.full(9, 0.81), 0.81, 0.95, np.random.default_rng(1))
    (2.0, 2.0, 2.0)
    """
    drawn = (estimate + se * random.standard_t(df, len(kappas))) / np.sqrt(kappas)
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return estimate / math.sqrt(kappa), float(lower), float(upper)
