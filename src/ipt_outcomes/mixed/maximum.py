"""The maximum of the likelihood: free, or on the boundary of the covariances of random effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .boundary import Cone, FactoredLikelihood
from .clustered import ClusteredLikelihood
from .composition import Grouped, RandomPlusResidual
from .covariances import Unstructured
from .factors import Floats
from .likelihood import Likelihood, Point
from .optimise import Convergence, maximise
from .starting_values import starting_values

UNIDENTIFIED = 1e-10  # eigenvalue of an information scaled to a unit diagonal, taken as zero


Solution = tuple[Point, Floats, Convergence, list[str]]
"""Point, observed Hessian there, convergence, and notes when the maximum lies on a boundary."""


def solve(likelihood: Likelihood) -> Solution | None:
    """Maximise, first freely, then on the boundary if a covariance of random effects left its cone.

    Returns
    -------
    Point, observed Hessian, convergence, and notes when the maximum lies on the boundary.
    """
    start = starting_values(likelihood)
    cones = find_cones(likelihood)
    found = maximise(likelihood, start)
    if found is None and not cones:
        return None
    if found is not None:
        point, hessian, convergence = found
        inside = not any(cone.outside(point.theta) for cone in cones)
        if convergence.converged and inside:
            return point, hessian, convergence, []
        lost = not_identified(likelihood, start)
        if lost:
            told = f"the data cannot tell apart {', '.join(lost)}"
            return point, hessian, replace(convergence, converged=False, message=told), []
        if not cones:
            return found[0], hessian, convergence, []
    factored = FactoredLikelihood(likelihood, cones)
    begin = start if found is None else found[0].theta
    best = maximise(factored, factored.factored(begin), at_boundary=True)
    if best is None:
        best = maximise(factored, factored.factored(start), at_boundary=True)
        if best is None:
            return None
    outer, hessian, convergence = best
    inner = outer.inner
    notes = []
    for cone in cones:
        # Measured against the starting values, which carry the units of the outcome.
        scale = np.sqrt(np.diag(cone.matrix(start)))
        values = np.linalg.eigvalsh(cone.matrix(inner.theta) / np.outer(scale, scale))
        if values[0] <= 1e-7 * max(1.0, float(values[-1])):
            zero = (
                "is zero" if cone.size == 1 else "is singular (a variance or a correlation of ±1)"
            )
            notes.append(f"boundary: the covariance of {cone.what} {zero}")
    if convergence.converged and not is_positive_definite(likelihood.hessian(inner, "expected")):
        told = "the information is not positive definite on the boundary"
        convergence = replace(convergence, converged=False, message=told)
    natural = likelihood.hessian(inner, "observed")
    return inner, natural, convergence, notes


def not_identified(likelihood: Likelihood, start: Floats) -> list[str]:
    """Return the covariance parameters that these data cannot tell apart, whatever their values.

    Visits that nobody was seen at together leave their covariance open; with one visit each, or
    with as many random effects as visits, nothing separates random effects from residuals. The
    expected information is then singular everywhere.
    """
    point = likelihood.at(start)
    if point is None:
        return []
    likelihood.differentiate(point)
    information = likelihood.hessian(point, "expected")
    diagonal = np.diag(information)
    if (diagonal <= 0).any():
        return [name for name, d in zip(likelihood.names, diagonal, strict=True) if d <= 0]
    scale = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    open_directions = np.abs(vectors[:, values < UNIDENTIFIED])
    if not open_directions.size:
        return []
    involved = open_directions.max(1) > 0.05
    return [name for name, is_open in zip(likelihood.names, involved, strict=True) if is_open]


def is_positive_definite(matrix: Floats) -> bool:
    """Whether a symmetric matrix is safely positive definite, whatever the units of its rows.

    Examples
    --------
    >>> is_positive_definite(np.diag([1e-8, 1e8])), is_positive_definite(np.ones((2, 2)))
    (True, False)
    """
    diagonal = np.diag(matrix)
    if not np.isfinite(matrix).all() or (diagonal <= 0).any():
        return False
    scale = 1 / np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(matrix * np.outer(scale, scale))[0] > UNIDENTIFIED)


def find_cones(likelihood: Likelihood) -> list[Cone]:
    """Return the covariance matrices of random effects among the parameters."""
    structure = likelihood.structure
    cones = []
    if isinstance(structure, RandomPlusResidual):
        cones.append(Cone(0, structure.q, "the random effects of participants"))
        if structure.residual.linear:
            # Σ can be positive definite although a residual variance is not.
            first = structure.n_random
            for j, name in enumerate(structure.residual.names):
                cones.append(Cone(first + j, 1, f"the residuals ({name})"))
    if isinstance(likelihood, ClusteredLikelihood):
        effect = likelihood.effect
        base = effect.base if isinstance(effect, Grouped) else effect
        size = {True: effect.visits, False: 1}[isinstance(base, Unstructured)]
        step = size * (size + 1) // 2
        if base.linear:
            for j in range(0, effect.parameters, step):
                what = f"the clusters ({effect.names[j]})"
                cones.append(Cone(structure.parameters + j, size, what))
    return cones
