"""What does not fit between outcomes, their items and their instruments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipt_outcomes.study.column_names import item_numbers
from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem
from ipt_outcomes.study.outcome_instruments import instrument_of

if TYPE_CHECKING:
    from ipt_outcomes.instruments import InstrumentDefinition


def instrument_problems(study: Study) -> Iterator[Problem]:
    """Yield what does not fit between outcomes, their items and their instruments.

    Parameters
    ----------
    study
        The configuration.
    """
    needed = any(outcome.instrument for outcome in study.outcomes.values()) or study.instruments
    if needed:  # the registry takes a moment to read
        yield from _definition_problems(study)
    for trial, mapped in study.trials.items():
        top = ("trials", trial)
        for outcome in mapped.columns.items:
            if outcome in study.outcomes and study.outcomes[outcome].instrument is None:
                yield (
                    (*top, "columns", "items", outcome),
                    f"items can be scored only when outcomes.{outcome}.instrument is given.",
                    "Name an instrument of the registry, or define one under instruments.",
                )
        for outcome in mapped.codes.already_reversed:
            if outcome not in mapped.columns.items:
                yield (
                    (*top, "codes", "already_reversed", outcome),
                    f"{outcome} has no item columns under columns.items.",
                    "Take it out, or name the columns of its items.",
                )


def _definition_problems(study: Study) -> Iterator[Problem]:
    from ipt_outcomes.instruments import InstrumentError

    for name in study.instruments:
        try:
            instrument_of(study, name)
        except InstrumentError as error:
            yield ("instruments", name), f"{error}.", "docs/how-to/own-instrument.md shows how."
    for name, outcome in study.outcomes.items():
        if outcome.instrument is None:
            continue
        key = ("outcomes", name, "instrument")
        try:
            definition = instrument_of(study, outcome.instrument)
        except InstrumentError as error:
            if outcome.instrument not in study.instruments:
                yield key, f"{error}", ""
            continue
        scores = definition.scores()
        if outcome.score not in scores:
            known = ", ".join(scores)
            yield (
                ("outcomes", name, "score"),
                f"{definition.name} has no score called {outcome.score}.",
                f"It has {known}.",
            )
            continue
        low, high = definition.range_of(outcome.score)
        if (low, high) != outcome.range:
            yield (
                ("outcomes", name, "range"),
                f"found {outcome.range[0]:g} to {outcome.range[1]:g}, but {definition.name} goes "
                f"from {low:g} to {high:g}.",
                "Correct the range, or name the instrument that was used.",
            )
        if outcome.score == "total" and definition.higher_is != outcome.higher_is:
            yield (
                ("outcomes", name, "higher_is"),
                f"found {outcome.higher_is}, but for {definition.name} higher is "
                f"{definition.higher_is}.",
                "Correct it, or name the instrument that was used.",
            )
        yield from _item_problems(study, name, definition)


def _item_problems(
    study: Study, outcome: str, definition: InstrumentDefinition
) -> Iterator[Problem]:
    for trial, mapped in study.trials.items():
        items = mapped.columns.items.get(outcome)
        if items is None:
            continue
        key = ("trials", trial, "columns", "items", outcome)
        for one in items.values() if isinstance(items, dict) else [items]:
            given = set(item_numbers(one))
            if unknown := sorted(given - set(range(1, definition.items.count + 1))):
                yield (
                    key,
                    f"names item {', '.join(map(str, unknown))}, but {definition.name} has "
                    f"{definition.items.count}.",
                    "Correct the columns, or name the version of the instrument that was used.",
                )
            if absent := sorted(set(definition.items.scored) - given):
                yield (
                    key,
                    f"there is no column for item {', '.join(map(str, absent))} of "
                    f"{definition.name}.",
                    "An item that was never asked needs a column that is empty.",
                )
        reverse = definition.reverse
        stated = outcome in mapped.codes.already_reversed
        if reverse is not None and reverse.must_be_stated and not stated:
            yield (
                ("trials", trial, "codes"),
                f"{definition.name} has reverse-keyed items, and exports of both kinds are common.",
                f"Write already_reversed: {{{outcome}: true}} under codes when the export holds "
                f"scored values, {{{outcome}: false}} when it holds what was ticked.",
            )
