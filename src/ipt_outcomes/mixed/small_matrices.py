"""Cholesky factors and inverses of very many small matrices at once.

LAPACK is called once per matrix; for thousands of 5 × 5 matrices the calls cost more than the
arithmetic. Here the loop runs over the columns of the matrix and every step is one operation on
the whole stack, whose index stands last so that memory is read in order.
"""

from __future__ import annotations

import numpy as np

from .factors import Floats


def cholesky_inverse(stack: Floats) -> tuple[Floats, Floats]:
    """Return log-determinants and inverses of symmetric positive-definite matrices.

    Parameters
    ----------
    stack
        Matrices with the stack last, shape (T, T, m).

    Returns
    -------
    Log-determinants (m,), not a number where a matrix is not positive definite, and inverses
    (T, T, m).

    Examples
    --------
    >>> logdet, inverse = cholesky_inverse(np.array([[[4.0, -1.0]]]))
    >>> np.exp(logdet).round(6).tolist(), inverse.round(3).tolist()
    ([4.0, nan], [[[0.25, nan]]])
    """
    T = len(stack)
    lower = np.zeros_like(stack)
    logdet = np.zeros(stack.shape[2])
    with np.errstate(invalid="ignore", divide="ignore"):
        for j in range(T):
            column = stack[j:, j].copy()
            for k in range(j):
                column -= lower[j:, k] * lower[j, k]
            pivot = np.sqrt(np.where(column[0] > 0, column[0], np.nan))
            logdet += 2 * np.log(pivot)
            lower[j:, j] = column / pivot
            lower[j, j] = pivot
        # Rows of the inverse factor, by forward substitution.
        half = np.zeros_like(stack)
        for i in range(T):
            row = np.zeros((T, stack.shape[2]))
            row[i] = 1.0
            for k in range(i):
                row[: k + 1] -= lower[i, k] * half[k, : k + 1]
            half[i, : i + 1] = row[: i + 1] / lower[i, i]
        inverse = np.empty_like(stack)
        for i in range(T):
            for j in range(i + 1):
                inverse[i, j] = inverse[j, i] = (half[i:, i] * half[i:, j]).sum(0)
    return logdet, inverse
