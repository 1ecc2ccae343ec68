"""Process variables of a trial by session, day or visit."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.within_between import ProcessError


def by_time(data: TrialData, name: str, clock: str) -> pd.DataFrame:
    """Return a process variable with when it was recorded.

    Parameters
    ----------
    data
        The trial.
    name
        The variable.
    clock
        ``session``, ``day`` or ``visit``.

    Returns
    -------
    pandas.DataFrame
        participant, arm, time, value (the mean of several entries at one time), in order.

    Raises
    ------
    ProcessError
        When the trial has no such variable with such a time.
    """
    rows = data.process[data.process["variable"] == name]
    rows = rows[rows[clock].notna() & rows["value"].notna()]
    if rows.empty:
        raise ProcessError(
            f"{data.trial}: no {clock} has a number of {name}. Name its column and the one with "
            f"the {clock} under trials.{data.trial}.process, or take the analysis out."
        )
    arm = data.participants.set_index("participant")["arm"]
    grouped = rows.groupby(["participant", clock], sort=True)["value"].mean().reset_index()
    grouped = grouped.rename(columns={clock: "time"})
    if clock != "visit":
        grouped["time"] = grouped["time"].astype(int)
    return grouped.assign(arm=grouped["participant"].map(arm).astype("str"))


def label_of(data: TrialData, name: str) -> str:
    """Return how a process variable is called in tables."""
    for file in data.study.trials[data.trial].process.values():
        if name in file.variables:
            return file.variables[name].label or name.replace("_", " ")
    return name.replace("_", " ")
