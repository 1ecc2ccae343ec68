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
are means over draws; all else is exact.

Sources: Robins & Wang (2000), Biometrika 87:113; Louis (1982), JRSS B 44:226.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .incomplete import Floats
from .joint_normal import (
    Group,
    NormalModel,
    conditional,
    design,
    draw_missing,
    fit_normal,
    groups_of,
    within_limits,
)

DRAWS = 20_000
"""Draws in all, shared out among the participants with a missing score."""
FEWEST = 20
"""Draws of each of them at least."""
STEP = 1e-4
"""Of the numerical derivative of the gradient, in standard deviations of the scores."""


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
        kappa /= len(self.drawn) * len(self.influence)
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
    groups = groups_of(seen)
    own = _gradients_of_observed(scores, x, model, groups)
    try:
        influence = len(scores) * np.linalg.solve(_information(scores, x, model, groups), own.T).T
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(influence).all():
        return None
    incomplete = np.flatnonzero(~seen.all(axis=1))
    number = max(FEWEST, -(-DRAWS // len(incomplete)))
    lost, x_lost = scores[incomplete], x[incomplete]
    drawn = np.stack([draw_missing(lost, x_lost, model, random) for _ in range(number)])
    gradients = _gradients(drawn - x_lost @ model.coefficients, x_lost, model) - own[incomplete]
    whole = bool(np.all(scores[seen] == np.round(scores[seen])))
    complete = np.where(seen[incomplete], drawn, within_limits(drawn, whole, limits))
    return LinearisedImputation(incomplete, complete, gradients, np.asarray(influence, np.float64))


def _gradients(
    residuals: Floats, x: Floats, model: NormalModel, spread: Floats | None = None
) -> Floats:
    """Differentiate each participant's log-density; ``spread`` adds to the residuals' products."""
    inverse = np.linalg.inv(model.covariance)
    weighted = residuals @ inverse
    means = x[..., :, None] * weighted[..., None, :]
    covariance = weighted[..., :, None] * weighted[..., None, :] - inverse
    if spread is not None:
        covariance = covariance + inverse @ spread @ inverse
    row, column = np.triu_indices(len(inverse))
    twice = np.where(row == column, 0.5, 1.0)  # an element off the diagonal stands in Sigma twice
    return np.concatenate(
        [means.reshape(*means.shape[:-2], -1), covariance[..., row, column] * twice], axis=-1
    )


def _gradients_of_observed(
    scores: Floats, x: Floats, model: NormalModel, groups: list[Group]
) -> Floats:
    """Expect the gradients given the observed scores, shape (n, q)."""
    mean = x @ model.coefficients
    residuals = np.where(np.isnan(scores), 0.0, scores - mean)
    spread = np.zeros((len(scores), *model.covariance.shape))
    for rows, known, lost in groups:
        slope, left = conditional(model.covariance, known, lost)
        residuals[rows, lost] = residuals[rows, known] @ slope.T
        spread[rows[:, :, None], lost[:, None], lost] = left
    return _gradients(residuals, x, model, spread)


def _information(scores: Floats, x: Floats, model: NormalModel, groups: list[Group]) -> Floats:
    """Differentiate the summed gradients once more, by central differences, shape (q, q)."""
    sd = np.sqrt(np.diag(model.covariance))
    row, column = np.triu_indices(len(sd))
    steps = STEP * np.concatenate([np.tile(sd, x.shape[1]), sd[row] * sd[column]])
    found = np.empty((len(steps), len(steps)))
    for place, step in enumerate(steps):
        ends = [
            _gradients_of_observed(scores, x, _moved(model, place, way * step), groups).sum(axis=0)
            for way in (-1, 1)
        ]
        found[:, place] = (ends[0] - ends[1]) / (2 * step)
    return (found + found.T) / 2


def _moved(model: NormalModel, place: int, by: float) -> NormalModel:
    """Move one parameter, counted as the gradients are."""
    coefficients, covariance = model.coefficients.copy(), model.covariance.copy()
    if place < coefficients.size:
        coefficients.flat[place] += by
    else:
        row, column = (k[place - coefficients.size] for k in np.triu_indices(len(covariance)))
        covariance[row, column] += by
        if row != column:
            covariance[column, row] += by
    return NormalModel(coefficients, covariance)
