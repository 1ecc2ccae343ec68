"""Kenward and Roger's inference for one linear function in many refits at once.

For a row c of coefficients, a = Φc, and a covariance that is linear in its parameters (so that
∂²Σ = 0), the adjusted variance and its df need numbers per refit only, no p × p matrix per pair:

    v   = c'Φc ,   v_A = v + 2 Σ_hj Ω_hj ( q_hj − u_h'Φu_j ) ,   df = 2v² / (g'Ωg) ,

    q_hj = Σ_i a'X_i'W D_h W D_j W X_i a ,   B_h = Σ_i X_i'W D_h W X_i ,
    u_h = B_h a ,   g_h = a'u_h ,

with Ω the inverse of the observed information of the restricted likelihood. The same numbers as
:func:`.mixed_model` gives one fit at a time; a simulation needs them ten thousand times. Source:
Kenward & Roger (1997) Biometrics 53:983; Giesbrecht & Burns (1985) Biometrics 41:477.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batch import BatchPoint, Stack, contract, evaluate, gradient_and_curvature, newton
from .catalogue import make_structure
from .factors import Codes, Floats
from .threads import single_threaded

CHUNK = 4_000_000  # numbers held at once per stack of matrices


@dataclass
class RowInference:
    """One linear function of the coefficients in R data sets.

    Attributes
    ----------
    estimate, se, df
        Per data set, shape (R,); missing where the fit did not converge.
    converged
        Which fits converged to a maximum with positive-definite information.
    """

    estimate: Floats
    se: Floats
    df: Floats
    converged: NDArray[np.bool_]


def stack_of(z: Floats, y: Floats) -> Stack:
    """Sum the cross-products of R data sets of N participants each, every coefficient by visit.

    Parameters
    ----------
    z
        Participants' columns, shape (R, N, d); the model has one coefficient per column and visit.
    y
        Outcomes (R, N, T), not a number where missing.

    Returns
    -------
    Stack
        Cross-products by pattern of visits seen; coefficients ordered by visit, then column.

    Examples
    --------
    >>> stack = stack_of(np.ones((2, 3, 1)), np.array([[[1.0], [2.0], [np.nan]]] * 2))
    >>> stack.n.tolist(), stack.zy.ravel().tolist()
    ([[2.0], [2.0]], [3.0, 3.0])
    """
    R, N, d = z.shape
    T = y.shape[2]
    seen = ~np.isnan(y)
    code: Codes = seen @ (1 << np.arange(T))
    order = np.argsort(code, axis=1, kind="stable")
    sorted_code = np.take_along_axis(code, order, 1)
    both = np.concatenate([z, np.where(seen, y, 0.0)], axis=2)
    both = np.take_along_axis(both, order[:, :, None], 1).reshape(R * N, d + T)
    upper = np.triu_indices(d + T)
    flat_code = (np.arange(R)[:, None] << T) + sorted_code
    flat_code = flat_code.ravel()
    starts = np.flatnonzero(np.r_[True, flat_code[1:] != flat_code[:-1]])
    sizes = np.diff(np.r_[starts, R * N])
    sums = np.add.reduceat(both[:, upper[0]] * both[:, upper[1]], starts, axis=0)
    replicate, pattern = flat_code[starts] >> T, flat_code[starts] & ((1 << T) - 1)
    present = np.unique(pattern[pattern > 0])
    keep = pattern > 0
    place = np.searchsorted(present, pattern[keep])
    gram = np.zeros((R, len(present), d + T, d + T))
    n = np.zeros((R, len(present)))
    n[replicate[keep], place] = sizes[keep]
    for (i, j), column in zip(zip(*upper, strict=True), sums[keep].T, strict=True):
        gram[replicate[keep], place, i, j] = column
        gram[replicate[keep], place, j, i] = column
    mask = (present[:, None] >> np.arange(T) & 1).astype(bool)
    selectors = np.zeros((T, d, T * d))
    for t in range(T):
        selectors[t, np.arange(d), t * d + np.arange(d)] = 1.0
    return Stack(
        n,
        np.ascontiguousarray(gram[:, :, :d, :d]),
        np.ascontiguousarray(gram[:, :, :d, d:]),
        np.ascontiguousarray(gram[:, :, d:, d:]),
        mask,
        np.zeros(len(present), np.int64),
        selectors,
    )


def unstructured_row(stack: Stack, row: Floats, start: Floats) -> RowInference:
    """Fit an unstructured covariance by REML to every data set; test one row of coefficients.

    Parameters
    ----------
    stack
        Cross-products of R data sets (:func:`stack_of`).
    row
        Linear function of the coefficients (p,).
    start
        Covariance of the visits to start from (T, T).

    Returns
    -------
    RowInference
        Estimate, Kenward-Roger standard error and df per data set.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> stack = stack_of(np.ones((1, 40, 1)), rng.normal(size=(1, 40, 2)))
    >>> found = unstructured_row(stack, np.array([1.0, 0.0]), np.eye(2))
    >>> round(float(found.df[0]), 3)
    39.0
    """
    T = len(start)
    structure = make_structure("unstructured", [str(t) for t in range(T)], None)
    theta0 = structure.start(start[None])
    D = structure.first(theta0)
    R, g = stack.n.shape
    p, k = len(row), len(theta0)
    step = max(1, CHUNK // (g * T * T * (k + T * T) + k * p * p))
    pieces = []
    with single_threaded():
        for begin in range(0, R, step):
            part = stack.take(np.arange(begin, min(begin + step, R)))
            pieces.append(_row(part, row, np.tile(theta0, (len(part.n), 1)), D))
    estimate, variance, df, good = (np.concatenate(column) for column in zip(*pieces, strict=True))
    with np.errstate(invalid="ignore"):
        return RowInference(estimate, np.sqrt(variance), df, good)


def _row(
    stack: Stack, row: Floats, start: Floats, D: Floats
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    theta, _, _, converged, _ = newton(stack, D, start, reml=True)
    out = [np.full(len(start), np.nan) for _ in range(3)]
    where = np.flatnonzero(converged)
    if not len(where):
        return out[0], out[1], out[2], converged
    own = stack.take(where)
    point = evaluate(own, D, theta[where], reml=True)
    B = _information_of_coefficients(own, D, point)
    omega, definite = _covariance_of_parameters(own, D, point, B)
    c = row
    a = point.phi @ c
    v = a @ c
    u = np.einsum("rkpq,rq->rkp", B, a)
    g = np.einsum("rkp,rp->rk", u, a)
    q = _weighted_products(own, D, point, a)
    bracket = q - u @ point.phi @ u.transpose(0, 2, 1)
    adjusted = v + 2 * (omega * bracket).sum((1, 2))
    spread = np.einsum("rk,rkj,rj->r", g, omega, g)
    definite &= (adjusted > 0) & (spread > 0)
    for column, values in zip(
        out, (point.beta @ c, adjusted, 2 * v**2 / np.where(spread > 0, spread, 1.0)), strict=True
    ):
        column[where] = np.where(definite, values, np.nan)
    converged = converged.copy()
    converged[where] = definite
    return out[0], out[1], out[2], converged


def _information_of_coefficients(stack: Stack, D: Floats, point: BatchPoint) -> Floats:
    """Return B_h = Σ X'W D_h W X, shape (R, k, p, p)."""
    R = len(stack.n)
    T, d, p = stack.selectors.shape
    flat = stack.selectors.reshape(T * d, p)
    out = np.empty((R, len(D), p, p))
    for h, own in enumerate(D[:, 0]):
        inner = contract(point.W @ own @ point.W, stack.zz, T, d)
        out[:, h] = flat.T @ (inner @ flat)
    return out


def _covariance_of_parameters(
    stack: Stack, D: Floats, point: BatchPoint, B: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return Ω, the inverse of the observed information, and where it is positive definite."""
    R, k, p, _ = B.shape
    T, d, _ = stack.selectors.shape
    flat = stack.selectors.reshape(T * d, p)
    _, curvature = gradient_and_curvature(stack, D, point, True, quick=True)
    # What the quick curvature leaves out: the movement of Φ and of the coefficients with θ.
    moved = (B @ point.phi[:, None]).reshape(R, k, p * p)
    turned = (B @ point.phi[:, None]).transpose(0, 1, 3, 2).reshape(R, k, p * p)
    beta = (point.beta @ flat.T).reshape(R, T, d)
    free = stack.zy - stack.zz @ beta[:, None].transpose(0, 1, 3, 2)
    scores = np.empty((R, k, p))
    for h, own in enumerate(D[:, 0]):
        weights = point.W @ own @ point.W
        scores[:, h] = np.einsum("rgab,rgdb->rad", weights, free).reshape(R, T * d) @ flat
    observed = curvature - 0.5 * moved @ turned.transpose(0, 2, 1)
    observed -= scores @ point.phi @ scores.transpose(0, 2, 1)
    least = np.linalg.eigvalsh(observed)[:, 0]
    definite: NDArray[np.bool_] = least > 0
    safe = np.where(definite[:, None, None], observed, np.eye(k))
    return np.asarray(np.linalg.inv(safe), float), definite


def _weighted_products(stack: Stack, D: Floats, point: BatchPoint, a: Floats) -> Floats:
    """Return q_hj = Σ a'X'W D_h W D_j W X a, shape (R, k, k)."""
    R, k = len(a), len(D)
    T, d, p = stack.selectors.shape
    moved = (a @ stack.selectors.reshape(T * d, p).T).reshape(R, 1, T, d)
    spread = moved @ stack.zz @ moved.transpose(0, 1, 3, 2)
    outer = point.W @ spread @ point.W
    left = point.W.reshape(R, -1, T * T)
    tensor = left.transpose(0, 2, 1) @ outer.reshape(R, -1, T * T)  # (bc, da)
    tensor = tensor.reshape(R, T, T, T, T).transpose(0, 4, 1, 2, 3).reshape(R, T * T, T * T)
    own = D[:, 0].reshape(k, T * T)
    return np.asarray(own @ (tensor @ own.T))
