"""What a finished run leaves to say: what was made, what needs a look, and where it is."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ipt_outcomes.results import NOT_FITTED, NOT_POSSIBLE, WHOLE_ANALYSIS

SHARED, RESTRICTED = Path("results/shared"), Path("results/restricted")


def run_summary(trials: Sequence[str], started_in: str, syntheses: Sequence[str] = ()) -> list[str]:
    """Return the lines that a run ends with.

    Parameters
    ----------
    trials
        Short names of the trials.
    started_in
        Folder that the run was started in: paths are given as seen from there.
    syntheses
        Short names of the syntheses.

    Returns
    -------
    list of str
        What was made and where, then what needs a look; empty when there are no results.
    """
    where = _Where(started_in)
    lines = []
    made = list(_made(trials, syntheses, where))
    if made:
        lines += ["Made:", *(f"  {line}" for line in made)]
    looks = [line for name in (*trials, *syntheses) for line in _looks(name, where)]
    if looks:
        lines += ["Look at:", *(f"  {line}" for line in looks)]
    elif made:
        lines.append("No warnings.")
    return lines


class _Where:
    """Paths as seen from the folder that the run was started in."""

    def __init__(self, started_in: str) -> None:
        self.started_in = started_in

    def __call__(self, path: Path) -> str:
        return os.path.relpath(path.resolve(), self.started_in)


def _made(trials: Sequence[str], syntheses: Sequence[str], where: _Where) -> Iterator[str]:
    for trial in trials:
        page = RESTRICTED / trial / "data_quality.html"
        if page.is_file():
            yield f"{trial}: the page about the data, not to be shared: {where(page)}"
        figures = len(list((SHARED / trial / "figures").glob("*.png")))
        tables = len(list((SHARED / trial / "tables").glob("*.csv")))
        if figures or tables:
            yield f"{trial}: figures ({figures}) and tables ({tables}) in {where(SHARED / trial)}"
    for name in syntheses:
        if (SHARED / name / "tables").is_dir():
            yield f"{name}: trials pooled, forest and tables in {where(SHARED / name)}"
    estimates = SHARED / "estimates.csv"
    if estimates.is_file():
        yield f"every estimate, one row each: {where(estimates)}"
    reports = [SHARED / f"report.{kind}" for kind in ("html", "docx", "pdf")]
    there = [report for report in reports if report.is_file()]
    if there:
        kinds = {"docx": "Word", "pdf": "PDF"}
        also = [kinds[path.suffix[1:]] for path in there if path.suffix[1:] in kinds]
        beside = f" (beside it as {' and '.join(also)})" if also else ""
        pooled = ", with a part about the pooled trials" if syntheses else ""
        yield f"the report: {where(there[0])}{beside}{pooled}"
    for path, what in (
        (SHARED / "analysis_plan.docx", "the draft of the analysis plan (beside it as a page)"),
        (SHARED.parent / "bundle.zip", "the bundle for reviewers"),
    ):
        if path.is_file():
            yield f"{what}: {where(path)}"


def _looks(trial: str, where: _Where) -> Iterator[str]:
    counts = _severities(RESTRICTED / trial / "findings.csv")
    page = RESTRICTED / trial / "data_quality.html"
    if counts:
        said = ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items())
        shown = page if page.is_file() else RESTRICTED / trial / "findings.csv"
        yield f"{trial}: {said} about the data, in {where(shown)}"
    failed = _not_converged(trial)
    if failed:
        yield f"{trial}: models that did not converge: {', '.join(failed)}"
    refused = _not_possible(trial)
    if refused:
        yield f"{trial}: not possible with these data, the report says why: {'; '.join(refused)}"


def _severities(path: Path) -> dict[str, int]:
    """Count the findings that a user should see, worst first."""
    counts = {"error": 0, "warning": 0}
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                if row.get("severity") in counts:
                    counts[row["severity"]] += 1
    return {kind: n for kind, n in counts.items() if n}


def _not_converged(trial: str) -> list[str]:
    """Name the analyses of a trial that hold a fit without convergence."""
    failed = [row["analysis"] for row in _estimates(trial) if row["converged"] == "False"]
    return list(dict.fromkeys(failed))


def _not_possible(trial: str) -> list[str]:
    """Name the analyses of a trial that its data do not allow."""
    refused = [
        row["analysis"].removesuffix(WHOLE_ANALYSIS)
        for row in _estimates(trial)
        if row.get("method") == NOT_FITTED and row["notes"].startswith(NOT_POSSIBLE)
    ]
    return list(dict.fromkeys(refused))


def _estimates(trial: str) -> Iterator[dict[str, str]]:
    path = SHARED / "estimates.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            yield from (row for row in csv.DictReader(stream) if row["trial"] == trial)
