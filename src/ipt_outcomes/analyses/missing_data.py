"""Missing scores described: when, in which arm, in what patterns, why, and in whom.

Nothing here is tested: the description tells how much rests on assumptions, and which would be
plausible. Predictors of leaving come from a discrete-time model: among those still followed before
visit a, with the last observed score s,

    logit P(i is never seen again from visit a on) = α_a + arm_i + baseline_i + s_i + c_i .

Associations with what was observed speak against missing completely at random; none can speak for
missing at random. Source: Little & Rubin (2020), Statistical Analysis with Missing Data, ch. 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    TrialData,
    after_stopping,
    exploratory,
    members,
)
from ipt_outcomes.analyses.disclosure import SMALLEST, suppress
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.imputation import first_missed
from ipt_outcomes.results import Row, estimates

SEEN, MISSED = "o", "x"
LARGEST_SE = 5.0  # of a log odds ratio; beyond it a group has (nearly) only leavers or stayers


class MissingDataError(ValueError):
    """The configuration names a predictor that the study does not have."""


def missing_data(data: TrialData) -> pd.DataFrame:
    """Describe the missing scores of every outcome.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table, analysis ``missing data``: scores missing by arm and visit;
        for the primary outcome also how they are missing, patterns, reasons, and odds ratios of
        leaving.

    Raises
    ------
    MissingDataError
        When a predictor is no characteristic of the study.
    """
    rows: list[Row] = []
    for outcome in data.study.outcomes_of(data.trial):
        followed = _Followed.of(data, outcome)
        rows += _by_visit(data, followed)
        if outcome == data.study.primary_outcome:
            rows += [*_kinds(data, followed), *_patterns(followed), *_reasons(data, followed)]
            rows += _predictors(data, followed)
    shared = exploratory(data, "missing data")
    return estimates({**shared, **row} for row in rows)


@dataclass(frozen=True)
class _Followed:
    """One outcome as participants × later visits."""

    outcome: str
    people: pd.DataFrame
    visits: list[str]
    y: NDArray[np.float64]
    baseline: NDArray[np.float64]
    late: NDArray[np.bool_]

    @classmethod
    def of(cls, data: TrialData, outcome: str) -> _Followed:
        people = members(data, AS_RANDOMISED, outcome).reset_index(drop=True)
        scores = data.scores[data.scores["outcome"] == outcome]
        late = after_stopping(scores, data.participants, data.study)
        order, visits = people["participant"], data.later_visits

        def spread(values: pd.Series, columns: list[str]) -> NDArray[np.float64]:
            cells = pd.MultiIndex.from_product([order, columns])
            keyed = values.astype(float).set_axis(
                pd.MultiIndex.from_frame(scores[["participant", "visit"]])
            )
            return np.asarray(keyed.reindex(cells), np.float64).reshape(len(order), -1)

        return cls(
            outcome,
            people,
            visits,
            spread(scores["score"], visits),
            spread(scores["score"], [data.study.baseline])[:, 0],
            spread(late, visits) == 1,
        )

    @property
    def seen(self) -> NDArray[np.bool_]:
        return np.isfinite(self.y)

    def arm(self, name: str) -> NDArray[np.bool_]:
        return (self.people["arm"] == name).to_numpy(bool)


def _count(followed: _Followed, what: str, number: int, **where: Any) -> Row:
    return {"outcome": followed.outcome, "quantity": "count", "contrast": what,
            "estimate": number, "method": "count",
            "notes": "flow by arm: shown in full, however small", **where}  # fmt: skip


def _by_visit(data: TrialData, followed: _Followed) -> Iterator[Row]:
    left = first_missed(followed.seen)
    for arm in data.arms:
        own = followed.arm(arm)
        n = int(own.sum())
        for a, visit in enumerate(followed.visits):
            where = {"arm": arm, "visit": visit, "n_arm": n}
            missing = own & ~followed.seen[:, a]
            gone = missing & (left <= a)
            yield _count(followed, "scores missing", int(missing.sum()), **where)
            yield _count(followed, "not seen from here on", int(gone.sum()), **where)
            yield _count(
                followed, "missed, seen again later", int((missing & ~gone).sum()), **where
            )
            yield _count(
                followed, "seen after stopping treatment",
                int((own & followed.seen[:, a] & followed.late[:, a]).sum()), **where,
            )  # fmt: skip


def _kinds(data: TrialData, followed: _Followed) -> Iterator[Row]:
    """Count the participants by the way in which their scores are missing, by arm."""
    seen, T = followed.seen, len(followed.visits)
    left = first_missed(seen)
    gap = (~seen & (np.arange(T)[None, :] < left[:, None])).any(1)
    kinds = {
        "complete": seen.all(1),
        "gaps only": (left == T) & gap,
        "left, no gap before": (left < T) & (left > 0) & ~gap,
        "left, with gaps before": (left < T) & (left > 0) & gap,
        "never seen after baseline": left == 0,
    }
    for arm in data.arms:
        own = followed.arm(arm)
        for kind, who in kinds.items():
            yield _count(followed, f"participants: {kind}", int((own & who).sum()), arm=arm,
                         n_arm=int(own.sum()))  # fmt: skip


def _patterns(followed: _Followed) -> Iterator[Row]:
    """Count the patterns of visits seen, all arms together; rare ones could point at a person."""
    text = ["".join(SEEN if s else MISSED for s in row) for row in followed.seen]
    # In the order of the patterns: which of two equal counts is hidden must not depend on people's.
    counts = {str(k): int(n) for k, n in pd.Series(text).value_counts().sort_index().items()}
    hidden = suppress(counts)
    first, last = followed.visits[0], followed.visits[-1]
    for pattern, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        why = hidden.get(pattern)
        yield {
            **_count(followed, "participants with this pattern of visits", number),
            "estimate": None if why else number,
            "subgroup": f"pattern {pattern}",
            "n_arm": len(text),
            "notes": why or f"{SEEN} seen, {MISSED} missed; {first} to {last}",
        }


def _reasons(data: TrialData, followed: _Followed) -> Iterator[Row]:
    """Count why the score at the endpoint is missing, by arm."""
    endpoint = data.study.endpoint
    people = followed.people
    missing = ~followed.seen[:, followed.visits.index(endpoint)]
    week = data.study.visits[endpoint].week
    window = data.study.visits[endpoint].window_days
    last_day = week * 7 if window is None else window[1]
    before = (people["study_exit_day"].astype("Float64") <= last_day).fillna(False).to_numpy(bool)
    left = people["study_exit_reason"].fillna("reason not recorded")
    reasons = sorted(left[missing & before].drop_duplicates())
    for arm in data.arms:
        own = followed.arm(arm)
        n = int(own.sum())
        for reason in reasons:
            number = (own & missing & before & (left == reason).to_numpy(bool)).sum()
            yield _count(followed, f"missing at the endpoint: left the study ({reason})",
                         int(number), arm=arm, visit=endpoint, n_arm=n)  # fmt: skip
        yield _count(followed, "missing at the endpoint: still in the study, not assessed",
                     int((own & missing & ~before).sum()), arm=arm, visit=endpoint,
                     n_arm=n)  # fmt: skip


# --- who leaves --------------------------------------------------------------------------------


def _predictors(data: TrialData, followed: _Followed, level: float = 0.95) -> Iterator[Row]:
    records, lost = _at_risk(data, followed)
    method = "discrete-time logistic regression on visit, arm, scores and characteristics"
    where: Row = {"outcome": followed.outcome, "quantity": "ratio", "unit": "odds ratio",
                  "method": method, "level": level}  # fmt: skip
    leavers = int(records["leaves"].sum())
    if min(leavers, len(records) - leavers) < SMALLEST:
        yield {**where, "level": None, "contrast": "odds of leaving", "n_arm": None,
               "notes": f"not examined: fewer than {SMALLEST} left, or stayed"}  # fmt: skip
        return
    columns, words, counts = _terms(data, records)
    told = f"{leavers} left; an association, not a cause, and not tested"
    if lost:
        told += f"; {lost} participants with a missing predictor left out"
    beta, se = _logistic(columns, records["leaves"].to_numpy(float))
    z = stats.norm.ppf((1 + level) / 2)
    for name, text in words.items():
        j = list(columns).index(name)
        row: Row = {**where, "contrast": f"odds of leaving before the next visit: {text}",
                    "n_arm": counts[name]}  # fmt: skip
        if counts[name] < SMALLEST:
            yield {**row, "level": None, "n_arm": None,
                   "notes": f"suppressed: fewer than {SMALLEST} participants"}  # fmt: skip
        elif not (np.isfinite(se[j]) and se[j] < LARGEST_SE):
            yield {**row, "level": None,
                   "notes": "no estimate: all or none of this group left"}  # fmt: skip
        else:
            yield {
                **row,
                "estimate": float(np.exp(beta[j])),
                "lower": float(np.exp(beta[j] - z * se[j])),
                "upper": float(np.exp(beta[j] + z * se[j])),
                "interval_method": "normal, on the log scale",
                "notes": told,
            }


def _at_risk(data: TrialData, followed: _Followed) -> tuple[pd.DataFrame, int]:
    """Return one record per participant and visit before which they were still followed.

    Participants with a missing predictor have none; their number comes beside the records.
    """
    plan = data.study.analyses.missing_data
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    known = {"site", *data.study.characteristics}
    wrong = [name for name in plan.predictors if name not in known]
    if wrong:
        raise MissingDataError(
            f"analyses: missing_data: predictors: {', '.join(wrong)} is neither a characteristic "
            f"nor site. Known are {', '.join(sorted(known))}."
        )
    people = followed.people
    left = first_missed(followed.seen)
    both = np.column_stack([followed.baseline, followed.y])
    last = pd.DataFrame(both).ffill(axis=1).to_numpy(float)  # the last score before visit a
    records = []
    for a, visit in enumerate(followed.visits):
        who = np.flatnonzero(left >= a)
        part = pd.DataFrame({"participant": people["participant"].to_numpy()[who], "visit": visit,
                             "arm": people["arm"].to_numpy()[who],
                             "baseline": followed.baseline[who], "last": last[who, a],
                             "leaves": (left[who] == a).astype(float)})  # fmt: skip
        for name in plan.predictors:
            column = people["site"] if name == "site" else people[CHARACTERISTIC + name]
            part[name] = column.to_numpy()[who]
        records.append(part)
    every = pd.concat(records, ignore_index=True)
    complete = every.dropna().reset_index(drop=True)
    lost = set(every["participant"]) - set(complete["participant"])
    return complete, len(lost)


def _terms(
    data: TrialData, records: pd.DataFrame
) -> tuple[dict[str, NDArray[np.float64]], dict[str, str], dict[str, int]]:
    """Return the columns of the model, what each says in words, and participants behind it."""
    study = data.study
    columns: dict[str, NDArray[np.float64]] = {"intercept": np.ones(len(records))}
    words: dict[str, str] = {}
    counts: dict[str, int] = {}

    def people(mask: Any) -> int:
        return int(records.loc[mask, "participant"].drop_duplicates().size)

    leaving = records.groupby("visit")["leaves"].sum()
    visits = [v for v in records["visit"].drop_duplicates() if leaving[v] > 0]
    # Before a visit where nobody left there is nothing to compare: its records say nothing.
    inside = np.asarray(records["visit"].isin(visits), np.float64)
    columns["intercept"] = inside
    for visit in visits[1:]:
        columns[f"visit {visit}"] = np.asarray(records["visit"] == visit, np.float64)
    for arm in data.arms:
        if arm != study.reference_arm:
            name = f"arm {arm}"
            columns[name] = np.asarray(records["arm"] == arm, np.float64)
            words[name] = f"{study.arms[arm].label} against {study.arms[study.reference_arm].label}"
            counts[name] = people(columns[name] > 0)
    total = int(records["participant"].drop_duplicates().size)
    unit = study.outcomes[study.primary_outcome].unit
    for name, text in (("baseline", "baseline score"), ("last", "last observed score")):
        values = np.asarray(records[name], np.float64)
        if (sd := float(values.std())) > 0:
            columns[name] = (values - values.mean()) / sd
            words[name] = f"{text}, per {sd:.1f} {unit} (one SD) more"
            counts[name] = total
    plan = study.analyses.missing_data
    for name in plan.predictors if plan is not None else []:
        label = "Site" if name == "site" else study.characteristics[name].label
        if pd.api.types.is_numeric_dtype(records[name]):
            values = np.asarray(records[name], np.float64)
            if (sd := float(values.std())) > 0:
                columns[name] = (values - values.mean()) / sd
                words[name] = f"{label}, per {sd:.1f} (one SD) more"
                counts[name] = total
            continue
        levels = records[name].value_counts().index.tolist()
        for level in levels[1:]:
            key = f"{name} {level}"
            columns[key] = np.asarray(records[name] == level, np.float64)
            labels = {} if name == "site" else study.characteristics[name].labels
            words[key] = (
                f"{label}: {labels.get(str(level), level)} against "
                f"{labels.get(str(levels[0]), levels[0])}"
            )
            counts[key] = people(columns[key] > 0)
    return {k: v * inside for k, v in columns.items()}, words, counts


def _logistic(
    columns: dict[str, NDArray[np.float64]], leaves: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit by iteratively re-weighted least squares; missing where the fit does not exist."""
    inside = columns["intercept"] > 0
    X, y = np.column_stack(list(columns.values()))[inside], leaves[inside]
    beta = np.zeros(X.shape[1])
    nothing = np.full(len(beta), np.nan)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(X @ beta, -30, 30)))
        information = X.T @ (X * (p * (1 - p))[:, None])
        try:
            step = np.linalg.solve(information, X.T @ (y - p))
        except np.linalg.LinAlgError:
            return nothing, nothing
        beta = beta + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-10:
            break
    # Separation leaves the step large for the separated terms only: their errors are huge.
    return beta, np.sqrt(np.maximum(np.diag(np.linalg.pinv(information)), 0.0))
