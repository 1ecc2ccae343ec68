"""Lagged effects, diaries, sudden gains, dose, compliers and mediation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.analyses.diary import diary
from ipt_outcomes.analyses.dose_response import DoseError, dose_response, least_squares_hc3
from ipt_outcomes.analyses.instrument import two_stage
from ipt_outcomes.analyses.lagged_effects import lagged_effects
from ipt_outcomes.analyses.mediation import (
    MediationError,
    mediation,
    split_effect,
    vanishing_correlation,
)
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
from ipt_outcomes.study.contradictions import contradictions
from ipt_outcomes.study.process_analyses import (
    ComplierEffect,
    DoseResponseAnalysis,
    SuddenGainsAnalysis,
)

from .process_rows import pick, with_process

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


# --- dose and compliers --------------------------------------------------------------------------


def test_instrument_and_robust_errors_as_in_r():
    c = pd.read_csv(REFERENCE / "compliance.csv")
    fit = two_stage(*(c[k].to_numpy(float) for k in ("y", "d", "z")), c[["baseline"]].to_numpy())
    assert fit.value == pytest.approx(R["instrument"]["value"], abs=1e-9)
    assert fit.se == pytest.approx(R["instrument"]["hc1"], abs=1e-9)
    assert fit.first_stage == pytest.approx(R["instrument"]["first_stage"], rel=1e-9)
    x = np.column_stack([c["d"], np.ones(len(c)), c["baseline"]])
    value, se = least_squares_hc3(x, c["y"].to_numpy(float), 0)
    assert (value, se) == pytest.approx((R["hc3"]["value"], R["hc3"]["se"]), abs=1e-9)


def attending(data, per_session):
    people = data.participants
    treated = people["arm"] != "MED"
    number = np.random.default_rng(3).integers(0, 17, len(people))
    sessions = pd.array(np.where(treated, number, 0), "Int64")
    sessions[~treated.to_numpy()] = pd.NA
    scores = data.scores.copy()
    extra = pd.Series(np.where(treated, number, 0), index=people["participant"])
    at = scores["visit"] == "week_16"
    scores.loc[at, "score"] += per_session * scores.loc[at, "participant"].map(extra).astype(float)
    return people.assign(sessions_attended=sessions), scores


JUSTIFIED = "Sessions were the only thing offered to this arm and to nobody else."


def test_dose_response_is_labelled_and_moves_with_the_sessions(reference_trial):
    from dataclasses import replace

    slopes = []
    for shift in (0.0, -0.5):
        people, scores = attending(reference_trial, shift)
        data = with_process(
            replace(reference_trial, participants=people, scores=scores),
            {"dose_response": {"imputations": 4}},
            lambda c: c["outcomes"]["hamd17"].update(range=[-99, 99]),
        )
        table = dose_response(data)
        assert table["notes"].str.contains("not randomised").all()
        slopes.append(pick(table, quantity="slope")["estimate"].item())
    assert slopes[1] - slopes[0] == pytest.approx(-0.5, abs=0.05)


def test_effect_among_compliers_with_its_justification(reference_trial):
    from dataclasses import replace

    people, scores = attending(reference_trial, 0.0)
    plan = {"imputations": 3, "complier_effect": {"arm": "IPT", "reference": "MED",
            "minimum_sessions": 8, "justification": JUSTIFIED}}  # fmt: skip
    data = with_process(
        replace(reference_trial, participants=people, scores=scores), {"dose_response": plan}
    )
    table = dose_response(data)
    effect = pick(table, analysis="dose response, compliers", quantity="difference")
    assert JUSTIFIED in effect["notes"].item()
    share = pick(table, analysis="dose response, compliers", quantity="probability")
    assert 0.3 < share["estimate"].item() < 0.8
    assert effect["se"].item() > 0
    attended = people.assign(sessions_attended=people["sessions_attended"].fillna(3))
    with pytest.raises(DoseError, match="assignment is no instrument"):
        dose_response(replace(data, participants=attended))


def test_compliers_without_justification_are_refused():
    with pytest.raises(ValidationError, match="exclusion restriction"):
        ComplierEffect(arm="IPT", reference="MED", minimum_sessions=8)


def test_compliers_against_an_arm_with_psychotherapy_are_refused(reference_trial):
    plan = {"complier_effect": {"arm": "IPT", "reference": "IPT+MED", "minimum_sessions": 8,
                                "justification": JUSTIFIED}}  # fmt: skip
    study = with_process(reference_trial, {"dose_response": plan}).study
    assert any("no instrument" in problem for _, problem, _ in contradictions(study))


def test_nobody_with_sessions_is_an_error(reference_trial):
    data = with_process(reference_trial, {"dose_response": DoseResponseAnalysis().model_dump()})
    with pytest.raises(DoseError, match=r"columns.sessions_attended"):
        dose_response(data)


# --- mediation -----------------------------------------------------------------------------------


def test_split_of_the_effect_equals_products_of_least_squares():
    import statsmodels.api as sm

    c = pd.read_csv(REFERENCE / "compliance.csv")
    z, m, y, x = (c[k].to_numpy(float) for k in ("z", "m", "y2", "baseline"))
    first = sm.OLS(m, sm.add_constant(np.column_stack([z, x]))).fit()
    second = sm.OLS(y, sm.add_constant(np.column_stack([z, m, x]))).fit()
    total = sm.OLS(y, sm.add_constant(np.column_stack([z, x]))).fit()
    split = split_effect(z, m, y, x[:, None], interaction=False)
    assert split.indirect == pytest.approx(first.params[1] * second.params[2], abs=1e-10)
    assert split.direct == pytest.approx(second.params[1], abs=1e-10)
    assert split.total == pytest.approx(total.params[1], abs=1e-10)


def test_with_interaction_the_parts_follow_from_the_two_regressions():
    import statsmodels.api as sm

    c = pd.read_csv(REFERENCE / "compliance.csv")
    first = sm.OLS.from_formula("m ~ z + baseline", c).fit().params
    second = sm.OLS.from_formula("y2 ~ z + m + z:m + baseline", c).fit().params
    split = split_effect(*(c[k].to_numpy(float) for k in ("z", "m", "y2")),
                         c[["baseline"]].to_numpy(float), interaction=True)  # fmt: skip
    indirect = (second["m"] + second["z:m"]) * first["z"]
    untreated = first["Intercept"] + first["baseline"] * c["baseline"].mean()
    assert split.indirect == pytest.approx(indirect, abs=1e-9)
    assert split.direct == pytest.approx(second["z"] + second["z:m"] * untreated, abs=1e-9)


def test_an_unmeasured_cause_of_this_correlation_would_undo_the_indirect_effect():
    random = np.random.default_rng(5)
    n = 200_000
    z = np.repeat([0.0, 1.0], n // 2)
    cause = random.normal(size=n)
    m = -2 * z + cause + random.normal(size=n)
    y = z + 1.5 * cause + random.normal(size=n)  # no effect of m at all
    found = vanishing_correlation(z, m, y, np.empty((n, 0)))
    assert found == pytest.approx(1.5 / np.sqrt(2 * 3.25), abs=0.01)


PATH = {"paths": {"early": {"mediator": "hamd17", "mediator_visit": "week_8", "arm": "IPT"}},
        "bootstrap": 100}  # fmt: skip


def test_rows_of_mediation_print_their_assumption(reference_trial):
    table = mediation(with_process(reference_trial, {"mediation": PATH}))
    assert len(table) == 4
    effects = table[table["quantity"] == "difference"].set_index("subgroup")["estimate"]
    assert effects["indirect effect"] + effects["direct effect"] == pytest.approx(
        effects["total effect"]
    )
    assert table["notes"].str.contains("sequential ignorability").all()
    again = mediation(with_process(reference_trial, {"mediation": PATH}))
    pd.testing.assert_frame_equal(table, again)


@pytest.mark.parametrize("visit", ["baseline", "week_16"])
def test_a_mediator_lies_between_baseline_and_outcome(reference_trial, visit):
    path = {"early": {**PATH["paths"]["early"], "mediator_visit": visit}}
    data = with_process(reference_trial, {"mediation": {**PATH, "paths": path}})
    with pytest.raises(MediationError, match="after baseline and before the outcome"):
        mediation(data)


def test_names_that_the_study_does_not_have(reference_trial):
    plan = {"lagged_effects": {"pairs": {"a": {"predictor": "bond", "outcome": "x"}}},
            "mediation": {"paths": {"p": {"mediator": "sas", "mediator_visit": "week_9",
                                          "arm": "CBT"}}},
            "sudden_gains": {"variable": "bdi"}, "diary": {"mood": "m", "event": "e"},
            "delivery": {"ratings": ["fidelity"], "outside_protocol": ["pills"]},
            "blinding": {"masked": "masked", "clinician": "madrs"}}  # fmt: skip
    problems = list(contradictions(with_process(reference_trial, plan).study))
    keys = {".".join(key) for key, _, _ in problems}
    assert {
        "analyses.lagged_effects.pairs.a.predictor",
        "analyses.mediation.paths.p.mediator_visit",
        "analyses.mediation.paths.p.arm",
        "analyses.sudden_gains.variable",
        "analyses.diary.event",
        "analyses.delivery.outside_protocol",
        "analyses.blinding.clinician",
    } <= keys
