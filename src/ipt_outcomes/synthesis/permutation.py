r"""Permutation test of moderators: whether the table's own pairing stands out.

The rows of X are paired with the effects in all k! orders, or in a random sample of them; the
model, τ² included, is fitted each time. The p-value is the share of orders whose statistic is at
least that of the table, the table's own order being one of them.

Source: Higgins & Thompson (2004), Statistics in Medicine 23:1663.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ipt_outcomes.synthesis.effects import Effects, Integers
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.moderators import Design
from ipt_outcomes.synthesis.pooling import RandomEffects, random_effects

EXACT_UP_TO = 5040
"""Number of orders up to which all are tried."""


@dataclass(frozen=True)
class PermutationTest:
    """p-values by permutation.

    Parameters
    ----------
    p
        Coefficient: p-value (two-sided).
    p_moderators
        p-value of the test of all moderators.
    orders
        Orders tried, the table's own included.
    exact
        Whether these are all orders.
    """

    p: dict[str, float]
    p_moderators: float
    orders: int
    exact: bool


def permutation_test(
    fit: RandomEffects, *, orders: int = 1000, seed: int | None = None
) -> PermutationTest:
    """Test the moderators of a meta-regression by permutation.

    Parameters
    ----------
    fit
        The model, with moderators and one row per trial.
    orders
        Number of random orders, when there are more than :data:`EXACT_UP_TO` in all.
    seed
        Seed of the random orders; needed when they are random.

    Raises
    ------
    SynthesisError
        Without moderators, with several rows of a trial, or without a seed.
    """
    wrong = []
    if not fit.design.moderator_columns:
        wrong.append("a permutation test needs moderators.")
    if fit.effects.dependent:
        wrong.append("rows of the same trial cannot be exchanged; put them together first "
                     "(one_row_per_trial).")  # fmt: skip
    k = len(fit.effects)
    exact = math.factorial(k) <= EXACT_UP_TO
    if not exact and seed is None:
        wrong.append("random orders need a seed, so that the p-value can be found again.")
    if wrong:
        raise SynthesisError(wrong)
    own = _statistics(fit)
    draws = _all_orders(k) if exact else _random_orders(k, orders, seed)
    reached = np.zeros(len(own))
    count = 0
    for order in draws:
        again = _statistics(_refit(fit, fit.effects, order))
        # Orders that give the same pairing must count as equal despite rounding.
        reached += again >= own * (1 - 1e-9)
        count += 1
    p = reached / count
    names = [fit.design.names[c] for c in fit.design.moderator_columns]
    return PermutationTest(
        {name: float(value) for name, value in zip(names, p[:-1], strict=True)},
        float(p[-1]), count, exact,
    )  # fmt: skip


def _statistics(fit: RandomEffects) -> np.ndarray:
    assert fit.moderator_test is not None
    single = [abs(fit.coefficients[c].statistic) for c in fit.design.moderator_columns]
    return np.array([*single, fit.moderator_test.statistic])


def _refit(fit: RandomEffects, effects: Effects, order: Integers) -> RandomEffects:
    design = Design(fit.design.matrix[order], fit.design.names, fit.design.terms)
    return random_effects(effects, method=fit.heterogeneity.method, inference=fit.inference,
                          design=design)  # fmt: skip


def _all_orders(k: int) -> Iterator[Integers]:
    for order in permutations(range(k)):
        yield np.array(order)


def _random_orders(k: int, orders: int, seed: int | None) -> Iterator[Integers]:
    rng = np.random.default_rng(seed)
    yield np.arange(k)
    for _ in range(orders - 1):
        yield rng.permutation(k)
