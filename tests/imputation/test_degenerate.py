"""Awkward trials are right, or refused in words that say how to mend them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ipt_outcomes.imputation import (
    ImputationError,
    analyse,
    ancova,
    delta,
    draws,
    each,
    impute,
    incomplete_trial,
    pool,
    responders,
    stream,
    tipping_line,
)
from ipt_outcomes.imputation.example import small_trial

WEEKS = [4, 8, 16]


def long(n: int = 30, seed: int = 1, gaps: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2, "IPT", "MED")
    person = rng.normal(15, 4, n)
    y = person[:, None] + rng.normal(0, 3, (n, 3)) - (arm == "IPT")[:, None] * np.array([1, 2, 3])
    if gaps:
        y[rng.random(y.shape) < 0.15] = np.nan
    return pd.DataFrame(
        {"id": np.repeat(np.arange(n), 3), "week": np.tile(WEEKS, n), "arm": np.repeat(arm, 3),
         "base": np.repeat(person + rng.normal(0, 2, n), 3), "score": y.ravel()}
    )  # fmt: skip


def laid_out(frame: pd.DataFrame, **more):
    return incomplete_trial(frame, "score ~ base*week + arm*week", participant="id", visit="week",
                            arm="arm", **{"reference": "MED", **more})  # fmt: skip


def test_no_missing_value_is_the_complete_analysis():
    frame = long(gaps=False)
    trial = laid_out(frame)
    for method in ("approximate bayes", "posterior"):
        drawn = draws(trial, method, 5, rng=stream(1))
        table = pool(analyse(impute(drawn), ancova()))
        at = frame[frame["week"] == 16]
        X = np.column_stack([np.ones(30), at["arm"] == "IPT", at["base"]]).astype(float)
        beta, rss = np.linalg.lstsq(X, at["score"].to_numpy(), rcond=None)[:2]
        se = np.sqrt(rss[0] / 27 * np.linalg.inv(X.T @ X)[1, 1])
        row = table[(table["quantity"] == "difference") & (table["visit"] == 16)].iloc[0]
        assert row["estimate"] == pytest.approx(beta[1], rel=1e-10)
        assert row["se"] == pytest.approx(se, rel=1e-10)
        assert row["df"] == 27
        assert row["p"] == pytest.approx(2 * stats.t.sf(abs(beta[1] / se), 27), rel=1e-9)
        assert row["missing_information"] == 0
    means = pool(analyse(impute(draws(trial)), ancova()))
    assert means.loc[6, "estimate"] == pytest.approx(row["estimate"], rel=1e-10)


def test_arm_unseen_at_a_visit():
    frame = long()
    frame.loc[(frame["arm"] == "IPT") & (frame["week"] == 16), "score"] = np.nan
    trial = laid_out(frame)
    with pytest.raises(ImputationError, match="IPT at 16: 15 scores"):
        impute(draws(trial, "bootstrap", 3, rng=1))
    gone = frame[(frame["arm"] == "IPT") & (frame["week"] == 16)]
    events = pd.DataFrame({"participant": gone["id"], "visit": 16, "strategy": "JR"})
    imputed = impute(draws(laid_out(frame, events=events)))
    assert np.isfinite(imputed.first()["value"]).all()


def test_visit_that_nobody_attended():
    frame = long()
    frame.loc[frame["week"] == 8, "score"] = np.nan
    with pytest.raises(ImputationError, match="nobody was observed at week 8"):
        laid_out(frame)


def test_event_before_the_first_visit():
    frame = long()
    frame.loc[frame["id"] == 1, "score"] = np.nan
    events = pd.DataFrame({"participant": [1], "day": [-1], "strategy": ["JR"]})
    trial = laid_out(frame, events=events, visit_days={w: 7 * w for w in WEEKS})
    drawn = draws(trial)
    same = [impute(drawn, s).first().set_index(["participant", "visit"])["value"].loc[1]
            for s in ("JR", "CR", "CIR")]  # fmt: skip
    assert np.allclose(same[0], same[1])
    assert np.allclose(same[0], same[2])
    # Nothing was seen of them: they get the reference arm's mean at their baseline.
    expected = drawn.fit.means("arm", by="week", at={"base": frame.loc[3, "base"]})
    expected = expected[expected["arm"] == "MED"]["estimate"]
    assert np.allclose(same[0], expected)
    with pytest.raises(ImputationError, match="no last mean"):
        impute(drawn, "LMCF").first()


def test_one_reference_participant():
    frame = long()
    frame = frame[(frame["arm"] == "IPT") | (frame["id"] == 0)]
    frame.loc[frame["id"] == 0, "score"] = [14.0, 13.0, 12.0]
    trial = laid_out(frame)
    with pytest.raises(ImputationError, match="without 0 the imputation model cannot be fitted"):
        draws(trial, "jackknife")
    table = pool(analyse(impute(draws(trial, "approximate bayes", 10, rng=1)), ancova()))
    assert np.isfinite(table["se"]).all()


def test_participants_without_any_score_are_imputed():
    frame = long()
    frame.loc[frame["id"].isin([1, 2]), "score"] = np.nan
    table = pool(analyse(impute(draws(laid_out(frame))), ancova()))
    assert np.isfinite(table["se"]).all()
    assert table["data_sets"].iloc[0] == 30


def test_absent_rows_are_missing_scores():
    frame = long()
    one, two = laid_out(frame), laid_out(frame.dropna(subset="score"))
    kept = [one.participants.index(p) for p in two.participants]
    assert np.array_equal(one.y[kept], two.y, equal_nan=True)


def test_reference_must_be_named():
    events = pd.DataFrame({"participant": [1], "visit": [8], "strategy": ["CIR"]})
    with pytest.raises(ImputationError, match="Between two active arms"):
        laid_out(long(), reference=None, events=events)
    events["strategy"] = "LMCF"
    assert len(impute(draws(laid_out(long(), reference=None, events=events))).first())


def test_wrong_requests_are_told_at_once():
    events = pd.DataFrame({"participant": [1, 99, 2], "visit": [8, 8, 9],
                           "strategy": ["XYZ", "JR", "JR"]})  # fmt: skip
    with pytest.raises(ImputationError) as refused:
        laid_out(long(), events=events)
    text = str(refused.value)
    assert "'XYZ'" in text
    assert "99 is not in the data" in text
    assert "no visit is called 9" in text
    holes = long()
    holes.loc[holes["id"] == 3, "base"] = np.nan
    with pytest.raises(ImputationError, match="'base' is missing for 1 participants"):
        laid_out(holes)
    with pytest.raises(ImputationError, match="no arm is called 'CBT'"):
        delta(small_trial(), arm={"CBT": 1.0})


def test_what_does_not_suit_conditional_means():
    imputed = impute(draws(small_trial()))
    with pytest.raises(ImputationError, match="too little spread"):
        analyse(imputed, responders(at_most=7))
    with pytest.raises(ImputationError, match="cannot take weights"):
        analyse(imputed, each(lambda frame: {"n": (len(frame), 1.0, 1.0)}, "count"))
    with pytest.raises(ImputationError, match="percentile intervals belong to the bootstrap"):
        pool(analyse(imputed, ancova()), interval="percentile")
    with pytest.raises(ImputationError, match="would change scores that were observed"):
        analyse(imputed, ancova(), np.ones((40, 3)))


def test_scores_after_an_event():
    frame = long(gaps=False)
    events = pd.DataFrame({"participant": [1, 3], "visit": [8, 8], "strategy": "JR"})
    frame.loc[(frame["id"] == 3) & (frame["week"] == 16), "score"] = np.nan
    trial = laid_out(frame, events=events)
    # They do not enter the model under JR, do under MAR, and are kept in the analysis.
    assert draws(trial).fit.n_observations == 90 - 4
    with pytest.raises(ImputationError, match="under MAR but"):
        impute(draws(trial), "MAR")
    assert draws(trial.with_strategy("MAR")).fit.n_observations == 89
    values = next(iter(impute(draws(trial)).blocks())).values[0]
    assert np.array_equal(values[1], trial.y[1])


def test_arms_are_names():
    with pytest.raises(ImputationError, match="holds numbers"):
        laid_out(long().assign(arm=lambda f: (f["arm"] == "IPT") * 1), reference=0)
    named = long()
    ordered = named.assign(arm=pd.Categorical(named["arm"], ["MED", "IPT"]))
    one, two = (pool(analyse(impute(draws(laid_out(f))), ancova())) for f in (named, ordered))
    assert one["estimate"].to_numpy() == pytest.approx(two["estimate"].to_numpy())
    with pytest.raises(ImputationError, match="3 rows have no arm"):
        laid_out(named.assign(arm=named["arm"].where(named["id"] != 4)))


def test_tipping_outside_the_trial():
    with pytest.raises(ImputationError, match="must be one of IPT"):
        tipping_line(impute(draws(small_trial())), ancova(), arm="MED", visit=16, deltas=[1])
