r"""The covariance of two series measured together: stable persons, and what moves around them.

With :math:`(x, y)_{it} = \mu_{gt} + Z_t b_i + w_{it}` for person i of group g at occasion
t = 1..T,

.. math::

    b_i \sim N(0, \Psi), \quad w_{i1} \sim N(0, \Sigma_1), \quad
    w_{it} = A_t w_{i,t-1} + e_{it}, \quad e_{it} \sim N(0, \Sigma_t),

where b holds a level of either series and, if asked for, a trend of either series, the stacked
series have the covariance :math:`Z \Psi Z' + W`, :math:`W = L D L'`, D the block diagonal of the
:math:`\Sigma_t` and L the block lower triangle of products of the A. With B holding the A below its
diagonal, :math:`L = (I - B)^{-1}`, so that :math:`\partial L = L\, \partial B\, L`; with
:math:`P_h = L\, \partial B/\partial\theta_h` the derivatives are

.. math::

    \partial_h W = P_h W + W P_h', \qquad
    \partial_h \partial_j W = (P_h P_j + P_j P_h) W + P_h W P_j' + \text{transpose}.

A and the Σ of later occasions are the same at all occasions, or free at each.

Sources: Hamaker, Kuiper & Grasman (2015), Psychological Methods 20:102; with trends: Curran,
Howard, Bainter, Lane & McGinley (2014), Journal of Consulting and Clinical Psychology 82:879.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .covariances import Structure
from .factors import Floats

SERIES = ("x", "y")


@dataclass(frozen=True)
class Lag:
    """A regression on the occasion before.

    Attributes
    ----------
    to, of
        Which of the two series is regressed (row of A), and on which (column).
    steps
        Positions of the later occasions that it belongs to, 1 to T − 1.
    name
        Its name as a parameter, such as ``x -> y``.
    """

    to: int
    of: int
    steps: tuple[int, ...]
    name: str


class CrossLagged(Structure):
    """Random intercepts (and trends) and cross-lagged regressions of two series.

    The visits of the structure are x and y of the first occasion, x and y of the second, and so on.

    Parameters
    ----------
    occasions
        Labels of the occasions in order, at least three.
    times
        When they are, for trends; equally spaced when left out. A trend is measured over the whole
        range of the times.
    trends
        Whether persons differ in their trends too.
    free_lags
        Whether A is free at each occasion.
    free_innovations
        Whether the covariance of e is free at each occasion.
    held
        Regressions by name that are held at a value.

    Examples
    --------
    >>> CrossLagged(["1", "2", "3"]).names[2:6]
    ['variance(level of y)', 'x -> x', 'y -> x', 'x -> y']
    """

    def __init__(
        self,
        occasions: Sequence[str],
        *,
        times: Sequence[float] | None = None,
        trends: bool = False,
        free_lags: bool = False,
        free_innovations: bool = False,
        held: Mapping[str, float] | None = None,
    ) -> None:
        labels = list(occasions)
        T = len(labels)
        self.occasions = T
        self.visits = 2 * T
        self.trends = trends
        lags = _lags(labels, free=free_lags)
        held = held or {}
        self.lags = [lag for lag in lags if lag.name not in held]
        self._held = np.zeros((T - 1, 2, 2))
        for lag in lags:
            for t in lag.steps:
                self._held[t - 1, lag.to, lag.of] = held.get(lag.name, 0.0)
        later = [((t,), f" ({labels[t]})") for t in range(1, T)] if free_innovations else [
            (tuple(range(1, T)), "")
        ]  # fmt: skip
        self.blocks: list[tuple[tuple[int, ...], str]] = [
            ((0,), "the first occasion"),
            *((where, f"the innovations{label}") for where, label in later),
        ]
        effects = [f"{what} of {s}" for what in ("level", "trend")[: 1 + trends] for s in SERIES]
        self._rows, self._cols = np.tril_indices(len(effects))
        self.names = [
            *_triangle_names(effects),
            *(lag.name for lag in self.lags),
            *(f"{what}: {part}" for _, what in self.blocks for part in _triangle_names(SERIES)),
        ]
        self._stable = self._products(_design(T, times, trends=trends))
        self._shifts = np.zeros((len(self.lags), 2 * T, 2 * T))
        for h, lag in enumerate(self.lags):
            for t in lag.steps:
                self._shifts[h, 2 * t + lag.to, 2 * (t - 1) + lag.of] = 1.0
        self._spreads = np.zeros((3 * len(self.blocks), 2 * T, 2 * T))
        for k, (where, _) in enumerate(self.blocks):
            for j, E in enumerate(_BASIS):
                for t in where:
                    self._spreads[3 * k + j, 2 * t : 2 * t + 2, 2 * t : 2 * t + 2] = E

    def _products(self, Z: Floats) -> Floats:
        out = Z[:, None, self._rows] * Z[None, :, self._cols]
        out = out + np.where(self._rows == self._cols, 0.0, out.transpose(1, 0, 2))
        return np.ascontiguousarray(out.transpose(2, 0, 1))

    @property
    def n_stable(self) -> int:
        """Number of parameters of the stable parts, the first ones."""
        return len(self._rows)

    @property
    def covariance_blocks(self) -> list[tuple[int, int, str]]:
        """Covariance matrices among the parameters: where they begin, their order, what of."""
        first = self.n_stable + len(self.lags)
        return [
            (0, 4 if self.trends else 2, "the stable parts"),
            *((first + 3 * k, 2, what) for k, (_, what) in enumerate(self.blocks)),
        ]

    def _split(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        m = self.n_stable
        return theta[:m], theta[m : m + len(self.lags)], theta[m + len(self.lags) :]

    def transition(self, theta: Floats) -> Floats:
        """Return A of each later occasion, shape (T − 1, 2, 2)."""
        A = self._held.copy()
        for value, lag in zip(self._split(theta)[1], self.lags, strict=True):
            for t in lag.steps:
                A[t - 1, lag.to, lag.of] = value
        return A

    def _within(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return L and the covariance W of the moving parts, (2T, 2T) each."""
        B = np.eye(self.visits)
        for t, A in enumerate(self.transition(theta), start=1):
            B[2 * t : 2 * t + 2, 2 * t - 2 : 2 * t] = -A
        L: Floats = np.asarray(np.linalg.inv(B), np.float64)
        D = np.asarray(np.tensordot(self._split(theta)[2], self._spreads, 1), np.float64)
        return L, L @ D @ L.T

    def moving(self, theta: Floats) -> Floats:
        """Return the covariance of the moving parts at each occasion, shape (T, 2, 2)."""
        T = self.occasions
        W = self._within(theta)[1].reshape(T, 2, T, 2)
        return np.ascontiguousarray(W[np.arange(T), :, np.arange(T), :])

    def stable(self, theta: Floats) -> Floats:
        """Return Ψ, (2, 2) or with trends (4, 4)."""
        size = 4 if self.trends else 2
        out = np.zeros((size, size))
        out[self._rows, self._cols] = out[self._cols, self._rows] = theta[: self.n_stable]
        return out

    def innovation(self, theta: Floats) -> Floats:
        """Return the covariance of e at the last occasion, shape (2, 2)."""
        return np.asarray(np.tensordot(theta[-3:], _BASIS, 1))

    def sigma(self, theta: Floats) -> Floats:
        """Return Σ(θ), shape (1, 2T, 2T)."""
        S = self._within(theta)[1] + np.tensordot(theta[: self.n_stable], self._stable, 1)
        return np.asarray(0.5 * (S + S.T)[None])

    def first(self, theta: Floats) -> Floats:
        """Return ∂Σ/∂θ."""
        L, W = self._within(theta)
        moved = (L @ self._shifts) @ W
        spread = L @ self._spreads @ L.T
        out = np.concatenate([self._stable, moved + moved.transpose(0, 2, 1), spread])
        return out[:, None]

    def second(self, theta: Floats) -> Floats:
        """Return ∂²Σ/∂θ∂θ'."""
        L, W = self._within(theta)
        k, m, s = self.parameters, len(self.lags), self.n_stable
        lags, spreads = slice(s, s + m), slice(s + m, k)
        P = L @ self._shifts
        out = np.zeros((k, k, 1, self.visits, self.visits))
        with_spread = P[:, None] @ (L @ self._spreads @ L.T)[None]
        mixed = with_spread + with_spread.transpose(0, 1, 3, 2)
        out[lags, spreads, 0] = mixed
        out[spreads, lags, 0] = mixed.transpose(1, 0, 2, 3)
        PW = P @ W
        half = (
            P[:, None] @ PW[None] + P[None] @ PW[:, None] + PW[:, None] @ P.transpose(0, 2, 1)[None]
        )
        out[lags, lags, 0] = half + half.transpose(0, 1, 3, 2)
        return out

    def start(self, moments: Floats) -> Floats:
        """Return starting values: what far occasions share is stable, the rest moves freely."""
        T, own = self.occasions, 0.2
        blocks = moments[0].reshape(T, 2, T, 2).transpose(0, 2, 1, 3)
        lag = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
        total = blocks[lag == 0].mean(0)
        unit = np.outer(*[np.sqrt(np.diag(total))] * 2)
        shared = blocks[lag >= 2].mean(0)
        kept = _clipped(0.5 * (shared + shared.T) / unit, 0.1, 0.7) * unit
        moving = _clipped((total - kept) / unit, 0.1, np.inf) * unit
        stable = np.zeros((4, 4))
        stable[:2, :2] = kept
        stable[2:, 2:] = np.diag(np.diag(total)) * 0.2
        triangle = moving[np.tril_indices(2)]
        return np.concatenate(
            [
                stable[self._rows, self._cols],
                [own if lag.to == lag.of else 0.0 for lag in self.lags],
                triangle,
                *[(1 - own**2) * triangle] * (len(self.blocks) - 1),
            ]
        )


_BASIS: Floats = np.array([[[1, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]], float)
"""What the variances and the covariance of two series multiply."""


def _lags(labels: list[str], *, free: bool) -> list[Lag]:
    T = len(labels)
    steps = [((t,), f" ({labels[t]})") for t in range(1, T)] if free else [
        (tuple(range(1, T)), "")
    ]  # fmt: skip
    return [
        Lag(to, of, where, f"{SERIES[of]} -> {SERIES[to]}{label}")
        for where, label in steps
        for to in (0, 1)
        for of in (0, 1)
    ]


def _design(T: int, times: Sequence[float] | None, *, trends: bool) -> Floats:
    """Return Z, shape (2T, q): levels, and trends over the range of the times, centred."""
    t = np.arange(T, dtype=float) if times is None else np.asarray(times, float)
    columns = np.column_stack([np.ones(T), (t - t.mean()) / (t.max() - t.min())])[:, : 1 + trends]
    return np.kron(columns[:, None, :], np.eye(2)[None]).reshape(2 * T, -1)


def _clipped(matrix: Floats, low: float, high: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.clip(values, low, high)) @ vectors.T)


def _triangle_names(names: Sequence[str]) -> list[str]:
    return [
        f"variance({names[a]})" if a == b else f"covariance({names[b]}, {names[a]})"
        for a, b in zip(*(i.tolist() for i in np.tril_indices(len(names))), strict=True)
    ]
