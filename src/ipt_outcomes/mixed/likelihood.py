"""The likelihood of a repeated-measures model, its gradient and its curvature.

Per participant y_i = X_i β + e_i with Var(e_i) = Σ(θ) on the visits seen. With W = Σ⁻¹ on each
pattern, Φ = (Σ X'WX)⁻¹ and r = y − Xβ̂, minus the restricted log-likelihood is

    f = ½ [ Σ_i log|Σ_i| + Σ_i r_i'W r_i + log|Σ X'WX| + (n − p) log 2π ] ,

and with D_h = ∂Σ/∂θ_h, R_g = Σ_i (r_i r_i' + X_i Φ X_i'),

    ∂f/∂θ_h        = ½ Σ_g [ n_g tr(W D_h) − tr(W R_g W D_h) ]
    ∂²f/∂θ_h∂θ_j   = Σ_g [ tr(W D_h W D_j W R_g) − ½ n_g tr(W D_h W D_j) ]
                     − q_h'Φ q_j − ½ tr(Φ B_h Φ B_j) + ⟨∂f/∂Σ, ∂²Σ/∂θ_h∂θ_j⟩
    E[∂²f/∂θ_h∂θ_j] = ½ Σ n_g tr(W D_h W D_j) − Σ_g tr(W D_h W D_j W C_g) + ½ tr(Φ B_h Φ B_j)

with q_h = Σ X'W D_h W r, B_h = Σ X'W D_h W X and C_g = Σ_i X_i Φ X_i' (terms in Φ alone vanish for
maximum likelihood). Sources: Harville (1977) JASA 72:320; Lindstrom & Bates (1988) JASA 83:1014;
Kenward & Roger (1997) Biometrics 53:983 for the expected information.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import lapack

from .covariances import Structure
from .factors import Floats
from .statistics import CHUNK, Statistics

TENSOR_LIMIT = 4_000_000
SET_LIMIT = 64
UNIT_SETS = 64  # covariance sets that the units of the parameters are taken from
Second = tuple[Floats | None, Floats | None]


@dataclass
class Point:
    """The likelihood at one value of the covariance parameters, with what was computed for it."""

    theta: Floats
    sigma: Floats
    f: float
    W: Floats
    beta: Floats
    chol: Floats
    phi: Floats = field(init=False)
    R: Floats = field(init=False)
    C: Floats = field(init=False)
    WRW: Floats = field(init=False)
    gradient_sigma: Floats = field(init=False)
    gradient: Floats = field(init=False)
    D: Floats = field(init=False)
    B: Floats | None = None
    q: Floats | None = None


class Likelihood:
    """Minus the (restricted) log-likelihood of statistics under a covariance structure.

    Parameters
    ----------
    statistics
        Sums over participants (see :mod:`.statistics`).
    structure
        Covariance as a function of its natural parameters.
    reml
        Restricted (default) or full likelihood.
    """

    def __init__(self, statistics: Statistics, structure: Structure, *, reml: bool = True) -> None:
        self.statistics = statistics
        self.structure = structure
        self.reml = reml
        mask = statistics.mask
        self.pair = mask[:, :, None] & mask[:, None, :]
        eye = np.eye(mask.shape[1], dtype=bool)
        self.filler = np.where(~mask[:, :, None] & eye, 1.0, 0.0)
        self.evaluations = 0
        n, p = statistics.n_observations, statistics.coefficients
        self.constant = (n - p if reml else n) * np.log(2 * np.pi) - statistics.log_weight

    @property
    def has_information(self) -> bool:
        """Whether the information is positive definite everywhere: it is, in natural parameters."""
        return True

    @property
    def names(self) -> list[str]:
        """Names of the covariance parameters."""
        return self.structure.names

    @property
    def parameters(self) -> int:
        """Number of covariance parameters."""
        return len(self.names)

    def units(self, point: Point) -> Floats:
        """Return the unit of each parameter: the change that moves Σ by its own size, shape (k,).

        A variance itself for a variance, 1 for a correlation.
        """
        sigma, D = point.sigma[:UNIT_SETS], point.D[:, :UNIT_SETS]
        deviation = np.sqrt(np.diagonal(sigma, axis1=1, axis2=2))
        moved = np.abs(D) / (deviation[:, :, None] * deviation[:, None, :])
        return np.asarray(1 / moved.reshape(len(D), -1).max(1))

    def within(self, theta: Floats) -> tuple[Floats, Floats, float] | None:
        """Return Σ, W per pattern and Σ log|Σ_i|; ``None`` where Σ is not positive definite."""
        self.evaluations += 1
        if not self.structure.feasible(theta):
            return None
        sigma = self.structure.sigma(theta)
        stats = self.statistics
        full = np.where(self.pair, sigma[stats.set_index], 0.0) + self.filler
        try:
            lower = np.linalg.cholesky(full)
            inverse = np.linalg.inv(full)
        except np.linalg.LinAlgError:
            return None
        logdet = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(1) @ stats.n
        return sigma, np.where(self.pair, inverse, 0.0), float(logdet)

    def finish(
        self, xwx: Floats, xwy: Floats, ywy: float, logdet: float
    ) -> tuple[float, Floats, Floats] | None:
        """Return f, β̂ and the Cholesky factor of X'V⁻¹X."""
        chol, info = lapack.dpotrf(xwx, lower=1)
        if info:
            return None
        beta, _ = lapack.dpotrs(chol, xwy, lower=1)
        f = 0.5 * (logdet + ywy - xwy @ beta + self.constant)
        if self.reml:
            f += float(np.log(np.diag(chol)).sum())
        return (float(f), beta, chol) if np.isfinite(f) else None

    def at(self, theta: Floats) -> Point | None:
        """Evaluate f; ``None`` where the covariance is not positive definite."""
        parts = self.within(theta)
        if parts is None:
            return None
        sigma, W, logdet = parts
        stats = self.statistics
        done = self.finish(stats.xwx(W), stats.xwy(W), stats.ywy(W), logdet)
        if done is None:
            return None
        f, beta, chol = done
        return Point(theta, sigma, f, W, beta, chol)

    def differentiate(self, point: Point) -> None:
        """Fill in the gradient, with respect to Σ of each set and to θ."""
        stats = self.statistics
        phi, _ = lapack.dpotri(point.chol, lower=1)
        point.phi = np.tril(phi) + np.tril(phi, -1).T
        M = np.where(self.pair, stats.residual_products(point.beta), 0.0)
        if self.reml:
            point.C = np.where(self.pair, stats.leverage_products(point.phi), 0.0)
            point.R = M + point.C
        else:
            point.C, point.R = np.zeros_like(M), M
        self.gradient_of_sigma(point, point.theta)

    def gradient_of_sigma(self, point: Point, theta: Floats) -> None:
        """Fill in the gradient from R, by Σ of each set and by θ."""
        stats, W = self.statistics, point.W
        point.WRW = W @ point.R @ W
        per_pattern = 0.5 * (stats.n[:, None, None] * W - point.WRW)
        sets = self.structure.sets
        if sets == 1:
            point.gradient_sigma = per_pattern.sum(0)[None]
        else:
            point.gradient_sigma = np.zeros((sets, *W.shape[1:]))
            np.add.at(point.gradient_sigma, stats.set_index, per_pattern)
        point.D = self.structure.first(theta)
        point.gradient = point.D.reshape(len(point.D), -1) @ point.gradient_sigma.ravel()

    def pair_traces(self, D: Floats, left: Floats, right: Floats) -> Floats:
        """Return Σ_g tr(D_h L_g D_j X_g), symmetrised, shape (k, k)."""
        stats = self.statistics
        k, sets, T, _ = D.shape
        if sets * T**4 <= TENSOR_LIMIT and sets <= SET_LIMIT:
            out = np.zeros((k, k))
            for s in range(sets):
                rows = slice(None) if sets == 1 else stats.set_index == s
                a, b = left[rows].reshape(-1, T * T), right[rows].reshape(-1, T * T)
                tensor = (a.T @ b).reshape(T, T, T, T).transpose(3, 0, 1, 2).reshape(T * T, T * T)
                active = np.flatnonzero(D[:, s].any((1, 2)))
                flat = D[active, s].reshape(len(active), T * T)
                out[np.ix_(active, active)] += flat @ tensor @ flat.T
        else:
            out = np.zeros((k, k))
            for part in self.chunks(k):
                own = D[:, stats.set_index[part]].transpose(1, 0, 2, 3)
                moved = sandwich_stack(own, right[part], left[part])
                number = len(own)
                out += (
                    moved.transpose(1, 0, 3, 2).reshape(k, number * T * T)
                    @ own.transpose(1, 0, 2, 3).reshape(k, number * T * T).T
                )
        return 0.5 * (out + out.T)

    def chunks(self, k: int) -> list[slice]:
        """Cut the patterns so that a stack of k matrices per pattern stays small."""
        number, T = self.statistics.mask.shape
        step = max(1, CHUNK // (k * T * T))
        return [slice(start, min(start + step, number)) for start in range(0, number, step)]

    def products(self, point: Point) -> None:
        """Fill in B_h = Σ X'W D_h W X (k, p, p) and q_h = Σ X'W D_h W r (k, p)."""
        if point.B is None:
            point.B, point.q = self.sums_of_derivatives(point)

    def sums_of_derivatives(self, point: Point) -> tuple[Floats, Floats]:
        """Return B and q of the visits' covariance."""
        stats, k = self.statistics, len(point.D)
        q = np.zeros((k, stats.coefficients))
        total: Floats | None = None
        for part in self.chunks(k):
            own = point.D[:, stats.set_index[part]].transpose(1, 0, 2, 3)
            E = sandwich_stack(own, point.W[part], point.W[part])
            piece = stats.part(part)
            stacked = piece.stack(E)
            total = stacked if total is None else total + stacked
            q += piece.scores(E, point.beta)
        assert total is not None
        return stats.xwx_many(total), q

    def hessian(self, point: Point, kind: str = "observed") -> Floats:
        """Return the curvature of f: ``observed``, ``expected``, or ``quick`` without Φ terms."""
        stats, W, D = self.statistics, point.W, point.D
        weight = stats.n[:, None, None] * W
        if kind == "expected":
            H = self.pair_traces(D, W, 0.5 * weight - W @ point.C @ W)
            if self.reml:
                self.products(point)
                H = H + 0.5 * self.phi_traces(point)
            return H
        H = self.pair_traces(D, W, 0.5 * weight if kind == "start" else point.WRW - 0.5 * weight)
        if kind == "start":
            return H
        if not self.structure.linear:
            second = self.structure.second(point.theta)
            H = H + np.tensordot(second, point.gradient_sigma, axes=3)
        if kind == "observed":
            self.products(point)
            assert point.q is not None
            H = H - point.q @ point.phi @ point.q.T
            if self.reml:
                H = H - 0.5 * self.phi_traces(point)
        return 0.5 * (H + H.T)

    def phi_traces(self, point: Point) -> Floats:
        """Return tr(Φ B_h Φ B_j), shape (k, k)."""
        assert point.B is not None
        # Φ = K'K with K from the factor of Φ⁻¹: Φ itself may be too ill-conditioned to factorise.
        K, _ = lapack.dtrtri(np.tril(point.chol), lower=1)
        flat = (K @ point.B @ K.T).reshape(len(point.B), -1)
        return np.asarray(flat @ flat.T)

    def weighted_pairs(self, point: Point, omega: Floats) -> Floats:
        """Return Σ_hj Ω_hj D_h W_g D_j per pattern, shape (patterns, T, T)."""
        stats, D, W = self.statistics, point.D, point.W
        k, sets, T, _ = D.shape
        out = np.empty_like(W)
        if sets * T**4 <= TENSOR_LIMIT and sets <= SET_LIMIT:
            for s in range(sets):
                rows = slice(None) if sets == 1 else stats.set_index == s
                active = np.flatnonzero(D[:, s].any((1, 2)))
                flat = D[active, s].reshape(len(active), T * T)
                # D_ab D_cd becomes, as a map from W_bc to the element (a, d), a T² × T² matrix.
                tensor = (flat.T @ omega[np.ix_(active, active)] @ flat).reshape(T, T, T, T)
                tensor = tensor.transpose(1, 2, 0, 3).reshape(T * T, T * T)
                own = W[rows]
                out[rows] = (own.reshape(-1, T * T) @ tensor).reshape(own.shape)
            return out
        mixed = np.tensordot(omega, D, axes=1)
        for part in self.chunks(k):
            which = stats.set_index[part]
            left = D[:, which].transpose(1, 2, 0, 3).reshape(len(which), T, k * T)
            right = W[part][:, None] @ mixed[:, which].transpose(1, 0, 2, 3)
            out[part] = left @ right.reshape(len(which), k * T, T)
        return out

    def weighted_second(self, point: Point, omega: Floats, *, mmrm: bool) -> Second:
        """Return Σ_hj Ω_hj ∂²/∂θ_h∂θ_j of Σ, and of the clusters' covariance (none here)."""
        theta = point.theta
        if mmrm:
            return self.structure.weighted_second_mmrm(theta, omega), None
        return self.structure.weighted_second(theta, omega), None

    def weighted_q(self, point: Point, omega: Floats, second: Second) -> Floats:
        """Return Σ_hj Ω_hj (Q_hj − ¼R_hj), shape (p, p); see :mod:`.kenward_roger`."""
        inner = self.weighted_pairs(point, omega)
        if second[0] is not None:
            inner = inner - 0.25 * second[0][self.statistics.set_index]
        return self.statistics.xwx(point.W @ inner @ point.W)


def sandwich_stack(middle: Floats, left: Floats, right: Floats) -> Floats:
    """Return L_g M_gh X_g for stacks (g, k, T, T), with L, M, X symmetric."""
    g, k, T, _ = middle.shape
    first = (middle.reshape(g, k * T, T) @ left).reshape(g, k, T, T)
    turned = np.ascontiguousarray(first.transpose(0, 1, 3, 2)).reshape(g, k * T, T)
    return (turned @ right).reshape(g, k, T, T)
