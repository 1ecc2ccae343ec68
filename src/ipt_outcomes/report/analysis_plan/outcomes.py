"""Outcomes, instruments and scoring in a drafted analysis plan, each fact with its source."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ipt_outcomes.analyses.status import (
    DETERIORATION,
    IMPROVEMENT,
    REMISSION,
    RESPONSE,
    StatusError,
    status_definitions,
)
from ipt_outcomes.instruments import InstrumentError, load_sources
from ipt_outcomes.instruments.evidence import CONFIDENCE_IN_WORDS, NOT_READ
from ipt_outcomes.instruments.facts import FactLine, fact_lines
from ipt_outcomes.instruments.registry import cited
from ipt_outcomes.report.analysis_plan.parts import (
    Part,
    called,
    part,
    point,
    prose_table,
    say,
    to_decide,
)
from ipt_outcomes.report.blocks import Block, NumberedTable
from ipt_outcomes.study import Study
from ipt_outcomes.study.clinical import OutcomeStatus
from ipt_outcomes.study.outcome_instruments import instrument_of
from ipt_outcomes.tables.quotes import listed

EVERY = (RESPONSE, REMISSION, IMPROVEMENT, DETERIORATION)


def outcomes_part(study: Study) -> Part:
    """Describe the outcomes: when, on which scale, how scored, and who counts as recovered.

    Parameters
    ----------
    study
        The configuration.
    """
    rows = [
        (
            outcome.label,
            outcome.role,
            f"{outcome.range[0]:g} to {outcome.range[1]:g} {outcome.unit}",
            f"higher is {outcome.higher_is}",
            outcome.instrument or "",
        )
        for outcome in study.outcomes.values()
    ]
    times = listed(visit.label for visit in study.visits.values())
    without = [called(study, name) for name, o in study.outcomes.items() if o.instrument is None]
    return part(
        "Outcomes",
        "26a 26b 26c",
        NumberedTable(
            "",
            prose_table(
                "outcomes", "Outcomes", "Outcome",
                ("Role", "Range", "Direction", "Instrument"), rows,
            ),
        ),
        say(f"Assessed at {times}, where a trial records them. Scores enter the models as they "
            "are: nothing is transformed or dichotomised, save where a status is defined below."),
        to_decide(f"who rates {listed(without)}, on which form, and how it is scored "
                  "(outcomes.<name>.instrument takes scoring from the registry).")
        if without
        else None,
        parts=[*_scoring(study), *_statuses(study)],
    )  # fmt: skip


def _scoring(study: Study) -> Iterator[Part]:
    for name, outcome in study.outcomes.items():
        if outcome.instrument is None:
            continue
        definition = instrument_of(study, outcome.instrument)
        wanted = {"items", "reversed items", outcome.score, f"missing items ({outcome.score})"}
        facts = [line for line in fact_lines(definition) if line.name in wanted]
        yield part(
            f"{called(study, name)}: scoring",
            "26b 26c",
            say(f"{definition.title}; rating: {definition.rater}. Where a trial records single "
                "items they are scored like this; a recorded total is taken as it is."),
            *(point(_with_sources(line)) for line in facts),
            *(
                to_decide(f"confirm, as no published source was read: {line.name} – {line.value}.")
                for line in facts
                if line.fact.assumption
            ),
        )  # fmt: skip


def _with_sources(line: FactLine) -> str:
    note = f" {line.fact.note}" if line.fact.note else ""
    sure = CONFIDENCE_IN_WORDS[line.fact.confidence]
    return f"{line.name}: {line.value}. Source ({sure}): {cited(line.fact.sources)}.{note}"


def _statuses(study: Study) -> Iterator[Part]:
    """Define response, remission and reliable change wherever an analysis uses them."""
    plans = study.analyses
    for of, names, use in (
        (plans.response.outcomes if plans.response else {}, EVERY, "response at the endpoint"),
        (plans.time_to_event.outcomes if plans.time_to_event else {}, EVERY[:2], "time to event"),
        (plans.safety.deterioration if plans.safety else {}, EVERY[3:], "harms"),
    ):
        for outcome, status in of.items():
            yield part(
                f"{called(study, outcome)}: definitions for {use}",
                "26c",
                *_definitions(study, outcome, status, names),
            )


def _definitions(
    study: Study, outcome: str, status: OutcomeStatus, names: tuple[str, ...]
) -> Iterator[Block]:
    rule = status.reliable_change
    from_data = rule is not None and rule.sd == "sample"
    plan = status.model_copy(update={"reliable_change": None}) if from_data else status
    try:
        found = status_definitions(study, outcome, plan, pd.Series(dtype=float))
    except (StatusError, InstrumentError) as error:
        yield to_decide(f"what counts as {listed(names, last=' or ')}: {error}")
        return
    for definition in found:
        if definition.name not in names or (from_data and definition.name in EVERY[2:]):
            continue
        text = definition.words
        unread = any(load_sources()[key].title in text for key in NOT_READ)
        if definition.name == DETERIORATION and IMPROVEMENT in names:
            text, unread = "worse by at least as many points", False
        yield point(f"{text}.", strong=f"{definition.name.capitalize()}: ")
        if unread:
            yield to_decide(f"confirm, as no published source was read: {definition.name}.")
    if rule is not None and from_data and set(names) & set(EVERY[2:]):
        yield point(
            f"1.96 × SD × √2 × √(1 − {rule.reliability}), SD of the trial's own baseline scores. "
            f"{rule.source}",
            strong="Reliable change: ",
        )
