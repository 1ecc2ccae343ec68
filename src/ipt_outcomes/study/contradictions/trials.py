"""Contradictions between a trial's export, as it is described, and the rest of the study."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.contradictions.names import unknown
from ipt_outcomes.study.findings import Problem
from ipt_outcomes.study.trials import NO_PLANNED_VISIT, Trial


def trial_problems(study: Study) -> Iterator[Problem]:
    """Yield what the columns and codes of a trial's export say against the rest.

    Parameters
    ----------
    study
        The configuration.
    """
    for name, trial in study.trials.items():
        yield from _of_one(study, ("trials", name), trial)


def _of_one(study: Study, top: tuple[str, ...], trial: Trial) -> Iterator[Problem]:
    for code, arm in trial.codes.arm.items():
        yield from unknown((*top, "codes", "arm", code), arm, study.arms, "arms")
    if study.reference_arm in study.arms and study.reference_arm not in trial.codes.arm.values():
        yield (
            (*top, "codes", "arm"),
            f"no code stands for the reference arm {study.reference_arm}.",
            "Every trial needs the arm that the others are compared with.",
        )
    for code, visit in trial.codes.visit.items():
        if visit not in NO_PLANNED_VISIT:
            yield from unknown((*top, "codes", "visit", code), visit, study.visits, "visits")
    for section in ("outcomes", "items"):
        for outcome, columns in getattr(trial.columns, section).items():
            key = (*top, "columns", section, outcome)
            yield from unknown(key, outcome, study.outcomes, "outcomes")
            for visit in columns if isinstance(columns, dict) else ():
                yield from unknown((*key, visit), visit, study.visits, "visits")
    yield from _visits_can_be_told(study, top, trial)
    yield from _missing_everywhere_is_no_score(study, top, trial)
    for characteristic in trial.columns.characteristics:
        key = (*top, "columns", "characteristics", characteristic)
        yield from unknown(key, characteristic, study.characteristics, "characteristics")
    for covariate in study.analyses.primary.adjust_for:
        named = covariate in trial.columns.characteristics
        if not named and not (covariate == "site" and trial.columns.site):
            yield (
                (*top, "columns"),
                f"analyses.primary adjusts for {covariate}, which has no column here.",
                "Name its column, or take it out of adjust_for.",
            )
    if study.analyses.problem_areas and not trial.columns.problem_areas.focus:
        yield (
            (*top, "columns", "problem_areas"),
            "analyses.problem_areas needs the column with each participant's primary focus.",
            "Name it as focus, or leave that analysis out.",
        )


def _missing_everywhere_is_no_score(
    study: Study, top: tuple[str, ...], trial: Trial
) -> Iterator[Problem]:
    for code in trial.codes.missing_everywhere:
        try:
            number = float(code)
        except ValueError:
            continue
        for outcome in trial.columns.scored:
            known = study.outcomes.get(outcome)
            if known is not None and known.range[0] <= number <= known.range[1]:
                yield (
                    (*top, "codes", "missing_everywhere"),
                    f"{code} can be a score of {outcome} "
                    f"({known.range[0]:g} to {known.range[1]:g}).",
                    "List it under missing, for the columns in which it means missing.",
                )


def _visits_can_be_told(study: Study, top: tuple[str, ...], trial: Trial) -> Iterator[Problem]:
    told = trial.columns.visit or trial.visits_by_column
    if not told and not any(visit.window_days for visit in study.visits.values()):
        yield (
            (*top, "columns"),
            "the day of an assessment is to decide its visit, and no visit has window_days.",
            "Give the visits windows, or name the column with the visit.",
        )
