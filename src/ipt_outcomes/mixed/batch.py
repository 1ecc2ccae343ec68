"""Newton's method for many data sets of one model at once.

The replicates of a bootstrap, a jackknife, an imputation or a simulation share the design, the
patterns and the covariance structure; only the cross-products differ. All of them take a step
together, and those that have converged leave. The curvature is the cheap observed one (without the
two terms in Φ), which needs a step or two more than the exact one but costs a tenth.

Structures that are linear in their parameters (unstructured, compound symmetry, Toeplitz, random
effects with independent residuals, each also by group) are handled this way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .factors import Codes, Floats
from .small_matrices import cholesky_inverse


@dataclass
class Stack:
    """Cross-products of R replicates: n (R, g), zz (R, g, d, d), zy (R, g, d, T), yy (R, g, T, T).

    ``zz`` may have a first axis of one when the replicates share the design and who is seen.
    """

    n: Floats
    zz: Floats
    zy: Floats
    yy: Floats
    mask: NDArray[np.bool_]
    set_index: Codes
    selectors: Floats

    def take(self, which: NDArray[np.int64]) -> Stack:
        """Return some of the replicates."""
        zz = self.zz if len(self.zz) == 1 else self.zz[which]
        return Stack(
            self.n[which],
            zz,
            self.zy[which],
            self.yy[which],
            self.mask,
            self.set_index,
            self.selectors,
        )


@dataclass
class BatchPoint:
    """Values at the replicates' current parameters."""

    f: Floats
    W: Floats
    beta: Floats
    phi: Floats

    def take(self, which: NDArray[np.int64]) -> BatchPoint:
        """Return some of the replicates."""
        return BatchPoint(self.f[which], self.W[which], self.beta[which], self.phi[which])

    def put(self, which: NDArray[np.int64], other: BatchPoint) -> None:
        """Replace some replicates."""
        self.f[which], self.W[which] = other.f, other.W
        self.beta[which], self.phi[which] = other.beta, other.phi


def evaluate(stack: Stack, D: Floats, theta: Floats, reml: bool) -> BatchPoint:
    """Return minus the log-likelihood (up to a constant) of every replicate, infinite outside."""
    R, g = stack.n.shape
    T, d, p = stack.selectors.shape
    flat = stack.selectors.reshape(T * d, p)
    sigma = (theta @ D.reshape(len(D), -1)).reshape(R, -1, T, T)
    pair = stack.mask[:, :, None] & stack.mask[:, None, :]
    filler = np.where(~stack.mask[:, :, None] & np.eye(T, dtype=bool), 1.0, 0.0)
    full = np.where(pair, sigma[:, stack.set_index], 0.0) + filler
    stacked = np.ascontiguousarray(full.reshape(R * g, T, T).transpose(1, 2, 0))
    logdet, inverse = cholesky_inverse(stacked)
    W = np.where(pair, inverse.transpose(2, 0, 1).reshape(R, g, T, T), 0.0)
    total = (stack.n * logdet.reshape(R, g)).sum(1)
    good = np.isfinite(total)
    W[~good] = 0.0
    inner = contract(W, stack.zz, T, d)
    xwx = flat.T @ (inner @ flat)
    xwy = np.matmul(W.transpose(0, 2, 1, 3).reshape(R, T, g * T), by_visit(stack.zy)).reshape(
        R, T * d
    )
    xwy = xwy @ flat
    ywy = (W * stack.yy).sum((1, 2, 3))
    chol, solvable = many_cholesky(xwx)
    good &= solvable
    identity = np.broadcast_to(np.eye(p), xwx.shape)
    half = np.linalg.solve(np.where(solvable[:, None, None], chol, np.eye(p)), identity)
    phi = half.transpose(0, 2, 1) @ half
    beta = (phi @ xwy[:, :, None])[:, :, 0]
    f = 0.5 * (total + ywy - (xwy * beta).sum(1))
    if reml:
        f = f + np.log(np.abs(np.diagonal(chol, axis1=1, axis2=2))).sum(1)
    return BatchPoint(np.where(good & np.isfinite(f), f, np.inf), W, beta, phi)


def contract(W: Floats, zz: Floats, T: int, d: int) -> Floats:
    """Return Σ_g W_g ⊗ Z_g as (R, T·d, T·d)."""
    R, g = W.shape[:2]
    wide = W.reshape(R, g, T * T).transpose(0, 2, 1) @ zz.reshape(len(zz), g, d * d)
    return wide.reshape(R, T, T, d, d).transpose(0, 1, 3, 2, 4).reshape(R, T * d, T * d)


def by_visit(zy: Floats) -> Floats:
    """Return Σ z_i y_ib arranged as (R, g·T, d)."""
    R, g, d, T = zy.shape
    return zy.transpose(0, 1, 3, 2).reshape(R, g * T, d)


def many_cholesky(stack: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return Cholesky factors and which matrices have one."""
    try:
        return np.asarray(np.linalg.cholesky(stack), float), np.ones(len(stack), bool)
    except np.linalg.LinAlgError:
        out, good = np.zeros_like(stack), np.ones(len(stack), bool)
        out[:] = np.eye(stack.shape[1])
        for r, matrix in enumerate(stack):
            try:
                out[r] = np.linalg.cholesky(matrix)
            except np.linalg.LinAlgError:
                good[r] = False
        return out, good


def gradient_and_curvature(
    stack: Stack, D: Floats, point: BatchPoint, reml: bool, quick: bool
) -> tuple[Floats, Floats]:
    """Return ∂f/∂θ (R, k) and a curvature (R, k, k): observed without Φ terms, or the expected one.

    ``quick`` asks for the observed one.
    """
    R, g = stack.n.shape
    T, d, p = stack.selectors.shape
    k, sets = D.shape[:2]
    flat = stack.selectors.reshape(T * d, p)
    W = point.W
    B = (point.beta @ flat.T).reshape(R, T, d)[:, None]
    cross = B @ stack.zy
    total = (
        stack.yy - cross - cross.transpose(0, 1, 3, 2) + (B @ stack.zz) @ B.transpose(0, 1, 3, 2)
    )
    if reml:
        spread = flat @ (point.phi @ flat.T)
        spread = spread.reshape(R, T, d, T, d).transpose(0, 1, 3, 2, 4).reshape(R, T * T, d * d)
        moved = stack.zz.reshape(len(stack.zz), g, d * d) @ spread.transpose(0, 2, 1)
        total = total + moved.reshape(R, g, T, T)
    WRW = W @ total @ W
    weight = stack.n[:, :, None, None] * W
    slope = 0.5 * (weight - WRW)
    right = (WRW - 0.5 * weight) if quick else 0.5 * weight
    gradient = np.zeros((R, k))
    curvature = np.zeros((R, k, k))
    for s in range(sets):
        at = stack.set_index == s
        active = np.flatnonzero(D[:, s].any((1, 2)))
        own = D[active, s].reshape(len(active), T * T)
        gradient[:, active] += slope[:, at].sum(1).reshape(R, T * T) @ own.T
        a = W[:, at].reshape(R, -1, T * T)
        b = right[:, at].reshape(R, -1, T * T)
        tensor = (a.transpose(0, 2, 1) @ b).reshape(R, T, T, T, T)
        tensor = tensor.transpose(0, 4, 1, 2, 3).reshape(R, T * T, T * T)
        piece = own @ (tensor @ own.T)
        curvature[np.ix_(np.arange(R), active, active)] += 0.5 * (piece + piece.transpose(0, 2, 1))
    return gradient, curvature


def newton(
    stack: Stack,
    D: Floats,
    start: Floats,
    *,
    reml: bool,
    tolerance: float = 1e-12,
    iterations: int = 150,
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Maximise the likelihood of every replicate.

    Parameters
    ----------
    stack
        Cross-products of R replicates.
    D
        The constant ∂Σ/∂θ, shape (k, sets, T, T).
    start
        Starting values (R, k).
    reml
        Restricted likelihood.
    tolerance
        Newton decrement at which a replicate has converged.

    Returns
    -------
    θ (R, k), β (R, p), f (R,), converged (R,), iterations (R,).
    """
    R = len(start)
    theta = start.copy()
    beta = np.full((R, stack.selectors.shape[2]), np.nan)
    value = np.full(R, np.inf)
    converged = np.zeros(R, bool)
    count = np.zeros(R, np.int64)
    active = np.arange(R)
    own = stack
    point = evaluate(own, D, theta, reml)
    alive = np.isfinite(point.f)
    if not alive.all():
        keep = np.flatnonzero(alive)
        active, own = active[keep], own.take(keep)
        point = point.take(keep)
    for iteration in range(iterations):
        if not len(active):
            break
        gradient, curvature = gradient_and_curvature(own, D, point, reml, quick=iteration > 0)
        step, usable, curved = solve_steps(own, D, point, reml, gradient, curvature)
        if not usable.all():
            # These data do not determine the covariance: the replicate ends unconverged.
            keep = np.flatnonzero(usable)
            active, own, point = active[keep], own.take(keep), point.take(keep)
            gradient, step, curved = gradient[keep], step[keep], curved[keep]
        decrement = (gradient * step).sum(1)
        done = (np.abs(decrement) < tolerance) & curved
        if iteration > 0 and done.any():
            # One last step costs an evaluation; at this size it changes nothing that is reported.
            who = active[done]
            beta[who], value[who], converged[who], count[who] = (
                point.beta[done],
                point.f[done],
                True,
                iteration,
            )
            keep = np.flatnonzero(~done)
            active, own = active[keep], own.take(keep)
            point = point.take(keep)
            step, decrement = step[keep], decrement[keep]
            if not len(active):
                break
        pending = np.arange(len(active))
        fraction = np.ones(len(active))
        base = point.f.copy()
        for _ in range(25):
            candidate = theta[active[pending]] - fraction[pending, None] * step[pending]
            part = own if len(pending) == len(active) else own.take(pending)
            found = evaluate(part, D, candidate, reml)
            needed = base[pending] - 1e-4 * fraction[pending] * decrement[pending]
            noise = 1e-11 * np.maximum(1.0, np.abs(base[pending]))
            better = found.f <= needed + noise
            which = pending[better]
            theta[active[which]] = candidate[better]
            chosen = found.take(np.flatnonzero(better))
            if better.all() and len(which) == len(active):
                point = chosen
            else:
                point.put(which, chosen)
            pending = pending[~better]
            if not len(pending):
                break
            fraction[pending] *= 0.5
        if len(pending):
            keep = np.setdiff1d(np.arange(len(active)), pending)
            active, own = active[keep], own.take(keep)
            point = point.take(keep)
    return theta, beta, value, converged, count


def solve_steps(
    stack: Stack, D: Floats, point: BatchPoint, reml: bool, gradient: Floats, curvature: Floats
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Solve for the Newton steps; replicates with an indefinite curvature take the expected one.

    Returns
    -------
    Steps (R, k), which replicates have one, and whose own curvature was positive definite.
    """
    curved = positive_definite(curvature)
    usable = curved.copy()
    if not curved.all():
        bad = np.flatnonzero(~curved)
        _, safe = gradient_and_curvature(stack.take(bad), D, point.take(bad), reml, quick=False)
        curvature[bad] = safe
        usable[bad] = positive_definite(safe)
        curvature[~usable] = np.eye(curvature.shape[1])
    steps = np.asarray(np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0], float)
    return steps, usable, curved


def positive_definite(stack: Floats) -> NDArray[np.bool_]:
    """Return which matrices are positive definite, their rows in whatever units.

    Examples
    --------
    >>> positive_definite(np.array([np.eye(2), np.ones((2, 2))])).tolist()
    [True, False]
    """
    diagonal = np.diagonal(stack, axis1=1, axis2=2)
    good = np.asarray(np.isfinite(stack).all((1, 2)) & (diagonal > 0).all(1), bool)
    scale = 1 / np.sqrt(np.where(good[:, None], diagonal, 1.0))
    scaled = np.where(good[:, None, None], stack * scale[:, :, None] * scale[:, None, :], 0.0)
    scaled[~good] = np.eye(stack.shape[1])
    factor, found = many_cholesky(scaled)
    return np.asarray(good & found & (np.diagonal(factor, axis1=1, axis2=2).min(1) > 1e-7), bool)
