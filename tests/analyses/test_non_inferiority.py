"""Non-inferiority: interval against margin, four analyses, imputation under the null."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ipt_outcomes.analyses.non_inferiority as module
from ipt_outcomes.analyses.non_inferiority import NonInferiorityError, non_inferiority, verdict
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.mixed import ConvergenceError
from ipt_outcomes.study import Study
from ipt_outcomes.study.contradictions import contradictions

from .conftest import example_config

WHY = "Half of what medication achieves against placebo, by meta-analysis"


def asked(data, margin=5.0, **plan):
    content = data.study.model_dump(mode="json")
    content["analysis_sets"]["per_protocol"] = {"minimum_weeks_of_treatment": 12}
    content["analyses"]["non_inferiority"] = {
        "arm": "IPT", "comparator": "MED", "margin": margin, "justification": WHY, **plan,
    }  # fmt: skip
    return replace(data, study=Study.model_validate(content))


@pytest.mark.parametrize(
    ("interval", "kind", "words"),
    [
        ((-1.0, 3.0), "non-inferiority", "non-inferior"),
        ((-2.5, 3.0), "non-inferiority", "not shown: a disadvantage of 2.5 is not excluded"),
        ((-6.0, -3.0), "non-inferiority", "inferior by more than the margin: at least 3.0"),
        ((-1.0, 2.0), "equivalence", "equivalent"),
        ((-1.0, 3.0), "equivalence", "not shown: an advantage of 3.0 is not excluded"),
        ((-3.0, 3.0), "equivalence", "not shown: differences from -3.0 to 3.0 are not excluded"),
        ((3.0, 5.0), "equivalence", "superior by more than the margin: at least 3.0"),
        ((-4.0, 1.0), "equivalence", "not shown: a disadvantage of 4.0 is not excluded"),
    ],
)
def test_what_an_interval_tells_of_a_margin_of_two_and_a_half(interval, kind, words):
    assert verdict(*interval, 2.5, kind) == words


def test_the_difference_is_the_primary_models_in_benefit_units(reference_trial):
    data = asked(reference_trial)
    table = non_inferiority(data)
    own = table[(table["analysis"] == "non-inferiority")].set_index("analysis_set")
    model = primary(data, "hamd17")
    model = model[(model["analysis"] == "primary") & (model["quantity"] == "difference")]
    model = model.query("estimand == 'policy' and arm == 'IPT' and visit == 'week_16'")
    for row in model.to_dict("records"):
        found = own.loc[row["analysis_set"]]
        assert found["estimate"] == pytest.approx(-row["estimate"])
        assert found["lower"] == pytest.approx(-row["upper"])
        assert found["p"] == pytest.approx(row["p"])


def test_the_comparator_need_not_be_the_reference_arm(reference_trial):
    table = non_inferiority(asked(reference_trial, comparator="IPT+MED"))
    swapped = non_inferiority(asked(reference_trial, arm="IPT+MED", comparator="IPT"))
    modelled = [t[t["analysis"] == "non-inferiority"]["estimate"].iloc[0] for t in (table, swapped)]
    assert modelled[0] == pytest.approx(-modelled[1])


def test_imputing_under_the_null_moves_the_estimate_by_the_share_unseen(reference_trial):
    small, large = (
        non_inferiority(asked(reference_trial, margin=margin)).query(
            "analysis == 'non-inferiority, imputed under the null' and "
            "analysis_set == 'as randomised'"
        )["estimate"].item()
        for margin in (1e-6, 4.0)
    )  # fmt: skip
    at = reference_trial.scores.query("visit == 'week_16'").merge(reference_trial.participants)
    unseen = at.loc[at["arm"] == "IPT", "score"].isna().mean()
    assert unseen > 0.05
    # an analysis of covariance of the shifted scores: near the shift times the share unseen
    assert small - large == pytest.approx(4.0 * unseen, rel=0.06)


def test_the_imputation_per_protocol_is_that_of_its_participants_alone(reference_trial):
    data = asked(reference_trial)
    people = data.participants.copy()
    stopped = people.index[people["arm"] == "IPT"][::7]
    people.loc[stopped, "treatment_stop_day"] = 21
    table = non_inferiority(replace(data, participants=people))
    imputed = table[table["analysis"] == "non-inferiority, imputed under the null"]
    own = imputed.set_index("analysis_set")
    n = int((people["arm"] == "IPT").sum())
    assert own.loc["as randomised", "n_arm"] == n
    assert own.loc["per protocol", "n_arm"] == n - len(stopped)
    assert own.loc["per protocol", "status"] == "exploratory"
    # the same as a trial in which those who stopped never were
    kept = people.drop(index=stopped)
    inside = data.scores["participant"].isin(kept["participant"])
    alone = non_inferiority(replace(data, participants=kept, scores=data.scores[inside]))
    alone = alone[alone["analysis"] == "non-inferiority, imputed under the null"]
    for column in ("estimate", "se", "lower", "upper"):
        expected = alone.set_index("analysis_set").loc["as randomised", column]
        assert own.loc["per protocol", column] == pytest.approx(expected)


def test_an_analysis_without_a_fit_has_shown_nothing(reference_trial, monkeypatch):
    real = module.draws

    def draws(trial, *given, **more):
        if len(trial.participants) < len(reference_trial.participants):
            raise ConvergenceError(["no maximum"])
        return real(trial, *given, **more)

    monkeypatch.setattr(module, "draws", draws)
    data = asked(reference_trial, margin=30.0)
    people = data.participants.copy()
    people.loc[people.index[:3], "treatment_stop_day"] = 21
    table = non_inferiority(replace(data, participants=people))
    (row,) = table[table["method"] == "not fitted"].to_dict("records")
    assert row["analysis_set"] == "per protocol"
    (said,) = table[table["analysis"] == "non-inferiority, verdict"].to_dict("records")
    assert "was not shown" in said["notes"]
    assert "in 3 of 4 analyses" in said["notes"]


def test_all_analyses_must_keep_to_the_margin(reference_trial):
    wide = non_inferiority(asked(reference_trial, margin=30.0))
    (said,) = wide[wide["analysis"] == "non-inferiority, verdict"].to_dict("records")
    assert said["estimate"] == 4
    assert said["notes"].startswith("non-inferiority was shown")
    assert WHY in said["notes"]
    narrow = non_inferiority(asked(reference_trial, margin=0.1))
    (said,) = narrow[narrow["analysis"] == "non-inferiority, verdict"].to_dict("records")
    assert said["estimate"] == 0
    assert said["notes"].startswith("non-inferiority was not shown")


def test_without_a_per_protocol_set_it_is_said(reference_trial):
    data = asked(reference_trial)
    content = data.study.model_dump(mode="json")
    content["analysis_sets"]["per_protocol"] = None
    table = non_inferiority(replace(data, study=Study.model_validate(content)))
    assert "No per-protocol set is defined" in table["notes"].iloc[-1]
    assert len(table) == 3


def test_where_higher_is_better_the_signs_turn(reference_trial):
    data = asked(reference_trial)
    content = data.study.model_dump(mode="json")
    content["outcomes"]["hamd17"]["higher_is"] = "better"
    turned = non_inferiority(replace(data, study=Study.model_validate(content)))
    plain = non_inferiority(data)
    for name in ("non-inferiority", "non-inferiority, imputed under the null"):
        one, other = (t[t["analysis"] == name].iloc[0] for t in (plain, turned))
        if name == "non-inferiority":
            assert one["estimate"] == pytest.approx(-other["estimate"])
        assert other["lower"] <= other["estimate"] <= other["upper"]
    assert np.isfinite(turned["lower"].iloc[0])


def test_questions_that_are_refused(reference_trial):
    with pytest.raises(NonInferiorityError, match="both arms are the same"):
        non_inferiority(asked(reference_trial, comparator="IPT"))
    content = example_config()
    content["analyses"]["non_inferiority"] = {"arm": "IPT", "comparator": "MED", "margin": 2.5}
    with pytest.raises(ValueError, match="justification"):
        Study.model_validate(content)
    content["analyses"]["non_inferiority"]["justification"] = WHY
    content["arms"]["MED"]["medication"] = "none"
    problems = list(contradictions(Study.model_validate(content)))
    assert any("MED is no active treatment" in what for _, what, _ in problems)
