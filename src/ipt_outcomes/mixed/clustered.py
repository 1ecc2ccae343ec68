"""The likelihood with a random effect of clusters (therapists, groups, sites) on top.

For the participants of cluster c the covariance of all their outcomes is

    V_c = blockdiag(Σ_i) + Z_c Ψ Z_c' ,   rows of Z_c: λ_a' (1, the visit's indicator, its time),

and by Woodbury, with W = Σ⁻¹, H_c = Z'WZ and K_c = Ψ(I + H_cΨ)⁻¹,

    V⁻¹ = W − W Z K Z'W ,   log|V_c| = Σ log|Σ_i| + log|I + H_cΨ| .

Z is the same for all participants of a cluster who share a pattern, so that next to the patterns'
cross-products only the sums of x and y per cluster and pattern are needed. With r̃ = r − Z u,
u = K Z'W r (the predicted effects) and X̃ = X − Z K Z'WX one has V⁻¹r = W r̃ and V⁻¹X = W X̃, and
every term of the gradient and the Hessian is the one without clusters, taken at r̃ and X̃, minus a
product of q-vectors per cluster. Participants without a cluster contribute as before (partially
nested designs, Roberts & Roberts 2005, Clinical Trials 2:152). Ψ = 0 is an ordinary point.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import lapack

from .covariances import Structure
from .factors import Codes, Floats
from .likelihood import UNIT_SETS, Likelihood, Point, Second, sandwich_stack
from .statistics import Statistics


@dataclass
class Cells:
    """Sums over the participants of one cluster and one pattern, sorted by cluster.

    Attributes
    ----------
    cluster, pattern, n
        Cluster, pattern and number of participants of each cell.
    x, y
        Sums of the design (cells, T, p) and of the outcome (cells, T).
    starts
        First cell of each cluster.
    group
        Variance group of each cluster.
    """

    cluster: Codes
    pattern: Codes
    n: Floats
    x: Floats
    y: Floats
    starts: Codes
    group: Codes

    def per_cluster(self, values: Floats) -> Floats:
        """Sum cells to clusters."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))


@dataclass
class ClusterPoint(Point):
    """A point of the clustered likelihood, with what belongs to the clusters."""

    H: Floats = field(init=False)
    K: Floats = field(init=False)
    zwx: Floats = field(init=False)
    zwy: Floats = field(init=False)
    u: Floats = field(init=False)
    N: Floats = field(init=False)
    H_tilde: Floats = field(init=False)
    kappa: Floats = field(init=False)
    Lambda: Floats = field(init=False)
    J: Floats = field(init=False)
    E: Floats = field(init=False)
    a: Floats = field(init=False)
    A: Floats = field(init=False)
    F: Floats | None = None


class ClusteredLikelihood(Likelihood):
    """Minus the log-likelihood with a random effect of clusters.

    Parameters
    ----------
    statistics, structure, reml
        As for :class:`.likelihood.Likelihood`.
    cells
        Sums per cluster and pattern.
    loading
        λ per covariance set, shape (sets, T, q).
    effect
        Ψ as a structure with one set per variance group.
    """

    def __init__(
        self,
        statistics: Statistics,
        structure: Structure,
        cells: Cells,
        loading: Floats,
        effect: Structure,
        *,
        reml: bool = True,
    ) -> None:
        super().__init__(statistics, structure, reml=reml)
        self.cells = cells
        self.effect = effect
        seen = np.where(statistics.mask[:, :, None], loading[statistics.set_index], 0.0)
        self.loading = seen  # (patterns, T, q)
        self.full_loading = loading

    @property
    def names(self) -> list[str]:
        """Names of the covariance parameters, the clusters' last."""
        return [*self.structure.names, *[f"cluster {name}" for name in self.effect.names]]

    def units(self, point: Point) -> Floats:
        """Return the unit of each parameter; for Ψ, what adds the residual variance to a visit."""
        assert isinstance(point, ClusterPoint)
        psi = self.split(point.theta)[1]
        sigma, loading = point.sigma[:UNIT_SETS], self.full_loading[:UNIT_SETS]
        deviation = np.sqrt(np.diagonal(sigma, axis1=1, axis2=2))[:, :, None]
        own = np.abs(loading / deviation).max((0, 1))  # (q,)
        moved = np.abs(self.effect.first(psi)) * np.outer(own, own)
        return np.append(super().units(point), 1 / moved.reshape(len(moved), -1).max(1))

    def split(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the parameters of the visits' and of the clusters' covariance."""
        k = self.structure.parameters
        return theta[:k], theta[k:]

    def at(self, theta: Floats) -> ClusterPoint | None:
        """Evaluate f; ``None`` where a covariance is not positive definite."""
        own, psi = self.split(theta)
        if not self.effect.feasible(psi):
            return None
        parts = self.within(own)
        if parts is None:
            return None
        sigma, W, logdet = parts
        stats, cells = self.statistics, self.cells
        wl = W @ self.loading
        inner = self.loading.transpose(0, 2, 1) @ wl
        H = cells.per_cluster(cells.n[:, None, None] * inner[cells.pattern])
        Psi = self.effect.sigma(psi)[cells.group]
        try:
            values, vectors = np.linalg.eigh(H)
            root = np.sqrt(np.maximum(values, 0.0))[:, :, None] * vectors.transpose(0, 2, 1)
            middle = np.eye(H.shape[1]) + root @ Psi @ root.transpose(0, 2, 1)
            lower = np.linalg.cholesky(middle)
            moved = root @ Psi
            K = Psi - moved.transpose(0, 2, 1) @ np.linalg.solve(middle, moved)
        except np.linalg.LinAlgError:
            return None
        logdet += 2.0 * float(np.log(np.diagonal(lower, axis1=1, axis2=2)).sum())
        left = wl.transpose(0, 2, 1)[cells.pattern]
        zwx = cells.per_cluster(left @ cells.x)
        zwy = cells.per_cluster((left @ cells.y[:, :, None])[:, :, 0])
        kx, ky = K @ zwx, (K @ zwy[:, :, None])[:, :, 0]
        xwx = stats.xwx(W) - np.tensordot(zwx, kx, axes=([0, 1], [0, 1]))
        xwy = stats.xwy(W) - np.tensordot(kx, zwy, axes=([0, 1], [0, 1]))
        ywy = stats.ywy(W) - float(np.vdot(zwy, ky))
        done = self.finish(xwx, xwy, ywy, logdet)
        if done is None:
            return None
        f, beta, chol = done
        point = ClusterPoint(theta, sigma, f, W, beta, chol)
        point.H, point.K, point.zwx, point.zwy, point.N = H, K, zwx, zwy, kx
        return point

    def differentiate(self, point: Point) -> None:
        """Fill in the gradient."""
        assert isinstance(point, ClusterPoint)
        stats, cells = self.statistics, self.cells
        own, psi = self.split(point.theta)
        phi, _ = lapack.dpotri(point.chol, lower=1)
        point.phi = phi = np.tril(phi) + np.tril(phi, -1).T
        zwr = point.zwy - point.zwx @ point.beta
        point.u = (point.K @ zwr[:, :, None])[:, :, 0]
        point.kappa = zwr - (point.H @ point.u[:, :, None])[:, :, 0]
        point.Lambda = point.zwx - point.H @ point.N
        point.H_tilde = point.H - point.H @ point.K @ point.H
        point.J = np.eye(point.H.shape[1]) - point.K @ point.H
        L = self.loading[cells.pattern]
        lu = (L @ point.u[cells.cluster][:, :, None])[:, :, 0]
        rsum = cells.y - cells.x @ point.beta
        rsum = np.where(stats.mask[cells.pattern], rsum, 0.0)
        n = cells.n[:, None, None]
        change = n * (lu[:, :, None] * lu[:, None, :])
        cross = lu[:, :, None] * rsum[:, None, :]
        change -= cross + cross.transpose(0, 2, 1)
        spread = n * (L @ point.K[cells.cluster] @ L.transpose(0, 2, 1))
        R = stats.residual_products(point.beta)
        C = np.zeros_like(R)
        if self.reml:
            ln = L @ point.N[cells.cluster]
            cross = (ln @ phi) @ cells.x.transpose(0, 2, 1)
            fixed = n * ((ln @ phi) @ ln.transpose(0, 2, 1)) - cross - cross.transpose(0, 2, 1)
            C = stats.leverage_products(phi)
            np.add.at(C, cells.pattern, fixed)
        np.add.at(R, cells.pattern, change)
        # C and R also carry Σ_c n λKλ', which the trace of V⁻¹D needs beside W's own.
        trace = np.zeros_like(R)
        np.add.at(trace, cells.pattern, spread)
        point.C = np.where(self.pair, C + trace, 0.0)
        point.R = np.where(self.pair, R, 0.0) + point.C
        self.gradient_of_sigma(point, own)
        point.E = self.effect.first(psi)[:, cells.group]  # (kψ, clusters, q, q)
        slope = point.H_tilde - point.kappa[:, :, None] * point.kappa[:, None, :]
        if self.reml:
            slope = slope - point.Lambda @ phi @ point.Lambda.transpose(0, 2, 1)
        by_effect = 0.5 * np.tensordot(point.E, slope, axes=3)
        point.gradient = np.concatenate([point.gradient, by_effect])

    def effect_gradient(self, point: ClusterPoint) -> Floats:
        """Return ∂f/∂Ψ of every variance group, shape (groups, q, q)."""
        slope = point.H_tilde - point.kappa[:, :, None] * point.kappa[:, None, :]
        if self.reml:
            slope = slope - point.Lambda @ point.phi @ point.Lambda.transpose(0, 2, 1)
        out = np.zeros((self.effect.sets, *slope.shape[1:]))
        np.add.at(out, self.cells.group, 0.5 * slope)
        return out

    def products(self, point: Point) -> None:
        """Fill in B_h, q_h and the clusters' F_h = Z'W D_h W Z, a_h, A_h at r̃ and X̃."""
        assert isinstance(point, ClusterPoint)
        if point.B is not None:
            return
        base, scores = self.sums_of_derivatives(point)
        F = self.cluster_products(point)
        N = point.N[:, None]
        NA = np.einsum("cqp,chqr->hpr", point.N, point.A, optimize=True)
        FN = F @ N
        NFN = np.einsum("cqp,chqr->hpr", point.N, FN, optimize=True)
        B = base - NA - NA.transpose(0, 2, 1) - NFN
        q = scores - np.einsum("chqp,cq->hp", point.A + FN, point.u, optimize=True)
        q = q - np.einsum("cqp,chq->hp", point.N, point.a, optimize=True)
        moved = point.E @ point.Lambda
        by_effect = np.einsum("cqp,jcqr->jpr", point.Lambda, moved, optimize=True)
        score = np.einsum("jcqp,cq->jp", moved, point.kappa, optimize=True)
        point.B, point.q = np.concatenate([B, by_effect]), np.concatenate([q, score])

    def cluster_products(self, point: ClusterPoint) -> Floats:
        """Fill in F (clusters, k, q, q), a (clusters, k, q), A (clusters, k, q, p); return F."""
        if point.F is not None:
            return point.F
        stats, cells, k = self.statistics, self.cells, len(point.D)
        left = np.empty((len(stats.n), k, self.loading.shape[2], stats.visits))
        for part in self.chunks(k):
            D = point.D[:, stats.set_index[part]].transpose(1, 0, 2, 3)
            E = sandwich_stack(D, point.W[part], point.W[part])
            left[part] = self.loading[part].transpose(0, 2, 1)[:, None] @ E
        L = self.loading[cells.pattern]
        lu = (L @ point.u[cells.cluster][:, :, None])[:, :, 0]
        rt = cells.y - cells.x @ point.beta - cells.n[:, None] * lu
        xt = cells.x - cells.n[:, None, None] * (L @ point.N[cells.cluster])
        own = (left @ self.loading[:, None])[cells.pattern] * cells.n[:, None, None, None]
        point.F = cells.per_cluster(own)
        mine = left[cells.pattern]
        point.a = cells.per_cluster((mine @ rt[:, None, :, None])[..., 0])
        point.A = cells.per_cluster(mine @ xt[:, None])
        return point.F

    def hessian(self, point: Point, kind: str = "observed") -> Floats:
        """Return the curvature of f in (θ, ψ)."""
        assert isinstance(point, ClusterPoint)
        stats, W, K, phi = self.statistics, point.W, point.K, point.phi
        expected = kind in {"expected", "start"}
        sign = -1.0 if expected else 1.0
        F = self.cluster_products(point)
        weight = stats.n[:, None, None] * W
        base = W @ point.C @ W if expected else point.WRW
        H11 = sign * self.pair_traces(point.D, W, base - 0.5 * weight)
        a, A, J = point.a, point.A, point.J
        k = F.shape[1]
        KF = (K[:, None] @ F).transpose(1, 0, 2, 3)
        H11 -= sign * 0.5 * pair_sum(KF, KF.transpose(0, 1, 3, 2))
        Ft = J.transpose(0, 2, 1)[:, None] @ F @ J[:, None]
        EH = point.E @ point.H_tilde
        H12 = -0.5 * pair_sum(Ft.transpose(1, 0, 2, 3), point.E)
        H22 = -0.5 * pair_sum(EH, EH.transpose(0, 1, 3, 2))
        at = (J.transpose(0, 2, 1)[:, None] @ a[..., None])[..., 0]  # (c, k, q)
        At = J.transpose(0, 2, 1)[:, None] @ A
        Ek = np.einsum("jcqr,cr->jcq", point.E, point.kappa)
        EL = point.E @ point.Lambda  # (j, c, q, p)
        HEL = point.H_tilde @ EL
        if expected:
            H12, H22 = -H12, -H22
        else:
            Ka = (K[:, None] @ a[..., None])[..., 0]
            H11 -= pair_sum(a.transpose(1, 0, 2), Ka.transpose(1, 0, 2))
            H12 = H12 + pair_sum(at.transpose(1, 0, 2), Ek)
            H22 = H22 + pair_sum(Ek, (point.H_tilde @ Ek[..., None])[..., 0])
        if self.reml:
            KA = K[:, None] @ A @ phi
            H11 -= sign * pair_sum(A.transpose(1, 0, 2, 3), KA.transpose(1, 0, 2, 3))
            H12 = H12 + sign * pair_sum((At @ phi).transpose(1, 0, 2, 3), EL)
            H22 = H22 + sign * pair_sum(EL @ phi, HEL)
        out = np.zeros((k + len(point.E),) * 2)
        out[:k, :k], out[:k, k:], out[k:, :k], out[k:, k:] = H11, H12, H12.T, H22
        if kind in {"observed", "expected"}:
            self.products(point)
            if kind == "observed":
                assert point.q is not None
                out -= point.q @ phi @ point.q.T
            if self.reml:
                out -= sign * 0.5 * self.phi_traces(point)
        if not expected:
            own, psi = self.split(point.theta)
            if not self.structure.linear:
                second = self.structure.second(own)
                out[:k, :k] += np.tensordot(second, point.gradient_sigma, axes=3)
            if not self.effect.linear:
                second = self.effect.second(psi)
                out[k:, k:] += np.tensordot(second, self.effect_gradient(point), axes=3)
        return 0.5 * (out + out.T)

    def weighted_second(self, point: Point, omega: Floats, *, mmrm: bool) -> Second:
        """Return Σ Ω ∂² of the visits' and of the clusters' covariance."""
        own, psi = self.split(point.theta)
        k = len(own)
        if mmrm:
            return self.structure.weighted_second_mmrm(own, omega[:k, :k]), None
        return (
            self.structure.weighted_second(own, omega[:k, :k]),
            self.effect.weighted_second(psi, omega[k:, k:]),
        )

    def weighted_q(self, point: Point, omega: Floats, second: Second) -> Floats:
        """Return Σ_hj Ω_hj (Q_hj − ¼R_hj)."""
        assert isinstance(point, ClusterPoint)
        self.products(point)
        cells, k = self.cells, len(point.D)
        within = omega[:k, :k]
        inner = self.weighted_pairs(point, within)
        if second[0] is not None:
            inner = inner - 0.25 * second[0][self.statistics.set_index]
        weight = point.W @ inner @ point.W
        L = self.loading.transpose(0, 2, 1)
        lw = L @ weight
        crossed = cells.per_cluster(lw[cells.pattern] @ cells.x)
        both = cells.per_cluster(cells.n[:, None, None] * (lw @ self.loading)[cells.pattern])
        N = point.N
        cross = np.tensordot(N, crossed, axes=([0, 1], [0, 1]))
        out = self.statistics.xwx(weight) - cross - cross.T
        out += np.tensordot(N, both @ N, axes=([0, 1], [0, 1]))
        mixed = np.einsum("hj,chqp->cjqp", within, point.A, optimize=True)
        KA = point.K[:, None] @ point.A
        out -= np.tensordot(mixed, KA, axes=([0, 1, 2], [0, 1, 2]))
        At = point.J.transpose(0, 2, 1)[:, None] @ point.A
        EL = point.E @ point.Lambda
        moved = np.einsum("hj,chqp->jcqp", omega[:k, k:], At, optimize=True)
        cross = np.tensordot(moved, EL, axes=([0, 1, 2], [0, 1, 2]))
        out += cross + cross.T
        weighted = np.tensordot(omega[k:, k:], EL, axes=1)
        out += np.tensordot(weighted, point.H_tilde @ EL, axes=([0, 1, 2], [0, 1, 2]))
        if second[1] is not None:
            bend = second[1][cells.group] @ point.Lambda
            out -= 0.25 * np.tensordot(point.Lambda, bend, axes=([0, 1], [0, 1]))
        return np.asarray(out)


def pair_sum(left: Floats, right: Floats) -> Floats:
    """Return Σ over all but the first axis of left[h]·right[j], shape (h, j)."""
    return np.asarray(left.reshape(len(left), -1) @ right.reshape(len(right), -1).T)
