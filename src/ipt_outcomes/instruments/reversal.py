"""Signs that reverse-keyed items were reversed twice, or not at all.

When items measure one thing, each keyed item x_i agrees with the mean of the others. A
reverse-keyed item that was reversed once too often correlates negatively with the mean of the
items that are not reverse-keyed; so does one that was not reversed. The sign alone decides
nothing: an item is suspect when the whole 95 % interval of its correlation (Fisher's z) lies
below zero, and the instrument when at least half of its reverse-keyed items are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.entries import Entries, collect, finding

FEWEST = 30
"""Fewer complete assessments than this say nothing."""
_Z = 1.959963984540054


def item_rest_correlations(definition: InstrumentDefinition, entries: Entries) -> pd.DataFrame:
    """Correlate each item with the mean of the items that are not reverse-keyed, without itself.

    Complete assessments only; items of unequal range count alike.

    Parameters
    ----------
    definition
        The instrument.
    entries
        Keyed entries.

    Returns
    -------
    pandas.DataFrame
        Columns ``item``, ``reversed``, ``n``, ``correlation``, ``upper`` (of the 95 % interval),
        ``suspect``.
    """
    reverse = definition.reverse.items if definition.reverse else ()
    scored = [
        i for i in definition.items.scored if np.isfinite(definition.items.scored_range(i)[1])
    ]
    places = [entries.items.index(item) for item in scored]
    low, high = np.array([definition.items.scored_range(item) for item in scored]).T
    x = (entries.values[:, places] - low) / (high - low)
    x = x[~np.isnan(x).any(axis=1)]
    n = len(x)
    covariance = np.cov(x, rowvar=False) if n > 1 else np.full((len(scored), len(scored)), np.nan)
    covariance = np.atleast_2d(covariance)
    plain = np.array([item not in reverse for item in scored], dtype=float)
    rows = []
    for place, item in enumerate(scored):
        rest = plain.copy()
        rest[place] = 0
        spread = covariance[place, place] * (rest @ covariance @ rest)
        r = float(covariance[place] @ rest / np.sqrt(spread)) if spread > 0 else float("nan")
        upper = float(np.tanh(np.arctanh(r) + _Z / np.sqrt(n - 3))) if n > 3 and abs(r) < 1 else r
        rows.append((item, item in reverse, n, r, upper, n >= FEWEST and upper < 0))
    names = ["item", "reversed", "n", "correlation", "upper", "suspect"]
    return pd.DataFrame(rows, columns=names)


def reversal_findings(definition: InstrumentDefinition, entries: Entries) -> pd.DataFrame:
    """Return a warning when reverse-keyed items look as if keyed the wrong way.

    Parameters
    ----------
    definition
        The instrument; nothing is found without reverse-keyed items.
    entries
        Keyed entries.
    """
    if definition.reverse is None:
        return collect([])
    table = item_rest_correlations(definition, entries)
    reverse = table[table["reversed"]]
    suspect = reverse[reverse["suspect"]]
    if len(reverse) == 0 or len(suspect) < len(reverse) / 2:
        return collect([])
    lowest = suspect["correlation"].min()
    listed = ", ".join(str(item) for item in suspect["item"])
    return finding(
        "warning",
        "reversed twice?",
        rows=[None],
        item=None,
        column=None,
        found=f"reverse-keyed items {listed} go against the others (item-rest correlations down "
        f"to {lowest:.2f}, n = {int(suspect['n'].min())})",
        expected="items that agree once the reverse-keyed ones are reversed",
        mend="See whether the export already holds scored values (already_reversed), or whether "
        "these items were reversed before and need it no more.",
    )
