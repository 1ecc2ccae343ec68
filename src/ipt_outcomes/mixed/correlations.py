"""Covariances with variances and correlations as natural parameters.

Σ_ab = √v_a √v_b R_ab(ρ), one variance for all visits or one each. The correlation R follows a rule:

    compound symmetry   R_ab = ρ
    AR(1)               R_ab = ρ^|a−b|
    Toeplitz            R_ab = ρ_|a−b|
    ante-dependence     R_ab = ρ_b ρ_{b+1} … ρ_{a−1}   (b < a)
    spatial exponential R_ab = exp(−|t_a − t_b| / range)

Sources: SAS/STAT User's Guide, PROC MIXED, REPEATED statement (parametrisations); Zimmerman &
Núñez-Antón (2009) Antedependence Models for Longitudinal Data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .covariances import Structure
from .factors import Floats


class Correlation(ABC):
    """A correlation matrix R(ρ) of the visits with its derivatives; ``sets`` of them for times."""

    sets: int = 1
    visits: int
    names: list[str]
    bounded = True  # parameters are correlations between −1 and 1

    @abstractmethod
    def matrix(self, rho: Floats) -> Floats:
        """Return R, shape (sets, T, T)."""

    @abstractmethod
    def first(self, rho: Floats) -> Floats:
        """Return ∂R/∂ρ, shape (m, sets, T, T)."""

    @abstractmethod
    def second(self, rho: Floats) -> Floats:
        """Return ∂²R/∂ρ∂ρ', shape (m, m, sets, T, T)."""

    @abstractmethod
    def start(self, correlation: Floats) -> Floats:
        """Return starting values from a moment estimate of the correlations (sets, T, T)."""

    def mmrm_bend(self, rho: Floats) -> Floats:
        """Return ρ''/ρ'² of mmrm's map ρ = φ/√(1+φ²)."""
        return np.asarray(-3.0 * rho / (1 - rho**2))


class LagCorrelation(Correlation):
    """Correlations that are linear in their parameters: compound symmetry and Toeplitz."""

    def __init__(self, visits: int, kind: str) -> None:
        self.visits = visits
        self.kind = kind
        lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
        if kind == "compound symmetry":
            self.patterns = (lag > 0)[None].astype(float)
            self.names = ["correlation"]
        else:
            self.patterns = np.array([lag == j for j in range(1, visits)], float)
            self.names = [f"correlation(lag {j})" for j in range(1, visits)]

    def matrix(self, rho: Floats) -> Floats:
        """Return R."""
        return (np.eye(self.visits) + np.tensordot(rho, self.patterns, axes=1))[None]

    def first(self, rho: Floats) -> Floats:
        """Return the constant ∂R/∂ρ."""
        return self.patterns[:, None]

    def second(self, rho: Floats) -> Floats:
        """Return zeros: R is linear."""
        m = len(self.names)
        return np.zeros((m, m, 1, self.visits, self.visits))

    def start(self, correlation: Floats) -> Floats:
        """Return mean correlations."""
        total = self.patterns.sum((1, 2))
        return np.asarray(np.tensordot(self.patterns, correlation[0], axes=2) / total)

    def mmrm_bend(self, rho: Floats) -> Floats:
        """Return ρ''/ρ'²; a common correlation lies between −1/(T−1) and 1 by a logistic map."""
        if self.kind != "compound symmetry":
            return super().mmrm_bend(rho)
        below = 1 / (self.visits - 1)
        share = (rho + below) / (1 + below)
        return np.asarray((1 - 2 * share) / ((1 + below) * share * (1 - share)))


class Autoregressive(Correlation):
    """R_ab = ρ^|a−b|."""

    def __init__(self, visits: int) -> None:
        self.visits = visits
        self.lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits))).astype(float)
        self.names = ["correlation"]

    def matrix(self, rho: Floats) -> Floats:
        """Return R."""
        return np.asarray(rho[0] ** self.lag)[None]

    def first(self, rho: Floats) -> Floats:
        """Return lag·ρ^(lag−1)."""
        return np.asarray(self.lag * rho[0] ** np.maximum(self.lag - 1, 0))[None, None]

    def second(self, rho: Floats) -> Floats:
        """Return lag(lag−1)·ρ^(lag−2)."""
        power = rho[0] ** np.maximum(self.lag - 2, 0)
        return np.asarray(self.lag * (self.lag - 1) * power)[None, None, None]

    def start(self, correlation: Floats) -> Floats:
        """Return the mean correlation of neighbours."""
        return np.array([np.diagonal(correlation[0], 1).mean()])


class AnteDependence(Correlation):
    """R_ab is the product of the correlations of the neighbours between the two visits."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.visits = len(labels)
        pairs = pairwise(labels)
        self.names = [f"correlation({a}, {b})" for a, b in pairs]

    def matrix(self, rho: Floats) -> Floats:
        """Return R."""
        T = self.visits
        out = np.eye(T)
        for a in range(1, T):
            out[a, :a] = out[a - 1, :a] * rho[a - 1]
            out[:a, a] = out[a, :a]
        return out[None]

    def first(self, rho: Floats) -> Floats:
        """Return the products without one factor."""
        T = self.visits
        R = self.matrix(rho)[0]
        out = np.zeros((T - 1, 1, T, T))
        for j in range(T - 1):
            block = np.outer(R[j + 1 :, j + 1], R[j, : j + 1])
            out[j, 0, j + 1 :, : j + 1] = block
            out[j, 0, : j + 1, j + 1 :] = block.T
        return out

    def second(self, rho: Floats) -> Floats:
        """Return the products without two factors."""
        T = self.visits
        R = self.matrix(rho)[0]
        out = np.zeros((T - 1, T - 1, 1, T, T))
        for i in range(T - 1):
            for j in range(i + 1, T - 1):
                block = np.outer(R[j + 1 :, j + 1], R[i, : i + 1]) * R[j, i + 1]
                for h, k in ((i, j), (j, i)):
                    out[h, k, 0, j + 1 :, : i + 1] = block
                    out[h, k, 0, : i + 1, j + 1 :] = block.T
        return out

    def start(self, correlation: Floats) -> Floats:
        """Return the correlations of neighbours."""
        return np.diagonal(correlation[0], 1).copy()


class SpatialExponential(Correlation):
    """R_ab = exp(−|t_a − t_b| / range), in real time; one matrix per set of times.

    Parameters
    ----------
    times
        Times, shape (sets, T).
    """

    bounded = False

    def __init__(self, times: Floats) -> None:
        self.sets, self.visits = times.shape
        self.distance = np.abs(times[:, :, None] - times[:, None, :])
        self.names = ["range"]

    def matrix(self, rho: Floats) -> Floats:
        """Return R."""
        return np.asarray(np.exp(-self.distance / rho[0]))

    def first(self, rho: Floats) -> Floats:
        """Return R·d/range²."""
        return np.asarray(self.matrix(rho) * self.distance / rho[0] ** 2)[None]

    def second(self, rho: Floats) -> Floats:
        """Return R·(d²/range⁴ − 2d/range³)."""
        d, r = self.distance, rho[0]
        return np.asarray(self.matrix(rho) * (d**2 / r**4 - 2 * d / r**3))[None, None]

    def start(self, correlation: Floats) -> Floats:
        """Return the range that gives the mean correlation at the mean distance."""
        apart = self.distance[0] > 0
        if not apart.any():
            return np.array([1.0])
        mean = float(np.clip(correlation[0][apart].mean(), 0.05, 0.95))
        return np.array([float(self.distance[0][apart].mean()) / -np.log(mean)])


class VarianceCorrelation(Structure):
    """Σ = diag(√v) R(ρ) diag(√v), with one variance or one per visit.

    Parameters
    ----------
    correlation
        The rule for R.
    labels
        Names of the visits.
    heterogeneous
        One variance per visit.
    """

    def __init__(
        self, correlation: Correlation, labels: Sequence[str], *, heterogeneous: bool
    ) -> None:
        self.rule = correlation
        self.visits = correlation.visits
        self.sets = correlation.sets
        self.heterogeneous = heterogeneous
        variances = [f"variance({v})" for v in labels] if heterogeneous else ["variance"]
        self.n_variances = len(variances)
        self.names = variances + correlation.names

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        v = theta[: self.n_variances]
        full = v if self.heterogeneous else np.full(self.visits, v[0])
        return full, theta[self.n_variances :]

    def feasible(self, theta: Floats) -> bool:
        """Whether variances are positive and correlations lie between −1 and 1."""
        v, rho = self._split(theta)
        if not np.isfinite(theta).all() or (v <= 0).any():
            return False
        return bool((np.abs(rho) < 1).all() if self.rule.bounded else (rho > 0).all())

    def sigma(self, theta: Floats) -> Floats:
        """Return Σ(θ)."""
        v, rho = self._split(theta)
        deviation = np.sqrt(v)
        return np.asarray(self.rule.matrix(rho) * np.outer(deviation, deviation))

    def first(self, theta: Floats) -> Floats:
        """Return ∂Σ/∂θ."""
        v, rho = self._split(theta)
        scale = np.outer(np.sqrt(v), np.sqrt(v))
        sigma = self.sigma(theta)
        if self.heterogeneous:
            eye = np.eye(self.visits)
            # ∂Σ_ab/∂v_c = Σ_ab (δ_ac + δ_bc) / 2v_c
            own = (eye[:, :, None] + eye[:, None, :]) / (2 * v[:, None, None])
            variances = own[:, None] * sigma
        else:
            variances = (sigma / v[0])[None]
        return np.concatenate([variances, self.rule.first(rho) * scale])

    def second(self, theta: Floats) -> Floats:
        """Return ∂²Σ/∂θ∂θ'."""
        v, rho = self._split(theta)
        T, m, k = self.visits, self.n_variances, self.parameters
        scale = np.outer(np.sqrt(v), np.sqrt(v))
        out = np.zeros((k, k, self.sets, T, T))
        by_rho = self.rule.first(rho) * scale
        out[m:, m:] = self.rule.second(rho) * scale
        if self.heterogeneous:
            eye = np.eye(T)
            touch = eye[:, :, None] + eye[:, None, :]  # (c, a, b): δ_ac + δ_bc
            half = touch / (2 * v[:, None, None])
            factor = half[:, None] * half[None, :]
            at = np.arange(T)
            factor[at, at] -= touch / (2 * (v**2)[:, None, None])
            out[:m, :m] = factor[:, :, None] * self.sigma(theta)
            mixed = half[:, None, None] * by_rho[None]
        else:
            mixed = (by_rho / v[0])[None]
        out[:m, m:] = mixed
        out[m:, :m] = mixed.transpose(1, 0, 2, 3, 4)
        return out

    def start(self, moments: Floats) -> Floats:
        """Return variances and correlations of the moment estimate, shrunk until Σ is valid."""
        v = np.diagonal(moments[0])
        deviation = np.sqrt(v)
        correlation = moments / np.outer(deviation, deviation)
        rho = self.rule.start(correlation)
        variances = v if self.heterogeneous else np.array([v.mean()])
        for _ in range(80):
            theta = np.concatenate([variances, rho])
            if (
                self.feasible(theta)
                and np.linalg.eigvalsh(self.sigma(theta)).min() > 1e-10 * v.min()
            ):
                break
            rho = 0.9 * rho
        return theta

    def weighted_second_mmrm(self, theta: Floats, omega: Floats) -> Floats:
        """Return Σ Ω ∂²Σ in log standard deviations and mmrm's unbounded correlations.

        The change of parameters is elementwise, so Σ Ω_φ ∂²Σ/∂φ² = Σ Ω_θ ∂²Σ/∂θ² +
        Σ_a Ω_θ,aa (θ_a''/θ_a'²) ∂Σ/∂θ_a.
        """
        if not self.rule.bounded:
            return super().weighted_second_mmrm(theta, omega)
        v, rho = theta[: self.n_variances], theta[self.n_variances :]
        bend = np.concatenate([1.0 / v, self.rule.mmrm_bend(rho)])
        base = np.tensordot(omega, self.second(theta), axes=2)
        extra = np.tensordot(np.diag(omega) * bend, self.first(theta), axes=1)
        return np.asarray(base + extra)
