"""Whether the scores of each participant make a course in time."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.checks.evidence import Evidence

JUMP = 0.75
"""A change between two neighbouring visits of more than this part of the range is doubtful."""
SAME = 4
"""From so many visits on a score that never changes is doubtful."""
FEWEST = 30
_Z = 1.959963984540054


def check_courses(evidence: Evidence) -> None:
    """Report what is odd in the courses of a trial that has participants."""
    _baseline(evidence)
    _visits(evidence)
    _changes(evidence)
    _days(evidence)
    _twins(evidence)
    _directions(evidence)


def _baseline(evidence: Evidence) -> None:
    study = evidence.study
    visits = study.visits_of(evidence.trial)
    if study.baseline not in visits:
        return
    start = visits.index(study.baseline)
    primary = study.outcomes_of(evidence.trial)[0]
    missing = np.isnan(evidence.grid(primary)[:, start])
    evidence.person("warning", "no baseline", missing, "",
                    found=f"no score of {primary} before treatment",
                    expected="a score before treatment for everyone randomised",
                    mend="Enter it if there is one. The model of the primary analysis leaves these "
                    "participants out, and the report counts them.")  # fmt: skip
    told: set[float] = set()
    for outcome in study.outcomes_of(evidence.trial):
        late = np.zeros(evidence.grid(outcome).shape, dtype=bool)
        day = evidence.grid(outcome, "day")
        late[:, start] = (day[:, start] > 0) & ~np.isnan(evidence.grid(outcome)[:, start])
        rows = evidence.cells(outcome, late)
        rows = rows[~rows["source_row"].isin(told)]  # once per row, whatever it holds
        told |= set(rows["source_row"])
        rows["found"] = [f"day {day[at, start]:g} after randomisation" for at in rows["at"]]
        evidence.score("warning", "baseline after randomisation", rows,
                       expected="a baseline on the day of randomisation (day 0) or before",
                       mend="Check both dates; the score is used as baseline.")  # fmt: skip


def _visits(evidence: Evidence) -> None:
    study = evidence.study
    visits = study.visits_of(evidence.trial)
    for outcome in study.outcomes_of(evidence.trial):
        seen = ~np.isnan(evidence.grid(outcome))
        ever = seen.any(axis=0)
        for visit in [v for v, any_ in zip(visits, ever, strict=True) if not any_ and ever.any()]:
            evidence.findings.add("warning", "visit without scores",
                                  column=evidence.column_of(outcome, visit),
                                  found=f"no score of {outcome} at {visit} for anybody",
                                  expected="scores at every planned visit",
                                  mend="See whether the export holds all assessments; take the "
                                  "visit out of config.yaml if the outcome was not assessed then.",
                                  )  # fmt: skip
        # A gap: nothing at a visit, although others have scores there and this person has later.
        later = np.maximum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
        gaps = ((~seen & later) & ever).sum(axis=1)
        rows = evidence.cells(outcome, _last(seen) & (gaps >= 2)[:, None])
        rows["found"] = [f"a score at {visit} after {gaps[at]} visits without one"
                         for at, visit in zip(rows["at"], rows["visit"], strict=True)]  # fmt: skip
        evidence.score("note", "gap between visits", rows, expected="scores at every visit",
                       mend="Nothing to do if the visits were missed.")  # fmt: skip


def _last(seen: np.ndarray) -> np.ndarray:
    """Mark the last cell of each row that is seen."""
    after = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(seen & (after == 1))


def _before(values: np.ndarray) -> np.ndarray:
    """Return for each cell the value seen before it in its row; not-a-number for the first."""
    place = np.where(np.isnan(values), -1, np.arange(values.shape[1]))
    last = np.maximum.accumulate(place, axis=1)
    previous = np.concatenate([np.full((len(values), 1), -1), last[:, :-1]], axis=1)
    taken = np.take_along_axis(values, np.maximum(previous, 0), axis=1)
    return np.where(previous < 0, np.nan, taken)


def _changes(evidence: Evidence) -> None:
    study = evidence.study
    for outcome in study.outcomes_of(evidence.trial):
        grid = evidence.grid(outcome)
        seen = ~np.isnan(grid)
        low, high = study.outcomes[outcome].range
        best = low if study.outcomes[outcome].higher_is == "worse" else high
        before = _before(grid)
        most = JUMP * (high - low)
        rows = evidence.cells(outcome, seen & (np.abs(grid - before) > most))
        rows["found"] = [f"{grid[cell]:g} after {before[cell]:g} at the visit before"
                         for cell in zip(rows["at"], rows["to"], strict=True)]  # fmt: skip
        evidence.score("warning", "implausible change", rows,
                       expected=f"a change of less than {most:g} points between two visits",
                       mend="Check both scores; they are used as they are.")  # fmt: skip
        n = seen.sum(axis=1)
        top = np.where(seen, grid, -np.inf).max(axis=1)
        flat = (n >= SAME) & (top == np.where(seen, grid, np.inf).min(axis=1)) & (top != best)
        rows = evidence.cells(outcome, _last(seen) & flat[:, None])
        rows["found"] = [f"{top[at]:g} at all {n[at]} visits" for at in rows["at"]]
        evidence.score("warning", "the same score at every visit", rows,
                       expected="scores that vary", mend="See whether a value was carried "
                       "forward; it is used as it is.")  # fmt: skip


def _days(evidence: Evidence) -> None:
    left = evidence.participants["study_exit_day"].to_numpy(dtype=np.float64, na_value=np.nan)
    backwards: set[tuple[int, int]] = set()
    gone: set[tuple[int, int]] = set()
    for outcome in evidence.study.outcomes_of(evidence.trial):
        seen = ~np.isnan(evidence.grid(outcome))
        day = np.where(seen, evidence.grid(outcome, "day"), np.nan)
        before = _before(day)
        rows = evidence.cells(outcome, day < before)
        rows = _new(rows, backwards)
        rows["found"] = [f"day {day[cell]:g}, before the visit that comes first (day "
                         f"{before[cell]:g})"
                         for cell in zip(rows["at"], rows["to"], strict=True)]  # fmt: skip
        evidence.score("warning", "visits out of order", rows,
                       expected="days in the order of the visits", mend="Check the dates; the "
                       "scores are used at the visits they are named for.")  # fmt: skip
        rows = _new(evidence.cells(outcome, day > left[:, None]), gone)
        rows["found"] = [f"day {day[at, to]:g}, after leaving the study on day {left[at]:g}"
                         for at, to in zip(rows["at"], rows["to"], strict=True)]  # fmt: skip
        evidence.score("warning", "assessed after leaving", rows,
                       expected="assessments until the participant left",
                       mend="Check both dates; the score is used.")  # fmt: skip


def _new(rows: pd.DataFrame, told: set[tuple[int, int]]) -> pd.DataFrame:
    """Return the rows of participants and visits that were not told yet, and remember them."""
    cells = list(zip(rows["at"], rows["to"], strict=True))
    kept = np.array([cell not in told for cell in cells], dtype=bool)
    told.update(cells)
    return rows[kept].copy()


def _twins(evidence: Evidence) -> None:
    outcomes = evidence.study.outcomes_of(evidence.trial)
    scores = np.hstack([evidence.grid(outcome) for outcome in outcomes])
    enough = (~np.isnan(scores)).sum(axis=1) >= SAME
    days = evidence.grid(outcomes[0], "day")
    table = pd.DataFrame(np.hstack([scores, days])).fillna(-np.inf)
    again = table.duplicated(keep="first").to_numpy() & enough
    evidence.person("warning", "same data twice", again, "",
                    found="the same scores on the same days as another participant",
                    expected="data of one participant under one study number",
                    mend="See whether one person was entered twice.")  # fmt: skip


def _directions(evidence: Evidence) -> None:
    """Two scores of symptoms agree; one that goes against the others may be turned round."""
    study = evidence.study
    visits = study.visits_of(evidence.trial)
    if study.baseline not in visits:
        return
    start = visits.index(study.baseline)
    for one, other in combinations(study.outcomes_of(evidence.trial), 2):
        x, y = (evidence.grid(name)[:, start] for name in (one, other))
        both = ~np.isnan(x) & ~np.isnan(y)
        n = int(both.sum())
        if n < FEWEST or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
            continue
        r = float(np.corrcoef(x[both], y[both])[0, 1])
        if study.outcomes[one].higher_is != study.outcomes[other].higher_is:
            r = -r
        upper = np.tanh(np.arctanh(max(r, -0.999999)) + _Z / np.sqrt(n - 3))
        if upper < 0:
            evidence.findings.add("warning", "reversed twice?", column=evidence.column_of(other),
                                  found=f"{other} goes against {one} at baseline (correlation "
                                  f"{r:.2f}, n = {n}, both turned so that higher is worse)",
                                  expected="outcomes that agree in direction",
                                  mend="See whether one of the two was turned round in the export, "
                                  "and check higher_is under outcomes.")  # fmt: skip
