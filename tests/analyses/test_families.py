"""Families of hypotheses: Holm within, a serial gate between, intervals left alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.multiplicity import MultiplicityError, gated, multiplicity
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.study import Study
from ipt_outcomes.study.contradictions import contradictions


def with_families(data, families, **plan):
    content = data.study.model_dump(mode="json")
    content["outcomes"]["bdi2"] = {
        "label": "BDI", "short_label": "BDI", "role": "secondary", "range": [0, 63],
    }  # fmt: skip
    content["trials"]["example"]["columns"]["outcomes"] = {"hamd17": "a", "bdi2": "b"}
    content["analyses"]["multiplicity"] = {"families": families, **plan}
    return replace(data, study=Study.model_validate(content))


def with_second_outcome(data, effect):
    scores = data.scores.copy()
    arm = scores["participant"].map(data.participants.set_index("participant")["arm"])
    second = scores.assign(outcome="bdi2")
    later = (second["visit"] != "baseline") & (arm != "MED")
    second.loc[later, "score"] += effect
    both = pd.concat([scores, second], ignore_index=True)
    return replace(data, scores=both)


FAMILIES = {"main": {"outcomes": ["bdi2"]}, "further": {"outcomes": ["hamd17"]}}


def test_the_gate_opens_when_all_before_is_rejected(reference_trial):
    data = with_families(with_second_outcome(reference_trial, -12), FAMILIES)
    table = multiplicity(data)
    first, second = table[table["outcome"] == "bdi2"], table[table["outcome"] == "hamd17"]
    assert first["notes"].str.contains(": rejected").all()
    assert second["notes"].str.contains(": not rejected|: rejected", regex=True).all()
    assert (second["p_adjusted"] >= first["p_adjusted"].max()).all()
    assert set(table["status"]) == {"confirmatory"}
    assert table["notes"].str.contains("the interval is not adjusted").all()


def test_the_gate_stays_shut_otherwise(reference_trial):
    families = {"main": {"outcomes": ["hamd17"]}, "further": {"outcomes": ["bdi2"]}}
    data = with_families(with_second_outcome(reference_trial, -12), families)
    table = multiplicity(data).set_index("outcome")
    assert table.loc["hamd17", "notes"].str.contains(": not rejected").all()
    second = table.loc["bdi2"]
    assert second["p"].lt(1e-6).all()
    assert second["notes"].str.contains("not tested: not all of main was rejected").all()
    assert second["p_adjusted"].gt(0.05).all()


def test_the_differences_are_those_of_the_primary_model(reference_trial):
    families = {"main": {"outcomes": ["hamd17"], "arms": ["IPT"]}}
    table = multiplicity(with_families(with_second_outcome(reference_trial, 0), families))
    model = primary(reference_trial, "hamd17")
    model = model[(model["quantity"] == "difference") & (model["analysis"] == "primary")]
    (same,) = model.query("estimand == 'policy' and arm == 'IPT' and visit == 'week_16'").to_dict(
        "records"
    )
    (own,) = table.to_dict("records")
    assert own["estimate"] == pytest.approx(same["estimate"])
    assert own["p_adjusted"] == pytest.approx(same["p"])


def test_adjusted_values_reject_what_the_stepwise_rule_rejects():
    # the rule itself, followed by hand: Holm in each family, on to the next only if all fell
    values = (0.001, 0.02, 0.03, 0.2)
    for first in product(values, repeat=2):
        for second in product(values, repeat=2):
            open_, expected = True, []
            for family in (first, second):
                rejected = [False] * 2
                if open_:
                    order = np.argsort(family)
                    for step, j in enumerate(order):
                        if family[j] > 0.05 / (2 - step):
                            break
                        rejected[j] = True
                open_ = open_ and all(rejected)
                expected.append(rejected)
            found = [(family <= 0.05).tolist() for family in gated([list(first), list(second)])]
            assert found == expected


def test_a_hypothesis_without_a_p_value_shuts_the_gate():
    first, second = gated([[0.001, np.nan], [0.001]])
    assert np.isnan(first[1])
    assert second.tolist() == [1.0]


def test_a_family_without_hypotheses_is_an_error(reference_trial):
    content = reference_trial.study.model_dump(mode="json")
    content["analyses"]["multiplicity"] = {"families": {"main": {"outcomes": ["hamd17"],
                                                                "arms": ["MED"]}}}  # fmt: skip
    data = replace(reference_trial, study=Study.model_validate(content))
    with pytest.raises(MultiplicityError, match="the family main has no hypothesis here"):
        multiplicity(data)


def test_unknown_names_are_found(reference_trial):
    data = with_families(reference_trial, {"main": {"outcomes": ["mood"], "arms": ["IPTT"]}})
    problems = [problem for _, problem, _ in contradictions(data.study)]
    assert any("mood does not stand under outcomes" in problem for problem in problems)
    assert any("IPTT does not stand under arms" in problem for problem in problems)
