"""The 48 published comparisons of IPT with a control reproduce their README's numbers.

The data are read from the folder that IPT_TRIALS names (default: ../shared/trials beside the
checkout) and never copied. The README's numbers are those of R's metafor (REML, Knapp-Hartung).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.synthesis import rows as as_rows
from ipt_outcomes.synthesis.aggregate import one_row_per_trial
from ipt_outcomes.synthesis.analysis import HEADLINE, PoolingPlan, pool_trials
from ipt_outcomes.synthesis.pooling import random_effects
from ipt_outcomes.synthesis.published import EffectRules, published_effects
from ipt_outcomes.synthesis.robust import robust
from ipt_outcomes.synthesis.subgroups import subgroups
from ipt_outcomes.synthesis.table_columns import METAPSY
from ipt_outcomes.synthesis.three_level import three_level, variance_interval

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("IPT_TRIALS", ROOT.parent / "shared" / "trials"))
TABLE = FOLDER / "ipt_meta_analysis" / "ipt_rows.csv"

pytestmark = pytest.mark.skipif(
    not TABLE.exists(),
    reason="ipt_meta_analysis not found: set IPT_TRIALS to the folder of published trials",
)

# The Metapsy databases take the variance of d for g.
RULES = EffectRules(variance="uncorrected d")
CATEGORIES = {"control": "condition_arm2", "format": "format"}


@pytest.fixture(scope="module")
def effects():
    found, _ = published_effects(TABLE, "g", columns=METAPSY, rules=RULES,
                                 categories=CATEGORIES)  # fmt: skip
    return found


def test_every_effect_is_recomputed_from_what_the_trials_reported(effects):
    given = pd.read_csv(TABLE)
    np.testing.assert_allclose(effects.estimate, given[".g"], atol=1e-12)
    np.testing.assert_allclose(effects.rows["se"], given[".g_se"], atol=1e-12)
    assert effects.rows["source"].value_counts().to_dict() == {
        "means": 35, "events": 8, "change": 3, "given": 2,
    }  # fmt: skip


def test_what_is_not_on_the_same_scale_is_said(effects):
    _, findings = published_effects(TABLE, "g", columns=METAPSY, rules=RULES)
    assert findings["kind"].value_counts().to_dict() == {
        "g from events": 8, "standardised by change": 3,
    }  # fmt: skip


def test_pooled_row_by_row(effects):
    assert (len(effects), len(effects.trials)) == (48, 31)
    fit = random_effects(effects)
    assert fit.check_only
    assert round(fit.pooled.estimate, 4) == 0.4908
    assert round(fit.pooled.se, 4) == 0.0645
    assert round(fit.pooled.lower, 4) == 0.3609
    assert round(fit.pooled.upper, 4) == 0.6206
    h = fit.heterogeneity
    assert (round(h.tau2, 4), round(h.I2, 2), round(h.Q, 4), h.df) == (0.1347, 69.53, 170.6644, 47)


def test_pooled_by_study(effects):
    fit = random_effects(one_row_per_trial(effects, "mean variance"))
    assert len(fit.effects) == 31
    assert round(fit.pooled.estimate, 4) == 0.4799
    assert (round(fit.pooled.lower, 4), round(fit.pooled.upper, 4)) == (0.3075, 0.6523)
    assert (round(fit.heterogeneity.tau2, 4), round(fit.heterogeneity.I2, 2)) == (0.1578, 73.79)


def test_headline_equals_r_on_the_same_rows(effects):
    # rma.mv(yi, vcalc(vi, study, row, rho = 0.6), random = ~ 1 | study / row); coef_test(vcov =
    # "CR2"); confint(); Wald_test(constrain_equal(...)) for groups: as R 4.2.2 prints them
    fit = robust(effects)
    assert round(fit.working.between, 4) == 0.1584
    assert fit.working.within == 0
    assert (round(fit.pooled.se, 4), round(fit.pooled.df, 1)) == (0.0859, 28.9)
    between, within = (variance_interval(fit.working, which) for which in (0, 1))
    # R looks for the ends of these intervals to within 1.2e-4 (uniroot's default tolerance)
    assert (between.lower, between.upper) == pytest.approx((0.0797, 0.3189), abs=1.7e-4)
    assert within.lower == 0
    assert within.upper == pytest.approx(0.0107, abs=1.7e-4)
    control, form = (subgroups(effects, by).between for by in ("control", "format"))
    assert (round(control.statistic, 3), round(control.df, 2)) == (0.631, 7.98)
    assert (round(form.statistic, 3), round(form.df, 2)) == (0.668, 6.58)


def test_dependence_widens_the_interval(effects):
    naive, three, headline = random_effects(effects), three_level(effects), robust(effects)
    assert three.within == 0
    for fit in (three, headline):
        assert fit.pooled.se > 1.25 * naive.pooled.se
        assert fit.pooled.df < naive.pooled.df
    assert three.decrement < 1e-12


def test_risk_ratios_equal_those_of_the_data_base():
    given = pd.read_csv(TABLE).dropna(subset=["event_arm1"])
    effects, findings = published_effects(TABLE, "log rr", columns=METAPSY)
    np.testing.assert_allclose(effects.estimate, given[".log_rr"], atol=1e-12)
    np.testing.assert_allclose(effects.rows["se"], given[".log_rr_se"], atol=1e-12)
    assert (findings["kind"] == "left out").sum() == 40


def test_synthesis_as_rows_of_the_estimates_table(effects):
    plan = PoolingPlan("ipt_vs_control", "depression", "IPT against control",
                       subgroups=("control", "format"), other_correlations=(0.8,))  # fmt: skip
    table = pool_trials(effects, plan).set_index("id")
    own = table[(table["analysis"] == HEADLINE) & (table["trial"] == "ipt_vs_control")]
    pooled = own[own["contrast"] == as_rows.POOLED].iloc[0]
    assert "CR2" in pooled["method"]
    assert pooled["se"] == pytest.approx(robust(effects).pooled.se)
    counts = own[own["quantity"] == "count"].set_index("contrast")["estimate"]
    assert counts[as_rows.TRIALS] == 31
    assert counts[as_rows.ROWS] == 48
    naive = table[table["analysis"].str.endswith("as if independent")]
    assert round(float(naive[naive["contrast"] == as_rows.POOLED]["estimate"].iloc[0]), 4) == 0.4908
    groups = table["subgroup"].dropna()
    assert {"control: cau", "control: other ctr", "control: wl", "format: tel"} <= set(groups)
    assert len(table[table["contrast"] == as_rows.TRIAL_EFFECT]) == 48
