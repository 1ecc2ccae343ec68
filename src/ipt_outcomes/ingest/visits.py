"""Which planned visit an assessment belongs to.

The day decides: an assessment belongs to the visit whose window holds its day since randomisation,
whatever the event is called. The event's name decides only where there is no day, or where the
configuration gives its visit no window.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ipt_outcomes.ingest.findings import Findings, Severity, entry
from ipt_outcomes.ingest.participants import People
from ipt_outcomes.ingest.records import Part
from ipt_outcomes.ingest.values import BAD, BLANK, MOST_DAYS, Cells, code, date, number
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import NOT_A_VISIT, UNSCHEDULED

NOWHERE, UNKNOWN, NO_ASSESSMENT, UNPLANNED, OUTSIDE = -1, -2, -3, -4, -5
"""Instead of a visit's place: not told, not a known code, an event without assessment, an
unscheduled event without a day, a day outside every window."""
REASONS = {
    NOWHERE: "visit not told",
    UNKNOWN: "unknown event",
    NO_ASSESSMENT: "event without assessment",
    UNPLANNED: "unscheduled, without a day",
    OUTSIDE: "outside every window",
}
"""Why an assessment belongs to no planned visit."""


@dataclass(frozen=True)
class Windows:
    """The planned visits of a trial, in order of time.

    Parameters
    ----------
    names
        The visits.
    first, last
        First and last day of each window; not-a-number for a visit without one.
    """

    names: list[str]
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, study: Study, trial: str) -> Windows:
        """Return the windows of a trial's visits."""
        names = study.visits_of(trial)
        days = [study.visits[name].window_days or (math.nan, math.nan) for name in names]
        return cls(names, *np.array(days, dtype=np.float64).reshape(-1, 2).T)

    def visit_on(self, day: np.ndarray) -> np.ndarray:
        """Return the place of the visit whose window holds each day, else :data:`NOWHERE`.

        Examples
        --------
        >>> windows = Windows(["baseline", "week_4"], np.array([-28.0, 14]), np.array([0.0, 41]))
        >>> windows.visit_on(np.array([-3, 41, 42, np.nan])).tolist()
        [0, 1, -1, -1]
        """
        visit = np.full(len(day), NOWHERE)
        for place, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            visit[(day >= first) & (day <= last)] = place
        return visit

    @property
    def exist(self) -> np.ndarray:
        """Whether each visit has a window."""
        return np.asarray(~np.isnan(self.first))

    def __str__(self) -> str:
        there = zip(self.names, self.first, self.last, strict=True)
        return ", ".join(f"{n} {a:g} to {b:g}" for n, a, b in there if not math.isnan(a))


def place_assessments(
    study: Study,
    trial: str,
    block: Part,
    participant: np.ndarray,
    assessed: np.ndarray,
    people: People,
    findings: Findings,
) -> tuple[np.ndarray, np.ndarray]:
    """Find each row's visit and day.

    Parameters
    ----------
    study, trial
        The configuration.
    block
        Rows with scores.
    participant
        Place of each row's participant.
    assessed
        Whether each row holds any score; only these are reported when they belong nowhere.
    people
        For the day of randomisation.
    findings
        Takes what was found.

    Returns
    -------
    tuple of numpy.ndarray
        Place of the visit (a key of :data:`REASONS` for none) and day since randomisation
        (not-a-number when unknown), one per row.
    """
    windows = Windows.of(study, trial)
    event = _events(study, trial, block, windows, findings)
    when = _when(study, trial, block, findings)
    day = when.numbers() if when is not None else np.full(len(block.rows), math.nan)
    if "visit_date" in block.cells:
        day = day - people.day_of_randomisation()[participant]
    known = ~np.isnan(day)
    by_day = windows.visit_on(day)
    named = np.maximum(event, 0)
    open_ended = (event >= 0) & ~windows.exist[named]
    # An event called unscheduled says nothing against its day: the nearest assessment counts.
    by_name = event.copy()
    by_day[by_day < 0] = OUTSIDE
    visit = np.where(known & ~((by_day < 0) & open_ended), by_day, by_name)
    visit = np.where(known & ~windows.exist.any(), by_name, visit)
    visit[event == NO_ASSESSMENT] = NO_ASSESSMENT

    report = _Report(study, trial, block, windows, event, day, findings)
    lost = assessed & (visit < 0)
    datable = known & windows.exist.any()
    report.no_assessment(assessed & (event == NO_ASSESSMENT))
    report.outside(lost & datable & ((event >= NOWHERE) | (event == UNPLANNED)))
    report.untold(lost & ~datable & (event == NOWHERE) & ~_was_bad(when))
    report.disagreement(assessed & (visit >= 0) & (event >= 0) & (event != visit))
    if when is not None:
        report.undated(assessed & (when.codes == BLANK) & (event >= 0))
    return visit, day


def _events(
    study: Study, trial: str, block: Part, windows: Windows, findings: Findings
) -> np.ndarray:
    if block.visit is not None:
        return np.full(len(block.rows), windows.names.index(block.visit))
    if "visit" not in block.cells:
        return np.full(len(block.rows), NOWHERE)
    where = f"trials.{trial}.codes.visit in config.yaml"
    parser = code(study.trials[trial].codes.visit, where, "unknown event")
    cells = block.parse("visit", parser, findings)
    place = {name: place for place, name in enumerate(windows.names)}
    place[NOT_A_VISIT], place[UNSCHEDULED] = NO_ASSESSMENT, UNPLANNED
    result = np.full(len(cells.codes), NOWHERE)
    result[cells.codes == BAD] = UNKNOWN
    told = cells.codes >= 0
    result[told] = np.array([place[name] for name in cells.values], dtype=int)[cells.codes[told]]
    return result


def _when(study: Study, trial: str, block: Part, findings: Findings) -> Cells | None:
    mapped = study.trials[trial]
    top = f"trials.{trial}"
    for name in ("visit_date", "visit_day"):
        if name in block.cells:
            parser = date(mapped.dates, f"{top}.dates in config.yaml")
            if name == "visit_day":
                parser = number(
                    mapped.export.decimal_mark,
                    f"{top}.export in config.yaml",
                    f"{top}.codes.missing.{block.columns[name]}",
                    -MOST_DAYS,
                    MOST_DAYS,
                    whole=True,
                )
            return block.parse(name, parser, findings)
    return None


def _was_bad(when: Cells | None) -> np.ndarray | bool:
    return False if when is None else when.codes == BAD


@dataclass(frozen=True)
class _Report:
    """Words for assessments that belong to no visit, or to another than they say."""

    study: Study
    trial: str
    block: Part
    windows: Windows
    event: np.ndarray
    day: np.ndarray
    findings: Findings

    def no_assessment(self, which: np.ndarray) -> None:
        self._add("warning", "score in an event without assessment", which,
                  found=lambda place: f"a score in {self._entry('visit', place)}",
                  expected=f"no score, because config.yaml says {NOT_A_VISIT!r} of this event",
                  mend="The score is not used. If it is an assessment, name its visit under "
                  f"trials.{self.trial}.codes.visit.", about="visit")  # fmt: skip

    def outside(self, which: np.ndarray) -> None:
        planned = which & (self.event != UNPLANNED)
        aside = self.study.outside_windows == "set aside"
        mend = ("It is kept apart as unscheduled." if aside else
                "Correct the date, widen the window under visits in config.yaml, or set "
                "outside_windows: set aside.")  # fmt: skip
        self._outside("warning" if aside else "error", planned, mend)
        self._outside("note", which & ~planned, "It is unscheduled, and kept apart.")

    def _outside(self, severity: Severity, which: np.ndarray, mend: str) -> None:
        self._add(severity, "outside every window", which,
                  found=lambda place: f"day {self.day[place]:g} after randomisation"
                  + self._said(place),
                  expected=f"a day inside a window ({self.windows})", mend=mend)  # fmt: skip

    def untold(self, which: np.ndarray) -> None:
        self._add("error", "no visit", which,
                  found=lambda _: "a score without an event or a date",
                  expected="the visit at which it was obtained",
                  mend="Enter it in the data base and export again.")  # fmt: skip

    def disagreement(self, which: np.ndarray) -> None:
        names = self.windows.names
        by_day = self.windows.visit_on(self.day)
        self._add("warning", "event and day disagree", which,
                  found=lambda place: f"day {self.day[place]:g} after randomisation, which is "
                  f"{names[by_day[place]]}, in a row called {names[self.event[place]]}",
                  expected="the same visit by name and by day",
                  mend="The day decided; check the date.")  # fmt: skip

    def undated(self, which: np.ndarray) -> None:
        self._add("warning", "assessment without date", which,
                  found=lambda _: "a score without a date",
                  expected="the date of the assessment",
                  mend="The event's name decided the visit.")  # fmt: skip

    def _add(
        self,
        severity: Severity,
        kind: str,
        which: np.ndarray,
        *,
        found: Callable[[int], str],
        expected: str,
        mend: str,
        about: str = "visit_date",
    ) -> None:
        places = np.flatnonzero(which)
        self.findings.add(
            severity,
            kind,
            row=self.block.rows[places],
            participant=self.block.cells["participant"].take(places).tolist(),
            column=told_by(self.block, about),
            found=[found(int(place)) for place in places],
            expected=expected,
            mend=mend,
        )

    def _entry(self, name: str, place: int) -> str:
        return entry(str(self.block.cells[name].iloc[place]))

    def _said(self, place: int) -> str:
        texts = [
            self._entry(name, place)
            for name in ("visit_date", "visit")
            if name in self.block.cells and isinstance(self.block.cells[name].iloc[place], str)
        ]
        return f" ({', '.join(texts)})" if texts else ""


def told_by(block: Part, first: str = "visit_date") -> str:
    """Return the export's column that tells the visit: its day before its name."""
    for name in (first, "visit_date", "visit_day", "visit"):
        if name in block.columns:
            return block.columns[name]
    others = (column for name, column in block.columns.items() if name != "participant")
    return next(others, block.columns["participant"])
