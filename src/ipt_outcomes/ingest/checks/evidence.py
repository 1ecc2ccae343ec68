"""What the checks look at, and how they say where in the export something stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, Severity
from ipt_outcomes.ingest.participants import People
from ipt_outcomes.ingest.records import Records
from ipt_outcomes.ingest.roster import Roster
from ipt_outcomes.ingest.scores import Scores
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import Trial


@dataclass(frozen=True)
class Evidence:
    """One trial, as it was read.

    Parameters
    ----------
    study, trial
        The configuration.
    records, people, roster, answers
        The export, its participants and the answers to single items.
    scores, participants
        The canonical frames, under the export's own study numbers.
    findings
        Takes what is found.
    """

    study: Study
    trial: str
    records: Records
    people: People
    roster: Roster
    answers: Scores
    scores: pd.DataFrame
    participants: pd.DataFrame
    findings: Findings

    @property
    def mapped(self) -> Trial:
        """The trial's configuration."""
        return self.study.trials[self.trial]

    @cached_property
    def place(self) -> dict[str, int]:
        """Place of each participant in the roster."""
        return {name: place for place, name in enumerate(self.roster.names)}

    def grid(self, outcome: str, what: str = "score") -> np.ndarray:
        """Return scores (or days, or rows) of an outcome: participants x planned visits.

        The score frame is a full grid in this order; looking at it as such is what keeps the checks
        fast for a million rows.
        """
        visits, outcomes = self.study.visits_of(self.trial), self.study.outcomes_of(self.trial)
        column = self._numbers[what]
        return column.reshape(-1, len(outcomes), len(visits))[:, outcomes.index(outcome), :]

    @cached_property
    def _numbers(self) -> dict[str, np.ndarray]:
        return {
            name: self.scores[name].to_numpy(dtype=np.float64, na_value=np.nan)
            for name in ("score", "day", "source_row")
        }

    def cells(self, outcome: str, where: np.ndarray) -> pd.DataFrame:
        """Return the cells of a grid that are marked, one row each.

        Parameters
        ----------
        outcome
            Short name of the outcome.
        where
            Participants x planned visits: which cells.

        Returns
        -------
        pandas.DataFrame
            Columns ``participant``, ``outcome``, ``visit``, ``source_row``; and ``at`` and ``to``,
            the cell's place in the grid.
        """
        at, to = np.nonzero(where)
        visits = np.array(self.study.visits_of(self.trial), dtype=object)
        return pd.DataFrame(
            {
                "participant": self.participants["participant"].take(at).to_numpy(dtype=object),
                "outcome": outcome,
                "visit": visits[to],
                "source_row": self.grid(outcome, "source_row")[at, to],
                "at": at,
                "to": to,
            }
        )

    def column_of(self, outcome: str, visit: str | None = None) -> str | None:
        """Return the export's column in which an outcome (at a visit) stands."""
        for block in self.records.assessments:
            if block.visit in (None, visit) or visit is None:
                for name in (f"outcomes.{outcome}", *block.items_of(outcome).values()):
                    if name in block.columns:
                        return block.columns[name]
        return None

    def person(
        self,
        severity: Severity,
        kind: str,
        which: np.ndarray | pd.Series,
        field: str,
        *,
        found: str | Sequence[str],
        expected: str,
        mend: str,
    ) -> None:
        """Report participants, at the row in which a field of theirs stands.

        Parameters
        ----------
        severity, kind, found, expected, mend
            As in the findings table.
        which
            For each participant of the frame whether it is reported.
        field
            Field of the configuration, such as ``therapist``.
        """
        names = self.participants.loc[np.asarray(which, dtype=bool), "participant"].tolist()
        rows = self.people.rows.get(field, self.people.first_row)
        self.findings.add(
            severity,
            kind,
            row=[int(rows[self.place[name]]) for name in names],
            participant=names,
            column=self.records.people.columns.get(field),
            found=[found] * len(names) if isinstance(found, str) else found,
            expected=expected,
            mend=mend,
        )

    def score(
        self, severity: Severity, kind: str, rows: pd.DataFrame, *, expected: str, mend: str
    ) -> None:
        """Report scores; ``rows`` are of the score frame, with the words in a column ``found``."""
        for (outcome, visit), group in rows.groupby(["outcome", "visit"], sort=False):
            about: dict[str, Any] = {"row": group["source_row"].astype(int).tolist()}
            self.findings.add(
                severity,
                kind,
                participant=group["participant"].tolist(),
                column=self.column_of(str(outcome), str(visit)),
                found=group["found"].tolist(),
                expected=expected,
                mend=mend,
                **about,
            )
