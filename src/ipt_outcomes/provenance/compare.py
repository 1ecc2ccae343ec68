"""Comparing published results with rebuilt ones: numbers, texts, tables and pictures.

Two numbers are equal when |a - b| <= 1e-8 + 1e-6 |b|: far below every printed digit, and above what
another processor or BLAS changes in the last ones.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

RELATIVE, ABSOLUTE = 1e-6, 1e-8
TOLERANCE = f"|a - b| <= {ABSOLUTE:g} + {RELATIVE:g} |b|"


def same_number(found: float, expected: float, tolerance: float | None = None) -> bool:
    """Tell whether two numbers are equal; two missing ones are.

    Examples
    --------
    >>> same_number(1.0, 1.0 + 1e-9), same_number(1.0, 1.01), same_number(1.0, 1.01, 0.02)
    (True, False, True)
    """
    if np.isnan(found) or np.isnan(expected):
        return bool(np.isnan(found) and np.isnan(expected))
    if np.isinf(found) or np.isinf(expected):
        return bool(found == expected)
    allowed = ABSOLUTE + RELATIVE * abs(expected) if tolerance is None else tolerance
    return bool(abs(found - expected) <= allowed)


def row_differences(published: Mapping[Any, Any], rebuilt: Mapping[Any, Any]) -> list[str]:
    """Say in which columns two rows of an estimates table differ, with both values."""
    found = []
    for name, value in published.items():
        again = rebuilt.get(name)
        if _is_number(value) or _is_number(again):
            if not same_number(_float(value), _float(again)):
                found.append(f"{name} {_shown(value)}, rebuilt {_shown(again)}")
        elif not ((pd.isna(value) and pd.isna(again)) or value == again):
            found.append(f"{name} {_shown(value)!r}, rebuilt {_shown(again)!r}")
    return found


def unlike_rows(published: pd.DataFrame, rebuilt: pd.DataFrame) -> list[str]:
    """Return the ids of published rows that the rebuilt table lacks or holds differently."""
    again = {row["id"]: row for row in rebuilt.to_dict("records")}
    return [
        str(row["id"])
        for row in published.to_dict("records")
        if row["id"] not in again or row_differences(row, again[row["id"]])
    ]


def further_rows(published: pd.DataFrame, rebuilt: pd.DataFrame) -> list[str]:
    """Return the ids of rebuilt rows that were not published.

    Where data are withheld, an analysis may say in a row of its own that it cannot be made.

    Examples
    --------
    >>> further_rows(pd.DataFrame({"id": ["a"]}), pd.DataFrame({"id": ["c", "a", "b"]}))
    ['b', 'c']
    """
    return sorted(set(map(str, rebuilt["id"])) - set(map(str, published["id"])))


def tables_differ(published: bytes, rebuilt: bytes) -> str:
    """Say how two CSV files differ; an empty text when they are equal within the tolerance."""
    if published == rebuilt:
        return ""
    try:
        one, other = (
            pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
            for content in (published, rebuilt)
        )
    except ValueError as error:
        return f"cannot be read: {error}"
    if one.shape != other.shape:
        rows, columns = other.shape
        return f"{len(one)} rows of {one.shape[1]} columns, rebuilt {rows} of {columns}"
    for name, again in zip(one.columns, other.columns, strict=True):
        if name != again:
            return f"the column {name!r}, rebuilt {again!r}"
    for name in one.columns:
        for line, (value, again) in enumerate(zip(one[name], other[name], strict=True), 2):
            if value != again and not _near(value, again):
                return f"line {line}, {name}: {value!r}, rebuilt {again!r}"
    return ""


def pictures_differ(published: bytes, rebuilt: bytes) -> str:
    """Say how two PNG pictures differ; an empty text when all pixels are equal."""
    if published == rebuilt:
        return ""
    from matplotlib.image import imread

    try:
        one, other = (np.asarray(imread(io.BytesIO(c), "png")) for c in (published, rebuilt))
    except (ValueError, SyntaxError, OSError) as error:
        return f"is no picture: {error}"
    if one.shape != other.shape:
        return (
            f"{one.shape[1]} × {one.shape[0]} pixels, rebuilt {other.shape[1]} × {other.shape[0]}"
        )
    different = int((one != other).any(axis=-1).sum())
    return f"{different} pixels differ" if different else ""


def _near(value: str, again: str) -> bool:
    try:
        return same_number(float(value), float(again))
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _float(value: Any) -> float:
    return float("nan") if pd.isna(value) else float(value)


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "nothing"
    return f"{float(value):.10g}" if _is_number(value) else str(value)
