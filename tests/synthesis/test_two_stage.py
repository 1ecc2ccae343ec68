"""Participant data of several trials, pooled in two stages and together with published effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.results import estimates
from ipt_outcomes.synthesis.effects import make_effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.pooling import random_effects
from ipt_outcomes.synthesis.two_stage import combine_with_published, trial_effects

WHERE = {"outcome": "hamd17", "estimand": "treatment_policy"}


def row(trial, **changes):
    return {"trial": trial, "outcome": "hamd17", "analysis": "primary",
            "analysis_set": "as randomised", "estimand": "treatment_policy",
            "quantity": "difference", "arm": "IPT", "reference": "TAU", "visit": "week_16",
            "unit": "points", "estimate": -3.0, "se": 1.2, "lower": -5.4, "upper": -0.6,
            "level": 0.95, "n_arm": 60, "n_reference": 55, "method": "MMRM", "converged": True,
            "status": "confirmatory", "disclosure": "shared", **changes}  # fmt: skip


def table(*rows):
    return estimates(rows)


def effect_size(trial, **changes):
    values = {"quantity": "effect size", "unit": "SD", "estimate": 0.4, "se": 0.2, "lower": 0.0,
              "upper": 0.8, "contrast": "Hedges g on the observed endpoint SD (7.85)"}  # fmt: skip
    return row(trial, **{**values, **changes})


def test_differences_of_three_trials_pool_to_rows():
    effects = trial_effects(
        table(row("a"), row("b", estimate=-2.0), row("c", estimate=-4.5),
              row("a", visit="week_8"), row("a", analysis_set="per protocol"),
              row("a", quantity="mean", reference=None)),
        "md", visit="week_16", **WHERE,
    )  # fmt: skip
    assert effects.trials == ["a", "b", "c"]
    assert (effects.measure, effects.unit) == ("md", "points")
    assert set(effects.rows["source"]) == {"participant data"}
    assert random_effects(effects).pooled.estimate == pytest.approx(-9.5 / 3)


def test_effect_sizes_are_pooled_as_g():
    other = effect_size("b", contrast="Hedges g on the observed endpoint SD (9.10)")
    effects = trial_effects(table(effect_size("a"), other), "g", **WHERE)
    assert (effects.measure, len(effects)) == ("g", 2)


def test_ratios_are_pooled_on_the_log_scale():
    z = 1.959963984540054
    ratio = {"quantity": "risk ratio", "unit": "ratio", "estimate": 2.0, "se": 0.6,
             "lower": 2 * np.exp(-0.3 * z), "upper": 2 * np.exp(0.3 * z)}  # fmt: skip
    without = {**ratio, "se": None}  # then the interval tells
    effects = trial_effects(table(row("a", **ratio), row("b", **without)), "log rr", **WHERE)
    np.testing.assert_allclose(effects.estimate, np.log(2))
    np.testing.assert_allclose(effects.rows["se"], 0.3)


def test_arms_and_visits_may_differ_by_trial():
    rows = table(row("a"), row("a", arm="CBT"), row("b", arm="IPT+MED", visit="week_12"))
    effects = trial_effects(rows, "md", visit={"a": "week_16", "b": "week_12"},
                            arms={"a": ("IPT", "TAU"), "b": ("IPT+MED", "TAU")},
                            **WHERE)  # fmt: skip
    assert effects.rows["arm"].tolist() == ["IPT", "IPT+MED"]
    every = trial_effects(rows, "md", **WHERE)
    assert every.dependent


def test_moderators_are_joined_by_trial():
    moderators = pd.DataFrame({"format": ["group", "individual"]}, index=["b", "a"])
    effects = trial_effects(table(row("a"), row("b")), "md", moderators=moderators, **WHERE)
    assert effects.moderators["format"].tolist() == ["individual", "group"]


def test_rows_that_do_not_mean_the_same_are_refused_all_at_once():
    rows = table(row("a"), row("b", unit="per cent"), row("c", se=None), row("d", converged=False),
                 row("a", visit="week_8"))  # fmt: skip
    with pytest.raises(SynthesisError) as caught:
        trial_effects(rows, "md", **WHERE)
    text = str(caught.value)
    assert len(caught.value.findings) == 4
    for words in ("different units", "no standard error", "did not converge", "several visits"):
        assert words in text


def test_effects_on_different_standard_deviations_are_never_pooled():
    baseline = effect_size("b", contrast="Hedges g on the baseline SD (4.6)")
    with pytest.raises(SynthesisError, match="standardised differently"):
        trial_effects(table(effect_size("a"), baseline), "g", **WHERE)


def test_nothing_found_says_what_was_looked_for():
    with pytest.raises(SynthesisError, match="outcome hamd17, estimand treatment_policy"):
        trial_effects(table(row("a", outcome="bdi2")), "md", **WHERE)


@pytest.fixture
def published():
    return make_effects("g", {"trial": ["Elkin, 1989", "Elkin, 1989", "Swartz, 2008"],
                              "outcome": ["BDI", "HAM-D", "HAM-D"], "estimate": [0.3, 0.4, 0.8],
                              "se": [0.2, 0.2, 0.3]},
                        moderators=pd.DataFrame({"format": ["ind", "ind", "ind"]}))  # fmt: skip


def test_participant_data_replace_published_rows_and_say_so(published):
    own = trial_effects(table(effect_size("tdcrp"), effect_size("new")), "g", **WHERE)
    both = combine_with_published(own, published, {"tdcrp": "Elkin, 1989", "new": None})
    assert both.rows["trial"].tolist() == ["tdcrp", "new", "Swartz, 2008"]
    assert both.notes == ("participant data of tdcrp replace 2 rows published as Elkin, 1989",)
    np.testing.assert_allclose(np.diag(both.covariance), [0.04, 0.04, 0.09])
    assert both.moderators["format"].isna().tolist() == [True, True, False]


def test_names_that_look_alike_must_be_explained(published):
    own = make_effects("g", {"trial": ["elkin_1989"], "estimate": [0.4], "se": [0.2]})
    with pytest.raises(SynthesisError, match="look like the same trial"):
        combine_with_published(own, published)
    apart = combine_with_published(own, published, {"elkin_1989": None})
    assert len(apart) == 4


def test_different_measures_and_unknown_names_are_refused(published):
    own = make_effects("md", {"trial": ["a"], "estimate": [-3.0], "se": [1.0]})
    with pytest.raises(SynthesisError) as caught:
        combine_with_published(own, published, {"b": "Elkin, 1989", "a": "Elkin, 1990"})
    assert len(caught.value.findings) == 3
