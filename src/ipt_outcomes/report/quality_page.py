"""The page about a trial's data: what was read, what was found, what to mend. No arm is shown.

It is for the trial's own staff and stays among the restricted results, because findings quote
entries of the export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ipt_outcomes.ingest.blinding import without_arms
from ipt_outcomes.ingest.findings import SEVERITIES
from ipt_outcomes.report.templating import templates
from ipt_outcomes.study import Study
from ipt_outcomes.whole_files import whole_file

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_AT_ONCE = 8
"""Of longer lists of findings alike the rest is folded."""
MEANING = {
    "error": "Must be mended before anything is analysed.",
    "warning": "Used as the finding says; somebody should look.",
    "note": "Nothing to do.",
}
TITLES = {"error": "Errors", "warning": "Warnings", "note": "Notes"}


@dataclass(frozen=True)
class Group:
    """Findings alike.

    Parameters
    ----------
    title
        What they are.
    severity
        Error, warning or note.
    expected
        What was expected.
    mend
        What to do, where it is the same for all.
    times
        How many findings these are.
    rows
        ``file``, ``where``, ``participant``, ``column``, ``found``, ``mend``; one for what several
        rows of a participant repeat.
    """

    title: str
    severity: str
    expected: str
    mend: str
    times: int
    rows: list[dict[str, str]]

    @property
    def count(self) -> str:
        """How many there are, in words."""
        return "once" if self.times == 1 else f"{self.times:,} times"


def groups(findings: pd.DataFrame) -> dict[str, list[Group]]:
    """Put findings alike together, by severity; the most frequent ones first.

    Parameters
    ----------
    findings
        A findings table.
    """
    result: dict[str, list[Group]] = {}
    for severity in SEVERITIES:
        of = findings[findings["severity"] == severity]
        made = []
        for (kind, expected), alike in of.groupby(["kind", "expected"], sort=False):
            mends = set(alike["mend"])
            same = mends.pop() if len(mends) == 1 else ""
            title = str(kind)[:1].upper() + str(kind)[1:]
            rows = _rows(alike, same)
            made.append(Group(title, severity, str(expected), same, len(alike), rows))
        result[severity] = sorted(made, key=lambda group: -group.times)
    return result


def _rows(alike: pd.DataFrame, same: str) -> list[dict[str, str]]:
    """Return the rows of a table; what a participant's rows repeat stands in one."""
    together: dict[Any, list[dict[Any, Any]]] = {}
    for place, finding in enumerate(alike.to_dict("records")):
        who = place if pd.isna(finding["participant"]) else finding["participant"]
        key = (finding["file"], who, _text(finding["column"]), finding["found"], finding["mend"])
        together.setdefault(key, []).append(finding)
    return [_row(of, same) for of in together.values()]


def places(rows: Sequence[int]) -> str:
    """Name rows of a file, neighbours as a range.

    Examples
    --------
    >>> places([7]), places([7, 8, 9, 12])
    ('row 7', 'rows 7–9, 12')
    """
    runs: list[list[int]] = []
    for row in sorted(rows):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    named = [str(first) if first == last else f"{first}–{last}" for first, last in runs]
    return ("row " if len(rows) == 1 else "rows ") + ", ".join(named)


def _row(findings: Sequence[Mapping[Any, Any]], same: str) -> dict[str, str]:
    finding = findings[0]
    rows = [int(one["row"]) for one in findings if pd.notna(one["row"])]
    where = places(rows) if rows else ""
    mend = "" if same else str(finding["mend"])
    return {
        "file": str(finding["file"]),
        "where": where,
        "participant": _text(finding["participant"]),
        "column": _text(finding["column"]),
        "found": str(finding["found"]),
        "mend": mend,
    }


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def quality_html(
    *,
    study: Study,
    trial: str,
    findings: pd.DataFrame,
    counts: Mapping[str, Any],
    quality: Mapping[str, Any],
) -> str:
    """Return the page as text; the arguments are those of :func:`write_quality_page`."""
    shown = without_arms(findings, study.trials[trial].columns)
    environment = templates(TEMPLATES)
    environment.filters["number"] = lambda n: f"{n:,}"
    environment.filters["two"] = lambda x: "–" if x is None else f"{x:.2f}"
    number = {name: int((shown["severity"] == name).sum()) for name in SEVERITIES}
    by_kind = groups(shown)
    return environment.get_template("quality.html.j2").render(
        study=study,
        trial=study.trials[trial],
        counts=counts,
        number=number,
        groups=by_kind,
        titles=TITLES,
        meaning=MEANING,
        quality=quality,
        outcomes=study.outcomes_of(trial),
        visits=_by_visit(study, trial, counts),
        at_once=SHOWN_AT_ONCE,
        style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
        own_style=Markup((TEMPLATES / "quality.css").read_text("utf-8")),
    )


def _by_visit(study: Study, trial: str, counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per visit: its label, and per outcome the scores and their share."""
    people = max(int(counts.get("participants", 0)), 1)
    by_outcome = counts.get("scores_by_visit", {})
    rows = []
    for visit in study.visits_of(trial):
        cells = []
        for outcome in study.outcomes_of(trial):
            n = int(by_outcome.get(outcome, {}).get(visit, 0))
            cells.append({"n": n, "percent": round(100 * n / people)})
        rows.append({"label": study.visits[visit].label, "cells": cells})
    return rows


def write_quality_page(
    *,
    study: Study,
    trial: str,
    findings: pd.DataFrame,
    counts: Mapping[str, Any],
    quality: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Write the page about a trial's data as one HTML file that needs nothing else.

    Parameters
    ----------
    study, trial
        The configuration.
    findings
        The findings table.
    counts, quality
        What ingest counted, and its summary of items and anonymity.
    path
        Where to write; the file appears whole or not at all.
    """
    page = quality_html(study=study, trial=trial, findings=findings, counts=counts, quality=quality)
    with whole_file(path) as part:
        part.write_text(page, "utf-8")
