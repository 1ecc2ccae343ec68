"""Sufficient statistics: cross-products of (z, y) within each pattern of visits seen.

With rows of the design x_ia = A_a' z_i and weights W_g (the inverse covariance of the visits seen
by pattern g, zero elsewhere), every sum over participants that the likelihood needs is linear in

    n_g = Σ_i 1 ,   Z_g = Σ_i z_i z_i' ,   C_g = Σ_i z_i y_i' ,   Y_g = Σ_i y_i y_i' ,

so that after one pass over the data each step costs the same for 200 and for 2,000,000
participants. Sums are kept for y minus a first least-squares fit: the cross-products then hold no
large common part that would swallow the digits of the residuals.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .factors import Codes, Floats
from .rows import ParticipantRows

CHUNK = 2_000_000  # numbers held at once while contracting stacks of weights


@dataclass
class Patterns:
    """Groups of participants who share the visits seen and the covariance set.

    Attributes
    ----------
    mask
        Visits seen, shape (patterns, visits).
    set_index
        Covariance set of each pattern (for instance the arm).
    member
        Pattern of each participant.
    counts
        Participants (or their summed weights) per pattern.
    """

    mask: NDArray[np.bool_]
    set_index: Codes
    member: Codes
    counts: Floats


def find_patterns(seen: NDArray[np.bool_], sets: Codes | None = None) -> Patterns:
    """Group participants by the visits seen and the covariance set.

    Examples
    --------
    >>> find_patterns(np.array([[1, 1], [1, 0], [1, 1]], bool)).counts.tolist()
    [1.0, 2.0]
    """
    participants, visits = seen.shape
    if visits <= 40:
        code = seen @ (np.int64(1) << np.arange(visits, dtype=np.int64))
        if sets is not None:
            code = code + (sets << np.int64(visits))
        _, first, member, counts = np.unique(
            code, return_index=True, return_inverse=True, return_counts=True
        )
    else:
        packed = np.packbits(seen, axis=1)
        if sets is not None:
            tail = sets.astype(">i8").view(np.uint8).reshape(participants, 8)
            packed = np.hstack([packed, tail])
        _, first, member, counts = np.unique(
            packed, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
    set_index = np.zeros(len(first), np.int64) if sets is None else sets[first]
    return Patterns(seen[first], set_index, member.ravel().astype(np.int64), counts.astype(float))


@dataclass
class CrossProducts:
    """Cross-products per pattern, with the sums over participants that the likelihood needs.

    Attributes
    ----------
    n, mask, set_index
        Participants, visits seen and covariance set per pattern.
    zz, zy, yy
        Z_g (patterns, d, d), C_g (patterns, d, T), Y_g (patterns, T, T), y as residuals of
        ``offset``.
    selectors
        A, shape (T, d, p).
    offset
        Coefficients of the first least-squares fit that y was freed from, shape (p,).
    n_observations
        Observations (sum of replicate weights times visits seen).
    log_weight
        Σ log w over observations, for analytic weights.
    """

    n: Floats
    mask: NDArray[np.bool_]
    set_index: Codes
    zz: Floats
    zy: Floats
    yy: Floats
    selectors: Floats
    offset: Floats
    n_observations: float
    log_weight: float = 0.0
    flat: Floats = field(init=False)
    wide: Floats = field(init=False)

    def __post_init__(self) -> None:
        T, d, p = self.selectors.shape
        self.flat = np.ascontiguousarray(self.selectors.reshape(T * d, p))
        self.wide = self.zz.reshape(len(self.n), d * d)

    @property
    def visits(self) -> int:
        """Number of visits T."""
        return int(self.selectors.shape[0])

    @property
    def coefficients(self) -> int:
        """Number of coefficients p."""
        return int(self.selectors.shape[2])

    def part(self, rows: slice) -> CrossProducts:
        """Return the statistics of some of the patterns."""
        if rows.start == 0 and rows.stop >= len(self.n):
            return self
        names = ("n", "mask", "set_index", "zz", "zy", "yy")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def keep(self, kept: NDArray[np.int64]) -> CrossProducts:
        """Return the statistics without the aliased coefficients."""
        selectors = np.ascontiguousarray(self.selectors[:, :, kept])
        return replace(self, selectors=selectors, offset=self.offset[kept])

    def xwx(self, weights: Floats) -> Floats:
        """Return Σ_i X_i' W_g X_i, shape (p, p)."""
        T, d, _ = self.selectors.shape
        inner = weights.reshape(len(self.n), T * T).T @ self.wide
        inner = inner.reshape(T, T, d, d).transpose(0, 2, 1, 3).reshape(T * d, T * d)
        return np.asarray(self.flat.T @ (inner @ self.flat))

    def xwx_many(self, inner: Floats) -> Floats:
        """Contract a stack Σ_g E_gh ⊗ Z_g, shape (k, T·T, d·d), to Σ_i X_i' E_gh X_i (k, p, p)."""
        T, d, p = self.selectors.shape
        k = len(inner)
        blocks = inner.reshape(k, T, T, d, d).transpose(0, 1, 3, 2, 4).reshape(k * T * d, T * d)
        right = (blocks @ self.flat).reshape(k, T * d, p)
        return np.asarray(self.flat.T @ right)

    def stack(self, weights: Floats) -> Floats:
        """Return Σ_g E_gh ⊗ Z_g for weights (patterns, k, T, T): shape (k, T·T, d·d)."""
        g, k, T, _ = weights.shape
        flat = weights.reshape(g, k * T * T).T @ self.wide
        return flat.reshape(k, T * T, -1)

    def xwy(self, weights: Floats) -> Floats:
        """Return Σ_i X_i' W_g y_i, shape (p,)."""
        inner = np.tensordot(weights, self.zy, axes=([0, 2], [0, 2]))  # (T, d)
        return np.asarray(self.flat.T @ inner.ravel())

    def ywy(self, weights: Floats) -> float:
        """Return Σ_i y_i' W_g y_i."""
        return float(np.vdot(weights, self.yy))

    def visit_coefficients(self, beta: Floats) -> Floats:
        """Return the coefficients of z at each visit, A_a β, shape (T, d)."""
        T, d, _ = self.selectors.shape
        return (self.flat @ beta).reshape(T, d)

    def residual_products(self, beta: Floats) -> Floats:
        """Return Σ_i r_i r_i' per pattern, r = y − Xβ, shape (patterns, T, T)."""
        B = self.visit_coefficients(beta)
        cross = B @ self.zy
        return np.asarray(self.yy - cross - cross.transpose(0, 2, 1) + (B @ self.zz) @ B.T)

    def leverage_products(self, phi: Floats) -> Floats:
        """Return Σ_i X_i Φ X_i' per pattern, shape (patterns, T, T)."""
        T, d, _ = self.selectors.shape
        spread = self.flat @ (phi @ self.flat.T)
        spread = spread.reshape(T, d, T, d).transpose(0, 2, 1, 3).reshape(T * T, d * d)
        return (self.wide @ spread.T).reshape(len(self.n), T, T)

    def scores(self, weights: Floats, beta: Floats) -> Floats:
        """Return Σ_i X_i' E_gh r_i for weights (patterns, k, T, T), shape (k, p)."""
        B = self.visit_coefficients(beta)
        zr = self.zy - self.zz @ B.T  # (patterns, d, T)
        T, d, _ = self.selectors.shape
        g, k = weights.shape[:2]
        left = weights.transpose(1, 2, 0, 3).reshape(k * T, g * T)
        right = zr.transpose(0, 2, 1).reshape(g * T, d)
        return np.asarray((left @ right).reshape(k, T * d) @ self.flat)


def cross_products(
    z: Floats,
    y: Floats,
    patterns: Patterns,
    selectors: Floats,
    offset: Floats,
    *,
    weights: Floats | None = None,
    log_weight: float = 0.0,
) -> CrossProducts:
    """Sum the cross-products of (z, y) over the participants of each pattern.

    Parameters
    ----------
    z
        Participants' columns (N, d), already multiplied by √w for analytic weights.
    y
        Outcome (N, T), zero where not seen.
    patterns
        Pattern of each participant.
    selectors
        A (T, d, p).
    offset
        Coefficients that ``y`` was freed from.
    weights
        Replicate weights (N,): how often each participant counts.

    Examples
    --------
    >>> patterns = find_patterns(np.ones((3, 1), bool))
    >>> y = np.array([[1.0], [2.0], [3.0]])
    >>> cross_products(np.ones((3, 1)), y, patterns, np.ones((1, 1, 1)), np.zeros(1)).yy.tolist()
    [[[14.0]]]
    """
    d, T = z.shape[1], y.shape[1]
    number = len(patterns.counts)
    order = np.argsort(patterns.member, kind="stable")
    both = np.concatenate([z, y], axis=1)[order]
    other = both if weights is None else both * weights[order, None]
    sizes = np.bincount(patterns.member, minlength=number)
    ends = np.cumsum(sizes)
    gram = np.empty((number, d + T, d + T))
    for g, (start, end) in enumerate(zip(ends - sizes, ends, strict=True)):
        np.matmul(other[start:end].T, both[start:end], out=gram[g])
    n: Floats = np.asarray(
        patterns.counts
        if weights is None
        else np.bincount(patterns.member, weights, minlength=number)
    )
    return CrossProducts(
        n=n,
        mask=patterns.mask,
        set_index=patterns.set_index,
        zz=np.ascontiguousarray(gram[:, :d, :d]),
        zy=np.ascontiguousarray(gram[:, :d, d:]),
        yy=np.ascontiguousarray(gram[:, d:, d:]),
        selectors=selectors,
        offset=offset,
        n_observations=float(n @ patterns.mask.sum(1)),
        log_weight=log_weight,
    )


Statistics = CrossProducts | ParticipantRows
