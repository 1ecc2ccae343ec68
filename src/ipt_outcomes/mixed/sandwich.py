"""Sandwich (empirical) covariances of the fixed effects, clustered by participant.

    V = Φ ( Σ_i X_i' W_i A_i r_i r_i' A_i' W_i X_i ) Φ

with A_i the identity (CR0), (I − H_ii)^(−1/2) (CR2) or (I − H_ii)^(−1) (CR3, the jackknife), in the
metric of the Cholesky factor of Σ_i. Degrees of freedom of a contrast c follow Bell & McCaffrey: V
is a quadratic form in y; with the model as working covariance its first two moments are matched by
a scaled chi-squared on (tr Γ)²/tr(Γ²) degrees of freedom.

Sources: Bell & McCaffrey (2002) Survey Methodology 28:169; Pustejovsky & Tipton (2018) JBES 36:672.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .factors import Codes, Floats

Block = tuple[Floats, Floats, Floats]


@dataclass
class Sandwich:
    """The sandwich covariance, and what its df need.

    Attributes
    ----------
    vcov
        V (p, p).
    phi
        Model-based covariance Φ.
    adjusted
        A_i L_i⁻¹ X_i stacked over participants (rows, p).
    plain
        L_i⁻¹ X_i stacked (rows, p).
    starts
        First row of every participant.
    """

    vcov: Floats
    phi: Floats
    adjusted: Floats
    plain: Floats
    starts: Codes

    def df(self, rows: Floats) -> Floats:
        """Return the df of each contrast (m, p)."""
        out = np.empty(len(rows))
        for j, c in enumerate(rows @ self.phi):
            weights = self.adjusted @ c
            size = np.add.reduceat(weights**2, self.starts)
            own = np.add.reduceat(self.plain * weights[:, None], self.starts)
            leverage = np.einsum("ip,pq,iq->i", own, self.phi, own)
            trace = float((size - leverage).sum())
            cross = self.phi @ (own.T @ own)
            square = float((size**2 - 2 * size * leverage).sum() + np.trace(cross @ cross))
            out[j] = trace**2 / square
        return out


def sandwich(blocks: Iterable[Block], phi: Floats, kind: str) -> Sandwich:
    """Compute a sandwich covariance.

    Parameters
    ----------
    blocks
        Participants with equally many rows: designs (n, m, p), residuals (n, m) and the Cholesky
        factors of Σ_i, (m, m) or (n, m, m).
    phi
        Model-based covariance Φ.
    kind
        ``"CR0"``, ``"CR2"`` or ``"CR3"``.

    Examples
    --------
    >>> X, r = np.ones((2, 2, 1)), np.array([[1.0, -1.0], [2.0, -1.0]])
    >>> sandwich([(X, r, np.eye(2))], np.array([[0.25]]), "CR0").vcov.tolist()
    [[0.0625]]
    """
    p = len(phi)
    meat = np.zeros((p, p))
    plain, adjusted, sizes = [], [], []
    for X, residual, lower in blocks:
        both = np.linalg.solve(lower, np.concatenate([X, residual[:, :, None]], axis=2))
        own, r = both[:, :, :p], both[:, :, p]
        moved = own
        if kind != "CR0":
            left = np.eye(X.shape[1]) - own @ phi @ own.transpose(0, 2, 1)
            values, vectors = np.linalg.eigh(left)
            # A participant who alone carries a coefficient has leverage 1: that direction has no
            # residual, and the generalised inverse leaves it out.
            power = -0.5 if kind == "CR2" else -1.0
            safe = np.where(values > 1e-10, np.maximum(values, 1e-10) ** power, 0.0)
            moved = (vectors * safe[:, None, :]) @ (vectors.transpose(0, 2, 1) @ own)
        score = np.einsum("nmp,nm->np", moved, r)
        meat += score.T @ score
        plain.append(own.reshape(-1, p))
        adjusted.append(moved.reshape(-1, p))
        sizes.append(np.full(len(X), X.shape[1]))
    starts = np.cumsum(np.concatenate(sizes))
    starts = np.concatenate([[0], starts[:-1]])
    return Sandwich(phi @ meat @ phi, phi, np.concatenate(adjusted), np.concatenate(plain), starts)
