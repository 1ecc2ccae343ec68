"""Contradictions of the therapists' analysis with the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem


def cluster_problems(study: Study) -> Iterator[Problem]:
    """Yield what this section names and the study does not have.

    Parameters
    ----------
    study
        The configuration.
    """
    plan = study.analyses.therapists
    if plan is None:
        return
    key = ("analyses", "therapists")
    for arm in plan.arms or []:
        if arm not in study.arms:
            yield (*key, "arms"), f"{arm} does not stand under arms.", _known(study.arms)
    for outcome in plan.outcomes or []:
        if outcome not in study.outcomes:
            known = _known(study.outcomes)
            yield (*key, "outcomes"), f"{outcome} does not stand under outcomes.", known
    for name, trial in study.trials.items():
        if getattr(trial.columns, plan.cluster) is None:
            yield (
                ("trials", name, "columns", plan.cluster),
                f"analyses.therapists needs the column of the {plan.cluster}.",
                "Name it, or leave that analysis out.",
            )


def _known(names: Iterable[str]) -> str:
    return f"Known are {', '.join(names)}."
