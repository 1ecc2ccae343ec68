r"""Who counts as responder, remitter, reliably improved or deteriorated.

For baseline b and later score x, change counts towards the better: d = b - x where higher is
worse, x - b where it is better. A criterion asks for a score (at most 7), a percentage of the
distance between the baseline and the floor (50 %), or a number of points. Reliable change asks
for :math:`|d| \ge 1.96\,s\sqrt2\sqrt{1-r}` (Jacobson & Truax 1991); the rates swing with the
standard deviation s and the reliability r, so that both stand with their source in each row.

Definitions come from the configuration; what is not stated there is taken from the instrument's
entry in the registry, where an instrument is named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ipt_outcomes.instruments import InstrumentDefinition, reliable_change
from ipt_outcomes.instruments.criteria import Criterion
from ipt_outcomes.instruments.registry import cited
from ipt_outcomes.study import Study
from ipt_outcomes.study.clinical import OutcomeStatus, ReliableChangeRule, StatusCriterion
from ipt_outcomes.study.outcome_instruments import instrument_of

RESPONSE = "response"
REMISSION = "remission"
IMPROVEMENT = "reliable improvement"
DETERIORATION = "deterioration"

_CLOSE = 1e-9


class StatusError(ValueError):
    """What counts as response, remission or reliable change cannot be told."""


@dataclass(frozen=True)
class StatusDefinition:
    """When a participant has a status.

    Parameters
    ----------
    name
        :data:`RESPONSE`, :data:`REMISSION`, :data:`IMPROVEMENT`, :data:`DETERIORATION`, or
        another status of the caller's.
    criterion
        What the score or the change must fulfil.
    words
        The definition as it is printed, with its sources.
    higher_is_worse
        The direction of the outcome.
    benefit
        Whether having the status is good for the participant.
    """

    name: str
    criterion: Criterion
    words: str
    higher_is_worse: bool
    benefit: bool = True

    def holds(self, baseline: ArrayLike, later: ArrayLike) -> NDArray[np.bool_]:
        """Tell who has the status; nobody whose scores are missing has it.

        Parameters
        ----------
        baseline, later
            Scores of shapes that broadcast.

        Examples
        --------
        >>> response = StatusDefinition(RESPONSE, Criterion(percent=50), "", True)
        >>> response.holds([20, 20, np.nan], [10, 11, 5]).tolist()
        [True, False, False]
        """
        before, after = np.broadcast_arrays(np.asarray(baseline, float), np.asarray(later, float))
        sign = 1.0 if self.higher_is_worse else -1.0
        if self.name == DETERIORATION:
            sign = -sign
        change = sign * (before - after)
        ((kind, value),) = self.criterion.given().items()
        result: NDArray[np.bool_]
        if kind == "points":
            result = change >= value - _CLOSE
        elif kind in ("percent", "more_than_percent"):
            distance = sign * (before - self.criterion.floor)
            needed = value / 100 * distance
            enough = change >= needed - _CLOSE if kind == "percent" else change > needed + _CLOSE
            result = enough & (distance > 0)
        else:
            result = {
                "at_most": after <= value + _CLOSE,
                "below": after < value - _CLOSE,
                "at_least": after >= value - _CLOSE,
                "above": after > value + _CLOSE,
            }[kind]
        return np.asarray(result & ~np.isnan(after), bool)


def criterion_of(given: StatusCriterion) -> Criterion:
    """Turn a criterion of the configuration into one of the registry's kind."""
    fields: dict[str, Any] = given.model_dump(exclude_none=True)
    return Criterion(**fields)


def status_definitions(
    study: Study, outcome: str, plan: OutcomeStatus, baseline: pd.Series
) -> list[StatusDefinition]:
    """Collect the definitions of one outcome.

    Parameters
    ----------
    study
        The configuration.
    outcome
        Short name of the outcome.
    plan
        What the configuration says of it.
    baseline
        Observed baseline scores, for a standard deviation of this trial.

    Returns
    -------
    list of StatusDefinition
        Response, remission, reliable improvement, deterioration: those that are defined.

    Raises
    ------
    StatusError
        When the instrument points the other way, or does not hold a criterion that is named.
    ipt_outcomes.instruments.InstrumentError
        When there is no such instrument.
    """
    worse = study.outcomes[outcome].higher_is == "worse"
    known = instrument_of(study, plan.instrument) if plan.instrument else None
    if known is not None and (known.higher_is == "worse") != worse:
        raise StatusError(
            f"{outcome}: higher is {study.outcomes[outcome].higher_is} in config.yaml, but "
            f"{known.higher_is} for {known.name}. Mend outcomes.{outcome}.higher_is, or name "
            "another instrument."
        )
    found = []
    for name, given in ((RESPONSE, plan.response), (REMISSION, plan.remission)):
        status = _from_criteria(name, given, known, outcome, worse)
        if status is not None:
            found.append(status)
    threshold = reliable_threshold(outcome, plan.reliable_change, known, baseline)
    if threshold is not None:
        points, basis = threshold
        rule = Criterion(points=points)
        found.append(StatusDefinition(IMPROVEMENT, rule, f"better by {basis}", worse))
        found.append(StatusDefinition(DETERIORATION, rule, f"worse by {basis}", worse, False))
    return found


def _from_criteria(
    name: str,
    given: StatusCriterion | str | None,
    known: InstrumentDefinition | None,
    outcome: str,
    worse: bool,
) -> StatusDefinition | None:
    if isinstance(given, StatusCriterion):
        rule = criterion_of(given)
        return StatusDefinition(name, rule, f"{rule.in_words()} (as configured)", worse)
    of: dict[str, Criterion] = getattr(known, name) if known is not None else {}
    if given is not None and given not in of:
        which = ", ".join(of) or "none"
        raise StatusError(
            f"{outcome}: {known.name if known else 'no instrument'} has no criterion of {name} "
            f"called {given}; it has {which}."
        )
    if known is None or not of:
        return None
    key = given if given is not None else next(iter(of))
    words = f"{of[key].in_words()} ({known.name}; {cited(of[key].sources)})"
    return StatusDefinition(name, of[key], words, worse)


def reliable_threshold(
    outcome: str,
    rule: ReliableChangeRule | None,
    known: InstrumentDefinition | None,
    baseline: pd.Series,
) -> tuple[float, str] | None:
    """Compute from how many points on change is reliable, and say from what.

    Parameters
    ----------
    outcome
        Short name of the outcome, for messages.
    rule
        What the configuration says; None takes the registry's defaults.
    known
        The instrument's entry in the registry, if one is named.
    baseline
        Observed baseline scores.

    Returns
    -------
    tuple of float and str, or None
        Points and their basis in words; None where nothing defines reliable change.

    Raises
    ------
    StatusError
        When the baseline scores have no spread.

    Examples
    --------
    >>> rule = ReliableChangeRule(sd=7.5, reliability=0.88, source="Smith 2001")
    >>> reliable_threshold("x", rule, None, pd.Series([], dtype=float))
    (7.2015, '7.20 points = 1.96 x SD x sqrt(2) x sqrt(1 - reliability), SD 7.5 and reliability \
0.88 (Smith 2001)')
    """
    if known is not None:
        change = known.change
        computable = change.default_sd() is not None and change.default_reliability() is not None
        if rule is None and not computable and not change.published:
            return None
        seen = baseline.dropna().astype(float).reset_index(drop=True)
        own = reliable_change(
            known,
            seen,
            seen,
            sd=rule.sd if rule else None,
            reliability=rule.reliability if rule else None,
        )
        source = f" (source: {rule.source})" if rule and rule.source else ""
        return own.threshold, own.basis + source
    if rule is None:
        return None
    sd, of = rule.sd, ""
    if sd == "sample":
        spread = float(baseline.dropna().std())
        if not spread > 0:
            raise StatusError(f"{outcome}: the baseline scores have no spread for reliable change")
        sd, of = spread, f" of these baseline scores (n = {baseline.notna().sum()})"
    assert isinstance(sd, float)
    assert isinstance(rule.reliability, float)  # the configuration's model sees to both
    points = 1.96 * sd * math.sqrt(2) * math.sqrt(1 - rule.reliability)
    return round(points, 4), (
        f"{points:.2f} points = 1.96 x SD x sqrt(2) x sqrt(1 - reliability), SD {sd:.4g}{of} and "
        f"reliability {rule.reliability:g} ({rule.source})"
    )
