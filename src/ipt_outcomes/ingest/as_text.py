"""Typed columns of data files as text, exactly: what a person would have typed into a CSV.

A number is written with the fewest digits that mean it and no other number, a whole one without a
point, a date as 2024-12-31. So every format goes through the same strict parsers, and ``22.5`` is
the same score wherever it stood.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import quoted


def plain_number(value: float, *, single: bool = False) -> str:
    """Write a number with the fewest digits that mean it.

    Parameters
    ----------
    value
        The number.
    single
        Whether it was stored in single precision, as many Stata files do.

    Examples
    --------
    >>> plain_number(17.0), plain_number(22.5), plain_number(0.1)
    ('17', '22.5', '0.1')
    >>> plain_number(0.10000000149011612, single=True)
    '0.1'
    """
    if not math.isfinite(value):
        return str(value)
    if single:
        return str(np.format_float_positional(np.float32(value), trim="-"))
    return str(np.format_float_positional(value, trim="-"))


def cell_text(value: Any, *, single: bool = False) -> str | None:
    """Write one cell; None where it holds nothing.

    Examples
    --------
    >>> cell_text(datetime.datetime(2024, 3, 1)), cell_text(True), cell_text("  a ")
    ('2024-03-01', 'true', 'a')
    """
    match value:
        case _ if value is None or value is pd.NaT or value is pd.NA:
            return None
        case str():
            return value.strip() or None
        case bool() | np.bool_():
            return "true" if value else "false"
        case int() | np.integer():
            return str(int(value))
        case float() | np.floating():
            number = float(value)
            return None if math.isnan(number) else plain_number(number, single=single)
        case Decimal():
            return format(value.normalize(), "f")
        case datetime.datetime():
            if value.time() == datetime.time():
                return value.date().isoformat()
            return value.replace(microsecond=0, tzinfo=None).isoformat(sep=" ")
        case datetime.date():
            return value.isoformat()
        case datetime.time() | datetime.timedelta():
            return str(value)
        case bytes():
            return value.decode("utf-8", "replace").strip() or None
        case _:
            return str(value)


def text_column(values: pd.Series, *, single: bool = False) -> pd.Series:
    """Write a column; each distinct value is written once.

    Examples
    --------
    >>> text_column(pd.Series([17.0, None, 22.5])).tolist()
    ['17', nan, '22.5']
    """
    codes, unique = pd.factorize(values)
    texts = [cell_text(value, single=single) for value in unique]
    return pd.Series(pd.array([*texts, None], dtype="str").take(codes), index=values.index)


def named_columns(columns: Mapping[str, pd.Series]) -> tuple[dict[str, pd.Series], list[str]]:
    """Return the columns with trimmed names, and the names that stand twice."""
    seen: dict[str, list[pd.Series]] = {}
    for name, column in columns.items():
        seen.setdefault(str(name).strip(), []).append(column)
    twice = [name for name, of in seen.items() if len(of) > 1 and name]
    return {name: of[0] for name, of in seen.items() if name and len(of) == 1}, twice


def label_texts(labels: Mapping[Any, str], *, single: bool = False) -> dict[str, str]:
    """Return value labels by the text of their codes; labels that say nothing are left out."""
    written = {cell_text(code, single=single): str(label).strip() for code, label in labels.items()}
    return {code: label for code, label in written.items() if code and label}


def listed(names: list[str], limit: int = 5) -> str:
    """List names for a message."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(quoted(name) for name in names[:limit]) + more
