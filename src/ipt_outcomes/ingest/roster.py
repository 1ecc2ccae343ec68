"""Who is in an export: the participants' study numbers, in an order that the rows do not decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipt_outcomes.ingest.findings import Findings
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
    unique = pd.Series(records.people.cells["participant"].unique(), dtype="str")
    keys = natural_keys(unique)
    table = pa.table({"key": pa.array(keys), "name": pa.array(unique)})
    order = pc.sort_indices(table, [("key", "ascending"), ("name", "ascending")]).to_numpy()
    roster = Roster(unique.take(order).tolist())
    _report_twins(roster, keys.take(order), records, findings)
    return roster, records


def natural_keys(texts: pd.Series) -> pd.Series:
    """Return texts that sort as these do when the numbers in them are compared as numbers.

    Examples
    --------
    >>> names = pd.Series(["P10", "P9", "P09"], dtype="str")
    >>> names[natural_keys(names).sort_values(kind="stable").index].tolist()
    ['P9', 'P09', 'P10']
    """
    width = 20
    padded = pc.replace_substring_regex(
        pa.array(texts, pa.large_string()), r"([0-9]+)", "0" * width + r"\1"
    )
    padded = pc.replace_substring_regex(padded, rf"[0-9]*([0-9]{{{width}}})", r"\1")
    return pd.Series(pd.array(padded, dtype="str"), index=texts.index)


def _report_twins(roster: Roster, keys: pd.Series, records: Records, findings: Findings) -> None:
    """Warn of study numbers that differ only in capitals, blanks or leading zeros."""
    plain = pc.replace_substring_regex(pa.array(keys, pa.large_string()), r"[\s\pZ]+", "")
    alike = pd.Series(pd.array(pc.utf8_lower(plain), dtype="str"))
    if not alike.duplicated().any():
        return
    cells = records.people.cells["participant"]
    for _, places in alike[alike.duplicated(keep=False)].groupby(alike):
        first, *others = (roster.names[place] for place in places.index)
        for name in others:
            row, other = (
                int(records.people.rows[(cells == one).to_numpy()].min()) for one in (name, first)
            )
            findings.add("warning", "study numbers alike", row=row, participant=name,
                         column=records.people.columns["participant"],
                         found=f"a study number like that of row {other}, but for capitals, "
                         "blanks or leading zeros",
                         expected="study numbers that differ clearly; they are read as those of "
                         "two participants",
                         mend="If both are one participant, correct the study number.",
                         )  # fmt: skip
