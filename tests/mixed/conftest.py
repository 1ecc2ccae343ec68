"""A dense, direct evaluation of the model, to hold the engine against on small data."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest


class Dense:
    """REML with full matrices; derivatives of V by complex steps, independent of the engine."""

    def __init__(self, X, y, V: Callable, theta):
        self.X, self.y, self.theta = X, y, np.asarray(theta, float)
        self.build = V
        k, step = len(theta), 1e-30
        self.V = V(self.theta.astype(complex)).real
        self.D = [V(self.theta + 1j * step * e).imag / step for e in np.eye(k)]
        self.D2 = np.zeros((k, k, *self.V.shape))
        for j in range(k):
            h = 1e-3 * max(abs(theta[j]), 0.1)
            e = np.eye(k)[j]
            for i in range(j + 1):  # the order of differentiation does not matter
                f = lambda s, i=i: V(self.theta + s * e + 1j * step * np.eye(k)[i]).imag / step  # noqa: B023, E731
                coarse = (f(h) - f(-h)) / (2 * h)
                fine = (f(h / 2) - f(-h / 2)) / h
                finest = (f(h / 4) - f(-h / 4)) / (h / 2)
                once, twice = (4 * fine - coarse) / 3, (4 * finest - fine) / 3
                self.D2[i, j] = self.D2[j, i] = (16 * twice - once) / 15
        W = np.linalg.inv(self.V)
        self.phi = np.linalg.inv(X.T @ W @ X)
        self.beta = self.phi @ X.T @ W @ y
        self.P = W - W @ X @ self.phi @ X.T @ W
        self.W = W

    def loglik(self, reml=True):
        n, p = self.X.shape
        r = self.y - self.X @ self.beta
        value = np.linalg.slogdet(self.V)[1] + r @ self.W @ r + n * np.log(2 * np.pi)
        if reml:
            value += np.linalg.slogdet(self.X.T @ self.W @ self.X)[1] - p * np.log(2 * np.pi)
        return -0.5 * value

    def gradient(self):
        """Gradient of minus the restricted log-likelihood."""
        Py = self.P @ self.y
        return np.array([0.5 * (np.sum(self.P * D) - Py @ D @ Py) for D in self.D])

    def hessian(self, kind="observed"):
        k, Py = len(self.D), self.P @ self.y
        PD = [self.P @ D for D in self.D]
        out = np.zeros((k, k))
        for h in range(k):
            for j in range(k):
                trace = np.sum(PD[h] * PD[j].T)
                if kind == "expected":
                    out[h, j] = 0.5 * trace
                else:
                    second = 0.5 * (np.sum(self.P * self.D2[h, j]) - Py @ self.D2[h, j] @ Py)
                    out[h, j] = Py @ self.D[h] @ PD[j] @ Py - 0.5 * trace + second
        return out

    def kenward_roger(self, omega, *, second=True):
        k = len(self.D)
        WX = self.W @ self.X
        DWX = [D @ WX for D in self.D]
        P = [-WX.T @ own for own in DWX]
        bracket = np.zeros_like(self.phi)
        for h in range(k):
            for j in range(k):
                Q = DWX[h].T @ self.W @ DWX[j]
                R = WX.T @ self.D2[h, j] @ WX if second else 0.0
                bracket += omega[h, j] * (Q - P[h] @ self.phi @ P[j] - 0.25 * R)
        return self.phi + 2 * self.phi @ bracket @ self.phi

    def satterthwaite(self, c, omega):
        v = self.phi @ c
        g = np.array([v @ self.X.T @ self.W @ D @ self.W @ self.X @ v for D in self.D])
        return 2 * (c @ v) ** 2 / (g @ omega @ g)


@pytest.fixture(scope="session")
def dense():
    return Dense


@pytest.fixture(scope="session")
def small_trial():
    """Thirty participants, three visits, five therapists in one arm, dropout and gaps."""
    rng = np.random.default_rng(7)
    n, weeks = 30, np.array([4.0, 8.0, 12.0])
    arm = np.where(np.arange(n) % 2, "IPT", "MED")
    therapist = np.where(arm == "IPT", (np.arange(n) // 2) % 5, -1)
    effect = rng.normal(0, 3.0, 5)
    own = rng.normal(0, 3.0, n)
    rows = []
    for i in range(n):
        base = rng.normal(20, 4)
        for t in weeks:
            if rng.random() < 0.15:
                continue
            y = 5 + 0.5 * base - 0.3 * t + own[i] + rng.normal(0, 1.5 + 0.15 * t)
            y += effect[therapist[i]] if therapist[i] >= 0 else 0.0
            label = f"T{therapist[i]}" if therapist[i] >= 0 else None
            rows.append((i, arm[i], label, base, t, y))
    columns = ["participant", "arm", "therapist", "baseline", "week", "score"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def dense_design():
    """Design, outcome and covariance builder of score ~ baseline + arm*week(factor) for a frame."""

    def make(frame, *, covariance, n_within, cluster=None, groups=None, weights=None, times=None):
        frame = frame.sort_values(["participant", "week"], kind="stable").reset_index(drop=True)
        weeks = sorted(frame["week"].unique())
        ipt = (frame["arm"] == "IPT").to_numpy(float)
        dummies = np.column_stack([(frame["week"] == w).to_numpy(float) for w in weeks[1:]])
        X = np.column_stack(
            [np.ones(len(frame)), frame["baseline"], ipt, dummies, ipt[:, None] * dummies]
        )
        position = frame["week"].map({w: a for a, w in enumerate(weeks)}).to_numpy()
        person = frame["participant"].to_numpy()
        same_person = person[:, None] == person
        in_ipt = (ipt == 1)[:, None]
        root = np.ones(len(frame)) if weights is None else 1 / np.sqrt(frame[weights].to_numpy())

        def V(theta):  # noqa: N802
            own = {a: covariance(theta[:n_within], {"arm": a}) for a in ("IPT", "MED")}
            at = np.ix_(position, position)
            total = np.where(same_person, np.where(in_ipt, own["IPT"][at], own["MED"][at]), 0)
            total = total * np.outer(root, root)
            if cluster is not None:
                total = total + cluster(theta[n_within:], frame, position)
            return total

        return SimpleNamespace(X=X, y=frame["score"].to_numpy(), V=V, frame=frame, weeks=weeks)

    return make
