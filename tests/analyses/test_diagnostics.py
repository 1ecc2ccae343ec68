"""Diagnostics: residuals, influence by leaving out, convergence, other covariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.data import AS_RANDOMISED, model_frame
from ipt_outcomes.analyses.diagnostics import diagnostics, person_level
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.study import Study


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
