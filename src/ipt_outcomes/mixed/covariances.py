"""Covariances of the visits as functions of their natural parameters.

Unstructured covariances take variances and covariances, heterogeneous structures variances and
correlations, as SAS documents; the second-order term of Kenward and Roger depends on that choice.
Each structure gives Σ(θ), ∂Σ/∂θ and ∂²Σ/∂θ∂θ' analytically.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from .errors import MixedModelError
from .factors import Floats


class Structure(ABC):
    """A covariance of T visits, one matrix for each of ``sets`` groups of participants.

    Attributes
    ----------
    sets, visits
        Number of covariance matrices and their size.
    names
        Names of the parameters.
    linear
        Whether Σ is linear in θ, so that second derivatives vanish.
    """

    sets: int = 1
    visits: int
    names: list[str]
    linear: bool = False

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return len(self.names)

    @abstractmethod
    def sigma(self, theta: Floats) -> Floats:
        """Return Σ(θ), shape (sets, T, T)."""

    @abstractmethod
    def first(self, theta: Floats) -> Floats:
        """Return ∂Σ/∂θ, shape (k, sets, T, T)."""

    def second(self, theta: Floats) -> Floats:
        """Return ∂²Σ/∂θ∂θ', shape (k, k, sets, T, T)."""
        k = self.parameters
        return np.zeros((k, k, self.sets, self.visits, self.visits))

    @abstractmethod
    def start(self, moments: Floats) -> Floats:
        """Return starting values from a positive-definite moment estimate (sets, T, T)."""

    def feasible(self, theta: Floats) -> bool:
        """Whether θ lies in the parameter space (positive definiteness is tested apart)."""
        return bool(np.isfinite(theta).all())

    def weighted_second(self, theta: Floats, omega: Floats) -> Floats | None:
        """Return Σ_hj Ω_hj ∂²Σ/∂θ_h∂θ_j (sets, T, T), ``None`` where it vanishes."""
        if self.linear:
            return None
        return np.asarray(np.tensordot(omega, self.second(theta), axes=2))

    def weighted_second_mmrm(self, theta: Floats, omega: Floats) -> Floats:
        """Return the same sum in the parameters that R's mmrm uses, for validation.

        Raises
        ------
        MixedModelError
            Where mmrm has no such covariance.
        """
        raise MixedModelError(
            "df='kenward-roger-mmrm' exists for the covariances of R's mmrm only; use "
            "df='kenward-roger'."
        )


class Unstructured(Structure):
    """Every variance and covariance free: θ = the lower triangle of Σ, row by row."""

    linear = True

    def __init__(self, labels: Sequence[str]) -> None:
        self.visits = len(labels)
        self.rows, self.cols = np.tril_indices(self.visits)
        self.names = [
            f"variance({labels[a]})" if a == b else f"covariance({labels[b]}, {labels[a]})"
            for a, b in zip(self.rows.tolist(), self.cols.tolist(), strict=True)
        ]
        derivative = np.zeros((len(self.rows), 1, self.visits, self.visits))
        at = np.arange(len(self.rows))
        derivative[at, 0, self.rows, self.cols] = 1.0
        derivative[at, 0, self.cols, self.rows] = 1.0
        self._first = derivative

    def sigma(self, theta: Floats) -> Floats:
        """Return Σ(θ)."""
        out = np.empty((1, self.visits, self.visits))
        out[0, self.rows, self.cols] = theta
        out[0, self.cols, self.rows] = theta
        return out

    def first(self, theta: Floats) -> Floats:
        """Return the constant ∂Σ/∂θ."""
        return self._first

    def start(self, moments: Floats) -> Floats:
        """Return the triangle of the moment estimate."""
        return np.asarray(moments[0, self.rows, self.cols])

    def weighted_second_mmrm(self, theta: Floats, omega: Floats) -> Floats:
        """Return Σ Ω ∂²Σ in mmrm's parameters: Σ = LL', L = diag(e^φ)·U, U unit triangular."""
        T = self.visits
        lower = np.linalg.cholesky(self.sigma(theta)[0])
        deviation = np.diag(lower)
        below = [(i, j) for i in range(T) for j in range(i)]
        k = T + len(below)
        derivative = np.zeros((k, T, T))
        for i in range(T):
            derivative[i, i] = lower[i]
        for h, (i, j) in enumerate(below, start=T):
            derivative[h, i, j] = deviation[i]
        moved = derivative @ lower.T
        jacobian = (moved + moved.transpose(0, 2, 1))[:, self.rows, self.cols].T
        inverse = np.linalg.inv(jacobian)
        own = inverse @ omega @ inverse.T
        products = np.einsum("hj,hab,jcb->ac", own, derivative, derivative, optimize=True)
        curvature = np.diag(own)[:T, None] * lower
        for h, (i, j) in enumerate(below, start=T):
            curvature[i, j] += 2 * own[i, h] * deviation[i]
        out = 2 * products + curvature @ lower.T + lower @ curvature.T
        return np.asarray(out[None])


class Linear(Structure):
    """Σ = Σ_k θ_k M_k with fixed matrices M_k: compound symmetry, Toeplitz, independence.

    Parameters
    ----------
    matrices
        M_k, shape (k, T, T).
    names
        Names of the parameters.
    by_correlation
        The same covariance with a variance and correlations as parameters, for validation.
    """

    linear = True

    def __init__(
        self, matrices: Floats, names: list[str], by_correlation: Structure | None = None
    ) -> None:
        self.visits = matrices.shape[1]
        self.names = names
        self._first = matrices[:, None]
        self._other = by_correlation

    def sigma(self, theta: Floats) -> Floats:
        """Return Σ(θ)."""
        return np.asarray(np.tensordot(theta, self._first, axes=1))

    def first(self, theta: Floats) -> Floats:
        """Return the constant ∂Σ/∂θ."""
        return self._first

    def start(self, moments: Floats) -> Floats:
        """Return the least-squares projection of a valid moment estimate."""
        target = moments[0]
        if self._other is not None:
            target = self._other.sigma(self._other.start(moments))[0]
        flat = self._first.reshape(len(self.names), -1)
        return np.asarray(np.linalg.lstsq(flat.T, target.ravel(), rcond=None)[0], float)

    def weighted_second_mmrm(self, theta: Floats, omega: Floats) -> Floats:
        """Change to a variance and correlations, then to mmrm's parameters."""
        if self._other is None:
            return super().weighted_second_mmrm(theta, omega)
        sigma = self.sigma(theta)
        other = self._other.start(sigma)
        k = len(self.names)
        derivative = self._other.first(other).reshape(k, -1)
        jacobian = np.linalg.lstsq(self._first.reshape(k, -1).T, derivative.T, rcond=None)[0]
        inverse = np.linalg.inv(jacobian)
        return self._other.weighted_second_mmrm(other, inverse @ omega @ inverse.T)
