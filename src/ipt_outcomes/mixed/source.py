"""Columns of the data frame, each taken out of it once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DesignError
from .factors import Codes


class Source:
    """A data frame whose columns are remembered: taking one out of pandas costs 0.1 ms.

    Parameters
    ----------
    frame
        The data.

    Examples
    --------
    >>> Source(pd.DataFrame({"week": [4, 8]}))["week"].tolist()
    [4, 8]
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.columns = [str(c) for c in frame.columns]
        self._taken: dict[str, pd.Series[Any]] = {}
        self._codes: dict[str, tuple[Codes, pd.Index[Any]]] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        if name not in self._taken:
            number = self.columns.count(name)
            if number > 1:
                raise DesignError(f"the data have {number} columns named {name!r}.")
            self._taken[name] = self.frame[name]
        return self._taken[name]

    def factorized(self, name: str) -> tuple[Codes, pd.Index[Any]]:
        """Return codes by first appearance (−1 where missing) and the labels."""
        if name not in self._codes:
            codes, labels = pd.factorize(self[name])
            self._codes[name] = codes.astype(np.int64), pd.Index(labels)
        return self._codes[name]

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return where a column has no value."""
        column = self[name]
        if isinstance(column.dtype, np.dtype):
            if column.dtype.kind == "f":
                return np.asarray(np.isnan(column.to_numpy()), bool)
            if column.dtype.kind in "iub":
                return np.zeros(len(column), bool)
        return np.asarray(column.isna(), bool)
