r"""Which trial carries the result: leave one out, and influence diagnostics.

For a model of independent rows with τ² estimated again without row i (marked (-i)),

    rstudent_i = (y_i - ŷ_i(-i)) / √(s²(-i) (v_i + τ²(-i)) + x_i'C(-i)x_i)
    dffits_i   = (ŷ_i - ŷ_i(-i)) / √(s²(-i) h_i (v_i + τ²(-i)))
    cook_i     = (β - β(-i))' C⁻¹ (β - β(-i)),      cov.r_i = |C(-i)| / |C|
    hat_i      = h_i, the diagonal of X (X'WX)⁻¹ X'W,

with C the covariance used for inference and s² its factor (Hartung and Knapp's q, or 1).

Source: Viechtbauer & Cheung (2010), Research Synthesis Methods 1:112.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pandas as pd

from ipt_outcomes.synthesis.effects import Effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.inference import Estimate
from ipt_outcomes.synthesis.moderators import Design
from ipt_outcomes.synthesis.pooling import RandomEffects, random_effects
from ipt_outcomes.synthesis.weighted import weighted_fit


class Pooled(Protocol):
    """Any fitted model with a pooled effect."""

    @property
    def pooled(self) -> Estimate:
        """The pooled effect."""
        ...


def leave_one_out(effects: Effects, fit: Callable[[Effects], Pooled]) -> dict[str, Estimate | None]:
    """Pool again without each trial in turn.

    Parameters
    ----------
    effects
        The effects.
    fit
        The model, as a function of effects; without moderators.

    Returns
    -------
    dict
        Trial left out, with all its rows: the pooled effect of the others; None where they cannot
        be pooled by that model (the last trial with several rows is gone, for instance).

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("ABCD"), "estimate": [0.1, 0.2, 0.3, 1.4],
    ...                              "se": [0.2] * 4})
    >>> without = leave_one_out(effects, random_effects)
    >>> round(without["D"].estimate, 2)
    0.2
    """
    found: dict[str, Estimate | None] = {}
    for number, trial in enumerate(effects.trials):
        try:
            found[trial] = fit(effects.select(effects.trial_codes != number)).pooled
        except SynthesisError:
            found[trial] = None
    return found


def influence(fit: RandomEffects) -> pd.DataFrame:
    """Give influence diagnostics of every row.

    Parameters
    ----------
    fit
        A random-effects model.

    Returns
    -------
    pandas.DataFrame
        One row per effect: ``trial``, ``rstudent``, ``dffits``, ``cook_d``, ``cov_ratio``,
        ``tau2_without``, ``Q_without``, ``hat``, ``weight`` (percent). Not-a-number where the
        others cannot estimate the model.

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("ABCD"), "estimate": [0.1, 0.2, 0.3, 1.4],
    ...                              "se": [0.2] * 4})
    >>> bool(influence(random_effects(effects))["rstudent"].idxmax() == 3)
    True
    """
    y, v, X = fit.effects.estimate, fit.effects.variance, fit.design.matrix
    method = fit.heterogeneity.method
    beta = np.array([c.estimate for c in fit.coefficients])
    full = weighted_fit(y, v, X, fit.heterogeneity.tau2)
    hat = np.einsum("kp,pq,kq->k", X, full.covariance, X) * full.weights
    C = fit.covariance
    rows = []
    for i in range(len(y)):
        kept = np.arange(len(y)) != i
        row = {"trial": fit.effects.rows["trial"].iloc[i], "hat": hat[i], "weight": fit.weights[i]}
        rows.append(row)
        if np.linalg.matrix_rank(X[kept]) < X.shape[1] or kept.sum() <= X.shape[1]:
            continue
        part = Design(X[kept], fit.design.names, {})
        less = random_effects(fit.effects.select(kept), method=method, inference=fit.inference,
                              design=part)  # fmt: skip
        beta_less = np.array([c.estimate for c in less.coefficients])
        tau2 = less.heterogeneity.tau2
        change = beta - beta_less
        row |= {
            "rstudent": (y[i] - X[i] @ beta_less)
            / np.sqrt(less.scale * (v[i] + tau2) + X[i] @ less.covariance @ X[i]),
            "dffits": X[i] @ change / np.sqrt(less.scale * hat[i] * (v[i] + tau2)),
            "cook_d": change @ np.linalg.solve(C, change),
            "cov_ratio": np.linalg.det(less.covariance) / np.linalg.det(C),
            "tau2_without": tau2,
            "Q_without": less.heterogeneity.Q,
        }
    columns = ["trial", "rstudent", "dffits", "cook_d", "cov_ratio", "tau2_without", "Q_without",
               "hat", "weight"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)
