"""Kenward and Roger's adjusted covariance of the fixed effects, from per-pattern statistics.

    Φ_A = Φ + 2Φ { Σ_hj Ω_hj (Q_hj − B_hΦB_j − ¼R_hj) } Φ

with Q_hj = Σ X'W D_h W D_j W X, B_h = Σ X'W D_h W X and R_hj = Σ X'W (∂²Σ/∂θ_h∂θ_j) W X. The sums
over pairs of parameters are contracted with Ω before they meet the data, so that no matrix per pair
is ever formed. Source: Kenward & Roger (1997) Biometrics 53:983, equations (4) to (6).
"""

from __future__ import annotations

import numpy as np

from .factors import Floats
from .likelihood import Likelihood, Point, Second


def adjusted_covariance(
    likelihood: Likelihood, point: Point, omega: Floats, second: Second
) -> Floats:
    """Return Φ_A.

    Parameters
    ----------
    likelihood, point
        The likelihood at its maximum.
    omega
        Covariance of the covariance parameters (k, k).
    second
        Σ_hj Ω_hj ∂²Σ/∂θ_h∂θ_j of the visits' and the clusters' covariance; ``None`` for
        the linear version.
    """
    phi = point.phi
    likelihood.products(point)
    assert point.B is not None
    Q = likelihood.weighted_q(point, omega, second)
    k, p, _ = point.B.shape
    mixed = (omega @ point.B.reshape(k, p * p)).reshape(k * p, p)
    P = (point.B @ phi).transpose(1, 0, 2).reshape(p, k * p) @ mixed
    bracket = Q - P
    out = phi + phi @ (bracket + bracket.T) @ phi
    return np.asarray(0.5 * (out + out.T))
