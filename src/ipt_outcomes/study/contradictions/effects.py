"""Contradictions of the analyses of treatment effects with the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ipt_outcomes.study.components import add_on_contrasts, no_add_on
from ipt_outcomes.study.config import Study
from ipt_outcomes.study.effects import SEVERITY
from ipt_outcomes.study.findings import Problem


def effect_problems(study: Study) -> Iterator[Problem]:
    """Yield names in these sections that the study does not have.

    Parameters
    ----------
    study
        The configuration.
    """
    plans = study.analyses

    def known(key: tuple[str, ...], names: Iterable[str], section: str) -> Iterator[Problem]:
        sections: dict[str, Mapping[str, object]] = {
            "arms": study.arms,
            "outcomes": study.outcomes,
            "visits": study.visits,
            "characteristics": {**study.characteristics, SEVERITY: None},
        }
        there = sections[section]
        for name in names:
            if name not in there:
                yield (
                    ("analyses", *key),
                    f"{name} does not stand under {section}.",
                    f"Known are {', '.join(there)}.",
                )

    if (families := plans.multiplicity) is not None:
        for name, family in families.families.items():
            of = ("multiplicity", "families", name)
            yield from known((*of, "outcomes"), family.outcomes, "outcomes")
            yield from known((*of, "arms"), family.arms or (), "arms")
    if (moderators := plans.moderators) is not None:
        for kind in ("prespecified", "exploratory"):
            yield from known(("moderators", kind), getattr(moderators, kind), "characteristics")
    if (areas := plans.problem_areas) is not None:
        yield from known(("problem_areas", "arms"), areas.arms, "arms")
    if (growth := plans.growth) is not None and growth.sustained is not None:
        response = plans.response
        if response is None or growth.sustained not in response.outcomes:
            yield (
                ("analyses", "growth", "sustained"),
                f"what counts as response on {growth.sustained} is not said.",
                "Define it under analyses: response: outcomes.",
            )
    if (medication := plans.medication) is not None:
        cells = medication.factorial
        arms = [study.arms_of(trial) for trial in study.trials]
        # A study of several trials may have some that medication cannot be asked about.
        if cells is None and not any(add_on_contrasts(study, found) for found in arms):
            yield ("analyses", "medication"), no_add_on(study, list(study.arms)), ""
        if cells is not None:
            yield from known(("medication", "factorial"), cells.arms, "arms")
            if cells.characteristic is not None:
                trait = [cells.characteristic]
                yield from known(("medication", "factorial"), trait, "characteristics")
        if (timing := medication.timing) is not None:
            yield from known(("medication", "timing"), timing.clusters, "outcomes")
            yield from known(("medication", "timing"), [timing.early, timing.late], "visits")
    if (margin := plans.non_inferiority) is not None:
        yield from known(("non_inferiority",), [margin.arm, margin.comparator], "arms")
        comparator = study.arms.get(margin.comparator)
        if comparator and not (comparator.has_psychotherapy or comparator.has_medication):
            yield (
                ("analyses", "non_inferiority", "comparator"),
                f"{margin.comparator} is no active treatment.",
                "Being not worse than no treatment shows nothing; name an active arm.",
            )
