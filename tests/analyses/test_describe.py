"""Counts and descriptions are those of the frames; small cells are never shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ipt_outcomes.analyses.describe import describe
from ipt_outcomes.analyses.disclosure import SMALLEST, suppress
from ipt_outcomes.analyses.distributions import inner_edges
from ipt_outcomes.study import Study

from .conftest import pick


def test_observed_means_are_those_of_the_frame(reference_trial):
    table = describe(reference_trial)
    scores = reference_trial.scores
    arm = scores["participant"].map(reference_trial.participants.set_index("participant")["arm"])
    values = scores[(arm == "IPT") & (scores["visit"] == "week_12")]["score"].dropna()
    (mean,) = pick(table, analysis="observed", arm="IPT", visit="week_12",
                   quantity="observed mean", analysis_set="as randomised").to_dict("records")  # fmt: skip
    interval = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert mean["estimate"] == pytest.approx(values.mean())
    assert (mean["lower"], mean["upper"]) == pytest.approx(interval)
    assert mean["n_arm"] == len(values)


def test_classes_hold_everyone_and_open_ends_are_never_small(reference_trial):
    table = pick(describe(reference_trial), analysis="baseline distribution", outcome="hamd17")
    people = reference_trial.participants.set_index("participant")["arm"]
    start = reference_trial.scores[reference_trial.scores["visit"] == "baseline"]
    start = start.dropna(subset=["score"])
    for arm, own in table.groupby("arm"):
        values = start.loc[start["participant"].map(people) == arm, "score"].to_numpy(float)
        assert set(own["n_arm"]) == {len(values)}
        for row in own.to_dict("records"):
            if np.isnan(row["estimate"]):
                assert "suppressed" in row["notes"]
                continue
            words = row["subgroup"].split()
            ends = [float(word) for word in words if word.replace(".", "").isdigit()]
            low = -np.inf if words[0] == "below" else ends[0]
            high = np.inf if words[-1] == "above" else ends[-1]
            assert row["estimate"] == ((values >= low) & (values < high)).sum()
            assert row["estimate"] == 0 or row["estimate"] >= SMALLEST
        outer = own.iloc[[0, -1]]["estimate"]
        assert outer.isna().all() or (outer.dropna() != 1).all()


@given(
    st.lists(
        st.lists(st.integers(0, 60), min_size=5, max_size=60).map(lambda v: np.array(v, float)),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_no_outer_class_has_a_small_cell(groups):
    edges = inner_edges(groups, SMALLEST)
    assert (np.diff(edges) > 0).all()
    if len(edges):
        assert np.allclose(np.diff(edges), np.diff(edges)[:1])  # equal widths between
        for values in groups:
            for n in ((values < edges[0]).sum(), (values >= edges[-1]).sum()):
                assert n == 0 or n >= SMALLEST


def test_the_flow_adds_up(reference_trial):
    people = reference_trial.participants.copy()
    people.loc[people.index[:3], "treatment_stop_day"] = 30
    people.loc[people.index[:2], "treatment_stop_reason"] = "moved away"
    table = pick(describe(replace(reference_trial, participants=people)), analysis="flow")
    total = pick(table, contrast="randomised", arm=None)["estimate"].item()
    arms = table[(table["contrast"] == "randomised") & table["arm"].notna()]["estimate"]
    assert total == arms.sum() == 168
    stopped = pick(table, arm="IPT")
    assert pick(stopped, contrast="stopped treatment")["estimate"].item() == 3
    assert pick(stopped, contrast="stopped treatment: moved away")["estimate"].item() == 2
    assert pick(stopped, contrast="stopped treatment: reason not recorded")["estimate"].item() == 1
    screened = pick(table, contrast="assessed for eligibility")["estimate"].item()
    assert screened == pick(table, contrast="excluded")["estimate"].item() + 240


def test_no_p_value_describes_a_baseline(reference_trial):
    table = describe(reference_trial)
    assert table["p"].isna().all()
    assert table["statistic"].isna().all()


def test_a_small_cell_is_hidden_and_cannot_be_subtracted(reference_trial):
    people = reference_trial.participants.copy()
    site = np.array(["S1"] * len(people), dtype=object)
    site[np.flatnonzero(people["arm"] == "IPT")[:3]] = "S2"
    people["site"] = site.astype("str")
    people["site"] = people["site"].astype("str")
    table = pick(describe(replace(reference_trial, participants=people)), outcome="site")
    shown = table[table["estimate"].notna()]
    assert not shown["estimate"].between(1, SMALLEST - 1).any()
    # 3 in IPT is hidden; so is its complement there, and the same level's total
    hidden = table[table["estimate"].isna()]
    assert {("IPT", "S1"), ("IPT", "S2")} <= set(
        zip(hidden["arm"], hidden["subgroup"], strict=True)
    )
    assert pick(hidden, arm=None, subgroup="S2").shape[0] == 1


@given(st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 40), min_size=1))
def test_what_stays_visible_never_reveals_a_small_count(counts):
    hidden = suppress(counts)
    shown = {level: n for level, n in counts.items() if level not in hidden}
    assert all(n == 0 or n >= SMALLEST for n in shown.values())
    if hidden:
        rest = sum(counts.values()) - sum(shown.values())
        # with the total known, what is hidden sums to `rest`: never a single small count alone
        assert len(hidden) > 1 or len(counts) == 1
        assert rest >= SMALLEST or not shown


def test_ends_that_no_column_records_are_not_counted_as_nobody(reference_trial):
    content = reference_trial.study.model_dump(mode="json")
    for name in ("treatment_stop_date", "treatment_stop_reason"):
        content["trials"]["example"]["columns"][name] = None
    table = describe(replace(reference_trial, study=Study.model_validate(content)))
    stages = set(pick(table, analysis="flow")["contrast"])
    assert "stopped treatment" not in stages
    assert "left the study" in stages
