"""What the sections of ``config.yaml`` say against each other.

A section checks itself when it is read. What two of them contradict each other in is found here,
one module per part of the study, once the whole file has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.contradictions.clinical import clinical_problems
from ipt_outcomes.study.contradictions.clusters import cluster_problems
from ipt_outcomes.study.contradictions.design import choice_problems, visit_problems
from ipt_outcomes.study.contradictions.effects import effect_problems
from ipt_outcomes.study.contradictions.estimands import estimand_problems
from ipt_outcomes.study.contradictions.instruments import instrument_problems
from ipt_outcomes.study.contradictions.missing import missing_problems
from ipt_outcomes.study.contradictions.process_analyses import process_problems
from ipt_outcomes.study.contradictions.synthesis import synthesis_problems
from ipt_outcomes.study.contradictions.trials import trial_problems
from ipt_outcomes.study.findings import Problem

CHECKS: tuple[Callable[[Study], Iterator[Problem]], ...] = (
    visit_problems,
    choice_problems,
    clinical_problems,
    missing_problems,
    estimand_problems,
    cluster_problems,
    process_problems,
    effect_problems,
    instrument_problems,
    synthesis_problems,
    trial_problems,
)


def contradictions(study: Study) -> Iterator[Problem]:
    """Yield every contradiction between sections: where it stands, what is wrong, how to mend it.

    Parameters
    ----------
    study
        The configuration.
    """
    for check in CHECKS:
        yield from check(study)
