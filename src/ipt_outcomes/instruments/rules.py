r"""How one score is made from keyed entries, for all participants at once.

A sum over items answered is prorated in proportion to what these items could have reached: with
L, U the sums of lowest and highest values over the items that apply, l, u those over the items
answered, and s the sum of the answers,

.. math:: S = L + (s - l) \, (U - L) / (u - l).

With items of equal range this is their number times the mean answer; with unequal ranges (HAM-D)
it never leaves the published range, as the mean would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ipt_outcomes.instruments.definition import InstrumentDefinition, Score
from ipt_outcomes.instruments.entries import Entries
from ipt_outcomes.instruments.ranges import GOAL_CORRELATION


@dataclass(frozen=True)
class Made:
    """One score of all participants.

    Parameters
    ----------
    values
        The score; ``nan`` where none could be made.
    missing
        How many items that apply have no usable answer.
    not_applicable
        How many items do not apply.
    used
        How many items are answered.
    reasons
        Why there is no score; empty where there is one.
    """

    values: np.ndarray
    missing: np.ndarray
    not_applicable: np.ndarray
    used: np.ndarray
    reasons: np.ndarray


def make(definition: InstrumentDefinition, name: str, entries: Entries) -> Made:
    """Make one score.

    Parameters
    ----------
    definition
        The instrument.
    name
        ``total`` or the name of a subscale.
    entries
        Keyed entries: reversed and recoded.
    """
    score = definition.scores()[name]
    items = definition.items_of(score)
    places = np.array([entries.items.index(item) for item in items])
    x = entries.values[:, places]
    answered = ~np.isnan(x)
    applies = ~entries.not_applicable[:, places]
    used, fitting = answered.sum(axis=1), applies.sum(axis=1)
    missing = fitting - used
    reasons = _reasons(score, len(items), used, fitting, missing)
    reasons[entries.wrong[:, places].any(axis=1)] = "an entry cannot be used (see the findings)"
    if score.rule == "mean of subscales":
        values = _mean_of_subscales(definition, score, entries, reasons)
    elif score.rule == "domain maxima":
        values = _domain_maxima(score, x, reasons)
    else:
        if score.missing.rule == "subscale mean, rounded":
            x = _filled(definition, score, entries, items, x)
            answered = ~np.isnan(x)
        values = _from_items(definition, score, items, x, answered, applies)
    values[reasons != ""] = np.nan
    return Made(values, missing, len(items) - fitting, used, reasons)


def _reasons(
    score: Score, number: int, used: np.ndarray, fitting: np.ndarray, missing: np.ndarray
) -> np.ndarray:
    reasons = np.full(len(used), "", dtype=object)
    if score.missing.rule not in ("answered", "domains"):
        allowed = score.missing.allowed
        for count in np.unique(missing[missing > allowed]):
            reasons[missing == count] = (
                f"{count} of {number} items missing, at most {allowed} may be"
            )
    reasons[used == 0] = "no item answered"
    reasons[fitting == 0] = "no item applies"
    return reasons


def _from_items(
    definition: InstrumentDefinition,
    score: Score,
    items: tuple[int, ...],
    x: np.ndarray,
    answered: np.ndarray,
    applies: np.ndarray,
) -> np.ndarray:
    total = np.where(answered, x, 0.0).sum(axis=1)
    used = answered.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if score.rule == "mean":
            values = total / used
        elif score.rule == "mean times 10":
            values = 10 * total / used
        elif score.rule == "goal attainment":
            spread = np.sqrt((1 - GOAL_CORRELATION) * used + GOAL_CORRELATION * used**2)
            values = 50 + 10 * total / spread
        else:
            values = _prorated_sum(definition, items, total, answered, applies)
    return np.asarray(values)


def _prorated_sum(
    definition: InstrumentDefinition,
    items: tuple[int, ...],
    total: np.ndarray,
    answered: np.ndarray,
    applies: np.ndarray,
) -> np.ndarray:
    incomplete = (applies & ~answered).any(axis=1)
    if not incomplete.any():
        return total
    low, high = np.array([definition.items.scored_range(item) for item in items]).T
    here, fit = answered[incomplete].astype(float), applies[incomplete].astype(float)
    low_here, high_here = here @ low, here @ high
    low_fit, high_fit = fit @ low, fit @ high
    values = total.copy()
    values[incomplete] = low_fit + (total[incomplete] - low_here) * (high_fit - low_fit) / (
        high_here - low_here
    )
    return values


def _domain_maxima(score: Score, x: np.ndarray, reasons: np.ndarray) -> np.ndarray:
    values = np.zeros(len(x))
    start = 0
    for domain in score.domains:
        highest = np.fmax.reduce(x[:, start : start + len(domain)], axis=1)
        reasons[np.isnan(highest) & (reasons == "")] = "a domain has no answer"
        values += highest
        start += len(domain)
    return values


def _mean_of_subscales(
    definition: InstrumentDefinition, score: Score, entries: Entries, reasons: np.ndarray
) -> np.ndarray:
    parts = np.column_stack([make(definition, name, entries).values for name in score.subscales])
    there = (~np.isnan(parts)).sum(axis=1)
    short = (there < score.at_least) & (reasons == "")
    reasons[short] = f"fewer than {score.at_least} of {len(score.subscales)} subscales"
    with np.errstate(invalid="ignore"):
        values: np.ndarray = np.where(np.isnan(parts), 0.0, parts).sum(axis=1) / there
    return values


def _filled(
    definition: InstrumentDefinition,
    score: Score,
    entries: Entries,
    items: tuple[int, ...],
    x: np.ndarray,
) -> np.ndarray:
    """Replace a missing item by the rounded mean of what its subscale has, halves upwards."""
    x = x.copy()
    same_rule = [s for s in definition.subscales.values() if s.missing.rule == score.missing.rule]
    for subscale in same_rule:
        members = definition.items_of(subscale)
        shared = [place for place, item in enumerate(items) if item in members]
        if not shared:
            continue
        gaps = np.isnan(x[:, shared]).any(axis=1)
        whole = entries.values[gaps][:, [entries.items.index(item) for item in members]]
        number = (~np.isnan(whole)).sum(axis=1)
        with np.errstate(invalid="ignore"):
            mean = np.where(np.isnan(whole), 0.0, whole).sum(axis=1) / number
        part = x[np.ix_(gaps, shared)]
        x[np.ix_(gaps, shared)] = np.where(np.isnan(part), np.floor(mean + 0.5)[:, None], part)
    return x
