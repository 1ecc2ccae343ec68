"""Contradictions in the design: visits, the primary outcome, and what refers to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.contradictions.names import unknown
from ipt_outcomes.study.findings import Problem


def visit_problems(study: Study) -> Iterator[Problem]:
    """Yield visits that share a time, a day or the phase of the baseline.

    Parameters
    ----------
    study
        The configuration.
    """
    baselines = [name for name, visit in study.visits.items() if visit.phase == "baseline"]
    if len(baselines) != 1:
        found = ", ".join(baselines) or "none"
        yield (
            ("visits",),
            f"exactly one visit has the phase baseline, found {found}.",
            "Give that phase to the assessment before treatment only.",
        )
    windows = [
        (visit.window_days, name) for name, visit in study.visits.items() if visit.window_days
    ]
    windows.sort()
    for (first, name), (second, later) in itertools.pairwise(windows):
        if second[0] <= first[1]:
            yield (
                ("visits", later, "window_days"),
                f"starts on day {second[0]}, inside the window of {name} "
                f"({first[0]} to {first[1]}).",
                "A day may belong to one visit only.",
            )
    weeks: dict[float, str] = {}
    for name, visit in study.visits.items():
        if visit.week in weeks:
            yield (
                ("visits", name, "week"),
                f"is week {visit.week:g}, as is {weeks[visit.week]}.",
                "Two visits cannot be planned for the same time.",
            )
        weeks[visit.week] = name


def choice_problems(study: Study) -> Iterator[Problem]:
    """Yield names of arms, visits, trials and characteristics that the study does not have.

    Parameters
    ----------
    study
        The configuration.
    """
    primary = [name for name, outcome in study.outcomes.items() if outcome.role == "primary"]
    if len(primary) != 1:
        found = ", ".join(primary) or "none"
        yield (
            ("outcomes",),
            f"exactly one outcome has the role primary, found {found}.",
            "Give the others the role secondary.",
        )
    yield from unknown(("reference_arm",), study.reference_arm, study.arms, "arms")
    for name, estimand in study.estimands.items():
        key = ("estimands", name, "endpoint")
        yield from unknown(key, estimand.endpoint, study.visits, "visits")
    known = {*study.characteristics, "site"}
    for covariate in study.analyses.primary.adjust_for:
        key = ("analyses", "primary", "adjust_for")
        yield from unknown(key, covariate, known, "characteristics (or site)")
    for name in study.enrolment:
        yield from unknown(("enrolment", name), name, study.trials, "trials")
    known = {*study.characteristics, "site", "therapist", "problem_area"}
    for name in study.privacy.quasi_identifiers:
        where = "characteristics (or site, therapist, problem_area)"
        yield from unknown(("privacy", "quasi_identifiers"), name, known, where)
