"""Add-on contrasts follow from the components of the arms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipt_outcomes.analyses.medication import MedicationError, medication
from ipt_outcomes.analyses.primary import primary
from ipt_outcomes.study import Study
from ipt_outcomes.study.components import add_on_contrasts


def with_arms(data, **changes):
    content = data.study.model_dump(mode="json")
    for arm, parts in changes.items():
        content["arms"][arm.replace("_", "+")] |= parts
    return replace(data, study=Study.model_validate(content))


def test_what_is_added_to_what(reference_trial):
    found = add_on_contrasts(reference_trial.study, reference_trial.arms)
    assert found == [
        ("IPT+MED", "IPT", "what medication adds to IPT"),
        ("IPT+MED", "MED", "what IPT adds to medication"),
    ]


def test_it_is_the_primary_model(reference_trial):
    table = medication(reference_trial)
    same = table[table["reference"] == "MED"].set_index("visit")["estimate"]
    model = primary(reference_trial, "hamd17")
    model = model[(model["quantity"] == "difference") & (model["arm"] == "IPT+MED")]
    model = model[model["estimand"] == "policy"].set_index("visit")["estimate"]
    assert same.to_dict() == pytest.approx(model.to_dict())
    added = table[table["reference"] == "IPT"]
    assert added["contrast"].str.endswith("what medication adds to IPT").all()


def test_another_medication_is_no_add_on(reference_trial):
    data = with_arms(reference_trial, MED={"medication": "lithium"})
    assert [c[:2] for c in add_on_contrasts(data.study, data.arms)] == [("IPT+MED", "IPT")]


def test_another_format_is_no_add_on(reference_trial):
    data = with_arms(reference_trial, IPT={"format": "group"}, MED={"medication": "lithium"})
    assert add_on_contrasts(data.study, data.arms) == []
    with pytest.raises(
        MedicationError, match=r"two arms with the same medication.*IPT \(group\); "
    ):
        medication(data)
