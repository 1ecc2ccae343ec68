r"""How well items hang together in the data at hand.

Cronbach's α with Feldt's interval (computed by pingouin), and McDonald's ω from a one-factor
model x_i = μ_i + λ_i f + ε_i fitted by maximum likelihood,

.. math:: ω = (Σ λ_i)^2 / ((Σ λ_i)^2 + Σ \mathrm{Var}(ε_i)),

both on complete assessments (McDonald 1999, Test Theory, ch. 6). α assumes equal λ_i; where they
differ ω is the larger one. A one-factor model is an assumption of ω.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

FEWEST = 3
"""ω needs this many items."""


@dataclass(frozen=True)
class ItemReliability:
    """Reliability of a set of items.

    Parameters
    ----------
    items
        How many items.
    n, n_incomplete
        Complete assessments, which are used, and those set aside.
    alpha, lower, upper, level
        Cronbach's α with its interval; ``nan`` where it cannot be had.
    omega
        McDonald's ω; ``nan`` where it cannot be had.
    notes
        Why something is missing, and which items were left out.
    """

    items: int
    n: int
    n_incomplete: int
    alpha: float
    lower: float
    upper: float
    level: float
    omega: float
    notes: tuple[str, ...]


def reliability(items: pd.DataFrame, level: float = 0.95) -> ItemReliability:
    """Return Cronbach's α with its interval and McDonald's ω.

    Parameters
    ----------
    items
        One row per assessment, one column per item, all keyed in the same direction.
    level
        Level of α's interval.

    Returns
    -------
    ItemReliability
        On the complete assessments. Items without any spread are left out, and named.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> factor = rng.normal(size=(400, 1))
    >>> items = pd.DataFrame(factor + rng.normal(size=(400, 5)))  # truth: 0.83
    >>> result = reliability(items)
    >>> round(result.alpha, 2), round(result.omega, 2)
    (0.81, 0.81)
    """
    values = items.astype("Float64").astype(float)
    complete = values.dropna()
    notes = []
    flat = [str(name) for name in complete if complete[name].nunique() < 2]
    if flat and len(complete):
        notes.append(f"without any spread, left out: item {', '.join(flat)}")
        complete = complete.drop(columns=[name for name in complete if str(name) in flat])
    n, k = complete.shape
    alpha = lower = upper = omega = float("nan")
    if n < 3 or k < 2:
        notes.append("too few complete assessments or items")
    else:
        import pingouin

        estimate, interval = pingouin.cronbach_alpha(data=complete, ci=level)
        alpha, lower, upper = float(estimate), float(interval[0]), float(interval[1])
        omega, problem = _omega(complete)
        notes += [problem] if problem else []
    return ItemReliability(k, n, len(values) - n, alpha, lower, upper, level, omega, tuple(notes))


def _omega(complete: pd.DataFrame) -> tuple[float, str]:
    n, k = complete.shape
    if k < FEWEST:
        return float("nan"), f"omega needs {FEWEST} items"
    if n <= k:
        return float("nan"), "omega needs more complete assessments than items"
    from statsmodels.multivariate.factor import Factor
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    spread = complete.std().to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            fit = Factor(corr=complete.corr().to_numpy(), n_factor=1, method="ml").fit()
        except (Warning, np.linalg.LinAlgError, ValueError) as problem:
            return float("nan"), f"the one-factor model could not be fitted ({problem})"
    loadings = spread * np.asarray(fit.loadings)[:, 0]
    rest = spread**2 * np.asarray(fit.uniqueness)
    note = ""
    if (np.asarray(fit.uniqueness) < 1e-3).any():
        note = "an item is fully explained by the factor (Heywood case): omega is not trustworthy"
    common = loadings.sum() ** 2
    return float(common / (common + rest.sum())), note


def item_table(items: pd.DataFrame) -> pd.DataFrame:
    """Describe each item: what is missing, how answers spread, how it agrees with the others.

    Parameters
    ----------
    items
        One row per assessment, one column per item, all keyed in the same direction.

    Returns
    -------
    pandas.DataFrame
        Columns ``item``, ``n``, ``missing``, ``percent_missing``, ``mean``, ``sd``, ``lowest``,
        ``highest``, ``item_rest`` (correlation with the mean of the other items in complete
        assessments; empty where it cannot be had).

    Examples
    --------
    >>> table = item_table(pd.DataFrame({1: [0, 1, 2, None], 2: [0, 1, 2, 3]}))
    >>> table[["missing", "percent_missing"]].values.tolist()
    [[1.0, 25.0], [0.0, 0.0]]
    """
    values = items.astype("Float64").astype(float)
    complete = values.dropna()
    together = complete.sum(axis=1)
    rows = []
    for name in values:
        seen, alone = values[name].dropna(), complete[name]
        rest = together - alone
        spread = len(complete) > 2 and np.ptp(alone) > 0 and np.ptp(rest) > 0
        rows.append(
            {
                "item": name,
                "n": len(seen),
                "missing": len(values) - len(seen),
                "percent_missing": 100 * (1 - len(seen) / len(values)) if len(values) else np.nan,
                "mean": seen.mean(),
                "sd": seen.std(),
                "lowest": seen.min(),
                "highest": seen.max(),
                "item_rest": np.corrcoef(alone, rest)[0, 1] if spread else np.nan,
            }
        )
    return pd.DataFrame(rows)
