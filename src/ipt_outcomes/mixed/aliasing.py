"""Coefficients that the data cannot tell apart, named and set aside.

A column of the design that is a linear combination of earlier ones has no estimate of its own. It
is removed from the fit, listed by name, and every adjusted mean or contrast that depends on it is
reported as not estimable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .factors import Floats

TOLERANCE = 1e-10  # squared length left after regression on the earlier columns, relative


@dataclass
class Aliasing:
    """Which coefficients are estimated, and which directions are not estimable.

    Attributes
    ----------
    kept
        Indices of the estimated coefficients.
    dropped
        Indices of the aliased ones.
    null
        Basis of the directions that the design maps to zero, shape (coefficients, dropped).
    """

    kept: NDArray[np.int64]
    dropped: NDArray[np.int64]
    null: Floats

    def estimable(self, rows: Floats) -> NDArray[np.bool_]:
        """Whether each row is a function of the fitted means, shape (rows,)."""
        if not len(self.dropped):
            return np.ones(len(rows), bool)
        size = np.abs(rows) @ np.abs(self.null)
        return np.asarray((np.abs(rows @ self.null) <= 1e-7 * np.maximum(size, 1e-12)).all(1))


def find_aliasing(gram: Floats) -> Aliasing:
    """Find aliased coefficients from X'X, keeping the earlier of two that coincide.

    Examples
    --------
    >>> X = np.array([[1.0, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1]])
    >>> find_aliasing(X.T @ X).dropped.tolist()
    [2]
    """
    p = len(gram)
    size = np.sqrt(np.diag(gram))
    scale = np.where(size > 0, 1 / np.where(size > 0, size, 1.0), 0.0)
    work = gram * np.outer(scale, scale)
    try:
        if np.diag(np.linalg.cholesky(work)).min() ** 2 > 10 * TOLERANCE:
            return Aliasing(np.arange(p), np.arange(0), np.zeros((p, 0)))
    except np.linalg.LinAlgError:
        pass
    left = work.copy()
    kept, dropped = [], []
    for j in range(p):
        if left[j, j] <= TOLERANCE or size[j] == 0:
            dropped.append(j)
            continue
        kept.append(j)
        left -= np.outer(left[:, j], left[j]) / left[j, j]
    null = np.zeros((p, len(dropped)))
    if dropped:
        if kept:
            solved = np.linalg.lstsq(
                work[np.ix_(kept, kept)], work[np.ix_(kept, dropped)], rcond=None
            )[0]
            null[kept] = (
                -solved * scale[kept][:, None] / np.where(scale[dropped] > 0, scale[dropped], 1.0)
            )
        null[dropped, np.arange(len(dropped))] = 1.0
        # Rounding leaves specks in coefficients that do not belong to the dependency.
        weight = np.abs(null) * np.where(size > 0, size, 1.0)[:, None]
        null[weight < 1e-7 * weight.max(0)] = 0.0
    return Aliasing(np.array(kept, np.int64), np.array(dropped, np.int64), null)
