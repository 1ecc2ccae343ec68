"""From the columns of an export to numbers that can be scored, with everything odd noted.

Entries outside an item's range, fractions, and text are *findings*: they are never clipped,
rounded or quietly taken as missing, and no score is made that would need them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.registry import InstrumentError

FINDING_COLUMNS: dict[str, str] = {
    "severity": "error, warning or note",
    "kind": "short name of what is wrong, the same for all findings alike",
    "row": "index label of the row; empty when the finding is about a whole column",
    "item": "number of the item; empty when the finding is about none",
    "column": "column of the data",
    "found": "what stands there",
    "expected": "what was expected",
    "mend": "what to do",
}
"""Column of a findings table: what it holds."""

_ENTRY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]?)")
_TOKEN = re.compile(r"0*([1-9][0-9]{0,2})([a-z]?)")
_NAME = re.compile(r"(.*?)0*([1-9][0-9]{0,2})([a-z]?)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Entries:
    """Entries as numbers.

    Parameters
    ----------
    items
        Numbers of the items, in the order of the columns of ``values``.
    values
        Participants × items, ``nan`` where there is no usable entry.
    wrong
        Participants × items: whether an entry is there that cannot be used.
    not_applicable
        Participants × items: whether the item does not apply to the person.
    findings
        What was found, with columns :data:`FINDING_COLUMNS`.
    """

    items: tuple[int, ...]
    values: np.ndarray
    wrong: np.ndarray
    not_applicable: np.ndarray
    findings: pd.DataFrame

    def rows(self, start: int, stop: int) -> Entries:
        """Return a block of rows, with all findings."""
        block = slice(start, stop)
        return Entries(
            self.items,
            self.values[block],
            self.wrong[block],
            self.not_applicable[block],
            self.findings,
        )


def item_columns(
    definition: InstrumentDefinition, labels: Iterable[Hashable]
) -> dict[Hashable, str]:
    """Tell which columns hold which items, from their names.

    Parameters
    ----------
    definition
        The instrument.
    labels
        Names of columns: plain numbers, or one stem with numbers (``bdi2_01`` … ``bdi2_21``).
        Others are passed over.

    Returns
    -------
    dict
        Column: token of the item, such as ``"7"`` or ``"16a"``.

    Raises
    ------
    InstrumentError
        When no stem, or more than one, has a column for every scored item.

    Examples
    --------
    >>> from ipt_outcomes.instruments import instrument
    >>> item_columns(instrument("GAD-7"), ["id", *(f"gad_{i}" for i in range(1, 8))])["gad_3"]
    '3'
    """
    stems: dict[str, dict[Hashable, str]] = {}
    for label in labels:
        match = _NAME.fullmatch(str(label).strip())
        if match and int(match[2]) <= definition.items.count:
            stems.setdefault(match[1], {})[label] = match[2] + match[3].lower()
    gaps = {stem: _absent(definition, columns.values()) for stem, columns in stems.items()}
    complete = [stem for stem, absent in gaps.items() if not absent]
    if len(complete) == 1:
        return stems[complete[0]]
    if complete:
        raise InstrumentError(
            f"{definition.name}: columns of several names could be the items: "
            f"{', '.join(f'{stem}1 ...' for stem in sorted(complete))}. Say which by `columns`."
        )
    nearest = min(gaps, key=lambda stem: len(gaps[stem]), default=None)
    lacking = gaps[nearest] if nearest is not None else list(definition.items.scored)
    named = f" among those named {nearest}1 ..." if nearest else ""
    raise InstrumentError(
        f"{definition.name}: there is no column for item {', '.join(map(str, lacking))}{named}. "
        f"Say by `columns` which column holds which item; an item that was never asked needs an "
        f"empty column."
    )


def _absent(definition: InstrumentDefinition, tokens: Iterable[str]) -> list[int]:
    have = set(tokens)
    absent = []
    for item in definition.items.scored:
        alternatives = definition.items.alternatives.get(item)
        doubled = alternatives is not None and have >= set(alternatives.columns)
        if str(item) not in have and not doubled:
            absent.append(item)
    return absent


def read_entries(
    definition: InstrumentDefinition,
    data: pd.DataFrame,
    columns: Mapping[Any, str | int] | None = None,
) -> Entries:
    """Turn the item columns of an export into numbers.

    Parameters
    ----------
    definition
        The instrument.
    data
        One row per assessment; columns not named are passed over.
    columns
        Column: item. Without it the columns' names tell (:func:`item_columns`).

    Raises
    ------
    InstrumentError
        When columns are missing, or name items that the instrument does not have.
    """
    named = _named(definition, data, columns)
    doubled = set(data.columns[data.columns.duplicated()])
    if twice := [str(label) for label in named if label in doubled]:
        raise InstrumentError(f"{definition.name}: two columns are called {', '.join(twice)}")
    by_token = {token: label for label, token in named.items()}
    items = tuple(i for i in range(1, definition.items.count + 1) if _has(definition, i, by_token))
    shape = (len(data), len(items))
    values = np.full(shape, np.nan, order="F")  # filled, and mostly read, column by column
    wrong = np.zeros(shape, dtype=bool, order="F")
    not_applicable = np.zeros(shape, dtype=bool, order="F")
    findings: list[pd.DataFrame] = []
    for place, item in enumerate(items):
        if str(item) in by_token:
            one = _column(definition, item, data[by_token[str(item)]], findings)
        else:
            alternatives = definition.items.alternatives[item]
            first, second = (
                _column(definition, item, data[by_token[token]], findings)
                for token in alternatives.columns
            )
            label = by_token[alternatives.columns[1]]
            if alternatives.rule == "highest":
                one = _highest(first, second)
            else:
                one = _one_of_them(first, second, item, label, data.index, findings)
        values[:, place], wrong[:, place], not_applicable[:, place] = one
    return Entries(items, values, wrong, not_applicable, collect(findings))


def collect(findings: list[pd.DataFrame]) -> pd.DataFrame:
    """Put findings below each other; an empty list makes an empty table."""
    if not findings:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in FINDING_COLUMNS})
    return pd.concat(findings, ignore_index=True)


def finding(
    severity: str,
    kind: str,
    *,
    rows: Any,
    item: int | None,
    column: Any,
    found: Any,
    expected: str,
    mend: str,
) -> pd.DataFrame:
    """Return findings that are alike but for row and entry."""
    parts = {
        "severity": severity,
        "kind": kind,
        "row": list(rows),
        "item": item,
        "column": column,
        "found": found,
        "expected": expected,
        "mend": mend,
    }
    return pd.DataFrame(parts, columns=list(FINDING_COLUMNS)).astype(object)


_Column = tuple[np.ndarray, np.ndarray, np.ndarray]


def _named(
    definition: InstrumentDefinition, data: pd.DataFrame, columns: Mapping[Any, str | int] | None
) -> dict[Hashable, str]:
    if columns is None:
        return item_columns(definition, data.columns)
    if lost := [str(label) for label in columns if label not in data.columns]:
        raise InstrumentError(f"{definition.name}: there is no column {', '.join(lost)}")
    named: dict[Hashable, str] = {}
    for label, token in columns.items():
        match = _TOKEN.fullmatch(str(token).strip().lower())
        if not match or int(match[1]) > definition.items.count:
            raise InstrumentError(
                f"{definition.name} has no item {token!r} (column {label}); its items are 1 to "
                f"{definition.items.count}"
            )
        named[label] = match[1] + match[2]
    if len(set(named.values())) < len(named):
        twice = sorted({t for t in named.values() if list(named.values()).count(t) > 1})
        raise InstrumentError(f"{definition.name}: two columns for item {', '.join(twice)}")
    if absent := _absent(definition, named.values()):
        raise InstrumentError(
            f"{definition.name}: no column is named for item {', '.join(map(str, absent))}"
        )
    return named


def _has(definition: InstrumentDefinition, item: int, by_token: Mapping[str, Hashable]) -> bool:
    alternatives = definition.items.alternatives.get(item)
    doubled = alternatives is not None and all(t in by_token for t in alternatives.columns)
    return str(item) in by_token or doubled


def _column(
    definition: InstrumentDefinition, item: int, entries: pd.Series, findings: list[pd.DataFrame]
) -> _Column:
    """Read one column: values, unusable entries, and whether the item does not apply."""
    column = entries.name
    values, unread = _numbers(entries, letters=item in definition.items.letters)
    expected = _expected(definition, item)

    def report(wrong: np.ndarray, kind: str, mend: str) -> None:
        if wrong.any():
            shown = entries[wrong]
            findings.append(
                finding("error", kind, rows=shown.index, item=item, column=column,
                        found=_shown(shown), expected=expected, mend=mend)
            )  # fmt: skip

    report(unread, "not a number", "Correct the entry, or name it as a missing code.")
    not_applicable = np.isin(values, definition.items.not_applicable.get(item, ()))
    values[np.isin(values, definition.items.not_assessed.get(item, ())) | not_applicable] = np.nan
    low, high = definition.items.range_of(item)
    outside = (values < low) | (values > high) | np.isinf(values)
    broken = np.zeros(len(values), dtype=bool)
    if definition.items.whole:
        with np.errstate(invalid="ignore"):
            broken = ~outside & np.isfinite(values) & (values != np.floor(values))
    report(outside, "out of range", "Correct the entry, or name it as a missing code; see whether "
           "another version of the instrument, or another coding, was used.")  # fmt: skip
    report(broken, "not a whole number", "Correct the entry.")
    wrong = outside | broken | unread
    values[wrong] = np.nan
    return values, wrong, not_applicable


def _numbers(entries: pd.Series, *, letters: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return entries as numbers, and which of them are text that is no number."""
    if isinstance(entries.dtype, pd.CategoricalDtype):
        entries = entries.astype(object)
    if pd.api.types.is_numeric_dtype(entries.dtype):
        if isinstance(entries.dtype, np.dtype):
            values = np.array(entries.array, dtype=float)
        else:
            values = entries.to_numpy(dtype=float, na_value=np.nan).copy()
        return values, np.zeros(len(values), dtype=bool)
    # Columns hold few different entries: each is read once.
    codes, distinct = pd.factorize(entries, use_na_sentinel=True)
    read = [_number(str(entry).strip(), letters=letters) for entry in distinct]
    known = np.array([np.nan if number is None else number for number in read] + [np.nan])
    strange = np.array([number is None for number in read] + [False])
    return known[codes], strange[codes]  # code -1, for nothing, is the last place


def _number(text: str, *, letters: bool) -> float | None:
    """Return the number that stands there, ``nan`` for nothing, ``None`` for what is no number."""
    if not text:
        return float("nan")
    match = _ENTRY.fullmatch(text)
    if match is None or (match[2] and not letters):
        return None
    return float(match[1])


def _expected(definition: InstrumentDefinition, item: int) -> str:
    low, high = definition.items.range_of(item)
    whole = "a whole number" if definition.items.whole else "a number"
    span = (
        f"{whole} of {low:g} or more"
        if high == float("inf")
        else f"{whole} from {low:g} to {high:g}"
    )
    codes = (
        *definition.items.not_assessed.get(item, ()),
        *definition.items.not_applicable.get(item, ()),
    )
    return span + (f", or {', '.join(f'{c:g}' for c in codes)} for none" if codes else "")


def _shown(entries: pd.Series) -> list[str]:
    return [f"{e:g}" if isinstance(e, float) else str(e) for e in entries]


def _highest(first: _Column, second: _Column) -> _Column:
    return np.fmax(first[0], second[0]), first[1] | second[1], first[2] & second[2]


def _one_of_them(
    first: _Column,
    second: _Column,
    item: int,
    label: Hashable,
    index: pd.Index,
    findings: list[pd.DataFrame],
) -> _Column:
    differ = ~np.isnan(first[0]) & ~np.isnan(second[0]) & (first[0] != second[0])
    if differ.any():
        found = [
            f"{a:g} and {b:g}" for a, b in zip(first[0][differ], second[0][differ], strict=True)
        ]
        findings.append(
            finding(
                "error",
                "two ratings of one item",
                rows=index[differ],
                item=item,
                column=label,
                found=found,
                expected="one rating, or two that agree",
                mend="Empty the rating that does not count.",
            )
        )
    values = np.where(differ, np.nan, np.fmax(first[0], second[0]))
    return values, first[1] | second[1] | differ, first[2] & second[2]
