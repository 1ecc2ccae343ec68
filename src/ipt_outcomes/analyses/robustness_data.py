"""From a trial's frames to the incomplete trial that the robustness analysis imputes.

Everyone of the analysis set is in it, those without any later score too. What happened to them,
and what is assumed afterwards, stands in :mod:`ipt_outcomes.analyses.robustness_assumptions`.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, estimand_scores, members
from ipt_outcomes.analyses.disclosure import SMALLEST
from ipt_outcomes.analyses.robustness_assumptions import FURTHER, events_of
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.imputation import NEEDS_REFERENCE, WORDS, IncompleteTrial, incomplete_trial
from ipt_outcomes.imputation.drawing import LARGEST_JACKKNIFE
from ipt_outcomes.study.missing import RobustnessAnalysis


class RobustnessError(ValueError):
    """The configuration asks for what cannot be said of this trial."""


def incomplete(
    data: TrialData,
    plan: RobustnessAnalysis,
    shorts: Iterable[str],
    analysis_set: str = AS_RANDOMISED,
) -> tuple[IncompleteTrial, pd.DataFrame, list[str]]:
    """Lay out the primary outcome of everyone randomised, or of another analysis set.

    Parameters
    ----------
    data
        The trial.
    plan
        The section of the configuration.
    shorts
        Abbreviations of the strategies in use.
    analysis_set
        Whose outcome.

    Returns
    -------
    The incomplete trial without strategies, the events of its participants (see
    :func:`.robustness_assumptions.events_of`), and what a reader must know of it.

    Raises
    ------
    RobustnessError
        When the assumptions need a reference arm and there is none, when nobody was assessed at
        the endpoint, or when there are too many participants for a jackknife.
    """
    study = data.study
    reference = _reference(data, plan, shorts)
    outcome, estimand = study.primary_outcome, study.primary_estimand
    people = members(data, analysis_set, outcome)
    scores, notes = estimand_scores(data, outcome, estimand)
    first = scores[scores["visit"] == study.baseline].set_index("participant")["score"]
    columns: dict[str, pd.Series] = {"baseline": people["participant"].map(first).astype(float)}
    for name in study.analyses.primary.adjust_for:
        columns[name] = people["site"] if name == "site" else people[CHARACTERISTIC + name]
    for name, values in columns.items():
        numeric = pd.api.types.is_numeric_dtype(values)
        if numeric:
            columns[name] = values = values.astype(float)
        if number := int(values.isna().sum()):
            columns[name] = values.fillna(values.mean() if numeric else "not recorded")
            # In a randomised trial the mean serves for a missing baseline (White & Thompson 2005).
            with_what = "the trial's mean" if numeric else "a level of its own"
            notes.append(f"{name} missing for {number} participants, given {with_what}")
    for name, values in columns.items():
        if not pd.api.types.is_numeric_dtype(values):
            columns[name], joined = _joined(values.astype(str))
            if joined:
                notes.append(f"rare levels of {name} joined: {joined}")
    used = {n: values for n, values in columns.items() if values.drop_duplicates().size > 1}
    wide = people[["participant", "arm"]].assign(**used)
    later = scores[scores["visit"].isin(data.later_visits)]
    rows = wide.merge(later[["participant", "visit", "score"]], on="participant", how="left")
    rows["visit"] = pd.Categorical(rows["visit"], data.later_visits, ordered=True)
    seen = rows.loc[rows["score"].notna(), "visit"].drop_duplicates()
    unseen = [study.visits[v].label for v in data.later_visits if v not in set(seen)]
    endpoint = study.estimands[estimand].endpoint
    findings = []
    if endpoint not in set(seen):
        findings.append(
            f"analyses: robustness: nobody of {data.trial} has a score of {outcome} at "
            f"{study.visits[endpoint].label}, the endpoint: nothing can be imputed there. Name "
            "another endpoint, or leave this analysis out."
        )
    if plan.inference == "jackknife" and len(people) > LARGEST_JACKKNIFE:
        findings.append(
            f"analyses: robustness: a jackknife of {len(people)} participants needs as many "
            f"refits; with more than {LARGEST_JACKKNIFE} write inference: bootstrap."
        )
    if findings:
        raise RobustnessError("\n".join(findings))
    if unseen:
        notes.append(f"nobody was assessed at {', '.join(unseen)}: left out")
        rows = rows[rows["visit"].isin(set(seen))]
        rows["visit"] = rows["visit"].cat.remove_unused_categories()
    by_visit = [name for name in ("baseline", "arm") if name == "arm" or name in used]
    terms = [f"{name}*visit" for name in by_visit] + [n for n in used if n != "baseline"]
    trial = incomplete_trial(
        rows,
        "score ~ " + " + ".join(terms),
        participant="participant",
        visit="visit",
        arm="arm",
        reference=reference,
        compared_with=study.reference_arm,
        covariance_by_arm=plan.covariance == "by-arm",
    )
    events = events_of(data, plan, trial, scores)
    first_events = events[events["what"] != FURTHER].drop_duplicates("participant")
    notes.append(f"{len(first_events)} participants stopped treatment or left")
    return trial, events, notes


def _joined(values: pd.Series) -> tuple[pd.Series, int]:
    """Join rare levels of a category to one, and say how many: a jackknife needs two of each.

    Examples
    --------
    >>> levels, number = _joined(pd.Series(["A"] * 9 + ["B"] * 8 + ["C"]))
    >>> number, sorted(levels.unique())
    (2, ['A', 'other'])
    """
    counts = values.value_counts()
    rare = list(counts.index[counts < SMALLEST])
    if rare and counts[rare].sum() < SMALLEST:
        rare += [name for name in reversed(counts.index.tolist()) if name not in rare][:1]
    if not rare:
        return values, 0
    return values.where(~values.isin(rare), "other"), len(rare)


def _reference(data: TrialData, plan: RobustnessAnalysis, shorts: Iterable[str]) -> str | None:
    study = data.study
    if plan.reference is not None:
        if plan.reference not in data.arms:
            raise RobustnessError(
                f"analyses: robustness: reference: {plan.reference} is no arm of {data.trial}; "
                f"its arms are {', '.join(data.arms)}."
            )
        return plan.reference
    arm = study.arms[study.reference_arm]
    if not (arm.has_psychotherapy or arm.has_medication):
        return study.reference_arm
    wanted = [WORDS[short] for short in WORDS if short in NEEDS_REFERENCE & set(shorts)]
    if wanted:
        raise RobustnessError(
            f"analyses: robustness: {', '.join(wanted)} are undefined between active arms, and the "
            f"reference arm of {data.trial}, {study.reference_arm} ({arm.label}), is an active "
            "treatment. Name the arm whose course is taken over after stopping (reference: "
            f"{study.reference_arm}) if the protocol justifies it, or keep to missing-at-random "
            "and last-mean-carried-forward."
        )
    return None
