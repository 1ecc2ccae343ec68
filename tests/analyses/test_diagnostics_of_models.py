"""Diagnostics of the models beside the primary one: what they say, and what they must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.clustered_models import fit_clusters
from ipt_outcomes.analyses.diagnostics import diagnostics
from ipt_outcomes.analyses.diagnostics_rows import quantile_rows, shown_quantiles, spread_rows
from ipt_outcomes.analyses.disclosure import SUPPRESSED, hold_small_cells
from ipt_outcomes.analyses.lagged_effects import lagged_models
from ipt_outcomes.analyses.therapists import Clusters, therapists
from ipt_outcomes.analyses.within_between import fit_within_between
from ipt_outcomes.simulate.process import SessionsDesign, simulate_sessions
from ipt_outcomes.study.plan import ALSO_READ, Analyses

from .conftest import pick
from .diagnosed import EVENTS, RESPONSES, extremes, of, only
from .process_rows import with_process

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
    assert half == pytest.approx(fit.residuals("normalised")["residual"].median(), abs=0.01)


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


def test_no_quantile_of_residuals_is_one_of_them():
    values = np.sort(np.random.default_rng(3).normal(0, 1, 57))
    shown = shown_quantiles(values)
    assert list(shown) == [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    assert not set(shown.values()) & set(values)
    assert min(shown.values()) >= values[:5].mean()
    assert list(shown_quantiles(values[:8])) == [0.5]
    assert list(quantile_rows(np.arange(4.0), {}, "residuals", normal=True)) == []
    few = pd.DataFrame({"arm": ["A"] * 4 + ["B"] * 5, "visit": "w", "residual": range(9)})
    assert [row["arm"] for row in spread_rows(few, {})] == ["B"]
