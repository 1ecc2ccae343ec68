"""Profile-likelihood intervals of the variance between clusters, and of their correlation.

With f the minus (restricted) log-likelihood and ψ the variance of the clusters' effects, the
interval

    { ψ ≥ 0 : 2 [ min_θ f(θ, ψ) − f(θ̂, ψ̂) ] ≤ χ²₁(level) }

needs no standard error, holds 0 when the data do not rule it out, and always has an upper end. Its
ends give those of the intraclass correlation, λ²ψ/(λ²ψ + Σ_aa), with Σ refitted at each end.

Source: Venzon & Moolgavkar (1988), Applied Statistics 37:87; with restricted likelihood: Stram &
Lee (1994), Biometrics 50:1171, on the behaviour at zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

from .clustered import ClusteredLikelihood
from .errors import MixedModelError
from .factors import Floats
from .likelihood import Point
from .optimise import maximise


@dataclass
class RestPoint:
    """A point of the likelihood in all parameters but one."""

    theta: Floats
    f: float
    inner: Point
    gradient: Floats = field(init=False)


class RestOfLikelihood:
    """The likelihood as a function of all parameters but one, which is held.

    Parameters
    ----------
    inner
        The likelihood.
    place
        Position of the held parameter.
    value
        Its value.
    """

    has_information = True

    def __init__(self, inner: ClusteredLikelihood, place: int, value: float) -> None:
        self.inner, self.place, self.value = inner, place, value

    @property
    def evaluations(self) -> int:
        """Evaluations of the likelihood so far."""
        return self.inner.evaluations

    def at(self, theta: Floats) -> RestPoint | None:
        """Evaluate; ``None`` where a covariance is not positive definite."""
        point = self.inner.at(np.insert(theta, self.place, self.value))
        return None if point is None else RestPoint(theta, point.f, point)

    def differentiate(self, point: RestPoint) -> None:
        """Fill in the gradient."""
        self.inner.differentiate(point.inner)
        point.gradient = np.delete(point.inner.gradient, self.place)

    def hessian(self, point: RestPoint, kind: str = "observed") -> Floats:
        """Return the curvature."""
        whole = self.inner.hessian(point.inner, kind)
        return np.delete(np.delete(whole, self.place, 0), self.place, 1)


@dataclass(frozen=True)
class VarianceInterval:
    """Ends of the profile interval of a variance, and all parameters fitted there.

    Parameters
    ----------
    lower, upper
        The ends; the lower one is 0 when the data do not rule it out.
    theta_lower, theta_upper
        Covariance parameters at the ends.
    """

    lower: float
    upper: float
    theta_lower: Floats
    theta_upper: Floats


def variance_interval(
    likelihood: ClusteredLikelihood, theta: Floats, place: int, level: float
) -> VarianceInterval:
    """Find where the profile of one variance has risen by the χ² quantile.

    Parameters
    ----------
    likelihood, theta
        The likelihood and its maximum.
    place
        Position of the variance among the parameters.
    level
        Confidence level.

    Raises
    ------
    MixedModelError
        When the profile has no upper end, or cannot be followed.
    """
    best = likelihood.at(theta)
    assert best is not None
    estimate = max(float(theta[place]), 0.0)
    allowed = float(chdtri(1, 1 - level))
    known: dict[float, Floats] = {estimate: np.delete(theta, place)}

    def rise(value: float) -> float:
        start = known[min(known, key=lambda v: abs(v - value))]
        rest = RestOfLikelihood(likelihood, place, value)
        found = maximise(rest, start)
        if found is None or not np.isfinite(found[0].f):
            raise MixedModelError("the profile of the clusters' variance cannot be followed.")
        known[value] = found[0].theta
        return 2 * (found[0].f - best.f) - allowed

    scale = _scale(likelihood, theta)
    high = max(2 * estimate, 0.05 * scale)
    while rise(high) < 0:
        high *= 2
        if high > 1e6 * scale:
            raise MixedModelError("the clusters' variance has no upper end: too few clusters.")
    upper = float(brentq(rise, estimate, high, xtol=1e-5 * scale))
    lower = 0.0
    if estimate > 0 and rise(0.0) > 0:
        lower = float(brentq(rise, 0.0, estimate, xtol=1e-5 * scale))
    for end in (lower, upper):
        if end not in known:
            rise(end)
    return VarianceInterval(
        lower,
        upper,
        np.insert(known[lower], place, lower),
        np.insert(known[upper], place, upper),
    )


def _scale(likelihood: ClusteredLikelihood, theta: Floats) -> float:
    own, _ = likelihood.split(theta)
    sigma = likelihood.structure.sigma(own)
    size = float((likelihood.full_loading**2).sum(2).max())
    return float(np.mean(np.diagonal(sigma[0]))) / max(size, 1e-300)
