"""From treatment coding to sum-to-zero coding, in which type III hypotheses are stated.

Inside a term a factor f of L levels either keeps all its indicators or loses the reference level.
In the latter case any function v of its levels splits into its mean and a part that sums to zero,

    v_j = v̄ + Σ_{k ≥ 1} (v_k − v̄) s_k(j) ,   s_k = [level k] − [level 0] ,

and the mean belongs to the term without f, which the coding rule puts into the model. Going through
the factors of a term one after the other moves every column of the treatment coding to its place.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from .design import Design
from .factors import Floats


def to_sum_coding(design: Design) -> Floats:
    """Return M (p, p) with β of the sum-to-zero coding = M β of the design's own coding.

    Without an intercept the constant is the sum of the first factor's indicators.
    """
    p = len(design.columns)
    kept = {(c.term, f) for c in design.columns for f, level in c.parts if level == 0}
    factor_of = {factor.expression: f for f, factor in enumerate(design.factors)}
    members = [[factor_of[e] for e in term] for term in design.terms]
    number_of = {frozenset(own): t for t, own in enumerate(members)}
    columns: list[list[int]] = [[] for _ in members]
    for j, column in enumerate(design.columns):
        columns[column.term].append(j)
    out = np.zeros((p, p))

    def full(term: int, f: int) -> bool:
        return design.factors[f].categorical and (term, f) in kept

    def reduced(term: int, f: int) -> bool:
        return design.factors[f].categorical and (term, f) not in kept

    def place(term: int | None, j: int, functions: dict[int, Floats], size: float) -> None:
        """Add column j, ``size`` times a product of functions of the term's factors."""
        if term is None:
            # No intercept: a factor with all its indicators takes its place, 1 = Σ of them.
            first = next(t for t, own in enumerate(members) if len(own) == 1 and full(t, own[0]))
            out[columns[first], j] += size
            return
        own = dict(functions)
        for f in members[term]:
            if reduced(term, f):
                mean = float(own[f].mean())
                if abs(mean) > 1e-14:
                    rest = {g: own[g] for g in members[term] if g != f}
                    place(number_of.get(frozenset(rest)), j, rest, size * mean)
                own[f] = own[f] - mean
        parts = [own[f][1:] if reduced(term, f) else own[f] for f in reversed(members[term])]
        # As in the design, the first factor of a term varies fastest.
        out[columns[term], j] += reduce(np.kron, parts, np.array([size]))

    for j, column in enumerate(design.columns):
        functions = {f: np.eye(design.factors[f].width)[c] for f, c in column.parts}
        place(column.term, j, functions, 1.0)
    return out
