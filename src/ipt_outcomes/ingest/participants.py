"""From rows that may speak of a participant to one row per participant.

Each field has one value per participant, wherever it stands. Two different values are an error, and
none of them is used: which one is right is not for a program to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes import frames
from ipt_outcomes.ingest.findings import FILE_ROWS, Findings, entry, quoted
from ipt_outcomes.ingest.records import (
    CHARACTERISTIC,
    EVENT,
    FLAG,
    FOCUS,
    Part,
    Records,
    person_columns,
)
from ipt_outcomes.ingest.roster import Roster
from ipt_outcomes.ingest.values import (
    AGAIN,
    BAD,
    BLANK,
    MOST_DAYS,
    Cells,
    Parser,
    code,
    date,
    number,
    one_of,
    tick,
)
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import PROBLEM_AREAS

MOST_SESSIONS = 1_000
"""More psychotherapy sessions than anybody attends in a trial."""


@dataclass(frozen=True)
class People:
    """What is known of each participant, in the order of the roster.

    Parameters
    ----------
    fields
        Field of the configuration: its values, one per participant.
    rows
        Field: row of the export in which the value stands, else the participant's first row.
    first_row
        Row of the export in which each participant comes first.
    """

    fields: dict[str, Cells]
    rows: dict[str, np.ndarray]
    first_row: np.ndarray

    def day_of_randomisation(self) -> np.ndarray:
        """Return the ordinal of each participant's day 0; not-a-number where unknown."""
        if "randomisation_date" not in self.fields:
            return np.full(len(self.first_row), math.nan)
        return self.fields["randomisation_date"].numbers()


NOBODY = People({}, {}, np.array([], dtype=np.int64))


def read_people(
    study: Study, trial: str, records: Records, roster: Roster, findings: Findings
) -> People:
    """Read every participant-level field.

    Parameters
    ----------
    study, trial
        The configuration.
    records, roster
        The export in the intermediate form, and its participants.
    findings
        Takes entries that are no values, contradictions, and what is absent.

    Returns
    -------
    People
        One value per participant and field.
    """
    part = records.people
    places = roster.places(part)
    first_row = _first_rows(places, part.rows, len(roster.names))
    fields: dict[str, Cells] = {}
    rows: dict[str, np.ndarray] = {}
    for name in part.cells.columns.drop("participant"):
        column = part.columns[name]
        cells = part.parse(name, _parser(study, trial, name, records, column), findings)
        there = np.flatnonzero(cells.codes >= 0)
        own_rows = _first_rows(places[there], part.rows[there], len(roster.names))
        rows[name] = np.where(own_rows > 0, own_rows, first_row)
        if name.startswith(FLAG):
            fields[name] = _ever_ticked(cells, places, len(roster.names))
        else:
            fields[name] = _one_each(cells, places, part, name, roster, findings)
    people = People(fields, rows, first_row)
    if records.complete:
        _report_absent(people, part.columns, roster, findings)
    _report_limits(people, records, roster, findings)
    return people


def _parser(study: Study, trial: str, name: str, records: Records, column: str) -> Parser:
    mapped = study.trials[trial]
    top = f"trials.{trial}"
    decimal, settings = mapped.export.decimal_mark, f"{top}.export in config.yaml"
    missing = f"{top}.codes.missing.{column}"
    choices = records.choices.get(name, {})
    if name in ("arm", "received_arm"):
        where = f"{top}.codes.arm in config.yaml"
        return code(mapped.codes.arm, where, "unknown arm", choices)
    if name.endswith("_date"):
        return date(mapped.dates, f"{top}.dates in config.yaml")
    if name.endswith("_day"):
        return number(decimal, settings, missing, -MOST_DAYS, MOST_DAYS, whole=True)
    if name == "sessions_attended":
        return number(decimal, settings, missing, 0, MOST_SESSIONS, whole=True)
    if name.startswith(FLAG):
        return tick
    if name == FOCUS:
        areas = mapped.codes.problem_area or {area: area for area in PROBLEM_AREAS}
        where = f"{top}.codes.problem_area in config.yaml"
        return code(areas, where, "unknown problem area", choices)
    if name.startswith(CHARACTERISTIC):
        characteristic = study.characteristics[name.removeprefix(CHARACTERISTIC)]
        if characteristic.kind == "number":
            return number(decimal, settings, missing)
        labels = characteristic.labels or choices
        if labels:
            return code(labels, f"{name}.labels in config.yaml", "unknown category", choices)
    return lambda text: choices.get(text, text)


def _first_rows(places: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    first = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first, places, rows)
    return np.where(first == np.iinfo(np.int64).max, 0, first)


# --- one value per participant -------------------------------------------------------------------


def _one_each(
    cells: Cells, places: np.ndarray, part: Part, name: str, roster: Roster, findings: Findings
) -> Cells:
    given = np.flatnonzero(cells.codes >= 0)
    first = np.full(len(roster.names), -1)
    first[places[given][::-1]] = given[::-1]  # of several rows the first is written last
    values = np.where(first >= 0, cells.codes[first], BLANK)
    other = given[cells.codes[given] != values[places[given]]]
    other = other[~pd.Series(places[other]).duplicated().to_numpy()]  # one for each participant
    if len(other):
        texts = part.cells[name]
        findings.add("error", "contradiction", row=part.rows[other],
                     participant=[roster.names[place] for place in places[other]],
                     column=part.columns[name],
                     found=[f"{entry(texts.iloc[at])}, but {entry(texts.iloc[before])} in "
                            f"{findings.row_name(part.rows[before])}"
                            for at, before in zip(other, first[places[other]], strict=True)],
                     expected="one value per participant", mend=AGAIN)  # fmt: skip
    values[places[other]] = BAD
    values[places[cells.codes == BAD]] = BAD
    return Cells(values, cells.values)


def _ever_ticked(cells: Cells, places: np.ndarray, n: int) -> Cells:
    """Return whether a box was ever ticked: unticked may only mean that a form was not opened."""
    result = np.full(n, BLANK)
    for value in (False, True):
        if value in cells.values:
            result[places[cells.codes == cells.values.index(value)]] = int(value)
    result[places[cells.codes == BAD]] = BAD
    return Cells(result, [False, True])


def _report_absent(
    people: People, columns: Mapping[str, str], roster: Roster, findings: Findings
) -> None:
    for name, what in (("arm", "an arm"), ("randomisation_date", "a date of randomisation")):
        if name in people.fields:
            out = np.flatnonzero(people.fields[name].codes == BLANK)
            findings.add("error", f"no {name.replace('_', ' ')}", row=people.first_row[out],
                         participant=[roster.names[place] for place in out],
                         column=columns[name],
                         found=["none in any row of this participant"] * len(out),
                         expected=f"{what} for every participant",
                         mend="Enter it, or leave whoever was not randomised out of the export.",
                         )  # fmt: skip


def _report_limits(people: People, records: Records, roster: Roster, findings: Findings) -> None:
    """Warn of values that the data base should not have let pass."""
    for name, limits in records.limits.items():
        cells = people.fields.get(name)
        if cells is None or not all(isinstance(value, float) for value in cells.values):
            continue
        values = cells.numbers()
        out = np.flatnonzero((values < limits.lowest) | (values > limits.highest))
        findings.add("warning", "outside the dictionary's range", row=people.rows[name][out],
                     participant=[roster.names[place] for place in out],
                     column=records.people.columns[name],
                     found=[quoted(f"{values[place]:g}") for place in out],
                     expected=f"{limits}, as the data dictionary says",
                     mend="Check the entry; it is used as it is.")  # fmt: skip


# --- the canonical frame -------------------------------------------------------------------------


def participant_frame(
    study: Study, trial: str, people: People, roster: Roster, findings: Findings
) -> pd.DataFrame:
    """Build the canonical participant frame from all participants with an arm.

    Parameters
    ----------
    study, trial
        The configuration.
    people, roster
        What is known of the participants, and who they are.
    findings
        Takes warnings about values that do not go together.

    Returns
    -------
    pandas.DataFrame
        See :data:`ipt_outcomes.frames.PARTICIPANT_COLUMNS`.
    """
    n = len(roster.names)
    nothing = Cells(np.full(n, BLANK), [])
    fields = people.fields
    data: dict[str, object] = {
        "trial": pd.array([trial] * n, dtype="str"),
        "participant": pd.array(roster.names, dtype="str"),
    }
    for name in ("arm", "received_arm", "site", "therapist", "group"):
        data[name] = fields.get(name, nothing).texts()
    data["sessions_attended"] = whole(fields.get("sessions_attended", nothing).numbers())
    for stem in ("treatment_start", "treatment_stop", "study_exit"):
        data[f"{stem}_day"] = _days(stem, study, trial, people, roster, findings)
        if stem != "treatment_start":
            data[f"{stem}_reason"] = fields.get(f"{stem}_reason", nothing).texts()
    for event in study.trials[trial].columns.events:
        days = _days(EVENT + event, study, trial, people, roster, findings)
        data[frames.EVENT + event] = days
    data["problem_area"] = fields.get(FOCUS, nothing).texts()
    data |= _areas(study, trial, people, roster, findings)
    rows = people.rows.get("arm", people.first_row) % FILE_ROWS
    data["source_row"] = pd.array(rows, dtype="Int64")
    for name in study.trials[trial].columns.characteristics:
        cells = fields.get(CHARACTERISTIC + name, nothing)
        number_ = study.characteristics[name].kind == "number"
        data[frames.CHARACTERISTIC + name] = cells.numbers() if number_ else cells.texts()
    frame = pd.DataFrame(data)
    return frame[frame["arm"].notna()].reset_index(drop=True)


def whole(values: np.ndarray) -> pd.arrays.IntegerArray:
    """Return whole numbers as integers, missing where they are not-a-number."""
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.where(missing, 0, values).astype(np.int64), missing)


def _days(
    stem: str, study: Study, trial: str, people: People, roster: Roster, findings: Findings
) -> pd.arrays.IntegerArray:
    """Return the days of an event since randomisation, warning of those before it."""
    n, fields = len(roster.names), people.fields
    if f"{stem}_date" in fields:
        name = f"{stem}_date"
        day = fields[name].numbers() - people.day_of_randomisation()
    else:
        name = f"{stem}_day"
        day = fields.get(name, Cells(np.full(n, BLANK), [])).numbers()
    early = np.flatnonzero(day < 0)
    if len(early):
        findings.add("warning", "before randomisation", row=people.rows[name][early],
                     participant=[roster.names[place] for place in early],
                     column=person_columns(study.trials[trial].columns)[name],
                     found=[f"day {day[place]:g}" for place in early],
                     expected="a day after randomisation (day 0)",
                     mend="Check both dates; they are used as they are.")  # fmt: skip
    return whole(day)


def _areas(
    study: Study, trial: str, people: People, roster: Roster, findings: Findings
) -> dict[str, object]:
    """Return the flags of the problem areas; all are empty where none was assigned."""
    n = len(roster.names)
    nothing = Cells(np.full(n, BLANK), [])
    focus = people.fields.get(FOCUS, nothing)
    codes = {a: people.fields.get(FLAG + a, nothing).codes for a in frames.AREAS}
    ticked = np.any([flags == 1 for flags in codes.values()], axis=0)
    # Boxes are unticked also where nobody rated the areas, as in arms without psychotherapy.
    rated = ticked | (focus.codes != BLANK) if FOCUS in people.fields else np.full(n, True)
    flagged = study.trials[trial].columns.problem_areas.flags
    columns = {str(area): column for area, column in flagged.items()}
    result: dict[str, object] = {}
    for area, flags in codes.items():
        known = (flags >= 0) & rated
        result[f"area_{area}"] = pd.arrays.BooleanArray(flags == 1, ~known)
        if area in columns and area in focus.values:
            out = np.flatnonzero((focus.codes == focus.values.index(area)) & (flags == 0) & rated)
            findings.add("warning", "focus without flag", row=people.rows[FOCUS][out],
                         participant=[roster.names[place] for place in out],
                         column=columns[area],
                         found=[f"not ticked, although {quoted(area)} is the primary focus"
                                for _ in out],
                         expected=one_of(["1"]), mend="Check both entries; both are used as "
                         "they are.")  # fmt: skip
    return result
