"""Covariances of the visits as functions of their natural parameters.

Unstructured covariances take variances and covariances, heterogeneous structures variances and
correlations, as SAS documents; the second-order term of Kenward and Roger depends on that choice.
Each structure gives Σ(θ), ∂Σ/∂θ and ∂²Σ/∂θ∂θ' analytically.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

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
