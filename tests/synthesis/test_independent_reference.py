"""Random-effects models of independent rows equal those of R's metafor 3.8-1."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.synthesis.influence import influence, leave_one_out
from ipt_outcomes.synthesis.permutation import permutation_test
from ipt_outcomes.synthesis.pooling import fixed_effect, prediction_interval, random_effects
from ipt_outcomes.synthesis.subgroups import subgroups

from .conftest import close

TESTS = {"z": "normal", "knha": "hartung-knapp", "adhoc": "hartung-knapp, floored"}
CONTROL = {"control": "placebo"}


def compare(fit, expected) -> None:
    for ours, theirs in (("estimate", "beta"), ("se", "se"), ("lower", "lower"),
                         ("upper", "upper"), ("statistic", "statistic"), ("p", "p")):  # fmt: skip
        close([getattr(c, ours) for c in fit.coefficients], expected[theirs])
    h = fit.heterogeneity
    close([h.tau2, h.Q, h.p, h.I2, h.H2], [expected[x] for x in ("tau2", "Q", "Qp", "I2", "H2")])
    close(fit.weights, expected["weights"])
    if "tau2_interval" in expected:
        close([h.tau2_interval.lower, h.tau2_interval.upper], expected["tau2_interval"])
    if "I2_interval" in expected:
        close([h.I2_interval.lower, h.I2_interval.upper], expected["I2_interval"])


@pytest.mark.parametrize("method", ["REML", "PM", "DL", "ML"])
@pytest.mark.parametrize("test", TESTS)
def test_pooled_effect_equals_rma_uni(continuous, r, method, test):
    # rma(yi, vi, method = method, test = test); confint(); predict()
    expected = r["uni"][f"{method}/{test}"]
    fit = random_effects(continuous, method=method, inference=TESTS[test])
    compare(fit, expected)
    if method in ("REML", "ML"):
        close(fit.log_likelihood, expected["ll"])
    prediction = prediction_interval(fit, "normal" if test == "z" else "k-1")
    close([prediction.lower, prediction.upper], expected["prediction"])


def test_prediction_interval_on_k_minus_2_equals_rileys(continuous, r):
    # predict(rma(yi, vi, test = "knha"), pi.type = "riley")
    prediction = prediction_interval(random_effects(continuous))
    close([prediction.lower, prediction.upper], r["prediction_riley"])
    assert prediction.df == 12


def test_fixed_effect_equals_rma_uni(continuous, r):
    fit = fixed_effect(continuous)
    close([fit.pooled.estimate, fit.pooled.se], [r["uni"]["FE/z"][x] for x in ("beta", "se")])
    close(fit.weights, r["uni"]["FE/z"]["weights"])


@pytest.mark.parametrize("method", ["REML", "PM", "DL", "ML"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_meta_regression_equals_rma_uni(continuous, r, method, test):
    # rma(yi, vi, mods = ~ relevel(factor(control), "placebo") + weeks, method, test)
    expected = r["regression"][f"{method}/{test}"]
    fit = random_effects(continuous, method=method, inference=TESTS[test],
                         moderators=["control", "weeks"], reference=CONTROL)  # fmt: skip
    compare(fit, expected)
    close([fit.moderator_test.statistic, fit.moderator_test.p], [expected["QM"], expected["QMp"]])
    close(fit.explained, expected["R2"])


def test_subgroups_with_common_variance_equal_rma_uni(continuous, r):
    found = subgroups(continuous, "control", model="common")
    close([g.pooled.estimate for g in found.groups], r["cell_means"]["beta"])
    close([g.pooled.lower for g in found.groups], r["cell_means"]["lower"])
    expected = r["subgroups_common"]
    close([found.between.statistic, found.between.p], [expected["QM"], expected["QMp"]])
    assert [(g.name, g.trials) for g in found.groups] == [
        ("placebo", 3), ("usual care", 7), ("waitlist", 4),
    ]  # fmt: skip


def test_subgroups_with_separate_variances_equal_rma_uni_by_group(continuous, r):
    found = subgroups(continuous, "control", model="separate")
    expected = r["subgroups_separate"]
    close([g.pooled.estimate for g in found.groups], expected["estimate"])
    close([g.pooled.lower for g in found.groups], expected["lower"])
    close(found.between.statistic, expected["Q"])


def test_leave_one_out_equals_leave1out(continuous, r):
    found = leave_one_out(continuous, random_effects)
    for name in ("estimate", "se", "p", "lower", "upper"):
        close([getattr(e, name) for e in found.values()], r["leave1out"][name])


def test_influence_equals_metafor(continuous, r):
    found, expected = influence(random_effects(continuous)), r["influence"]
    for ours, theirs in (("rstudent", "rstudent"), ("dffits", "dffits"), ("cook_d", "cook.d"),
                         ("cov_ratio", "cov.r"), ("tau2_without", "tau2.del"),
                         ("Q_without", "QE.del"), ("hat", "hat"), ("weight", "weight")):  # fmt: skip
        close(found[ours], expected[theirs])


@pytest.mark.parametrize(("method", "inference", "key"), [
    ("REML", "hartung-knapp", "permutation"), ("DL", "normal", "permutation_DL"),
])  # fmt: skip
def test_exact_permutation_test_equals_permutest(continuous, r, method, inference, key):
    six = continuous.select(np.arange(14) < 6)
    fit = random_effects(six, method=method, inference=inference, moderators=["weeks"])
    found = permutation_test(fit)
    assert (found.exact, found.orders) == (True, 720)
    close(found.p["weeks"], r[key]["p"][1])
    close(found.p_moderators, r[key]["QMp"])
