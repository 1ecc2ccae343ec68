"""The 2 × 2: R's contrasts, the verdict in words, and what is no factorial."""

from __future__ import annotations

import runpy
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.factorial import INTERACTION, additivity
from ipt_outcomes.analyses.medication import MedicationError, medication
from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.study import load_study
from ipt_outcomes.study.contradictions import contradictions

from .conftest import ROOT, planned
from .simulated import CELLS, stored_trial


def factorial(**plan):
    return stored_trial("factorial", "PLA", {"medication": {"factorial": CELLS, **plan}})


@pytest.fixture(scope="module")
def table():
    return medication(factorial())


NAMES = {
    "psychotherapy_margin": "psychotherapy, over both levels of medication",
    "medication_margin": "medication, over both levels of psychotherapy",
    "psychotherapy_with": "psychotherapy with medication",
    "psychotherapy_without": "psychotherapy without medication",
    "medication_with": "medication with psychotherapy",
    "medication_without": "medication without psychotherapy",
    "interaction": INTERACTION,
}


def test_every_contrast_equals_r(table, clinical_reference):
    # nlme::gls + emmeans; df differ by definition
    stored = pd.DataFrame(clinical_reference["factorial"])
    own = table[table["analysis"] == "medication, factorial"].set_index(["contrast", "visit"])
    assert len(stored) == len(own) == 7 * 4
    for row in stored.to_dict("records"):
        found = own.loc[(NAMES[row["contrast"]], f"week_{row['visit']}")]
        assert found["estimate"] == pytest.approx(row["estimate"], abs=1e-3 * row["SE"])
        assert found["se"] == pytest.approx(row["SE"], rel=1e-3)


def test_the_contrasts_hang_together(table):
    own = table[table["analysis"] == "medication, factorial"].set_index(["contrast", "visit"])
    at = {name: own.loc[(words, "week_16"), "estimate"] for name, words in NAMES.items()}
    margin = (at["psychotherapy_with"] + at["psychotherapy_without"]) / 2
    assert at["psychotherapy_margin"] == pytest.approx(margin)
    assert at["interaction"] == pytest.approx(
        at["psychotherapy_with"] - at["psychotherapy_without"]
    )
    assert at["interaction"] == pytest.approx(at["medication_with"] - at["medication_without"])
    add_on = table[(table["analysis"] == "medication") & (table["arm"] == "IPT+MED")]
    add_on = add_on[(add_on["reference"] == "MED") & (add_on["visit"] == "week_16")]
    assert add_on["estimate"].item() == pytest.approx(at["psychotherapy_with"])


def test_the_verdict_is_in_benefit_units(table):
    (verdict,) = table[table["analysis"] == "medication, factorial, additivity"].to_dict("records")
    own = table[(table["contrast"] == INTERACTION) & (table["visit"] == "week_16")]
    assert verdict["estimate"] == pytest.approx(-own["estimate"].item())
    assert verdict["lower"] == pytest.approx(-own["upper"].item())
    assert verdict["notes"] == additivity(verdict["lower"], verdict["upper"], "points")


@pytest.mark.parametrize(
    ("interval", "margin", "words"),
    [
        ((0.4, 3.0), None, "more than additive"),
        ((-3.0, -0.4), None, "sub-additive"),
        ((-1.5, 1.8), None, "no clear interaction; effects from -1.5 to 1.8 points are not excluded"),
        ((-1.5, 1.8), 2.0, "additive within the margin of 2 points fixed beforehand"),
        ((-1.5, 2.0), 2.0, "no clear interaction; effects from -1.5 to 2.0 points are not excluded"),
        ((0.4, 1.8), 2.0, "more than additive, by less than the margin of 2 points fixed beforehand"),
    ],
)  # fmt: skip
def test_additivity_in_words(interval, margin, words):
    assert additivity(*interval, "points", margin) == words


def test_a_known_interaction_is_found():
    data = factorial()
    both = data.participants.query("arm == 'IPT+MED'")["participant"]
    scores = data.scores.copy()
    at = scores["participant"].isin(both) & (scores["visit"] == "week_16")
    scores.loc[at, "score"] -= 40
    table = medication(replace(data, scores=scores))
    (verdict,) = table[table["analysis"] == "medication, factorial, additivity"].to_dict("records")
    assert verdict["notes"].startswith("more than additive")
    over_time = table[table["analysis"] == "medication, factorial, over time"]
    (test,) = over_time[over_time["quantity"] == "test"].to_dict("records")
    assert test["df_numerator"] == 3
    assert test["p"] < 1e-4


def test_timing_by_symptoms():
    data = factorial(timing={"clusters": ["hamd"], "early": "week_4", "late": "week_16"})
    table = medication(data)
    own = table[table["analysis"] == "medication, timing by symptoms"]
    own = own.set_index("contrast")["estimate"]
    assert len(own) == 6
    for component in ("psychotherapy", "medication"):
        change = own[f"{component}: Week 16 minus Week 4"]
        assert change == pytest.approx(own[f"{component}, late"] - own[f"{component}, early"])


@pytest.mark.parametrize(
    ("arm", "part", "value", "message"),
    [
        ("MED", "medication", "lithium", "must have the medication of IPT.MED"),
        ("IPT", "format", "group", "must have the psychotherapy and format of IPT.MED"),
        ("PLA", "medication", "tablets", "PLA .neither. has a component"),
        ("PLA", "also", "clinical management", "differ in what else they contain"),
        ("IPT+MED", "psychotherapy", "none", "lacks psychotherapy or medication"),
    ],
)
def test_four_arms_that_are_no_factorial_are_refused(arm, part, value, message):
    data = planned(factorial(), lambda content: content["arms"][arm].update({part: value}))
    with pytest.raises(MedicationError, match=message):
        medication(data)


def test_cells_that_are_incomplete_or_unknown():
    with pytest.raises(ValueError, match="name four arms"):
        factorial(factorial={"both": "IPT+MED"})
    with pytest.raises(ValueError, match="four different arms"):
        factorial(factorial={**CELLS, "neither": "MED"})
    with pytest.raises(ValueError, match="give the factorial's four arms"):
        stored_trial("factorial", "PLA", {"medication": {
            "timing": {"clusters": ["hamd"], "early": "week_4", "late": "week_16"}}})  # fmt: skip
    unknown = factorial(factorial={**CELLS, "neither": "CBT"})
    assert any(
        "CBT does not stand under arms" in what for _, what, _ in contradictions(unknown.study)
    )


def two_arms(seed=3):
    """IPT against neither, with a drug taken by about half before randomisation."""
    data = stored_trial(
        "factorial", "PLA", {},
        characteristics={"drug": {"label": "Drug", "kind": "category"}},
    )  # fmt: skip

    def change(content):
        content["trials"]["one"]["codes"]["arm"] = {"IPT": "IPT", "PLA": "PLA"}
        content["trials"]["one"]["columns"]["characteristics"] = {"drug": "drug"}
        content["analyses"]["medication"] = {
            "status": "confirmatory", "factorial": {"characteristic": "drug", "present": "yes"},
        }  # fmt: skip

    data = planned(data, change)
    # IPT+MED joins IPT and MED joins PLA, so that every cell is filled
    people = data.participants.copy()
    people["arm"] = people["arm"].replace({"IPT+MED": "IPT", "MED": "PLA"}).astype("str")
    random = np.random.default_rng(seed)
    people["characteristic_drug"] = pd.array(
        np.where(random.random(len(people)) < 0.5, "yes", "no"), dtype="str"
    )
    return replace(data, participants=people)


def test_a_drug_that_was_not_randomised_carries_its_caution():
    table = medication(two_arms())
    own = table[table["analysis"].str.startswith("medication, ")]
    assert set(own["status"]) == {"exploratory"}
    assert own["notes"].str.contains("medication was not randomised").all()
    assert (table["analysis"] == "medication").sum() == 0  # no add-on contrast without arms
    assert len(table[table["contrast"] == INTERACTION]) == 4


def test_a_characteristic_that_makes_no_cells_is_refused():
    data = two_arms()
    lost = planned(data, lambda c: c["analyses"]["medication"]["factorial"].update(present="2"))
    with pytest.raises(MedicationError, match="nobody has the code 2; recorded are no, yes"):
        medication(lost)


def test_a_small_cell_is_withheld():
    data = two_arms()
    people = data.participants.copy()
    ipt = people.index[people["arm"] == "IPT"]
    people.loc[ipt[4:], "characteristic_drug"] = "no"
    people.loc[ipt[:4], "characteristic_drug"] = "yes"
    table = medication(replace(data, participants=people))
    own = table[(table["contrast"] == INTERACTION) & (table["visit"] == "week_16")]
    assert own["estimate"].isna().all()
    assert own["notes"].str.contains("fewer than 5 in a cell").all()


def test_beat_the_blues_is_a_factorial_whose_drug_was_not_randomised(tmp_path):
    """The real trial: online CBT was randomised, the drug was taken by those who took it."""
    shutil.copy(ROOT / "data/beat_the_blues/config.yaml", tmp_path)
    fetch = runpy.run_path(str(ROOT / "scripts/setup/beat_the_blues.py"))["main"]
    fetch(tmp_path / "raw" / "btheb_wide.csv")
    study = load_study(tmp_path / "config.yaml")
    found = ingest_trial(study, "beat_the_blues", tmp_path)
    data = TrialData(study, "beat_the_blues", found.scores, found.participants)
    table = medication(data)
    assert set(table["status"]) == {"exploratory"}
    assert table["notes"].str.contains("medication was not randomised").all()
    (row,) = table[table["analysis"] == "medication, factorial, additivity"].to_dict("records")
    ends = [round(float(row[name]), 1) for name in ("estimate", "lower", "upper")]
    assert ends == [-6.7, -15.7, 2.4]
    assert "no clear interaction; effects from -15.7 to 2.4 points are not excluded" in row["notes"]
