"""Times to events of few: what is hidden is not given back, and intervals need five events."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.analyses.event_rows import EventRows
from ipt_outcomes.analyses.event_times import EventTimes
from ipt_outcomes.analyses.survival_curves import KaplanMeier
from ipt_outcomes.results import estimates

from .conftest import pick

WHERE = {"trial": "t", "analysis": "time to x", "analysis_set": "s", "status": "exploratory",
         "disclosure": "shared"}  # fmt: skip
NUMBERS = ["estimate", "se", "df", "statistic", "lower", "upper", "p"]


def rows_of(events, *, suppress, smallest=5, n=30):
    """Rows of two arms of n, of whom so many have the event by week 4, 8 and 12."""
    weeks, event = [], []
    for by_arm in events:
        weeks += np.repeat([4.0, 8.0, 12.0], by_arm).tolist() + [12.0] * (n - sum(by_arm))
        event += [True] * sum(by_arm) + [False] * (n - sum(by_arm))
    times = EventTimes(
        np.arange(2 * n), np.repeat([0, 1], n), np.array(weeks), np.array(event),
        ((4.0, None), (8.0, None), (12.0, None)), {}, by_visit=True,
    )  # fmt: skip
    labels = {"A": "A", "B": "B"}
    made = EventRows(times, ["A", "B"], labels, "x", WHERE, 0.95, suppress, smallest)
    return estimates(list(made.rows(np.empty((2 * n, 0)))))


def numberless(rows):
    return rows[NUMBERS].isna().all(axis=1)


def test_few_events_cannot_be_had_from_means_and_ratios():
    table = rows_of([(2, 0, 1), (8, 6, 3)], suppress=True)
    compared = table[table["quantity"].isin(["restricted mean", "difference", "hazard ratio"])]
    assert len(compared) == 4
    tests = table[table["quantity"] == "test"]
    for rows in (compared, tests):
        assert numberless(rows).all()
        assert rows["notes"].str.contains("would reveal a count below 5").all()
    # With everyone followed the number at risk is everyone but those with the event.
    at_risk = pick(table, quantity="count", arm="A").set_index("contrast")["estimate"]
    assert at_risk["at risk at week 4"] == 30
    assert at_risk[["at risk at week 8", "at risk at week 12"]].isna().all()


def test_a_mean_over_one_hidden_step_is_an_equation_in_its_height():
    table = rows_of([(3, 5, 3), (8, 6, 3)], suppress=True)
    means = pick(table, quantity="restricted mean").set_index("arm")
    assert np.isnan(means.loc["A", "estimate"])
    assert means.loc["B", "lower"] < means.loc["B", "estimate"] < means.loc["B", "upper"]
    assert numberless(pick(table, quantity="difference")).all()
    # Eight events in all: a ratio over all times holds no single step.
    assert pick(table, quantity="hazard ratio")["estimate"].notna().all()


def test_few_without_the_event_are_hidden_too():
    """0.25 of 12 are three persons without it."""
    table = rows_of([(5, 4, 0), (6, 0, 0)], suppress=True, n=12)
    last = pick(table, quantity="survival", contrast="without x by week 12").set_index("arm")
    assert np.isnan(last.loc["A", "estimate"])
    assert last.loc["B", "estimate"] == 0.5
    compared = table[table["quantity"].isin(["restricted mean", "difference", "hazard ratio"])]
    assert numberless(compared).all()


def test_a_height_after_a_hidden_step_is_exact_if_nobody_was_censored_between():
    """Then it is a share of all; else it is in whole per cent, which any hidden number explains."""
    heights = pick(rows_of([(3, 5, 3), (8, 6, 3)], suppress=True), quantity="survival", arm="A")
    assert heights["estimate"].tolist() == pytest.approx([np.nan, 22 / 30, 19 / 30], nan_ok=True)
    weeks = np.repeat([8.0, 10.0, 12.0, 12.0], [2, 1, 12, 13])
    event = np.repeat([True, False, True, False], [2, 1, 12, 13])
    grid = ((4.0, None), (8.0, None), (12.0, None))
    times = EventTimes(np.arange(28), np.zeros(28, int), weeks, event, grid, {}, by_visit=True)
    exact = KaplanMeier(weeks, event).at(12).survival
    assert exact == pytest.approx(26 / 28 * 13 / 25)  # 2 of 28 first: no other numbers give it
    made = EventRows(times, ["A"], {"A": "A"}, "x", WHERE, 0.95, True)
    first, early, late = pick(estimates(list(made.curves())), quantity="survival").to_dict(
        "records"
    )
    assert first["estimate"] == 1
    assert np.isnan(early["estimate"])
    assert "fewer than 5" in early["notes"]
    assert late["estimate"] == 0.48
    assert np.isnan(late["se"])
    assert "in whole per cent" in late["notes"]
    possible = {
        first
        for first in range(1, 5)
        for censored in range(4)
        for then in range(28 - first - censored)
        if round((28 - first) / 28 * (1 - then / (28 - first - censored)), 2) == late["estimate"]
    }
    assert possible == {1, 2, 3, 4}


def test_the_smallest_group_of_the_study_counts():
    few = rows_of([(8, 1, 0), (15, 6, 3)], suppress=True, smallest=11)
    assert numberless(pick(few, quantity="restricted mean")).all()
    assert few["notes"].str.contains("below 11").any()
    assert pick(few, quantity="survival", arm="A")["notes"].str.contains("fewer than 11").all()
    assert rows_of([(8, 1, 0), (15, 6, 3)], suppress=True)["estimate"].notna().sum() > 10


@pytest.mark.parametrize("events", [(0, 0, 0), (1, 0, 0), (2, 2, 9)])
def test_fewer_than_five_events_give_no_interval(events):
    """Four events before week 12 are too few to know a variance, also in flow."""
    table = rows_of([events, (8, 6, 3)], suppress=False)
    means = pick(table, quantity="restricted mean").set_index("arm")
    assert means["estimate"].notna().all()
    assert means.loc["A", ["se", "df", "lower", "upper"]].isna().all()
    assert "fewer than five events before week 12: no interval" in means.loc["A", "notes"]
    assert means.loc["B", "lower"] < means.loc["B", "upper"] < 12
    difference = pick(table, quantity="difference").iloc[0]
    expected = means.loc["A", "estimate"] - means.loc["B", "estimate"]
    assert difference["estimate"] == pytest.approx(expected)
    assert difference[["se", "lower", "upper", "p"]].isna().all()
    assert "no interval" in difference["notes"]


def test_five_events_in_both_arms_give_an_interval():
    table = rows_of([(3, 2, 0), (8, 6, 3)], suppress=False)
    difference = pick(table, quantity="difference").iloc[0]
    assert difference["lower"] < difference["estimate"] < difference["upper"]
    assert difference["p"] < 0.05
