"""Sessions attended, the effect among compliers, and mediation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.analyses.dose_response import DoseError, dose_response, least_squares_hc3
from ipt_outcomes.analyses.instrument import two_stage
from ipt_outcomes.analyses.mediation import (
    MediationError,
    mediation,
    split_effect,
    vanishing_correlation,
)
from ipt_outcomes.results import NOT_FITTED
from ipt_outcomes.study.contradictions import contradictions
from ipt_outcomes.study.process_analyses import ComplierEffect, DoseResponseAnalysis

from .conftest import pick
from .process_rows import with_process

REFERENCE = Path(__file__).parent / "reference" / "process"
R = json.loads((REFERENCE / "process.json").read_text("utf-8"))


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
    without = dose_response(replace(data, participants=attended))
    assert (without["quantity"] == "slope").any()  # the association stands
    (row,) = pick(without, analysis="dose response, compliers").to_dict("records")
    assert row["method"] == NOT_FITTED
    assert "not possible: participants of Medication attended sessions" in row["notes"]


def test_perfect_compliance_is_said_in_words(reference_trial):
    from dataclasses import replace

    people, scores = attending(reference_trial, 0.0)
    people = people.assign(sessions_attended=people["sessions_attended"].clip(lower=8))
    plan = {"imputations": 2, "complier_effect": {"arm": "IPT", "reference": "MED",
            "minimum_sessions": 8, "justification": JUSTIFIED}}  # fmt: skip
    data = with_process(
        replace(reference_trial, participants=people, scores=scores), {"dose_response": plan}
    )
    (row,) = pick(
        dose_response(data), analysis="dose response, compliers", quantity="difference"
    ).to_dict("records")
    assert "inf" not in row["notes"].split()
    assert "everyone who was assigned to it attended at least 8 sessions" in row["notes"]
    assert "nobody of Medication can attend" in row["notes"]


def dosed(data, change):
    from dataclasses import replace

    people, scores = attending(data, 0.0)
    scores.loc[change(scores), "score"] = np.nan
    return with_process(
        replace(data, participants=people, scores=scores), {"dose_response": {"imputations": 2}}
    )


def test_a_visit_that_nobody_attended_is_left_out_and_said(reference_trial):
    data = dosed(reference_trial, lambda scores: scores["visit"] == "week_8")
    slope = pick(dose_response(data), quantity="slope")
    assert np.isfinite(slope["estimate"].item())
    assert "Week 8 left out: there is no score" in slope["notes"].item()


def test_an_endpoint_without_scores_is_an_error(reference_trial):
    data = dosed(reference_trial, lambda scores: scores["visit"] == "week_16")
    with pytest.raises(DoseError, match="at Week 16 there is no score of HAM-D"):
        dose_response(data)


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


def test_a_path_with_too_few_participants_leaves_a_row_and_the_others_stand(reference_trial):
    from dataclasses import replace

    scores = reference_trial.scores.copy()
    at = scores["visit"] == "week_4"
    ipt = reference_trial.participants.query("arm == 'IPT'")["participant"]
    few = ipt.head(3)
    scores.loc[at & scores["participant"].isin(ipt[~ipt.isin(few)]), "score"] = np.nan
    paths = {**PATH["paths"], "first": {**PATH["paths"]["early"], "mediator_visit": "week_4"}}
    data = with_process(
        replace(reference_trial, scores=scores), {"mediation": {**PATH, "paths": paths}}
    )
    table = mediation(data)
    assert len(pick(table, analysis="mediation, early")) == 4
    (row,) = pick(table, analysis="mediation, first").to_dict("records")
    assert row["method"] == NOT_FITTED
    assert row["notes"].startswith("not possible: mediation path first: fewer than 5 and ")
    assert "at least 20 in each arm are needed. Name another mediator_visit" in row["notes"]
