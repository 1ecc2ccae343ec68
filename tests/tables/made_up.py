"""A made-up trial's estimates, in the language of the results: what no analysis has computed.

Smooth, deterministic numbers of a plausible size for the study of config.yaml (or any other), so
that tables, figures and the report can be tested without fitting anything. Some cells are
suppressed, some participants are not analysed, one row is restricted.
"""

from __future__ import annotations

import copy
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from made_up_clinical import (
    change_rows,
    delivery_rows,
    event_rows,
    moderator_rows,
    responder_rows,
    safety_rows,
    therapist_rows,
)
from made_up_late import late_rows
from made_up_missing import missing_rows, robustness_rows

from ipt_outcomes.results import estimates
from ipt_outcomes.study import Study
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS

ROOT = Path(__file__).resolve().parents[2]
SECRET = 987654.32
"""The estimate of a restricted row; must never be seen."""

HOSTILE = '<script>alert("x")</script> $\\frac{1}{0}$ =cmd|calc & ' + "long" * 60


def config() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))


def example_study(change: dict[str, Any] | None = None) -> Study:
    return Study.model_validate(change or config())


def whole_config() -> dict[str, Any]:
    """The example study with the analyses that it leaves out, as far as figures show them."""
    raw = copy.deepcopy(config())
    raw["arms"]["PLA"] = {"label": "Neither", "psychotherapy": "none", "medication": "none",
                          "format": "none", "also": "clinical management"}  # fmt: skip
    for arm in raw["arms"].values():
        arm["also"] = "clinical management"
    raw["trials"]["example"]["codes"]["arm"]["4"] = "PLA"
    cells = {"both": "IPT+MED", "psychotherapy": "IPT", "medication": "MED", "neither": "PLA"}
    raw["analyses"]["medication"] |= {"factorial": cells, "additivity_margin": 2}
    raw["analyses"]["non_inferiority"] = {
        "arm": "IPT", "comparator": "MED", "margin": 2.5, "justification": "Half of what is known.",
    }  # fmt: skip
    raw["trials"]["example"]["process"] = {
        "sessions": {"file": "sessions.csv", "participant": "id", "session": "session",
                     "variables": {"bond": {"column": "bond"}, "mood": {"column": "mood"}}}
    }  # fmt: skip
    raw["analyses"]["sudden_gains"] = {"variable": "mood"}
    raw["analyses"]["lagged_effects"] = {"pairs": {"p": {"predictor": "bond", "outcome": "mood"}}}
    path = {"mediator": "bdi2", "mediator_visit": "week_8", "arm": "IPT"}
    raw["analyses"]["mediation"] = {"paths": {"early": path}}
    del raw["analyses"]["robustness"]  # its made-up shifts are for three arms
    return raw


def hostile_study(raw: dict[str, Any] | None = None) -> Study:
    """A study with labels that could break out of HTML, CSV, mathtext or a box."""
    raw = copy.deepcopy(raw or config())
    raw["study"]["title"] = HOSTILE
    raw["study"]["notice"] = HOSTILE
    raw["trials"]["example"]["label"] = HOSTILE
    for section in ("arms", "visits", "outcomes", "characteristics", "estimands"):
        for entry in raw[section].values():
            entry["label"] = HOSTILE
    for outcome in raw["outcomes"].values():
        outcome["short_label"] = HOSTILE
        outcome["unit"] = HOSTILE
    for estimand in raw["estimands"].values():
        estimand["population"] = HOSTILE
    return Study.model_validate(raw)


def made_up(study: Study, trial: str = "example") -> pd.DataFrame:
    """Estimates of one trial; see the module."""
    rows = [*_flow(study, trial), *_baseline(study, trial), *_observed(study, trial)]
    for outcome in study.outcomes_of(trial):
        for estimand in study.estimands:
            for analysis_set in ("as randomised", "per protocol"):
                rows += _primary(study, trial, outcome, estimand, analysis_set)
    if study.analyses.problem_areas is not None:
        rows += _areas(study, trial)
    if study.analyses.medication is not None:
        rows += _medication(study, trial)
    for plan, made in (
        (study.analyses.response, responder_rows), (study.analyses.response, change_rows),
        (study.analyses.moderators, moderator_rows), (study.analyses.delivery, delivery_rows),
        (study.analyses.time_to_event, event_rows),
        (study.analyses.safety, safety_rows), (study.analyses.therapists, therapist_rows),
    ):  # fmt: skip
        rows += made(study, trial) if plan is not None else ()
    if study.analyses.missing_data is not None:
        rows += missing_rows(study, trial)
    if study.analyses.robustness is not None:
        rows += robustness_rows(study, trial)
    rows += late_rows(study, trial)
    rows.append(
        {**_about(trial, "observed"), "outcome": study.primary_outcome, "quantity": "observed mean",
         "arm": study.arms_of(trial)[0], "subgroup": "one person", "estimate": SECRET,
         "disclosure": "restricted", "method": "description"}
    )  # fmt: skip
    return estimates(rows)


def _about(trial: str, analysis: str, analysis_set: str = "as randomised") -> dict[str, Any]:
    return {"trial": trial, "analysis": analysis, "analysis_set": analysis_set,
            "status": "exploratory", "disclosure": "shared"}  # fmt: skip


def _mean(study: Study, arm: str, visit: str, outcome: str) -> float:
    week = study.visits[visit].week
    rank = study.arms_of(study_trial(study)).index(arm)
    start, fall = (20.2, 10.4) if outcome == study.primary_outcome else (28.4, 14.1)
    return start - (fall - 2.4 * rank) * (1 - 2 ** (-week / 5)) - 0.01 * week


def study_trial(study: Study) -> str:
    return next(iter(study.trials))


def _n(study: Study, arm: str, visit: str) -> int:
    return 80 - int(study.visits[visit].week * 0.4) - study.arms_of(study_trial(study)).index(arm)


def _flow(study: Study, trial: str) -> list[dict[str, Any]]:
    about = {**_about(trial, "flow"), "quantity": "count", "method": "count"}
    rows = []
    enrolment = study.enrolment.get(trial)
    if enrolment is not None:
        rows = [{**about, "contrast": "assessed for eligibility", "estimate": 391},
                {**about, "contrast": "excluded", "estimate": 151}]  # fmt: skip
        rows += [{**about, "contrast": f"excluded: {why}", "estimate": n}
                 for why, n in enrolment.excluded.items()]  # fmt: skip
    arms = study.arms_of(trial)
    rows.append({**about, "contrast": "randomised", "estimate": 80 * len(arms)})
    for position, arm in enumerate(arms):
        of = {**about, "arm": arm, "n_arm": 80}
        stages = {
            "randomised": 80, "stopped treatment": 20 + position, "stopped treatment: no benefit": 17,
            "stopped treatment: side effects": 3 + position, "left the study": 14,
            "left the study: moved away": 1, "left the study: lost contact": 13,
            "analysed": 77, "not analysed: no score after baseline": 3, "per protocol": 60 + position,
        }  # fmt: skip
        rows += [{**of, "contrast": stage, "estimate": n} for stage, n in stages.items()]
        rows += [{**of, "contrast": "assessed", "visit": visit, "outcome": study.primary_outcome,
                  "estimate": _n(study, arm, visit)} for visit in study.visits_of(trial)]  # fmt: skip
    for row in rows:
        if row["contrast"] in ("analysed", "not analysed: no score after baseline"):
            row["outcome"] = study.primary_outcome
    return rows


def _baseline(study: Study, trial: str) -> list[dict[str, Any]]:
    about = {**_about(trial, "baseline"), "method": "description"}
    arms = study.arms_of(trial)
    rows: list[dict[str, Any]] = []

    def number(name: str, mean: float, sd: float) -> None:
        for position, arm in enumerate([None, *arms]):
            where = {**about, "outcome": name, "arm": arm, "n_arm": 80 if arm else 80 * len(arms)}
            rows.append({**where, "quantity": "observed mean", "estimate": mean + position / 7})
            rows.append({**where, "quantity": "standard deviation", "estimate": sd})

    def category(name: str, levels: dict[str, int | None], notes: dict[str, str]) -> None:
        for arm in [None, *arms]:
            for level, n in levels.items():
                times = 1 if arm else len(arms)
                rows.append(
                    {**about, "outcome": name, "quantity": "count", "subgroup": level, "arm": arm,
                     "estimate": None if n is None else n * times, "n_arm": 80 * times,
                     "notes": notes.get(level)}
                )  # fmt: skip

    number("age", 40.0, 12.0)
    category(
        "gender",
        {"Women": 51, "Men": None, "Non-binary or other": None},
        {"Men": "suppressed: would reveal a count below 5",
         "Non-binary or other": "suppressed: fewer than 5"},
    )  # fmt: skip
    category("recurrent", {"No": 30, "Yes": 50}, {})
    category("site", {"Site A": 40, "Site B": 40}, {})
    for outcome in study.outcomes_of(trial):
        number(outcome, _mean(study, arms[0], study.baseline, outcome), 4.6)
    return rows


def _observed(study: Study, trial: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for outcome in study.outcomes_of(trial):
        for analysis_set in ("as randomised", "completers"):
            for arm in study.arms_of(trial):
                for visit in study.visits_of(trial):
                    mean = _mean(study, arm, visit, outcome)
                    where = {**_about(trial, "observed", analysis_set), "outcome": outcome,
                             "arm": arm, "visit": visit, "unit": "points",
                             "method": "description"}  # fmt: skip
                    last = visit == study.visits_of(trial)[-1] and analysis_set == "completers"
                    if last:
                        rows.append({**where, "quantity": "observed mean",
                                     "notes": "suppressed: fewer than 5"})  # fmt: skip
                        continue
                    where["n_arm"] = _n(study, arm, visit)
                    rows.append({**where, "quantity": "observed mean", "estimate": mean, "se": 0.6,
                                 "df": 70, "lower": mean - 1.2, "upper": mean + 1.2, "level": 0.95,
                                 "interval_method": "t"})  # fmt: skip
                    rows.append({**where, "quantity": "standard deviation", "estimate": 5.3})
    return rows


def _primary(
    study: Study, trial: str, outcome: str, estimand: str, analysis_set: str
) -> list[dict[str, Any]]:
    about = {
        **_about(trial, "primary", analysis_set), "outcome": outcome, "estimand": estimand,
        "unit": "points", "converged": True, "covariance": "unstructured",
        "method": "mixed model for repeated measures, REML, Kenward–Roger df",
        "model_id": f"{trial}/{outcome}/{estimand}/{analysis_set}",
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    shift = 0.13 * (estimand != study.primary_estimand) + 0.07 * (analysis_set != "as randomised")
    reference = study.reference_arm
    endpoint = study.estimands[estimand].endpoint
    for arm in study.arms_of(trial):
        for visit in study.visits_of(trial)[1:]:
            mean = _mean(study, arm, visit, outcome) + shift
            interval = {"level": 0.95, "interval_method": "t"}
            rows.append({**about, **interval, "quantity": "mean", "arm": arm, "visit": visit,
                         "estimate": mean, "se": 0.8, "df": 214.26, "lower": mean - 1.58,
                         "upper": mean + 1.58, "n_arm": _n(study, arm, visit)})  # fmt: skip
            if arm == reference:
                continue
            difference = mean - _mean(study, reference, visit, outcome)
            of = {**about, "arm": arm, "reference": reference, "visit": visit,
                  "n_arm": _n(study, arm, visit), "n_reference": _n(study, reference, visit)}  # fmt: skip
            confirmatory = (outcome, estimand, analysis_set, visit) == (
                study.primary_outcome, study.primary_estimand, "as randomised", endpoint
            )  # fmt: skip
            rows.append(
                {**of, **interval, "quantity": "difference", "estimate": difference, "se": 1.15,
                 "df": 213.87, "lower": difference - 2.27, "upper": difference + 2.27,
                 "statistic": difference / 1.15, "p": 0.0004 if difference < -3.5 else 0.0321,
                 "contrast": f"{study.arms[arm].label} minus {study.arms[reference].label}",
                 "status": "confirmatory" if confirmatory else "exploratory"}
            )  # fmt: skip
            if visit == endpoint:
                rows.append({**of, "quantity": "effect size", "unit": "SD", "level": 0.95,
                             "contrast": "Hedges g on the observed endpoint SD (7.38)",
                             "interval_method": "normal, delta method", "estimate": -difference / 7.4,
                             "lower": -difference / 7.4 - 0.32, "upper": -difference / 7.4 + 0.32})  # fmt: skip
                rows.append({**of, "quantity": "standard deviation", "estimate": 7.38,
                             "contrast": "pooled observed SD at the endpoint"})  # fmt: skip
    rows.append({**about, "quantity": "test", "contrast": "arm × visit", "unit": "F",
                 "statistic": 1.43, "df_numerator": 8.0, "df": 200.7, "p": 0.184})  # fmt: skip
    return rows


def _areas(study: Study, trial: str) -> list[dict[str, Any]]:
    endpoint = study.estimands[study.primary_estimand].endpoint
    about = {
        **_about(trial, "problem areas"), "outcome": study.primary_outcome,
        "estimand": study.primary_estimand, "unit": "points", "converged": True,
        "covariance": "unstructured", "model_id": "areas", "method": "mixed model, REML",
        "notes": "areas are not randomised: an adjusted comparison, not an effect",
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    areas = list(PROBLEM_AREA_LABELS)
    for position, area in enumerate(areas):
        for visit in study.visits_of(trial)[1:]:
            mean = 20 - 9 * (1 - 2 ** (-study.visits[visit].week / 5)) + position / 2
            rows.append({**about, "quantity": "mean", "arm": area, "visit": visit, "estimate": mean,
                         "lower": mean - 2.4, "upper": mean + 2.4, "level": 0.95,
                         "interval_method": "t", "n_arm": 40 - position})  # fmt: skip
    for reference, area in combinations(areas, 2):
        difference = (areas.index(area) - areas.index(reference)) / 2
        names = f"{PROBLEM_AREA_LABELS[area]} minus {PROBLEM_AREA_LABELS[reference]}"
        rows.append({**about, "quantity": "difference", "arm": area, "reference": reference,
                     "visit": endpoint, "estimate": difference, "lower": difference - 3,
                     "upper": difference + 3, "level": 0.95, "interval_method": "t", "p": 0.31,
                     "p_adjusted": 0.9999, "n_arm": 36, "n_reference": 35,
                     "contrast": names})  # fmt: skip
    small = rows[-1]
    for name in ("estimate", "lower", "upper", "level", "interval_method", "p", "p_adjusted",
                 "n_arm", "n_reference", "converged", "covariance", "model_id"):  # fmt: skip
        small.pop(name)
    small["notes"] += "; suppressed: fewer than 5"
    return rows


def _medication(study: Study, trial: str) -> list[dict[str, Any]]:
    about = {
        **_about(trial, "medication"), "outcome": study.primary_outcome, "level": 0.95,
        "estimand": study.primary_estimand, "unit": "points", "converged": True,
        "covariance": "unstructured", "model_id": "medication", "interval_method": "t",
        "method": "mixed model for repeated measures, REML, Kenward–Roger df",
    }  # fmt: skip
    rows = []
    pairs = (("IPT+MED", "IPT", "what medication adds to IPT"),
             ("IPT+MED", "MED", "what IPT adds to medication"))  # fmt: skip
    for more, less, tells in pairs:
        for visit in study.visits_of(trial)[1:]:
            d = _mean(study, more, visit, study.primary_outcome) - _mean(
                study, less, visit, study.primary_outcome
            )
            label = f"{study.arms[more].label} minus {study.arms[less].label}: {tells}"
            rows.append({**about, "quantity": "difference", "arm": more, "reference": less,
                         "visit": visit, "contrast": label, "estimate": d, "se": 1.2, "df": 211.5,
                         "lower": d - 2.4, "upper": d + 2.4, "statistic": d / 1.2, "p": 0.04,
                         "n_arm": _n(study, more, visit),
                         "n_reference": _n(study, less, visit)})  # fmt: skip
    return rows


COUNTS = {
    "file": "data/example/redcap_export.csv", "format": "redcap", "rows": 1566, "blank_rows": 0,
    "participants": 240, "participants_without_arm": 0, "assessments": 1292, "scores": 2539,
    "scores_not_used": 0, "findings": {"error": 0, "warning": 2, "note": 1},
    "scores_by_visit": {"hamd17": {"baseline": 240, "week_4": 223}, "bdi2": {"baseline": 236}},
}  # fmt: skip
"""What ingest counts."""
