"""The sums over participants when no two participants share a pattern.

Irregular visit times, or weights that vary within a participant, give every participant an own
covariance and an own design X_i. The sums that the likelihood needs are then formed directly from
X_i and y_i; they have the same names and shapes as those of :class:`.statistics.CrossProducts`, so
that the likelihood does not know the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .factors import Codes, Floats


@dataclass
class ParticipantRows:
    """Design and outcome of every participant, zero where not seen.

    Attributes
    ----------
    n, mask, set_index
        Weight, visits seen and covariance set per participant.
    X, y
        Shapes (participants, T, p) and (participants, T), y as residuals of ``offset``.
    offset, n_observations, log_weight
        As for cross-products.
    """

    n: Floats
    mask: NDArray[np.bool_]
    set_index: Codes
    X: Floats
    y: Floats
    offset: Floats
    n_observations: float
    log_weight: float = 0.0

    @property
    def visits(self) -> int:
        """Largest number of rows of a participant."""
        return int(self.X.shape[1])

    @property
    def coefficients(self) -> int:
        """Number of coefficients p."""
        return int(self.X.shape[2])

    def part(self, rows: slice) -> ParticipantRows:
        """Return the statistics of some of the participants."""
        if rows.start == 0 and rows.stop >= len(self.n):
            return self
        names = ("n", "mask", "set_index", "X", "y")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def keep(self, kept: NDArray[np.int64]) -> ParticipantRows:
        """Return the statistics without the aliased coefficients."""
        return replace(self, X=np.ascontiguousarray(self.X[:, :, kept]), offset=self.offset[kept])

    def _flat(self, X: Floats) -> Floats:
        return X.reshape(-1, X.shape[2])

    def xwx(self, weights: Floats) -> Floats:
        """Return Σ_i X_i' W_i X_i, shape (p, p)."""
        moved = (weights * self.n[:, None, None]) @ self.X
        return np.asarray(self._flat(self.X).T @ self._flat(moved))

    def stack(self, weights: Floats) -> Floats:
        """Return Σ_i X_i' E_ih X_i for weights (participants, k, T, T): shape (k, p, p)."""
        k, p = weights.shape[1], self.coefficients
        moved = (weights * self.n[:, None, None, None]) @ self.X[:, None]
        wide = moved.transpose(0, 2, 1, 3).reshape(-1, k * p)
        return np.asarray((self._flat(self.X).T @ wide).reshape(p, k, p).transpose(1, 0, 2))

    def xwx_many(self, inner: Floats) -> Floats:
        """Return the sums of :meth:`stack` as they are."""
        return inner

    def xwy(self, weights: Floats) -> Floats:
        """Return Σ_i X_i' W_i y_i, shape (p,)."""
        moved = (weights @ self.y[:, :, None])[:, :, 0] * self.n[:, None]
        return np.asarray(self._flat(self.X).T @ moved.ravel())

    def ywy(self, weights: Floats) -> float:
        """Return Σ_i y_i' W_i y_i."""
        moved = (weights @ self.y[:, :, None])[:, :, 0] * self.n[:, None]
        return float(np.vdot(moved, self.y))

    def residuals(self, beta: Floats) -> Floats:
        """Return y_i − X_i β, shape (participants, T)."""
        return self.y - self.X @ beta

    def residual_products(self, beta: Floats) -> Floats:
        """Return r_i r_i', shape (participants, T, T)."""
        r = self.residuals(beta)
        return np.asarray(r[:, :, None] * (r * self.n[:, None])[:, None, :])

    def leverage_products(self, phi: Floats) -> Floats:
        """Return X_i Φ X_i', shape (participants, T, T)."""
        moved = (self.X @ phi) * self.n[:, None, None]
        return np.asarray(moved @ self.X.transpose(0, 2, 1))

    def scores(self, weights: Floats, beta: Floats) -> Floats:
        """Return Σ_i X_i' E_ih r_i, shape (k, p)."""
        r = (self.residuals(beta) * self.n[:, None])[:, None, :, None]
        moved = (weights @ r)[..., 0]  # (participants, k, T)
        k = moved.shape[1]
        return np.asarray(moved.transpose(1, 0, 2).reshape(k, -1) @ self._flat(self.X))
