"""REDCap's exports to the intermediate form: longitudinal, classic, with repeating instruments.

A row is a participant at an event (or, in a classic project, a participant), and an instance of a
repeating instrument is a row of its own; fields of one row (arm, age) are blank in the others.
Exports with labels are translated back to codes with the data dictionary, so that one configuration
reads both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ipt_outcomes.ingest import long_layout, wide_layout
from ipt_outcomes.ingest.dictionary import Dictionary, plain, read_dictionary
from ipt_outcomes.ingest.findings import Findings, quoted
from ipt_outcomes.ingest.records import OUTCOME, Limits, Records, all_columns, person_columns
from ipt_outcomes.ingest.redcap_forms import report_identifiers, report_unfinished_forms
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study.trials import Trial

LABELLED_HEADS = {
    "event name": "redcap_event_name",
    "repeat instrument": "redcap_repeat_instrument",
    "repeat instance": "redcap_repeat_instance",
    "data access group": "redcap_data_access_group",
}
"""Heads of REDCap's own columns in an export with labels: names in one with codes."""

RAW_EVENT = re.compile(r"[a-z0-9_]+_arm_\d+[a-z]?")
_ARM_OF_EVENT = re.compile(r"_arm_\d+[a-z]?$")
_ARM_OF_LABEL = re.compile(r"\s*\(Arm (\d+):.*\)$", re.IGNORECASE)


def read(trial: Trial, table: RawTable, folder: Path, findings: Findings) -> Records | None:
    """Read a REDCap export, raw or with labels.

    Parameters
    ----------
    trial, table, findings
        As for :func:`ipt_outcomes.ingest.long_layout.read`.
    folder
        The study's folder, to find the data dictionary.

    Returns
    -------
    Records or None
        None when it cannot be read; the findings then say why.
    """
    file = trial.export.dictionary
    dictionary = None
    if file is not None:
        encoding = trial.export.encoding or "utf-8"
        dictionary = read_dictionary(folder / file, findings, file=file, encoding=encoding)
        if dictionary is None:
            return None
    if dictionary is None and _looks_labelled(trial, table):
        findings.add("error", "labels without dictionary", row=1,
                     found="labels where codes were expected",
                     expected="an export with codes, or the data dictionary of one with labels",
                     mend="Export again as raw data, or name the data dictionary as "
                     f"trials.{findings.trial}.export.dictionary in config.yaml.")  # fmt: skip
        return None
    if dictionary is not None:
        table = _with_raw_heads(trial, table, dictionary, findings)
        table = _with_codes(trial, table, dictionary)
        table = _with_points(trial, table, dictionary)
        report_identifiers(trial, table, dictionary, findings)
        report_unfinished_forms(trial, table, dictionary, findings)
    repeats = _report_repeats(table, findings)
    classic = trial.visits_by_column and not repeats
    read_layout = wide_layout.read if classic else long_layout.read
    records = read_layout(trial, table, folder, findings)
    if records is None or dictionary is None:
        return records
    fields = person_columns(trial.columns)
    choices = {
        name: dict(known.choices)
        for name, column in fields.items()
        if (known := dictionary.of_column(column)) is not None
        if known.choices and "___" not in column
    }
    limits = _limits(trial, dictionary)
    return replace(records, choices=choices, limits=limits)


def _looks_labelled(trial: Trial, table: RawTable) -> bool:
    wanted = {column for _, column in all_columns(trial)}
    heads = {plain(name) for name in table.cells.columns} & set(LABELLED_HEADS)
    if heads and not wanted & set(table.cells.columns):
        return True
    visit = trial.columns.visit
    if visit not in table.cells:
        return bool(heads) and visit in LABELLED_HEADS.values()
    events = set(table.cells[visit].dropna().unique())
    known = set(trial.codes.visit)
    return bool(events) and not any(e in known or RAW_EVENT.fullmatch(e) for e in events)


# --- labels back to codes ------------------------------------------------------------------------


def _with_raw_heads(
    trial: Trial, table: RawTable, dictionary: Dictionary, findings: Findings
) -> RawTable:
    wanted = {column for _, column in all_columns(trial)} | set(trial.codes.missing_in)
    wanted |= set(LABELLED_HEADS.values())
    absent = wanted - set(table.cells.columns)
    heads = dictionary.columns()
    names: dict[str, str] = {}
    ambiguous: set[str] = set()
    for head in (*table.cells.columns, *table.repeated):
        if head in wanted:
            continue
        label = plain(head)
        candidates = heads.get(label, [])
        if label in LABELLED_HEADS:
            candidates = [LABELLED_HEADS[label]]
        fitting = absent.intersection(candidates)
        if len(candidates) == 1 and fitting and head not in table.repeated:
            names[head] = candidates[0]
        elif fitting:
            ambiguous |= fitting
            findings.add("error", "ambiguous label", row=1, column=head,
                         found=f"a label that belongs to {len(candidates)} fields "
                         f"({', '.join(candidates)})", expected="labels that differ",
                         mend="Export again as raw data.")  # fmt: skip
    # Every form of a labelled export ends in a column "Complete?", which nobody configures.
    repeated = tuple(name for name in table.repeated if plain(name) != "complete?")
    return replace(
        table,
        repeated=repeated,
        cells=table.cells.rename(columns=names),
        heads={ours: theirs for theirs, ours in names.items()},
        excused=frozenset(ambiguous),
    )


def _with_codes(trial: Trial, table: RawTable, dictionary: Dictionary) -> RawTable:
    """Translate labels to codes in every configured column with choices, and events too."""
    columns = dict.fromkeys(column for _, column in all_columns(trial))
    fields = {
        column: field.choices
        for column in columns
        if column in table.cells and "___" not in column
        if (field := dictionary.of_column(column)) is not None and field.choices
    }
    cells = table.cells
    if table.heads or _mostly_labels(cells, fields):
        changed = {}
        for column, choices in fields.items():
            labels = [plain(label) for label in choices.values()]
            to_code = {
                plain(label): code
                for code, label in choices.items()
                if labels.count(plain(label)) == 1
            }
            changed[column] = _translated(cells[column], to_code, _known_codes(trial, column))
        cells = cells.assign(**changed)
    visit = trial.columns.visit
    if visit in cells:
        cells = cells.assign(**{str(visit): _event_codes(cells[visit], trial.codes.visit)})
    return replace(table, cells=cells)


def _mostly_labels(cells: pd.DataFrame, fields: Mapping[str, Mapping[str, str]]) -> bool:
    codes = labels = 0
    for column, choices in fields.items():
        texts = cells[column].dropna()
        is_code = texts.isin(list(choices))
        known = {plain(label) for label in choices.values()}
        is_label = texts.isin([text for text in texts.unique() if plain(text) in known])
        codes += int((is_code & ~is_label).sum())
        labels += int((is_label & ~is_code).sum())
    return labels > codes


def _known_codes(trial: Trial, column: str) -> set[str]:
    """Return the codes that the configuration has for a column: these need no translation."""
    if column in (trial.columns.arm, trial.columns.received_arm):
        return set(trial.codes.arm)
    if column == trial.columns.problem_areas.focus:
        return set(trial.codes.problem_area)
    return set()


def _translated(cells: pd.Series, to_code: Mapping[str, str], known: set[str]) -> pd.Series:
    meaning = {}
    for text in cells.dropna().unique():
        code = to_code.get(plain(text))
        if code is not None and (code in known or text not in known):
            meaning[text] = code
    return _renamed(cells, meaning)


def _renamed(cells: pd.Series, meaning: Mapping[str, str]) -> pd.Series:
    if not meaning:
        return cells
    return cells.map(lambda text: meaning.get(text, text), na_action="ignore").astype("str")


def _event_codes(cells: pd.Series, known: Mapping[str, str]) -> pd.Series:
    """Translate event labels: "Week 4 (Arm 1: IPT)" and "Week 4" are ``week_4_arm_1``."""
    by_stem: dict[str, list[str]] = {}
    for code in known:
        by_stem.setdefault(_ARM_OF_EVENT.sub("", code), []).append(code)
    meaning = {}
    for text in cells.dropna().unique():
        if text not in known and not RAW_EVENT.fullmatch(text):
            label = _ARM_OF_LABEL.sub("", text).casefold()
            stem = re.sub(r"[^a-z0-9_]", "", re.sub(r"\s+", "_", label))
            codes = by_stem.get(stem) or by_stem.get(stem[:18].rstrip("_")) or []
            if arm := _ARM_OF_LABEL.search(text):
                of_arm = re.compile(rf"_arm_{arm[1]}[a-z]?$")
                codes = [code for code in codes if of_arm.search(code)] or codes
            if len({known[code] for code in codes}) == 1:
                meaning[text] = codes[0]
    return _renamed(cells, meaning)


# --- what the export and its dictionary say besides ----------------------------------------------


def _with_points(trial: Trial, table: RawTable, dictionary: Dictionary) -> RawTable:
    """Write the numbers of fields that take decimal commas with points, as the others are."""
    if trial.export.decimal_mark == ",":
        return table
    changed = {
        column: table.cells[column].str.replace(",", ".", regex=False)
        for _, column in all_columns(trial)
        if column in table.cells
        if (field := dictionary.of_column(column)) is not None
        if "comma_decimal" in field.validation
    }
    return replace(table, cells=table.cells.assign(**changed)) if changed else table


def _report_repeats(table: RawTable, findings: Findings) -> bool:
    """Say which rows are repeating ones; return whether there are any."""
    for column in ("redcap_repeat_instrument", "redcap_repeat_instance"):
        if column in table.cells and (there := table.cells[column].notna()).any():
            names = sorted(table.cells.loc[there, column].unique())
            which = ", ".join(map(quoted, names[:5])) + (" ..." if len(names) > 5 else "")
            findings.add("note", "repeating rows", column=table.head(column),
                         found=f"{int(there.sum()):,} rows of repeating instruments or events "
                         f"({which})",
                         mend="They are read like all rows: a score in them is an assessment, "
                         "other columns that config.yaml does not name are left out.",
                         )  # fmt: skip
            return True
    return False


def _limits(trial: Trial, dictionary: Dictionary) -> dict[str, Limits]:
    """Return the ranges that the dictionary allows, by field."""
    fields = person_columns(trial.columns)
    fields |= {
        OUTCOME + name: column
        for name, column in trial.columns.outcomes.items()
        if isinstance(column, str)
    }
    limits = {}
    for name, column in fields.items():
        field = dictionary.of_column(column)
        if field is not None:
            # A code for "missing" has to be allowed at data entry, and is no part of the range.
            lowest, highest = (
                math.nan if end in trial.codes.missing_in.get(column, ()) else _number(end)
                for end in (field.lowest, field.highest)
            )
            limits[name] = Limits(lowest, highest, dictionary.file, field.row)
    return limits


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:  # empty, or a date
        return math.nan
