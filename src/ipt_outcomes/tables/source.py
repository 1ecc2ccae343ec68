"""What tables and figures are made from: the study's words and one trial's rows of the estimates.

Helpers here name things as the configuration does and describe models as their rows do, so that
a table, a figure and a sentence about the same estimate always use the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from ipt_outcomes.results import NOT_FITTED
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS
from ipt_outcomes.tables.quotes import Part, Piece, Text, joined, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows

AS_RANDOMISED = "as randomised"
PER_PROTOCOL = "per protocol"
COMPLETERS = "completers"


@dataclass(frozen=True)
class Source:
    """The study, the trial, and the trial's rows.

    Parameters
    ----------
    study
        The configuration.
    trial
        Short name of the trial.
    rows
        The trial's shared rows of the estimates table.
    not_fitted
        Those that stand for models that could not be fitted: no table of numbers has a line for
        them, a note below it names them.
    """

    study: Study
    trial: str
    rows: Rows
    not_fitted: Rows = field(default_factory=lambda: Rows([]))

    @classmethod
    def of(cls, study: Study, estimates: pd.DataFrame, trial: str) -> Source:
        """Take what concerns one trial from an estimates table."""
        rows = list(Rows.of(estimates, trial))
        fitted = [row for row in rows if row["method"] != NOT_FITTED]
        return cls(
            study, trial, Rows(fitted), Rows([row for row in rows if row["method"] == NOT_FITTED])
        )

    @property
    def arms(self) -> list[str]:
        """Short names of the trial's arms, the reference last."""
        return self.study.arms_of(self.trial)

    def arm(self, name: str) -> Piece:
        """Name an arm."""
        return named(self.study.arms[name].label)

    def group(self, name: str) -> Piece:
        """Name an arm or a problem area."""
        if name in self.study.arms:
            return self.arm(name)
        return named(PROBLEM_AREA_LABELS.get(name, name))

    def visit(self, name: str) -> Piece:
        """Name a visit."""
        return named(self.study.visits[name].label)

    def outcome(self, name: str) -> Piece:
        """Name an outcome shortly."""
        return named(self.study.outcomes[name].short_label)

    def unit(self, outcome: str) -> Piece:
        """Name the unit of an outcome."""
        return named(self.study.outcomes[outcome].unit)

    def trial_label(self) -> Piece:
        """Name the trial."""
        return named(self.study.trials[self.trial].label)

    def recorded(self, stage: str) -> bool:
        """Whether the export has columns for a stage of the flow; if not, nobody can be counted."""
        columns = self.study.trials[self.trial].columns
        stem = {"stopped treatment": "treatment_stop", "left the study": "study_exit"}.get(stage)
        return stem is None or any(
            getattr(columns, f"{stem}_{kind}") for kind in ("date", "day", "reason")
        )

    def covariates(self) -> list[Piece]:
        """Name the covariates of the primary analysis, which other models share."""
        known = self.study.characteristics
        return [
            named(known[name].label if name in known else name.replace("_", " "))
            for name in self.study.analyses.primary.adjust_for
        ]

    def about_leaving(self) -> str:
        """Say how stopping treatment and leaving the study are counted."""
        if self.recorded("stopped treatment") and self.recorded("left the study"):
            return (
                "Stopping treatment and leaving the study are counted apart; one person may be in "
                "both, and who stopped treatment may still have been assessed."
            )
        return "The export does not record everyone who stopped treatment or left the study."

    def direction(self, outcome: str) -> str:
        """Say which way an outcome points."""
        return f"higher = {self.study.outcomes[outcome].higher_is}"

    def difference(self, row: Row) -> Text:
        """Name a difference, such as "IPT minus Medication"."""
        return words(self.group(row["arm"]), " minus ", self.group(row["reference"]))


def interval_head(rows: Iterable[Row]) -> Text:
    """Head of a column of intervals, with their level."""
    for row in rows:
        if row["level"] is not None:
            return words(quote(row, "level"), " CI")
    return words("CI")


def about_model(rows: Iterable[Row]) -> Text:
    """Describe the model behind rows: method, covariance, convergence, and what rows note."""
    for row in rows:
        if row["model_id"] is None:
            continue
        parts: list[Text] = [words("Model: ", quote(row, "method"))]
        if row["covariance"]:
            parts.append(words(quote(row, "covariance"), " covariance"))
        if row["interval_method"]:
            parts.append(words(quote(row, "interval method"), " intervals"))
        text = words(joined(parts, ", "), ".")
        if row["converged"] is False:
            text = words(text, " The model DID NOT CONVERGE: do not use these numbers.")
        if row["notes"]:
            text = words(text, " Note: ", quote(row, "notes"), ".")
        return text
    return words()


def not_fitted_notes(
    source: Source, starts: str | tuple[str, ...], **about: object
) -> Iterator[Text]:
    """Say of each model without a fit which it was, and why there are no numbers.

    Parameters
    ----------
    source
        Study and rows.
    starts
        Beginnings of the names of the analyses.
    about
        Columns that their rows have, as for :meth:`.Rows.where`.
    """
    for row in source.not_fitted.where(**about):
        if not row["analysis"].startswith(starts):
            continue
        parts: list[Part] = [quote(row, "analysis")]
        if row["outcome"] in source.study.outcomes:
            parts.append(source.outcome(row["outcome"]))
        if row["estimand"] in source.study.estimands:
            parts.append(named(source.study.estimands[row["estimand"]].label))
        parts.append(words("participants ", named(row["analysis_set"])))
        yield words("NOT FITTED: ", joined(parts), ": ",
                    quote(row, "notes"), ".")  # fmt: skip
