"""Non-inferiority: interval against margin, three analyses, imputation under the null."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.analyses.non_inferiority import NonInferiorityError, non_inferiority, verdict
from ipt_outcomes.analyses.primary import primary
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
            "analysis == 'non-inferiority, imputed under the null'"
        )["estimate"].item()
        for margin in (1e-6, 4.0)
    )  # fmt: skip
    at = reference_trial.scores.query("visit == 'week_16'").merge(reference_trial.participants)
    unseen = at.loc[at["arm"] == "IPT", "score"].isna().mean()
    assert unseen > 0.05
    # an analysis of covariance of the shifted scores: near the shift times the share unseen
    assert small - large == pytest.approx(4.0 * unseen, rel=0.06)


def test_all_analyses_must_keep_to_the_margin(reference_trial):
    wide = non_inferiority(asked(reference_trial, margin=30.0))
    (said,) = wide[wide["analysis"] == "non-inferiority, verdict"].to_dict("records")
    assert said["estimate"] == 3
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
