"""The factors of a formula: what a column of the data contributes to the design.

A term of a formula is a product of factors. A factor is numeric (one or more columns of numbers)
or categorical (a set of levels with a reference level). The codes are R's treatment contrasts:
inside a term a categorical factor loses its reference level exactly when the term without that
factor is in the model too (Chambers & Hastie 1992, ch. 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError
from formulaic.transforms import TRANSFORMS
from formulaic.utils.stateful_transforms import stateful_eval
from numpy.typing import NDArray

from .errors import DesignError

Columns = Mapping[str, Any]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def level_label(level: object) -> str:
    """Write a level as it stands in the name of a coefficient.

    Examples
    --------
    >>> level_label(8.0), level_label("IPT")
    ('8', 'IPT')
    """
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level)


@dataclass
class Factor:
    """One factor of a formula, with what has to be remembered to evaluate it on new data.

    Attributes
    ----------
    expression
        The text in the formula: a column name or an expression such as ``log(week)``.
    variables
        Columns of the data that it needs.
    levels
        Levels, reference first, when categorical; ``None`` when numeric.
    """

    expression: str
    is_name: bool
    variables: tuple[str, ...]
    levels: list[Any] | None = None
    width: int = 1
    column_labels: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    left_out: list[Any] = field(default_factory=list)

    @property
    def categorical(self) -> bool:
        """Whether the factor has levels."""
        return self.levels is not None

    def values(self, columns: Columns) -> Any:
        """Evaluate the expression on columns of data, keeping the state of ``poly``, ``bs`` etc."""
        if self.is_name:
            return columns[self.expression]
        frame = {name: pd.Series(np.asarray(columns[name])) for name in self.variables}
        try:
            # What comes out infinite or missing is counted or refused by the caller.
            with np.errstate(all="ignore"):
                return stateful_eval(self.expression, {**TRANSFORMS, **frame}, {}, self.state, None)
        except (
            ArithmeticError,
            AttributeError,
            FormulaicError,
            LookupError,
            NameError,
            SyntaxError,
            TypeError,
            ValueError,
        ) as error:
            raise DesignError(
                f"{self.expression!r} of the formula cannot be evaluated ({error}); columns that "
                f"it found: {', '.join(self.variables) or 'none'}."
            ) from error

    def numeric(self, columns: Columns) -> Floats:
        """Return the numbers, shape (rows, width)."""
        raw = self.values(columns)
        if isinstance(raw, Mapping):
            raw = np.column_stack([np.asarray(raw[key], float) for key in raw])
        raw = getattr(raw, "__wrapped__", raw)
        try:
            out = np.asarray(raw, float)
        except (TypeError, ValueError) as error:
            raise DesignError(f"{self.expression!r} does not give numbers ({error}).") from error
        return out[:, None] if out.ndim == 1 else out

    def codes(self, columns: Columns) -> Codes:
        """Return each row's position among the levels."""
        return encode(self.values(columns), self.levels or [], self.expression)


def unwrap(values: Any) -> Any:
    """Return the data inside formulaic's ``C(...)`` marker, and anything else as it is."""
    if hasattr(values, "__formulaic_metadata__") and hasattr(values, "__wrapped__"):
        return values.__wrapped__
    return values


def encode(values: Any, levels: list[Any], what: str) -> Codes:
    """Return the position of each value among ``levels``; unknown values raise.

    Examples
    --------
    >>> encode(["a", "b", "a"], ["b", "a"], "arm")
    array([1, 0, 1])
    """
    values = unwrap(values)
    index = pd.Index(levels)
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        categorical = pd.Categorical(values)
        codes = index.get_indexer(categorical.categories)[categorical.codes]
        codes = np.where(categorical.codes < 0, -1, codes)
    else:
        codes = index.get_indexer(pd.Index(values))
    if (codes < 0).any():
        found = sorted({str(v) for v, c in zip(np.asarray(values), codes, strict=True) if c < 0})
        raise DesignError(
            f"{what!r} holds {', '.join(found[:5])}, which the fitted model does not know; "
            f"its levels are {', '.join(level_label(v) for v in levels)}."
        )
    return np.asarray(codes, np.int64)


def is_categorical(values: Any) -> bool:
    """Whether a column is a set of labels (text, category, true/false) and not a number."""
    dtype = getattr(unwrap(values), "dtype", None)
    if dtype is None:
        return False
    return bool(
        isinstance(dtype, pd.CategoricalDtype)
        or pd.api.types.is_bool_dtype(dtype)
        or not pd.api.types.is_numeric_dtype(dtype)
    )


def learn_levels(values: Any, rows: NDArray[np.bool_] | None) -> tuple[list[Any], Codes, list[Any]]:
    """Find the levels that occur, in order, with each row's code and the declared-but-empty ones.

    Ordered or unordered categories keep their order; labels and numbers are sorted.

    Examples
    --------
    >>> learn_levels(pd.Series(["b", "a", "b"]), None)
    (['a', 'b'], array([1, 0, 1]), [])
    """
    values = unwrap(values)
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        categorical = pd.Categorical(values)
        codes, labels = categorical.codes.astype(np.int64), list(categorical.categories)
    else:
        codes, uniques = pd.factorize(values, sort=True)
        labels = list(uniques)
    used = (
        np.bincount(codes[codes >= 0] if rows is None else codes[rows], minlength=len(labels)) > 0
    )
    if used.all():
        return labels, codes, []
    position = np.where(used, np.cumsum(used) - 1, -1)
    codes = np.where(codes >= 0, position[codes], -1)
    kept = [label for label, is_used in zip(labels, used, strict=True) if is_used]
    return kept, codes, [label for label, u in zip(labels, used, strict=True) if not u]
