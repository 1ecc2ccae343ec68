"""What REDCap says of an export's fields besides their values: identifiers, unfinished forms."""

from __future__ import annotations

from ipt_outcomes.ingest.dictionary import Dictionary
from ipt_outcomes.ingest.findings import Findings, quoted
from ipt_outcomes.ingest.records import ITEM, OUTCOME, all_columns
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study.trials import Trial

UNFINISHED = {"0": "incomplete", "1": "unverified", "incomplete": "incomplete",
              "unverified": "unverified"}  # fmt: skip
"""Entry of ``<form>_complete``, code or label: what it says; complete forms are not listed."""

HARMLESS = ("participant", "randomisation_date", "visit_date", "treatment_start_date",
            "treatment_stop_date", "study_exit_date")  # fmt: skip
"""Fields that never pass as they are: study numbers become pseudonyms, dates become days."""


def report_identifiers(
    trial: Trial, table: RawTable, dictionary: Dictionary, findings: Findings
) -> None:
    """Refuse configured columns that the data base marks as identifying a person.

    Parameters
    ----------
    trial, table, dictionary
        The configuration, the export and its dictionary.
    findings
        Takes an error for each.
    """
    for key, column in all_columns(trial):
        field = dictionary.of_column(column)
        if field is None or not field.identifier or column not in table.cells:
            continue
        if key.partition(".")[0] in HARMLESS:
            continue
        findings.add("error", "identifier", row=1, column=table.head(column),
                     found="a field that the data dictionary marks as an identifier",
                     expected="no field that tells who a participant is",
                     mend=f"Take it out of trials.{findings.trial}.columns.{key}; or, when it "
                     "identifies nobody, take the mark off in the data base.")  # fmt: skip


def report_unfinished_forms(
    trial: Trial, table: RawTable, dictionary: Dictionary, findings: Findings
) -> None:
    """Count scores in forms that are not marked complete.

    Parameters
    ----------
    trial, table, dictionary
        The configuration, the export and its dictionary.
    findings
        Takes a note for each form.
    """
    forms: dict[str, list[str]] = {}
    for key, column in all_columns(trial):
        field = dictionary.of_column(column)
        if key.startswith((OUTCOME, ITEM)) and column in table.cells and field is not None:
            forms.setdefault(field.form, []).append(column)
    for form, columns in forms.items():
        status = f"{form}_complete"
        if status not in table.cells:
            continue
        said = table.cells[status].str.lower().map(UNFINISHED)
        filled = table.cells[columns].notna().any(axis=1) & said.notna()
        if filled.any():
            counts = said[filled].value_counts()
            words = ", ".join(f"{n:,} {state}" for state, n in counts.items())
            findings.add("note", "unfinished forms", column=status,
                         found=f"scores in forms {quoted(form)} not marked complete ({words})",
                         mend="They are used. Complete the forms, or empty them, in the data "
                         "base.")  # fmt: skip
