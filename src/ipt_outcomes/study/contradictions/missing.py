"""Contradictions of the analyses of missing scores with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem
from ipt_outcomes.study.missing import Assumption

TAKEN = {name.replace("-", " ") for name in get_args(Assumption)} | {"copy increments in reference"}
RESERVED = ("remission", "delta", "tipping", "verdict")
"""What a further assumption cannot be called: rows of the estimates table have these names."""


def missing_problems(study: Study) -> Iterator[Problem]:
    """Yield arms and visits of these sections that the study does not have.

    Parameters
    ----------
    study
        The configuration.
    """
    plan = study.analyses.robustness
    if plan is None:
        return
    top = ("analyses", "robustness")
    named: list[tuple[tuple[str, ...], str, str]] = []
    if plan.reference is not None:
        named.append(((*top, "reference"), plan.reference, "arms"))
    labels = [one.label for one in plan.further]
    for k, one in enumerate(plan.further):
        key: tuple[str, ...] = (*top, "further", str(k))
        if labels.index(one.label) < k:
            yield (
                (*key, "label"),
                f"two assumptions are called {one.label}.",
                "Give each a name of its own.",
            )
        plain = one.label.lower()
        if plain in TAKEN or plain.startswith(RESERVED) or plain.endswith(", rubin"):
            yield (
                (*key, "label"),
                f"{one.label} is the name of another part of this analysis.",
                "Call it otherwise, in your own words.",
            )
        if one.shift is not None:
            at: tuple[str, ...] = (*key, "shift")
            named += [((*at, "arm", arm), arm, "arms") for arm in one.shift.arm]
            named += [((*at, "visit", visit), visit, "visits") for visit in one.shift.visit]
            named += [
                ((*at, "per_visit_since_event", arm), arm, "arms")
                for arm in one.shift.per_visit_since_event
            ]
    for key, name, section in named:
        known = getattr(study, section)
        if name not in known:
            yield key, f"{name} does not stand under {section}.", f"Known are {', '.join(known)}."
