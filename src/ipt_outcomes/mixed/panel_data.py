"""Two series of the same persons, summed up per pattern of what was seen.

The stacked series (x and y of the first occasion, x and y of the second, and so on) are the visits
of the engine's statistics; each has a mean of its own in each group. After this one pass over the
data every step of a fit costs the same for any number of persons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .errors import DesignError
from .factors import Codes, Floats, level_label
from .statistics import CrossProducts, cross_products, find_patterns

LEAST_OCCASIONS = 3
"""With two occasions nothing tells what is stable from what moves."""


@dataclass(frozen=True)
class Panel:
    """Two series of the same persons, summed up.

    Attributes
    ----------
    occasions, groups
        Labels in order.
    times
        The occasions as numbers where they are numbers, else ``None``.
    statistics
        Cross-products per pattern of what was seen.
    counts
        Persons, those seen at least twice, and observations.
    """

    occasions: list[str]
    groups: list[str]
    times: list[float] | None
    statistics: CrossProducts
    counts: dict[str, int]


def sum_panel(
    frame: pd.DataFrame,
    *,
    participant: str,
    occasion: str,
    x: str,
    y: str,
    group: str | None = None,
) -> Panel:
    """Go over the data once.

    Parameters
    ----------
    frame
        One row per person and occasion; either series may be missing in a row.
    participant, occasion, x, y, group
        Names of its columns. Occasions are ordered by an ordered categorical or by their numbers.

    Raises
    ------
    DesignError
        With everything found: missing columns, text for numbers, rows that stand twice, too few
        occasions.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [1, 1, 1, 2, 2, 2], "t": [1, 2, 3] * 2,
    ...                       "x": [1.0, 2.0, 4.0, 1.0, np.nan, 2.0], "y": 6 * [2.0]})
    >>> sum_panel(frame, participant="id", occasion="t", x="x", y="y").counts["observations"]
    11
    """
    wanted = [participant, occasion, x, y, *([group] if group else [])]
    absent = [f"column {name!r} is missing." for name in wanted if name not in frame]
    if absent:
        raise DesignError(absent)
    words = [
        f"column {name!r} holds {frame[name].dtype}, numbers are expected."
        for name in (x, y)
        if not pd.api.types.is_numeric_dtype(frame[name])
    ]
    if words:
        raise DesignError(words)
    known = frame[wanted].drop(columns=[x, y]).notna().all(axis=1)
    values = frame[[x, y]].to_numpy(float, na_value=np.nan)
    rows = frame[known & np.isfinite(values).any(axis=1)]
    findings = []
    twice = int(rows.duplicated([participant, occasion]).sum())
    if twice:
        findings.append(f"{twice} rows repeat an occasion of a person; each needs one row.")
    labels, times, at = _occasions(rows[occasion])
    if len(labels) < LEAST_OCCASIONS:
        findings.append(
            f"{len(labels)} occasions hold something of either series; at least "
            f"{LEAST_OCCASIONS} are needed: fewer cannot tell what is stable from what moves."
        )
    if findings:
        raise DesignError(findings)
    people, person = np.unique(rows[participant].to_numpy(), return_inverse=True)
    series = np.full((len(people), len(labels), 2), np.nan)
    series[person, at] = rows[[x, y]].to_numpy(float, na_value=np.nan)
    codes, groups = np.zeros(len(people), np.int64), [""]
    if group is not None:
        names, own = np.unique(rows[group].astype(str).to_numpy(), return_inverse=True)
        groups, codes[person] = names.tolist(), own
    flat = np.where(np.isfinite(series), series, np.nan).reshape(len(people), -1)
    seen = np.isfinite(series).any(axis=2)
    return Panel(
        labels,
        groups,
        times,
        _statistics(flat, codes, len(groups)),
        {
            "participants": len(people),
            "participants seen twice": int((seen.sum(axis=1) >= 2).sum()),
            "observations": int(np.isfinite(flat).sum()),
        },
    )


def _occasions(column: pd.Series) -> tuple[list[str], list[float] | None, Codes]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        own = column.cat.remove_unused_categories().cat
        return [level_label(v) for v in own.categories], None, own.codes.to_numpy().astype(np.int64)
    levels, at = np.unique(column.to_numpy(), return_inverse=True)
    numeric = pd.api.types.is_numeric_dtype(column)
    times = [float(v) for v in levels.tolist()] if numeric else None
    return [level_label(v) for v in levels.tolist()], times, at.astype(np.int64)


def _statistics(values: Floats, group: Codes, groups: int) -> CrossProducts:
    """Sum the cross-products; a mean that nobody was seen at is no parameter."""
    seen = np.isfinite(values)
    z = np.eye(groups)[group]
    number = z.T @ seen
    means = (z.T @ np.where(seen, values, 0.0)) / np.maximum(number, 1)
    columns, of_group = np.nonzero(number.T > 0)
    selectors = np.zeros((values.shape[1], groups, len(columns)))
    selectors[columns, of_group, np.arange(len(columns))] = 1.0
    return cross_products(
        z,
        np.where(seen, values - means[group], 0.0),
        find_patterns(seen),
        selectors,
        means[of_group, columns],
    )
