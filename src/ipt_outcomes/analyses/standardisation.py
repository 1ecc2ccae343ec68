r"""Risks of the arms as if everyone had been in each: standardisation after logistic regression.

For event Y, arm A and baseline covariates Z,

.. math::

    \mathrm{logit}\,P(Y_i = 1) = \alpha_{A_i} + \gamma' Z_i, \qquad
    \hat\theta_a = \frac1n \sum_i \hat\mu_a(Z_i), \quad
    \hat\mu_a(Z) = \mathrm{expit}(\hat\alpha_a + \hat\gamma' Z).

The risk difference, risk ratio and odds ratio of :math:`\hat\theta` are *marginal*: the odds ratio
is not the model's coefficient. Two covariance matrices stand beside each other:

* with the covariates held fixed (Ge et al. 2011, delta method), :math:`G V_{\beta} G'` with
  :math:`G_a = n^{-1} \sum_i \mu_a (1 - \mu_a) x_{ia}`;
* counting the sampling of covariates too, and right even when the model is not (Ye et al. 2023),

.. math::

    n\,V_{aa} = \mathrm{Var}_a(Y - \mu_a)/\pi_a + 2\,\mathrm{Cov}_a(Y, \mu_a) - \mathrm{Var}(\mu_a),
    \quad
    n\,V_{ab} = \mathrm{Cov}_a(Y, \mu_b) + \mathrm{Cov}_b(Y, \mu_a) - \mathrm{Cov}(\mu_a, \mu_b),

  where the index says in which arm a moment is taken, and none means everyone.

When an arm has no event, or nobody without one, or the covariates tell the two apart, the logistic
model has no maximum: the risks are then the plain proportions, with
:math:`\tilde p(1-\tilde p)/n, \tilde p = (y + 1)/(n + 2)`, for their variance (Agresti & Caffo
2000), and the result says so.

Sources: Ge, Durham, Meyer, Xie & Thomas (2011), Drug Information Journal 45:481; Ye, Bannick, Yi
& Shao (2023), Statistical Theory and Related Fields 7:159; Agresti & Caffo (2000), American
Statistician 54:280.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipt_outcomes.analyses.covariates import UsefulColumns, useful_columns

Floats = NDArray[np.float64]

STEPS = 50
TOLERANCE = 1e-10
LARGEST_LOGIT = 12.0
"""A linear predictor beyond this (risk below 1 in 100,000) means that a maximum does not exist."""


@dataclass(frozen=True)
class Contrast:
    """A comparison of two risks on the scale on which it is about normal.

    Parameters
    ----------
    value, variance
        Difference, or logarithm of the ratio, and its variance.
    log
        Whether the scale is logarithmic.
    """

    value: float
    variance: float
    log: bool


@dataclass(frozen=True)
class StandardisedRisks:
    """Risks of k arms with two covariance matrices.

    Parameters
    ----------
    arms
        Names of the arms.
    risks
        Standardised risks, shape (k,).
    covariance
        Covariance that counts the sampling of covariates (Ye et al.), shape (k, k).
    covariance_fixed
        Covariance with the covariates held fixed (Ge et al.), shape (k, k).
    n
        Participants of each arm, shape (k,).
    parameters
        Number of parameters of the model.
    adjusted
        False when no logistic model could be fitted and the risks are plain proportions.
    unknown
        Participants whose event is not known but imputed; they carry no degree of freedom.
    """

    arms: tuple[str, ...]
    risks: Floats
    covariance: Floats
    covariance_fixed: Floats
    n: NDArray[np.int64]
    parameters: int
    adjusted: bool
    unknown: int = 0

    @property
    def df(self) -> float:
        """Degrees of freedom of the model's residuals, at least 1."""
        return float(max(self.n.sum() - self.unknown - self.parameters, 1))

    def risk_difference(self, arm: str, reference: str, *, fixed: bool = False) -> Contrast:
        """Compare two arms by the difference of their risks."""
        a, b = self.arms.index(arm), self.arms.index(reference)
        gradient = np.zeros(len(self.arms))
        gradient[a], gradient[b] = 1.0, -1.0
        return self._contrast(float(self.risks[a] - self.risks[b]), gradient, fixed, log=False)

    def risk_ratio(self, arm: str, reference: str, *, fixed: bool = False) -> Contrast | None:
        """Compare two arms by the logarithm of their risks' ratio; None when a risk is 0."""
        a, b = self.arms.index(arm), self.arms.index(reference)
        risk_a, risk_b = self.risks[a], self.risks[b]
        if min(risk_a, risk_b) <= 0:
            return None
        gradient = np.zeros(len(self.arms))
        gradient[a], gradient[b] = 1 / risk_a, -1 / risk_b
        return self._contrast(float(np.log(risk_a / risk_b)), gradient, fixed, log=True)

    def odds_ratio(self, arm: str, reference: str, *, fixed: bool = False) -> Contrast | None:
        """Compare two arms by the logarithm of their odds' ratio; None when a risk is 0 or 1."""
        a, b = self.arms.index(arm), self.arms.index(reference)
        risks = self.risks[[a, b]]
        if risks.min() <= 0 or risks.max() >= 1:
            return None
        gradient = np.zeros(len(self.arms))
        slopes = 1 / (risks * (1 - risks))
        gradient[a], gradient[b] = slopes[0], -slopes[1]
        logits = np.log(risks / (1 - risks))
        return self._contrast(float(logits[0] - logits[1]), gradient, fixed, log=True)

    def _contrast(self, value: float, gradient: Floats, fixed: bool, *, log: bool) -> Contrast:
        covariance = self.covariance_fixed if fixed else self.covariance
        return Contrast(value, float(gradient @ covariance @ gradient), log)


def standardised_risks(
    event: ArrayLike, arm: ArrayLike, covariates: ArrayLike, arms: Sequence[str]
) -> StandardisedRisks:
    """Estimate the arms' standardised risks.

    Parameters
    ----------
    event
        Whether the event happened, 0 or 1, shape (n,).
    arm
        Position of each participant's arm in ``arms``, shape (n,).
    covariates
        Baseline covariates as numbers, without an intercept, shape (n, q); q may be 0.
    arms
        Names of the k arms.

    Returns
    -------
    StandardisedRisks
        Risks and covariances.

    Raises
    ------
    ValueError
        When an arm has fewer than two participants, or values are missing.

    Examples
    --------
    >>> event = np.repeat([1, 0, 1, 0], [30, 20, 20, 30])
    >>> found = standardised_risks(event, np.repeat([0, 1], 50), np.empty((100, 0)), ["a", "b"])
    >>> found.risks.round(3).tolist()
    [0.6, 0.4]
    >>> round(found.risk_difference("a", "b").value, 3)
    0.2
    """
    y = np.asarray(event, float)
    place = np.asarray(arm, np.int64)
    z = np.asarray(covariates, float).reshape(len(y), -1)
    if np.isnan(y).any() or np.isnan(z).any():
        raise ValueError("standardisation needs complete events and covariates")
    n = np.bincount(place, minlength=len(arms))
    if n.min() < 2:
        few = ", ".join(name for name, size in zip(arms, n, strict=True) if size < 2)
        raise ValueError(f"fewer than two participants in {few}")
    model = risk_model(y, place, z, len(arms))
    if model is None:
        return plain_risks(y, place, arms)
    mu, gradient = model.risks(z), model.gradient(z)
    fixed = gradient @ np.linalg.solve(model.information, gradient.T)
    return StandardisedRisks(
        tuple(arms), mu.mean(axis=0), _covariance(y, place, mu, n), fixed, n,
        len(model.coefficients), True,
    )  # fmt: skip


@dataclass(frozen=True)
class RiskModel:
    """A fitted logistic model of an event on arm and covariates.

    Parameters
    ----------
    coefficients
        Of the k arms, then of the covariates that are of use, shape (p,).
    information
        Of the coefficients, shape (p, p).
    useful
        Which covariates these are.
    """

    coefficients: Floats
    information: Floats
    useful: UsefulColumns

    @property
    def arms(self) -> int:
        """Number of arms."""
        return len(self.coefficients) - len(self.useful.places)

    def columns(self, arm: NDArray[np.int64], covariates: Floats) -> Floats:
        """Lay out what the coefficients belong to, shape (..., p)."""
        z = self.useful.of(covariates)
        own = np.broadcast_to(np.eye(self.arms)[arm], (*z.shape[:-1], self.arms))
        return np.concatenate([own, z], axis=-1)

    def risks(self, covariates: Floats) -> Floats:
        """Give everyone's risk under each arm, shape (..., k)."""
        k = self.arms
        own = self.useful.of(covariates) @ self.coefficients[k:]
        return np.asarray(1 / (1 + np.exp(-(self.coefficients[:k] + own[..., None]))))

    def gradient(self, covariates: Floats) -> Floats:
        """Differentiate the standardised risks by the coefficients, shape (k, p)."""
        mu = self.risks(covariates)
        slope = mu * (1 - mu)
        z = self.useful.of(covariates)
        return np.hstack([np.diag(slope.mean(axis=0)), slope.T @ z / len(z)])

    def errors(self, event: Floats, arm: NDArray[np.int64], covariates: Floats) -> Floats:
        """Give everyone's term of the estimating equations, shape (..., p)."""
        x = self.columns(arm, covariates)
        mu = 1 / (1 + np.exp(-(x @ self.coefficients)))
        return np.asarray(x * (event - mu)[..., None])


def risk_model(
    event: Floats, arm: NDArray[np.int64], covariates: Floats, arms: int
) -> RiskModel | None:
    """Fit the logistic model.

    Parameters
    ----------
    event
        0 or 1, or an expectation of it, shape (n,).
    arm
        Position of each participant's arm, shape (n,).
    covariates
        Shape (n, q).
    arms
        Number of arms, k.

    Returns
    -------
    RiskModel or None
        None when an arm has no event, or nobody without one, or no maximum exists.

    Examples
    --------
    >>> event, arm = np.repeat([1.0, 0, 1, 0], [30, 20, 20, 30]), np.repeat([0, 1], 50)
    >>> model = risk_model(event, arm, np.empty((100, 0)), 2)
    >>> model.risks(np.empty((1, 0))).round(3).tolist()
    [[0.6, 0.4]]
    """
    events = np.bincount(arm, weights=event, minlength=arms)
    if ((events <= 0) | (events >= np.bincount(arm, minlength=arms))).any():
        return None
    own = np.eye(arms)[arm]
    # Columns that the others determine (a site seen in one arm only, say) carry nothing.
    useful = useful_columns(own, covariates)
    fitted = _logistic(np.hstack([own, useful.of(covariates)]), event)
    return None if fitted is None else RiskModel(*fitted, useful)


def _covariance(y: Floats, place: NDArray[np.int64], mu: Floats, n: NDArray[np.int64]) -> Floats:
    k, total = mu.shape[1], len(y)
    within = np.empty((k, k))  # [a, b]: covariance of Y and mu_b among those in arm a
    residual = np.empty(k)
    for a in range(k):
        inside = place == a
        both = np.cov(np.column_stack([y[inside], mu[inside]]), rowvar=False)
        within[a] = both[0, 1:]
        residual[a] = np.var(y[inside] - mu[inside, a], ddof=1) / (n[a] / total)
    everyone = np.cov(mu, rowvar=False).reshape(k, k)
    covariance: Floats = (within + within.T - everyone + np.diag(residual)) / total
    return covariance


def plain_risks(event: ArrayLike, arm: NDArray[np.int64], arms: Sequence[str]) -> StandardisedRisks:
    """Take the arms' proportions for their risks, without a model.

    Parameters
    ----------
    event, arm, arms
        As for :func:`standardised_risks`.

    Examples
    --------
    >>> plain_risks(np.repeat([1, 0, 0], [5, 5, 10]), np.repeat([0, 1], 10), ["a", "b"]).risks
    array([0.5, 0. ])
    """
    events = np.bincount(arm, np.asarray(event, float), minlength=len(arms))
    n = np.bincount(arm, minlength=len(arms))
    shrunken = (events + 1) / (n + 2)
    variance = np.diag(shrunken * (1 - shrunken) / n)
    return StandardisedRisks(tuple(arms), events / n, variance, variance, n, len(n), False)


def _logistic(x: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Fit by Newton's method; None when there is no maximum (separation)."""
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        eta = x @ beta
        if np.abs(eta).max() > LARGEST_LOGIT:
            return None
        p = 1 / (1 + np.exp(-eta))
        information = x.T @ (x * (p * (1 - p))[:, None])
        step = np.linalg.solve(information, x.T @ (y - p))
        beta = beta + step
        if np.abs(step).max() < TOLERANCE:
            return beta, information
    return None
