"""Whether answers to single items look as if they had been thought about."""

from __future__ import annotations

import numpy as np

from ipt_outcomes.ingest.checks.evidence import Evidence

FEWEST_ITEMS = 6
"""Fewer items answered alike say nothing."""


def check_answers(evidence: Evidence) -> None:
    """Report assessments in which every item has the same answer.

    The lowest answer everywhere is what a person without symptoms ticks; any other is doubtful,
    and so is the lowest where some items are keyed the other way round.

    Parameters
    ----------
    evidence
        The trial, as it was read.
    """
    for placed in evidence.answers.answers:
        items = placed.items
        asked = [item for item in items.definition.items.scored if item in items.entries]
        entries = items.entries[asked]
        answered = entries.notna().sum(axis=1)
        constant = (entries.max(axis=1) == entries.min(axis=1)) & (answered >= FEWEST_ITEMS)
        lowest = items.definition.items.range[0]
        stated = evidence.mapped.codes.already_reversed.get(items.outcome, False)
        if items.definition.reverse is None or stated:
            constant &= entries.min(axis=1) != lowest
        at = np.flatnonzero(constant.to_numpy())
        evidence.findings.add(
            "warning",
            "constant answers",
            row=items.rows[at],
            participant=items.participants.take(at).tolist(),
            column=items.columns[min(items.columns)],
            found=[f"{entries.iloc[place].max():g} in all {answered.iloc[place]} items answered"
                   for place in at],
            expected="answers that vary",
            mend="See whether the form was filled in by habit; the score is used as it is.",
        )  # fmt: skip
