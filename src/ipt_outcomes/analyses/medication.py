"""What medication adds to psychotherapy, and psychotherapy to medication.

Which arms form an add-on contrast is read off their components: two arms that share their
psychotherapy, one with medication and one without, tell what medication adds; two that share
their medication, one with psychotherapy, tell what psychotherapy adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, model_frame
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.results import estimates
from ipt_outcomes.study import Study

Row = dict[str, Any]


class MedicationError(ValueError):
    """No two arms of the trial form an add-on contrast."""


def add_on_contrasts(study: Study, arms: list[str]) -> list[tuple[str, str, str]]:
    """Find the pairs of arms that differ by one component.

    Parameters
    ----------
    study
        The configuration.
    arms
        Arms of the trial.

    Returns
    -------
    list of tuple
        Arm with the component, arm without it, and what the pair tells.
    """
    found = []
    for more in arms:
        for less in arms:
            a, b = study.arms[more], study.arms[less]
            same_therapy = a.has_psychotherapy and a.psychotherapy == b.psychotherapy
            same_therapy = same_therapy and a.format == b.format
            if same_therapy and a.has_medication and not b.has_medication:
                found.append((more, less, f"what medication adds to {a.psychotherapy}"))
            same_medication = a.has_medication and a.medication == b.medication
            if same_medication and a.has_psychotherapy and not b.has_psychotherapy:
                found.append((more, less, f"what {a.psychotherapy} adds to medication"))
    return found


def medication(data: TrialData) -> pd.DataFrame:
    """Estimate the add-on contrasts on the primary outcome at every visit.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: one difference per pair of arms and visit.

    Raises
    ------
    MedicationError
        When no two arms differ by one component.
    """
    plan = data.study.analyses.medication
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    pairs = add_on_contrasts(data.study, data.arms)
    if not pairs:
        raise MedicationError(
            f"{data.trial}: no two arms differ by medication or psychotherapy alone. Take "
            "medication out of analyses in config.yaml, or complete the components under arms."
        )
    outcome, estimand = data.study.primary_outcome, data.study.primary_estimand
    model = fit_repeated_measures(
        data,
        model_frame(data, outcome, estimand, AS_RANDOMISED),
        group="arm",
        reference=data.study.reference_arm,
        names={arm: data.study.arms[arm].label for arm in data.arms},
        where={
            "outcome": outcome,
            "analysis": "medication",
            "analysis_set": AS_RANDOMISED,
            "estimand": estimand,
            "status": plan.status,
        },
    )

    def rows() -> Iterator[Row]:
        for more, less, tells in pairs:
            for row in model.differences(less, [more]):
                yield {**row, "contrast": f"{row['contrast']}: {tells}"}

    return estimates(rows())
