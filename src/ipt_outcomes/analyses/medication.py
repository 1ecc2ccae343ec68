"""What medication adds to psychotherapy, psychotherapy to medication, and whether both add up.

Which arms form an add-on contrast is read off their components: two arms that share their
psychotherapy, one with medication and one without, tell what medication adds; two that share
their medication, one with psychotherapy, tell what psychotherapy adds.

Which cells form a 2 × 2, if any, is said by the configuration and checked against the components:
margins, simple effects and the verdict on additivity are those of
:mod:`ipt_outcomes.analyses.factorial`. Whether medication works early on some symptoms and
psychotherapy late on others is asked by symptom cluster (DiMascio et al. 1979, Archives of General
Psychiatry 36:1450).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, model_frame
from ipt_outcomes.analyses.factorial import (
    TIMING,
    factorial_rows,
    fit_factorial,
    not_a_factorial,
    timing_rows,
)
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.components import add_on_contrasts, no_add_on
from ipt_outcomes.study.effects import Factorial, MedicationAnalysis


class MedicationError(ValueError):
    """The arms form no add-on contrast, or not the factorial that is asked for."""


def medication(data: TrialData) -> pd.DataFrame:
    """Estimate the add-on contrasts on the primary outcome at every visit.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: one difference per pair of arms and visit; for a factorial
        also margins, simple effects, interaction and the verdict on additivity.

    Raises
    ------
    MedicationError
        When no two arms differ by one component, or the cells are no 2 × 2.
    """
    plan = data.study.analyses.medication
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    pairs = add_on_contrasts(data.study, data.arms)
    if not pairs and plan.factorial is None:
        raise MedicationError(f"{data.trial}: {no_add_on(data.study, data.arms)}")
    about: Row = {
        "trial": data.trial,
        "outcome": data.study.primary_outcome,
        "analysis": "medication",
        "analysis_set": AS_RANDOMISED,
        "estimand": data.study.primary_estimand,
        "status": plan.status,
        "disclosure": "shared",
    }
    found = list(attempted(_add_ons(data, pairs, about), about)) if pairs else []
    if plan.factorial is not None:
        _require_cells(data, plan.factorial)
        found += _factorial(data, plan, plan.factorial, about)
    return estimates(found)


def _add_ons(data: TrialData, pairs: list[tuple[str, str, str]], about: Row) -> Iterator[Row]:
    model = fit_repeated_measures(
        data,
        model_frame(data, about["outcome"], about["estimand"], AS_RANDOMISED),
        group="arm",
        reference=data.study.reference_arm,
        names=data.arm_labels,
        where=about,
    )
    for more, less, tells in pairs:
        for row in model.differences(less, [more]):
            yield {**row, "contrast": f"{row['contrast']}: {tells}"}


def _factorial(
    data: TrialData, plan: MedicationAnalysis, cells: Factorial, shared: Row
) -> Iterator[Row]:
    def whole(analysis: str) -> Iterator[Row]:
        model = fit_factorial(data, cells, data.study.primary_outcome, analysis, plan.status)
        yield from factorial_rows(data, model, plan.additivity_margin)

    status = "exploratory" if cells.characteristic else plan.status
    about = {**shared, "analysis": "medication, factorial", "status": status}
    yield from attempted(whole(about["analysis"]), about)
    if plan.timing is not None:
        for cluster in plan.timing.clusters:
            if cluster in data.study.outcomes_of(data.trial):
                rows = timing_rows(data, cells, cluster, plan.timing.early, plan.timing.late)
                about = {**shared, "analysis": TIMING, "outcome": cluster, "status": "exploratory"}
                yield from attempted(rows, about)


def _require_cells(data: TrialData, cells: Factorial) -> None:
    """Refuse cells that are no 2 × 2 in this trial, saying why."""
    study = data.study
    if cells.characteristic is None:
        absent = [arm for arm in cells.arms if arm not in data.arms]
        wrong = [f"{arm} is no arm of the trial" for arm in absent]
        wrong = wrong or not_a_factorial(study, cells)
    else:
        wrong = []
        if len(data.arms) != 2:
            wrong.append(f"a characteristic makes four cells of two arms, not of {len(data.arms)}")
        with_therapy = [arm for arm in data.arms if study.arms[arm].has_psychotherapy]
        if len(with_therapy) != 1:
            wrong.append("one of the two arms, and not the other, must have a psychotherapy")
        column = CHARACTERISTIC + cells.characteristic
        if column not in data.participants:
            wrong.append(f"the trial does not record {cells.characteristic}")
        else:
            levels = set(data.participants[column].dropna().astype(str))
            if cells.present not in levels:
                told = ", ".join(sorted(levels)) or "none"
                wrong.append(f"nobody has the code {cells.present}; recorded are {told}")
            elif len(levels) != 2:
                wrong.append(f"it must have two levels, not {len(levels)}")
    if wrong:
        raise MedicationError(
            f"{data.trial}: the cells under analyses: medication: factorial are no 2 × 2: "
            + "; ".join(wrong)
            + ". Mend them, or take factorial out: add-on contrasts need none."
        )
