"""One model without a fit leaves a row that says so, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import ipt_outcomes.mixed
from ipt_outcomes.analyses.attempts import NAMELESS, answered, not_fitted
from ipt_outcomes.analyses.diagnostics import diagnostics
from ipt_outcomes.analyses.diagnostics_primary import person_level
from ipt_outcomes.analyses.moderators import moderators
from ipt_outcomes.analyses.multiplicity import multiplicity
from ipt_outcomes.analyses.primary import PrimaryModelError, primary
from ipt_outcomes.analyses.problem_areas import problem_areas
from ipt_outcomes.analyses.status import StatusError
from ipt_outcomes.imputation import ImputationError
from ipt_outcomes.mixed import ConvergenceError, DesignError
from ipt_outcomes.results import NOT_FITTED, ResultsError
from ipt_outcomes.study import Study

from .conftest import planned
from .simulated import stored_trial

WHY = "covariance 'unstructured' was not fitted: no maximum"


@pytest.fixture
def failing(monkeypatch):
    """Let the engine fail where a condition on formula and data holds."""

    def where(condition):
        fit = ipt_outcomes.mixed.mixed_model

        def mixed_model(formula, frame, **options):
            if condition(formula, frame, options):
                raise ConvergenceError([WHY])
            return fit(formula, frame, **options)

        monkeypatch.setattr(ipt_outcomes.mixed, "mixed_model", mixed_model)

    return where


def told(table):
    rows = table[table["method"] == NOT_FITTED]
    assert rows["notes"].str.contains(WHY, regex=False).all()
    assert rows["estimate"].isna().all()
    assert not rows["converged"].any()
    return rows


def same_but(before, after, gone):
    """Everything else stands as it was."""
    kept = before[~before["id"].isin(gone["id"])].reset_index(drop=True)
    others = after[after["method"] != NOT_FITTED].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, others)


def test_the_areas_one_model_each(reference_trial, failing):
    before = problem_areas(reference_trial)
    failing(lambda formula, *_: "problem_area" in formula and "week" not in formula)
    after = problem_areas(reference_trial)
    (row,) = told(after).to_dict("records")
    assert row["analysis"] == "problem areas"
    slopes = before[before["analysis"] == "problem areas, trajectories"]
    assert len(slopes) == 4
    pd.testing.assert_frame_equal(
        after[after["analysis"] == "problem areas, trajectories"].reset_index(drop=True),
        slopes.reset_index(drop=True),
    )


def test_a_moderator(reference_trial, failing):
    people = reference_trial.participants.assign(
        characteristic_one=pd.array(["a", "b"] * 200, "str")[: len(reference_trial.participants)]
    )
    content = reference_trial.study.model_dump(mode="json")
    content["characteristics"]["one"] = {"label": "One", "kind": "category"}
    content["analyses"]["moderators"] = {"exploratory": ["one", "baseline"]}
    data = replace(reference_trial, study=Study.model_validate(content), participants=people)
    before = moderators(data)
    failing(lambda formula, frame, _: not pd.api.types.is_numeric_dtype(frame["moderator"]))
    after = moderators(data)
    (row,) = told(after).to_dict("records")
    assert row["analysis"] == "moderators, One"
    same_but(before, after, before[before["analysis"] == "moderators, One"])


def test_one_covariance_of_the_diagnostics(reference_trial, failing):
    data = planned(reference_trial, diagnostics={"covariances": ["compound symmetry"]})
    before = diagnostics(data)
    failing(lambda formula, frame, options: options.get("covariance") == "compound symmetry")
    after = diagnostics(data)
    (row,) = told(after).to_dict("records")
    assert row["analysis"] == "diagnostics, covariance compound symmetry"
    same_but(before, after, before[before["analysis"] == row["analysis"]])
    failing(lambda *_: True)
    assert told(diagnostics(data))["analysis"].tolist() == [
        "diagnostics", "diagnostics, growth", "diagnostics, therapists"
    ]  # fmt: skip
    assert person_level(data, "hamd17").empty


def test_a_hypothesis_without_a_fit_is_not_rejected_and_shuts_the_gate(failing):
    families = {
        "first": {"outcomes": ["hamd"], "arms": ["IPT"]},
        "second": {"outcomes": ["hamd"], "arms": ["MED"]},
    }
    data = stored_trial("factorial", "PLA", {"multiplicity": {"families": families}})
    failing(lambda *_: True)
    table = multiplicity(data)
    assert len(told(table)) == len(table) == 2
    assert table["arm"].tolist() == ["IPT", "MED"]
    assert table["p_adjusted"].isna().all()
    assert "first, α = 0.05: not rejected" in table.loc[0, "notes"]
    assert "not tested: not all of first was rejected" in table.loc[1, "notes"]


def test_the_primary_model_must_be_fitted_and_no_other(reference_trial, failing):
    content = reference_trial.study.model_dump(mode="json")
    content["analysis_sets"]["per_protocol"] = {"minimum_weeks_of_treatment": 12}
    people = reference_trial.participants.copy()
    people.loc[people.index[:4], "treatment_stop_day"] = 60
    stopped = set(people["participant"][:4])
    data = replace(reference_trial, study=Study.model_validate(content), participants=people)
    failing(lambda formula, frame, _: stopped.isdisjoint(frame["participant"]))
    table = primary(data, "hamd17")
    rows = told(table)
    assert set(rows["analysis_set"]) == {"per protocol"}
    assert len(rows) == len(data.study.estimands)
    failing(lambda *_: True)
    with pytest.raises(PrimaryModelError, match="without it there is no primary result") as error:
        primary(data, "hamd17")
    assert WHY in str(error.value)
    assert "adjust_for" in str(error.value)


def test_what_may_name_participants_stays_in_the_log():
    about = {"trial": "a", "analysis": "growth", "analysis_set": "all", "notes": "noted"}
    row = not_fitted(DesignError("participant P007 stands twice"), about)
    assert row["notes"] == f"noted; not fitted: {NAMELESS}"


def refusing(error):
    def ask():
        raise error

    return ask


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StatusError("example: nobody is well. Mend it."), "nobody is well. Mend it"),
        (ImputationError("of P007", shareable="no maximum"), "no maximum"),
        (ImputationError("P007 is twice there"), NAMELESS),
        (DesignError("P007 is twice there"), NAMELESS),
        (ConvergenceError(["no maximum", "cs: no maximum"]), "no maximum; cs: no maximum"),
        (StatusError("4 participants and\n6 participants"),
         "fewer than 5 participants and; 6 participants"),
    ],
)  # fmt: skip
def test_an_analysis_that_the_data_do_not_allow_leaves_a_row(reference_trial, error, said):
    row, listed = answered(reference_trial, "dose_response", refusing(error)).to_dict("records")
    assert row["analysis"] == "dose response, the whole analysis"
    assert row["method"] == NOT_FITTED
    assert row["notes"] == f"not possible: {said}"
    assert listed["analysis"] == "not possible, dose response"
    assert listed["notes"] == f"not possible: dose response: {said}"
    assert pd.isna(row["converged"])


def test_the_primary_analysis_and_a_defect_still_stop(reference_trial):
    with pytest.raises(PrimaryModelError):
        answered(reference_trial, "primary", refusing(PrimaryModelError("no model")))
    with pytest.raises(ResultsError):
        answered(reference_trial, "growth", refusing(ResultsError("id stands twice")))
    with pytest.raises(ValueError, match="shapes"):
        answered(reference_trial, "growth", refusing(ValueError("shapes do not match")))
