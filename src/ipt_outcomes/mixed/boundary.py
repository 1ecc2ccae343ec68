"""Variances at zero: maxima on the boundary of the covariances of random effects.

A covariance matrix G of random effects must not have a negative eigenvalue. Where the likelihood
would rise beyond that boundary, the maximum is found over L with G = LL', for which it is an
ordinary stationary point: with θ = vech(LL'),

    ∂θ_ab/∂L_ij = δ_ai L_bj + δ_bi L_aj ,   ∂²θ_ab/∂L_ij∂L_kj = δ_ai δ_bk + δ_bi δ_ak .

L is lower triangular in some order of the effects. Where the first one's variance goes to zero and
another's does not, L is not unique: its rows can be turned, and the search creeps along a circle.
In an order of decreasing conditional variances (pivoted Cholesky) the maximum is a single point.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .factors import Floats
from .likelihood import Likelihood, Point


@dataclass
class Cone:
    """Where the lower triangle of a covariance matrix stands among the parameters.

    Attributes
    ----------
    start, size
        First parameter and order q of the matrix.
    what
        Name for messages.
    order
        The effects in the order in which L is triangular; as they stand by default.
    """

    start: int
    size: int
    what: str
    order: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rows: NDArray[np.int64] = field(init=False)
    cols: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        rows, cols = np.tril_indices(self.size)
        self.rows, self.cols = rows.astype(np.int64), cols.astype(np.int64)
        if not self.order.size:
            self.order = np.arange(self.size, dtype=np.int64)

    @property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column, in the order of L, of each parameter."""
        at = np.argsort(self.order)
        return at[self.rows], at[self.cols]

    def pivoted(self, theta: Floats, scale: Floats) -> Cone:
        """Return the same with the effects in the order of a pivoted Cholesky factorisation.

        Parameters
        ----------
        theta
            Natural parameters.
        scale
            Unit of each effect, shape (q,).
        """
        G = self.matrix(theta) / np.outer(scale, scale)
        left, order = list(range(self.size)), []
        while left:
            first = max(left, key=lambda k: G[k, k])
            order.append(first)
            left.remove(first)
            if G[first, first] > 0:
                G = G - np.outer(G[:, first], G[first]) / G[first, first]
        return replace(self, order=np.array(order, np.int64))

    @property
    def where(self) -> slice:
        """Positions of the parameters."""
        return slice(self.start, self.start + len(self.rows))

    def matrix(self, theta: Floats) -> Floats:
        """Return the covariance matrix."""
        out = np.empty((self.size, self.size))
        out[self.rows, self.cols] = out[self.cols, self.rows] = theta[self.where]
        return out

    def outside(self, theta: Floats) -> bool:
        """Whether the matrix has a negative eigenvalue (in correlation units)."""
        G = self.matrix(theta)
        diagonal = np.diag(G)
        if (diagonal <= 0).any():
            return True
        scale = 1 / np.sqrt(diagonal)
        return bool(np.linalg.eigvalsh(G * np.outer(scale, scale))[0] < 0)


@dataclass
class FactoredPoint:
    """A point of the likelihood in the parameters L."""

    theta: Floats
    f: float
    inner: Point
    gradient: Floats = field(init=False)


class FactoredLikelihood:
    """The same likelihood as a function of L instead of G = LL' for the given cones."""

    def __init__(self, inner: Likelihood, cones: list[Cone]) -> None:
        self.inner = inner
        self.cones = cones

    @property
    def has_information(self) -> bool:
        """Whether the information is positive definite everywhere: not at L = 0."""
        return False

    @property
    def evaluations(self) -> int:
        """Evaluations of the likelihood so far."""
        return self.inner.evaluations

    def _triangle(self, theta: Floats, cone: Cone) -> Floats:
        L = np.zeros((cone.size, cone.size))
        L[cone.rows, cone.cols] = theta[cone.where]
        return L

    def natural(self, theta: Floats) -> Floats:
        """Return the natural parameters."""
        out = theta.copy()
        for cone in self.cones:
            L = self._triangle(theta, cone)
            out[cone.where] = (L @ L.T)[cone.places]
        return out

    def factored(self, natural: Floats) -> Floats:
        """Return L for natural parameters, each matrix moved just inside its cone."""
        out = natural.copy()
        for cone in self.cones:
            G = cone.matrix(natural)
            scale = np.sqrt(np.maximum(np.abs(np.diag(G)), 1e-300))
            values, vectors = np.linalg.eigh(G / np.outer(scale, scale))
            G = (vectors * np.maximum(values, 0.02)) @ vectors.T * np.outer(scale, scale)
            G = G[np.ix_(cone.order, cone.order)]
            out[cone.where] = np.linalg.cholesky(G)[cone.rows, cone.cols]
        return out

    def at(self, theta: Floats) -> FactoredPoint | None:
        """Evaluate; ``None`` where the covariance is not positive definite."""
        point = self.inner.at(self.natural(theta))
        return None if point is None else FactoredPoint(theta, point.f, point)

    def _jacobian(self, theta: Floats) -> Floats:
        out = np.eye(len(theta))
        for cone in self.cones:
            L = self._triangle(theta, cone)
            a, b = (place[:, None] for place in cone.places)
            i, j = cone.rows[None, :], cone.cols[None, :]
            block = (a == i) * L[b, j] + (b == i) * L[a, j]
            out[cone.where, cone.where] = block
        return out

    def differentiate(self, point: FactoredPoint) -> None:
        """Fill in the gradient."""
        self.inner.differentiate(point.inner)
        point.gradient = self._jacobian(point.theta).T @ point.inner.gradient

    def hessian(self, point: FactoredPoint, kind: str = "observed") -> Floats:
        """Return the curvature in L."""
        J = self._jacobian(point.theta)
        out = J.T @ self.inner.hessian(point.inner, kind) @ J
        for cone in self.cones:
            slope = np.zeros((cone.size, cone.size))
            own = point.inner.gradient[cone.where]
            slope[cone.rows, cone.cols] = slope[cone.cols, cone.rows] = own
            slope[np.diag_indices(cone.size)] *= 2
            slope = slope[np.ix_(cone.order, cone.order)]
            same = cone.cols[:, None] == cone.cols[None, :]
            bend = np.where(same, slope[cone.rows[:, None], cone.rows[None, :]], 0.0)
            out[cone.where, cone.where] += bend
        return out
