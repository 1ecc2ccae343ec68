"""Small cells never reach a shared output.

A count of 1 to 4 in a described group can point at a person. It is left empty, and so is the
next smallest count of the same group whenever the hidden one could be had by subtraction.

Each analysis does so for its own rows, with the smallest group of 5. :func:`hold_small_cells` goes
over the rows of any analysis once more, before they are written, with the smallest group that the
study asks for (5 or 11), and hides what can be had by subtraction within a group and across arms.
Counts by arm of the participant flow (missing scores among it) and of harms are shown however small
they are: hiding a serious harm is worse.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

import numpy as np
import pandas as pd

SMALLEST = 5
"""The smallest count that is shown (zero is shown too: it describes nobody)."""


def suppressed(smallest: int) -> str:
    """Say that a count is hidden because it is small."""
    return f"suppressed: fewer than {smallest}"


def complement(smallest: int) -> str:
    """Say that a number is hidden because it would give a small count back."""
    return f"suppressed: would reveal a count below {smallest}"


SUPPRESSED = suppressed(SMALLEST)
COMPLEMENT = complement(SMALLEST)
FLOW = "arm-level flow counts are shown however small"


def suppress(counts: Mapping[str, int]) -> dict[str, str]:
    """Say which counts of one group must be hidden, and why.

    Parameters
    ----------
    counts
        Level: number of participants; the group's total is taken to be known.

    Returns
    -------
    dict
        Level: reason, for the levels to be hidden only.

    Examples
    --------
    >>> suppress({"A": 30, "B": 12, "C": 3})
    {'C': 'suppressed: fewer than 5', 'B': 'suppressed: would reveal a count below 5'}
    >>> suppress({"A": 30, "B": 0})
    {}
    """
    hidden = {level: SUPPRESSED for level, n in counts.items() if 0 < n < SMALLEST}
    shown = {level: n for level, n in counts.items() if n >= SMALLEST}
    # Hidden counts that sum to less than SMALLEST are as good as shown: the total gives the sum.
    known_sum = sum(counts[level] for level in hidden)
    if hidden and (len(hidden) == 1 or known_sum < SMALLEST):
        if shown:
            hidden[min(shown, key=lambda level: shown[level])] = COMPLEMENT
        else:  # only zeros beside it: they are hidden too
            hidden |= {level: COMPLEMENT for level in counts if level not in hidden}
    return hidden


# --- the last pass over the rows of any analysis -------------------------------------------------

NEVER_HIDDEN = (
    "flow",
    "not analysed",
    "delivery",
    "safety",
    "adverse events",
    "deaths",
    "deterioration",
)
"""Analyses (or how they begin) of flow and harm, whose counts by arm are shown however small."""
HARM = "deteriorated"
"""A word of the contrasts that count harms in other analyses."""
NO_PARTICIPANTS = ("robustness", "power", "pooled")
"""Analyses whose counts are not of participants, such as imputations or steps."""
REMISSION_SHARES = "robustness, remission"
"""Their proportions are of participants all the same."""
DESCRIPTIVE = ("count", "probability", "rate", "observed mean", "standard deviation")
_NUMBERS = ("estimate", "se", "df", "statistic", "lower", "upper", "p", "n_arm")
_GROUP = ("trial", "outcome", "analysis", "analysis_set", "estimand", "contrast", "visit")
_WHOLE = 1e-6


def hold_small_cells(table: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Hide small groups of participants, and what would reveal them, in rows that are shared.

    Parameters
    ----------
    table
        An estimates table.
    smallest
        The smallest group that is shown; zero is shown too.

    Returns
    -------
    pandas.DataFrame
        The table; hidden rows have no numbers, and their notes say why.

    Examples
    --------
    >>> from ipt_outcomes.results import estimates
    >>> rows = estimates([dict(trial="a", outcome="site", analysis="baseline",
    ...     analysis_set="all", quantity="count", subgroup=site, arm="IPT", estimate=n, n_arm=27,
    ...     method="count", status="exploratory", disclosure="shared")
    ...     for site, n in (("A", 12), ("B", 8), ("C", 7))])
    >>> hold_small_cells(rows, 11)["estimate"].tolist()
    [12.0, nan, nan]
    >>> hold_small_cells(rows, 5)["estimate"].tolist()
    [12.0, 8.0, 7.0]
    """
    table = table.copy()
    open_ = (table["disclosure"] == "shared") & table["quantity"].isin(DESCRIPTIVE)
    others = table["analysis"].str.startswith(NO_PARTICIPANTS)
    others &= ~(
        table["analysis"].str.startswith(REMISSION_SHARES) & (table["quantity"] == "probability")
    )
    open_ &= ~(table["analysis"].str.startswith(NEVER_HIDDEN) | others)
    open_ &= ~((table["analysis"] == "missing data") & table["subgroup"].isna())
    open_ &= ~table["contrast"].fillna("").str.contains(HARM)
    small = open_ & _is_small(table, smallest)
    _hide(table, small, suppressed(smallest))
    reason = complement(smallest)
    counts = open_ & (table["quantity"] == "count")
    while True:
        telling = set(_revealing(table, counts, smallest))
        if not telling:
            break
        _hide(table, pd.Series(table.index.isin(telling), index=table.index), reason)
    # Sizes of groups behind estimates of models are counts as well.
    for name in ("n_arm", "n_reference"):
        few = (table["disclosure"] == "shared") & table[name].between(1, smallest - 1).fillna(False)
        few &= ~table["analysis"].str.startswith(NEVER_HIDDEN)
        table[name] = table[name].mask(few.astype(bool))
    return table


def _is_small(table: pd.DataFrame, smallest: int) -> pd.Series:
    n = table["n_arm"].astype("float64")
    value = table["estimate"]
    of_few = n.between(1, smallest - 1)
    count = value.where(table["quantity"] == "count", value * n)
    observed = (table["quantity"] == "count") | (
        table["quantity"].isin(("probability", "rate")) & ((count - count.round()).abs() < _WHOLE)
    )
    few = count.round().between(1, smallest - 1)
    return (of_few | (observed & few)).fillna(False).astype(bool)


def _hide(table: pd.DataFrame, which: pd.Series, reason: str) -> None:
    for name in _NUMBERS:
        table[name] = table[name].mask(which)
    noted = table["notes"].fillna("")
    told = noted.str.contains("suppressed")
    added = noted.where(told | (noted == ""), noted + "; ") + np.where(told, "", reason)
    table["notes"] = table["notes"].mask(which, added.astype("str"))


def _revealing(table: pd.DataFrame, counts: pd.Series, smallest: int) -> Iterator[Hashable]:
    """Yield a row for each group in which one hidden count could be had by subtraction."""
    rows = table[counts]
    hidden = rows["estimate"].isna() & rows["notes"].fillna("").str.contains("suppressed")
    rows = rows.assign(hidden=hidden.astype(bool))
    for _, group in rows.groupby([*_GROUP, "arm"], dropna=False, sort=False):
        if len(group) > 1 and group["subgroup"].nunique() == len(group):
            yield from _least(group, smallest)
    for _, group in rows.groupby([*_GROUP, "subgroup"], dropna=False, sort=False):
        total = group["arm"].isna()
        if total.sum() == 1 and len(group) > 2 and group["hidden"].sum() == 1:
            shown = group[~group["hidden"] & (group["estimate"] > 0)]
            if len(shown):
                yield shown.index[int(shown["estimate"].argmin())]


def _least(group: pd.DataFrame, smallest: int) -> Iterator[Hashable]:
    """Yield the smallest count shown, where the hidden ones of a partition are one or too few."""
    hidden, shown = group[group["hidden"]], group[~group["hidden"]]
    positive = shown[shown["estimate"] > 0]
    if hidden.empty or positive.empty:
        return
    size = shown["n_arm"].dropna()
    rest = float(size.iloc[0]) - shown["estimate"].sum() if len(size) else np.inf
    if len(hidden) == 1 or 0 < rest < smallest:
        yield positive.index[int(positive["estimate"].argmin())]
