"""Diagnostics of response, of repeated shares and of times to events."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.diagnostics import diagnostics
from ipt_outcomes.analyses.diagnostics_logistic import risk_groups
from ipt_outcomes.analyses.disclosure import COMPLEMENT, SUPPRESSED
from ipt_outcomes.analyses.event_rows import fit_event
from ipt_outcomes.analyses.response import response
from ipt_outcomes.analyses.response_data import baseline_scores, score_matrix
from ipt_outcomes.analyses.standardisation import standardised_risks
from ipt_outcomes.analyses.status import RESPONSE, status_definitions
from ipt_outcomes.analyses.time_to_event import events, time_to_event
from ipt_outcomes.study import Study

from .conftest import pick
from .diagnosed import EVENTS, RESPONSES, extremes, of, only

# --- response at the endpoint and by visit --------------------------------------------------------


@pytest.fixture
def responding(reference_trial):
    return only(reference_trial, response=RESPONSES)


def observed(data, name=RESPONSE):
    matrix = score_matrix(data, "hamd17", "policy", None)
    plan = data.study.analyses.response.outcomes["hamd17"]
    (definition,) = [
        d for d in status_definitions(data.study, "hamd17", plan, baseline_scores(data, "hamd17"))
        if d.name == name
    ]  # fmt: skip
    later = matrix.at("week_16")
    kept = ~np.isnan(later) & ~np.isnan(matrix.baseline)
    event = definition.holds(matrix.baseline, later)[kept]
    return event, matrix.arm[kept], np.column_stack([matrix.baseline, matrix.covariates])[kept]


def test_the_extremes_of_the_risk_difference_are_those_of_refitting(responding):
    own = of(diagnostics(responding), "response", "influence")
    parts = observed(responding)
    found = [
        standardised_risks(
            *(np.delete(part, i, axis=0) for part in parts), ["IPT", "IPT+MED", "MED"]
        )
        for i in range(len(parts[0]))
    ]
    differences = [fit.risks[0] - fit.risks[2] for fit in found]
    assert extremes(own, "IPT") == pytest.approx([min(differences), max(differences)], abs=1e-8)
    whole = pick(response(responding), analysis="response, observed only", arm="IPT",
                 quantity="risk difference")  # fmt: skip
    table = diagnostics(responding)
    chosen = of(table, "response", "covariance counting the sampling of covariates")
    for name in ("estimate", "lower", "upper", "df"):
        value = chosen[chosen["arm"] == "IPT"][name].item()
        assert value == pytest.approx(whole[name].item(), rel=1e-9)
    assert own["notes"].str.contains(f"with everyone {whole['estimate'].item():.2f}").any()


def test_calibration_holds_in_the_whole(responding):
    own = of(diagnostics(responding), "response", "calibration")
    event, *_ = observed(responding)
    for words in ("observed share", "predicted share"):
        part = own[own["contrast"] == words]
        assert part["n_arm"].sum() == len(event)
        total = (part["estimate"] * part["n_arm"]).sum()
        assert total == pytest.approx(event.sum())  # the model's score equations
    assert own[own["contrast"] == "predicted share"]["estimate"].is_monotonic_increasing
    counts = (own["estimate"] * own["n_arm"])[own["contrast"] == "observed share"]
    rest = own["n_arm"][own["contrast"] == "observed share"] - counts
    assert min(counts.min(), rest.min()) >= 5 - 1e-9


def test_groups_of_risk_keep_equal_risks_together_and_enough_events():
    random = np.random.default_rng(2)
    risk = random.choice([0.1, 0.2, 0.4, 0.8], 80)
    event = (random.random(80) < risk).astype(float)
    groups = risk_groups(risk, event, 3)
    assert sorted(np.concatenate(groups)) == list(range(80))
    for one, other in pairwise(groups):
        assert risk[one].max() < risk[other].min()
    order = random.permutation(80)
    moved = risk_groups(risk[order], event[order], 3)
    assert [sorted(order[g]) for g in moved] == [sorted(g) for g in groups]
    assert risk_groups(risk, np.zeros(80), 3) == []


def with_responders(data, number):
    """Let so many (or all but so many) of an arm respond at the endpoint, and no others of it."""
    scores = data.scores.copy()
    arm = scores["participant"].map(data.participants.set_index("participant")["arm"])
    at = (scores["visit"] == "week_16") & (arm == "MED") & scores["score"].notna()
    scores.loc[at, "score"] = 30.0
    scores.loc[scores.index[at][:number], "score"] = 1.0
    return replace(data, scores=scores)


def test_a_few_in_an_arm_are_not_given_away(responding):
    """Four responders of one arm: neither calibration nor what one of them does is shown."""
    table = diagnostics(with_responders(responding, 4))
    for model, part in (("response", "calibration"), ("response", "influence"),
                        ("response by visit", "influence")):  # fmt: skip
        own = of(table, model, part)
        assert len(own)
        assert own["estimate"].isna().all()
        assert own["notes"].str.contains("suppressed").all()
    shown = of(table, "response by visit", "residuals")
    assert "week_16" not in set(shown["visit"].dropna())
    assert set(of(table, "response by visit", "influence")["notes"].dropna()) == {COMPLEMENT}


def test_a_few_without_the_status_are_not_given_away_either(responding):
    data = with_responders(responding, -3)  # all but three respond
    table = diagnostics(data)
    for model, part in (("response", "calibration"), ("response", "influence"),
                        ("response by visit", "influence")):  # fmt: skip
        assert of(table, model, part)["estimate"].isna().all()
    shares = pick(response(data), analysis="response by visit", quantity="probability",
                  visit="week_16", arm="MED")  # fmt: skip
    assert shares["estimate"].isna().all()


def test_calibration_gives_no_arm_back_where_the_smallest_group_is_larger(responding):
    """Seven responders in an arm: with groups of eleven the sum over risk groups would tell."""
    study = responding.study.model_copy(
        update={"privacy": responding.study.privacy.model_copy(update={"smallest_group": 11})}
    )
    data = replace(with_responders(responding, 7), study=study)
    table = diagnostics(data)
    for part in ("calibration", "influence"):
        own = of(table, "response", part)
        assert own["estimate"].isna().all()
        assert own["notes"].str.contains("11").all()
    told = response(data)
    own = told[(told["analysis"] == "response, observed only") & (told["arm"] == "MED")]
    assert own["estimate"].isna().all()


def test_response_by_visit_under_both_working_correlations(responding):
    table = diagnostics(responding)
    model = pick(response(responding), analysis="response by visit", quantity="odds ratio",
                 visit="week_16", arm="IPT")  # fmt: skip
    own = of(table, "response by visit", "covariance exchangeable")
    for name in ("estimate", "lower", "upper", "df"):
        value = own[own["arm"] == "IPT"][name].item()
        assert value == pytest.approx(model[name].item(), rel=1e-9)
    other = of(table, "response by visit", "covariance independent")
    assert other[other["arm"] == "IPT"]["estimate"].item() == pytest.approx(value_of(own), rel=0.2)
    low, high = extremes(of(table, "response by visit", "influence"), "IPT")
    assert low < value_of(own) < high
    residuals = of(table, "response by visit", "residuals")
    means = residuals[residuals["quantity"] == "observed mean"]
    # Arm by visit is in the model: zero but for what the working correlation moves.
    assert means["estimate"].abs().max() < 0.2


def value_of(table):
    return table[table["arm"] == "IPT"]["estimate"].item()


def test_bounded_days_are_examined(reference_trial):
    data = only(reference_trial, counts={"outcomes": {"hamd17": {"bounded_at": 52}}})
    table = diagnostics(data)
    spread = of(table, "counts", "residuals")
    assert pick(spread, quantity="variance")["estimate"].item() > 0
    assert len(pick(spread, quantity="standard deviation")) == 12  # three arms, four visits
    low, high = extremes(of(table, "counts", "influence"), "IPT")
    assert low < value_of(of(table, "counts", "covariance exchangeable")) < high


# --- times to events ------------------------------------------------------------------------------


def test_hazards_are_examined(reference_trial):
    data = only(reference_trial, time_to_event=EVENTS)
    table = diagnostics(data)
    model = pick(time_to_event(data), analysis="time to response", quantity="hazard ratio",
                 arm="IPT")  # fmt: skip
    own = pick(of(table, "time to response", "covariance model-based"), arm="IPT")
    robust = pick(of(table, "time to response", "covariance robust"), arm="IPT")
    for name in ("estimate", "lower", "upper"):
        assert own[name].item() == pytest.approx(model[name].item())
    assert robust["estimate"].item() == own["estimate"].item()
    assert robust["se"].item() == pytest.approx(own["se"].item(), rel=0.2)
    (event,) = [e for e in events(data, []) if e.analysis == "time to response"]
    exact = []
    for i in range(len(event.times.weeks)):
        left = replace(event.times, **{
            name: np.delete(getattr(event.times, name), i) for name in ("arm", "weeks", "event")
        })  # fmt: skip
        fit = fit_event(left, np.delete(event.covariates, i, axis=0), 3)
        exact.append(np.exp(fit.coefficients[0]))
    low, high = extremes(of(table, "time to response", "influence"), "IPT")
    assert low == pytest.approx(min(exact), rel=0.02)  # to first order
    assert high == pytest.approx(max(exact), rel=0.02)
    assert of(table, "time to response", "convergence")["estimate"].iloc[0] < 1e-6


def test_few_events_have_no_residuals_of_their_own(reference_trial):
    data = only(reference_trial, time_to_event={"leaving_the_study": True})
    people = data.participants.copy()
    days = [10, 20, 30, *[pd.NA] * (len(people) - 3)]
    people["study_exit_day"] = pd.array(days, "Int64")
    table = diagnostics(replace(data, participants=people))
    own = table[table["analysis"].str.startswith("diagnostics, time to leaving")]
    assert own["estimate"].isna().all()
    assert set(own["notes"]) == {SUPPRESSED}


def test_few_events_of_an_arm_are_not_given_back(responding):
    """Two responders of one arm: what leaving one out does to the ratio would tell the two."""
    content = responding.study.model_dump(mode="json", exclude_none=True)
    content["analyses"]["time_to_event"] = EVENTS
    data = replace(responding, study=Study.model_validate(content))
    scores = data.scores.copy()
    arm = scores["participant"].map(data.participants.set_index("participant")["arm"])
    later = (scores["visit"] != "baseline") & (arm == "MED") & scores["score"].notna()
    scores.loc[later, "score"] = 30.0
    last = scores.index[later & (scores["visit"] == "week_16")][:2]
    scores.loc[last, "score"] = 1.0
    table = diagnostics(replace(data, scores=scores))
    own = table[table["analysis"].str.startswith("diagnostics, time to response")]
    assert own["estimate"].isna().all()
    assert set(own["notes"]) == {COMPLEMENT}


def test_a_model_that_there_is_not_leaves_a_row(responding):
    scores = responding.scores.copy()
    scores.loc[scores["visit"] != "baseline", "score"] = 30.0  # nobody responds at any visit
    table = diagnostics(replace(responding, scores=scores))
    for name in ("response", "response by visit"):
        own = table[table["analysis"] == f"diagnostics, {name}"]
        assert own["notes"].str.startswith("no model: ").tolist() == [True]
