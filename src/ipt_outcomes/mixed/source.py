"""Columns of the data frame, each taken out of it once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DesignError
from .factors import Codes, is_categorical

NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "empty"}


def one_kind(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return a column of Python objects as numbers when it holds nothing else.

    Spreadsheets with empty cells come as objects. Taken for labels, a baseline score would become
    a factor of as many levels as participants.

    Raises
    ------
    DesignError
        When numbers and text stand in one column.

    Examples
    --------
    >>> one_kind(pd.Series([20, None], dtype=object), "baseline").tolist()
    [20.0, nan]
    """
    if column.dtype != object:
        return column
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in NUMBERS:
        return pd.to_numeric(column.astype("float64"))
    if kind.startswith("mixed"):
        known = column.dropna()
        shown = [repr(v) for v in known.groupby(known.map(lambda v: type(v).__name__)).first()]
        raise DesignError(
            f"column {name!r} mixes values of different kinds (for instance {', '.join(shown)}); "
            "write all of them as numbers or all as text."
        )
    return column


def check_size(values: NDArray[np.float64], what: str) -> None:
    """Refuse numbers whose squares would leave the range of floating point.

    Raises
    ------
    DesignError
        With the size that was found.
    """
    largest = float(np.abs(values).max(initial=0.0))
    if largest > 1e100 or 0 < largest < 1e-100:
        raise DesignError(
            f"{what} reaches {largest:.1e}, whose square is beyond the range of numbers; change "
            "its unit."
        )


def numbers_of(frame: Source, name: str, role: str) -> NDArray[np.float64]:
    """Return a column as finite or missing numbers.

    Raises
    ------
    DesignError
        For text, infinite or extreme numbers.
    """
    column = frame[name]
    if is_categorical(column) and not pd.api.types.is_bool_dtype(column.dtype):
        raise DesignError(f"{role} column {name!r} is of type {column.dtype}; it must be numbers.")
    values = np.asarray(column, float)
    if np.isinf(values).any():
        raise DesignError(
            f"{role} column {name!r} is infinite in {int(np.isinf(values).sum())} rows."
        )
    check_size(values[np.isfinite(values)], f"{role} column {name!r}")
    return values


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
            self._taken[name] = one_kind(self.raw(name), name)
        return self._taken[name]

    def raw(self, name: str) -> pd.Series[Any]:
        """Return a column as it is in the frame: identifiers may be of any kind."""
        place = [j for j, column in enumerate(self.columns) if column == name]
        if len(place) != 1:
            raise DesignError(f"the data have {len(place)} columns named {name!r}.")
        return self.frame.iloc[:, place[0]]

    def factorized(self, name: str) -> tuple[Codes, pd.Index[Any]]:
        """Return codes by first appearance (−1 where missing) and the labels."""
        if name not in self._codes:
            codes, labels = pd.factorize(self.raw(name))
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
