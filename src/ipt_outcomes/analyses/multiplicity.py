"""Holm's step-down adjustment.

Source: Holm (1979), Scandinavian Journal of Statistics 6:65.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust the p-values of one family.

    Parameters
    ----------
    p
        Unadjusted p-values, shape (k,); missing ones stay missing and do not count.

    Returns
    -------
    numpy.ndarray
        Adjusted p-values, shape (k,), in the order given.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, float)
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return adjusted
