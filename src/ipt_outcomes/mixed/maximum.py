"""The maximum of the likelihood: free, or on the boundary of the covariances of random effects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .boundary import Cone, FactoredLikelihood
from .clustered import ClusteredLikelihood
from .composition import Grouped, RandomPlusResidual
from .covariances import Unstructured
from .cross_lagged import CrossLagged
from .factors import Floats
from .likelihood import Likelihood, Point
from .optimise import Convergence, maximise
from .starting_values import starting_values

COLLAPSED = 1e-10  # eigenvalue of Σ in units of the starting variances
COLLAPSE_SETS = 64  # covariance sets that are looked at: they share their parameters
UNINFORMED = 1e-9  # information of a parameter in its own unit; half the participants as a rule
UNIDENTIFIED = 1e-10  # eigenvalue of an information scaled to a unit diagonal, taken as zero


@dataclass
class Solution:
    """Where the search for the maximum ended.

    Attributes
    ----------
    point, hessian, convergence
        As :func:`.optimise.maximise` gives them.
    notes
        Which covariances lie on the boundary.
    """

    point: Point
    hessian: Floats
    convergence: Convergence
    notes: list[str] = field(default_factory=list)

    def failed(self, message: str) -> Solution:
        """Return the same, not converged, with the reason."""
        told = replace(self.convergence, converged=False, message=message)
        return replace(self, convergence=told)


def solve(likelihood: Likelihood) -> Solution | None:
    """Maximise, first freely, then on the boundary if a covariance of random effects left its cone.

    What only looks like a maximum does not count as converged: parameters of which the data say
    nothing, and a covariance that has shrunk to a singular one.

    Returns
    -------
    The solution, ``None`` when the likelihood cannot be evaluated at the start.
    """
    # A step too far may overflow; the line search sees it and turns back.
    with np.errstate(all="ignore"):
        start = starting_values(likelihood)
        solution = search(likelihood, start)
        if solution is None or not solution.convergence.converged:
            return solution
        if has_collapsed(likelihood, solution.point, start):
            return solution.failed(
                "the likelihood has no maximum: it rises while a variance goes to zero"
            )
        point, information = solution.point, solution.hessian
        if solution.notes:
            information = likelihood.hessian(point, "expected")
        silent = uninformed(likelihood, point, information)
        if silent:
            return solution.failed(f"the data say nothing of {', '.join(silent)}")
        return solution


def search(likelihood: Likelihood, start: Floats) -> Solution | None:
    """Search for the maximum, on the boundary when the free one is beyond it."""
    cones = find_cones(likelihood)
    found = maximise(likelihood, start)
    if found is None and not cones:
        return None
    begin = start
    if found is not None:
        free = Solution(*found)
        begin = free.point.theta
        if free.convergence.converged and not any(cone.outside(begin) for cone in cones):
            return free
        lost = not_identified(likelihood, likelihood.at(start))
        if lost:
            return free.failed(f"the data cannot tell apart {', '.join(lost)}")
        if not cones:
            return free
    return on_the_boundary(likelihood, start, begin, cones)


def on_the_boundary(
    likelihood: Likelihood, start: Floats, begin: Floats, cones: list[Cone]
) -> Solution | None:
    """Maximise over the factors L of the covariances of random effects (see :mod:`.boundary`)."""
    scales = [np.sqrt(np.diag(cone.matrix(start))) for cone in cones]
    factored = FactoredLikelihood(likelihood, cones)
    best = maximise(factored, factored.factored(begin), at_boundary=True)
    if best is None:
        best = maximise(factored, factored.factored(start), at_boundary=True)
        if best is None:
            return None
    if not best[2].converged:
        # The first effects may be those that vanish: search on with the others first.
        at = best[0].inner.theta
        turned = [cone.pivoted(at, scale) for cone, scale in zip(cones, scales, strict=True)]
        again = FactoredLikelihood(likelihood, turned)
        best = maximise(again, again.factored(at), at_boundary=True) or best
    outer, _, convergence = best
    inner = outer.inner
    notes = []
    for cone, scale in zip(cones, scales, strict=True):
        # Measured against the starting values, which carry the units of the outcome.
        values = np.linalg.eigvalsh(cone.matrix(inner.theta) / np.outer(scale, scale))
        if values[0] <= 1e-7 * max(1.0, float(values[-1])):
            zero = (
                "is zero" if cone.size == 1 else "is singular (a variance or a correlation of ±1)"
            )
            notes.append(f"boundary: the covariance of {cone.what} {zero}")
    solution = Solution(inner, likelihood.hessian(inner, "observed"), convergence, notes)
    if convergence.converged and not is_positive_definite(likelihood.hessian(inner, "expected")):
        return solution.failed("the information is not positive definite on the boundary")
    return solution


def not_identified(likelihood: Likelihood, point: Point | None) -> list[str]:
    """Return the covariance parameters that these data cannot tell apart, whatever their values.

    Visits that nobody was seen at together leave their covariance open; with one visit each, or
    with as many random effects as visits, nothing separates random effects from residuals. The
    expected information is then singular everywhere.
    """
    if point is None:
        return []
    likelihood.differentiate(point)
    information = likelihood.hessian(point, "expected")
    if not np.isfinite(information).all():
        return []
    silent = uninformed(likelihood, point, information)
    if silent:
        return silent
    scale = 1 / np.sqrt(np.diag(information))
    values, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    open_directions = np.abs(vectors[:, values < UNIDENTIFIED])
    if not open_directions.size:
        return []
    involved = open_directions.max(1) > 0.05
    return [name for name, is_open in zip(likelihood.names, involved, strict=True) if is_open]


def uninformed(likelihood: Likelihood, point: Point, information: Floats) -> list[str]:
    """Return the parameters without any information, each measured in its own unit.

    A visit whose few outcomes the fixed effects reproduce leaves its variance open: what stands in
    the information is rounding, which a scaling to a unit diagonal would hide.
    """
    size = np.diag(information) * likelihood.units(point) ** 2
    return [n for n, s in zip(likelihood.names, size, strict=True) if not s > UNINFORMED]


def has_collapsed(likelihood: Likelihood, point: Point, start: Floats) -> bool:
    """Whether Σ is singular beside the variances at the start, which carry the outcome's units.

    Few observations at a visit can be fitted exactly. Σ then shrinks there for ever, and rounding
    ends the search at a place that only looks like a maximum.
    """
    structure = likelihood.structure
    at_start = structure.sigma(start[: structure.parameters])[:COLLAPSE_SETS]
    scale = 1 / np.sqrt(np.diagonal(at_start, axis1=1, axis2=2))
    scaled = point.sigma[:COLLAPSE_SETS] * scale[:, :, None] * scale[:, None, :]
    return bool(np.linalg.eigvalsh(scaled).min() < COLLAPSED)


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
    if isinstance(structure, CrossLagged):
        cones += [Cone(*block) for block in structure.covariance_blocks]
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
