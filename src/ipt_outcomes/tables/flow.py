"""The participant flow as a table: how many were where, by arm, with the reasons for leaving.

Counts of the flow are not suppressed when small: hiding that people left, or why, would hide
possible harm.

Source: CONSORT 2025 statement, items 22a and 22b.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, named, quote, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table, column

STAGES = (
    ("assessed for eligibility", "Assessed for eligibility"),
    ("excluded", "Excluded before randomisation"),
    ("randomised", "Randomised"),
    ("stopped treatment", "Stopped treatment early"),
    ("left the study", "Left the study"),
    ("assessed", ""),
    ("analysed", "In the primary analysis"),
    ("not analysed", ""),
    ("per protocol", "Per protocol"),
)
"""Stage in the estimates table: its words; empty where each row has its own."""


def participant_flow(source: Source, name: str = "participant_flow") -> Table:
    """Make the table of the participant flow."""
    flow = source.rows.where(analysis="flow")
    by_line: dict[tuple[str, str, str | None], dict[str | None, Row]] = {}
    for row in flow:
        stage, _, reason = row["contrast"].partition(": ")
        by_line.setdefault((stage, reason, row["visit"]), {})[row["arm"]] = row
    lines = []
    for stage, label in STAGES:
        for (at, reason, visit), by_arm in by_line.items():
            if at == stage and not source.recorded(stage):
                if not reason:
                    lines.append(Line(words(label), tuple(_not_recorded(source))))
            elif at == stage:
                lines.append(
                    Line(
                        _label(source, label, stage, reason, visit),
                        tuple(
                            words(quote(by_arm[arm], "count")) if arm in by_arm else Text()
                            for arm in [None, *source.arms]
                        ),
                        indent=bool(reason),
                    )
                )
    notes = [words("Numbers of participants. ", source.about_leaving())]
    if analysed := flow.first(contrast="analysed"):
        outcome = source.outcome(analysed["outcome"])
        notes.append(words("Assessed and analysed: ", outcome, ", the primary outcome."))
    notes.append(words("Counts of the participant flow are shown however small."))
    return Table(
        name,
        words("Participant flow: ", source.trial_label()),
        words("Stage"),
        (column("All"), *(column(source.arm(arm)) for arm in source.arms)),
        tuple(lines),
        tuple(notes),
    )


def _not_recorded(source: Source) -> Iterator[Text]:
    yield Text()
    for _ in source.arms:
        yield words("not recorded")


def _label(source: Source, label: str, stage: str, reason: str, visit: str | None) -> Text:
    if stage == "assessed" and visit is not None:
        return words("Assessed at ", source.visit(visit))
    if reason:
        prefix = "Not analysed: " if stage == "not analysed" else ""
        return words(prefix, named(reason))
    return words(label or stage.capitalize())
