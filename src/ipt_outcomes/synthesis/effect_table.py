"""A table of published effects: read strictly, typed, and checked, with everything wrong at once.

One row is one comparison of an arm with a reference on one outcome. Every entry is a value of its
column's kind, or a finding with its row; nothing is guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, quoted
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.text_file import TextFile
from ipt_outcomes.ingest.text_table import read_text_table
from ipt_outcomes.ingest.values import BAD, Bad, Parser, code, parse_column
from ipt_outcomes.synthesis.effects import plain_name
from ipt_outcomes.synthesis.table_columns import EffectColumns

SETTINGS = "the settings of the table"
AGAIN = "Correct the entry in the table."

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)

KINDS: dict[str, tuple[str, float, bool]] = {
    "mean": ("a number", -math.inf, False),
    "effect": ("a number", -math.inf, False),
    "number": ("a number", -math.inf, False),
    "sd": ("a number above 0", 0, False),
    "se": ("a number above 0", 0, False),
    "n": ("a whole number, 2 or more", 2, True),
    "total": ("a whole number, 1 or more", 1, True),
    "events": ("a whole number, 0 or more", 0, True),
}
"""Kind of number: what is expected, the lowest value, and whether it is whole."""


@dataclass(frozen=True, eq=False)
class EffectTable:
    """A table of published effects.

    Parameters
    ----------
    frame
        Typed columns: ``trial``, ``outcome``, ``visit``, ``arm``, ``reference``, ``higher_is``,
        and every column of numbers of the file under its own name.
    moderators
        The moderators that were asked for.
    rows
        Row of the file of each row; the header is row 1.
    columns
        What the file's columns hold.
    unread
        Rows with an entry that is no value, which is an error already.
    """

    frame: pd.DataFrame
    moderators: pd.DataFrame
    rows: np.ndarray
    columns: EffectColumns
    unread: np.ndarray

    def has(self, names: Sequence[str]) -> bool:
        """Whether the file has all these columns."""
        return bool(names) and all(name in self.frame for name in names)

    def complete(self, names: Sequence[str]) -> np.ndarray:
        """Tell which rows have an entry in all these columns."""
        if not self.has(names):
            return np.zeros(len(self.frame), dtype=bool)
        return self.frame[list(names)].notna().all(axis=1).to_numpy(dtype=bool)


def read_effect_table(
    path: str | Path,
    findings: Findings,
    *,
    columns: EffectColumns,
    numbers: Mapping[str, str],
    categories: Mapping[str, str],
    delimiter: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: Sequence[str] = ("NA",),
    labels: Mapping[str, Mapping[str, str]] | None = None,
) -> EffectTable | None:
    """Read a table of published effects.

    Parameters
    ----------
    path
        The file.
    findings
        Takes what was found.
    columns
        What its columns are called.
    numbers, categories
        Moderators: name, and column of the file; numbers and text.
    delimiter, decimal, encoding
        As the file was written; ``decimal=","`` and ``delimiter=";"`` for many spreadsheets.
    missing
        Entries that mean "not reported", besides the empty cell.
    labels
        Category: what its codes stand for; without it the codes are kept.

    Returns
    -------
    EffectTable or None
        None when the file cannot be read at all; the findings then say why.
    """
    wanted = {columns.trial, *columns.numbers(), *numbers.values(), *categories.values()}
    source = TextFile(Path(path), findings.file, SETTINGS, findings, encoding, delimiter)
    raw = read_text_table(source, wanted)
    if raw is None:
        return None
    cells = raw.cells.mask(raw.cells.isin(list(missing)))
    if not _has_columns(raw, columns, {**numbers, **categories}, findings):
        return None
    nobody = pd.Series(pd.array([None] * len(cells), dtype="str"))

    unread = np.zeros(len(cells), dtype=bool)

    def parsed(name: str, kind: str) -> np.ndarray:
        column = parse_column(cells[name], number_of(kind, decimal), findings, rows=raw.rows,
                              participants=nobody, column=name)  # fmt: skip
        unread[column.codes == BAD] = True
        return column.numbers()

    frame = pd.DataFrame({"trial": cells[columns.trial].astype("str")})
    for name, parts in columns.descriptions().items():
        frame[name] = _joined(cells, parts)
    frame["higher_is"] = nobody
    if columns.higher_is in cells:
        known = {word: word for word in ("worse", "better")}
        parse = code(known, SETTINGS, "unknown direction")
        frame["higher_is"] = parse_column(
            cells[columns.higher_is], parse, findings, rows=raw.rows, participants=nobody,
            column=columns.higher_is,
        ).texts()  # fmt: skip
    for name, kind in columns.numbers().items():
        if name in cells:
            frame[name] = parsed(name, kind)
    moderators = pd.DataFrame(index=frame.index)
    for name, column in numbers.items():
        moderators[name] = parsed(column, "number")
    for name, column in categories.items():
        moderators[name] = cells[column].astype("str")
        if name in (labels or {}):
            parse = code((labels or {})[name], f"the labels of {name}", "unknown code")
            moderators[name] = parse_column(
                cells[column], parse, findings, rows=raw.rows, participants=nobody, column=column
            ).texts()
    return EffectTable(frame, moderators, raw.rows, columns, unread)


def number_of(kind: str, decimal: str) -> Parser:
    """Make a parser of the numbers in a column.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    decimal
        The decimal mark, ``.`` or ``,``.

    Examples
    --------
    >>> number_of("sd", ",")("7,9")
    7.9
    >>> print(number_of("n", ".")("20.5").mend)
    A shared arm is not to be split between rows: give the whole arm in each.
    """
    expected, lowest, whole = KINDS[kind]
    mark, other = (".", ",") if decimal == "." else (",", ".")

    def parse(text: str) -> float | Bad:
        if not _NUMBER.fullmatch(text.replace(mark, ".")) or other in text:
            if _NUMBER.fullmatch(text.replace(other, ".")):
                return Bad("decimal mark", expected, "The file seems to use another decimal mark: "
                           f'set decimal: "{other}" in {SETTINGS}.')  # fmt: skip
            return Bad("not a number", expected, f'{AGAIN} If it means "not reported", leave the '
                       "cell empty or add it to the entries that mean missing.")  # fmt: skip
        value = float(text.replace(mark, "."))
        if whole and value % 1:
            split = "A shared arm is not to be split between rows: give the whole arm in each."
            return Bad("not a whole number", expected, split if kind != "events" else AGAIN)
        outside = value <= 0 if kind in {"sd", "se"} else value < lowest
        return Bad("out of range", expected, AGAIN) if outside else value

    return parse


def check_table(table: EffectTable, findings: Findings) -> None:
    """Report entries that cannot be true, and rows that say the same comparison twice."""
    _check_trials(table, findings)
    _check_events(table, findings)
    _check_repeated(table, findings)
    _check_spread(table, findings)
    _check_shared_arms(table, findings)


def _has_columns(
    raw: RawTable, columns: EffectColumns, moderators: Mapping[str, str], findings: Findings
) -> bool:
    missing = [name for name in (columns.trial, *moderators.values()) if name not in raw.cells]
    for name in missing:
        findings.add("error", "missing column", column=name, found="no such column",
                     expected="one of the table's columns",
                     mend=f"The file has: {', '.join(map(str, raw.cells.columns))}.")  # fmt: skip
    for name in raw.repeated:
        findings.add("error", "repeated column", column=name, found="the name twice",
                     expected="each name once", mend="Rename one of the columns.")  # fmt: skip
    return not missing and not raw.repeated


def _joined(cells: pd.DataFrame, parts: Sequence[str]) -> pd.Series:
    """Join the entries of several columns, empty ones passed over."""
    there = [cells[name] for name in parts if name in cells]
    texts = [
        ", ".join(str(column.iloc[i]) for column in there if pd.notna(column.iloc[i])) or None
        for i in range(len(cells))
    ]
    return pd.Series(pd.array(texts, dtype="str"), index=cells.index)


def _check_trials(table: EffectTable, findings: Findings) -> None:
    at = np.flatnonzero(table.frame["trial"].isna())
    findings.add("error", "no trial", row=table.rows[at], column=table.columns.trial,
                 found=["an empty cell"] * len(at), expected="the name of the trial",
                 mend="Name the trial: rows of the same trial must bear the same name.",
                 )  # fmt: skip
    first: dict[str, str] = {}
    rows, found, mends = [], [], []
    for place, name in enumerate(table.frame["trial"]):
        if not isinstance(name, str) or first.setdefault(plain_name(name), name) == name:
            continue
        rows.append(int(table.rows[place]))
        found.append(quoted(name))
        mends.append(f"An earlier row has {quoted(first[plain_name(name)])}: if it is the same "
                     "trial, write it the same way, so that its rows count as dependent.",
                     )  # fmt: skip
    findings.add("warning", "trial spelt differently", row=rows, column=table.columns.trial,
                 found=found, expected="each trial under one name", mend=mends)  # fmt: skip


def _check_events(table: EffectTable, findings: Findings) -> None:
    for events, total in (table.columns.events[:2], table.columns.events[2:]):
        if table.has((events, total)):
            more = table.frame[events] > table.frame[total]
            at = np.flatnonzero(more)
            findings.add("error", "more events than participants", row=table.rows[at],
                         column=events,
                         found=[f"{table.frame[events].iloc[i]:g} events" for i in at],
                         expected="no more than the participants",
                         mend=[f"{total} says {table.frame[total].iloc[i]:g}; correct one of them."
                               for i in at])  # fmt: skip


def _check_repeated(table: EffectTable, findings: Findings) -> None:
    keys = ["trial", "outcome", "visit", "arm", "reference"]
    groups = table.frame.groupby(keys, dropna=False, sort=False)
    first = pd.Series(table.rows, index=table.frame.index).groupby(groups.ngroup()).transform("min")
    at = np.flatnonzero(groups.cumcount().to_numpy() > 0)
    findings.add("error", "comparison repeated", row=table.rows[at],
                 found=[f"the comparison of row {first.iloc[i]} again" for i in at],
                 expected="each trial, outcome, time, arm and reference once",
                 mend="Remove one of the rows, or say in which column they differ.")  # fmt: skip


def _check_spread(table: EffectTable, findings: Findings) -> None:
    for names in (table.columns.means, table.columns.change):
        if not table.has((names[1], names[4])):
            continue
        ratio = (table.frame[names[1]] / table.frame[names[4]]).to_numpy(dtype=float)
        at = np.flatnonzero((ratio > 3) | (ratio < 1 / 3))
        sds = table.frame[[names[1], names[4]]].to_numpy(dtype=float)
        findings.add("warning", "standard deviations differ", row=table.rows[at], column=names[1],
                     found=[f"SDs of {sds[i, 0]:g} and {sds[i, 1]:g}" for i in at],
                     expected="SDs of like size in the two arms",
                     mend="Perhaps a standard error was entered as SD in one arm: look again.",
                     )  # fmt: skip


def _check_shared_arms(table: EffectTable, findings: Findings) -> None:
    """Report an arm whose numbers differ between two comparisons of the same outcome."""
    frame = table.frame
    sides = {"arm": slice(0, 3), "reference": slice(3, 6)}
    reported: dict[tuple[object, ...], tuple[tuple[float, ...], int]] = {}
    rows, found, mends = [], [], []
    for place in np.flatnonzero(table.complete(table.columns.means)):
        row = frame.iloc[place]
        for side, part in sides.items():
            if pd.isna(row[side]):
                continue
            key = (row["trial"], row["outcome"], row["visit"], row[side])
            numbers = tuple(float(row[name]) for name in table.columns.means[part])
            before, at = reported.setdefault(key, (numbers, int(table.rows[place])))
            if before != numbers:
                rows.append(int(table.rows[place]))
                found.append(f"{quoted(str(row[side]))} with mean {numbers[0]:g}, SD "
                             f"{numbers[1]:g}, n {numbers[2]:g}")  # fmt: skip
                mends.append(f"Row {at} says {before[0]:g}, {before[1]:g}, {before[2]:g}. Give the "
                             "whole arm in both: its sharing is taken care of.")  # fmt: skip
    findings.add("warning", "shared arm differs", row=rows, found=found,
                 expected="the same numbers of the same arm", mend=mends)  # fmt: skip
