"""Whether what is to leave the house breaks the rules of disclosure: the last look before a bundle.

Analyses suppress small cells where they arise; this look relies on none of them. It reads the
shared results as an outsider would: rows marked restricted, counts and groups below the smallest
group, and participants' numbers in any text file. Flow, delivery, missing scores, exclusions and
harms are exempt from small cells: hiding a serious harm would be worse, and the pages say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

EXEMPT = ("flow", "safety", "not analysed", "missing data", "delivery")
"""Analyses whose small counts are shown: arm by arm, what was done with participants, and harms."""
HARM = "deteriorated"
"""Word of the contrasts that count harms in other analyses."""
GROUPS = ("observed mean", "standard deviation", "mean", "difference", "probability", "rate")
"""Quantities that describe the participants of ``n_arm``."""
TEXTS = {".csv", ".html", ".json", ".rst", ".svg", ".txt", ".yaml"}


def disclosure_findings(
    estimates: pd.DataFrame, files: Iterable[Path], participants: Iterable[str], smallest: int
) -> list[str]:
    """List every breach of the rules.

    Parameters
    ----------
    estimates
        The shared estimates table.
    files
        The shared files.
    participants
        The participants' numbers in the frames.
    smallest
        Smallest group that may be shown.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a/x"], "analysis": ["baseline"], "quantity": ["count"],
    ...     "contrast": ["women"], "estimate": [3.0], "n_arm": [40], "n_reference": [None],
    ...     "disclosure": ["shared"]})
    >>> disclosure_findings(table, [], [], 5)
    ['a/x: a count of 3, below 5']
    """
    found = [
        f"{row.id}: is marked restricted"
        for row in estimates[estimates["disclosure"] != "shared"].itertuples()
    ]
    harms = estimates["contrast"].astype("str").str.contains(HARM, na=False)
    open_rows = estimates[~estimates["analysis"].isin(EXEMPT) & ~harms]
    counts = open_rows[
        (open_rows["quantity"] == "count")
        & open_rows["estimate"].between(0, smallest, inclusive="neither")
        & ~open_rows["analysis"].str.startswith("robustness")  # counts of an assumption, not people
    ]
    found += [
        f"{row.id}: a count of {row.estimate:g}, below {smallest}" for row in counts.itertuples()
    ]
    for column in ("n_arm", "n_reference"):
        n = pd.to_numeric(open_rows[column]).fillna(0)
        small = open_rows[
            open_rows["quantity"].isin(GROUPS)
            & open_rows["estimate"].notna()
            & (n > 0)
            & (n < smallest)
        ]
        found += [
            f"{row.id}: describes {int(getattr(row, column))} participants, below {smallest}"
            for row in small.itertuples()
        ]
    names = sorted({name for name in participants if not name.isdigit()})
    if names:
        pattern = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, names)) + r")(?![\w-])")
        for path in files:
            if path.suffix in TEXTS and (match := pattern.search(path.read_text("utf-8"))):
                found.append(f"{path}: holds the participant number {match[1]}")
    return found
