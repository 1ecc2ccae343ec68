"""Description without inference: participant flow, baseline table, observed scores.

No p-value is ever attached to a baseline difference: with randomisation the null hypothesis of
such a test is known to be true (Senn, 1994, Statistics in Medicine 13:1715).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    COMPLETERS,
    PER_PROTOCOL,
    TrialData,
    members,
    model_frame,
)
from ipt_outcomes.analyses.disclosure import COMPLEMENT, SMALLEST, SUPPRESSED, suppress
from ipt_outcomes.analyses.distributions import distribution_rows
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS


def describe(data: TrialData) -> pd.DataFrame:
    """Describe a trial: rows of ``flow``, ``baseline``, its distribution, and ``observed``.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.
    """
    rows = [*_flow(data), *_baseline(data), *_observed(data)]
    shared = {"trial": data.trial, "status": "exploratory", "disclosure": "shared"}
    return estimates({**shared, **row} for row in rows)


# --- participant flow ----------------------------------------------------------------------------


def _flow(data: TrialData) -> Iterator[Row]:
    def count(stage: str, n: int, **where: Any) -> Row:
        return {"analysis": "flow", "analysis_set": AS_RANDOMISED, "quantity": "count",
                "contrast": stage, "estimate": n, "method": "count", **where}  # fmt: skip

    enrolment = data.study.enrolment.get(data.trial)
    if enrolment is not None:
        if enrolment.assessed_for_eligibility is not None:
            yield count("assessed for eligibility", enrolment.assessed_for_eligibility)
        yield count("excluded", sum(enrolment.excluded.values()))
        for reason, n in enrolment.excluded.items():
            yield count(f"excluded: {reason}", n)
    people = data.participants
    yield count("randomised", len(people))
    outcome = data.study.primary_outcome
    frame = model_frame(data, outcome, data.study.primary_estimand, AS_RANDOMISED)
    analysed = frame.rows.drop_duplicates("participant")["arm"].value_counts()
    observed = data.scores[(data.scores["outcome"] == outcome) & data.scores["score"].notna()]
    arm_of = people.set_index("participant")["arm"]
    for arm in data.arms:
        own = people[people["arm"] == arm]
        yield count("randomised", len(own), arm=arm, n_arm=len(own))
        if people["received_arm"].notna().any():
            received = own["received_arm"]
            yield count("received the randomised arm", int((received == arm).sum()), arm=arm,
                        n_arm=len(own))  # fmt: skip
            for other in data.arms:
                if other != arm and (n := int((received == other).sum())):
                    yield count(f"received another arm: {data.study.arms[other].label}", n,
                                arm=arm, n_arm=len(own))  # fmt: skip
        for stage, day, reason in _recorded_ends(data):
            left = own[own[day].notna() | own[reason].notna()]
            yield count(stage, len(left), arm=arm, n_arm=len(own))
            reasons = left[reason].fillna("reason not recorded").value_counts(sort=False)
            for name, n in sorted(reasons.items(), key=lambda item: (-item[1], str(item[0]))):
                yield count(f"{stage}: {name}", int(n), arm=arm, n_arm=len(own))
        for visit in data.study.visits_of(data.trial):
            at = observed[observed["visit"] == visit]
            n = int((at["participant"].map(arm_of) == arm).sum())
            yield count("assessed", n, arm=arm, n_arm=len(own), visit=visit, outcome=outcome)
        yield count("analysed", int(analysed.get(arm, 0)), arm=arm, n_arm=len(own),
                    outcome=outcome)  # fmt: skip
        excluded = frame.excluded[frame.excluded["arm"] == arm]["reason"].value_counts()
        for why, n in sorted(excluded.items()):
            yield count(f"not analysed: {why}", int(n), arm=arm, n_arm=len(own),
                        outcome=outcome)  # fmt: skip
        if data.study.analysis_sets.per_protocol is not None:
            treated = members(data, PER_PROTOCOL, outcome)
            yield count("per protocol", int((treated["arm"] == arm).sum()), arm=arm,
                        n_arm=len(own))  # fmt: skip


def _recorded_ends(data: TrialData) -> Iterator[tuple[str, str, str]]:
    """Name the ends that the export records: nobody stopped is not the same as not recorded."""
    columns = data.study.trials[data.trial].columns
    for stage, stem in (("stopped treatment", "treatment_stop"), ("left the study", "study_exit")):
        named = (getattr(columns, f"{stem}_{what}") for what in ("date", "day", "reason"))
        if any(named):
            yield stage, f"{stem}_day", f"{stem}_reason"


# --- baseline ------------------------------------------------------------------------------------


def _baseline(data: TrialData) -> Iterator[Row]:
    people = data.participants
    study = data.study
    start = data.scores[data.scores["visit"] == study.baseline]
    numbers: dict[str, pd.Series] = {}
    categories: dict[str, pd.Series] = {}
    for name in data.study.trials[data.trial].columns.characteristics:
        characteristic = study.characteristics[name]
        values = people[CHARACTERISTIC + name]
        (numbers if characteristic.kind == "number" else categories)[name] = values
    if people["site"].notna().any():
        categories["site"] = people["site"]
    if people["problem_area"].notna().any():
        categories["problem_area"] = people["problem_area"].map(PROBLEM_AREA_LABELS)
    for outcome in study.outcomes_of(data.trial):
        of = start[start["outcome"] == outcome].set_index("participant")["score"]
        numbers[outcome] = people["participant"].map(of)

    base = {"analysis": "baseline", "analysis_set": AS_RANDOMISED, "method": "description"}
    groups: dict[str | None, pd.Index] = {None: people.index}
    groups |= {arm: people.index[people["arm"] == arm] for arm in data.arms}
    for name, values in numbers.items():
        for arm, index in groups.items():
            known = values[index].dropna().astype(float)
            where: Row = {**base, "outcome": name, "arm": arm, "n_arm": len(known)}
            if len(known) >= SMALLEST:  # a mean of fewer would speak of persons
                yield {**where, "quantity": "observed mean", "estimate": known.mean()}
                yield {**where, "quantity": "standard deviation", "estimate": known.std()}
    for name, values in categories.items():
        yield from _category_counts(name, values, groups, base)
    yield from distribution_rows(data, numbers)


def _category_counts(
    name: str, values: pd.Series, groups: dict[str | None, pd.Index], base: Row
) -> Iterator[Row]:
    levels = list(dict.fromkeys(sorted(values.dropna())))
    counts = {
        arm: {level: int((values[index] == level).sum()) for level in levels}
        for arm, index in groups.items()
    }
    # A column of arms with a total can be subtracted: a level hidden in one arm only would be
    # read off the total and the other arms, so the total hides it too.
    hidden = {arm: suppress(of) for arm, of in counts.items()}
    for level in levels:
        in_arms = [arm for arm in counts if arm is not None and level in hidden[arm]]
        if len(in_arms) == 1 and level not in hidden[None]:
            hidden[None][level] = COMPLEMENT
    if len(hidden[None]) == 1:
        shown = {level: n for level, n in counts[None].items() if level not in hidden[None]}
        if shown:
            least = min(shown, key=lambda level: shown[level])
            hidden[None][least] = COMPLEMENT
    for arm, of in counts.items():
        for level, n in of.items():
            why = hidden[arm].get(level)
            yield {**base, "quantity": "count", "outcome": name, "subgroup": level,
                   "arm": arm, "estimate": None if why else n, "n_arm": sum(of.values()),
                   "notes": why}  # fmt: skip


# --- observed scores -----------------------------------------------------------------------------


def _observed(data: TrialData, level: float = 0.95) -> Iterator[Row]:
    sets = [AS_RANDOMISED] + [COMPLETERS] * data.study.analysis_sets.completers
    for outcome in data.study.outcomes_of(data.trial):
        scores = data.scores[(data.scores["outcome"] == outcome) & data.scores["score"].notna()]
        unit = data.study.outcomes[outcome].unit
        for analysis_set in sets:
            people = members(data, analysis_set, outcome).set_index("participant")["arm"]
            arm_of = scores["participant"].map(people)
            for arm in data.arms:
                for visit in data.study.visits_of(data.trial):
                    at = scores.loc[(arm_of == arm) & (scores["visit"] == visit), "score"]
                    yield from mean_and_sd(
                        at.to_numpy(float), level,
                        {"analysis": "observed", "analysis_set": analysis_set, "outcome": outcome,
                         "arm": arm, "visit": visit, "unit": unit, "method": "description"},
                    )  # fmt: skip


def mean_and_sd(values: np.ndarray, level: float, where: Row, method: str = "t") -> Iterator[Row]:
    """Give the observed mean with its t interval and the standard deviation, or say why not.

    Parameters
    ----------
    values
        One per participant, shape (n,).
    level
        Level of the interval.
    where
        Columns that the rows have in common.
    method
        What the interval is called.
    """
    n = len(values)
    where = {**where, "n_arm": n}
    if 0 < n < SMALLEST:
        yield {**where, "quantity": "observed mean", "n_arm": None, "notes": SUPPRESSED}
        return
    if n == 0:
        yield {**where, "quantity": "observed mean", "notes": "nobody assessed"}
        return
    mean, sd = values.mean(), values.std(ddof=1)
    half = stats.t.ppf((1 + level) / 2, n - 1) * sd / np.sqrt(n)
    yield {**where, "quantity": "observed mean", "estimate": mean, "se": sd / np.sqrt(n),
           "df": n - 1, "lower": mean - half, "upper": mean + half, "level": level,
           "interval_method": method}  # fmt: skip
    yield {**where, "quantity": "standard deviation", "estimate": sd}
