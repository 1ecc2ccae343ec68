"""Further files of a trial (sessions, diaries, ratings, events) to one long frame.

One row per entry and variable: participant, file, session, day, visit, variable, value. Every
entry that is no value, every unknown participant and every session that stands twice is a finding
with its row; nothing is guessed and nothing dropped without a word.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ipt_outcomes.frames import no_process
from ipt_outcomes.ingest.findings import SEVERITIES, Findings, entry, quoted
from ipt_outcomes.ingest.participants import MOST_SESSIONS, People, whole
from ipt_outcomes.ingest.roster import Roster
from ipt_outcomes.ingest.screen import ScreenedColumn, screen_columns
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.text_file import TextFile
from ipt_outcomes.ingest.text_table import read_text_table
from ipt_outcomes.ingest.values import (
    AGAIN,
    MOST_DAYS,
    Cells,
    Parser,
    as_text,
    code,
    date,
    nearest,
    number,
    parse_column,
    tick,
)
from ipt_outcomes.study import Study
from ipt_outcomes.study.process_files import ProcessFile, ProcessVariable
from ipt_outcomes.study.trials import NO_PLANNED_VISIT


def read_process(
    study: Study, trial: str, folder: str | Path, people: People, roster: Roster
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read all further files of a trial.

    Parameters
    ----------
    study, trial
        The configuration, and the short name of one of its trials.
    folder
        The study's folder.
    people, roster
        The participants of the export.

    Returns
    -------
    tuple of pandas.DataFrame
        The process frame (see :data:`ipt_outcomes.frames.PROCESS_COLUMNS`), and the findings.
    """
    frames, found = [no_process()], []
    for name, described in study.trials[trial].process.items():
        findings = Findings(trial, described.file)
        file = _File(study, trial, name, described, people, roster, findings)
        frames.append(file.read(Path(folder)))
        found.append(findings.table())
    table = pd.concat(frames, ignore_index=True)
    nothing = Findings(trial, "").table()
    return table, pd.concat([nothing, *found], ignore_index=True)


def with_process_findings(first: pd.DataFrame, further: pd.DataFrame) -> pd.DataFrame:
    """Put the findings of further files behind those of the export, errors first of all."""
    both = pd.concat([first, further], ignore_index=True)
    rank = both["severity"].map({name: place for place, name in enumerate(SEVERITIES)})
    return both.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)


class _File:
    """One further file, while it is read."""

    def __init__(
        self,
        study: Study,
        trial: str,
        name: str,
        described: ProcessFile,
        people: People,
        roster: Roster,
        findings: Findings,
    ) -> None:
        self.study, self.trial, self.name, self.described = study, trial, name, described
        self.people, self.roster, self.findings = people, roster, findings
        self.top = f"trials.{trial}.process.{name}"

    def read(self, folder: Path) -> pd.DataFrame:
        described = self.described
        source = TextFile(
            folder / described.file,
            described.file,
            f"{self.top} in config.yaml",
            self.findings,
            described.encoding,
            described.delimiter,
        )
        table = read_text_table(source, set(self._columns().values()))
        if table is None or not self._all_there(table):
            return no_process()
        table = self._screened(table)
        rows = table.rows
        who = table.cells[described.participant]
        place = pd.Index(self.roster.names, dtype="str").get_indexer(pd.Index(who, dtype="str"))
        self._report_strangers(who, place, rows)
        keep = place >= 0
        cells, rows, who = (
            table.cells[keep].reset_index(drop=True),
            rows[keep],
            who[keep].reset_index(drop=True),
        )
        place = place[keep]
        when = self._when(cells, rows, who, place)
        self._report_twice(when, who, rows)
        parts = [
            self._variable(variable, how, cells, rows, who, when)
            for variable, how in described.variables.items()
        ]
        return pd.concat([no_process(), *parts], ignore_index=True)

    def _screened(self, table: RawTable) -> RawTable:
        used: dict[str, list[str]] = {}
        for field, column in self._columns().items():
            used.setdefault(column, []).append(field)
        passing = {
            how.column
            for how in self.described.variables.values()
            if how.kind == "category" and not how.labels
        }
        columns = [
            ScreenedColumn(name, tuple(used.get(name, ())), name in passing)
            for name in table.cells.columns
        ]
        return screen_columns(self.study, table, columns, self.findings)

    def _columns(self) -> dict[str, str]:
        described = self.described
        named = {key: getattr(described, key) for key in ("session", "day", "date", "visit")}
        named = {key: column for key, column in named.items() if column}
        variables = {f"variables.{k}.column": v.column for k, v in described.variables.items()}
        return {"participant": described.participant, **named, **variables}

    def _all_there(self, table: RawTable) -> bool:
        fine = True
        for key, column in self._columns().items():
            if column in table.cells:
                continue
            fine = False
            near = nearest(column, list(table.cells.columns))
            hint = f"Did you mean {quoted(near)}? " if near else ""
            twice = column in table.repeated
            self.findings.add(
                "error",
                "column stands twice" if twice else "missing column",
                row=1,
                column=column,
                found="two columns of this name" if twice else "no column of this name",
                expected=f"one, as {self.top}.{key} in config.yaml says",
                mend=f"{hint}Correct the name there, or export again with this column.",
            )
        return fine

    def _report_strangers(self, who: pd.Series, place: np.ndarray, rows: np.ndarray) -> None:
        nobody = who.isna().to_numpy()
        self.findings.add(
            "error", "no study number", row=rows[nobody], column=self.described.participant,
            found=["an empty cell"] * int(nobody.sum()), expected="the participant's study number",
            mend="Enter it, or remove the row.",
        )  # fmt: skip
        strange = (place < 0) & ~nobody
        self.findings.add(
            "error", "unknown participant", row=rows[strange],
            participant=who[strange].astype("str").tolist(), column=self.described.participant,
            found="a study number that the export does not have",
            expected="a study number of the trial's export",
            mend="Correct it, or remove the rows of people who were not randomised.",
        )  # fmt: skip

    def _when(
        self, cells: pd.DataFrame, rows: np.ndarray, who: pd.Series, place: np.ndarray
    ) -> dict[str, object]:
        described, n = self.described, len(cells)
        nothing = whole(np.full(n, np.nan))
        when: dict[str, object] = {
            "session": nothing,
            "day": nothing,
            "visit": pd.array([None] * n, dtype="str"),
        }
        settings = f"{self.top} in config.yaml"
        if described.session:
            parser = number(described.decimal, settings, self.top, 0, MOST_SESSIONS, whole=True)
            session = self._parse(described.session, parser, cells, rows, who).numbers()
            when["session"] = whole(session)
        if described.day:
            parser = number(
                described.decimal, settings, self.top, -MOST_DAYS, MOST_DAYS, whole=True
            )
            when["day"] = whole(self._parse(described.day, parser, cells, rows, who).numbers())
        if described.date:
            mapped = self.study.trials[self.trial]
            parser = date(mapped.dates, f"trials.{self.trial}.dates in config.yaml")
            ordinal = self._parse(described.date, parser, cells, rows, who).numbers()
            when["day"] = whole(ordinal - self.people.day_of_randomisation()[place])
        if described.visit:
            known = {
                text: name
                for text, name in self.study.trials[self.trial].codes.visit.items()
                if name not in NO_PLANNED_VISIT
            } or {name: name for name in self.study.visits}
            parser = code(known, f"trials.{self.trial}.codes.visit", "unknown visit")
            when["visit"] = self._parse(described.visit, parser, cells, rows, who).texts()
        return when

    def _parse(
        self, column: str, parser: Parser, cells: pd.DataFrame, rows: np.ndarray, who: pd.Series
    ) -> Cells:
        return parse_column(
            cells[column], parser, self.findings, rows=rows, participants=who, column=column
        )

    def _report_twice(self, when: dict[str, object], who: pd.Series, rows: np.ndarray) -> None:
        for key, column in (("session", self.described.session), ("visit", self.described.visit)):
            if not column:
                continue
            pair = pd.DataFrame({"who": who, "when": when[key]})
            again = (pair.duplicated() & pair["when"].notna()).to_numpy()
            if self.described.session and key == "visit":
                continue
            self.findings.add(
                "error", f"{key} stands twice", row=rows[again],
                participant=who[again].astype("str").tolist(), column=column,
                found=[f"a second row of {key} {entry(str(w))}" for w in pair["when"][again]],
                expected=f"one row for each participant and {key}", mend=AGAIN,
            )  # fmt: skip

    def _variable(
        self,
        variable: str,
        how: ProcessVariable,
        cells: pd.DataFrame,
        rows: np.ndarray,
        who: pd.Series,
        when: dict[str, object],
    ) -> pd.DataFrame:
        entries = cells[how.column].mask(cells[how.column].isin(how.missing))
        parsed = parse_column(
            entries,
            self._parser(variable, how),
            self.findings,
            rows=rows,
            participants=who,
            column=how.column,
        )
        category = how.kind == "category"
        values = np.full(len(cells), np.nan) if category else parsed.numbers()
        nothing = pd.array([None] * len(cells), dtype="str")
        frame = pd.DataFrame(
            {
                "trial": pd.array([self.trial] * len(cells), dtype="str"),
                "participant": who.astype("str"),
                "record": pd.array([self.name] * len(cells), dtype="str"),
                **when,
                "variable": pd.array([variable] * len(cells), dtype="str"),
                "value": values,
                "text": parsed.texts() if category else nothing,
                "source_row": pd.array(rows, dtype="Int64"),
            }
        )
        return frame[frame["value"].notna() | frame["text"].notna()]

    def _parser(self, variable: str, how: ProcessVariable) -> Parser:
        settings = f"{self.top} in config.yaml"
        where = f"{self.top}.variables.{variable}"
        if how.kind == "yes-no":
            return tick
        if how.kind == "category":
            if not how.labels:
                return as_text
            return code(how.labels, f"{where}.labels in config.yaml", "unknown category")
        lowest, highest = how.range if how.range else (-np.inf, np.inf)
        return number(self.described.decimal, settings, f"{where}.missing", lowest, highest)
