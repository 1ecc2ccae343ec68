"""The assumptions of the configuration as events with strategies.

Treatment stopped and the study left are two events, each with its recorded reason as its type; a
further event of the participant frame (``event_day_…``) is one more, where an assumption names it.
An assumption gives every event a strategy. Where two events of a participant begin at the same
visit, a further event decides before stopping treatment, and that before leaving the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import TrialData, after_stopping
from ipt_outcomes.frames import EVENT
from ipt_outcomes.imputation import (
    WORDS,
    IncompleteTrial,
    delta,
    first_missed,
    strategy_name,
)
from ipt_outcomes.imputation.incomplete import Floats
from ipt_outcomes.study.missing import RobustnessAnalysis, Shift

NO_REASON = "reason not recorded"
STOPPED, LEFT, FURTHER = 1, 2, 0


@dataclass(frozen=True)
class Assumed:
    """What is assumed about unseen scores.

    Parameters
    ----------
    label
        Its name in words.
    otherwise
        Abbreviation of the strategy after events that are not named.
    by_event
        Abbreviations by type of event.
    shift
        Amounts added to the unseen scores.
    """

    label: str
    otherwise: str
    by_event: Mapping[str, str] = field(default_factory=dict)
    shift: Shift | None = None

    @property
    def strategies(self) -> set[str]:
        """Abbreviations of all strategies in use."""
        return {self.otherwise, *self.by_event.values()}

    @property
    def words(self) -> str:
        """What is assumed, in a phrase.

        Examples
        --------
        >>> Assumed("Mine", "MAR", {"Felt no benefit": "JR"}).words
        'jump to reference after "Felt no benefit", otherwise missing at random'
        """
        named = [f'{WORDS[short]} after "{kind}"' for kind, short in self.by_event.items()]
        rest = [f"{'otherwise ' if named else ''}{WORDS[self.otherwise]}"]
        shifted = [] if self.shift is None else [f"unseen scores shifted {_amounts(self.shift)}"]
        return ", ".join(named + rest + shifted)

    def strategy_after(self, kind: str, what: int) -> str | None:
        """Return the strategy after an event; none for further events that are not named."""
        if kind in self.by_event:
            return self.by_event[kind]
        return None if what == FURTHER else self.otherwise

    def amounts(self, trial: IncompleteTrial) -> Floats | None:
        """Return what is added to the unseen scores; arms and visits of other trials apart."""
        if self.shift is None:
            return None

        def known(amounts: Mapping[str, float], names: list[str]) -> dict[str, float]:
            return {name: amount for name, amount in amounts.items() if name in names}

        return delta(
            trial,
            arm=known(self.shift.arm, trial.arms),
            visit=known(self.shift.visit, trial.visits),
            per_visit_since_event=known(self.shift.per_visit_since_event, trial.arms),
            only_after_event=self.shift.only_after_event,
        )


def _amounts(shift: Shift) -> str:
    parts = [f"{amount:+g} in {arm}" for arm, amount in shift.arm.items()]
    parts += [f"{amount:+g} at {visit}" for visit, amount in shift.visit.items()]
    parts += [
        f"{amount:+g} per visit since the event in {arm}"
        for arm, amount in shift.per_visit_since_event.items()
    ]
    return ", ".join(parts) or "by nothing"


def assumptions(plan: RobustnessAnalysis) -> list[Assumed]:
    """Return the assumptions in the order of the configuration, each once."""
    shorts = dict.fromkeys(strategy_name(name) for name in plan.assumptions)
    return [Assumed(WORDS[short], short) for short in shorts] + [
        Assumed(
            one.label,
            strategy_name(one.otherwise),
            {kind: strategy_name(name) for kind, name in one.by_event.items()},
            one.shift,
        )
        for one in plan.further
    ]


def events_of(
    data: TrialData, plan: RobustnessAnalysis, trial: IncompleteTrial, scores: pd.DataFrame
) -> pd.DataFrame:
    """Find every event of the participants, and the first visit that it affects.

    Returns
    -------
    pandas.DataFrame
        Columns participant, visit, type, and what (further event, treatment stopped, study left);
        in the order in which they decide.
    """
    people = data.participants.set_index("participant")
    people = people.loc[[str(name) for name in trial.participants]]
    place = {str(visit): a for a, visit in enumerate(trial.visits)}
    T = len(place)

    def first_after(day: str) -> NDArray[np.int64]:
        """Find each participant's first visit after the day in a column."""
        happened = data.participants.assign(treatment_stop_day=data.participants[day])
        late = scores[after_stopping(scores, happened, data.study)]
        at = late["visit"].map(place).dropna().groupby(late["participant"]).min()
        return np.array([at.get(name, T) for name in trial.participants], np.int64)

    left = first_missed(np.isfinite(trial.y))
    stop_reason, exit_reason = people["treatment_stop_reason"], people["study_exit_reason"]
    found: list[tuple[int, NDArray[np.int64], str | pd.Series]] = [
        (FURTHER, first_after(str(column)), str(column).removeprefix(EVENT))
        for column in people.columns
        if str(column).startswith(EVENT)
    ]
    if plan.starts == "at-stopping-treatment":
        found.append((STOPPED, first_after("treatment_stop_day"), stop_reason))
        found.append((LEFT, left, exit_reason))
    else:
        found.append((LEFT, left, stop_reason.fillna(exit_reason)))
    parts = [
        pd.DataFrame({"participant": trial.participants, "start": start, "what": what}).assign(
            type=kind if isinstance(kind, str) else kind.fillna(NO_REASON).to_numpy()
        )
        for what, start, kind in found
    ]
    every = pd.concat(parts, ignore_index=True)
    every = every[every["start"] < T].sort_values(["start", "what"], kind="stable")
    every = every.assign(visit=[trial.visits[a] for a in every["start"]])
    return every.drop(columns="start").reset_index(drop=True)


def under(assumed: Assumed, trial: IncompleteTrial, events: pd.DataFrame) -> IncompleteTrial:
    """Return the trial with the strategies of an assumption for its events.

    Parameters
    ----------
    assumed
        The assumption.
    trial
        The trial.
    events
        From :func:`events_of`.
    """
    strategy = [
        assumed.strategy_after(kind, what)
        for kind, what in zip(events["type"], events["what"], strict=True)
    ]
    named = events.assign(strategy=pd.Series(strategy, events.index, dtype=object))
    named = named[named["strategy"].notna()]
    # Of two that begin at the same visit, the first in order decides, unless it is MAR.
    named = named.assign(settled=named["strategy"] == "MAR")
    named = named.sort_values("settled", kind="stable")
    once = named.drop_duplicates(["participant", "visit"])
    return trial.with_events(once.drop(columns=["settled", "what"]))
