"""Moderators of the effects: from columns to the design of a meta-regression.

A numeric column enters as it is, so that the intercept is the effect where it is 0. A column of
text enters by treatment contrasts with one level as reference, or, alone, by one mean per level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.synthesis.effects import Effects, Floats, rows_of
from ipt_outcomes.synthesis.errors import SynthesisError

INTERCEPT = "effect"
"""Name of the only coefficient of a model without moderators, and of the intercept of others."""


@dataclass(frozen=True, eq=False)
class Design:
    """Design of a model of effects.

    Parameters
    ----------
    matrix
        Shape (k, p), of full column rank.
    names
        Names of its columns.
    terms
        Moderator: its columns.
    """

    matrix: Floats
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]

    @property
    def moderator_columns(self) -> list[int]:
        """Columns that belong to some moderator."""
        return [column for columns in self.terms.values() for column in columns]

    def constraints(self, columns: Sequence[int]) -> Floats:
        """Return the matrix that picks some coefficients."""
        return np.eye(len(self.names))[list(columns)]


def design_matrix(
    effects: Effects,
    moderators: Sequence[str] = (),
    reference: Mapping[str, str] | None = None,
) -> Design:
    """Build the design: an intercept and the moderators.

    Parameters
    ----------
    effects
        The effects with their moderators.
    moderators
        Columns of ``effects.moderators``.
    reference
        Reference level of text columns; by default the first in alphabetical order.

    Raises
    ------
    SynthesisError
        For unknown, constant, incomplete or redundant moderators, all named; and when there are
        not more trials than coefficients.

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("ABCD"), "estimate": [0.2, 0.4, 0.5, 0.9],
    ...     "se": [0.2] * 4}, moderators=pd.DataFrame({"control": ["waitlist", "usual care"] * 2}))
    >>> design_matrix(effects, ["control"]).names
    ('effect', 'control: waitlist')
    """
    _check(effects, moderators)
    columns, names = [np.ones(len(effects))], [INTERCEPT]
    terms: dict[str, tuple[int, ...]] = {}
    for term in moderators:
        values = effects.moderators[term]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            terms[term] = (len(columns),)
            columns.append(values.to_numpy(dtype=np.float64))
            names.append(term)
            continue
        levels = sorted(values.astype(str).unique())
        first = (reference or {}).get(term, levels[0])
        if first not in levels:
            raise SynthesisError(
                f"moderator {term}: the reference {first!r} is none of its levels; choose one of "
                f"{', '.join(levels)}."
            )
        others = [level for level in levels if level != first]
        terms[term] = tuple(range(len(columns), len(columns) + len(others)))
        columns.extend((values.astype(str) == level).to_numpy(np.float64) for level in others)
        names.extend(f"{term}: {level}" for level in others)
    return checked(effects, Design(np.column_stack(columns), tuple(names), terms))


def cell_means(effects: Effects, by: str) -> Design:
    """Build the design with one mean per level of a column and no intercept."""
    _check(effects, [by])
    values = effects.moderators[by].astype(str)
    levels = sorted(values.unique())
    matrix = np.column_stack([(values == level).to_numpy(np.float64) for level in levels])
    return checked(effects, Design(matrix, tuple(levels), {}))


def level_differences(design: Design) -> Floats:
    """Return the contrasts of all other columns with the first, shape (p - 1, p)."""
    p = len(design.names)
    return np.hstack([-np.ones((p - 1, 1)), np.eye(p - 1)])


def checked(effects: Effects, design: Design) -> Design:
    """Refuse designs that the trials cannot estimate."""
    X = design.matrix
    p = X.shape[1]
    # Scaled columns, so that the units of a moderator do not decide on its rank.
    rank = int(np.linalg.matrix_rank(X / np.linalg.norm(X, axis=0)))
    if rank < p:
        raise SynthesisError(
            f"the moderators repeat each other: {', '.join(design.names)} are {p} coefficients "
            f"of which the rows tell only {rank} apart; leave one of them out."
        )
    if len(effects.trials) <= p:
        raise SynthesisError(
            f"{len(effects.trials)} trials cannot estimate {p} coefficients and the differences "
            f"between trials; at least {p + 1} are needed."
        )
    return design


def _check(effects: Effects, moderators: Sequence[str]) -> None:
    wrong = []
    for term in moderators:
        if term not in effects.moderators:
            known = ", ".join(map(str, effects.moderators.columns)) or "none"
            wrong.append(f"moderator {term}: no such column; the effects have {known}.")
            continue
        values = effects.moderators[term]
        unknown = int(values.isna().sum())
        if unknown:
            wrong.append(
                f"moderator {term}: not known in {rows_of(unknown)}; leave them out with "
                f"effects.with_known({term!r}), which counts them, or complete the table."
            )
        elif values.nunique() < 2:
            wrong.append(f"moderator {term}: the same in all rows, {values.iloc[0]!r}.")
    if wrong:
        raise SynthesisError(wrong)
