"""No small group of participants is shared, nor can one be had by subtraction."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipt_outcomes.analyses.disclosure import hold_small_cells
from ipt_outcomes.results import estimates

ARMS = ("IPT", "MED")
LEVELS = ("A", "B", "C", "D")


def table(counts: np.ndarray, *, total: bool = True, analysis: str = "baseline") -> pd.DataFrame:
    """Rows that count participants by level and arm, with the column of all arms."""
    columns = {arm: counts[:, place] for place, arm in enumerate(ARMS)}
    if total:
        columns[None] = counts.sum(axis=1)
    return estimates(
        dict(trial="t", outcome="site", analysis=analysis, analysis_set="as randomised",  # noqa: C408
             quantity="count", subgroup=level, arm=arm, estimate=int(n), n_arm=int(of.sum()),
             method="count", status="exploratory", disclosure="shared")
        for arm, of in columns.items()
        for level, n in zip(LEVELS, of, strict=False)
    )  # fmt: skip


def deducible(shown: pd.DataFrame, counts: np.ndarray, smallest: int) -> list[tuple[int, int]]:
    """Cells below the limit that the shown numbers determine: every linear equation is used."""
    levels, arms = counts.shape
    cells = list(itertools.product(range(levels), range(arms)))
    equations, values = [], []

    def equation(which: list[tuple[int, int]], value: float) -> None:
        equations.append([float(cell in which) for cell in cells])
        values.append(value)

    of = {(row["arm"] if isinstance(row["arm"], str) else None, row["subgroup"]): row["estimate"]
          for row in shown.to_dict("records")}  # fmt: skip
    for level in range(levels):
        for arm in range(arms):
            value = of[ARMS[arm], LEVELS[level]]
            if not np.isnan(value):
                equation([(level, arm)], value)
        value = of.get((None, LEVELS[level]), np.nan)
        if not np.isnan(value):
            equation([(level, arm) for arm in range(arms)], value)
    for arm in range(arms):  # sizes of arms are known
        equation([(level, arm) for level in range(levels)], counts[:, arm].sum())
    system = np.array(equations)
    rank = np.linalg.matrix_rank(system)
    found = []
    for place, (level, arm) in enumerate(cells):
        unit = np.zeros(len(cells))
        unit[place] = 1
        if np.linalg.matrix_rank(np.vstack([system, unit])) == rank and (
            0 < counts[level, arm] < smallest
        ):
            found.append((level, arm))
    return found


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=4),
    st.sampled_from([5, 11]),
)
@settings(max_examples=120, deadline=None)
def test_no_small_count_can_be_deduced(counts, smallest):
    counts = np.array(counts)
    shown = hold_small_cells(table(counts), smallest)
    assert not shown["estimate"].between(1, smallest - 1).any()
    if (counts.sum(axis=0) >= smallest).all():
        assert deducible(shown, counts, smallest) == []


def test_the_profile_of_eleven_hides_more():
    counts = np.array([[30, 31], [12, 13], [7, 20]])
    five, eleven = (hold_small_cells(table(counts), k) for k in (5, 11))
    assert five["estimate"].notna().all()
    hidden = eleven[eleven["estimate"].isna()]
    assert {("IPT", "C"), ("IPT", "B")} <= set(zip(hidden["arm"], hidden["subgroup"], strict=True))
    assert hidden["notes"].str.contains("below 11|fewer than 11").all()
    assert hidden["n_arm"].isna().all()


@pytest.mark.parametrize("analysis", ["flow", "safety", "adverse events", "deterioration"])
def test_flow_and_harm_are_never_hidden(analysis):
    counts = np.array([[3, 1], [40, 30]])
    shown = hold_small_cells(table(counts, analysis=analysis), 11)
    pd.testing.assert_frame_equal(shown, table(counts, analysis=analysis))


def test_proportions_and_means_of_few_are_hidden_and_models_keep_their_estimate():
    about = dict(trial="t", outcome="x", analysis_set="all", method="m", status="exploratory",  # noqa: C408
                 disclosure="shared", arm="IPT")  # fmt: skip
    rows = estimates([
        {**about, "analysis": "response, observed only", "quantity": "probability",
         "estimate": 3 / 60, "n_arm": 60},
        {**about, "analysis": "observed", "quantity": "observed mean", "estimate": 12.0, "n_arm": 4},
        {**about, "analysis": "primary", "quantity": "mean", "estimate": 11.0, "n_arm": 4},
        {**about, "analysis": "response", "quantity": "probability", "estimate": 0.0512, "n_arm": 60},
    ])  # fmt: skip
    shown = hold_small_cells(rows, 5)
    assert shown["estimate"].isna().tolist() == [True, True, False, False]
    assert shown["n_arm"].isna().tolist() == [True, True, True, False]
    restricted = rows.assign(disclosure=pd.array(["restricted"] * 4, dtype="str"))
    pd.testing.assert_frame_equal(hold_small_cells(restricted, 5), restricted)
