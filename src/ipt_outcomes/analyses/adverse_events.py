"""Adverse events as safety events: all of them, serious and related ones, by term and by severity.

One row of the file is one event. Everybody randomised was at risk while in the study, so that the
denominator of an arm is all its participants and its exposure the weeks that they were observed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.safety_events import SafetyEvents

NOT_ASKED = "participants without an entry count as without the event"
NO_RATE = "no rate: the export has no column for the day of leaving the study"


class AdverseEventError(ValueError):
    """Adverse events that the trial did not record as the configuration says."""


def adverse_events(
    data: TrialData, people: pd.DataFrame, weeks: NDArray[np.float64] | None
) -> Iterator[SafetyEvents]:
    """Count adverse events per participant.

    Parameters
    ----------
    data
        The trial.
    people
        Rows of its participant frame, n of them.
    weeks
        Weeks in the study, shape (n,); None where they are not recorded: no rates are then given.

    Yields
    ------
    SafetyEvents
        Any, serious and related events, then one per term and one per severity.

    Raises
    ------
    AdverseEventError
        When the file has no terms, or another variable is not of the same file.
    """
    plan = data.study.analyses.safety
    if plan is None or plan.adverse_events is None:
        return
    asked = plan.adverse_events
    events = _events(data, asked.term)
    for key in ("serious", "severity", "related"):
        name = getattr(asked, key)
        if name is not None:
            own = data.process[data.process["variable"] == name]
            events[key] = _on_the_same_row(data, events, own, key, name)
    yield _counted("adverse event", events, people, weeks)
    for key, words in (("serious", "serious adverse event"), ("related", "related adverse event")):
        if key in events:
            yes = events[key].astype(float).fillna(0) > 0
            yield _counted(words, events[yes], people, weeks)
    for term in sorted(set(events["text"])):
        yield _counted(f"adverse event: {term}", events[events["text"] == term], people, weeks)
    if "severity" in events:
        graded = events["severity"].map(lambda v: f"{v:g}" if isinstance(v, float) else v)
        for grade in sorted(set(graded.dropna())):
            own = events[graded == grade]
            yield _counted(f"adverse event of severity {grade}", own, people, weeks)


def _events(data: TrialData, term: str) -> pd.DataFrame:
    rows = data.process[(data.process["variable"] == term) & data.process["text"].notna()]
    if rows.empty and not _described(data, term):
        raise AdverseEventError(
            f"{data.trial}: {term} is no category of a file with adverse events. Make it one under "
            f"trials.{data.trial}.process, or take adverse_events out of safety."
        )
    return rows[["participant", "record", "source_row", "text"]].reset_index(drop=True)


def _described(data: TrialData, term: str) -> bool:
    # A trial without any adverse event is possible: the file then has no row.
    files = data.study.trials[data.trial].process.values()
    return any(term in f.variables and f.variables[term].kind == "category" for f in files)


def _on_the_same_row(
    data: TrialData, events: pd.DataFrame, own: pd.DataFrame, key: str, name: str
) -> pd.Series:
    if len(own) and len(events) and set(own["record"]) != set(events["record"]):
        raise AdverseEventError(
            f"{data.trial}: {name} ({key}) stands in another file than the adverse events. Name a "
            "variable of the same file."
        )
    both = own["value"].astype("object").where(own["value"].notna(), own["text"])
    found = own.assign(answer=both).set_index(["record", "source_row"])["answer"]
    keys = pd.MultiIndex.from_frame(events[["record", "source_row"]])
    return pd.Series(found.reindex(keys).to_numpy(), index=events.index)


def _counted(
    name: str, events: pd.DataFrame, people: pd.DataFrame, weeks: NDArray[np.float64] | None
) -> SafetyEvents:
    number = events["participant"].value_counts()
    counts = np.asarray(people["participant"].map(number).fillna(0), np.int64)
    note = NOT_ASKED if weeks is not None else f"{NOT_ASKED}; {NO_RATE}"
    return SafetyEvents(name, counts, np.ones(len(people), bool), weeks, note)
