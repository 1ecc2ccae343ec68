"""Diagnostics of the models beside the primary one: what they say, and what they must not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.clustered_models import fit_clusters
from ipt_outcomes.analyses.diagnostics import diagnostics
from ipt_outcomes.analyses.diagnostics_logistic import risk_groups
from ipt_outcomes.analyses.diagnostics_rows import quantile_rows, shown_probabilities, spread_rows
from ipt_outcomes.analyses.disclosure import COMPLEMENT, SUPPRESSED, hold_small_cells
from ipt_outcomes.analyses.event_rows import fit_event
from ipt_outcomes.analyses.lagged_effects import lagged_models
from ipt_outcomes.analyses.response import response
from ipt_outcomes.analyses.response_data import baseline_scores, score_matrix
from ipt_outcomes.analyses.standardisation import standardised_risks
from ipt_outcomes.analyses.status import RESPONSE, status_definitions
from ipt_outcomes.analyses.therapists import Clusters, therapists
from ipt_outcomes.analyses.time_to_event import events, time_to_event
from ipt_outcomes.analyses.within_between import fit_within_between
from ipt_outcomes.simulate.process import SessionsDesign, simulate_sessions
from ipt_outcomes.study import Study
from ipt_outcomes.study.plan import ALSO_READ, Analyses

from .conftest import pick
from .process_rows import with_process

EVENTS = {"outcomes": {"hamd17": {"instrument": "HAM-D17"}}}
RESPONSES = {"outcomes": {"hamd17": {"instrument": "HAM-D17", "response": {"percent": 50}}},
             "imputations": 2, "bootstrap": 0}  # fmt: skip


def only(data, **analyses):
    """Switch on the diagnostics and these analyses, and no others."""
    content = data.study.model_dump(mode="json", exclude_none=True)
    content["analyses"] = {
        "primary": content["analyses"]["primary"], "diagnostics": {"covariances": []}, **analyses,
    }  # fmt: skip
    return replace(data, study=Study.model_validate(content))


def of(table, model, part):
    return table[table["analysis"] == f"diagnostics, {model}, {part}"]


def extremes(table, arm):
    own = table[(table["arm"] == arm) & (table["disclosure"] == "shared")]
    return [
        own[own["contrast"].str.contains(w)]["estimate"].item() for w in ("smallest", "largest")
    ]


# --- each only when it is asked for ---------------------------------------------------------------


def test_only_configured_models_are_examined(reference_trial):
    names = diagnostics(only(reference_trial))["analysis"].str.split(", ").str[1].unique()
    assert set(names) == {"residuals", "convergence", "influence", "covariance unstructured"}


def test_a_change_of_a_section_that_is_read_makes_the_diagnostics_again():
    assert {name for read in ALSO_READ.values() for name in read} <= set(Analyses.model_fields)
    assert set(ALSO_READ) <= set(Analyses.model_fields)


# --- therapists -----------------------------------------------------------------------------------


@pytest.fixture
def treated(reference_trial):
    plan = {"cluster": "therapist", "effect": "growing", "degrees_of_freedom": "satterthwaite"}
    return only(reference_trial, therapists=plan)


def test_the_extremes_of_leaving_a_therapist_out_are_those_of_refitting(treated):
    table = diagnostics(treated)
    own = of(table, "therapists", "influence")
    clusters = Clusters.of(treated, treated.study.analyses.therapists, "hamd17")
    found = []
    for name in clusters.frame["cluster"].dropna().unique():
        rows = clusters.frame[clusters.frame["cluster"] != name].reset_index(drop=True)
        fit = fit_clusters(rows, clusters.model).fit
        at = fit.contrasts("arm", by="visit", reference="MED").set_index(["arm", "visit"])
        found.append(at.loc[("IPT", "week_16"), "estimate"])
    assert len(found) >= 5
    assert extremes(own, "IPT") == pytest.approx([min(found), max(found)], abs=1e-6)


def test_whose_influence_it_is_stays_inside(treated):
    own = of(diagnostics(treated), "therapists", "influence")
    shared, inside = (own[own["disclosure"] == kind] for kind in ("shared", "restricted"))
    assert shared["subgroup"].isna().all()
    assert inside["subgroup"].str.startswith("without therapist ").all()
    shown = shared[shared["arm"] == "IPT"]["estimate"]
    assert set(shown) == {f(inside[inside["arm"] == "IPT"]["estimate"]) for f in (min, max)}


def test_few_therapists_are_not_told_apart(treated):
    people = treated.participants.copy()
    names = sorted(people["therapist"].dropna().unique())
    people["therapist"] = people["therapist"].map(
        {name: f"T{k % 3}" for k, name in enumerate(names)}
    )
    own = of(diagnostics(replace(treated, participants=people)), "therapists", "influence")
    shared = own[own["disclosure"] == "shared"]
    assert shared["estimate"].isna().all()
    assert set(shared["notes"]) == {SUPPRESSED}


def test_the_covariance_of_therapists_model_stands_beside_the_other(treated):
    table = diagnostics(treated)
    own = table[table["analysis"].str.startswith("diagnostics, therapists, covariance ")]
    assert set(own["covariance"]) == {"unstructured by arm", "unstructured"}
    model = pick(therapists(treated), analysis="therapists", quantity="difference", arm="IPT",
                 visit="week_16")  # fmt: skip
    chosen = own[own["notes"].str.startswith("the covariance of the model")].set_index("arm")
    for name in ("estimate", "se", "df"):
        assert chosen.loc["IPT", name] == pytest.approx(model[name].item(), rel=1e-9)
    residuals = of(table, "therapists", "residuals")
    fit = fit_clusters(*_of_clusters(treated)).fit
    half = residuals[residuals["contrast"].str.startswith("quantile 0.5 ")]["estimate"].item()
    assert half == pytest.approx(fit.residuals("normalised")["residual"].median())


def _of_clusters(data):
    clusters = Clusters.of(data, data.study.analyses.therapists, "hamd17")
    return clusters.frame, clusters.model


def test_a_trial_without_therapists_leaves_the_other_models(treated):
    people = treated.participants.assign(therapist=pd.NA).astype({"therapist": "string"})
    table = diagnostics(replace(treated, participants=people))
    (row,) = pick(table, method="not examined").to_dict("records")
    assert row["analysis"] == "diagnostics, therapists"
    assert "its own analysis refuses" in row["notes"]
    assert len(of(table, "therapists", "residuals")) == 0


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


def test_a_few_in_an_arm_are_not_given_away(responding):
    """Four responders of one arm: neither calibration nor what one of them does is shown."""
    scores = responding.scores.copy()
    arm = scores["participant"].map(responding.participants.set_index("participant")["arm"])
    at = (scores["visit"] == "week_16") & (arm == "MED") & scores["score"].notna()
    scores.loc[at, "score"] = 30.0
    scores.loc[scores.index[at][:4], "score"] = 1.0
    table = diagnostics(replace(responding, scores=scores))
    for model, part in (("response", "calibration"), ("response", "influence"),
                        ("response by visit", "influence")):  # fmt: skip
        own = of(table, model, part)
        told = own[own["quantity"] != "test"]
        assert len(told)
        assert told["estimate"].isna().all()
        assert told["notes"].str.contains("suppressed").all()
    shown = of(table, "response by visit", "residuals")
    assert "week_16" not in set(shown["visit"].dropna())
    assert set(of(table, "response by visit", "influence")["notes"].dropna()) == {COMPLEMENT}


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
    (event,) = [e for e in events(data) if e.analysis == "time to response"]
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


# --- lagged effects -------------------------------------------------------------------------------


def test_lagged_models_are_examined(reference_trial):
    frame = simulate_sessions(SessionsDesign(participants=40, sessions=12), 2)
    files = {"sessions": frame[["participant", "session", "alliance", "symptoms"]]}
    plan = {"pairs": {"bond": {"predictor": "alliance", "outcome": "symptoms"}}}
    data = with_process(only(reference_trial), {"lagged_effects": plan}, **files)
    table = diagnostics(data)
    name = "lagged effects, bond forward"
    fit = fit_within_between(next(lagged_models(data)).occasions, random_within=False, level=0.95)
    cook = of(table, name, "influence")["estimate"].item()
    assert cook == pytest.approx(fit.influence()["cook"].max())
    slope = of(table, name, "covariance autoregressive")["estimate"].item()
    assert slope == pytest.approx(fit.coefficients.set_index("term").loc["within", "estimate"])
    assert len(of(table, name, "covariance independent")) == 1
    spread = pick(of(table, name, "residuals"), quantity="standard deviation")
    assert spread["visit"].isna().all()
    assert set(spread["arm"]) <= {"IPT", "IPT+MED", "MED"}
    assert len(of(table, "lagged effects, bond back", "convergence")) == 3


# --- what must never matter, and never be told ----------------------------------------------------


@pytest.fixture
def everything(reference_trial):
    plan = {"cluster": "therapist", "effect": "growing", "degrees_of_freedom": "satterthwaite"}
    return only(reference_trial, therapists=plan, response=RESPONSES, time_to_event=EVENTS)


def test_neither_order_nor_names_of_participants_matter(everything):
    random = np.random.default_rng(4)
    people, scores = everything.participants, everything.scores
    names = dict(zip(people["participant"], random.permutation(
        [f"X{k:03d}" for k in range(len(people))]), strict=True))  # fmt: skip
    moved = replace(
        everything,
        participants=people.assign(participant=people["participant"].map(names).astype("string"))
        .sample(frac=1, random_state=1).reset_index(drop=True)
        .astype(people.dtypes.to_dict()),
        scores=scores.assign(participant=scores["participant"].map(names).astype("string"))
        .sample(frac=1, random_state=2).reset_index(drop=True)
        .astype(scores.dtypes.to_dict()),
    )  # fmt: skip
    before, after = (diagnostics(data).set_index("id") for data in (everything, moved))
    assert list(before.index) == list(after.index)
    solved = before["analysis"].str.endswith("convergence")  # rounding errors, and steps
    pd.testing.assert_series_equal(
        before[~solved]["estimate"], after[~solved]["estimate"], rtol=1e-5, atol=1e-7
    )


def test_nothing_shared_names_a_participant_or_a_therapist(everything):
    table = diagnostics(everything)
    shared = table[table["disclosure"] == "shared"]
    text = shared.drop(columns="id").to_csv()
    people = everything.participants
    for column in ("participant", "therapist"):
        # word for word: a short name may stand inside a number
        assert not any(
            f"{name}" in text.replace(",", " ").split() for name in people[column].dropna()
        )
    assert not shared["subgroup"].dropna().str.contains("therapist").any()


def test_what_is_shared_passes_the_last_pass_over_small_cells(everything):
    table = diagnostics(everything)
    held = hold_small_cells(table, everything.study.privacy.smallest_group)
    pd.testing.assert_series_equal(held["estimate"], table["estimate"])


def test_of_few_residuals_only_the_quartiles_are_shown():
    assert shown_probabilities(99)[0] == 0.1
    assert shown_probabilities(49) == (0.25, 0.5, 0.75)
    assert list(quantile_rows(np.arange(4.0), {}, "residuals", normal=True)) == []
    few = pd.DataFrame({"arm": ["A"] * 4 + ["B"] * 5, "visit": "w", "residual": range(9)})
    assert [row["arm"] for row in spread_rows(few, {})] == ["B"]
