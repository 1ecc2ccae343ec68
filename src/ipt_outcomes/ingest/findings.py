"""What ingest found wrong or worth knowing in a trial's data, and the gate that stops on errors.

Findings are a table, one row per thing found, so that they can be written, counted, shown on a page
and read back. They may quote cells of the export and are therefore never shared.

* **error**: the data cannot be analysed as they are; the gate stops the run.
* **warning**: the data are used, in the way the finding says; somebody should look.
* **note**: nothing to do; what was read, and what was left out on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.identifiers import identifying_entry, looks_like_a_name
from ipt_outcomes.whole_files import whole_file

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

FINDING_COLUMNS: dict[str, tuple[str, str]] = {
    "severity": ("str", "error, warning or note"),
    "trial": ("str", "short name of the trial"),
    "kind": ("str", "short name of what is wrong, the same for all findings alike"),
    "file": ("str", "the file, as config.yaml names it"),
    "row": ("Int64", "row of the file, as a spreadsheet counts (header = 1); empty for the file"),
    "participant": ("str", "study number; empty when the finding is about none"),
    "column": ("str", "column of the file; empty when the finding is about none"),
    "found": ("str", "what stands there; entries of the file in quotation marks"),
    "expected": ("str", "what was expected"),
    "mend": ("str", "what to do"),
}
"""Column of the findings table: (type, what it holds)."""

ALIKE = ["severity", "trial", "kind", "file", "column", "expected", "mend"]
"""Findings that share these are listed together."""
GROUP_FROM, GROUP_SHOWN = 20, 3

FILE_ROWS = 1 << 40
"""Rows of the second file of an export are numbered from here, of the third from twice it ..."""

MOST_WORDS_SHOWN, MOST_CHARACTERS_SHOWN = 3, 24
"""Entries of more words are free text, which may tell of a person."""

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


class DataErrors(ValueError):  # noqa: N818 - a list of errors, not one
    """Data that cannot be analysed; the message lists every error found.

    Parameters
    ----------
    message
        The list, as :func:`gate` writes it.
    findings
        The table of all findings.
    """

    def __init__(self, message: str, findings: pd.DataFrame) -> None:
        super().__init__(message)
        self.findings = findings


class Findings:
    """Collects findings while an export is read.

    Parameters
    ----------
    trial
        Short name of the trial.
    file
        The export, as the configuration names it.
    further_files
        Its further files.

    Examples
    --------
    >>> findings = Findings("example", "data/raw/export.csv")
    >>> findings.add("error", "not a number", row=17, column="hamd17_total",
    ...              found=quoted("1O"), expected="a number from 0 to 52",
    ...              mend="Correct the entry in the data base and export again.")
    >>> print(render(findings.table()))
    data/raw/export.csv, row 17, column hamd17_total: found "1O", expected a number from 0 to 52. \
Correct the entry in the data base and export again.
    """

    def __init__(self, trial: str, file: str, further_files: Sequence[str] = ()) -> None:
        self.trial = trial
        self.file = file
        self.files = [file, *further_files]
        self._columns: dict[str, list[Any]] = {name: [] for name in FINDING_COLUMNS}

    def add(
        self,
        severity: Severity,
        kind: str,
        *,
        row: int | Sequence[int] | np.ndarray | None = None,
        participant: str | Sequence[str] | np.ndarray | None = None,
        column: str | None = None,
        found: str | Sequence[str],
        expected: str = "",
        mend: str | Sequence[str] = "",
        file: str | None = None,
    ) -> None:
        """Note one finding, or several that differ in row, participant, found and mend.

        Parameters
        ----------
        severity, kind, column, found, expected, mend
            As in :data:`FINDING_COLUMNS`.
        row, participant
            One value, or one per finding.
        file
            The file, when it is not the export itself.
        """
        many = [v for v in (row, found, mend, participant) if _is_many(v)]
        n = len(many[0]) if many else 1  # type: ignore[arg-type]
        if n == 0:
            return
        numbers = [row] if row is None or isinstance(row, int) else [int(one) for one in row]
        places = [divmod(one or 0, FILE_ROWS) for one in numbers]
        of_file = [file or self.files[place] for place, _ in places]
        in_file = [
            None if one is None else at for one, (_, at) in zip(numbers, places, strict=True)
        ]
        values: dict[str, Any] = {
            "severity": severity,
            "trial": self.trial,
            "kind": kind,
            "file": of_file if _is_many(row) else of_file[0],
            "row": in_file if _is_many(row) else in_file[0],
            "participant": participant,
            "column": column,
            "found": found,
            "expected": expected,
            "mend": mend,
        }
        for name, value in values.items():
            self._columns[name].extend(value if _is_many(value) else [value] * n)

    def row_name(self, row: int) -> str:
        """Name a row in a message, with its file where there are several.

        Examples
        --------
        >>> findings = Findings("t", "a.csv", ["b.csv"])
        >>> findings.row_name(7), findings.row_name(FILE_ROWS + 7)
        ('row 7 of a.csv', 'row 7 of b.csv')
        """
        place = f"row {int(row) % FILE_ROWS}"
        return place if len(self.files) == 1 else f"{place} of {self.files[int(row) // FILE_ROWS]}"

    def table(self) -> pd.DataFrame:
        """Return all findings: errors first, then in the order of the file."""
        table = _typed(pd.DataFrame(self._columns))
        if table.empty:
            return table
        rank = table["severity"].map({name: place for place, name in enumerate(SEVERITIES)})
        order = pd.DataFrame(
            {
                "rank": rank,
                "file": table["file"]
                .map({name: n for n, name in enumerate(self.files)})
                .fillna(99),
                "row": table["row"].astype("Float64").fillna(0),
                "column": table["column"].fillna(""),
            }
        ).sort_values(["rank", "file", "row", "column"], kind="stable")
        return table.loc[order.index].reset_index(drop=True)


def _is_many(value: object) -> bool:
    return value is not None and not isinstance(value, str | int)


def no_findings() -> pd.DataFrame:
    """Return a findings table without rows."""
    return _typed(pd.DataFrame({name: [] for name in FINDING_COLUMNS}))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({name: dtype for name, (dtype, _) in FINDING_COLUMNS.items()})


def quoted(text: str, limit: int = 60) -> str:
    r"""Quote an entry of the file on one line, control characters made visible.

    Examples
    --------
    >>> print(quoted("1O"), quoted("a\tb"))
    "1O" "a\tb"
    """
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{visible[:limit]}..."' if len(visible) > limit else f'"{visible}"'


def entry(text: str) -> str:
    """Quote an entry of a participant's data, unless it may tell who the participant is.

    Examples
    --------
    >>> print(entry("1O"), "|", entry("anna@example.org"), "|", entry("was ill and could not come"))
    "1O" | an e-mail address (not shown) | a text of 6 words (not shown)
    """
    kind = identifying_entry(text)
    if kind is not None:
        article = "an" if kind.name[0] in "aeiouAEIO" else "a"
        return f"{article} {kind.name} (not shown)"
    if len(words := text.split()) > MOST_WORDS_SHOWN or looks_like_a_name(text):
        return f"a text of {len(words)} words (not shown)"
    return quoted(text, MOST_CHARACTERS_SHOWN)


def render(findings: pd.DataFrame) -> str:
    """Write findings as plain text, a line each; twenty or more alike are shortened.

    Parameters
    ----------
    findings
        Rows of a findings table.

    Returns
    -------
    str
        Lines without a final line break.
    """
    groups = findings.groupby(ALIKE, sort=False, dropna=False)
    place = groups.cumcount().to_numpy()
    size = groups["row"].transform("size").to_numpy()
    lines = []
    for finding, position, alike in zip(findings.to_dict("records"), place, size, strict=True):
        if alike < GROUP_FROM or position < GROUP_SHOWN:
            lines.append(_line(finding))
        elif position == GROUP_SHOWN:
            where = f"column {finding['column']}" if pd.notna(finding["column"]) else "this file"
            lines.append(f"  ... and {alike - GROUP_SHOWN:,} more rows like this in {where}")
    return "\n".join(lines)


def _line(finding: dict[Any, Any]) -> str:
    where = str(finding["file"])
    if pd.notna(finding["row"]):
        where += f", row {finding['row']}"
    elif pd.notna(finding["participant"]):
        where += f", participant {finding['participant']}"
    if pd.notna(finding["column"]):
        where += f", column {finding['column']}"
    expected = f", expected {finding['expected']}" if finding["expected"] else ""
    mend = f" {finding['mend']}" if finding["mend"] else ""
    return f"{where}: found {finding['found']}{expected}.{mend}"


def gate(findings: pd.DataFrame, where: str | Path | None = None) -> None:
    """Stop when there are errors.

    Parameters
    ----------
    findings
        The table of findings.
    where
        The file in which they are written, to be named in the message.

    Raises
    ------
    DataErrors
        With every error as text.
    """
    errors = findings[findings["severity"] == "error"]
    if errors.empty:
        return
    trials = ", ".join(dict.fromkeys(errors["trial"]))
    count = "1 error" if len(errors) == 1 else f"{len(errors):,} errors"
    warnings = int((findings["severity"] == "warning").sum())
    words = "1 warning" if warnings == 1 else f"{warnings:,} warnings"
    others = f", {words} among them," if warnings else ""
    written = f"\nAll findings{others} are listed in {where}." if where else ""
    message = f"The data of {trials} cannot be analysed: {count}.\n{render(errors)}{written}"
    raise DataErrors(message, findings)


def write_findings(findings: pd.DataFrame, path: str | Path) -> None:
    """Write findings as CSV that no spreadsheet takes for formulas, whole or not at all."""
    safe = findings.copy()
    for name in (name for name, (dtype, _) in FINDING_COLUMNS.items() if dtype == "str"):
        risky = safe[name].str.match(_FORMULA.pattern).fillna(False).astype(bool)
        safe[name] = safe[name].mask(risky, "'" + safe[name])
    with whole_file(path) as part:
        safe.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")


def read_findings(path: str | Path) -> pd.DataFrame:
    """Read findings that :func:`write_findings` wrote."""
    raw = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    columns: dict[str, pd.Series] = {}
    for name, (dtype, _) in FINDING_COLUMNS.items():
        text = raw[name]
        if dtype == "str":
            risky = text.str.match("'" + _FORMULA.pattern).astype(bool)
            text = text.mask(risky, text.str[1:])
        if name in {"row", "participant", "column"}:
            text = text.mask(text == "")
        columns[name] = text if dtype == "str" else pd.to_numeric(text)
    return _typed(pd.DataFrame(columns))
