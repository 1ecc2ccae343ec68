"""The whole synthesis as rows of the estimates table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes import results
from ipt_outcomes.synthesis import rows as as_rows
from ipt_outcomes.synthesis.analysis import CHECK, HEADLINE, PoolingPlan, pool_trials
from ipt_outcomes.synthesis.binary import binary_effects
from ipt_outcomes.synthesis.effects import make_effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.pooling import random_effects
from ipt_outcomes.synthesis.robust import robust

PLAN = PoolingPlan("synthesis", "depression", "IPT against control", status="confirmatory")


def only(table, **columns):
    for name, value in columns.items():
        table = table[table[name] == value]
    assert len(table) == 1, table["id"].tolist()
    return table.iloc[0]


def test_independent_trials_have_hartung_knapp_as_headline(continuous, tmp_path):
    plan = replace(PLAN, subgroups=("control",), moderators=(("weeks",),))
    table = pool_trials(continuous, plan)
    fit = random_effects(continuous)
    pooled = only(table, analysis=HEADLINE, contrast=as_rows.POOLED)
    assert (pooled["estimate"], pooled["se"], pooled["df"]) == (
        fit.pooled.estimate, fit.pooled.se, 13,
    )  # fmt: skip
    assert pooled["status"] == "confirmatory"
    assert pooled["method"] == "random effects, REML, Hartung–Knapp inference"
    assert "IPT against control" in pooled["notes"]
    tau2 = only(table, analysis=HEADLINE, contrast=as_rows.TAU2)
    assert (tau2["estimate"], tau2["interval_method"]) == (fit.heterogeneity.tau2, "Q-profile")
    prediction = only(table, analysis=HEADLINE, contrast=as_rows.PREDICTION)
    assert prediction["upper"] > pooled["upper"]
    assert prediction["df"] == 12
    checks = {a.removeprefix(CHECK) for a in table["analysis"] if a.startswith(CHECK)}
    assert checks == {"PM", "DL", "Hartung–Knapp with floor", "common effect", "leave one out"}
    assert (table["subgroup"].str.startswith("control: ").fillna(False)).sum() == 3
    slope = only(table, quantity="slope", contrast="weeks")
    assert "not randomised" in slope["notes"]
    results.write(table, tmp_path / "t.parquet", tmp_path / "t.csv")
    assert results.read(tmp_path / "t.parquet").equals(table)


def test_dependent_rows_have_cluster_robust_inference_as_headline(dependent):
    table = pool_trials(dependent, replace(PLAN, subgroups=("format",), moderators=(("rater",),)))
    pooled = only(table, analysis=HEADLINE, contrast=as_rows.POOLED)
    fit = robust(dependent).pooled
    assert (pooled["estimate"], pooled["se"], pooled["df"]) == (fit.estimate, fit.se, fit.df)
    assert "CR2" in pooled["method"]
    assert pooled["converged"]
    assert pooled["model_id"] == "synthesis/depression/pooled-trials"
    assert "correlation 0.6 assumed" in pooled["notes"]
    naive = only(table, analysis=CHECK + "every row by itself, as if independent",
                 contrast=as_rows.POOLED)  # fmt: skip
    assert naive["status"] == "exploratory"
    between = only(table, analysis=f"{HEADLINE}, by format", quantity="test")
    assert between["df_numerator"] == 2
    omega2 = only(table, analysis=HEADLINE, contrast=as_rows.OMEGA2)
    assert omega2["interval_method"] == "profile likelihood"


def test_every_comparison_is_a_row_that_a_forest_plot_can_use(dependent):
    table = pool_trials(dependent, PLAN)
    trials = table[table["contrast"] == as_rows.TRIAL_EFFECT]
    assert len(trials) == len(dependent)
    np.testing.assert_allclose(trials["estimate"].astype(float), dependent.estimate)
    np.testing.assert_allclose(
        trials["upper"] - trials["estimate"], 1.959964 * trials["se"], rtol=1e-6
    )


def test_weights_are_rows_that_add_up(dependent):
    fit = robust(dependent)
    about = {"outcome": "depression"}
    weights = list(as_rows.weight_rows(dependent, fit.weights, about))
    assert {w["quantity"] for w in weights} == {"weight"}
    assert sum(w["estimate"] for w in weights) == pytest.approx(100)


def test_log_ratios_are_reported_as_ratios(binary_table):
    found = binary_effects(
        "log rr",
        *(
            binary_table[c]
            for c in ("events_arm", "total_arm", "events_reference", "total_reference")
        ),
    )
    kept = np.isfinite(found.estimate)
    effects = make_effects("log rr", {"trial": binary_table.trial[kept],
                                      "estimate": found.estimate[kept],
                                      "se": np.sqrt(found.variance[kept])})  # fmt: skip
    table = pool_trials(effects, PLAN)
    ratio = only(table, analysis=HEADLINE, contrast=as_rows.POOLED)
    log = random_effects(effects).pooled
    assert (ratio["quantity"], ratio["unit"]) == ("risk ratio", "ratio")
    assert ratio["estimate"] == pytest.approx(np.exp(log.estimate))
    assert ratio["upper"] == pytest.approx(np.exp(log.upper))
    assert ratio["se"] / ratio["estimate"] == pytest.approx(log.se)
    tau2 = only(table, analysis=HEADLINE, contrast=as_rows.TAU2)
    assert tau2["unit"] == "log risk ratio²"


def test_what_was_not_done_says_why(continuous):
    nine = continuous.select(np.arange(14) < 9)
    alone = replace(nine, moderators=nine.moderators.assign(
        control=["waitlist"] * 9, place=list("abcdefghi")))  # fmt: skip
    table = pool_trials(alone, replace(PLAN, subgroups=("control", "place")))
    refused = table[table["method"] == "not done"].set_index("contrast")["notes"]
    assert "9 trials are too few" in refused["small-study effects"]
    assert "the same in all rows" in refused["by control"]
    assert "at least 10 are needed" in refused["by place"]


def test_few_degrees_of_freedom_are_warned_of():
    effects = make_effects("g", {"trial": list("AABBC"), "outcome": list("xyxyx"),
                                 "estimate": [0.1, 0.3, 0.8, 1.0, 0.4], "se": [0.2] * 5},
                           )  # fmt: skip
    pooled = only(pool_trials(effects, PLAN), analysis=HEADLINE, contrast=as_rows.POOLED)
    assert pooled["df"] < 4
    assert "not to be trusted" in pooled["notes"]


def test_a_factor_below_one_is_said():
    effects = make_effects("g", {"trial": list("ABCD"), "estimate": [0.4, 0.41, 0.39, 0.42],
                                 "se": [0.2] * 4})  # fmt: skip
    pooled = only(pool_trials(effects, PLAN), analysis=HEADLINE, contrast=as_rows.POOLED)
    assert "narrower than with a floor of 1" in pooled["notes"]


def test_two_trials_are_pooled_without_a_prediction_interval():
    effects = make_effects("g", {"trial": list("AB"), "estimate": [0.4, 0.6], "se": [0.2] * 2})
    table = pool_trials(effects, PLAN)
    assert as_rows.PREDICTION not in set(table["contrast"])
    assert (table["analysis"] == CHECK + "leave one out").sum() == 2
    assert set(table.loc[table["analysis"] == CHECK + "leave one out", "method"]) == {"not done"}


def test_a_misspelt_moderator_stops_the_plan(continuous):
    with pytest.raises(SynthesisError, match="moderator contrl: no such column"):
        pool_trials(continuous, replace(PLAN, subgroups=("contrl",)))
