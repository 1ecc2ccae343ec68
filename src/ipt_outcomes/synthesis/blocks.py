r"""The restricted likelihood of rows within trials, with its gradient and curvature.

For the rows of trial j, y_j ~ N(X_j β, Ω_j) with

    Ω_j = V_j + τ² 1 1' + ω² I,

τ² the variance between trials, ω² that between rows of a trial, V_j the sampling covariance. With
S_j = Ω_j⁻¹, M = (Σ X'SX)⁻¹, r = y - Xβ, D_1 = 1 1', D_2 = I and P the projection of REML,

    ℓ = -½ [(k-p) log 2π - log|X'X| + Σ log|Ω_j| + log|Σ X'SX| + r'S r]
    ∂ℓ/∂θ_a = -½ tr(P D_a) + ½ y'P D_a P y
    -∂²ℓ/∂θ_a∂θ_b = y'P D_a P D_b P y - ½ tr(P D_a P D_b),   expected ½ tr(P D_a P D_b).

Trials with the same number of rows are worked on together, as stacks of matrices.

Source: Harville (1977), JASA 72:320; the three-level model: Konstantopoulos (2011), Research
Synthesis Methods 2:61, and Van den Noortgate et al. (2013), Behavior Research Methods 45:576.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ipt_outcomes.synthesis.effects import Effects, Floats, Integers


@dataclass(frozen=True, eq=False)
class Stack:
    """Trials with the same number n of rows.

    Parameters
    ----------
    rows
        Numbers of their rows among the effects, shape (m, n).
    y, X, V
        Effects (m, n), design (m, n, p) and sampling covariances (m, n, n).
    """

    rows: Integers
    y: Floats
    X: Floats
    V: Floats


@dataclass(frozen=True, eq=False)
class Point:
    """The restricted likelihood at one pair of variances.

    Parameters
    ----------
    variances
        (τ², ω²).
    log_likelihood
        Restricted, with all constants.
    gradient
        Its derivative by the variances, shape (2,).
    observed, expected
        Information about the variances, shape (2, 2).
    beta, covariance
        Coefficients and (Σ X'SX)⁻¹.
    inverse
        S_j of each stack, shape (m, n, n).
    residuals
        r of each stack, shape (m, n).
    """

    variances: Floats
    log_likelihood: float
    gradient: Floats
    observed: Floats
    expected: Floats
    beta: Floats
    covariance: Floats
    inverse: list[Floats]
    residuals: list[Floats]


def stacks(effects: Effects, X: Floats) -> list[Stack]:
    """Sort the trials by their number of rows."""
    codes = effects.trial_codes
    sizes = np.bincount(codes)
    order = np.argsort(codes, kind="stable")
    by_trial = np.split(order, np.cumsum(sizes)[:-1])
    found = []
    for n in np.unique(sizes):
        rows = np.array([by_trial[j] for j in np.flatnonzero(sizes == n)])
        V = effects.covariance[rows[:, :, None], rows[:, None, :]]
        found.append(Stack(rows, effects.estimate[rows], X[rows], V))
    return found


def likelihood(parts: list[Stack], variances: Floats, *, derivatives: bool = True) -> Point:
    """Evaluate the restricted likelihood.

    Parameters
    ----------
    parts
        The trials.
    variances
        (τ², ω²), both at least 0.
    derivatives
        Whether gradient and information are wanted; they are empty otherwise.

    Raises
    ------
    numpy.linalg.LinAlgError
        When a covariance is singular.
    """
    tau2, omega2 = variances
    p = parts[0].X.shape[2]
    inverses, SXs = [], []
    XSX, XSy, XX = np.zeros((p, p)), np.zeros(p), np.zeros((p, p))
    log_det, k = 0.0, 0
    for part in parts:
        n = part.V.shape[1]
        S = np.linalg.inv(part.V + tau2 + omega2 * np.eye(n))
        log_det -= float(np.linalg.slogdet(S)[1].sum())
        SX = S @ part.X
        XSX += np.einsum("mnp,mnq->pq", part.X, SX)
        XSy += np.einsum("mnp,mn->p", SX, part.y)
        XX += np.einsum("mnp,mnq->pq", part.X, part.X)
        inverses.append(S)
        SXs.append(SX)
        k += part.y.size
    M = np.linalg.inv(XSX)
    M = (M + M.T) / 2
    beta = M @ XSy
    residuals = [part.y - part.X @ beta for part in parts]
    rss = 0.0
    for S, r in zip(inverses, residuals, strict=True):
        rss += float(np.sum(r * np.einsum("mij,mj->mi", S, r)))
    gradient, observed, expected = np.zeros(0), np.zeros((0, 0)), np.zeros((0, 0))
    if derivatives:
        pieces = _Derivatives.zero(p)
        for S, SX, r in zip(inverses, SXs, residuals, strict=True):
            pieces.add(S, SX, r)
        gradient, observed, expected = pieces.finish(M)
    value = -0.5 * (
        (k - p) * np.log(2 * np.pi)
        - np.linalg.slogdet(XX)[1]
        + log_det
        + np.linalg.slogdet(XSX)[1]
        + rss
    )
    return Point(np.array(variances, dtype=np.float64), float(value), gradient, observed,
                 expected, beta, M, inverses, residuals)  # fmt: skip


@dataclass(eq=False)
class _Derivatives:
    """Sums over trials of what gradient and curvature are made of; a, b number the variances."""

    trace: Floats  # tr(S D_a)
    traces: Floats  # tr(S D_a S D_b)
    A: Floats  # X'S D_a S X
    B: Floats  # X'S D_a S D_b S X
    quadratic: Floats  # y'P D_a P y
    solved: Floats  # u_a'S u_b, u_a = D_a P y
    design_solved: Floats  # X'S u_a

    @classmethod
    def zero(cls, p: int) -> _Derivatives:
        return cls(np.zeros(2), np.zeros((2, 2)), np.zeros((2, p, p)), np.zeros((2, 2, p, p)),
                   np.zeros(2), np.zeros((2, 2)), np.zeros((2, p)))  # fmt: skip

    def add(self, S: Floats, SX: Floats, r: Floats) -> None:
        S1 = S.sum(axis=2)
        total = S1.sum(axis=1)
        X1 = SX.sum(axis=1)  # X'S1 by trial, (m, p)
        Py = np.einsum("mij,mj->mi", S, r)
        sum_Py = Py.sum(axis=1)
        SPy = np.einsum("mij,mj->mi", S, Py)
        SSX = S @ SX
        XSS1 = np.einsum("mnp,mn->mp", SX, S1)
        self.trace += [total.sum(), float(np.einsum("mii->", S))]
        cross = float(np.sum(S1**2))
        self.traces += [[float(total @ total), cross], [cross, float(np.sum(S**2))]]
        self.A[0] += X1.T @ X1
        self.A[1] += np.einsum("mnp,mnq->pq", SX, SX)
        self.B[0, 0] += np.einsum("mp,m,mq->pq", X1, total, X1)
        mixed = X1.T @ XSS1
        self.B[0, 1] += (mixed + mixed.T) / 2
        self.B[1, 0] = self.B[0, 1]
        self.B[1, 1] += np.einsum("mnp,mnq->pq", SX, SSX)
        self.quadratic += [float(sum_Py @ sum_Py), float(np.sum(Py**2))]
        mixed_u = float(sum_Py @ SPy.sum(axis=1))
        self.solved += [
            [float(np.sum(sum_Py**2 * total)), mixed_u],
            [mixed_u, float(np.sum(Py * SPy))],
        ]
        self.design_solved[0] += X1.T @ sum_Py
        self.design_solved[1] += np.einsum("mnp,mn->p", SX, Py)

    def finish(self, M: Floats) -> tuple[Floats, Floats, Floats]:
        MA = M @ self.A
        gradient = (self.quadratic - self.trace + np.trace(MA, axis1=1, axis2=2)) / 2
        tPP = (
            self.traces - 2 * np.einsum("pq,abqp->ab", M, self.B) + np.einsum("apq,bqp->ab", MA, MA)
        )
        observed = self.solved - self.design_solved @ M @ self.design_solved.T - tPP / 2
        return gradient, observed, tPP / 2
