r"""Logistic regressions with each participant left out, all at once.

Standardised risks rest on :math:`\mathrm{logit}\,P(Y = 1) = x'\beta`
(:mod:`ipt_outcomes.analyses.standardisation`). Newton's method is applied to the n regressions
without one participant together, from the one with everyone, so that each is an exact refit with
the covariates of everyone; one that needs a covariate for a single participant has no maximum
without that participant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.standardisation import (
    LARGEST_LOGIT,
    STEPS,
    TOLERANCE,
    risk_model,
)

Floats = NDArray[np.float64]

CHUNK = 4_000_000
"""Numbers held at once."""


class LogisticError(ValueError):
    """The regression has no maximum; says why."""


@dataclass(frozen=True)
class LogisticInfluence:
    """A logistic regression on arms and covariates, and those without each participant.

    Parameters
    ----------
    x, event
        What it was fitted to, shapes (n, p) and (n,); the first columns are the arms'.
    coefficients, information
        Shapes (p,) and (p, p).
    left_out
        Coefficients without each participant, shape (n, p); missing without a maximum.
    arms
        Number of arms k.
    """

    x: Floats
    event: Floats
    coefficients: Floats
    information: Floats
    left_out: Floats
    arms: int

    @property
    def fitted(self) -> Floats:
        """Fitted risks, shape (n,)."""
        return _risk(self.x @ self.coefficients)

    @property
    def cook(self) -> Floats:
        """Cook's distance of each participant, shape (n,)."""
        change = self.coefficients - self.left_out
        return np.asarray(
            np.einsum("np,pq,nq->n", change, self.information, change) / self.x.shape[1]
        )

    def risks(self) -> Floats:
        """Return the standardised risks, shape (k,)."""
        return np.asarray(self._standardised(self.coefficients[None])[0].mean(axis=1))

    def risks_left_out(self) -> Floats:
        """Return the standardised risks without each participant, shape (n, k)."""
        n = len(self.event)
        found = np.empty((n, self.arms))
        step = max(1, CHUNK // (n * self.arms))
        for begin in range(0, n, step):
            risks = self._standardised(self.left_out[begin : begin + step])
            place = np.arange(begin, begin + len(risks))
            own = risks[np.arange(len(risks)), :, place]
            found[place] = (risks.sum(axis=2) - own) / (n - 1)
        return found

    def _standardised(self, coefficients: Floats) -> Floats:
        """Risk of everyone in each arm, shape (replicates, k, n)."""
        k = self.arms
        rest = coefficients[:, k:] @ self.x[:, k:].T
        return _risk(coefficients[:, :k, None] + rest[:, None, :])


def logistic_influence(
    event: NDArray[np.bool_], arm: NDArray[np.int64], covariates: Floats, arms: int
) -> LogisticInfluence:
    """Fit the regression with everyone, and without each participant.

    Parameters
    ----------
    event
        Whether it happened, shape (n,).
    arm
        Position of the arm, shape (n,).
    covariates
        Shape (n, q); those that the others determine are dropped.
    arms
        Number of arms.

    Raises
    ------
    LogisticError
        When an arm has nobody with, or nobody without, the event, or there is no maximum.

    Examples
    --------
    >>> event = np.repeat([1, 0, 1, 0], [30, 20, 20, 30]).astype(bool)
    >>> found = logistic_influence(event, np.repeat([0, 1], 50), np.empty((100, 0)), 2)
    >>> found.risks().round(3).tolist(), found.risks_left_out()[0].round(3).tolist()
    ([0.6, 0.4], [0.592, 0.4])
    """
    y = np.asarray(event, float)
    model = risk_model(y, arm, covariates, arms)
    if model is None:
        raise LogisticError(
            "an arm has nobody with, or nobody without, the event, or the logistic model has no "
            "maximum"
        )
    x, whole = model.columns(arm, covariates), model.coefficients
    step = max(1, CHUNK // len(y))
    pieces = []
    for begin in range(0, len(y), step):
        weights = np.ones((min(step, len(y) - begin), len(y)))
        weights[np.arange(len(weights)), np.arange(begin, begin + len(weights))] = 0.0
        pieces.append(_newton(x, y, np.tile(whole, (len(weights), 1)), weights))
    return LogisticInfluence(x, y, whole, model.information, np.concatenate(pieces), arms)


def _newton(x: Floats, y: Floats, start: Floats, weights: Floats) -> Floats:
    """Maximise weighted likelihoods, weights (R, n); missing where there is no maximum."""
    p = x.shape[1]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), p * p)
    beta = start.copy()
    open_ = np.arange(len(beta))
    for _ in range(STEPS):
        eta = beta[open_] @ x.T
        lost = np.abs(np.where(weights[open_] > 0, eta, 0.0)).max(axis=1) > LARGEST_LOGIT
        beta[open_[lost]] = np.nan
        open_, eta = open_[~lost], eta[~lost]
        risk = _risk(eta)
        w = weights[open_]
        information = ((w * risk * (1 - risk)) @ products).reshape(-1, p, p)
        score = (w * (y - risk)) @ x
        fine = np.linalg.cond(information) < 1e12
        beta[open_[~fine]] = np.nan
        open_ = open_[fine]
        if not len(open_):
            return beta
        steps = np.linalg.solve(information[fine], score[fine][:, :, None])[:, :, 0]
        beta[open_] += steps
        open_ = open_[np.abs(steps).max(axis=1) > TOLERANCE]
        if not len(open_):
            return beta
    beta[open_] = np.nan
    return beta


def _risk(logit: Floats) -> Floats:
    risk: Floats = 1 / (1 + np.exp(-logit))
    return risk
