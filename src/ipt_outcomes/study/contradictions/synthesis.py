"""Contradictions of the syntheses with the rest."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem


def synthesis_problems(study: Study) -> Iterator[Problem]:
    """Give every contradiction between the syntheses and the rest."""
    for name, plan in study.synthesis.items():
        key = ("synthesis", name)
        if name in study.trials:
            yield key, "is the name of a trial too.", "Choose another name."
        if plan.own is None and plan.published is None:
            yield key, "names no trials.", "Give own, published or both."
        if plan.own is not None:
            own = plan.own
            for field, value, known in (
                ("outcome", own.outcome, study.outcomes),
                ("estimand", own.estimand, study.estimands),
                ("compare", own.compare[0], study.arms),
                ("compare", own.compare[1], study.arms),
            ):
                if value not in known:
                    mend = f"Known are {', '.join(known)}."
                    yield (*key, "own", field), f"{value} is not known.", mend
            if own.one_stage and len(found := study.trials_pooled(own)) < 2:
                yield (
                    (*key, "own", "one_stage"),
                    f"needs two trials with both arms and the outcome, found {len(found)}.",
                    "Leave it out: with one trial there is nothing between trials.",
                )
        given: set[str] = set()
        if plan.published is not None:
            given = {*plan.published.categories, *plan.published.numbers}
            for trial in plan.published.same_trials:
                if trial not in study.trials:
                    mend = f"Trials are {', '.join(study.trials)}."
                    yield (*key, "published", "same_trials"), f"{trial} is no trial.", mend
        for moderator in {*plan.subgroups, *(m for terms in plan.moderators for m in terms)}:
            if moderator not in given:
                yield (
                    key,
                    f"{moderator} is no moderator of the published table.",
                    "Name its column under published.categories or published.numbers.",
                )
