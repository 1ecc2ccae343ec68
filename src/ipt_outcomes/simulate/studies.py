"""Further simulated studies with known truth: a 2 × 2 with medication, and weekly sessions.

They are :class:`~ipt_outcomes.simulate.design.TrialDesign` like the example, small, and made to
carry the questions that the example cannot: additivity needs four cells, the course by phase needs
assessments within each phase.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ipt_outcomes.simulate.design import (
    DEFAULT_AREAS,
    DEFAULT_OUTCOMES,
    AreaDesign,
    ArmDesign,
    SiteDesign,
    TrialDesign,
)

WEEKS: Final = (0, 4, 8, 12, 16)
START: Final = 28.0
"""Mean at baseline: high enough that hardly a score is cut off at the scale's end."""
SCALE: Final = replace(DEFAULT_OUTCOMES[0], slope_sd=5.0, follow_up_sd=0.0)
ONE_SITE: Final = (SiteDesign("A", "Site A", 1, 0.0, 8),)

FACTORIAL_EFFECTS: Final = {"psychotherapy": -4.0, "medication": -2.5, "interaction": 0.0}
"""True effects of the components at week 16, in points, before rounding and clipping."""


def factorial_design(
    participants: int = 160, interaction: float = FACTORIAL_EFFECTS["interaction"]
) -> TrialDesign:
    """Design a four-arm trial: psychotherapy and medication, each given or not.

    Parameters
    ----------
    participants
        Number randomised.
    interaction
        Points at week 16 by which both together differ from the sum of the two effects.

    Examples
    --------
    >>> [arm.name for arm in factorial_design().arms]
    ['IPT+MED', 'IPT', 'MED', 'PLA']
    """
    end = WEEKS[-1]

    def course(psychotherapy: bool, medication: bool) -> tuple[tuple[float, ...], ...]:
        effect = (
            FACTORIAL_EFFECTS["psychotherapy"] * psychotherapy
            + FACTORIAL_EFFECTS["medication"] * medication
            + interaction * (psychotherapy and medication)
        )
        return (tuple(START + (-6.0 + effect) * week / end for week in WEEKS),)

    def arm(name: str, code: str, label: str, ipt: bool, drug: bool) -> ArmDesign:
        return ArmDesign(name, code, label, ipt, drug, course(ipt, drug), stopping=0.2)

    return TrialDesign(
        participants=participants,
        arms=(
            arm("IPT+MED", "1", "IPT + medication", True, True),
            arm("IPT", "2", "IPT + placebo", True, False),
            arm("MED", "3", "Medication", False, True),
            arm("PLA", "4", "Placebo", False, False),
        ),
        sites=ONE_SITE,
        outcomes=(SCALE,),
        areas=_areas(),
        reference_arm="PLA",
        visits=("baseline", *(f"week_{week}" for week in WEEKS[1:])),
        weeks=WEEKS,
        visit_jitter_days=(14, 3, 3, 3, 3),
        therapist_icc=0.0,
        loss_after_stopping=0.0,
        block_repeats=1,
    )


PHASE_SLOPES: Final = {
    "IPT": {"initial": -0.4, "middle": -0.9, "termination": -0.5, "follow_up": 0.05},
    "CM": {"initial": -0.4, "middle": -0.4, "termination": -0.2, "follow_up": 0.0},
}
"""True change per week in each phase, in points, before rounding and clipping."""
PHASES: Final = {"initial": 4.0, "middle": 12.0, "termination": 16.0}
"""Week in which each phase ends; follow-up until week 28."""


def weekly_design(participants: int = 80) -> TrialDesign:
    """Design a two-arm trial with an assessment at every weekly session, and follow-up.

    Parameters
    ----------
    participants
        Number randomised.

    Examples
    --------
    >>> design = weekly_design()
    >>> len(design.visits), design.endpoint
    (20, 'week_16')
    """
    weeks = (*range(17), 20, 24, 28)

    def arm(name: str, code: str, label: str, psychotherapy: bool) -> ArmDesign:
        course = tuple(START + phase_change(name, week) for week in weeks)
        return ArmDesign(name, code, label, psychotherapy, False, (course,), stopping=0.15)

    return TrialDesign(
        participants=participants,
        arms=(arm("IPT", "1", "IPT", True), arm("CM", "2", "Clinical management", False)),
        sites=ONE_SITE,
        outcomes=(SCALE,),
        areas=_areas(),
        reference_arm="CM",
        visits=("baseline", *(f"week_{week}" for week in weeks[1:])),
        weeks=weeks,
        endpoint="week_16",
        visit_jitter_days=(3, *(2 for _ in weeks[1:])),
        therapist_icc=0.0,
        loss_after_stopping=0.0,
    )


def phase_change(arm: str, week: float) -> float:
    """Give the true change from baseline to a week, in points.

    Examples
    --------
    >>> round(phase_change("IPT", 16), 2)
    -10.8
    """
    change, start = 0.0, 0.0
    for phase, end in {**PHASES, "follow_up": float("inf")}.items():
        change += PHASE_SLOPES[arm][phase] * max(0.0, min(week, end) - start)
        start = end
    return change


def _areas() -> tuple[AreaDesign, ...]:
    return tuple(
        AreaDesign(area.name, area.code, area.label, area.share, area.effects[:1])
        for area in DEFAULT_AREAS
    )
