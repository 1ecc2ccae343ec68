"""Who is in an export: the participants' study numbers, in an order that the rows do not decide."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, quoted
from ipt_outcomes.ingest.records import Part, Records


@dataclass(frozen=True)
class Roster:
    """The participants of an export.

    Parameters
    ----------
    names
        Study numbers, numbers in them ordered as numbers.
    """

    names: list[str]

    def places(self, part: Part) -> np.ndarray:
        """Return the place among the participants of each row of a part."""
        index = pd.Index(self.names, dtype="str")
        codes, unique = pd.factorize(part.cells["participant"])
        return index.get_indexer(pd.Index(unique, dtype="str"))[codes]


def read_roster(records: Records, findings: Findings) -> tuple[Roster, Records]:
    """List the participants; rows without a study number are reported and left out.

    Parameters
    ----------
    records
        The export in the intermediate form.
    findings
        Takes what was found.

    Returns
    -------
    tuple of Roster and Records
        The participants, and the records whose rows all have one.
    """
    cells = records.people.cells["participant"]
    nobody = cells.isna().to_numpy()
    column = records.people.columns["participant"]
    findings.add("error", "no study number", row=records.people.rows[nobody], column=column,
                 found=["an empty cell"] * int(nobody.sum()),
                 expected="the participant's study number",
                 mend="Enter it, or remove the row, and export again.")  # fmt: skip
    if nobody.any():
        records = records.without_rows(nobody)
    names = sorted(records.people.cells["participant"].unique(), key=natural_key)
    _report_twins(names, records, findings)
    return Roster(names), records


def natural_key(text: str) -> tuple[object, ...]:
    """Return a key that sorts numbers inside texts as numbers.

    Examples
    --------
    >>> sorted(["P10", "P9", "P09"], key=natural_key)
    ['P09', 'P9', 'P10']
    """
    pieces = re.split(r"([0-9]+)", text)
    # Digits are compared by length and then as text, which is their order and has no limit.
    digits = [(len(d.lstrip("0")), d.lstrip("0")) for d in pieces[1::2]]
    return (tuple(zip(pieces[::2], [*digits, (0, "")], strict=True)), text)


def _report_twins(names: list[str], records: Records, findings: Findings) -> None:
    """Warn of study numbers that differ only in capitals, blanks or leading zeros."""
    seen: dict[str, str] = {}
    for name in names:
        key = re.sub(r"(?<![0-9])0+(?=[0-9])", "", "".join(name.split()).casefold())
        other = seen.setdefault(key, name)
        if other != name:
            row = records.people.rows[(records.people.cells["participant"] == name).to_numpy()][0]
            findings.add("warning", "study numbers alike", row=int(row), participant=name,
                         column=records.people.columns["participant"], found=quoted(name),
                         expected=f"not also {quoted(other)}, which is read as somebody else",
                         mend="If both are one participant, correct the study number.",
                         )  # fmt: skip
