r"""Residuals of a hazard model, and what each participant does to it.

With :math:`r_i = \exp(\hat\beta' x_i)`, the j-th of d tied events sees the others that happen then
removed to the share j/d (Efron), so that it adds :math:`h_j = 1 / (\sum_{risk} r -
\frac{j}{d}\sum_{dying} r)` to the cumulative hazard, (1 - j/d) of it for those dying. Then

* martingale residual :math:`M_i = \delta_i - r_i \hat H_i`: events less the events expected;
* deviance residual :math:`\mathrm{sign}(M_i) \sqrt{-2 [M_i + \delta_i \log(\delta_i - M_i)]}`;
* score residual :math:`u_i`, the participant's share in the score, which sums to zero;
* change of the coefficients with the participant (dfbeta) :math:`u_i' I^{-1}`, about
  :math:`\hat\beta - \hat\beta_{(-i)}`; their cross-products are the covariance of Lin and Wei.

Sources: Therneau, Grambsch & Fleming (1990), Biometrika 77:147; Lin & Wei (1989), JASA 84:1074.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.hazards import HazardFit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HazardResiduals:
    """Residuals of n participants in a model with p coefficients.

    Parameters
    ----------
    martingale, deviance
        Shape (n,).
    score, change
        Share in the score, and change of the coefficients with the participant, shape (n, p).
    """

    martingale: Floats
    deviance: Floats
    score: Floats
    change: Floats

    @property
    def robust(self) -> Floats:
        """Covariance of the coefficients that is right when hazards are not (Lin & Wei)."""
        return np.asarray(self.change.T @ self.change)


def hazard_residuals(fit: HazardFit) -> HazardResiduals:
    """Take the residuals of a hazard model.

    Parameters
    ----------
    fit
        The model.

    Examples
    --------
    >>> from ipt_outcomes.analyses.hazards import fit_hazards
    >>> time = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    >>> fit = fit_hazards(time, time > 0, np.array([[1.0], [0], [1], [0], [1], [0], [1], [0]]))
    >>> found = hazard_residuals(fit)
    >>> bool(abs(found.martingale.sum()) < 1e-9), found.change.round(2)[:3, 0].tolist()
    (True, [0.19, -0.25, 0.09])
    """
    x = fit.x
    weight = np.exp(x @ fit.coefficients)
    hazard = np.zeros(len(x))
    carried = np.zeros_like(x)  # the hazard times the mean of x among those at risk
    own = np.zeros_like(x)  # the mean of x among those at risk at the participant's event
    for when in np.unique(fit.time[fit.event]):
        risk = fit.time >= when
        dying = fit.event & (fit.time == when)
        deaths = int(dying.sum())
        total, moment = weight[risk].sum(), weight[risk] @ x[risk]
        lost, lost_moment = weight[dying].sum(), weight[dying] @ x[dying]
        for j in range(deaths):
            share = j / deaths
            added = 1 / (total - share * lost)
            mean = added * (moment - share * lost_moment)
            part = added * np.where(dying, 1 - share, 1.0) * risk
            hazard += part
            carried += np.outer(part, mean)
            own[dying] += mean / deaths
    expected = weight * hazard
    event = fit.event.astype(float)
    martingale = event - expected
    score = event[:, None] * (x - own) - (expected[:, None] * x - weight[:, None] * carried)
    with np.errstate(divide="ignore"):
        logs = np.where(fit.event, np.log(np.maximum(expected, np.finfo(float).tiny)), 0.0)
    inside = np.maximum(-2 * (martingale + event * logs), 0.0)
    return HazardResiduals(
        martingale, np.sign(martingale) * np.sqrt(inside), score, score @ fit.covariance
    )
