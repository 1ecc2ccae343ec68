"""Delta adjustments: how much worse (or better) imputed scores are than assumed.

A delta is added to imputed values only, after imputation and before the analysis. It may depend on
the arm, on the visit and on the time since the event:

    δ_ia = δ_arm + δ_visit + δ_step · (number of visits since the event, its first visit being 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .errors import ImputationError, listed
from .incomplete import Floats, IncompleteTrial


def delta(
    trial: IncompleteTrial,
    *,
    arm: Mapping[Any, float] | None = None,
    visit: Mapping[Any, float] | None = None,
    per_visit_since_event: float | Mapping[Any, float] = 0.0,
    only_after_event: bool = False,
) -> Floats:
    """Return the amounts that are added to the imputed values.

    Parameters
    ----------
    trial
        The incomplete trial.
    arm, visit
        Amount by arm and by visit, in units of the outcome; what is not named gets none.
    per_visit_since_event
        Amount that accumulates with every visit since the event, for all arms or by arm.
    only_after_event
        Leave gaps before an event, and those of participants without one, as they are.

    Returns
    -------
    numpy.ndarray
        Shape (participants, visits), zero where a score was observed.

    Raises
    ------
    ImputationError
        For arms or visits that the trial does not have.

    Examples
    --------
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> trial = small_trial()
    >>> amounts = delta(trial, arm={"IPT": 2.0}, per_visit_since_event={"MED": 1.0})
    >>> sorted(set(amounts.ravel().tolist()))
    [0.0, 1.0, 2.0]
    """
    by_arm, by_visit = dict(arm or {}), dict(visit or {})
    step = (
        dict(per_visit_since_event)
        if isinstance(per_visit_since_event, Mapping)
        else dict.fromkeys(trial.arms, per_visit_since_event)
    )
    findings = [f"no arm is called {a!r}; arms are {listed(trial.arms)}"
                for a in {**by_arm, **step} if a not in trial.arms]  # fmt: skip
    findings += [f"no visit is called {v!r}; visits are {listed(trial.visits, 20)}"
                 for v in by_visit if v not in trial.visits]  # fmt: skip
    if findings:
        raise ImputationError(findings)
    T = len(trial.visits)
    since = np.maximum(np.arange(T)[None, :] - trial.starts.start[:, None] + 1, 0)
    out = np.array([by_arm.get(a, 0.0) for a in trial.arms])[trial.arm][:, None]
    out = out + np.array([by_visit.get(v, 0.0) for v in trial.visits])[None, :]
    out = out + np.array([step.get(a, 0.0) for a in trial.arms])[trial.arm][:, None] * since
    where = trial.missing & (trial.after_event if only_after_event else True)
    return np.where(where, out, 0.0)


def delta_of_rows(trial: IncompleteTrial, rows: pd.DataFrame) -> Floats:
    """Return the amounts given one by one.

    Parameters
    ----------
    trial
        The incomplete trial.
    rows
        Columns participant, visit and delta; each row must belong to a missing score.

    Raises
    ------
    ImputationError
        With every row that belongs to nobody, or to a score that was observed.

    Examples
    --------
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> rows = pd.DataFrame({"participant": ["P03"], "visit": [16], "delta": [3.0]})
    >>> float(delta_of_rows(small_trial(), rows).sum())
    3.0
    """
    out = np.zeros(trial.y.shape)
    people = {name: i for i, name in enumerate(trial.participants)}
    visits = {name: a for a, name in enumerate(trial.visits)}
    findings = []
    for row in rows.to_dict("records"):
        i, a = people.get(row["participant"]), visits.get(row["visit"])
        if i is None or a is None:
            findings.append(f"no score belongs to {row['participant']} at {row['visit']}")
        elif not trial.missing[i, a]:
            findings.append(f"{row['participant']} was observed at {row['visit']}: nothing to add")
        else:
            out[i, a] = row["delta"]
    if findings:
        raise ImputationError(findings)
    return out
