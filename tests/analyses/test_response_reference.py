"""Standardisation, intervals, Rubin's rules and estimating equations against R's stored results.

R 4.2.2 with emmeans, geepack and mice; script and versions stand beside the stored values.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.gee import arm_by_visit, binomial_gee
from ipt_outcomes.analyses.number_needed import nnt_from_d, number_needed
from ipt_outcomes.analyses.proportions import clopper_pearson, poisson_rate, wilson
from ipt_outcomes.analyses.rubin import pool
from ipt_outcomes.analyses.standardisation import standardised_risks

from .reference_values import R, participants, visits


@pytest.fixture(scope="module")
def fitted():
    people = participants()
    covariates = np.column_stack(
        [people["severity"], people["site"] == "S2", people["site"] == "S3"]
    ).astype(float)
    arm = people["arm"].map({"A": 0, "B": 1, "C": 2})
    return standardised_risks(people["event"], arm, covariates, ["A", "B", "C"])


def test_standardised_risks_equal_r(fitted):
    stored = R["standardisation"]
    np.testing.assert_allclose(fitted.risks, stored["risks"], rtol=1e-10)
    np.testing.assert_allclose(fitted.risks, stored["emmeans_risk"], rtol=1e-9)


def test_the_covariance_with_covariates_fixed_equals_r_and_emmeans(fitted):
    stored = R["standardisation"]
    np.testing.assert_allclose(fitted.covariance_fixed, stored["ge"], rtol=1e-7, atol=1e-13)
    se = np.sqrt(np.diag(fitted.covariance_fixed))
    np.testing.assert_allclose(se, stored["emmeans_se"], rtol=1e-7)


def test_the_covariance_of_ye_equals_r(fitted):
    np.testing.assert_allclose(fitted.covariance, R["standardisation"]["ye"], rtol=1e-9)


def test_the_covariance_of_ye_is_near_that_of_the_influence_function(fitted):
    # another derivation of the same limit; they differ by terms of the order 1/n
    influence = np.array(R["standardisation"]["influence"])
    for a, b in ((0, 2), (1, 2), (0, 1)):
        gradient = np.zeros(3)
        gradient[a], gradient[b] = 1, -1
        ratio = math.sqrt(
            gradient @ fitted.covariance @ gradient / (gradient @ influence @ gradient)
        )
        assert ratio == pytest.approx(1, abs=0.02)


def test_intervals_equal_r():
    assert wilson(15 / 40, 40) == pytest.approx(R["wilson"], rel=1e-10)
    assert clopper_pearson(3, 80) == pytest.approx(R["clopper_pearson"], rel=1e-8)
    assert poisson_rate(7, 12.5) == pytest.approx(R["poisson"], rel=1e-8)


def test_rubins_rules_equal_mice():
    pooled = pool([1.0, 1.2, 0.8, 1.1], [0.04, 0.05, 0.03, 0.045], df=100)
    stored = R["rubin"]
    assert pooled.value == pytest.approx(stored["qbar"], rel=1e-12)
    assert pooled.se**2 == pytest.approx(stored["t"], rel=1e-10)
    assert pooled.increase == pytest.approx(stored["r"], rel=1e-10)
    assert pooled.df == pytest.approx(stored["df"], rel=1e-10)


@pytest.mark.parametrize(
    ("column", "trials", "name"), [("yes", 1, "gee_binary"), ("days", 28, "gee_days")]
)
def test_estimating_equations_equal_geepack(column, trials, name):
    rows = visits()
    arm = rows["arm"].map({"A": 0, "B": 1, "C": 2}).to_numpy()
    x = arm_by_visit(arm, rows["visit"].to_numpy() - 1, 3, 3, rows[["severity"]].to_numpy(float))
    fit = binomial_gee(
        rows[column].to_numpy(float) / trials, x, rows["participant"].to_numpy(), trials
    )
    stored = pd.DataFrame(R[name]).set_index("names")
    ours = {f"visit{v}:armx{a}": 3 + (v - 1) * 2 + "AB".index(a) for v in (1, 2, 3) for a in "AB"}
    for term, place in ours.items():
        theirs = stored.loc[term]
        # the two programs' moment estimators of the working correlation differ by 1/n
        assert fit.coefficients[place] == pytest.approx(
            theirs["coefficients"], abs=0.02 * theirs["robust_se"]
        )
        plain = math.sqrt(fit.covariance_plain[place, place])
        assert plain == pytest.approx(theirs["robust_se"], rel=0.003)
        corrected = math.sqrt(fit.covariance[place, place])
        assert corrected == pytest.approx(theirs["mancl_derouen_se"], rel=0.003)
    assert fit.correlation == pytest.approx(stored["rho"].iloc[0], abs=0.02)


def test_published_numbers_needed():
    assert round(nnt_from_d(0.63), 2) == 2.91
    # Altman (1998): risk difference 10 %, 95 % interval -5 % to 25 %: NNTB 10, NNTB 4 to
    # infinity to NNTH 20
    benefit, harm = number_needed(0.10, -0.05, 0.25)
    assert (benefit.estimate, benefit.lower, benefit.upper) == pytest.approx((10, 4, math.inf))
    assert (harm.estimate, harm.lower, harm.upper) == (None, pytest.approx(20), math.inf)
