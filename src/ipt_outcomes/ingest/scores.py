"""From rows with scores to the canonical score frame: one score per participant, outcome and visit.

Of several assessments in one window the one nearest to the planned day counts, of two equally near
the earlier or the later, as configured beforehand. All others, and those that belong to no planned
visit, are kept apart and listed. Two rows for the same participant, visit and day are an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import FILE_ROWS, Findings
from ipt_outcomes.ingest.items import ItemAnswers, score_block, with_items
from ipt_outcomes.ingest.participants import MOST_SESSIONS, People, whole
from ipt_outcomes.ingest.records import OUTCOME, Part, Records
from ipt_outcomes.ingest.roster import Roster
from ipt_outcomes.ingest.values import BLANK, Cells, number
from ipt_outcomes.ingest.visits import place_assessments, told_by
from ipt_outcomes.study import Study

KEY = ["participant", "outcome", "visit"]
NO_SCORES = pd.DataFrame({name: np.array([], dtype=np.int64) for name in KEY}).assign(
    day=np.array([], dtype=np.float64),
    session=np.array([], dtype=np.float64),
    score=np.array([], dtype=np.float64),
    row=np.array([], dtype=np.int64),
    told_by=np.array([], dtype=np.int64),
)


@dataclass(frozen=True)
class PlacedAnswers:
    """Answers to the items of one outcome, with whose they are and of which visit.

    Parameters
    ----------
    items
        The answers.
    participant, visit
        Places in their lists of each row; a visit below 0 is none.
    """

    items: ItemAnswers
    participant: np.ndarray
    visit: np.ndarray


@dataclass(frozen=True)
class Scores:
    """The scores of an export.

    Parameters
    ----------
    table
        ``participant``, ``outcome`` and ``visit`` as places in their lists, ``day``, ``session``,
        ``score``, ``row`` of the export, and ``told_by``, the place in ``columns`` of the column
        that told the visit. A visit below 0 is one of :data:`ipt_outcomes.ingest.visits.REASONS`.
    columns
        Names of columns.
    assessments
        Number of rows with a score.
    read
        Number of scores, those that belong to no visit included.
    answers
        Answers to single items, where the export has them.
    """

    table: pd.DataFrame
    columns: list[str]
    assessments: int
    read: int
    answers: list[PlacedAnswers] = field(default_factory=list)


def read_scores(
    study: Study, trial: str, records: Records, people: People, roster: Roster, findings: Findings
) -> Scores:
    """Read the scores and find their visits.

    Parameters
    ----------
    study, trial
        The configuration.
    records, people, roster
        The export, what is known of its participants, and who they are.
    findings
        Takes entries that are no scores, and assessments that belong to no visit.

    Returns
    -------
    Scores
        Perhaps several for one participant, outcome and visit.
    """
    columns: list[str] = []
    tables = []
    answers: list[PlacedAnswers] = []
    outcomes = study.outcomes_of(trial)
    assessments = read = 0
    for block in records.assessments:
        cells: dict[int, Cells] = {}
        rows: dict[int, np.ndarray] = {}
        placed: list[ItemAnswers] = []
        for place, outcome in enumerate(outcomes):
            name = OUTCOME + outcome
            entered = None
            if name in block.cells:
                entered = _parse(study, trial, outcome, block, findings)
                cells[place], rows[place] = entered, block.rows_of(name)
            of_items = score_block(study, trial, outcome, block, findings)
            if of_items is not None:
                cells[place] = with_items(entered, of_items, block, name, findings)
                rows[place] = block.rows_of(next(iter(block.items_of(outcome).values())))
                placed.append(of_items)
        assessed = np.zeros(len(block.rows), dtype=bool)
        for one in cells.values():
            assessed |= one.codes != BLANK
        assessments += int(assessed.sum())
        participant = roster.places(block)
        visit, day = place_assessments(study, trial, block, participant, assessed, people, findings)
        session = _sessions(study, trial, block, findings)
        answers += [PlacedAnswers(one, participant, visit) for one in placed]
        columns.append(told_by(block, "visit"))
        for place, one in cells.items():
            read += int((one.codes >= 0).sum())
            used = np.flatnonzero(one.codes >= 0)
            tables.append(
                pd.DataFrame(
                    {
                        "participant": participant[used],
                        "outcome": place,
                        "visit": visit[used],
                        "day": day[used],
                        "session": session[used],
                        "score": one.numbers()[used],
                        "row": rows[place][used],
                        "told_by": len(columns) - 1,
                    }
                )
            )
    table = pd.concat([NO_SCORES, *tables], ignore_index=True)
    return Scores(table, columns, assessments, read, answers)


def _parse(study: Study, trial: str, outcome: str, block: Part, findings: Findings) -> Cells:
    name = OUTCOME + outcome
    column = block.columns[name]
    lowest, highest = study.outcomes[outcome].range
    parser = number(
        study.trials[trial].export.decimal_mark,
        f"trials.{trial}.export in config.yaml",
        f"trials.{trial}.codes.missing.{column}",
        lowest,
        highest,
    )
    return block.parse(name, parser, findings)


def _sessions(study: Study, trial: str, block: Part, findings: Findings) -> np.ndarray:
    if "session" not in block.cells:
        return np.full(len(block.rows), np.nan)
    column = block.columns["session"]
    settings = f"trials.{trial}.export in config.yaml"
    missing = f"trials.{trial}.codes.missing.{column}"
    decimal = study.trials[trial].export.decimal_mark
    parser = number(decimal, settings, missing, 0, MOST_SESSIONS, whole=True)
    return block.parse("session", parser, findings).numbers()


def compare_ranges(study: Study, records: Records, findings: Findings) -> None:
    """Warn when config.yaml and the export's dictionary have other ranges for an outcome."""
    for name, limits in records.limits.items():
        if not name.startswith(OUTCOME):
            continue
        outcome = name.removeprefix(OUTCOME)
        configured = study.outcomes[outcome].range
        ends = (("lowest", limits.lowest), ("highest", limits.highest))
        for (word, allowed), here in zip(ends, configured, strict=True):
            if not np.isnan(allowed) and allowed != here:
                findings.add("warning", "ranges differ", file=limits.file, row=limits.row,
                             found=f"{allowed:g} as the {word} value of {outcome}",
                             expected=f"{here:g}, as outcomes.{outcome}.range in config.yaml says",
                             mend="Check which version of the instrument was used; config.yaml "
                             "decided.")  # fmt: skip


def one_per_visit(
    study: Study, trial: str, scores: Scores, roster: Roster, findings: Findings
) -> pd.DataFrame:
    """Keep one score per participant, outcome and planned visit.

    Parameters
    ----------
    study, trial, roster
        The configuration and the participants.
    scores
        The scores read.
    findings
        Takes the others: warnings, or errors where two rows claim the same day.

    Returns
    -------
    pandas.DataFrame
        Rows of ``scores.table``; a score that two rows contradict is empty.
    """
    table = scores.table[scores.table["visit"] >= 0].reset_index(drop=True)
    visits = study.visits_of(trial)
    target = np.array([study.visits[name].week * 7 for name in visits])
    if not table.duplicated(KEY).any():
        return table
    distance = (table["day"] - target[table["visit"]]).abs()
    sign = -1 if study.equally_near == "later" else 1
    table = table.assign(distance=distance, tie=sign * table["day"])
    table = table.sort_values([*KEY, "distance", "tie", "row"])
    first = ~table.duplicated(KEY)
    kept = table[first].reset_index(drop=True)
    others = table[~first].merge(kept, on=KEY, suffixes=("", "_kept"))
    same_day = (others["day"] == others["day_kept"]) | (
        others["day"].isna() & others["day_kept"].isna()
    )
    differs = others["score"] != others["score_kept"]
    _report_duplicates(others[same_day].assign(differs=differs), visits, scores, roster, findings)
    nearest = Nearest(visits, target, study.equally_near)
    _report_set_aside(others[~same_day], nearest, scores, roster, findings)
    contradicted = pd.MultiIndex.from_frame(others.loc[same_day & differs, KEY])
    kept.loc[pd.MultiIndex.from_frame(kept[KEY]).isin(contradicted), "score"] = np.nan
    return kept


def _report_duplicates(
    others: pd.DataFrame, visits: list[str], scores: Scores, roster: Roster, findings: Findings
) -> None:
    # One finding per row, however many outcomes it holds; the first row of the file is "first".
    rows = others.assign(
        early=others[["row", "row_kept"]].min(axis=1), late=others[["row", "row_kept"]].max(axis=1)
    )
    grouped = rows.groupby(["participant", "visit", "late", "told_by"], as_index=False).agg(
        early=("early", "min"), differs=("differs", "any")
    )
    for column_place, of_column in grouped.groupby("told_by"):
        names = [roster.names[place] for place in of_column["participant"]]
        found = [
            f"this participant at {visits[visit]} a second time, first in "
            f"{findings.row_name(early)}, "
            f"with {'other' if differs else 'the same'} scores"
            for visit, early, differs in zip(
                of_column["visit"], of_column["early"], of_column["differs"], strict=True
            )
        ]
        findings.add("error", "duplicated participant and visit",
                     row=of_column["late"].to_numpy(), participant=names,
                     column=scores.columns[int(str(column_place))], found=found,
                     expected="one row per participant and visit, or another date",
                     mend="Remove one of the two in the data base and export again.")  # fmt: skip


@dataclass(frozen=True)
class Nearest:
    """The planned days, and which of two equally near assessments counts."""

    visits: list[str]
    target: np.ndarray
    tie: str


def _report_set_aside(
    others: pd.DataFrame, plan: Nearest, scores: Scores, roster: Roster, findings: Findings
) -> None:
    rows = others.drop_duplicates(["participant", "visit", "row", "told_by"])
    for column_place, of_column in rows.groupby("told_by"):
        found = [
            f"{'no day' if pd.isna(day) else f'day {day:g}'}, a second assessment for "
            f"{plan.visits[visit]} (planned for day {plan.target[visit]:g}) beside day "
            f"{kept_day:g} in {findings.row_name(kept_row)}"
            for day, visit, kept_day, kept_row in zip(
                of_column["day"],
                of_column["visit"],
                of_column["day_kept"],
                of_column["row_kept"],
                strict=True,
            )
        ]
        findings.add("warning", "second assessment in a window",
                     row=of_column["row"].to_numpy(),
                     participant=[roster.names[place] for place in of_column["participant"]],
                     column=scores.columns[int(str(column_place))], found=found,
                     expected="one assessment per visit",
                     mend="The one nearest to the planned day is used, of two equally near the "
                     f"{plan.tie}; this one is set aside.")  # fmt: skip


def score_frame(
    study: Study, trial: str, kept: pd.DataFrame, people: People, roster: Roster
) -> pd.DataFrame:
    """Build the canonical score frame: every participant with an arm, outcome and planned visit.

    Parameters
    ----------
    study, trial
        The configuration.
    kept
        One row per score (see :func:`one_per_visit`).
    people, roster
        The participants.

    Returns
    -------
    pandas.DataFrame
        See :data:`ipt_outcomes.frames.SCORE_COLUMNS`.
    """
    outcomes, visits = study.outcomes_of(trial), study.visits_of(trial)
    has_arm = people.fields["arm"].codes >= 0 if "arm" in people.fields else np.zeros(
        len(roster.names), dtype=bool)  # fmt: skip
    place = np.cumsum(has_arm) - 1
    n, cells = int(has_arm.sum()), len(outcomes) * len(visits)
    kept = kept[has_arm[kept["participant"]]]
    at = (
        place[kept["participant"]] * cells
        + kept["outcome"].to_numpy() * len(visits)
        + kept["visit"].to_numpy()
    )
    grid: dict[str, np.ndarray] = {}
    for name in ("score", "day", "session", "row"):
        grid[name] = np.full(n * cells, np.nan)
        grid[name][at] = kept[name].to_numpy(dtype=np.float64)
    weeks = np.array([study.visits[name].week for name in visits], dtype=np.float64)
    visit = np.tile(np.arange(len(visits)), n * len(outcomes))
    outcome = np.tile(np.repeat(np.arange(len(outcomes)), len(visits)), n)
    names = pd.array(roster.names, dtype="str")[has_arm]
    return pd.DataFrame(
        {
            "trial": pd.array([trial], dtype="str").take(np.zeros(n * cells, dtype=np.int64)),
            "participant": names.take(np.repeat(np.arange(n), cells)),
            "outcome": pd.array(outcomes, dtype="str").take(outcome),
            "visit": pd.array(visits, dtype="str").take(visit),
            "week": weeks[visit],
            "day": whole(grid["day"]),
            "session": whole(grid["session"]),
            "score": grid["score"],
            "source_row": whole(grid["row"] % FILE_ROWS),
        }
    )
