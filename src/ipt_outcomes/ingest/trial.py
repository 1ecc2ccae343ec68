"""From a trial's export to the canonical frames and to what was found on the way.

export -> table of text -> a reader's intermediate form -> one shared path -> frames and findings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ipt_outcomes.ingest import cdisc, long_layout, qualtrics, redcap, wide_layout
from ipt_outcomes.ingest.as_found import as_found
from ipt_outcomes.ingest.checks import Evidence, check_data
from ipt_outcomes.ingest.corrections import apply_corrections
from ipt_outcomes.ingest.files import read_files
from ipt_outcomes.ingest.findings import SEVERITIES, Findings
from ipt_outcomes.ingest.participants import NOBODY, participant_frame, read_people
from ipt_outcomes.ingest.process import read_process, with_process_findings
from ipt_outcomes.ingest.quality import anonymity_quality, item_quality
from ipt_outcomes.ingest.records import Records, all_columns
from ipt_outcomes.ingest.roster import Roster, read_roster
from ipt_outcomes.ingest.scores import (
    NO_SCORES,
    Scores,
    compare_ranges,
    one_per_visit,
    read_scores,
    score_frame,
)
from ipt_outcomes.ingest.screen import screen
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.unscheduled import count_unscheduled, unscheduled_frame
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import Trial

Reader = Callable[[Trial, RawTable, Path, Findings], Records | None]

READERS: dict[str, Reader] = {
    "redcap": redcap.read,
    "long": long_layout.read,
    "wide": wide_layout.read,
    "qualtrics": qualtrics.read,
    "adam": cdisc.read,
    "sdtm": cdisc.read,
}
"""Format: what turns its text table into the intermediate form."""


@dataclass(frozen=True)
class Ingested:
    """What came out of one trial's export.

    Parameters
    ----------
    scores, participants, process
        The canonical frames, valid also when the export could not be read (then empty).
    unscheduled
        Scores that count for no planned visit, see
        :data:`ipt_outcomes.ingest.unscheduled.UNSCHEDULED_COLUMNS`.
    findings
        What was found, see :data:`ipt_outcomes.ingest.findings.FINDING_COLUMNS`.
    counts
        What was read and used, as numbers and texts for JSON.
    quality
        Scoring of items, reliability and anonymity, for JSON.
    """

    scores: pd.DataFrame
    participants: pd.DataFrame
    unscheduled: pd.DataFrame
    process: pd.DataFrame
    findings: pd.DataFrame
    counts: dict[str, Any]
    quality: dict[str, Any]


def read_export(
    study: Study, trial: str, folder: str | Path, findings: Findings | None = None
) -> RawTable | None:
    """Read a trial's export as text, without interpreting anything.

    Parameters
    ----------
    study, trial
        The configuration, and the short name of one of its trials.
    folder
        The study's folder; the export's path is relative to it.
    findings
        Takes what makes the file, or a row of it, unreadable.

    Returns
    -------
    RawTable or None
        Text with the rows of the file; None when it cannot be read.
    """
    mapped = study.trials[trial]
    return read_files(
        mapped.export,
        Path(folder),
        f"trials.{trial}.export in config.yaml",
        {column for _, column in all_columns(mapped)},
        mapped.columns.participant,
        findings if findings is not None else findings_of(study, trial),
    )


def findings_of(study: Study, trial: str) -> Findings:
    """Return an empty collection of findings about a trial's export."""
    export = study.trials[trial].export
    return Findings(trial, export.file, export.further_files)


def ingest_trial(study: Study, trial: str, folder: str | Path, *, checks: bool = True) -> Ingested:
    """Read one trial's export into the canonical frames.

    Parameters
    ----------
    study, trial
        The configuration, and the short name of one of its trials.
    folder
        The study's folder; paths in the configuration are relative to it.
    checks
        Whether entries are also looked at side by side (:mod:`ipt_outcomes.ingest.checks`).

    Returns
    -------
    Ingested
        Frames, findings and counts. Bad data never raise: they are findings, and
        :func:`ipt_outcomes.ingest.gate` stops on those that are errors.

    Examples
    --------
    >>> from ipt_outcomes.study import load_study
    >>> study = load_study("config.yaml")  # doctest: +SKIP
    >>> ingest_trial(study, "example", ".").counts["participants"]  # doctest: +SKIP
    240
    """
    findings = findings_of(study, trial)
    table = read_export(study, trial, folder, findings)
    study = as_found(study, trial, table, findings)
    mapped = study.trials[trial]
    records, corrected = None, 0
    if table is not None:
        table, corrected = apply_corrections(mapped, table, Path(folder), findings)
        table = screen(study, trial, table, findings)
        records = READERS[mapped.export.format](mapped, table, Path(folder), findings)
    if records is None:
        roster, people, scores = Roster([]), NOBODY, Scores(NO_SCORES, [], 0, 0)
    else:
        roster, records = read_roster(records, findings)
        people = read_people(study, trial, records, roster, findings)
        compare_ranges(study, records, findings)
        scores = read_scores(study, trial, records, people, roster, findings)
    kept = one_per_visit(study, trial, scores, roster, findings)
    frame = score_frame(study, trial, kept, people, roster)
    participants = participant_frame(study, trial, people, roster, findings)
    if checks and records is not None and records.complete:
        evidence = Evidence(
            study, trial, records, people, roster, scores, frame, participants, findings
        )
        check_data(evidence)
    apart = unscheduled_frame(study, trial, scores, kept, roster)
    recognisable = anonymity_quality(study, participants, findings)
    process, further = read_process(study, trial, folder, people, roster)
    found = with_process_findings(findings.table(), further)
    counts = {
        "file": mapped.export.file,
        "files": mapped.export.files,
        "format": mapped.export.format,
        **({} if table is None else table.described),
        "decimal": mapped.export.decimal,
        "rows": 0 if table is None else len(table.rows),
        "blank_rows": 0 if table is None else table.blank_rows,
        "participants": len(participants),
        "participants_without_arm": len(roster.names) - len(participants),
        "assessments": scores.assessments,
        "scores": int(frame["score"].count()),
        "scores_not_used": scores.read - int(frame["score"].count()),
        "assessments_kept_apart": count_unscheduled(apart),
        "process_entries": len(process),
        "scores_by_visit": _by_visit(study, trial, frame),
        "corrections_applied": corrected,
        "findings": {name: int((found["severity"] == name).sum()) for name in SEVERITIES},
    }
    quality = {"items": item_quality(study, trial, scores), "anonymity": recognisable}
    return Ingested(frame, participants, apart, process, found, counts, quality)


def _by_visit(study: Study, trial: str, scores: pd.DataFrame) -> dict[str, dict[str, int]]:
    outcomes, visits = study.outcomes_of(trial), study.visits_of(trial)
    # The frame is a full grid: participants x outcomes x visits, in this order.
    grid = scores["score"].notna().to_numpy().reshape(-1, len(outcomes), len(visits)).sum(axis=0)
    return {
        outcome: {visit: int(grid[row, column]) for column, visit in enumerate(visits)}
        for row, outcome in enumerate(outcomes)
    }
