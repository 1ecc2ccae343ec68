"""One number per participant from whatever the trial recorded of them."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import CHARACTERISTIC

OF_FRAME = ("sessions_attended",)
"""Numbers of the participant frame that may be asked for by name."""


class UnknownVariableError(ValueError):
    """A variable that the trial does not have."""


def participant_numbers(data: TrialData, name: str) -> pd.Series:
    """Return a variable as one number per participant.

    Parameters
    ----------
    data
        The trial.
    name
        A characteristic that is a number, ``sessions_attended``, or a process variable, of which
        the participant's mean is taken.

    Returns
    -------
    pandas.Series
        Numbers by participant, missing where nothing was recorded.

    Raises
    ------
    UnknownVariableError
        When there is no such number.
    """
    people = data.participants.set_index("participant")
    if name in OF_FRAME:
        return people[name].astype("Float64").astype(float)
    described = data.study.characteristics.get(name)
    if described is not None and described.kind == "number":
        return people[CHARACTERISTIC + name].astype("Float64").astype(float)
    own = data.process[data.process["variable"] == name]
    if not len(own):
        known = [n for n, c in data.study.characteristics.items() if c.kind == "number"]
        known += [*OF_FRAME, *sorted(set(data.process["variable"]))]
        raise UnknownVariableError(
            f"{data.trial}: there is no number called {name}. Known are {', '.join(known)}. Name "
            "one of them, or add it under characteristics or process."
        )
    return own.groupby("participant")["value"].mean().reindex(people.index)
