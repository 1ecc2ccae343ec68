"""The planned visits of an export: names, weeks, and windows half-way to their neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ipt_outcomes.draft.exports import ExportRead
from ipt_outcomes.draft.roles import Roles
from ipt_outcomes.draft.timing import Phase, Timing

BEFORE, AFTER = 42, 28
"""Days that the first window reaches back, and the last one reaches on."""
LONGEST_COURSE = 26
"""Weeks after which a visit is taken for follow-up: IPT takes twelve to sixteen."""


@dataclass(frozen=True)
class VisitGuess:
    """A visit.

    Parameters
    ----------
    name, label
        Our name for it, and what the export calls it.
    codes
        Codes in the visit column; none where columns tell the visit.
    week, phase, window
        When it was planned; None where the export does not say it.
    planned
        Whether any score stands in its rows.
    assumed
        Whether it is the baseline only for want of one: the earliest visit, named otherwise.
    """

    name: str
    label: str
    codes: tuple[str, ...]
    week: float | None
    phase: Phase | None
    window: tuple[int, int] | None = None
    planned: bool = True
    assumed: bool = False


def visit_guesses(export: ExportRead, roles: Roles) -> list[VisitGuess]:
    """Describe the visits of an export, in order of time.

    Parameters
    ----------
    export, roles
        The export, and the parts that its columns play.
    """
    column = roles.columns.get("visit")
    guesses: dict[str, VisitGuess] = {}
    for code, timing in roles.visits.items():
        label = code if column is None else export.columns[column].labels.get(code, code)
        planned = column is None or _has_scores(export, roles, column, code)
        one = guesses.get(timing.name)
        codes = (*(one.codes if one else ()), *((code,) if column else ()))
        guesses[timing.name] = _guess(timing, label, codes, planned=planned)
    visits = list(guesses.values())
    there = [one for one in visits if one.planned]
    if there and not any(one.phase == "baseline" for one in there):
        first = min(there, key=lambda one: one.week if one.week is not None else 1e9)
        at = visits.index(first)
        assumed = first.week is None or first.week > 0
        visits[at] = replace(first, phase="baseline", week=min(first.week or 0, 0), assumed=assumed)
    ordered = sorted(visits, key=lambda one: (one.week is None, one.week or 0))
    return _with_windows(ordered, roles)


def _guess(timing: Timing, label: str, codes: tuple[str, ...], *, planned: bool) -> VisitGuess:
    phase = timing.phase
    if phase is None and timing.week is not None:
        phase = "treatment" if timing.week <= LONGEST_COURSE else "follow-up"
    pretty = timing.name.replace("_", " ").capitalize()
    # A code such as "4" or "week_4_arm_1" is no label for a figure.
    label = label if " " in label else pretty
    return VisitGuess(timing.name, label, codes, timing.week, phase, planned=planned)


def _has_scores(export: ExportRead, roles: Roles, column: str, code: str) -> bool:
    cells = export.table.cells
    rows = cells[cells[column] == code]
    scores = [name for one in roles.outcomes for name in one.all_columns if name in cells]
    return not scores or bool(rows[scores].notna().any(axis=None))


def _with_windows(visits: list[VisitGuess], roles: Roles) -> list[VisitGuess]:
    planned = [one for one in visits if one.planned]
    told_by_day = {"visit_date", "visit_day"} & set(roles.columns)
    if not (told_by_day or roles.visit_dates) or any(one.week is None for one in planned):
        return visits
    days = [round((one.week or 0) * 7) for one in planned]
    windows: dict[str, tuple[int, int]] = {}
    for place, one in enumerate(planned):
        first = days[place] - BEFORE if place == 0 else windows[planned[place - 1].name][1] + 1
        if place + 1 == len(planned):
            last = days[place] + AFTER
        elif one.phase == "baseline":
            last = days[place]  # what comes after day 0 comes after randomisation
        else:
            last = (days[place] + days[place + 1] - 1) // 2
        windows[one.name] = (first, last)
    return [replace(one, window=windows.get(one.name)) for one in visits]
