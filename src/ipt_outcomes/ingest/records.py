"""The intermediate form: what every reader makes of its format, before anything is interpreted.

Two kinds of text table, in which a field of ``config.yaml`` is a column whatever the export calls
it; ``columns`` remembers the export's own names, for messages.

* **people**: rows that may speak of a participant (arm, dates, characteristics). A field may be
  filled in any of the participant's rows.
* **assessments**: blocks of rows with scores. A wide export gives one block per visit, the other
  formats a single one.

A new format needs one more module that returns :class:`Records`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, quoted
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.values import Cells, Parser, nearest, parse_column
from ipt_outcomes.study.column_names import item_numbers
from ipt_outcomes.study.trials import Columns, Trial

CHARACTERISTIC, FLAG, EVENT = "characteristics.", "problem_areas.flags.", "events."
OUTCOME, ITEM = "outcomes.", "items."
"""Fields with scores: ``outcomes.<outcome>`` is a total, ``items.<outcome>.<number>`` an item."""
FOCUS = "problem_areas.focus"
PERSON_FIELDS = (
    "arm",
    "randomisation_date",
    "received_arm",
    "site",
    "therapist",
    "group",
    "sessions_attended",
    "treatment_start_date",
    "treatment_start_day",
    "treatment_stop_date",
    "treatment_stop_day",
    "treatment_stop_reason",
    "study_exit_date",
    "study_exit_day",
    "study_exit_reason",
)


@dataclass(frozen=True)
class Part:
    """Rows of text with the fields of the configuration as columns.

    Parameters
    ----------
    cells
        Text: ``participant`` and fields such as ``arm``, ``outcomes.hamd17``, ``items.hamd17.3``.
    rows
        Row of the export of each row.
    columns
        Field: name of its column in the export.
    visit
        The planned visit that all rows belong to, where the columns tell it.
    own_rows
        Field: row of the export of each of its entries, where one row of the part was made from
        several of the export.
    """

    cells: pd.DataFrame
    rows: np.ndarray
    columns: Mapping[str, str]
    visit: str | None = None
    own_rows: Mapping[str, np.ndarray] = field(default_factory=dict)

    def rows_of(self, name: str) -> np.ndarray:
        """Return the row of the export in which each entry of a field stands."""
        return self.own_rows.get(name, self.rows)

    def items_of(self, outcome: str) -> dict[int, str]:
        """Return the item fields of an outcome that are there: number of the item, field."""
        before = f"{ITEM}{outcome}."
        names = [name for name in self.cells.columns if name.startswith(before)]
        return {int(name.removeprefix(before)): name for name in names}

    def parse(self, name: str, parser: Parser, findings: Findings) -> Cells:
        """Parse a field; every entry that is no value becomes an error."""
        return parse_column(
            self.cells[name],
            parser,
            findings,
            rows=self.rows_of(name),
            participants=self.cells["participant"],
            column=self.columns[name],
        )


@dataclass(frozen=True)
class Limits:
    """The range that a data dictionary allows for a field.

    Parameters
    ----------
    lowest, highest
        Its ends; not-a-number where there is none.
    file, row
        Where the dictionary says so.
    """

    lowest: float
    highest: float
    file: str
    row: int

    def __str__(self) -> str:
        if math.isnan(self.highest):
            return f"{self.lowest:g} or more"
        return f"{self.highest:g} or less" if math.isnan(self.lowest) else (
            f"{self.lowest:g} to {self.highest:g}"
        )  # fmt: skip


@dataclass(frozen=True)
class Records:
    """An export in the intermediate form.

    Parameters
    ----------
    people
        Rows that may speak of a participant.
    assessments
        Blocks of rows with scores.
    choices
        Field: what its codes mean, where the export's own dictionary says so.
    complete
        Whether all rows and columns were there, so that what is absent is worth a finding.
    limits
        Field: range that the export's own dictionary allows.
    """

    people: Part
    assessments: list[Part]
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    complete: bool = True
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def without_rows(self, out: np.ndarray) -> Records:
        """Return the records without the rows marked, which are the same in every part."""

        def kept(one: Part) -> Part:
            cells = one.cells[~out].reset_index(drop=True)
            own_rows = {name: rows[~out] for name, rows in one.own_rows.items()}
            return replace(one, cells=cells, rows=one.rows[~out], own_rows=own_rows)

        return replace(
            self, people=kept(self.people), assessments=[kept(block) for block in self.assessments]
        )


def person_columns(columns: Columns) -> dict[str, str]:
    """Return the participant-level fields that a trial has: field, column of the export."""
    named = {name: getattr(columns, name) for name in PERSON_FIELDS}
    named[FOCUS] = columns.problem_areas.focus
    named |= {FLAG + area: column for area, column in columns.problem_areas.flags.items()}
    named |= {CHARACTERISTIC + name: column for name, column in columns.characteristics.items()}
    for event, column in columns.events.items():
        named |= {f"{EVENT}{event}_date": column.date, f"{EVENT}{event}_day": column.day}
    return {name: column for name, column in named.items() if column}


def assessment_columns(columns: Columns) -> dict[str | None, dict[str, str]]:
    """Return the fields of each block of assessments: visit (None when a column says it), fields.

    Examples
    --------
    >>> wide = Columns(participant="id", arm="arm",
    ...                outcomes={"bdi": {"baseline": "bdi_0", "week_8": "bdi_8"}})
    >>> assessment_columns(wide)["week_8"]
    {'outcomes.bdi': 'bdi_8'}
    """
    blocks: dict[str | None, dict[str, str]] = {}

    def put(name: str, column: str | Mapping[str, str] | None) -> None:
        if isinstance(column, Mapping):
            for visit, one in column.items():
                blocks.setdefault(visit, {})[name] = one
        elif column:
            blocks.setdefault(None, {})[name] = column

    for outcome, column in columns.outcomes.items():
        put(OUTCOME + outcome, column)
    for outcome, items in columns.items.items():
        for visit, of_visit in items.items() if isinstance(items, dict) else [(None, items)]:
            fields = blocks.setdefault(visit, {})
            fields |= {f"{ITEM}{outcome}.{n}": c for n, c in item_numbers(of_visit).items()}
    for name in ("visit", "visit_date", "visit_day", "session"):
        put(name, getattr(columns, name))
    return blocks


def all_columns(trial: Trial) -> Iterator[tuple[str, str]]:
    """Yield every column that a trial's configuration names: key under ``columns``, column."""
    yield "participant", trial.columns.participant
    yield from person_columns(trial.columns).items()
    for visit, fields in assessment_columns(trial.columns).items():
        for name, column in fields.items():
            yield (name if visit is None else f"{name}.{visit}"), column


def check_columns(
    trial: Trial, table: RawTable, findings: Findings, not_columns: Collection[str] = ()
) -> bool:
    """Report columns that are configured and not in the export, or in it twice.

    Parameters
    ----------
    trial, table, findings
        The configuration, the export, and what takes the findings.
    not_columns
        Names in the configuration that mean something else in this format.

    Returns
    -------
    bool
        Whether all were there, each once.
    """
    top = f"trials.{findings.trial}"
    wanted: dict[str, list[str]] = {}
    for key, column in all_columns(trial):
        if column not in not_columns:
            wanted.setdefault(column, []).append(f"{top}.columns.{key}")
    for column in trial.codes.missing_in:
        if column in not_columns:
            continue
        wanted.setdefault(column, []).append(f"{top}.codes.missing.{column}")
    used = {table.head(column) for column in wanted}
    header = [table.head(name) for name in table.cells.columns if table.head(name) not in used]
    fine = True
    for column, keys in wanted.items():
        if table.head(column) in table.repeated:
            fine = False
            findings.add("error", "column stands twice", row=1, column=table.head(column),
                         found="two columns of this name", expected="one",
                         mend="Rename one of the two, or export again.")  # fmt: skip
        elif column not in table.cells:
            fine = False
            if column in table.excused:
                continue
            near = nearest(column, header)
            hint = f"Did you mean {quoted(near)}? " if near else ""
            findings.add("error", "missing column", row=1, column=column,
                         found="no column of this name",
                         expected=f"one, as {keys[0]} in config.yaml says",
                         mend=f"{hint}Correct the name there, or export again with this column.",
                         )  # fmt: skip
    others = [name for name in table.repeated if name not in used]
    if others:
        findings.add("note", "column stands twice", row=1,
                     found=", ".join(map(quoted, others)) + " more than once in the header",
                     mend="Nothing to do: config.yaml does not use them.")  # fmt: skip
    return fine


def without_missing_codes(trial: Trial, table: RawTable) -> pd.DataFrame:
    """Return the cells with each column's own missing codes made empty."""
    everywhere = trial.codes.missing_everywhere
    codes = dict(trial.codes.missing_in)
    if everywhere:
        names = {column for key, column in all_columns(trial) if key != "participant"}
        codes |= {name: [*codes.get(name, ()), *everywhere] for name in names}
    changed = {
        column: table.cells[column].mask(table.cells[column].isin(of_column))
        for column, of_column in codes.items()
        if column in table.cells
    }
    return table.cells.assign(**changed)


def part(
    trial: Trial,
    table: RawTable,
    cells: pd.DataFrame,
    fields: Mapping[str, str],
    visit: str | None = None,
) -> Part:
    """Pick the fields that are there out of the export's columns."""
    named = {"participant": trial.columns.participant, **fields}
    there = {name: column for name, column in named.items() if column in cells}
    picked = {name: cells[column] for name, column in there.items()}
    columns = {name: table.head(column) for name, column in there.items()}
    return Part(pd.DataFrame(picked, index=cells.index), table.rows, columns, visit)


def labelled(table: RawTable, people: Part) -> dict[str, Mapping[str, str]]:
    """Return what the codes of participant-level fields mean, where the file itself says so."""
    return {
        name: table.labels[column]
        for name, column in people.columns.items()
        if name != "participant" and column in table.labels
    }
