"""What a visit's name says of its time: "week_4_arm_1", "bdi.2m", "Month 6", "post", "t2"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Phase = Literal["baseline", "treatment", "follow-up"]
WEEKS_OF = {"d": 1 / 7, "w": 1.0, "m": 365.25 / 12 / 7, "y": 365.25 / 7}
"""Weeks in a day, a week, a month, a year."""

_UNIT = r"(?P<{0}>d(?:ays?)?|w(?:ee)?ks?|w|m(?:o|on|onths?|ths?)?|y(?:ears?)?)"
_TIME = re.compile(
    rf"\b(?:{_UNIT.format('before')}\s?(?P<after_unit>\d+)|(?P<first>\d+)\s?{_UNIT.format('after')})\b"
)
_BASELINE = re.compile(r"\b(baseline|base|bl|pre|pretreatment|pretest|screening|intake|t0)\b")
_LATER = re.compile(r"\b(follow\s?up|fu)\b|\bfu(?=\d)")
_END = re.compile(r"\b(post|posttreatment|posttest|end|eot|termination|discharge)\b")
_ORDER = re.compile(r"\b(?:t|v|visit|time|timepoint|wave|assessment|session)\s?(?P<order>\d+)\b")


@dataclass(frozen=True)
class Timing:
    """A visit as its name describes it.

    Parameters
    ----------
    text
        The code or the part of the column's name that tells it.
    name
        A short name for it.
    week
        Weeks since the start; None when the name does not say it.
    phase
        The part of the course; None when the name does not say it.
    """

    text: str
    name: str
    week: float | None
    phase: Phase | None


def plain_words(text: str) -> str:
    """Return a name as words: small letters and digits, one blank between.

    Examples
    --------
    >>> plain_words("BDI.2m"), plain_words("week_4_arm_1")
    ('bdi 2m', 'week 4')
    """
    text = re.sub(r"_arm_\d+[a-z]?$", "", text.lower())
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def timing_in(text: str) -> tuple[Timing, str] | None:
    """Find a time in a name; return it, and the rest of the name.

    Examples
    --------
    >>> timing, rest = timing_in("bdi.2m")
    >>> timing.name, round(timing.week, 1), rest
    ('month_2', 8.7, 'bdi')
    >>> timing_in("hamd17_total") is None
    True
    """
    words = plain_words(text)
    later = _LATER.search(words) is not None
    if match := _TIME.search(words):
        unit = (match["before"] or match["after"])[0]
        count = int(match["after_unit"] or match["first"])
        word = {"d": "day", "w": "week", "m": "month", "y": "year"}[unit]
        week = round(count * WEEKS_OF[unit], 1)
        name, phase = f"{word}_{count}", "follow-up" if later else None
        if count == 0:
            name, phase = "baseline", "baseline"
        found = Timing(match[0], name, week, phase)  # type: ignore[arg-type]
    elif match := _BASELINE.search(words):
        found = Timing(match[0], "baseline", 0, "baseline")
    elif match := _ORDER.search(words):
        found = Timing(match[0], f"time_{match['order']}", None, None)
    elif match := _END.search(words):
        found = Timing(match[0], "end_of_treatment", None, "treatment")
    elif match := _LATER.search(words):
        found = Timing(match[0], "follow_up", None, "follow-up")
    else:
        return None
    rest = f"{words[: match.start()]} {words[match.end() :]}"
    if later:
        rest = _LATER.sub(" ", rest)
    return found, " ".join(rest.split())


def timings_of_codes(
    codes: Sequence[str], column: str, labels: Mapping[str, str]
) -> dict[str, Timing]:
    """Return what the codes of a visit column say.

    Parameters
    ----------
    codes
        The codes, in their order.
    column
        Name of the column, which may say the unit: ``week``.
    labels
        Labels of the codes, where known.

    Examples
    --------
    >>> [t.name for t in timings_of_codes(["0", "4"], "week", {}).values()]
    ['baseline', 'week_4']
    """
    unit = next((u for u in ("week", "month", "day") if u in column.lower()), None)
    found: dict[str, Timing] = {}
    for code in codes:
        number = re.fullmatch(r"\d+(\.0)?", code)
        told = timing_in(labels.get(code, code)) or timing_in(code)
        if number and unit and told is None:
            told = timing_in(f"{unit} {int(float(code))}")
        if told is not None:
            found[code] = told[0]
        else:
            name = re.sub(r"[^A-Za-z0-9]+", "_", plain_words(code)).strip("_")
            name = name if name[:1].isalpha() else f"visit_{name}"
            found[code] = Timing(code, name[:40], None, None)
    return found
