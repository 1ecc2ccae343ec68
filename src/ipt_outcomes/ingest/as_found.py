"""The configuration with what it leaves open filled in from the export, and reported."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ipt_outcomes.ingest.detection import DELIMITERS, detect_decimal
from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.ingest.records import assessment_columns, person_columns
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import Trial

PLAIN = {"encoding": "utf-8", "delimiter": ",", "decimal": "."}
"""What goes without saying; anything else that was found out is reported."""


def as_found(study: Study, trial: str, table: RawTable | None, findings: Findings) -> Study:
    """Fill in the decimal mark of an export, and say what was found out about the file.

    Parameters
    ----------
    study, trial
        The configuration.
    table
        The export; None when it could not be read.
    findings
        Takes a note of what was found out.

    Returns
    -------
    Study
        The configuration, complete.
    """
    mapped = study.trials[trial]
    export = mapped.export
    decimal: str | None = export.decimal
    if decimal is None:
        decimal = "." if table is None else detect_decimal(_number_columns(study, mapped, table))
    if table is not None and table.described.get("kind") == "text":
        _report(findings, mapped, {**table.described, "decimal": decimal})
    export = export.model_copy(update={"decimal": decimal})
    trials = {**study.trials, trial: mapped.model_copy(update={"export": export})}
    return study.model_copy(update={"trials": trials})


def _number_columns(study: Study, mapped: Trial, table: RawTable) -> Iterator[pd.Series]:
    """Yield the columns that should hold numbers: scores, and characteristics that are numbers."""
    fields = [*person_columns(mapped.columns).items()]
    for of_visit in assessment_columns(mapped.columns).values():
        fields += of_visit.items()
    numbers = {name for name, one in study.characteristics.items() if one.kind == "number"}
    cdisc = {"AVAL", "QSSTRESN", "QSSTRESC", "QSORRES"}
    wanted = {
        column
        for name, column in fields
        if name.startswith("outcomes.") or name.removeprefix("characteristics.") in numbers
    }
    for column in (wanted | cdisc) & set(table.cells.columns):
        yield table.cells[column]


def _report(findings: Findings, mapped: Trial, found: dict[str, str]) -> None:
    words = []
    for name, plain in PLAIN.items():
        if getattr(mapped.export, name) is None and found.get(name, plain) != plain:
            text = found[name]
            words.append(f"{name}: {DELIMITERS.get(text, text) if name != 'encoding' else text}")
    if words:
        findings.add("note", "found out", found=", ".join(words),
                     expected=f"these under trials.{findings.trial}.export in config.yaml",
                     mend="They were found out from the file. State them, so that no other file is "
                     "read otherwise.")  # fmt: skip
