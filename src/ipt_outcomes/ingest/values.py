"""From text to values, strictly: each entry is a value, or it is a finding. Nothing is guessed.

An entry is parsed once per distinct text of a column, however many rows it stands in.
"""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, entry, quoted

AGAIN = "Correct the entry in the data base and export again."
BLANK, BAD = -1, -2
"""What :attr:`Cells.codes` says of an empty cell, and of one that could not be read."""

MOST_DAYS = 36_525
"""Days since randomisation beyond which an entry is no day of a trial: a hundred years."""

DateOrder = Literal["year-month-day", "day-month-year", "month-day-year"]
DATE_ORDERS: dict[DateOrder, tuple[str, str]] = {
    "year-month-day": ("ymd", "2024-12-31"),
    "day-month-year": ("dmy", "31-12-2024"),
    "month-day-year": ("mdy", "12-31-2024"),
}
_PARTS = {"y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})"}
_CLOCK = r"(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_DATES = {
    order: re.compile(
        "(?P<sep>[-/.])".join([_PARTS[letters[0]], _PARTS[letters[1]]])
        + "(?P=sep)"
        + _PARTS[letters[2]]
        + _CLOCK,
        re.ASCII,
    )
    for order, (letters, _) in DATE_ORDERS.items()
}
_NUMBER = {
    mark: re.compile(rf"[+-]?(?:\d+(?:{re.escape(mark)}\d*)?|{re.escape(mark)}\d+)", re.ASCII)
    for mark in (".", ",")
}
_OTHER_MARK: dict[str, str] = {".": ",", ",": "."}
MISSING_WORDS = {"na", "n/a", "nan", "null", "none", ".", "-", "?", "missing", "unknown", "nd"}
"""Words, in small letters, by which entries among numbers mean that there is none."""

TICKS = {
    **dict.fromkeys(("1", "checked", "yes", "true", "y"), True),
    **dict.fromkeys(("0", "unchecked", "no", "false", "n"), False),
}


@dataclass(frozen=True)
class Bad:
    """Why an entry is no value.

    Parameters
    ----------
    kind, expected, mend
        As in the findings table.
    """

    kind: str
    expected: str
    mend: str = AGAIN


Parser = Callable[[str], Any]
"""From an entry to its value, or to a :class:`Bad`."""


@dataclass(frozen=True)
class Cells:
    """A column, parsed.

    Parameters
    ----------
    codes
        Place in ``values`` of each row's value; :data:`BLANK` or :data:`BAD` where it has none.
    values
        The distinct values.
    """

    codes: np.ndarray
    values: list[Any]

    def numbers(self) -> np.ndarray:
        """Return the column as floating-point numbers, not-a-number where it has none."""
        table = np.array([*map(float, self.values), math.nan], dtype=np.float64)
        return table[np.where(self.codes < 0, len(self.values), self.codes)]

    def texts(self) -> pd.arrays.ArrowStringArray | Any:
        """Return the column as text, missing where it has none."""
        table = pd.array([*self.values, None], dtype="str")
        return table.take(np.where(self.codes < 0, len(self.values), self.codes))


def parse_column(
    cells: pd.Series,
    parse: Parser,
    findings: Findings,
    *,
    rows: np.ndarray,
    participants: pd.Series,
    column: str,
) -> Cells:
    """Parse a column of text; every entry that is no value becomes an error.

    Parameters
    ----------
    cells
        The entries; empty ones are missing.
    parse
        Gives an entry's value, or a :class:`Bad`.
    findings
        Takes the errors.
    rows, participants
        Row of the file and study number of each entry.
    column
        The column's name in the file.

    Returns
    -------
    Cells
        The values.
    """
    codes, unique = pd.factorize(cells)
    parsed = [parse(text) for text in unique]
    values: dict[Any, int] = {}
    place = np.full(len(parsed) + 1, BLANK)
    for number, value in enumerate(parsed):
        place[number] = BAD if isinstance(value, Bad) else values.setdefault(value, len(values))
    result = place[codes]  # the code of a missing cell, -1, takes the last place
    reasons: dict[tuple[str, str], list[int]] = {}
    for position, value in enumerate(parsed):
        if isinstance(value, Bad):
            reasons.setdefault((value.kind, value.expected), []).append(position)
    for (kind, expected), positions in reasons.items():
        at = np.flatnonzero(np.isin(codes, positions))
        findings.add(
            "error",
            kind,
            row=rows[at],
            participant=participants.take(at).tolist(),
            column=column,
            found=[entry(unique[place]) for place in codes[at]],
            expected=expected,
            mend=[parsed[place].mend for place in codes[at]],
        )
    return Cells(result, list(values))


def number(
    decimal: str,
    settings: str,
    missing: str,
    lowest: float = -math.inf,
    highest: float = math.inf,
    whole: bool = False,
) -> Parser:
    """Make a parser of numbers, where a range is given from its lowest to its highest.

    Parameters
    ----------
    decimal
        The decimal mark, ``.`` or ``,``.
    settings, missing
        Where the decimal mark and the column's missing codes are configured, for messages.
    lowest, highest
        The range.
    whole
        Whether only whole numbers are allowed.

    Examples
    --------
    >>> parse = number(".", "export", "codes.missing.hamd17_total", 0, 52)
    >>> parse("17")
    17.0
    >>> print(parse("12,5").mend)
    The file seems to use decimal commas: set decimal: "," under export.
    """
    what = "a whole number" if whole else "a number"
    expected = what
    if math.isfinite(lowest) and math.isfinite(highest):
        expected = f"{what} from {lowest:g} to {highest:g}"
    elif math.isfinite(lowest):
        expected = f"{what}, {lowest:g} or more"
    if_missing = f'If it means "missing", list it under {missing} in config.yaml.'

    def parse(text: str) -> float | Bad:
        if _NUMBER[decimal].fullmatch(text):
            value = float(text.replace(",", ".")) + 0.0  # no negative zero
            if not math.isfinite(value) or not lowest <= value <= highest:
                return Bad("out of range", expected, f"{AGAIN} {if_missing}")
            return Bad("not a whole number", expected) if whole and value % 1 else value
        if _NUMBER[_OTHER_MARK[decimal]].fullmatch(text):
            mark, word = _OTHER_MARK[decimal], "points" if decimal == "," else "commas"
            mend = f'The file seems to use decimal {word}: set decimal: "{mark}" under {settings}.'
            return Bad(f"decimal {word}", expected, mend)
        mend = if_missing if text.lower() in MISSING_WORDS else AGAIN
        return Bad("not a number", expected, mend)

    return parse


def date(order: DateOrder, settings: str) -> Parser:
    """Make a parser of dates: days as an ordinal, a time of day is dropped.

    Parameters
    ----------
    order
        The order in which the export writes dates.
    settings
        Where that is configured, for messages.

    Examples
    --------
    >>> parse = date("day-month-year", "trials.example.dates in config.yaml")
    >>> parse("01.02.2024") == datetime.date(2024, 2, 1).toordinal()
    True
    >>> print(parse("2024-02-01").mend)
    The dates look like year-month-day: set trials.example.dates in config.yaml to that.
    """
    expected = f"a date as {order}, such as {DATE_ORDERS[order][1]}"

    def parse(text: str) -> int | Bad:
        day = _ordinal(text, order)
        if day is not None:
            return day
        if _DATES[order].fullmatch(text) is None:
            for other in DATE_ORDERS:
                if _ordinal(text, other) is not None:
                    mend = f"The dates look like {other}: set {settings} to that."
                    return Bad("date in another order", expected, mend)
            return Bad("not a date", expected)
        swapped = next((o for o in DATE_ORDERS if _ordinal(text, o) is not None), None)
        mend = f"{AGAIN} If the dates are {swapped}, set {settings} to that." if swapped else AGAIN
        return Bad("impossible date", expected, mend)

    return parse


def _ordinal(text: str, order: DateOrder) -> int | None:
    match = _DATES[order].fullmatch(text)
    if match is None or not 1900 <= int(match["y"]) <= 2100:
        return None
    try:
        return datetime.date(int(match["y"]), int(match["m"]), int(match["d"])).toordinal()
    except ValueError:  # such as 30 February
        return None


def code(
    meanings: Mapping[str, Any], settings: str, kind: str, labels: Mapping[str, str] | None = None
) -> Parser:
    """Make a parser of codes.

    Parameters
    ----------
    meanings
        Code: what it stands for.
    settings
        Where the codes are configured, for messages.
    kind
        What a code not known is called among the findings.
    labels
        Code: what the data base shows for it, where that is known.

    Examples
    --------
    >>> parse = code({"1": "IPT", "2": "MED"}, "codes.arm in config.yaml", "unknown arm")
    >>> parse("1"), parse("3").expected
    ('IPT', '"1" or "2"')
    """
    labels = labels or {}
    expected = one_of(meanings, labels)

    def parse(text: str) -> Any:
        if text in meanings:
            return meanings[text]
        near = nearest(text, [*meanings, *labels.values()])
        hint = f" The nearest known code is {quoted(near)}." if near else ""
        return Bad(kind, expected, f"Correct the entry, or add it under {settings}.{hint}")

    return parse


def tick(text: str) -> bool | Bad:
    """Parse a checkbox, or a yes-or-no question.

    Examples
    --------
    >>> tick("Checked"), tick("0")
    (True, False)
    """
    value = TICKS.get(text.lower())
    return Bad("not yes or no", '"1" or "0", checked or unchecked, yes or no') if (
        value is None
    ) else value  # fmt: skip


def as_text(text: str) -> str:
    """Take an entry as it is."""
    return text


def one_of(known: Iterable[str], labels: Mapping[str, str] | None = None, limit: int = 12) -> str:
    """List codes for a message, with their labels where these are known.

    Examples
    --------
    >>> one_of(["1", "2", "3"])
    '"1", "2" or "3"'
    >>> one_of(["1", "2"], {"1": "IPT"})
    '"1" (IPT) or "2"'
    """
    labels = labels or {}
    names = [quoted(name) + (f" ({labels[name]})" if name in labels else "") for name in known]
    if len(names) > limit:
        return ", ".join(names[:limit]) + f" or one of {len(names) - limit} more"
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def nearest(text: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like a text, capitals aside; None when none is.

    Examples
    --------
    >>> nearest("week4_arm_1", ["week_4_arm_1", "baseline_arm_1"])
    'week_4_arm_1'
    """
    by_fold = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(text.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[near[0]] if near else None
