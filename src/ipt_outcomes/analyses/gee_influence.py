r"""Residuals of generalised estimating equations, and what each participant does to them.

With :math:`D_i = \partial\mu_i/\partial\beta`, :math:`V_i` the working covariance at the fitted
correlation, :math:`\Phi = (\sum D_i' V_i^{-1} D_i)^{-1}` and :math:`H_i = D_i \Phi D_i' V_i^{-1}`,
leaving participant i out changes the coefficients, in one step, by

.. math::

    \hat\beta - \hat\beta_{(-i)} \approx \Phi D_i' V_i^{-1} (I - H_i)^{-1} (Y_i - \mu_i),

and Cook's distance is :math:`\Delta_i' \Phi^{-1} \Delta_i / (p \hat\phi)`, :math:`\hat\phi` the
dispersion. Pearson residuals are :math:`(Y - \mu) / \sqrt{\mu (1 - \mu) / m}` of m trials.

Source: Preisser & Qaqish (1996), Biometrika 83:551.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.gee import GeeFit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GeeInfluence:
    """Residuals of n outcomes and the influence of each participant.

    Parameters
    ----------
    pearson
        Shape (n,).
    change
        Change of the coefficients with each participant, shape (participants, p), in ascending
        order of their numbers; missing where the equations could not be solved without them.
    cook
        Cook's distance of each participant, shape (participants,).
    score, information
        Value of the equations, and their derivative, over the dispersion: shapes (p,), (p, p).
    """

    pearson: Floats
    change: Floats
    cook: Floats
    score: Floats
    information: Floats


def gee_influence(
    fit: GeeFit, share: Floats, x: Floats, participant: NDArray[np.int64], trials: int = 1
) -> GeeInfluence:
    """Find what each participant does to fitted estimating equations.

    Parameters
    ----------
    fit
        The fit of :func:`ipt_outcomes.analyses.gee.binomial_gee`.
    share, x, participant, trials
        What it was fitted to.

    Examples
    --------
    >>> from ipt_outcomes.analyses.gee import binomial_gee
    >>> share = np.array([1, 0, 1, 1, 0, 0, 1, 0.0])
    >>> who = np.repeat(np.arange(4), 2)
    >>> fit = binomial_gee(share, np.ones((8, 1)), who)
    >>> gee_influence(fit, share, np.ones((8, 1)), who).change[:, 0].round(2).tolist()
    [-0.0, 0.67, -0.67, -0.0]
    """
    mu = 1 / (1 + np.exp(-(x @ fit.coefficients)))
    spread = np.sqrt(mu * (1 - mu))
    # D' V^-1 = x' S R^-1 S^-1 with S = diag(spread): in units of S the working covariance is R.
    left, moved = x * spread[:, None], (share - mu) / spread
    ends = np.flatnonzero(np.diff(participant)) + 1
    pieces = np.split(np.arange(len(share)), ends)
    p = x.shape[1]
    information, score = np.zeros((p, p)), np.zeros(p)
    weighted = []
    for rows in pieces:
        own = _inverse(len(rows), fit.correlation) @ left[rows]
        weighted.append(own)
        information += own.T @ left[rows]
        score += own.T @ moved[rows]
    phi = np.linalg.inv(information)
    change = np.full((len(pieces), p), np.nan)
    for i, (rows, own) in enumerate(zip(pieces, weighted, strict=True)):
        remaining = np.eye(len(rows)) - left[rows] @ phi @ own.T
        if np.linalg.cond(remaining) < 1 / np.finfo(float).eps ** 0.75:
            change[i] = phi @ own.T @ np.linalg.solve(remaining, moved[rows])
    scale = fit.dispersion / trials
    cook = np.einsum("np,pq,nq->n", change, information, change) / (p * scale)
    pearson = moved * np.sqrt(trials)
    return GeeInfluence(pearson, change, cook, score / scale, information / scale)


def _inverse(n: int, correlation: float) -> Floats:
    """Inverse of an exchangeable correlation matrix."""
    inverse: Floats = (np.eye(n) - correlation / (1 + (n - 1) * correlation) * np.ones((n, n))) / (
        1 - correlation
    )
    return inverse
