r"""What an estimand's strategies do to the scores: they act on the data, before any model.

For participant i with events at days :math:`d_{i1} < d_{i2} < \dots`, the first event whose
strategy is not treatment policy decides, and acts on every visit whose day lies after it:

==================== =========================================================================
treatment-policy     the score is kept; one that was not observed stays missing
hypothetical         the score becomes missing: what would have come without the event
composite            the score becomes that of a failure, observed or not
while-on-treatment   the last score on or before the day of the event stands for it
==================== =========================================================================

A participant with two events on one day has the stronger strategy: composite before hypothetical
before while-on-treatment. A death is never treatment policy; where the estimand has no line for
deaths, the scores that would have followed count as missing at random, and the words say so.

Source: ICH (2019), E9(R1) addendum on estimands and sensitivity analysis in clinical trials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ipt_outcomes.analyses.trial_data import TrialData
from ipt_outcomes.frames import EVENT
from ipt_outcomes.study import Study
from ipt_outcomes.study.estimands import DEATH, STOPPING

STRENGTH = {"composite": 0, "hypothetical": 1, "while-on-treatment": 2}
"""Which strategy decides between two events of one day: the least number."""


@dataclass(frozen=True)
class HandledScores:
    """One outcome's scores after the strategies have acted.

    Parameters
    ----------
    scores
        The outcome's rows of the score frame.
    events
        Every recorded event that the estimand has a strategy for: participant, event, day,
        strategy, and ``decides`` (whether this one acts on the participant's scores).
    acted
        Per deciding event and strategy: event, strategy, visits acted upon, observed among them.
    failure
        What composite made of a score; None where no event is composite.
    deaths
        Deaths for which the estimand has no strategy.
    """

    scores: pd.DataFrame
    events: pd.DataFrame
    acted: pd.DataFrame
    failure: float | None
    deaths: int

    def words(self) -> list[str]:
        """Say what was done, one phrase for each event."""
        return list(self._phrases())

    def _phrases(self) -> Iterator[str]:
        for row in self.acted.to_dict("records"):
            what, visits, seen = in_words(row["event"]), row["visits"], row["observed"]
            if row["strategy"] == "hypothetical" and seen:
                yield f"{seen} scores after {what} set aside"
            elif row["strategy"] == "composite" and visits:
                yield (
                    f"{visits} scores after {what} ({seen} of them observed) counted as failure, "
                    f"{self.failure:g}"
                )
            elif row["strategy"] == "while-on-treatment" and visits:
                yield (
                    f"{visits} scores after {what} ({seen} of them observed) replaced by the last "
                    "one before it"
                )
        if self.deaths:
            yield f"{self.deaths} deaths without a strategy of their own: missing at random"


def in_words(event: str) -> str:
    """Call an event as a sentence does.

    Examples
    --------
    >>> in_words("stopping_treatment"), in_words("antidepressant_started")
    ('stopping treatment', 'antidepressant started')
    """
    return event.replace("_", " ")


def after_event(scores: pd.DataFrame, day: pd.Series, study: Study) -> pd.Series:
    """Tell which rows of a score frame lie after an event.

    The day of the assessment decides; where it is unknown, the visit's planned day. A score on the
    day itself is not after it.

    Parameters
    ----------
    scores
        Rows of a score frame.
    day
        Day of the event, by participant; empty for those without it.
    study
        The configuration, for the planned days.

    Returns
    -------
    pandas.Series
        True or False for each row of ``scores``, with its index.
    """
    planned = scores["visit"].map({name: v.week * 7 for name, v in study.visits.items()})
    assessed = scores["day"].astype("Float64").fillna(planned.astype("Float64"))
    happened = scores["participant"].map(day.astype("Float64"))
    return (assessed > happened.astype("Float64")).fillna(False).astype(bool)


def event_days(data: TrialData) -> pd.DataFrame:
    """List the recorded events of all participants.

    Returns
    -------
    pandas.DataFrame
        participant, event, day; in the order of the participant frame.
    """
    people = data.participants
    safety = data.study.analyses.safety
    reasons = set(safety.death_reasons) if safety is not None else set()
    # A death ends treatment and study: it is no stopping of treatment beside.
    died = people["study_exit_reason"].isin(reasons) | people["treatment_stop_reason"].isin(reasons)
    death = people["study_exit_day"].fillna(people["treatment_stop_day"]).where(died)
    stopped = people["treatment_stop_day"]
    days = {STOPPING: stopped.mask((stopped >= death).fillna(False)), DEATH: death}
    for column in people.columns:
        if column.startswith(EVENT):
            days[column.removeprefix(EVENT)] = people[column]
    parts = [
        pd.DataFrame({"participant": people["participant"], "event": event, "day": day}).dropna()
        for event, day in days.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"day": "Int64", "event": "str"})


def apply_strategies(data: TrialData, outcome: str, estimand: str) -> HandledScores:
    """Let the strategies of an estimand act on the scores of one outcome.

    Parameters
    ----------
    data
        The trial.
    outcome, estimand
        Short names of the configuration.
    """
    study = data.study
    chosen = study.estimands[estimand].intercurrent_events
    scores = data.scores[data.scores["outcome"] == outcome].copy()
    recorded = event_days(data)
    deaths = int((recorded["event"] == DEATH).sum()) if chosen.death is None else 0
    events = recorded[recorded["event"].isin(set(chosen.strategies))]
    events = events.assign(strategy=events["event"].map(chosen.strategies))
    events = _deciding(events)
    defined = study.outcomes[outcome]
    worst = defined.range[1] if defined.higher_is == "worse" else defined.range[0]
    failure = worst if chosen.composite_score == "worst" else float(chosen.composite_score)
    acted = []
    for (event, strategy), own in events[events["decides"]].groupby(
        ["event", "strategy"], sort=False
    ):
        late = after_event(scores, own.set_index("participant")["day"], study)
        acted.append(
            {
                "event": event,
                "strategy": strategy,
                "visits": int(late.sum()),
                "observed": int(scores.loc[late, "score"].notna().sum()),
            }
        )
        if strategy == "hypothetical":
            scores.loc[late, "score"] = float("nan")
        elif strategy == "composite":
            scores.loc[late, "score"] = failure
        else:
            scores.loc[late, "score"] = _last_before(scores, late)
    composite = "composite" in set(events["strategy"])
    columns = ["event", "strategy", "visits", "observed"]
    return HandledScores(scores, events, pd.DataFrame(acted, columns=columns),
                         failure if composite else None, deaths)  # fmt: skip


def _deciding(events: pd.DataFrame) -> pd.DataFrame:
    """Mark the event that decides for each participant: the first that is not treatment policy."""
    ranked = events.assign(strength=events["strategy"].map(STRENGTH)).dropna(subset="strength")
    first = ranked.sort_values(["day", "strength"], kind="stable").drop_duplicates("participant")
    decides = pd.Series(False, index=events.index)
    decides.loc[first.index] = True
    return events.assign(decides=decides).reset_index(drop=True)


def _last_before(scores: pd.DataFrame, late: pd.Series) -> pd.Series:
    """Return, for the rows after the event, the participant's last observed score before it."""
    before = scores[~late & scores["score"].notna()].sort_values("week", kind="stable")
    last = before.drop_duplicates("participant", keep="last").set_index("participant")["score"]
    carried: pd.Series = scores.loc[late, "participant"].map(last)
    return carried
