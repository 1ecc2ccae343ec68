"""Covariances put together: by group, and random effects plus a residual.

    Σ_s(θ) = Z_s G Z_s' + R_s(θ)

for set s of participants with the same group and the same design Z of random effects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .covariances import Structure
from .factors import Codes, Floats


class Grouped(Structure):
    """The same structure with its own parameters in every group.

    Parameters
    ----------
    base
        Structure of one group.
    groups
        Names of the groups.
    group_of_set, base_set
        Group, and set of the base structure, of every set.
    """

    def __init__(
        self, base: Structure, groups: Sequence[str], group_of_set: Codes, base_set: Codes
    ) -> None:
        self.base = base
        self.groups = list(groups)
        self.group_of_set = group_of_set
        self.base_set = base_set
        self.sets = len(group_of_set)
        self.visits = base.visits
        self.linear = base.linear
        self.names = [f"{g}: {name}" for g in groups for name in base.names]

    def _block(self, group: int) -> slice:
        return slice(group * self.base.parameters, (group + 1) * self.base.parameters)

    def sigma(self, theta: Floats) -> Floats:
        """Return Σ of every set."""
        own = np.stack([self.base.sigma(theta[self._block(g)]) for g in range(len(self.groups))])
        return np.asarray(own[self.group_of_set, self.base_set])

    def first(self, theta: Floats) -> Floats:
        """Return ∂Σ/∂θ, zero for the parameters of other groups."""
        out = np.zeros((self.parameters, self.sets, self.visits, self.visits))
        for g in range(len(self.groups)):
            at = np.flatnonzero(self.group_of_set == g)
            block = self._block(g)
            out[block, at] = self.base.first(theta[block])[:, self.base_set[at]]
        return out

    def second(self, theta: Floats) -> Floats:
        """Return ∂²Σ/∂θ∂θ'."""
        k = self.parameters
        out = np.zeros((k, k, self.sets, self.visits, self.visits))
        for g in range(len(self.groups)):
            at = np.flatnonzero(self.group_of_set == g)
            block = self._block(g)
            inner = self.base.second(theta[block])
            places = np.arange(block.start, block.stop)
            out[np.ix_(places, places, at)] = inner[:, :, self.base_set[at]]
        return out

    def start(self, moments: Floats) -> Floats:
        """Return each group's own starting values."""
        parts = []
        for g in range(len(self.groups)):
            first = int(np.flatnonzero(self.group_of_set == g)[0])
            parts.append(self.base.start(moments[first : first + 1]))
        return np.concatenate(parts)

    def feasible(self, theta: Floats) -> bool:
        """Whether every group's parameters are in their space."""
        return all(self.base.feasible(theta[self._block(g)]) for g in range(len(self.groups)))

    def weighted_second_mmrm(self, theta: Floats, omega: Floats) -> Floats:
        """Return the groups' sums; parameters of different groups have no mixed derivative."""
        out = np.zeros((self.sets, self.visits, self.visits))
        for g in range(len(self.groups)):
            block = self._block(g)
            own = self.base.weighted_second_mmrm(theta[block], omega[block, block])
            at = np.flatnonzero(self.group_of_set == g)
            out[at] = own[self.base_set[at]]
        return out


class RandomPlusResidual(Structure):
    """Participants' random effects plus a residual covariance: Σ_s = Z_s G Z_s' + R_s.

    Parameters
    ----------
    Z
        Designs of the random effects, shape (sets, T, q), zero where not seen.
    effects
        Names of the random effects.
    residual
        Covariance of the residuals, with as many sets (or one).
    """

    def __init__(self, Z: Floats, effects: Sequence[str], residual: Structure) -> None:
        self.Z = Z
        self.effects = list(effects)
        self.residual = residual
        self.sets, self.visits, self.q = Z.shape
        self.linear = residual.linear
        self.rows, self.cols = np.tril_indices(self.q)
        self.n_random = len(self.rows)
        pairs = list(zip(self.rows.tolist(), self.cols.tolist(), strict=True))
        self.names = [
            f"variance({effects[a]})" if a == b else f"covariance({effects[b]}, {effects[a]})"
            for a, b in pairs
        ] + [f"residual {name}" for name in residual.names]
        first = np.empty((self.n_random, self.sets, self.visits, self.visits))
        for h, (a, b) in enumerate(pairs):
            product = Z[:, :, None, a] * Z[:, None, :, b]
            first[h] = product if a == b else product + product.transpose(0, 2, 1)
        self._random_first = first

    def random_covariance(self, theta: Floats) -> Floats:
        """Return G (q, q)."""
        out = np.empty((self.q, self.q))
        out[self.rows, self.cols] = out[self.cols, self.rows] = theta[: self.n_random]
        return out

    def sigma(self, theta: Floats) -> Floats:
        """Return Σ of every set."""
        G = self.random_covariance(theta)
        return np.asarray(
            self.Z @ G @ self.Z.transpose(0, 2, 1) + self.residual.sigma(theta[self.n_random :])
        )

    def first(self, theta: Floats) -> Floats:
        """Return ∂Σ/∂θ."""
        residual = self.residual.first(theta[self.n_random :])
        shape = (len(residual), self.sets, self.visits, self.visits)
        return np.concatenate([self._random_first, np.broadcast_to(residual, shape)])

    def second(self, theta: Floats) -> Floats:
        """Return ∂²Σ/∂θ∂θ', which only the residual part has."""
        k, m = self.parameters, self.n_random
        out = np.zeros((k, k, self.sets, self.visits, self.visits))
        out[m:, m:] = self.residual.second(theta[m:])
        return out

    def weighted_second(self, theta: Floats, omega: Floats) -> Floats | None:
        """Return the residual part's sum."""
        m = self.n_random
        own = self.residual.weighted_second(theta[m:], omega[m:, m:])
        if own is None:
            return None
        return np.broadcast_to(own, (self.sets, self.visits, self.visits))

    def start(self, moments: Floats) -> Floats:
        """Return half of the variance for the random effects, half for the residual."""
        total = float(np.einsum("saa->", moments)) / (len(moments) * self.visits)
        size = np.maximum(
            (self.Z**2).sum((0, 1)) / np.maximum((self.Z != 0).sum((0, 1)), 1), 1e-300
        )
        G = np.diag(0.5 * total / (self.q * size))
        lag = np.abs(np.subtract.outer(np.arange(self.visits), np.arange(self.visits)))
        residual = np.broadcast_to(0.5 * total * 0.2**lag, moments.shape)
        return np.concatenate([G[self.rows, self.cols], self.residual.start(residual)])

    def feasible(self, theta: Floats) -> bool:
        """Whether the residual's parameters are in their space; G may leave the cone on the way."""
        return bool(np.isfinite(theta).all()) and self.residual.feasible(theta[self.n_random :])
