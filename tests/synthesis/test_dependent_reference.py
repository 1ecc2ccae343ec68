"""Three-level models and CR2 equal metafor's rma.mv (3.8-1) and clubSandwich (0.5.8)."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.synthesis.aggregate import one_row_per_trial
from ipt_outcomes.synthesis.dependence import with_dependence
from ipt_outcomes.synthesis.robust import robust_inference
from ipt_outcomes.synthesis.three_level import BETWEEN, WITHIN, three_level, variance_interval

from .conftest import close

CASES = {
    "diagonal": (None, [], None),
    "che": (0.6, [], None),
    "diagonal_mods": (None, ["format", "weeks"], {"format": "group"}),
    "che_mods": (0.6, ["format", "weeks"], {"format": "group"}),
    "che_rater": (0.6, ["rater"], None),
}


def fitted(effects, case):
    rho, moderators, reference = CASES[case]
    effects = effects if rho is None else with_dependence(effects, rho)
    return three_level(effects, moderators=moderators, reference=reference)


@pytest.mark.parametrize("case", CASES)
def test_three_level_model_equals_rma_mv(dependent, r, case):
    # rma.mv(y, V, mods, random = ~ 1 | trial / row)
    fit, expected = fitted(dependent, case), r["three_level"][case]
    close([fit.between, fit.within], expected["sigma2"])
    close([c.estimate for c in fit.coefficients], expected["beta"])
    close(fit.covariance, expected["vb"])
    close([fit.log_likelihood, fit.Q], [expected["ll"], expected["Q"]])
    assert fit.decrement < 1e-12


@pytest.mark.parametrize("case", ["diagonal", "che"])
def test_intervals_equal_rma_mv(dependent, r, case):
    # test = "t", dfs = "contain"; confint() by profile likelihood
    fit, expected = fitted(dependent, case), r["three_level"][case]
    close([fit.pooled.lower, fit.pooled.upper], [expected["lower"], expected["upper"]])
    for which, name in ((BETWEEN, "between"), (WITHIN, "within")):
        interval = variance_interval(fit, which)
        close([interval.lower, interval.upper], expected[name])


@pytest.mark.parametrize("case", CASES)
def test_cr2_equals_clubsandwich(dependent, r, case):
    # vcovCR(fit, cluster, "CR2"); coef_test(test = "Satterthwaite"); Wald_test(test = "HTZ")
    fit, expected = robust_inference(fitted(dependent, case)), r["three_level"][case]
    close(fit.covariance, expected["CR2"])
    close([c.df for c in fit.coefficients], expected["CR2_df"])
    close([c.p for c in fit.coefficients], expected["CR2_p"])
    if "HTZ" in expected:
        test = fit.moderator_test
        close([test.statistic, test.df_numerator, test.df, test.p], list(expected["HTZ"].values()))


def test_shares_of_variance_rest_on_the_typical_sampling_variance(dependent, r):
    fit = fitted(dependent, "che")
    total = fit.between + fit.within + r["typical_variance_che"]
    close([fit.I2_between, fit.I2_within], [100 * fit.between / total, 100 * fit.within / total])


@pytest.mark.parametrize(
    ("how", "key"), [("mean", "aggregate"), ("weighted", "aggregate_weighted")]
)
def test_one_row_per_trial_equals_aggregate(dependent, r, how, key):
    # aggregate(struct = "CS", rho = 0.6, weighted = ...)
    found = one_row_per_trial(with_dependence(dependent, 0.6), how)
    close(found.estimate, r[key]["y"])
    close(found.variance, r[key]["v"])


def test_weights_of_the_robust_model_reproduce_its_estimate(dependent):
    fit = robust_inference(fitted(dependent, "che"))
    assert np.sum(fit.weights) == pytest.approx(100)
    assert fit.weights @ dependent.estimate / 100 == pytest.approx(fit.pooled.estimate)
