"""Counts: negative binomial against MASS, bounded days, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.analyses.counts import counts
from ipt_outcomes.analyses.negative_binomial import CountError, RateFit, fit_rates
from ipt_outcomes.analyses.response_data import score_matrix
from ipt_outcomes.study import Study

from .conftest import pick
from .reference_values import R, participants


def with_counts(data, kind, draw):
    content = data.study.model_dump(mode="json", exclude_none=True)
    content["analyses"]["counts"] = {"outcomes": {"hamd17": kind}, "adjust_for": []}
    scores = data.scores.copy()
    seen = scores["score"].notna()
    arm = scores["participant"].map(data.participants.set_index("participant")["arm"])
    scores.loc[seen, "score"] = draw(arm[seen], scores.loc[seen, "visit"]).astype(float)
    return replace(data, study=Study.model_validate(content), scores=scores)


def test_rates_equal_glm_nb():
    people = participants()
    x = np.column_stack(
        [np.ones(len(people)), people["arm"] == "A", people["arm"] == "B", people["severity"]]
    ).astype(float)
    fit = fit_rates(people["episodes"].to_numpy(float), x)
    stored = R["negative_binomial"]
    np.testing.assert_allclose(fit.coefficients, stored["coefficients"], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), stored["se"], rtol=1e-5)
    assert fit.dispersion == pytest.approx(1 / stored["theta"], rel=1e-5)
    # delta method; glm.nb takes the expected information of theta, this the observed one
    se = stored["theta_se"] / stored["theta"] ** 2
    assert fit.dispersion_se == pytest.approx(se, rel=0.05)


def test_episodes(reference_trial):
    random = np.random.default_rng(1)

    def draw(arm, visit):
        mean = np.where(arm == "IPT", 4.0, 8.0)
        return random.negative_binomial(1.2, 1.2 / (1.2 + mean))

    table = counts(with_counts(reference_trial, {}, draw))
    ipt = pick(table, quantity="rate ratio", arm="IPT")
    assert ipt["lower"].item() < 0.5 < ipt["upper"].item()
    assert pick(table, quantity="variance")["estimate"].item() == pytest.approx(1 / 1.2, rel=0.4)


def test_days(reference_trial):
    random = np.random.default_rng(2)

    def draw(arm, visit):
        share = np.where((arm == "IPT") & (visit != "baseline"), 0.25, 0.5)
        return random.binomial(28, random.beta(4 * share, 4 * (1 - share)))

    data = with_counts(reference_trial, {"bounded_at": 28}, draw)
    table = counts(data)
    matrix = score_matrix(data, "hamd17", "policy", [])
    for arm, a in (("IPT", 0), ("MED", 2)):
        own = pick(table, quantity="mean", arm=arm, visit="week_16")
        observed = np.nanmean(matrix.at("week_16")[matrix.arm == a])
        assert own["estimate"].item() == pytest.approx(observed, abs=0.7)
        assert 0 < own["lower"].item() < own["upper"].item() < 28
    difference = pick(table, quantity="difference", arm="IPT", visit="week_16")
    assert difference["lower"].item() < -7 < difference["upper"].item()
    odds = pick(table, quantity="odds ratio", arm="IPT", visit="week_16")
    assert odds["upper"].item() < 1
    # beta-binomial days with a + b = 4: 1 + 27 / 5 times the binomial variance
    assert pick(table, quantity="variance")["estimate"].item() == pytest.approx(6.4, rel=0.2)


def test_what_is_no_count_is_refused(reference_trial):
    with pytest.raises(CountError, match="no whole numbers"):
        counts(with_counts(reference_trial, {}, lambda arm, visit: np.full(len(arm), 1.5)))
    with pytest.raises(CountError, match="bounded at 28"):
        counts(
            with_counts(
                reference_trial, {"bounded_at": 28}, lambda arm, visit: np.full(len(arm), 30)
            )
        )


def test_a_model_without_solution_says_so(reference_trial):
    def draw(arm, visit):
        return np.where((arm == "IPT") & (visit == "week_16"), 0, 3)

    table = counts(with_counts(reference_trial, {}, draw))
    assert table["estimate"].isna().all()
    assert table["notes"].str.contains("counts").all()


def test_the_interval_of_the_dispersion_is_positive_or_absent():
    """A dispersion of 0.50 (0.28) is not between -0.07 and 1.06."""
    fit = RateFit(np.zeros(1), np.eye(1), 0.5, 0.29, 40)
    lower, upper = fit.dispersion_interval(0.95)
    assert lower == pytest.approx(0.5 * np.exp(-1.959964 * 0.29 / 0.5), rel=1e-6)
    assert lower * upper == pytest.approx(0.25)
    assert replace(fit, dispersion_se=0.6).dispersion_interval(0.95) is None
    assert replace(fit, dispersion_se=np.nan).dispersion_interval(0.95) is None


def test_a_dispersion_near_zero_has_no_interval_and_says_so(reference_trial):
    random = np.random.default_rng(4)
    table = counts(with_counts(reference_trial, {}, lambda arm, _: random.poisson(6.0, len(arm))))
    found = pick(table, quantity="variance")
    for row in found.to_dict("records"):
        assert row["se"] >= row["estimate"] or row["lower"] > 0
        if row["se"] >= row["estimate"]:
            assert np.isnan(row["lower"])
            assert "no interval" in row["notes"]
