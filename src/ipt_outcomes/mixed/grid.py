"""The reference grid: rows of the design behind adjusted means, contrasts and trends.

An adjusted mean is the model's mean at given levels of some factors, averaged over the levels of
the others (equal weights, or the shares seen in the data) with numeric covariates at their mean
over the analysed rows (Searle, Speed & Milliken 1980, American Statistician 34:216).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from .design import Design
from .errors import DesignError, one_of
from .factors import Factor, Floats, level_label
from .sum_coding import to_sum_coding

GRID_LIMIT = 200_000


def as_names(value: str | Sequence[str] | None) -> list[str]:
    """Return names as a list.

    Examples
    --------
    >>> as_names("arm"), as_names(None)
    (['arm'], [])
    """
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def mean_rows(
    design: Design,
    targets: Sequence[str],
    at: Mapping[str, Any] | None = None,
    weights: str = "equal",
) -> tuple[list[tuple[Any, ...]], Floats]:
    """Return the combinations of the targets' levels and the rows of their adjusted means.

    Parameters
    ----------
    design
        The fixed effects.
    targets
        Categorical columns, or numeric ones that have values in ``at``.
    at
        Values for covariates: one value, or several for a target.
    weights
        ``"equal"`` or ``"proportional"`` (product of the factors' shares in the analysed rows).

    Returns
    -------
    One tuple of levels per combination, and the rows (combinations, coefficients).

    Raises
    ------
    DesignError
        For names that the model does not hold.
    """
    one_of("weights", weights, ["equal", "proportional"])
    at = dict(at or {})
    twice = sorted({name for name in targets if list(targets).count(name) > 1})
    if twice:
        raise DesignError(f"{', '.join(twice)}: named twice among the factors of the means.")
    variables = design.variables
    known = ", ".join(variables) or "none"
    findings = [
        f"{n!r} is not in the model; it holds {known}"
        for n in (*targets, *at)
        if n not in variables
    ]
    numeric = [n for n in targets if n in variables and variables[n].levels is None and n not in at]
    findings += [
        f"{n!r} is numeric: give its values, for instance at={{{n!r}: [0, 16]}}" for n in numeric
    ]
    if findings:
        raise DesignError(findings)
    axes: list[list[Any]] = []
    shares: list[Floats] = []
    names = [*targets, *[n for n in variables if n not in targets]]
    for name in names:
        variable = variables[name]
        if name in at:
            value = at[name]
            several = isinstance(value, list | tuple | np.ndarray | pd.Index | pd.Series)
            values = list(value) if several else [value]
            if not values:
                raise DesignError(f"at={{{name!r}: …}} holds no value.")
            values = (
                [find_level(variable.levels, v, name) for v in values]
                if variable.levels
                else values
            )
        else:
            values = list(variable.levels) if variable.levels is not None else [variable.mean]
        if weights == "proportional" and variable.shares is not None and name not in at:
            share = np.asarray(variable.shares, float)
        else:
            share = np.full(len(values), 1 / len(values))
        axes.append(values)
        shares.append(share)
    size = int(np.prod([len(a) for a in axes]))
    if size > GRID_LIMIT:
        raise DesignError(
            f"the reference grid has {size} cells; fix some factors through at={{…}}."
        )
    lengths = [len(axis) for axis in axes]
    index = (
        dict(zip(names, np.unravel_index(np.arange(size), lengths), strict=True)) if axes else {}
    )
    rows = grid_design(design, dict(zip(names, axes, strict=True)), index, size)
    cells = int(np.prod(lengths[: len(targets)]))
    rest = np.ones(1)
    for share in shares[len(targets) :]:
        rest = np.multiply.outer(rest, share).ravel()
    averaged = np.tensordot(rows.reshape(cells, len(rest), -1), rest, axes=([1], [0]))
    return list(product(*axes[: len(targets)])), averaged


def grid_design(
    design: Design, axes: Mapping[str, list[Any]], index: Mapping[str, Any], size: int
) -> Floats:
    """Write the design out on a grid; a factor of one variable is evaluated on its axis only."""
    tables: dict[int, Floats] = {}
    positions: dict[int, Any] = {}
    out = np.ones((size, len(design.columns)))
    for j, column in enumerate(design.columns):
        for f, c in column.parts:
            if f not in tables:
                factor = design.factors[f]
                if len(factor.variables) == 1:
                    name = factor.variables[0]
                    data, positions[f] = {name: axes[name]}, index[name]
                else:
                    data = {n: pd.Index(axes[n]).take(index[n]) for n in factor.variables}
                    positions[f] = slice(None)
                tables[f] = factor_table(factor, data)
            out[:, j] *= tables[f][positions[f], c]
    return out


def factor_table(factor: Factor, data: Mapping[str, Any]) -> Floats:
    """Return the columns of a factor on some rows, full indicators when categorical."""
    if factor.levels is None:
        return factor.numeric({n: np.asarray(v) for n, v in data.items()})
    if factor.is_name:
        place = {level: j for j, level in enumerate(factor.levels)}
        codes = [place[v] for v in data[factor.expression]]
    else:
        codes = factor.codes({n: pd.Series(v) for n, v in data.items()}).tolist()
    return np.eye(factor.width)[codes]


def find_level(levels: list[Any], value: Any, name: str) -> Any:
    """Return the level that is meant by a value or its label.

    Examples
    --------
    >>> find_level([4.0, 8.0], "8", "week")
    8.0
    """
    for level in levels:
        if level == value or level_label(level) == str(value):
            return level
    found = ", ".join(level_label(v) for v in levels)
    raise DesignError(f"{name!r} has no level {value!r}; its levels are {found}")


def trend_rows(
    design: Design, slope: str, targets: Sequence[str], at: Mapping[str, Any] | None, weights: str
) -> tuple[list[tuple[Any, ...]], Floats]:
    """Return rows whose estimates are slopes: the derivative of the mean in a numeric covariate.

    The derivative is a central difference over a thousandth of a unit's scale, exact for covariates
    that enter linearly.
    """
    variable = design.variables.get(slope)
    if variable is None or variable.levels is not None:
        numeric = [n for n, v in design.variables.items() if v.levels is None]
        raise DesignError(
            f"{slope!r} is no numeric covariate of the model; it has: "
            f"{', '.join(numeric) or 'none'}"
        )
    at = dict(at or {})
    try:
        centre = float(at.pop(slope, variable.mean))
    except (TypeError, ValueError) as error:
        raise DesignError(f"at={{{slope!r}: …}} must be one number ({error}).") from error
    linear = all(f.is_name or slope not in f.variables for f in design.factors)
    half = 0.5 if linear else 1e-4 * max(1.0, abs(centre))
    combinations, above = mean_rows(design, targets, {**at, slope: centre + half}, weights)
    _, below = mean_rows(design, targets, {**at, slope: centre - half}, weights)
    return combinations, (above - below) / (2 * half)


def type_three_rows(design: Design) -> dict[str, Floats]:
    """Return, per term, the rows of its type III hypothesis.

    The model is written in sum-to-zero coding, in which the hypothesis of a term is that its own
    coefficients vanish (see :mod:`.sum_coding`).
    """
    change = to_sum_coding(design)
    out = {}
    for number, name in enumerate(design.term_names):
        own = [j for j, t in enumerate(design.term_of) if t == number]
        if design.terms[number]:
            # Rows are solved for the term's own coefficients: Satterthwaite's combined df depend on
            # the basis of the hypothesis, and this one is lmerTest's and mmrm's.
            out[name] = np.asarray(np.linalg.solve(change[np.ix_(own, own)], change[own]))
    return out
