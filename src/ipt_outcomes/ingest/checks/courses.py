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
    """Report what is odd in the participants' courses.

    Parameters
    ----------
    evidence
        The trial, as it was read.
    """
    if evidence.participants.empty:
        return
    _baseline(evidence)
    _visits(evidence)
    _changes(evidence)
    _days(evidence)
    _twins(evidence)
    _directions(evidence)


def _baseline(evidence: Evidence) -> None:
    study = evidence.study
    if study.baseline not in study.visits_of(evidence.trial):
        return
    primary = next(iter(study.outcomes_of(evidence.trial)))
    missing = evidence.wide(primary)[study.baseline].isna().to_numpy()
    evidence.person("warning", "no baseline", missing, "",
                    found=f"no score of {primary} before treatment",
                    expected="a score before treatment for everyone randomised",
                    mend="Enter it if there is one. The model of the primary analysis leaves these "
                    "participants out, and the report counts them.")  # fmt: skip
    late = evidence.seen[
        (evidence.seen["visit"] == study.baseline) & (evidence.seen["day"] > 0).fillna(False)
    ].drop_duplicates(["participant", "source_row"])
    late = late.assign(found=[f"day {day} after randomisation" for day in late["day"]])
    evidence.score("warning", "baseline after randomisation", late,
                   expected="a baseline on the day of randomisation (day 0) or before",
                   mend="Check both dates; the score is used as baseline.")  # fmt: skip


def _visits(evidence: Evidence) -> None:
    study = evidence.study
    visits = study.visits_of(evidence.trial)
    for outcome in study.outcomes_of(evidence.trial):
        wide = evidence.wide(outcome)
        empty = [visit for visit in visits if wide[visit].isna().all()]
        some = [visit for visit in visits if visit not in empty]
        for visit in empty if some else ():
            evidence.findings.add("warning", "visit without scores",
                                  column=evidence.column_of(outcome, visit),
                                  found=f"no score of {outcome} at {visit} for anybody",
                                  expected="scores at every planned visit",
                                  mend="See whether the export holds all assessments; take the "
                                  "visit out of config.yaml if the outcome was not assessed then.",
                                  )  # fmt: skip
        # A gap: nothing at a visit, although others have scores there and this person has later.
        seen = wide[some].notna()
        later = seen.iloc[:, ::-1].cummax(axis=1).iloc[:, ::-1]
        gaps = (~seen & later).sum(axis=1)
        longest = gaps[gaps >= 2]
        rows = evidence.seen[(evidence.seen["outcome"] == outcome)]
        after = rows[rows["participant"].isin(longest.index)].drop_duplicates(
            "participant", keep="last"
        )
        after = after.assign(
            found=[f"a score at {visit} after {int(gaps[name])} visits without one"
                   for name, visit in zip(after["participant"], after["visit"], strict=True)]
        )  # fmt: skip
        evidence.score("note", "gap between visits", after, expected="scores at every visit",
                       mend="Nothing to do if the visits were missed.")  # fmt: skip


def _changes(evidence: Evidence) -> None:
    study = evidence.study
    visits = study.visits_of(evidence.trial)
    for outcome in study.outcomes_of(evidence.trial):
        wide = evidence.wide(outcome)
        low, high = study.outcomes[outcome].range
        best = low if study.outcomes[outcome].higher_is == "worse" else high
        rows = evidence.seen[evidence.seen["outcome"] == outcome]
        before = rows.groupby("participant", sort=False)["score"].shift()
        change = rows["score"] - before
        jump = rows[(change.abs() > JUMP * (high - low)).to_numpy()]
        jump = jump.assign(
            found=[f"{score:g} after {old:g} at the visit before" for score, old in
                   zip(jump["score"], before[jump.index], strict=True)]
        )  # fmt: skip
        evidence.score("warning", "implausible change", jump,
                       expected=f"a change of less than {JUMP * (high - low):g} points between "
                       "two visits", mend="Check both scores; they are used as they are.",
                       )  # fmt: skip
        n = wide.notna().sum(axis=1)
        flat = (wide.max(axis=1) == wide.min(axis=1)) & (n >= min(SAME, len(visits)))
        flat &= (n >= SAME) & (wide.max(axis=1) != best)
        last = rows[rows["participant"].isin(flat[flat].index)].drop_duplicates(
            "participant", keep="last"
        )
        last = last.assign(
            found=[f"{score:g} at all {int(n[name])} visits" for name, score in
                   zip(last["participant"], last["score"], strict=True)]
        )  # fmt: skip
        evidence.score("warning", "the same score at every visit", last,
                       expected="scores that vary", mend="See whether a value was carried "
                       "forward; it is used as it is.")  # fmt: skip


def _days(evidence: Evidence) -> None:
    rows = evidence.seen[evidence.seen["day"].notna()]
    rows = rows.drop_duplicates(["participant", "visit"]).sort_values(
        ["participant", "week"], kind="stable"
    )
    before = rows.groupby("participant", sort=False)["day"].shift()
    back = rows[(rows["day"] < before).fillna(False).to_numpy(dtype=bool)]
    back = back.assign(
        found=[f"day {day}, before the visit that comes first (day {old})" for day, old in
               zip(back["day"], before[back.index], strict=True)]
    )  # fmt: skip
    evidence.score("warning", "visits out of order", back,
                   expected="days in the order of the visits",
                   mend="Check the dates; the scores are used at the visits they are named for.",
                   )  # fmt: skip
    left = evidence.participants.set_index("participant")["study_exit_day"].astype("Float64")
    gone = rows["participant"].map(left)
    after = rows[(rows["day"] > gone).fillna(False).to_numpy(dtype=bool)]
    after = after.assign(
        found=[f"day {day}, after leaving the study on day {exit_day:g}" for day, exit_day in
               zip(after["day"], gone[after.index], strict=True)]
    )  # fmt: skip
    evidence.score("warning", "assessed after leaving", after,
                   expected="assessments until the participant left",
                   mend="Check both dates; the score is used.")  # fmt: skip


def _twins(evidence: Evidence) -> None:
    frames = [evidence.wide(outcome) for outcome in evidence.study.outcomes_of(evidence.trial)]
    frames += [evidence.wide(outcome, "day") for outcome in
               evidence.study.outcomes_of(evidence.trial)[:1]]  # fmt: skip
    table = pd.concat(frames, axis=1)
    table = table[pd.concat(frames[:-1], axis=1).notna().sum(axis=1) >= SAME]
    table.columns = pd.RangeIndex(table.shape[1])
    again = table.duplicated(keep="first").to_numpy()
    if not again.any():
        return
    twins = set(table.index[again])
    evidence.person("warning", "same data twice", evidence.participants["participant"].isin(twins),
                    "", found="the same scores on the same days as another participant",
                    expected="data of one participant under one study number",
                    mend="See whether one person was entered twice.")  # fmt: skip


def _directions(evidence: Evidence) -> None:
    """Two scores of symptoms agree; one that goes against the others may be turned round."""
    study = evidence.study
    outcomes = study.outcomes_of(evidence.trial)
    for one, other in combinations(outcomes, 2):
        x, y = (evidence.wide(name)[study.baseline].to_numpy() for name in (one, other))
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
