r"""Subgroups of trials: an effect per group, and the test whether groups differ.

The group's means are coefficients of one model, so τ² is common to all groups and rows of a trial
that fall into different groups stay dependent. Q between is the test that all means are equal:
Hartung–Knapp's F for independent rows, the HTZ test for dependent ones. With ``separate`` τ²
(independent rows only), every group is pooled by itself and Q between is
Σ w_g (μ_g - μ)², w_g = 1/Var(μ_g), on χ²(groups - 1) (Borenstein et al. 2009, ch. 19); with few
trials per group those τ² are poor estimates.

Differences between groups of trials were not randomised: they are associations across trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from ipt_outcomes.synthesis.effects import Effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.heterogeneity import Tau2Method
from ipt_outcomes.synthesis.inference import Estimate, JointTest, wald_f
from ipt_outcomes.synthesis.moderators import cell_means, level_differences
from ipt_outcomes.synthesis.pooling import Inference, RandomEffects, random_effects
from ipt_outcomes.synthesis.robust import robust, robust_test

Model = Literal["robust", "common", "separate"]


@dataclass(frozen=True)
class Subgroup:
    """The pooled effect of one group.

    Parameters
    ----------
    name
        The level.
    pooled
        Its effect; None where too few trials allow none.
    trials, rows
        How many stand behind it.
    """

    name: str
    pooled: Estimate | None
    trials: int
    rows: int


@dataclass(frozen=True)
class Subgroups:
    """Effects by group with the test between them.

    Parameters
    ----------
    by
        The grouping column.
    groups
        The groups in alphabetical order.
    between
        Test that all groups have the same effect.
    method
        Model and inference in words.
    """

    by: str
    groups: tuple[Subgroup, ...]
    between: JointTest
    method: str


def subgroups(
    effects: Effects,
    by: str,
    *,
    model: Model = "robust",
    correlation: float = 0.6,
    method: Tau2Method = "REML",
    inference: Inference = "hartung-knapp",
    level: float = 0.95,
) -> Subgroups:
    """Pool by group and compare the groups.

    Parameters
    ----------
    effects
        The effects; ``robust`` for dependent rows, the others for one row per trial.
    by
        Column of ``effects.moderators``.
    model
        ``robust`` (CHE with CR2; the same as ``common`` where each trial has one row),
        ``common`` or ``separate`` τ².
    correlation
        ρ of the robust model.
    method, inference
        As for :func:`ipt_outcomes.synthesis.pooling.random_effects`, without ``robust``.
    level
        Level of the intervals.

    Raises
    ------
    SynthesisError
        When the groups cannot be estimated, or ``separate`` meets a group of one trial.

    Examples
    --------
    >>> import pandas as pd
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("ABCDE"), "se": [0.2] * 5,
    ...     "estimate": [0.1, 0.3, 0.8, 1.0, 0.9]},
    ...     moderators=pd.DataFrame({"control": ["usual care"] * 2 + ["waitlist"] * 3}))
    >>> found = subgroups(effects, "control", model="common")
    >>> [(g.name, round(g.pooled.estimate, 2)) for g in found.groups], found.between.df
    ([('usual care', 0.2), ('waitlist', 0.9)], 3.0)
    """
    if model == "robust" and not effects.dependent:
        model = "common"  # the robust model needs rows within trials
    design = cell_means(effects, by)
    values = effects.moderators[by].astype(str)
    name = f"{by}: between groups"
    contrasts = level_differences(design)
    if model == "separate":
        return _separate(effects, by, design.names, name, method, inference, level)
    coefficients: tuple[Estimate, ...]
    if model == "robust":
        fitted = robust(effects, correlation=correlation, design=design, level=level)
        coefficients, words = fitted.coefficients, fitted.method
        between = robust_test(fitted, contrasts, name)
    else:
        one = random_effects(effects, method=method, inference=inference, design=design,
                             level=level)  # fmt: skip
        coefficients, words = one.coefficients, f"{one.method}, common τ²"
        beta = np.array([c.estimate for c in coefficients])
        between = wald_f(name, contrasts, beta, one.covariance, coefficients[0].df)
    counted = [
        (len(set(effects.rows["trial"][values == g])), int((values == g).sum()))
        for g in design.names
    ]
    groups = tuple(
        Subgroup(g, c, trials, rows)
        for g, c, (trials, rows) in zip(design.names, coefficients, counted, strict=True)
    )
    return Subgroups(by, groups, between, words)


def _separate(
    effects: Effects, by: str, names: tuple[str, ...], name: str, method: Tau2Method,
    inference: Inference, level: float,
) -> Subgroups:  # fmt: skip
    values = effects.moderators[by].astype(str)
    small = [g for g in names if (values == g).sum() < 2]
    wrong = [f"{by}: {g} has one trial; a τ² of its own needs two. Use a common τ²." for g in small]
    if effects.dependent:
        wrong.append("separate τ² by group needs one row per trial; use the robust model.")
    if wrong:
        raise SynthesisError(wrong)
    fits: list[RandomEffects] = [
        random_effects(effects.select(values == g), method=method, inference=inference, level=level)
        for g in names
    ]
    means = np.array([fit.pooled.estimate for fit in fits])
    # The Hartung-Knapp factor of a handful of trials is no basis for a weight.
    weights = np.array(
        [np.sum(1 / (fit.effects.variance + fit.heterogeneity.tau2)) for fit in fits]
    )
    Q = float(weights @ (means - weights @ means / weights.sum()) ** 2)
    df = len(names) - 1
    between = JointTest(name, Q, df, math.inf, float(stats.chi2.sf(Q, df)))
    groups = tuple(
        Subgroup(g, fit.pooled, len(fit.effects), len(fit.effects))
        for g, fit in zip(names, fits, strict=True)
    )
    return Subgroups(by, groups, between, f"{fits[0].method}, separate τ²")
