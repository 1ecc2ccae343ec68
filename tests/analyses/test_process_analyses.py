"""Lagged effects, diaries and sudden gains."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.analyses.diary import diary
from ipt_outcomes.analyses.lagged_effects import lagged_effects
from ipt_outcomes.analyses.sudden_gains import find_gains, sudden_gains
from ipt_outcomes.analyses.within_between import (
    Occasions,
    ProcessError,
    detrended,
    fit_within_between,
    lagged_occasions,
)
from ipt_outcomes.simulate.process import (
    DiaryDesign,
    SessionsDesign,
    simulate_diary,
    simulate_sessions,
)
from ipt_outcomes.study.process_analyses import (
    SuddenGainsAnalysis,
)

from .conftest import pick
from .process_rows import with_process

REFERENCE = Path(__file__).parent / "reference" / "process"
R = json.loads((REFERENCE / "process.json").read_text("utf-8"))


# --- within and between persons ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "random_within"), [("sessions", False), ("diary", True)])
def test_same_results_as_nlme(name, random_within):
    rows = pd.read_csv(REFERENCE / f"{name}.csv")
    fit = fit_within_between(Occasions(rows, 0), random_within=random_within, level=0.95)
    expected = R[name]
    assert fit.covariance_used == "autoregressive"
    assert fit.loglik == pytest.approx(expected["loglik"], abs=1e-6)
    table = fit.coefficients.set_index("term")
    for term in ("within", "between"):
        assert table.loc[term, "estimate"] == pytest.approx(expected[term], abs=1e-5)
        assert table.loc[term, "se"] == pytest.approx(expected[f"{term}_se"], rel=1e-4)
    if random_within:
        sd = np.sqrt(fit.random_covariance.to_numpy()[1, 1])
        assert sd == pytest.approx(expected["slope_sd"], abs=1e-4)


def test_what_is_left_of_a_predictor_knows_neither_level_nor_trend():
    random = np.random.default_rng(1)
    who = pd.Series(np.repeat(["a", "b", "c"], 7))
    when = pd.Series(np.tile(np.arange(7), 3))
    x = pd.Series(random.normal(size=21))
    left = detrended(who, when, x)
    level = who.map({"a": 5.0, "b": -40.0, "c": 0.0})
    trend = who.map({"a": 2.0, "b": -3.0, "c": 0.1}) * when
    pd.testing.assert_series_equal(detrended(who, when, x + level + trend), left)
    assert left.groupby(who).sum().abs().max() < 1e-12


def by(frame, name, clock):
    renamed = frame.rename(columns={name: "value", clock: "time"})
    return renamed[["participant", "arm", "time", "value"]]


def test_the_predictor_comes_before_the_outcome():
    frame = simulate_sessions(SessionsDesign(participants=40, effect=-1.0), 3)
    x, y = by(frame, "alliance", "session"), by(frame, "symptoms", "session")

    def slope(first, then):
        fit = fit_within_between(
            lagged_occasions(first, then, 1, 5), random_within=False, level=0.95
        )
        return fit.coefficients.set_index("term").loc["within"]

    forward, back = slope(x, y), slope(y, x)
    assert forward["upper"] < -0.7
    # Not exactly zero: the predictor of the way back is not exogenous (docs/methods/process.md).
    assert abs(back["estimate"]) < 0.15
    rows = lagged_occasions(x, y, 2, 5).rows
    one = rows.iloc[0]
    earlier = x[(x["participant"] == one["participant"]) & (x["time"] == one["time"] - 2)]
    assert one["x"] == earlier["value"].item()


def test_the_outcomes_own_past_is_refused_at_few_sessions(reference_trial):
    frame = simulate_sessions(SessionsDesign(participants=30, sessions=8), 1)
    plan = {"pairs": {"a": {"predictor": "alliance", "outcome": "symptoms"}}}
    files = {"sessions": frame[["participant", "session", "alliance", "symptoms"]]}
    data = with_process(
        reference_trial, {"lagged_effects": {**plan, "previous_outcome": True}}, **files
    )
    with pytest.raises(ProcessError, match=r"Nickell.*random-intercept cross-lagged"):
        lagged_effects(data)


def test_rows_of_lagged_effects_in_both_directions(reference_trial):
    frame = simulate_sessions(SessionsDesign(participants=40, sessions=12), 2)
    files = {"sessions": frame[["participant", "session", "alliance", "symptoms"]]}
    plan = {"pairs": {"bond": {"predictor": "alliance", "outcome": "symptoms"}}}
    table = lagged_effects(with_process(reference_trial, {"lagged_effects": plan}, **files))
    slopes = table[table["quantity"] == "slope"]
    assert slopes["analysis"].unique().tolist() == [
        "lagged effects, bond forward",
        "lagged effects, bond back",
    ]
    within = pick(slopes, analysis="lagged effects, bond forward", subgroup="within persons")
    assert within["lower"].item() < -0.4 < within["upper"].item() < 0
    assert within["notes"].str.contains("not an effect").all()
    warned = slopes["notes"].str.contains("read the cross-lagged panel")
    assert (warned == slopes["analysis"].str.endswith("back")).all()
    assert set(table["status"]) == {"exploratory"}
    plan["previous_outcome"] = True
    long = simulate_sessions(SessionsDesign(participants=30, sessions=14), 2)
    files = {"sessions": long[["participant", "session", "alliance", "symptoms"]]}
    adjusted = lagged_effects(with_process(reference_trial, {"lagged_effects": plan}, **files))
    assert adjusted["notes"].str.contains("adjusted for the outcome one session before").any()


def test_too_few_occasions_are_an_error_with_its_remedy():
    frame = simulate_sessions(SessionsDesign(participants=5, sessions=4), 1)
    x = by(frame, "alliance", "session")
    with pytest.raises(ProcessError, match=r"0 participants have 5 or more pairs.*Lower"):
        lagged_occasions(x, x, 1, 5)


def test_a_variable_that_nobody_recorded(reference_trial):
    plan = {"pairs": {"a": {"predictor": "alliance", "outcome": "symptoms"}}}
    frame = pd.DataFrame({"participant": ["P001"], "day": [3], "alliance": [1.0],
                          "symptoms": [2.0]})  # fmt: skip
    data = with_process(reference_trial, {"lagged_effects": plan}, diary=frame)
    with pytest.raises(ProcessError, match=r"no session has a number of alliance.*process"):
        lagged_effects(data)


def test_mood_and_events_of_a_diary(reference_trial):
    design = DiaryDesign(participants=40, days=14)
    frame = simulate_diary(design, 4)[["participant", "day", "event", "mood"]]
    table = diary(
        with_process(reference_trial, {"diary": {"mood": "mood", "event": "event"}}, diary=frame)
    )
    same = pick(table, analysis="diary, the same day", subgroup="within persons")
    assert same["lower"].item() < design.effect < same["upper"].item() < 0
    # Days are many, persons few: df are those of the persons who differ in their slopes.
    assert same["df"].item() < 60
    later = pick(table, analysis="diary, the next day", subgroup="within persons")
    assert abs(later["estimate"].item()) < abs(same["estimate"].item()) / 2
    spread = pick(table, analysis="diary, the same day", quantity="standard deviation")
    assert 0 < spread["estimate"].item() < 1.5


# --- sudden gains --------------------------------------------------------------------------------

RULE = SuddenGainsAnalysis(variable="bdi")


@pytest.mark.parametrize(
    ("scores", "rule", "sessions"),
    [
        ([30, 29, 31, 15, 14, 16], {}, [3]),
        ([30, 29, 31, 25, 24, 26], {}, []),  # 6 points are fewer than 7
        ([60, 59, 61, 51, 50, 52], {}, []),  # 10 points are less than a quarter of 61
        ([60, 59, 61, 51, 50, 52], {"percent": None}, [3]),
        ([30, 20, 31, 22, 30, 16], {"stability": None}, [1, 3, 5]),  # unstable throughout
        ([30, np.nan, 31, 15, np.nan, 16], {}, [3]),  # t with 2 df: 15.0 > 4.303 x 0.707
        ([30, np.nan, 26, 15, np.nan, 19], {}, []),  # 11.0 < 4.303 x 2.83
        ([30, np.nan, 26, 15, np.nan, 19], {"standard_error": True}, []),  # 11 < 4.303 x 2.83
        ([30, np.nan, 27, 15, np.nan, 17], {"standard_error": True}, [3]),  # 12.5 > 4.303 x 1.80
        ([np.nan, np.nan, 31, 15, 14, 16], {}, []),  # one session before is not enough
        ([30, 29, np.nan, 15, 14, 16], {}, []),  # sessions 3 and 4 must both be there
    ],
)
def test_each_criterion_decides(scores, rule, sessions):
    found = find_gains(np.array(scores, float), RULE.model_copy(update=rule))
    assert [gain.session for gain in found] == sessions


def test_a_scale_where_higher_is_better_is_turned():
    scores = np.array([10.0, 11, 9, 25, 26, 24])
    turned = RULE.model_copy(update={"higher_is": "better"})
    assert [g.session for g in find_gains(scores, turned)] == [3]
    assert find_gains(scores, RULE) == []


def test_a_lost_gain_is_reversed():
    kept = find_gains(np.array([30.0, 29, 31, 15, 14, 16, 22]), RULE)
    lost = find_gains(np.array([30.0, 29, 31, 15, 14, 16, 23]), RULE)
    assert [g.reversed for g in kept] == [False]
    assert [g.reversed for g in lost] == [True]  # 8 of 16 points


def test_planted_gains_are_found(reference_trial):
    design = SessionsDesign(participants=60, gains=0.5, gain=16.0, missed=0.0)
    frame = simulate_sessions(design, 6)
    planted = frame.drop_duplicates("participant").set_index("participant")["gain_before"]
    files = {"sessions": frame[["participant", "session", "symptoms"]]}
    plan = {"sudden_gains": {"variable": "symptoms", "percent": None}}
    table = sudden_gains(with_process(reference_trial, plan, **files))
    share = pick(table, contrast="with a sudden gain", quantity="probability")
    assert share["notes"].str.contains("no randomised groups").all()
    assert share["n_arm"].sum() == 60
    wide = frame.pivot_table(index="participant", columns="session", values="symptoms")
    rule = RULE.model_copy(update={"percent": None})
    hits = [any(g.session == planted[who] for g in find_gains(row.to_numpy(float), rule))
            for who, row in wide.iterrows() if planted.notna()[who]]  # fmt: skip
    false = [bool(find_gains(row.to_numpy(float), rule))
             for who, row in wide.iterrows() if planted.isna()[who]]  # fmt: skip
    assert np.mean(hits) > 0.8
    assert np.mean(false) < 0.2


def test_the_course_around_the_gain_is_that_of_those_with_one(reference_trial):
    frame = simulate_sessions(SessionsDesign(participants=60, gains=0.5, gain=16.0, missed=0.0), 6)
    files = {"sessions": frame[["participant", "session", "symptoms"]]}
    plan = {"sudden_gains": {"variable": "symptoms", "percent": None}}
    data = with_process(reference_trial, plan, **files)
    table = sudden_gains(data)
    course = pick(table, analysis="sudden gains, course")
    wide = frame.pivot_table(index="participant", columns="session", values="symptoms")
    rule = data.study.analyses.sudden_gains
    arm = data.participants.set_index("participant")["arm"]
    first = {who: found[0].session for who, row in zip(wide.index, wide.to_numpy(float), strict=True)
             if (found := find_gains(row, rule))}  # fmt: skip
    counts = arm[list(first)].value_counts()
    kept = [who for who in first if counts[arm[who]] >= 5]
    assert len(kept) > 0
    for away, words in ((0, "+0"), (1, "+1")):
        row = course[course["subgroup"].str.startswith(f"session {words} ")].iloc[0]
        values = [wide.loc[who, first[who] + away] for who in kept]
        assert row["estimate"] == pytest.approx(np.mean(values))
        assert row["n_arm"] == len(kept)
    # An arm whose count is hidden is not in the course: its count cannot be had by subtraction.
    shown = pick(table, analysis="sudden gains", quantity="count")["estimate"]
    assert course["n_arm"].max() == shown.sum()


def test_at_least_one_criterion_must_stay():
    with pytest.raises(ValidationError, match="keep at least one criterion"):
        SuddenGainsAnalysis(variable="x", points=None, percent=None, stability=None)
