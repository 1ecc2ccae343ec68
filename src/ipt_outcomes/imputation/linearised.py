r"""What an estimate from imputed scores owes to the estimation of the imputation model.

Scores are jointly normal as in :mod:`ipt_outcomes.imputation.joint_normal`, with parameters
:math:`\psi = (B, \Sigma)` and maximum :math:`\hat\psi`. An estimate whose influence function with
complete scores is :math:`u(Y_i)` becomes, with those missing imputed under :math:`\hat\psi`,

.. math::

    \hat\theta - \theta \approx \frac1n \sum_i \Big\{ \mathrm{E}[u(Y_i) \mid \text{observed}]
        + n\,\kappa\, I^{-1} s_i \Big\}, \qquad
    \kappa = \frac1n \sum_i \mathrm{Cov}\big[u(Y_i),\, s(Y_i) \mid \text{observed}\big],

where s is the gradient of a participant's log-likelihood with complete scores, :math:`s_i` the one
with those observed and I the observed information. No analysis needs to share a model with the
imputation for that, which Rubin's rules take for granted. The covariances given what was observed
are means over draws; all else is exact. Time beyond one pass over the data grows with the number of
patterns of visits seen, memory with participants times parameters.

Sources: Robins & Wang (2000), Biometrika 87:113; Louis (1982), JRSS B 44:226.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .incomplete import Floats
from .joint_normal import (
    NormalModel,
    conditional,
    design,
    drawn,
    fit_normal,
    groups_of,
    within_limits,
)

DRAWS = 20_000
"""Draws in all, shared out among the participants with a missing score."""
FEWEST = 2
"""Draws of each of them at least: of many participants few tell enough."""


@dataclass(frozen=True)
class LinearisedImputation:
    """Draws of the missing scores under the model's maximum, and what the maximum rests on.

    Parameters
    ----------
    incomplete
        Rows of the participants with a missing score, shape (m,).
    drawn
        Their complete scores, drawn K times, shape (K, m, visits).
    gradients
        Gradient of the log-density of what was drawn given what was observed, shape (K, m, q) for
        the q parameters of the model.
    influence
        What each participant contributes to the parameters, :math:`n I^{-1} s_i`, shape (n, q).
    """

    incomplete: NDArray[np.int64]
    drawn: Floats
    gradients: Floats
    influence: Floats

    def estimation(self, drawn_influence: Floats) -> Floats:
        r"""Tell how far each participant moves an estimate through the imputation model.

        Parameters
        ----------
        drawn_influence
            Influence function u of the estimates, at the scores that were drawn, shape (K, m, k).

        Returns
        -------
        numpy.ndarray
            :math:`n \kappa I^{-1} s_i`, shape (n, k).
        """
        deviation = drawn_influence - drawn_influence.mean(axis=0)
        kappa = np.einsum("dmk,dmq->kq", deviation, self.gradients)
        kappa /= (len(self.drawn) - 1) * len(self.influence)
        return np.asarray(self.influence @ kappa.T, np.float64)


def linearised(
    scores: Floats,
    arm: NDArray[np.int64],
    covariates: Floats,
    random: np.random.Generator,
    limits: tuple[float, float],
) -> LinearisedImputation | None:
    """Draw missing scores under the maximum, beside what the maximum rests on.

    Parameters
    ----------
    scores
        Scores with NaN where missing, shape (n, visits).
    arm
        Position of each participant's arm, shape (n,).
    covariates
        Baseline covariates as numbers, shape (n, q).
    random
        Source of random numbers.
    limits
        Least and greatest possible score.

    Returns
    -------
    LinearisedImputation or None
        None when no score is missing, or when so few participants tell about some parameter that
        the information has no inverse.

    Raises
    ------
    ipt_outcomes.imputation.ImputationError
        As :func:`ipt_outcomes.imputation.joint_normal.fit_normal`.

    Examples
    --------
    Of the later mean, those who lack that score say nothing beyond their own expectation:

    >>> random = np.random.default_rng(1)
    >>> scores = random.multivariate_normal([20, 12], [[16, 8], [8, 25]], 400)
    >>> scores[:100, 1] = np.nan
    >>> arm = np.repeat([0, 1], 200)
    >>> found = linearised(scores, arm, np.empty((400, 0)), random, (-99, 99))
    >>> found.drawn.shape
    (200, 100, 2)
    >>> moves = found.estimation(found.drawn[:, :, 1:])
    >>> moves.shape, bool(abs(moves[:100]).max() < 0.01)
    ((400, 1), True)
    """
    seen = ~np.isnan(scores)
    if seen.all():
        return None
    x = design(arm, covariates)
    model = fit_normal(scores, x)
    try:
        own = _gradients_of_observed(scores, x, model)
        influence = len(scores) * np.linalg.solve(_information(scores, x, model), own.T).T
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(influence).all():
        return None
    incomplete = np.flatnonzero(~seen.all(axis=1))
    number = max(FEWEST, -(-DRAWS // len(incomplete)))
    lost, x_lost = scores[incomplete], x[incomplete]
    filled = drawn(lost, x_lost, model, random.standard_normal((number, *lost.shape)))
    gradients = _gradients(filled - x_lost @ model.coefficients, x_lost, model) - own[incomplete]
    whole = bool(np.all(scores[seen] == np.round(scores[seen])))
    complete = np.where(seen[incomplete], filled, within_limits(filled, whole, limits))
    return LinearisedImputation(incomplete, complete, gradients, np.asarray(influence, np.float64))


def _gradients(residuals: Floats, x: Floats, model: NormalModel) -> Floats:
    """Differentiate each participant's log-density by the parameters, shape (..., q)."""
    inverse = np.linalg.inv(model.covariance)
    weighted = residuals @ inverse
    means = x[..., :, None] * weighted[..., None, :]
    covariance = _packed(weighted[..., :, None] * weighted[..., None, :] - inverse)
    return np.concatenate([means.reshape(*means.shape[:-2], -1), covariance], axis=-1)


def _packed(derivative: Floats) -> Floats:
    """Turn twice a derivative by a covariance into one by its elements on and above the diagonal.

    An element off the diagonal stands in the covariance twice.
    """
    row, column = np.triu_indices(derivative.shape[-1])
    return np.asarray(derivative[..., row, column] * np.where(row == column, 0.5, 1.0))


def _gradients_of_observed(scores: Floats, x: Floats, model: NormalModel) -> Floats:
    """Expect the gradients given the observed scores, shape (n, q)."""
    seen = ~np.isnan(scores)
    residuals = np.where(seen, scores - x @ model.coefficients, 0.0)
    inverse = np.linalg.inv(model.covariance)
    spreads = []
    for rows, known, lost in groups_of(seen):
        slope, left = conditional(model.covariance, known, lost)
        residuals[rows, lost] = residuals[rows, known] @ slope.T
        spreads.append((rows[:, 0], _packed(inverse[:, lost] @ left @ inverse[lost])))
    found = _gradients(residuals, x, model)
    for participants, spread in spreads:
        found[participants, -len(spread) :] += spread
    return found


def _information(scores: Floats, x: Floats, model: NormalModel) -> Floats:
    r"""Differentiate the summed gradients once more, shape (q, q).

    Of participants with one pattern of visits, W the inverse covariance of these visits (zero
    elsewhere), R = X'r and S = r'r the sums of their residuals r, :math:`M = W S W`: for directions
    A, A' of the covariance and D of the means

    .. math::

        X'X \otimes W, \qquad \mathrm{tr}(D' R W A W), \qquad
        \tfrac12 \{\mathrm{tr}(M A W A') + \mathrm{tr}(M A' W A) - n\,\mathrm{tr}(W A W A')\}.
    """
    visits, columns = scores.shape[1], x.shape[1]
    seen = ~np.isnan(scores)
    residuals = np.where(seen, scores - x @ model.coefficients, 0.0)
    row, column = np.triu_indices(visits)
    of_means = np.zeros((columns * visits, columns * visits))
    of_both = np.zeros((columns * visits, len(row)))
    of_covariance = np.zeros((len(row), len(row)))
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for place, pattern in enumerate(patterns):
        known = np.ix_(pattern, pattern)
        w = np.zeros((visits, visits))
        w[known] = np.linalg.inv(model.covariance[known])
        r, own = residuals[which == place], x[which == place]
        of_means += np.kron(own.T @ own, w)
        # One row per coefficient (column of x, visit), one column per element of the covariance.
        weighted = own.T @ r @ w
        both = np.einsum("ca,bv->cvab", weighted, w) + np.einsum("cb,av->cvab", weighted, w)
        of_both += both[..., row, column].reshape(columns * visits, -1)
        m = w @ (r.T @ r) @ w - len(r) / 2 * w
        of_covariance += _traces(m, w, row, column)
    on_diagonal = np.where(row == column, 0.5, 1.0)
    of_both *= on_diagonal
    of_covariance *= on_diagonal[:, None] * on_diagonal
    return np.block([[of_means, of_both], [of_both.T, of_covariance]])


def _traces(m: Floats, w: Floats, row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
    """Compute the mean of tr(M A W A') and tr(M A' W A) for all pairs of symmetric directions."""
    found = np.zeros((len(row), len(row)))
    for i, j in ((row, column), (column, row)):
        for k, h in ((row, column), (column, row)):
            found += (m[np.ix_(i, h)] * w[np.ix_(j, k)] + w[np.ix_(i, h)] * m[np.ix_(j, k)]) / 2
    return found
