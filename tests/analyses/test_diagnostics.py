"""Diagnostics: residuals, influence by leaving out, convergence, other covariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.data import AS_RANDOMISED, model_frame
from ipt_outcomes.analyses.diagnostics import diagnostics
from ipt_outcomes.analyses.diagnostics_primary import person_level
from ipt_outcomes.analyses.growth import fit_curve
from ipt_outcomes.analyses.growth_data import growth_data
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.study import Study

from .simulated import stored_trial


@pytest.fixture
def examined(reference_trial):
    content = reference_trial.study.model_dump(mode="json")
    content["analyses"]["diagnostics"] = {"covariances": ["toeplitz", "unstructured by arm"]}
    return replace(reference_trial, study=Study.model_validate(content))


def test_residuals_are_standardised(examined):
    table = diagnostics(examined)
    own = table[table["analysis"] == "diagnostics, residuals"]
    quantiles = own[own["unit"] == "SD"]["estimate"].to_numpy(float)
    assert (np.diff(quantiles) > 0).all()
    assert quantiles[len(quantiles) // 2] == pytest.approx(0, abs=0.15)
    people = person_level(examined, "hamd17")
    assert people["residual"].std() == pytest.approx(1, abs=0.03)
    assert len(people) == 512


def test_the_growth_model_is_examined_too():
    plan = {"growth": {"phases": {"initial": 4, "middle": 12, "termination": 16}},
            "diagnostics": {"covariances": []}}  # fmt: skip
    data = stored_trial("weekly", "CM", plan)
    table = diagnostics(data)
    own = table[table["analysis"].str.startswith("diagnostics, growth")].set_index("analysis")
    fit = fit_curve(growth_data(data), "piecewise", "satterthwaite", 0.95)
    residuals = fit.residuals("normalised")["residual"].to_numpy(float)
    median = own[own["contrast"].str.startswith("quantile 0.5 ")]["estimate"].item()
    assert median == pytest.approx(np.median(residuals), abs=0.01)
    sd = own.loc["diagnostics, growth, residuals"].query("visit == 'week_8' and arm == 'IPT'")
    raw = fit.residuals("raw")
    ipt = data.participants.query("arm == 'IPT'")["participant"]
    at = raw[(raw["visit"].astype(str) == "week_8") & raw["participant"].isin(ipt)]["residual"]
    assert sd["estimate"].item() == pytest.approx(at.std())
    assert own.loc["diagnostics, growth, convergence"]["estimate"].iloc[0] < 1e-9
    cook = own.loc["diagnostics, growth, influence"]["estimate"]
    assert cook == pytest.approx(fit.influence()["cook"].max())


def test_the_extremes_of_leaving_one_out_are_those_of_refitting(examined):
    table = diagnostics(examined)
    own = table[(table["analysis"] == "diagnostics, influence") & (table["arm"] == "IPT")]
    largest = own[own["contrast"].str.contains("largest")]["estimate"].item()
    frame = model_frame(examined, "hamd17", "policy", AS_RANDOMISED).rows
    rows = frame[frame["score"].notna()]
    found = []
    for name in rows["participant"].unique():
        fit = mixed_model(
            "score ~ baseline*visit + arm*visit + site", rows[rows["participant"] != name],
            participant="participant", visit="visit", df="normal", reference={"arm": "MED"},
        )  # fmt: skip
        table = fit.contrasts("arm", by="visit").set_index(["arm", "visit"])["estimate"]
        found.append(table["IPT", "week_16"])
    assert max(found) == pytest.approx(largest, abs=1e-6)


def test_other_covariances_stand_beside_the_chosen_one(examined):
    table = diagnostics(examined)
    own = table[table["analysis"].str.startswith("diagnostics, covariance")]
    assert set(own["covariance"]) == {"unstructured", "toeplitz", "unstructured by arm"}
    model = primary(examined, "hamd17").query(
        "analysis == 'primary' and estimand == 'policy' and quantity == 'difference' and "
        "visit == 'week_16'"
    )
    chosen = own[own["covariance"] == "unstructured"].set_index("arm")["estimate"]
    pd.testing.assert_series_equal(
        chosen.sort_index(), model.set_index("arm")["estimate"].sort_index(), rtol=1e-9
    )
    assert own["notes"].str.contains("AIC").all()


def test_convergence_is_told(examined):
    own = diagnostics(examined).query("analysis == 'diagnostics, convergence'")
    assert own["estimate"].iloc[0] < 1e-9
    assert own["estimate"].iloc[1] > 0
    assert own["notes"].str.contains("unstructured: converged").all()


def test_nothing_shared_names_a_participant(examined):
    text = diagnostics(examined).to_csv()
    assert not any(name in text for name in examined.participants["participant"])


def test_a_covariance_that_the_primary_model_stepped_down_to_is_shown_once(examined):
    content = examined.study.model_dump(mode="json")
    content["analyses"]["diagnostics"] = {
        "covariances": ["toeplitz", "heterogeneous-autoregressive"]
    }
    content["analyses"]["primary"]["covariance"] = "unstructured"
    few = examined.participants.groupby("arm").head(3)
    kept = examined.scores[examined.scores["participant"].isin(few["participant"])]
    small = replace(examined, study=Study.model_validate(content), participants=few, scores=kept)
    table = diagnostics(small)
    own = table[table["analysis"].str.startswith("diagnostics, covariance ")]
    used = own[own["notes"].str.contains("of the primary model", na=False)]["covariance"]
    assert set(used) == {"heterogeneous autoregressive"}
    assert own["id"].is_unique
