"""The privacy screen: direct identifiers are refused and free text is dropped before anything else.

What is refused becomes empty in the table that readers get, so that it can reach no result; the
finding says where it stood and never quotes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.ingest.identifiers import Kind, identifying_entry, identifying_name
from ipt_outcomes.ingest.records import CHARACTERISTIC, all_columns
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import Trial

TEXT_FIELDS = ("site", "therapist", "group", "treatment_stop_reason", "study_exit_reason")
MOST_WORDS, MOST_CHARACTERS = 8, 60
"""A longer entry is free text."""
MANY = 20
"""From so many different entries on a column of text is looked at as a whole."""
OLDEST_AGE = 89
"""Ages above are direct identifiers (45 CFR 164.514(b)(2)(i)(C))."""
SUSPICIOUS = r"[A-Za-zÀ-ž@:]|[0-9](?:[ ./()+-]*[0-9]){6}|°"
"""What an entry must hold to be looked at closely: a letter, or seven digits."""
STUDY_NUMBER = r"^[A-Za-z]{1,4}[-_.]?[0-9]{1,6}$"
"""What no kind of identifier looks like, and most study numbers do: passed over quickly."""


@dataclass(frozen=True)
class ScreenedColumn:
    """One column of a file and what it is used for.

    Parameters
    ----------
    name
        Its name in the table.
    fields
        Fields of the configuration that it is used for; none when it is not used.
    is_text
        Whether its entries pass as they are, so that free text must not stand in it.
    """

    name: str
    fields: tuple[str, ...]
    is_text: bool = False

    @property
    def is_date(self) -> bool:
        """Whether its entries become days and pass no further."""
        return any(name.partition(".")[0].endswith("date") for name in self.fields)

    @property
    def is_participant(self) -> bool:
        """Whether it holds the study numbers, which become pseudonyms."""
        return "participant" in self.fields


def screen(study: Study, trial: str, table: RawTable, findings: Findings) -> RawTable:
    """Refuse direct identifiers and drop free text.

    Parameters
    ----------
    study, trial
        The configuration.
    table
        The export as text.
    findings
        Takes what was refused, without quoting it.

    Returns
    -------
    RawTable
        The export with refused entries empty.
    """
    mapped = study.trials[trial]
    columns = list(_columns(study, mapped, table))
    for column in columns:
        _old_age(mapped, column, table, table.cells[column.name], findings)
    return screen_columns(study, table, columns, findings)


def screen_columns(
    study: Study, table: RawTable, columns: Iterable[ScreenedColumn], findings: Findings
) -> RawTable:
    """Refuse direct identifiers and drop free text in some columns.

    Parameters
    ----------
    study
        The configuration.
    table
        A file as text.
    columns
        Its columns, and what they are used for.
    findings
        Takes what was refused.
    """
    changed: dict[str, pd.Series] = {}
    for column in columns:
        if table.head(column.name) in study.privacy.not_identifying:
            continue
        cells = table.cells[column.name]
        out = _refuse(study, column, table, cells, findings)
        out = out | _free_text(column, table, cells.mask(out), findings)
        if out.any():
            changed[column.name] = cells.mask(out)
    return replace(table, cells=table.cells.assign(**changed)) if changed else table


def _columns(study: Study, trial: Trial, table: RawTable) -> Iterator[ScreenedColumn]:
    used: dict[str, list[str]] = {}
    for field, column in all_columns(trial):
        used.setdefault(column, []).append(field)
    for name in table.cells.columns:
        fields = tuple(used.get(table.head(name), used.get(name, ())))
        yield ScreenedColumn(name, fields, any(_is_text(study, field) for field in fields))


def _refuse(
    study: Study, column: ScreenedColumn, table: RawTable, cells: pd.Series, findings: Findings
) -> np.ndarray:
    """Report a column named for an identifier, or entries that look like some."""
    head = table.head(column.name)
    filled = cells.notna().to_numpy(dtype=bool, copy=True)
    named = identifying_name(head) if not column.is_date else None
    if named is not None and filled.any() and not column.is_participant:
        _report(study, column, table, filled, named, f"a column named for it, with "
                f"{int(filled.sum()):,} entries (not shown)", findings)  # fmt: skip
        return filled
    if named is not None and filled.any():
        findings.add("warning", "study number looks like an identifier", row=1, column=head,
                     found=f"study numbers in a column named for a {named.name}",
                     expected="study numbers that were given for this study alone",
                     mend="They never leave the export: results hold pseudonyms. Still, keep "
                     "record numbers out of exports.")  # fmt: skip
    by_kind = _by_content(cells, column)
    out = np.zeros(len(cells), dtype=bool)
    for kind, at in by_kind.items():
        _report(study, column, table, at, kind, f"what looks like one in {int(at.sum()):,} "
                f"{'entry' if at.sum() == 1 else 'entries'} (not shown)", findings)  # fmt: skip
        out = out | at
    return out


def _by_content(cells: pd.Series, column: ScreenedColumn) -> dict[Kind, np.ndarray]:
    if column.is_date:
        return {}
    unique = pa.array(cells.dropna().unique(), pa.large_string())
    unique = unique.filter(pc.match_substring_regex(unique, SUSPICIOUS))
    close = unique.filter(pc.invert(pc.match_substring_regex(unique, STUDY_NUMBER))).to_pylist()
    found: dict[Kind, list[str]] = {}
    for text in close:
        kind = identifying_entry(text)
        if kind is not None:
            found.setdefault(kind, []).append(text)
    return {kind: cells.isin(texts).to_numpy() for kind, texts in found.items()}


def _report(
    study: Study,
    column: ScreenedColumn,
    table: RawTable,
    at: np.ndarray,
    kind: Kind,
    found: str,
    findings: Findings,
) -> None:
    unused = not column.fields
    aside = unused and study.privacy.identifiers_in_unused_columns == "leave out"
    first = int(table.rows[np.flatnonzero(at)[0]])
    if aside:
        mend = "It is left out. An export for analysis should not hold it."
    elif unused:
        mend = ("Export again without it (data bases have a setting that removes identifiers), or "
                "set privacy.identifiers_in_unused_columns: leave out.")  # fmt: skip
    else:
        mend = "Take it out of config.yaml, and out of the export."
    other = " If it identifies nobody, list the column under privacy.not_identifying."
    article = "an" if kind.name[0] in "aeiouAEIO" else "a"
    findings.add("warning" if aside else "error", "direct identifier", row=first,
                 column=table.head(column.name), found=f"{article} {kind.name}: {found}",
                 expected="no direct identifier of a person "
                 f"(45 CFR 164.514(b)(2)(i), {kind.hipaa})", mend=mend + other)  # fmt: skip


def _free_text(
    column: ScreenedColumn, table: RawTable, cells: pd.Series, findings: Findings
) -> np.ndarray:
    if not column.is_text:
        return np.zeros(len(cells), dtype=bool)
    entries = cells[cells.notna()]
    counts = entries.value_counts()
    long = {t for t in counts.index if len(t) > MOST_CHARACTERS or len(t.split()) > MOST_WORDS}
    spaced = sum(" " in text for text in counts.index)
    mostly = len(counts) >= MANY and 2 * len(counts) > len(entries) and 2 * spaced > len(counts)
    out = cells.isin(counts.index if mostly else long).to_numpy()
    if out.any():
        rows = table.rows[out]
        number = int(out.sum())
        findings.add("warning", "free text", row=int(rows[0]), column=table.head(column.name),
                     found=f"free text in {number:,} {'entry' if number == 1 else 'entries'} "
                     "(not shown)", expected="short codes, the same for all who have the same",
                     mend="These entries are dropped: free text may name persons. Code the "
                     "reasons in the data base.")  # fmt: skip
    return out


def _is_text(study: Study, field: str) -> bool:
    if field in TEXT_FIELDS:
        return True
    if not field.startswith(CHARACTERISTIC):
        return False
    about = study.characteristics.get(field.removeprefix(CHARACTERISTIC))
    return about is not None and about.kind == "category" and not about.labels


def _old_age(
    trial: Trial, column: ScreenedColumn, table: RawTable, cells: pd.Series, findings: Findings
) -> None:
    if CHARACTERISTIC + "age" not in column.fields:
        return
    ages = pd.to_numeric(
        cells.str.replace(trial.export.decimal or ".", ".", regex=False), errors="coerce"
    )
    old = (ages > OLDEST_AGE).to_numpy() & (ages < 130).to_numpy()
    if old.any():
        number = int(old.sum())
        findings.add("warning", "age above 89", column=table.head(column.name),
                     found=f"{number:,} {'age' if number == 1 else 'ages'} above {OLDEST_AGE}",
                     expected="ages that many people have",
                     mend="They enter means only, and no person's age is shown; do not publish "
                     "the highest age.")  # fmt: skip
