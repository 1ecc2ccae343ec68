r"""One row per trial: the rows of each trial put together before pooling.

* ``mean variance``: mean effect, mean variance: as if the rows of a trial were perfectly
  correlated; conservative, and simple to report.
* ``mean``: mean effect with the variance of a mean, 1'V1/m², V with an assumed correlation.
* ``weighted``: generalised least squares within the trial, w = V⁻¹1/(1'V⁻¹1), variance 1/(1'V⁻¹1).

Sources: Borenstein et al. (2009), Introduction to Meta-Analysis, ch. 24; Gleser & Olkin (2009).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from ipt_outcomes.synthesis.effects import COLUMNS, Effects, make_effects, rows_of

Aggregation = Literal["mean variance", "mean", "weighted"]


def one_row_per_trial(effects: Effects, how: Aggregation = "mean") -> Effects:
    """Put the rows of each trial together.

    Parameters
    ----------
    effects
        The effects, for ``mean`` and ``weighted`` with the covariance of their rows
        (:func:`ipt_outcomes.synthesis.dependence.with_dependence`).
    how
        The rule.

    Returns
    -------
    Effects
        One row per trial. A description or moderator is kept where all rows of the trial agree on
        it, and unknown otherwise; participants are those of the trial's largest row.

    Examples
    --------
    >>> effects = make_effects("g", {"trial": ["A", "A", "B"], "estimate": [0.2, 0.4, 0.5],
    ...                              "se": [0.2, 0.2, 0.3]})
    >>> merged = one_row_per_trial(effects, "mean variance")
    >>> [float(x) for x in merged.estimate.round(2)], [float(x) for x in merged.variance.round(2)]
    ([0.3, 0.5], [0.04, 0.09])
    """
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    moderators: dict[str, list[Any]] = {str(name): [] for name in effects.moderators.columns}
    for number, trial in enumerate(effects.trials):
        at = np.flatnonzero(effects.trial_codes == number)
        y, V = effects.estimate[at], effects.covariance[np.ix_(at, at)]
        weights = np.full(len(at), 1 / len(at))
        if how == "weighted":
            solved = np.linalg.solve(V, np.ones(len(at)))
            weights = solved / solved.sum()
        variance = float(np.mean(np.diag(V)) if how == "mean variance" else weights @ V @ weights)
        part = effects.rows.iloc[at]
        for name in COLUMNS:
            columns[name].append(_agreed(part[name]))
        columns["trial"][-1] = trial
        columns["estimate"][-1] = float(weights @ y)
        columns["se"][-1] = float(np.sqrt(variance))
        for name in ("n_arm", "n_reference"):
            columns[name][-1] = float(part[name].max()) if part[name].notna().any() else np.nan
        if len(at) > 1:
            columns["part_arm"][-1] = columns["part_reference"][-1] = np.nan
        for name, values in moderators.items():
            values.append(_agreed(effects.moderators[name].iloc[at]))
    frame = pd.DataFrame(moderators).astype(effects.moderators.dtypes.to_dict(), errors="ignore")
    merged = len(effects) - len(effects.trials)
    note = (f"{rows_of(len(effects))} put together to one per trial ({how})",) if merged else ()
    return make_effects(effects.measure, columns, unit=effects.unit, moderators=frame,
                        notes=effects.notes + note)  # fmt: skip


def _agreed(values: pd.Series) -> Any:
    different = values.drop_duplicates()
    return different.iloc[0] if len(different) == 1 else None
