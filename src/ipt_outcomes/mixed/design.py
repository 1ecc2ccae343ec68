"""The fixed-effects design as a product of participants' columns and visits' selectors.

A row of the design of participant *i* at visit *a* is

    x_ia = A_a' z_i ,

with z_i the participant's own columns (1, baseline, arm and site indicators, …) and A_a a constant
matrix that places them in the coefficients of visit *a*. A covariate that varies within a
participant in a way that the visit does not explain contributes one column of z per visit. With
this split everything that the likelihood needs follows from cross-products of (z, y) within each
pattern of visits seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import DesignError
from .factors import Columns, Factor, Floats, is_categorical, learn_levels, level_label
from .formula import (
    Column,
    ParsedFormula,
    check_expression,
    evaluate_columns,
    expand_terms,
    term_label,
    variables_of,
)
from .layout import Layout
from .source import Source, check_size


@dataclass
class Variable:
    """A column of the data on the reference grid: its levels with their shares, or its mean."""

    name: str
    levels: list[Any] | None
    shares: Floats | None
    mean: float


@dataclass
class Design:
    """The fixed effects of a model.

    Attributes
    ----------
    factors, terms, columns
        What the formula says.
    variables
        Columns of the data behind the factors, for the reference grid.
    selectors
        A, shape (visits, columns of z, coefficients).
    z
        Participants' columns, shape (participants, columns of z).
    between
        Whether a coefficient's column is constant within participants.
    notes
        What the reader of the fit must know, such as levels without any analysed row.
    """

    factors: list[Factor]
    terms: list[tuple[str, ...]]
    columns: list[Column]
    variables: dict[str, Variable]
    selectors: Floats
    z: Floats
    between: list[bool]
    notes: list[str]

    @property
    def names(self) -> list[str]:
        """Names of the coefficients."""
        return [column.name for column in self.columns]

    @property
    def term_names(self) -> list[str]:
        """Names of the terms."""
        return [term_label(term) for term in self.terms]

    @property
    def term_of(self) -> list[int]:
        """Term of each coefficient."""
        return [column.term for column in self.columns]

    def rows(self, data: Columns, number: int) -> Floats:
        """Return the design on other rows, shape (number, coefficients)."""
        return evaluate_columns(self.columns, self.factors, data, number)


def make_factors(
    formula: ParsedFormula,
    frame: Source,
    reference: Mapping[str, Any],
    visit: tuple[str, list[Any]] | None,
    keep: Any,
) -> tuple[list[Factor], dict[str, Any], list[str]]:
    """Evaluate every factor of the formula once on the analysed rows.

    Returns the factors, per expression its codes or numbers, and notes for the reader.
    """
    factors: list[Factor] = []
    values: dict[str, Any] = {}
    notes: list[str] = []
    used_references: set[str] = set()
    everything = bool(keep.all())
    for expression in dict.fromkeys(e for term in formula.terms for e in term):
        check_expression(expression)
        name = expression in formula.names
        factor = Factor(expression, name, variables_of(expression, name, frame.columns))
        if visit is not None and expression == visit[0]:
            factor.levels = list(visit[1])
            factor.width = len(visit[1])
            if expression in reference:
                used_references.add(expression)
                factor.levels = _reference_first(factor.levels, reference[expression], expression)
            factors.append(factor)
            continue
        raw = factor.values({v: frame[v] for v in factor.variables})
        if name and getattr(getattr(raw, "dtype", None), "kind", "") in "mM":
            raise DesignError(
                f"column {expression!r} holds dates or durations; make it a number, for instance "
                "days since randomisation."
            )
        if expression.startswith("C(") or (name and is_categorical(raw)):
            levels, codes, empty = learn_levels(raw, None if everything else keep)
            codes = codes if everything else codes[keep]
            notes.extend(doubtful_levels(expression, levels))
            if empty:
                shown = ", ".join(level_label(v) for v in empty)
                notes.append(f"{expression}: no analysed row has {shown}; left out of the model")
            key = next((k for k in (expression, *factor.variables) if k in reference), None)
            if key is not None:
                used_references.add(key)
                arranged = _reference_first(levels, reference[key], key)
                position = np.empty(len(levels), np.int64)
                position[[levels.index(v) for v in arranged]] = np.arange(len(levels))
                levels, codes = arranged, position[codes]
            factor.levels, factor.width, factor.left_out = levels, len(levels), empty
            values[expression] = codes
        else:
            data = {v: frame[v] for v in factor.variables}
            if not everything:
                data = {v: column[keep] for v, column in data.items()}
            factor.state = {}
            numbers = factor.numeric(data)
            factor.width = numbers.shape[1]
            if not np.isfinite(numbers).all():
                raise DesignError(
                    f"{expression} is not finite in {np.sum(~np.isfinite(numbers))} rows."
                )
            check_size(numbers, expression)
            values[expression] = numbers
        factors.append(factor)
    unknown = set(reference) - used_references
    if unknown:
        raise DesignError(
            [
                f"reference={{{k!r}: …}}: {k!r} is not a categorical factor of the formula"
                for k in unknown
            ]
        )
    return factors, values, notes


def doubtful_levels(name: str, levels: list[Any]) -> list[str]:
    """Return notes on levels that look like a mistake in the data: empty text, text of numbers.

    Examples
    --------
    >>> doubtful_levels("arm", ["", "IPT"])
    ['arm: empty text counts as a level of its own; make it missing if nothing was recorded']
    """
    notes = []
    if any(isinstance(v, str) and not v.strip() for v in levels):
        notes.append(
            f"{name}: empty text counts as a level of its own; make it missing if nothing was "
            "recorded"
        )
    if len(levels) > 10 and all(isinstance(v, str) and _is_number(v) for v in levels):
        notes.append(
            f"{name}: {len(levels)} levels, all of them numbers written as text; convert the "
            "column if it is a measurement"
        )
    return notes


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _reference_first(levels: list[Any], wanted: Any, name: str) -> list[Any]:
    match = [v for v in levels if v == wanted or level_label(v) == str(wanted)]
    if not match:
        found = ", ".join(level_label(v) for v in levels)
        raise DesignError(
            f"reference level {wanted!r} of {name!r} has no analysed row; found: {found}"
        )
    return [match[0], *[v for v in levels if v is not match[0]]]


def make_variables(
    factors: Sequence[Factor],
    values: Mapping[str, Any],
    frame: Source,
    layout: Layout,
    visit: str | None,
) -> dict[str, Variable]:
    """Describe the data columns behind the factors for the reference grid."""
    out: dict[str, Variable] = {}
    for factor in sorted(factors, key=lambda f: not f.categorical):
        for name in factor.variables:
            if name in out:
                continue
            if factor.levels is not None and len(factor.variables) == 1:
                if factor.expression == visit:
                    counts = np.bincount(layout.visit, minlength=factor.width).astype(float)
                    order = [layout.visits.index(v) for v in factor.levels]
                    counts = counts[order]
                else:
                    counts = np.bincount(values[factor.expression], minlength=factor.width)
                out[name] = Variable(name, factor.levels, counts / counts.sum(), float("nan"))
            elif factor.is_name:
                out[name] = Variable(name, None, None, float(values[name].mean()))
            else:
                column = frame[name]
                if is_categorical(column):
                    levels, codes, _ = learn_levels(column, layout.keep)
                    counts = np.bincount(codes[layout.keep], minlength=len(levels))
                    out[name] = Variable(name, levels, counts / counts.sum(), float("nan"))
                else:
                    mean = float(np.mean(np.asarray(column, float)[layout.keep]))
                    out[name] = Variable(name, None, None, mean)
    return out


def build_design(
    formula: ParsedFormula,
    frame: Source,
    layout: Layout,
    reference: Mapping[str, Any],
    visit: str | None,
) -> Design:
    """Split the design of the analysed rows into participants' columns z and selectors A.

    Parameters
    ----------
    formula
        Parsed formula.
    frame
        The data, all rows.
    layout
        Analysed rows by participant and visit.
    reference
        Reference level per categorical column.
    visit
        Name of the visit column, a factor of the formula wherever it is named.

    Raises
    ------
    DesignError
        For reference levels or factors that the data do not have.
    """
    factors, values, notes = make_factors(
        formula, frame, reference, None if visit is None else (visit, layout.visits), layout.keep
    )
    terms = list(formula.terms)
    columns = expand_terms(terms, factors)
    pieces = [_place(f, values.get(f.expression), layout, visit) for f in factors]
    visits = len(layout.visits)
    z_index: dict[tuple[Any, ...], int] = {}
    z_columns: list[Floats] = []
    entries: list[tuple[Any, Any, int, Any]] = []  # visits, column of z, coefficient, value
    for j, column in enumerate(columns):
        own = tuple(part for part in column.parts if pieces[part[0]][0] == "participant")
        varying = tuple(part for part in column.parts if pieces[part[0]][0] == "row")
        selector = np.ones(visits)
        for f, c in column.parts:
            if pieces[f][0] == "visit":
                selector = selector * _column(factors[f], pieces[f][1], c)
        key = (own, varying)
        if key not in z_index:
            z_index[key] = len(z_columns)
            product = np.ones(layout.shape[0])
            for f, c in own:
                product = product * _column(factors[f], pieces[f][1], c)
            if varying:
                within = np.ones(len(layout.participant))
                for f, c in varying:
                    within = within * _column(factors[f], pieces[f][1], c)
                spread = layout.grid(within) * product[:, None]
                z_columns.extend(np.ascontiguousarray(spread[:, a]) for a in range(visits))
            else:
                z_columns.append(product)
        first = z_index[key]
        at = np.arange(visits)
        entries.append((at, first + at if varying else np.full(visits, first), j, selector))
    selectors = np.zeros((visits, len(z_columns), len(columns)))
    for at, which, j, selector in entries:
        selectors[at, which, j] = selector
    z = np.column_stack(z_columns) if z_columns else np.empty((layout.shape[0], 0))
    between = [all(pieces[f][0] == "participant" for f, _ in c.parts) for c in columns]
    variables = make_variables(factors, values, frame, layout, visit)
    return Design(factors, terms, columns, variables, selectors, z, between, notes)


def _column(factor: Factor, values: Any, column: int) -> Floats:
    """Return one column of an evaluated factor: an indicator or a number."""
    if factor.categorical:
        return np.asarray(values == column, float)
    return np.asarray(values[:, column], float)


def _place(factor: Factor, values: Any, layout: Layout, visit: str | None) -> tuple[str, Any]:
    """Find whether a factor belongs to the participant, to the visit, or to neither."""
    if factor.expression == visit:
        position = np.empty(len(layout.visits), np.int64)
        for code, level in enumerate(factor.levels or []):
            position[layout.visits.index(level)] = code
        return "visit", position
    own = layout.first(values)
    if np.array_equal(own[layout.participant], values):
        return "participant", own
    at_visit = np.empty((len(layout.visits), *values.shape[1:]), values.dtype)
    at_visit[layout.visit] = values
    if np.array_equal(at_visit[layout.visit], values):
        return "visit", at_visit
    return "row", values
