"""Mistakes to plant in the clean export of forty people, each with the finding that it deserves."""

from __future__ import annotations

from collections.abc import Callable

from .planted import CESD, ITEMS, VISITS, row_of, set_person, shift
from .small_trial import Export

Expected = tuple[str, int | None, str | None]
"""Kind of the finding, row, column; None where it is about the whole file or column."""
Plant = Callable[[Export, int], Expected]


def cell(column: str, value: str, kind: str, visit: str = "week_8") -> Plant:
    """Put a value into one cell."""

    def plant(export: Export, person: int) -> Expected:
        export.cell(row_of(person, visit), column, value)
        return kind, row_of(person, visit), column

    return plant


def everywhere(column: str, value: str, kind: str, at: str = "baseline") -> Plant:
    """Put a value into all rows of a participant."""

    def plant(export: Export, person: int) -> Expected:
        set_person(export, person, column, value)
        return kind, row_of(person, at), column

    return plant


def again(change: dict[str, str], kind: str) -> Plant:
    """Repeat a row at the end of the file."""

    def plant(export: Export, person: int) -> Expected:
        row = list(export.rows[row_of(person, "week_8") - 1])
        for column, value in change.items():
            row[export.header.index(column)] = value
        export.rows.append(row)
        return kind, len(export.rows), "visit"

    return plant


def date(days: int, visit: str, kind: str, column: str = "date") -> Plant:
    """Move the day of an assessment."""

    def plant(export: Export, person: int) -> Expected:
        row = row_of(person, visit)
        export.cell(row, "date", shift(export.get(row, "randomised"), days))
        return kind, row, column

    return plant


def no_baseline(export: Export, person: int) -> Expected:
    export.cell(row_of(person), "hamd17", "")
    return "no baseline", row_of(person), None


def gap(export: Export, person: int) -> Expected:
    for visit in ("week_4", "week_8"):
        export.cell(row_of(person, visit), "hamd17", "")
    return "gap between visits", row_of(person, "week_16"), "hamd17"


def same_score(export: Export, person: int) -> Expected:
    set_person(export, person, "hamd17", "17")
    return "the same score at every visit", row_of(person, "week_16"), "hamd17"


def jump(export: Export, person: int) -> Expected:
    export.cell(row_of(person, "week_8"), "hamd17", "1")
    export.cell(row_of(person, "week_12"), "hamd17", "51")
    return "implausible change", row_of(person, "week_12"), "hamd17"


def constant(value: str) -> Plant:
    def plant(export: Export, person: int) -> Expected:
        for name in ITEMS:
            export.cell(row_of(person, "week_4"), name, value)
        export.cell(row_of(person, "week_4"), "bdi2", str(21 * int(value)))
        return "constant answers", row_of(person, "week_4"), "bdi_01"

    return plant


def constant_reversed(export: Export, person: int) -> Expected:
    for name in CESD:
        export.cell(row_of(person, "week_12"), name, "0")
    return "constant answers", row_of(person, "week_12"), "cesd_01"


def items_missing(export: Export, person: int) -> Expected:
    for name in ITEMS[:5]:
        export.cell(row_of(person, "week_8"), name, "")
    export.cell(row_of(person, "week_8"), "bdi2", "")
    return "items without a score", row_of(person, "week_8"), "bdi_01"


def total_differs(export: Export, person: int) -> Expected:
    row = row_of(person, "week_12")
    export.cell(row, "bdi2", str((int(export.get(row, "bdi2")) + 9) % 60))
    return "total differs from its items", row, "bdi2"


def twin(export: Export, person: int) -> Expected:
    """Enter the participant before a second time, under this one's number."""
    for visit in VISITS:
        source, row = row_of(person - 1, visit), row_of(person, visit)
        for column in ("date", "randomised", "hamd17", "bdi2", *ITEMS, *CESD):
            export.cell(row, column, export.get(source, column))
    return "same data twice", row_of(person), None


def crossed(export: Export, person: int) -> Expected:
    arm = export.get(row_of(person), "arm")
    set_person(export, person, "received", {"1": "2", "2": "3", "3": "1"}[arm])
    return "another arm received", row_of(person), "received"


def of_control(column: str, value: str, kind: str) -> Plant:
    def plant(export: Export, person: int) -> Expected:
        assert export.get(row_of(person), "arm") == "3"
        set_person(export, person, column, value)
        return kind, row_of(person), column

    return plant


def stop(days: int | None, reason: str, kind: str, column: str) -> Plant:
    def plant(export: Export, person: int) -> Expected:
        row = row_of(person)
        day = "" if days is None else shift(export.get(row, "randomised"), days)
        export.cell(row, "stop", day)
        export.cell(row, "stop_reason", reason)
        return kind, row, column

    return plant


def left(export: Export, person: int) -> Expected:
    row = row_of(person)
    export.cell(row, "left", shift(export.get(row, "randomised"), 50))
    export.cell(row, "left_reason", "moved")
    export.cell(row, "stop", shift(export.get(row, "randomised"), 90))
    export.cell(row, "stop_reason", "better")
    return "treatment stopped after leaving", row, "stop"


def seen_after_leaving(export: Export, person: int) -> Expected:
    row = row_of(person)
    export.cell(row, "left", shift(export.get(row, "randomised"), 60))
    export.cell(row, "left_reason", "moved")
    return "assessed after leaving", row_of(person, "week_16"), "hamd17"


def randomised(years: int) -> Plant:
    def plant(export: Export, person: int) -> Expected:
        for visit in VISITS:
            row = row_of(person, visit)
            for column in ("date", "randomised"):
                export.cell(row, column, shift(export.get(row, column), 365 * years))
        return "date far from the others", row_of(person), "randomised"

    return plant


def leading_zero(export: Export, person: int) -> Expected:
    number = "0" + export.get(row_of(person), "id")
    export.rows.append(list(export.rows[row_of(person) - 1]))
    export.rows[-1][0] = number
    return "study numbers alike", row_of(person), "id"  # and the row of the other in words


def no_id(export: Export, person: int) -> Expected:
    export.cell(row_of(person, "week_16"), "id", "")
    return "no study number", row_of(person, "week_16"), "id"


SINGLE: dict[str, Plant] = {
    "a letter in a number": cell("hamd17", "1O", "not a number"),
    "a word for a number": cell("hamd17", "twelve", "not a number"),
    "missing as a word": cell("hamd17", "missing", "not a number"),
    "a decimal comma": cell("hamd17", "12,5", "decimal commas"),
    "two numbers in a cell": cell("hamd17", "12 13", "not a number"),
    "a total too high": cell("hamd17", "53", "out of range"),
    "a total too low": cell("hamd17", "-1", "out of range"),
    "an unconfigured missing code out of range": cell("hamd17", "99", "out of range"),
    "an item too high": cell("bdi_03", "4", "out of range"),
    "an item too low": cell("bdi_07", "-1", "out of range"),
    "an item with a fraction": cell("bdi_05", "1.5", "not a whole number"),
    "an item in words": cell("bdi_09", "often", "not a number"),
    "a missing code in an item": cell("bdi_11", "9", "out of range"),
    "another missing code in an item": cell("cesd_02", "99", "out of range"),
    "a total that differs from its items": total_differs,
    "too many items missing": items_missing,
    "all items alike": constant("2"),
    "all items alike at the top": constant("3"),
    "all items alike against the keys": constant_reversed,
    "an impossible date": cell("date", "2023-02-30", "impossible date"),
    "month thirteen": cell("date", "2023-13-01", "impossible date"),
    "a date in another order": cell("date", "14.03.2023", "date in another order"),
    "a date in words": cell("date", "soon", "not a date"),
    "a year of two digits": cell("date", "1.3.24", "not a date"),
    "an impossible randomisation": everywhere("randomised", "2023-04-31", "impossible date"),
    "a randomisation years before": randomised(-9),
    "a randomisation years after": randomised(8),
    "a day outside every window": date(400, "week_16", "outside every window"),
    "an assessment before the study": date(-200, "baseline", "outside every window"),
    "a baseline after randomisation": date(4, "baseline", "baseline after randomisation", "hamd17"),
    "a visit of another day": date(56, "week_4", "event and day disagree"),
    "a baseline on a later day": date(70, "baseline", "event and day disagree"),
    "no date": cell("date", "", "assessment without date"),
    "an unknown event": cell("visit", "week_9", "unknown event"),
    "an unknown arm": everywhere("arm", "7", "unknown arm"),
    "no arm": everywhere("arm", "", "no arm"),
    "two arms": cell("arm", "9", "unknown arm", "week_12"),
    "no randomisation": everywhere("randomised", "", "no randomisation date"),
    "two randomisations": cell("randomised", "2023-06-06", "contradiction", "week_12"),
    "two sites": cell("site", "Z", "contradiction", "week_12"),
    "two ages": cell("age", "20", "contradiction", "week_12"),
    "an age in words": everywhere("age", "forty", "not a number"),
    "an unknown gender": everywhere("gender", "8", "unknown category"),
    "an unknown problem area": everywhere("focus", "5", "unknown problem area"),
    "sessions below none": everywhere("sessions", "-3", "out of range"),
    "sessions with a fraction": everywhere("sessions", "7.5", "not a whole number"),
    "more sessions than days": everywhere("sessions", "2000", "out of range"),
    "a row twice with other scores": again({"hamd17": "3"}, "duplicated participant and visit"),
    "a row twice": again({}, "duplicated participant and visit"),
    "no study number": no_id,
    "a study number with a zero before": leading_zero,
    "one person under two numbers": twin,
    "no baseline": no_baseline,
    "weeks without an assessment": gap,
    "the same score at every visit": same_score,
    "a jump": jump,
    "another arm than planned": crossed,
    "a reason without a date": stop(None, "better", "reason without a date", "stop_reason"),
    "a date without a reason": stop(40, "", "date without a reason", "stop"),
    "stopped before randomisation": stop(-9, "better", "before randomisation", "stop"),
    "stopped after leaving": left,
    "assessed after leaving": seen_after_leaving,
    "a therapist without therapy": of_control("therapist", "T1", "therapist without psychotherapy"),
    "sessions without therapy": of_control("sessions", "12", "sessions without psychotherapy"),
    "an area without therapy": of_control("focus", "1", "problem area without psychotherapy"),
    "an age that may be a code": everywhere("age", "999", "missing code?"),
}  # fmt: skip
CONTROL_ONLY = {name for name, plant in SINGLE.items() if "of_control" in plant.__qualname__}
