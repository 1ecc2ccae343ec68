"""The design of participants' random effects, from a formula such as ``1 + week``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import DesignError
from .factors import Factor, Floats, is_categorical, learn_levels
from .formula import ParsedFormula, check_expression, evaluate_columns, expand_terms, variables_of
from .layout import Layout
from .source import Source, check_size


@dataclass
class RandomDesign:
    """Random effects of participants.

    Attributes
    ----------
    names
        Names of the effects.
    values
        Design of the analysed rows (rows, q).
    """

    names: list[str]
    values: Floats

    def fill(self, layout: Layout) -> Floats:
        """Return the design by participant and visit (N, T, q).

        Columns that depend on the visit or on the participant alone are completed where nothing was
        seen, so that participants with different gaps share one covariance.
        """
        out = layout.grid(self.values)
        for j in range(self.values.shape[1]):
            column = self.values[:, j]
            at_visit = np.zeros(layout.shape[1])
            at_visit[layout.visit] = column
            if np.array_equal(at_visit[layout.visit], column):
                out[:, :, j] = at_visit
                continue
            own = layout.first(column)
            if np.array_equal(own[layout.participant], column):
                out[:, :, j] = own[:, None]
                continue
            # A product such as arm × week: complete it as (participant) × (visit) when it is one.
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.zeros(layout.shape[0])
                scale[layout.participant[column != 0]] = 1.0
                only = np.zeros(layout.shape[1])
                only[layout.visit[column != 0]] = column[column != 0]
            product = scale[:, None] * only
            if np.array_equal(product[layout.participant, layout.visit], column):
                out[:, :, j] = product
        return out


def random_design(formula: ParsedFormula, frame: Source, layout: Layout) -> RandomDesign:
    """Evaluate a random-effects formula on the analysed rows.

    Raises
    ------
    DesignError
        For a formula with an outcome, or effects that coincide.
    """
    if formula.outcome is not None:
        raise DesignError(
            f"random={formula.text!r} names an outcome; write for instance '1 + week'."
        )
    factors: list[Factor] = []
    rows = {v: frame[v] for v in formula_variables(formula, frame)}
    if not layout.keep.all():
        rows = {v: column[layout.keep] for v, column in rows.items()}
    for expression in dict.fromkeys(e for term in formula.terms for e in term):
        check_expression(expression)
        name = expression in formula.names
        factor = Factor(expression, name, variables_of(expression, name, frame.columns))
        raw = factor.values({v: rows[v] for v in factor.variables})
        if expression.startswith("C(") or (name and is_categorical(raw)):
            factor.levels, _, _ = learn_levels(raw, None)
            factor.width = len(factor.levels)
        else:
            factor.width = factor.numeric({v: rows[v] for v in factor.variables}).shape[1]
        factors.append(factor)
    columns = expand_terms(list(formula.terms), factors)
    if not columns:
        raise DesignError(
            f"random={formula.text!r} holds no effect; write for instance '1 + week'."
        )
    data = {v: rows[v] for f in factors for v in f.variables}
    values = evaluate_columns(columns, factors, data, len(layout.participant))
    if not np.isfinite(values).all():
        number = int((~np.isfinite(values)).any(1).sum())
        raise DesignError(f"the random effects {formula.text!r} are not finite in {number} rows.")
    check_size(values, f"the random effects {formula.text!r}")
    gram = values.T @ values
    size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    if np.linalg.eigvalsh(gram / np.outer(size, size))[0] < 1e-10:
        raise DesignError(f"the random effects of {formula.text!r} coincide; leave one out.")
    return RandomDesign([c.name for c in columns], values)


def formula_variables(formula: ParsedFormula, frame: Source) -> list[str]:
    """Return the columns of the data that a formula needs."""
    out: dict[str, None] = {}
    for expression in {e: None for term in formula.terms for e in term}:
        used = variables_of(expression, expression in formula.names, frame.columns)
        out |= dict.fromkeys(used)
    return list(out)
