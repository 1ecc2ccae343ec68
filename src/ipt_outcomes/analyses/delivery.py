"""What was delivered, by arm: sessions, ratings of fidelity, crossover, stopping, other treatment.

Described for everyone as randomised, never tested: what happened after randomisation differs
between arms because the arms differ. Arm-level counts of participant flow (sessions, crossover,
stopping) are shown however small; other small counts are suppressed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.describe import mean_and_sd
from ipt_outcomes.analyses.disclosure import COMPLEMENT, FLOW, SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.participant_values import participant_numbers
from ipt_outcomes.analyses.process_data import label_of
from ipt_outcomes.analyses.proportions import exact_share
from ipt_outcomes.frames import EVENT
from ipt_outcomes.results import Row, estimates


def delivery(data: TrialData) -> pd.DataFrame:
    """Describe delivery by arm.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    UnknownVariableError
        When a rating or a treatment outside the protocol was never recorded.
    """
    plan = data.study.analyses.delivery
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for arm in data.arms:
        people = data.participants[data.participants["arm"] == arm]
        about = exploratory(data, "delivery", arm=arm, method="description")
        if data.study.arms[arm].has_psychotherapy:
            rows.extend(_sessions(data, people, about, plan.level))
        rows.extend(_flow(people, about, plan.level))
        for name in plan.ratings:
            rows.extend(_rating(data, name, people, about, plan.level))
        for name in plan.outside_protocol:
            rows.extend(_outside(data, name, people, about, plan.level))
    return estimates(rows)


def _sessions(data: TrialData, people: pd.DataFrame, about: Row, level: float) -> Iterator[Row]:
    sessions = people["sessions_attended"].astype("Float64").to_numpy(float, na_value=np.nan)
    seen = sessions[~np.isnan(sessions)]
    if not len(seen):
        return
    where = {**about, "n_arm": len(seen), "unit": "sessions", "notes": FLOW}
    yield {**where, "quantity": "observed mean", "contrast": "sessions attended",
           "estimate": float(seen.mean())}  # fmt: skip
    if len(seen) > 1:
        yield {**where, "quantity": "standard deviation", "contrast": "sessions attended",
               "estimate": float(seen.std(ddof=1))}  # fmt: skip
    yield {**where, "quantity": "observed mean", "contrast": "median of sessions attended",
           "estimate": float(np.median(seen))}  # fmt: skip
    yield from _share(seen == 0, where, "attended no session", level)
    rule = data.study.analysis_sets.per_protocol
    if rule is not None and rule.minimum_sessions is not None:
        words = f"attended at least {rule.minimum_sessions} sessions"
        yield from _share(seen >= rule.minimum_sessions, where, words, level)


def _flow(people: pd.DataFrame, about: Row, level: float) -> Iterator[Row]:
    known = people["received_arm"].notna()
    where = {**about, "notes": FLOW}
    if known.any():
        crossed = (people["received_arm"] != people["arm"])[known].to_numpy(bool)
        yield from _share(crossed, where, "received another arm than randomised to", level)
    stopped = people["treatment_stop_day"].notna().to_numpy(bool)
    yield from _share(stopped, where, "stopped treatment early", level)


def _share(has: np.ndarray, about: Row, words: str, level: float) -> Iterator[Row]:
    n, k = len(has), int(has.sum())
    yield {**about, "quantity": "count", "contrast": words, "estimate": k, "n_arm": n,
           "unit": "participants"}  # fmt: skip
    yield {**about, **exact_share(k, n, level), "contrast": words}


def _rating(
    data: TrialData, name: str, people: pd.DataFrame, about: Row, level: float
) -> Iterator[Row]:
    values = participant_numbers(data, name).reindex(people["participant"]).dropna().to_numpy(float)
    if len(values) == 0:
        return  # not rated in this arm
    where = {**about, "contrast": f"{label_of(data, name)}, mean of the participant"}
    yield from mean_and_sd(values, level, where, "t, participants taken as independent")


def _outside(
    data: TrialData, name: str, people: pd.DataFrame, about: Row, level: float
) -> Iterator[Row]:
    if EVENT + name in people:
        has = people[EVENT + name].notna().to_numpy(bool)
        words = f"{name.replace('_', ' ')} (ever; of all)"
    else:
        ever = participant_numbers(data, name).reindex(people["participant"]).dropna()
        has = (ever > 0).to_numpy(bool)
        words = f"{label_of(data, name)} (ever; of those with a record)"
    n, k = len(has), int(has.sum())
    if n == 0:
        return
    if 0 < k < SMALLEST or 0 < n - k < SMALLEST:
        reason = SUPPRESSED if 0 < k < SMALLEST else COMPLEMENT
        for quantity in ("count", "probability"):
            yield {**about, "quantity": quantity, "contrast": words, "n_arm": n, "notes": reason}
        return
    yield from _share(has, about, words, level)
