"""The primary comparison by other means: R's numbers, nobody lost, honest bootstrap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.constrained import fit_constrained
from ipt_outcomes.analyses.cross_checks import cross_checks
from ipt_outcomes.analyses.primary import primary

from .conftest import planned


def with_plan(data, **plan):
    return planned(data, cross_checks=plan)


def kind(table, name):
    return table[table["analysis"] == f"cross-checks, {name}"].set_index(["arm", "visit"])


@pytest.fixture(scope="module")
def plain():
    return {"constrained": False, "robust": None, "bootstrap": 0}


def test_the_baseline_as_an_outcome_equals_r(reference_trial, clinical_reference):
    # nlme::gls with the same fixed effects; df differ by definition, estimates and errors do not
    stored = clinical_reference["constrained"]
    theirs = dict(zip(stored["names"], zip(stored["estimate"], stored["se"], strict=True),
                      strict=True))  # fmt: skip
    found = fit_constrained(reference_trial, "hamd17", "policy").differences
    assert len(found) == 8
    for row in found.to_dict("records"):
        week = row["visit"].removeprefix("week_")
        estimate, se = theirs[f"d_{row['arm'].replace('+', '_')}_{week}"]
        assert row["estimate"] == pytest.approx(estimate, abs=2e-4 * se)
        assert row["se"] == pytest.approx(se, rel=2e-4)


def test_nobody_with_any_score_is_left_out(reference_trial, plain):
    scores = reference_trial.scores.copy()
    person = scores["participant"] == "P001"
    scores.loc[person & (scores["visit"] == "baseline"), "score"] = np.nan
    other = scores["participant"] == "P003"
    scores.loc[other & (scores["visit"] != "baseline"), "score"] = np.nan
    data = replace(reference_trial, scores=scores)
    assert fit_constrained(data, "hamd17", "policy").fit.n_participants == 168
    scores.loc[other, "score"] = np.nan
    found = fit_constrained(replace(data, scores=scores), "hamd17", "policy")
    assert found.fit.n_participants == 167
    assert "1 participants without any score not analysed" in found.notes


def test_robust_errors_leave_the_estimate(reference_trial, plain):
    table = cross_checks(with_plan(reference_trial, **{**plain, "robust": "CR2"}))
    assert set(table["analysis"]) == {"cross-checks, CR2 errors"}
    model = primary(reference_trial, "hamd17")
    model = model[(model["analysis"] == "primary") & (model["quantity"] == "difference")]
    model = model[model["estimand"] == "policy"].set_index(["arm", "visit"])
    own = kind(table, "CR2 errors")
    for column in ("estimate", "n_arm", "n_reference"):
        pd.testing.assert_series_equal(
            own[column].sort_index(), model[column].sort_index(), rtol=1e-8, check_names=False
        )
    assert (own["se"] != model["se"].reindex(own.index)).all()
    assert own["se"].between(0.7 * model["se"], 1.3 * model["se"]).all()


def test_the_bootstrap_surrounds_the_estimate_and_repeats(reference_trial, plain):
    data = with_plan(reference_trial, **{**plain, "bootstrap": 400})
    table = cross_checks(data)
    robust = kind(cross_checks(with_plan(reference_trial, **{**plain, "robust": "CR2"})),
                  "CR2 errors")  # fmt: skip
    own = kind(table, "bootstrap")
    assert own["lower"].lt(own["estimate"]).all()
    assert own["upper"].gt(own["estimate"]).all()
    np.testing.assert_allclose(own["se"], robust["se"].reindex(own.index), rtol=0.12)
    pd.testing.assert_frame_equal(table, cross_checks(data))


def test_every_row_is_exploratory(reference_trial):
    table = cross_checks(with_plan(reference_trial, bootstrap=60))
    assert set(table["status"]) == {"exploratory"}
    assert len(table) == 3 * 8
