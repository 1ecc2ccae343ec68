"""Newton's method for the covariance parameters, with the curvature that each phase needs.

The first step uses an information that is positive definite by construction, the middle ones a
cheap observed curvature, the last ones the exact Hessian, evaluated again at the final point.
Convergence means a small gradient (measured as the Newton decrement g'H⁻¹g, which is free of
units) and a positive-definite information; both are reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from scipy.linalg import lapack

from .factors import Floats


class AnyPoint(Protocol):
    """A point of an objective."""

    theta: Floats
    f: float
    gradient: Floats


P = TypeVar("P", bound=AnyPoint)


class Objective(Protocol[P]):
    """What Newton's method needs: a value, a gradient and curvatures of several kinds."""

    @property
    def has_information(self) -> bool:
        """Whether the curvature ``"start"`` is positive definite everywhere."""

    @property
    def evaluations(self) -> int:
        """Evaluations so far."""

    def at(self, theta: Floats) -> P | None:
        """Evaluate; ``None`` outside the parameter space."""

    def differentiate(self, point: P) -> None:
        """Fill in the gradient."""

    def hessian(self, point: P, kind: str = "observed") -> Floats:
        """Return a curvature."""


DECREMENT = 1e-9  # g'H⁻¹g at an accepted maximum; twice the log-likelihood still to be gained


@dataclass
class Convergence:
    """How the maximum of the likelihood was reached.

    Attributes
    ----------
    converged
        Small gradient and positive-definite information.
    iterations, evaluations
        Newton steps and evaluations of the likelihood.
    largest_gradient
        Largest |∂f/∂θ|, each parameter measured in its own standard error.
    decrement
        Newton decrement g'H⁻¹g at the final point.
    smallest_curvature
        Smallest eigenvalue of the information scaled to a unit diagonal.
    message
        What happened, in words.
    """

    converged: bool
    iterations: int
    evaluations: int
    largest_gradient: float
    decrement: float
    smallest_curvature: float
    message: str


def maximise(
    likelihood: Objective[P], theta: Floats, *, iterations: int = 100, at_boundary: bool = False
) -> tuple[P, Floats, Convergence] | None:
    """Find the maximum from a starting value.

    Returns
    -------
    The point, the observed Hessian of minus the log-likelihood there and the report; ``None`` when
    the likelihood cannot be evaluated at the start.
    """
    point = likelihood.at(theta)
    if point is None:
        return None
    likelihood.differentiate(point)
    step_count, exact, stalled = 0, at_boundary, 0
    observed: Floats | None = None
    while step_count < iterations:
        kind = "observed" if exact else ("start" if step_count == 0 else "quick")
        hessian = likelihood.hessian(point, kind)
        observed = hessian if kind == "observed" else None
        if not np.isfinite(hessian).all():
            break
        step, decrement = newton_step(likelihood, point, hessian)
        if exact and (decrement < 1e-20 or stalled > 1):
            break
        found, fraction = line_search(likelihood, point, step, decrement)
        step_count += 1
        if found is None:
            if exact:
                break
            exact = True
            continue
        stalled = stalled + 1 if decrement < 1e-12 and exact else 0
        point, observed = found, None
        likelihood.differentiate(point)
        if decrement < 1e-3 and fraction == 1.0:
            exact = True
    hessian = likelihood.hessian(point, "observed") if observed is None else observed
    return point, hessian, judge(likelihood, point, hessian, step_count, at_boundary)


def newton_step(likelihood: Objective[P], point: P, hessian: Floats) -> tuple[Floats, float]:
    """Solve for the step; a curvature that is not positive definite is replaced or repaired."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
    for candidate in (hessian, None):
        if candidate is None:
            if not likelihood.has_information:
                break
            candidate = likelihood.hessian(point, "start")
            scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(candidate)), 1e-300))
        scaled = candidate * np.outer(scale, scale)
        factor, failed = lapack.dpotrf(scaled, lower=1)
        if failed or np.diag(factor).min() < 1e-9:
            continue
        step = scale * lapack.dpotrs(factor, scale * point.gradient, lower=1)[0]
        return step, float(point.gradient @ step)
    # An indefinite curvature is taken by its size: the step goes down in every direction.
    values, vectors = np.linalg.eigh(scaled)
    values = np.maximum(np.abs(values), 1e-4 * np.abs(values).max())
    step = scale * (vectors @ ((vectors.T @ (scale * point.gradient)) / values))
    return step, float(point.gradient @ step)


def line_search(
    likelihood: Objective[P], point: P, step: Floats, decrement: float
) -> tuple[P | None, float]:
    """Halve the step until the likelihood exists and has risen enough."""
    fraction = 1.0
    noise = 1e-11 * max(1.0, abs(point.f))
    for _ in range(40):
        found = likelihood.at(point.theta - fraction * step)
        if found is not None and found.f <= point.f - 1e-4 * fraction * decrement + noise:
            return found, fraction
        fraction *= 0.5
    return None, 0.0


def judge(
    likelihood: Objective[P], point: P, hessian: Floats, steps: int, at_boundary: bool
) -> Convergence:
    """Decide on convergence by gradient and curvature."""
    diagonal = np.diag(hessian)
    if not np.isfinite(hessian).all() or (diagonal <= 0).any():
        smallest = min(0.0, float(np.nan_to_num(diagonal).min()))
        decrement, largest = float("inf"), float("inf")
    else:
        scale = 1.0 / np.sqrt(diagonal)
        scaled = hessian * np.outer(scale, scale)
        values, vectors = np.linalg.eigh(scaled)
        smallest = float(values[0])
        gradient = scale * point.gradient
        largest = float(np.abs(gradient).max())
        decrement = float(((vectors.T @ gradient) ** 2 / np.maximum(np.abs(values), 1e-14)).sum())
    # On a boundary the factor L of a singular G may have a flat direction.
    curved = smallest > (-1e-8 if at_boundary else 1e-10)
    flat = decrement < DECREMENT
    message = "converged" if curved and flat else ""
    if not flat:
        message = f"the gradient is not small (decrement {decrement:.1e})"
    if not curved:
        message = f"the information is not positive definite (smallest eigenvalue {smallest:.1e})"
    return Convergence(
        curved and flat, steps, likelihood.evaluations, largest, decrement, smallest, message
    )
