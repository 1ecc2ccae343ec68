r"""Standardised risks whose events come from imputed scores, with a variance that holds for them.

The imputation takes scores as jointly normal; the risks come from a logistic model of a status made
from those scores. The imputation thus knows more than the analysis, and Rubin's rules then give a
variance that is too large (Robins & Wang 2000, Biometrika 87:113; Meng 1994, Statistical Science
9:538). Here, with :math:`\bar R` and B the mean and the variance of the risks over M imputations,
and W the mean of their variances with complete scores,

.. math::

    V(\bar R) = W + (V_{\text{imputed}} - V_{\text{complete}}) + B / M,

where the two variances in brackets are those of the same linearised estimate,

.. math::

    \hat\theta_a - \theta_a \approx \frac1n \sum_i
        \{\mu_a(Z_i) - \theta_a + G_a A^{-1} x_i (Y_i - \mu_{A_i}(Z_i))\},

from imputed scores (:mod:`ipt_outcomes.imputation.linearised`) and from complete ones, both times
n/(n - p) for the p coefficients. Without a missing score V is W; with some it may lie a little
below W in a small trial, the imputation adding what the analysis does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.response_rows import JOINED, NOTHING_MISSING, RUBIN, UNADJUSTED
from ipt_outcomes.analyses.standardisation import (
    RiskModel,
    StandardisedRisks,
    plain_risks,
    risk_model,
    standardised_risks,
)
from ipt_outcomes.imputation.linearised import LinearisedImputation

Floats = NDArray[np.float64]
Event = Callable[[Floats], NDArray[np.bool_]]
"""From complete scores, shape (..., visits), to who has the status, shape (...)."""


@dataclass(frozen=True)
class StatusRisks:
    """Risks of a status made from imputed scores.

    Parameters
    ----------
    fits
        Standardised risks, one per imputation: all of them adjusted, or none.
    joined
        The imputations joined into one estimate; None where Rubin's rules pool them.
    shares
        Proportions by imputation and arm.
    imputed
        How many participants' scores were imputed how often, in words.
    """

    fits: list[StandardisedRisks]
    joined: StandardisedRisks | None
    shares: list[list[float]]
    imputed: str

    @property
    def how(self) -> str:
        """What was imputed, how the errors count it, and whether covariates had to be left out."""
        said = [self.imputed]
        if self.imputed != NOTHING_MISSING:
            said.append(RUBIN if self.joined is None else JOINED)
        if not all(fit.adjusted for fit in self.fits):
            said.append(UNADJUSTED)
        return "; ".join(said)


def status_risks(
    complete: list[Floats],
    linear: LinearisedImputation | None,
    matrix: ScoreMatrix,
    event: Event,
    visits: list[int],
) -> StatusRisks:
    """Compare the arms on a status in every completed set of scores.

    Parameters
    ----------
    complete
        Completed scores, each of shape (n, visits).
    linear
        The imputation, linearised; None when nothing is missing.
    matrix
        The scores that were imputed.
    event
        Tells from complete scores who has the status.
    visits
        Positions of the visits that decide it: a score missing elsewhere changes nothing.
    """
    n = np.bincount(matrix.arm, minlength=len(matrix.arms))
    lost = int(np.isnan(matrix.scores[:, visits]).any(axis=1).sum())
    if not lost:
        complete, linear = complete[:1], None
    events = [event(scores) for scores in complete]
    fits = [
        standardised_risks(
            own, matrix.arm, np.column_stack([scores[:, 0], matrix.covariates]), matrix.arms
        )
        for own, scores in zip(events, complete, strict=True)
    ]
    if not all(fit.adjusted for fit in fits):  # one estimate is not made of two kinds
        fits = [plain_risks(own, matrix.arm, matrix.arms) for own in events]
    counts = [np.bincount(matrix.arm, weights=own, minlength=len(n)) for own in events]
    words = (
        f"missing scores imputed {len(complete)} times under missing at random ({lost} of "
        f"{len(matrix.arm)} participants)"
    )
    return StatusRisks(
        fits,
        imputed_risks(fits, linear, matrix, event),
        [[float(share) for share in own / np.maximum(n, 1)] for own in counts],
        words if lost else NOTHING_MISSING,
    )


def imputed_risks(
    fits: Sequence[StandardisedRisks],
    linear: LinearisedImputation | None,
    matrix: ScoreMatrix,
    event: Event,
) -> StandardisedRisks | None:
    """Join the risks of several imputations into one estimate with its covariance.

    Parameters
    ----------
    fits
        Standardised risks, one per imputation.
    linear
        The imputation, linearised; None when nothing is missing.
    matrix
        The scores that were imputed.
    event
        Tells from complete scores who has the status.

    Returns
    -------
    StandardisedRisks or None
        None when nothing was imputed, when a logistic model could not be fitted, or when so little
        is left that V is no covariance: Rubin's rules are then what remains. The covariance with
        covariates held fixed is not filled.
    """
    if linear is None or not all(fit.adjusted for fit in fits):
        return None
    rows = linear.incomplete
    number, lost = linear.drawn.shape[:2]
    drawn_events = event(linear.drawn).astype(float)
    events = np.zeros(len(matrix.arm))
    seen = np.setdiff1d(np.arange(len(events)), rows)
    events[seen] = event(matrix.scores[seen])
    events[rows] = drawn_events.mean(axis=0)
    baseline = matrix.baseline.copy()
    baseline[rows] = linear.drawn[:, :, 0].mean(axis=0)
    covariates = np.column_stack([baseline, matrix.covariates])
    model = risk_model(events, matrix.arm, covariates, len(matrix.arms))
    if model is None:
        return None
    drawn_covariates = np.concatenate(
        [
            linear.drawn[:, :, :1],
            np.broadcast_to(matrix.covariates[rows], (number, lost, matrix.covariates.shape[1])),
        ],
        axis=-1,
    )
    influence = _Influence(model, covariates)
    drawn = influence.of(drawn_events, matrix.arm[rows], drawn_covariates)
    complete = influence.of(events, matrix.arm, covariates)
    complete[rows] = drawn.mean(axis=0)
    imputed = complete + linear.estimation(drawn)
    deviation = drawn - drawn.mean(axis=0)
    spread = np.einsum("dma,dmb->ab", deviation, deviation) / (number - 1)
    n = len(events)
    inflation = n / (n - len(model.coefficients)) / n**2
    with_imputed = inflation * imputed.T @ imputed
    with_complete = inflation * (complete.T @ complete + spread)
    risks = np.array([fit.risks for fit in fits])
    between = np.cov(risks, rowvar=False).reshape(with_imputed.shape) / len(fits)
    within = np.mean([fit.covariance for fit in fits], axis=0)
    covariance = within + with_imputed - with_complete
    if np.linalg.eigvalsh(covariance)[0] <= 0:
        return None
    return replace(
        fits[0],
        risks=risks.mean(axis=0),
        covariance=covariance + between,
        covariance_fixed=np.full_like(covariance, np.nan),
        unknown=int(((events > 0) & (events < 1)).sum()),
    )


class _Influence:
    """Influence function of the standardised risks."""

    def __init__(self, model: RiskModel, covariates: Floats) -> None:
        self.model = model
        self.risks = model.risks(covariates).mean(axis=0)
        inverse = np.linalg.inv(model.information / len(covariates))
        self.slopes = model.gradient(covariates) @ inverse

    def of(self, event: Floats, arm: NDArray[np.int64], covariates: Floats) -> Floats:
        own = self.model.risks(covariates) - self.risks
        errors = self.model.errors(event, arm, covariates)
        return np.asarray(own + errors @ self.slopes.T)
