"""Formulas: from text to terms, factors and names of coefficients.

``formulaic`` parses the text (``*``, ``:``, ``-1``, functions); the evaluation is the engine's own,
because a design of a repeated-measures trial is mostly products of what belongs to the participant
and what belongs to the visit, and need never be written out row by row.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from formulaic import Formula, SimpleFormula
from formulaic.errors import FormulaicError

from .errors import DesignError
from .factors import Columns, Factor, Floats, level_label

INTERCEPT = "Intercept"


@dataclass(frozen=True)
class ParsedFormula:
    """Outcome expression and the factor expressions of every term, in the model's order."""

    text: str
    outcome: str | None
    outcome_is_name: bool
    terms: tuple[tuple[str, ...], ...]
    names: frozenset[str]
    intercept: bool


@lru_cache(maxsize=256)
def parse_formula(text: str) -> ParsedFormula:
    """Parse a formula; the intercept is the empty tuple among the terms.

    Raises
    ------
    DesignError
        When the text is not a formula.

    Examples
    --------
    >>> parse_formula("change ~ baseline*visit").terms
    ((), ('baseline',), ('visit',), ('baseline', 'visit'))
    """
    try:
        parsed = Formula(text)
    except (FormulaicError, SyntaxError, ValueError, TypeError) as error:
        told = str(error).splitlines()[0]
        raise DesignError(f"the formula {text!r} cannot be read: {told}") from error
    right = getattr(parsed, "rhs", parsed)
    left = getattr(parsed, "lhs", None)
    if not isinstance(right, SimpleFormula) or not isinstance(left, SimpleFormula | None):
        raise DesignError(
            f"the formula {text!r} has more than one part; write one outcome, one '~' and no '|' "
            "(random effects have their own argument, random='1 + …')."
        )
    names: set[str] = set()
    outcome, outcome_is_name = None, False
    if left is not None:
        factors = [factor for term in left for factor in term.factors]
        if len(factors) != 1:
            raise DesignError(f"the formula {text!r} must name exactly one outcome before '~'.")
        outcome = factors[0].expr
        outcome_is_name = factors[0].eval_method.value == "lookup"
        if outcome_is_name:
            names.add(outcome)
    terms: list[tuple[str, ...]] = []
    for term in right:
        kept = []
        for factor in term.factors:
            kind = factor.eval_method.value
            if kind == "literal":
                if str(factor.expr) not in {"1", "0"}:
                    raise DesignError(f"the formula {text!r} holds the bare number {factor.expr}.")
                continue
            if kind == "lookup":
                names.add(factor.expr)
            kept.append(factor.expr)
        terms.append(tuple(kept))
    return ParsedFormula(
        text, outcome, outcome_is_name, tuple(terms), frozenset(names), () in terms
    )


def variables_of(expression: str, is_name: bool, available: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of the data that an expression needs.

    Examples
    --------
    >>> variables_of("log(week + 1)", False, ["week", "score"])
    ('week',)
    """
    if is_name:
        return (expression,)
    known = set(available)
    try:
        nodes = ast.walk(ast.parse(expression, mode="eval"))
    except SyntaxError as error:
        raise DesignError(
            f"the expression {expression!r} of the formula cannot be read; give columns with "
            "blanks in their name a plain name first."
        ) from error
    found = dict.fromkeys(n.id for n in nodes if isinstance(n, ast.Name) and n.id in known)
    return tuple(found)


def missing_columns(wanted: Mapping[str, str], available: Sequence[str]) -> list[str]:
    """Return one finding per wanted column that the data do not have, the nearest name with it.

    Examples
    --------
    >>> missing_columns({"basline": "formula"}, ["baseline"])
    ["column 'basline' (formula) is not in the data; nearest: 'baseline'"]
    """
    findings = []
    for name, role in wanted.items():
        if name in available:
            continue
        near = get_close_matches(name, list(available), n=1)
        shown = f"nearest: {near[0]!r}" if near else f"columns: {', '.join(map(str, available))}"
        findings.append(f"column {name!r} ({role}) is not in the data; {shown}")
    return findings


def check_expression(expression: str) -> None:
    """Refuse contrasts written inside the formula; the reference level has its own argument.

    Examples
    --------
    >>> check_expression("C(site)")
    """
    if re.match(r"C\s*\(.*,", expression):
        raise DesignError(
            f"{expression!r}: contrasts inside the formula are not supported; write C(column) and "
            'set the reference level by reference={"column": level}.'
        )


@dataclass(frozen=True)
class Column:
    """One coefficient: for each factor of its term, which of the factor's columns it multiplies."""

    name: str
    term: int
    parts: tuple[tuple[int, int], ...]  # (index of factor, column of that factor)


def term_label(expressions: Sequence[str]) -> str:
    """Return the name of a term, ``Intercept`` for the empty one."""
    return ":".join(expressions) if expressions else INTERCEPT


def expand_terms(
    terms: Sequence[tuple[str, ...]],
    factors: Sequence[Factor],
    *,
    full: bool = False,
) -> list[Column]:
    """List the coefficients of the terms, each as a product of single columns of factors.

    The first factor of a term varies fastest. A categorical factor keeps its reference level only
    where the term without it is not in the model (R's rule); without an intercept the first
    categorical main effect takes its place. ``full`` never drops a level.

    Examples
    --------
    >>> arm = Factor("arm", True, ("arm",), levels=["MED", "IPT"], width=2)
    >>> [column.name for column in expand_terms([(), ("arm",)], [arm])]
    ['Intercept', 'arm[IPT]']
    """
    index = {factor.expression: j for j, factor in enumerate(factors)}
    present = {frozenset(term) for term in terms}
    columns = []
    for number, term in enumerate(terms):
        choices = []
        for expression in reversed(term):
            factor = factors[index[expression]]
            start = 0
            if factor.categorical and not full:
                if frozenset(term) - {expression} in present:
                    start = 1
                elif len(term) == 1:
                    present.add(frozenset())
            choices.append([(index[expression], c) for c in range(start, factor.width)])
        for combination in product(*choices):
            parts = tuple(reversed(combination))
            name = ":".join(part_name(factors[f], c) for f, c in parts) or INTERCEPT
            columns.append(Column(name, number, parts))
    return columns


def part_name(factor: Factor, column: int) -> str:
    """Return the readable name of one column of a factor.

    Examples
    --------
    >>> part_name(Factor("week", True, ("week",), levels=[4.0, 8.0], width=2), 1)
    'week[8]'
    """
    if factor.levels is not None:
        return f"{factor.expression}[{level_label(factor.levels[column])}]"
    if factor.width > 1:
        label = factor.column_labels[column] if factor.column_labels else str(column + 1)
        return f"{factor.expression}[{label}]"
    return factor.expression


def evaluate_columns(
    columns: Sequence[Column], factors: Sequence[Factor], data: Columns, rows: int
) -> Floats:
    """Write the design out row by row, shape (rows, coefficients): for grids and new data."""
    numeric: dict[int, Floats] = {}
    codes: dict[int, Any] = {}
    out = np.ones((rows, len(columns)))
    for j, column in enumerate(columns):
        for f, c in column.parts:
            factor = factors[f]
            if factor.categorical:
                if f not in codes:
                    codes[f] = factor.codes(data)
                out[:, j] *= codes[f] == c
            else:
                if f not in numeric:
                    numeric[f] = factor.numeric(data)
                out[:, j] *= numeric[f][:, c]
    return out
