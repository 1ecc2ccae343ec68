"""What holds for every instrument of the registry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipt_outcomes.instruments import instrument, load_registry, score
from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.keys import reversed_entries

NAMES = list(load_registry())
FINITE = [name for name in NAMES if np.isfinite(list(load_registry()[name].items.range)).all()]


def random_answers(
    definition: InstrumentDefinition, n: int, missing: float, seed: int
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {}
    for item in range(1, definition.items.count + 1):
        low, high = definition.items.range_of(item)
        answers = rng.integers(int(low), int(min(high, 60)) + 1, n).astype(float)
        answers[rng.random(n) < missing] = np.nan
        columns[item] = answers
    return pd.DataFrame(columns)


def extreme(definition: InstrumentDefinition, *, worst: bool) -> pd.DataFrame:
    """Return the entries that make every score highest (or lowest)."""
    reverse = definition.reverse.items if definition.reverse else ()
    row = {}
    for item in range(1, definition.items.count + 1):
        low, high = definition.items.range_of(item)
        upwards = item not in reverse
        for recode in definition.items.recodes:
            if item in recode.items:
                upwards = recode.values[0] < recode.values[-1]
        row[item] = (high if worst else low) if upwards else (low if worst else high)
    return pd.DataFrame([row])


@pytest.mark.parametrize("name", FINITE)
def test_item_extremes_make_the_ends_of_the_range(name: str):
    definition = instrument(name)
    for worst in (False, True):
        data = extreme(definition, worst=worst).replace(np.inf, 60)
        scores = score(definition, data, already_reversed=False).scores
        for part in definition.scores():
            assert scores[part][0] == pytest.approx(definition.range_of(part)[int(worst)]), part


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.03, 0.2, 0.6]))
def test_scores_stay_in_their_range_and_say_why_they_are_not_there(
    name: str, seed: int, missing: float
):
    definition = instrument(name)
    data = random_answers(definition, 20, missing, seed)
    result = score(definition, data, already_reversed=False)
    assert result.scores.index.equals(data.index)
    for part in definition.scores():
        low, high = definition.range_of(part)
        values = result.scores[part]
        assert values.dropna().between(low - 1e-9, high + 1e-9).all()
        assert ((result.reasons[part] == "") == values.notna()).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_participants_and_of_columns_does_not_matter(name: str):
    definition = instrument(name)
    data = random_answers(definition, 60, 0.03, seed=3)
    shuffled = data.sample(frac=1, random_state=5).sample(frac=1, axis=1, random_state=6)
    first = score(definition, data, already_reversed=False)
    second = score(definition, shuffled, already_reversed=False)
    pd.testing.assert_frame_equal(first.scores, second.scores.loc[data.index])
    pd.testing.assert_frame_equal(first.findings, second.findings)


@pytest.mark.parametrize("name", [n for n in NAMES if load_registry()[n].reverse])
def test_reversing_twice_changes_nothing(name: str):
    definition = instrument(name)
    assert definition.reverse is not None
    data = random_answers(definition, 40, 0.1, seed=4)
    turned = data.copy()
    for item in definition.reverse.items:
        turned[item] = reversed_entries(data[item].to_numpy(), definition.items.range_of(item))
        again = reversed_entries(turned[item].to_numpy(), definition.items.range_of(item))
        np.testing.assert_array_equal(again, data[item])
    raw = score(definition, data, already_reversed=False).scores
    scored = score(definition, turned, already_reversed=True).scores
    pd.testing.assert_frame_equal(raw, scored)


PLAINLY_PRORATED = [
    name
    for name in FINITE
    if (d := load_registry()[name]).total is not None
    and d.total.missing.rule == "prorate"
    and d.reverse is None
]


@pytest.mark.parametrize("name", PLAINLY_PRORATED)
def test_a_missing_item_at_the_mean_changes_a_prorated_total_little(name: str):
    # all items at the same share of their range: whatever is missing, the total is that share
    definition = instrument(name)
    assert definition.total is not None
    low, high = definition.total_range
    for worst in (False, True):
        data = pd.concat([extreme(definition, worst=worst)] * 10, ignore_index=True)
        rng = np.random.default_rng(1)
        for row in range(len(data)):
            away = rng.choice(definition.items.scored, definition.total.missing.allowed, False)
            data.loc[row, list(away)] = np.nan
        scores = score(definition, data).scores
        assert scores["total"].tolist() == pytest.approx([high if worst else low] * 10)
        assert scores["prorated"].all()


def test_blocks_of_rows_are_scored_as_if_they_were_one(monkeypatch: pytest.MonkeyPatch):
    definition = instrument("OQ-45")
    data = random_answers(definition, 50, 0.05, seed=8)
    whole = score(definition, data, already_reversed=False).scores
    monkeypatch.setattr("ipt_outcomes.instruments.scoring.BLOCK", 7)
    pd.testing.assert_frame_equal(score(definition, data, already_reversed=False).scores, whole)


@pytest.mark.parametrize("name", ["PHQ-9", "EDE-Q", "OQ-45", "RAND-36", "QIDS-SR16"])
def test_no_participants_make_no_scores(name: str):
    definition = instrument(name)
    data = random_answers(definition, 0, 0, seed=1)
    result = score(definition, data, already_reversed=False)
    assert len(result.scores) == 0
    assert result.findings.empty
