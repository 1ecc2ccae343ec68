"""The description of missing scores: counts that add up, and predictors that were put there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.missing_data import MissingDataError, missing_data

from .conftest import planned


def with_plan(data, **plan):
    return planned(data, missing_data=plan)


@pytest.fixture
def table(reference_trial):
    return missing_data(with_plan(reference_trial, predictors=["site"]))


def test_counts_by_visit_are_the_datas(table, reference_trial):
    found = table[table["contrast"] == "scores missing"].set_index(["arm", "visit"])["estimate"]
    scores = reference_trial.scores.merge(reference_trial.participants[["participant", "arm"]])
    later = scores[scores["visit"] != "baseline"]
    want = later["score"].isna().groupby([later["arm"], later["visit"]]).sum()
    assert found.to_dict() == want[found.index].to_dict()
    parts = table[table["contrast"].isin(["not seen from here on", "missed, seen again later"])]
    assert parts.groupby(["arm", "visit"])["estimate"].sum().to_dict() == found.to_dict()


def test_everyone_has_one_kind(table, reference_trial):
    kinds = table[table["contrast"].str.startswith("participants: ")]
    sizes = reference_trial.participants["arm"].value_counts()
    assert kinds.groupby("arm")["estimate"].sum().to_dict() == sizes.to_dict()


def test_rare_patterns_are_hidden(table):
    patterns = table[table["contrast"] == "participants with this pattern of visits"]
    shown = patterns["estimate"].dropna()
    assert (shown >= 5).all()
    assert patterns["notes"].str.startswith("suppressed").sum() != 1


def test_reasons_add_up_to_the_missing(table):
    reasons = table[table["contrast"].str.startswith("missing at the endpoint")]
    missing = table[(table["contrast"] == "scores missing") & (table["visit"] == "week_16")]
    want = missing.set_index("arm")["estimate"].to_dict()
    assert reasons.groupby("arm")["estimate"].sum().to_dict() == want


def test_a_predictor_that_was_put_there_is_found(reference_trial):
    # Whoever has a high score at week 8 leaves: the odds rise with the last observed score.
    rng = np.random.default_rng(3)
    scores = reference_trial.scores.copy()
    at = scores[scores["visit"] == "week_8"].set_index("participant")["score"]
    high = scores["participant"].map(at)
    chance = 1 / (1 + np.exp(-(high - high.mean()) / 2))
    by_person = dict(zip(scores["participant"], chance, strict=True))
    draw = {p: rng.random() < c for p, c in by_person.items() if np.isfinite(c)}
    gone = scores["participant"].map(draw).eq(True) & scores["visit"].isin(["week_12", "week_16"])
    scores.loc[gone, "score"] = np.nan
    found = missing_data(with_plan(replace(reference_trial, scores=scores)))
    ratio = found[(found["quantity"] == "ratio") & found["contrast"].str.contains("last observed")]
    assert ratio["lower"].item() > 1


def test_odds_ratios_are_those_of_statsmodels():
    import statsmodels.api as sm

    from ipt_outcomes.analyses.missing_data import _logistic

    rng = np.random.default_rng(5)
    x = rng.normal(size=200)
    y = (rng.random(200) < 1 / (1 + np.exp(0.5 - x))).astype(float)
    beta, se = _logistic({"intercept": np.ones(200), "x": x}, y)
    fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0)
    assert beta == pytest.approx(fit.params, rel=1e-6)
    assert se == pytest.approx(fit.bse, rel=1e-5)


def test_nobody_left(reference_trial):
    scores = reference_trial.scores.assign(score=lambda f: f["score"].fillna(10.0))
    found = missing_data(with_plan(replace(reference_trial, scores=scores)))
    told = found[found["quantity"] == "ratio"]
    assert told["estimate"].isna().all()
    assert "not examined" in told["notes"].item()


def test_unknown_predictor(reference_trial):
    with pytest.raises(MissingDataError, match="shoe_size is neither"):
        missing_data(with_plan(reference_trial, predictors=["shoe_size"]))


def test_order_of_participants_does_not_matter(reference_trial, table):
    mixed = reference_trial.participants.sample(frac=1, random_state=1).reset_index(drop=True)
    again = missing_data(with_plan(replace(reference_trial, participants=mixed),
                                   predictors=["site"]))  # fmt: skip
    numbers = ["id", "estimate", "lower", "upper"]
    pd.testing.assert_frame_equal(again[numbers], table[numbers])
