"""Risks from imputed scores: their variance against the bootstrap, and at its edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.analyses.imputed_risks import imputed_risks, status_risks
from ipt_outcomes.analyses.response import response
from ipt_outcomes.analyses.response_bootstrap import bootstrap_estimates, pooled_bootstrap
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.response_rows import Comparison
from ipt_outcomes.analyses.rubin import pool
from ipt_outcomes.analyses.standardisation import plain_risks, standardised_risks
from ipt_outcomes.imputation.joint_normal import imputations
from ipt_outcomes.imputation.linearised import linearised
from ipt_outcomes.study import Study

LIMITS = (0.0, 52.0)


def responded(scores):
    return scores[..., 2] <= scores[..., 0] / 2


def drawn(n, lost, seed=3):
    """Scores at three visits; the share ``lost`` has none after the second, most after bad ones."""
    random = np.random.default_rng(seed)
    arm = np.repeat([0, 1], n // 2)
    level, slope = random.normal(0, 3, n), random.normal(0, 5, n)
    means = np.array([[22.0, 15.0, 10.0], [22.0, 17.0, 13.0]])[arm]
    noise = random.normal(0, 3, (n, 3))
    scores = np.clip(
        np.rint(means + level[:, None] + slope[:, None] * [0, 0.5, 1] + noise), *LIMITS
    )
    worst = np.argsort(scores[:, 1] + random.normal(0, 4, n))[n - int(lost * n) :]
    scores[worst, 2] = np.nan
    age = random.normal(0, 1, (n, 1))
    return ScoreMatrix(np.arange(n), arm, ["a", "b"], list("012"), scores, age, [], 0)


def fitted(matrix, number=20, seed=4):
    random = np.random.default_rng(seed)
    fits = [
        standardised_risks(
            responded(scores), matrix.arm, np.column_stack([scores[:, 0], matrix.covariates]), "ab"
        )
        for scores in imputations(
            matrix.scores, matrix.arm, matrix.covariates, number, random, LIMITS
        )
    ]
    linear = linearised(matrix.scores, matrix.arm, matrix.covariates, random, LIMITS)
    return fits, linear


def bootstrap(matrix):
    def estimate(scores, sample):
        covariates = np.column_stack([scores[:, 0], sample.covariates])
        return standardised_risks(responded(scores), sample.arm, covariates, "ab").risks

    return bootstrap_estimates(matrix, estimate, 500, np.random.default_rng(5), LIMITS)


def test_the_variance_is_the_bootstraps_and_below_rubins():
    matrix = drawn(400, 0.3)
    fits, linear = fitted(matrix, 50)
    joined = imputed_risks(fits, linear, matrix, responded)

    samples = bootstrap(matrix)
    for arm in (0, 1):
        resampled = pooled_bootstrap(samples[:, :, arm])
        assert joined.risks[arm] == pytest.approx(resampled.value, abs=0.01)
        # five hundred samples know a standard error to some 3 %
        assert joined.covariance[arm, arm] ** 0.5 == pytest.approx(resampled.se, rel=0.1)
    difference = pooled_bootstrap(samples[:, :, 0] - samples[:, :, 1])
    own = joined.risk_difference("a", "b")
    assert own.variance**0.5 == pytest.approx(difference.se, rel=0.1)
    each = [fit.risk_difference("a", "b") for fit in fits]
    rubin = pool([one.value for one in each], [one.variance for one in each])
    assert own.value == pytest.approx(rubin.value)
    assert 400 * 0.7 - 10 < joined.df < 400 - 4  # who lost the score carries none, if undecided
    assert own.variance**0.5 < 0.97 * rubin.se


def test_losing_more_never_tells_more():
    errors = []
    for lost in (0.02, 0.2, 0.4):
        matrix = drawn(300, lost)
        joined = imputed_risks(*fitted(matrix), matrix, responded)
        errors.append(joined.risk_difference("a", "b").variance)
    assert errors == sorted(errors)


def test_missing_scores_that_decide_nothing_leave_the_variance_of_complete_ones():
    matrix = drawn(120, 0.0)
    matrix.scores[::5, 1] = np.nan  # the visit between
    fits, linear = fitted(matrix)
    joined = imputed_risks(fits, linear, matrix, responded)
    np.testing.assert_allclose(joined.covariance, fits[0].covariance, rtol=1e-9)


def test_arms_by_another_name_have_the_same_variances():
    matrix = drawn(200, 0.3)
    joined = imputed_risks(*fitted(matrix), matrix, responded)
    swapped = ScoreMatrix(
        matrix.participants, 1 - matrix.arm, ["b", "a"], matrix.visits, matrix.scores,
        matrix.covariates, [], 0,
    )  # fmt: skip
    other = imputed_risks(*fitted(swapped), swapped, responded)
    np.testing.assert_allclose(other.covariance[::-1, ::-1], joined.covariance, rtol=0.05)


def test_a_missing_baseline_is_imputed_too():
    matrix = drawn(300, 0.2)
    matrix.scores[::4, 0] = np.nan
    joined = imputed_risks(*fitted(matrix), matrix, responded)
    samples = bootstrap(matrix)
    resampled = pooled_bootstrap(samples[:, :, 0] - samples[:, :, 1])
    own = joined.risk_difference("a", "b")
    assert own.variance**0.5 == pytest.approx(resampled.se, rel=0.1)


def test_without_a_model_rubins_rules_remain():
    matrix = drawn(60, 0.2)
    fits, linear = fitted(matrix, 3)
    assert imputed_risks(fits, None, matrix, responded) is None
    nobody = [standardised_risks(np.zeros(60), matrix.arm, matrix.covariates, "ab")] * 3

    def never(scores):
        return np.zeros(scores.shape[:-1], bool)

    assert imputed_risks(nobody, linear, matrix, never) is None


# --- in the analysis of a trial -------------------------------------------------------------------


def responses(data):
    content = data.study.model_dump(mode="json", exclude_none=True)
    content["analyses"]["response"] = {
        "outcomes": {"hamd17": {"instrument": "HAM-D17", "response": {"percent": 50}}},
        "imputations": 3, "bootstrap": 0,
    }  # fmt: skip
    return response(replace(data, study=Study.model_validate(content)))


def test_a_visit_nobody_attended_is_left_out(reference_trial):
    """A questionnaire may not have been given at every visit."""
    scores = reference_trial.scores.copy()
    without = scores[scores["visit"] != "week_8"].reset_index(drop=True)
    table = responses(replace(reference_trial, scores=without))
    shown = table[(table["analysis"] == "response") & (table["quantity"] == "risk difference")]
    assert len(shown) >= 2
    assert shown["estimate"].notna().all()


def test_an_endpoint_without_any_score_takes_its_rows_only(reference_trial):
    scores = reference_trial.scores.copy()
    without = scores[scores["visit"] != "week_16"].reset_index(drop=True)
    table = responses(replace(reference_trial, scores=without))
    assert table["notes"].str.contains("a visit without any score cannot be imputed").any()


def test_plain_proportions_do_not_give_a_hidden_share_back():
    """Of 27 and 25, a difference of .4015 has one solution in whole numbers: 13 and 2."""
    event = np.r_[np.repeat([1.0, 0.0], [13, 14]), np.repeat([1.0, 0.0], [2, 23])]
    fit = plain_risks(event, np.repeat([0, 1], [27, 25]), ["a", "b"])
    compared = Comparison({}, ["a", "b"], {"a": "A", "b": "B"}, "remission", True, 0.95)
    rows = list(compared.contrasts([fit]))
    assert all(row.get("estimate") is None for row in rows)
    assert {row["quantity"] for row in rows} == {
        "standardised probability", "risk difference", "risk ratio", "odds ratio",
    }  # fmt: skip


def test_one_completed_set_without_a_model_takes_the_adjustment_from_all():
    matrix = drawn(60, 0.2)
    random = np.random.default_rng(4)
    complete = list(imputations(matrix.scores, matrix.arm, matrix.covariates, 3, random, LIMITS))
    complete[1][matrix.arm == 1, 2] = 50.0  # nobody of one arm responds in this set
    found = status_risks(complete, None, matrix, responded, [0, 2])
    assert [fit.adjusted for fit in found.fits] == [False] * 3
    np.testing.assert_allclose([fit.risks for fit in found.fits], found.shares)
    assert "Rubin's rules; without covariates" in found.how


def test_imputations_are_all_adjusted_or_none(reference_trial):
    """Where one completed set has no model, the others do not take part in another estimate."""
    scores = reference_trial.scores.copy()
    arm = scores["participant"].map(reference_trial.participants.set_index("participant")["arm"])
    end = (scores["visit"] == "week_16") & (arm == "MED") & scores["score"].notna()
    scores.loc[end, "score"] = 30.0
    table = responses(replace(reference_trial, scores=scores))
    own = table[(table["analysis"] == "response") & (table["quantity"] == "risk difference")]
    told = own["notes"].str.contains("without covariates")
    assert told.all() or not told.any()
    assert not own["upper"].gt(1).any()


def test_scores_missing_elsewhere_leave_complete_statuses_alone(reference_trial):
    scores = reference_trial.scores.copy()
    known = scores[scores["visit"].isin(["baseline", "week_16"])]
    whole = known.groupby("participant")["score"].apply(lambda s: s.notna().all() and len(s) == 2)
    keep = scores["participant"].map(whole).fillna(False).astype(bool)
    people = reference_trial.participants["participant"].map(whole).fillna(False).astype(bool)
    data = replace(
        reference_trial,
        scores=scores[keep].reset_index(drop=True),
        participants=reference_trial.participants[people].reset_index(drop=True),
    )
    table = responses(data)
    own = table[(table["analysis"] == "response") & (table["quantity"] == "risk difference")]
    assert own["notes"].str.contains("no score missing").all()
    assert not own["interval_method"].str.contains("imputation").any()
