from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ipt_outcomes.simulate import TrialDesign


def test_therapists_standard_deviation_gives_the_icc_asked_for():
    design = TrialDesign(therapist_icc=0.08)
    between = design.therapist_sd(0) ** 2
    assert between / (between + design.person_sd(0, design.endpoint_index) ** 2) == pytest.approx(
        0.08
    )


def test_course_is_complete_at_the_endpoint_and_no_further():
    assert TrialDesign().build_up == (0, 0.25, 0.5, 0.75, 1, 1)
    assert TrialDesign().follow_up == (0, 0, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"participants": 2}, "participants: 2"),
        ({"weeks": (0, 4, 8, 12, 16)}, "differ in length"),
        ({"weeks": (0, 4, 4, 12, 16, 40)}, "must start with 0 and increase"),
        ({"endpoint": "week_20"}, "endpoint: week_20"),
        ({"visit_jitter_days": (14, 20, 20, 6, 7, 14)}, "visits could meet"),
        ({"reference_arm": "CBT"}, "reference_arm: CBT"),
        ({"missed_visit": 1.0}, "missed_visit: 1.0"),
        ({"therapist_icc": -0.1}, "therapist_icc: -0.1"),
    ],
)
def test_impossible_trials_are_refused(change, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        TrialDesign(**change)


def test_impossible_arms_and_areas_are_all_told_at_once():
    design = TrialDesign()
    ipt = replace(design.arms[0], crosses_to="MED", stopping=1.2, courses=((1.0,), (2.0,)))
    areas = (replace(design.areas[0], share=0.9, effects=(0.0,)), *design.areas[1:])
    with pytest.raises(ValueError, match="not a possible trial") as caught:
        TrialDesign(arms=(ipt, *design.arms[1:]), areas=areas)
    for words in ("IPT: crosses_to", "IPT: stopping: 1.2", "IPT: courses", "shares", "grief:"):
        assert words in str(caught.value)
