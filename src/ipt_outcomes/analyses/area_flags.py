r"""Several areas per participant: flags, their number, and the slopes of the primary focus.

Flags enter the model together, each by visit,

.. math:: y_{ia} = \text{baseline}_i \times a + \text{arm}_i \times a
                   + \sum_k f_{ik} \times a + \text{covariates}_i + e_{ia},

so that a flag's difference is between participants with and without it who are alike in the other
three. Their number enters a model of its own, as a number. Slopes are those of a random intercept
and slope over weeks up to the endpoint, score ~ baseline + week × area.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import ModelFrame, TrialData
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.multiplicity import holm
from ipt_outcomes.analyses.repeated import DEGREES_OF_FREEDOM, repeated_formula
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS

Row = dict[str, Any]

KEPT = ("estimate", "se", "df", "statistic", "p", "lower", "upper")


def flag_rows(data: TrialData, frame: ModelFrame, arms: list[str], where: Row) -> Iterator[Row]:
    """Compare participants with and without each area, and by their number of areas.

    Parameters
    ----------
    data
        The trial.
    frame
        Rows of everyone analysed.
    arms
        The arms in which areas were assigned.
    where
        Columns that the rows share.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When a model cannot be fitted.
    """
    from ipt_outcomes.mixed import mixed_model

    plan = data.study.analyses.primary
    study = data.study
    endpoint = study.estimands[study.primary_estimand].endpoint
    people = data.participants.set_index("participant")
    observed = frame.rows[frame.rows["score"].notna() & frame.rows["arm"].isin(arms)].copy()
    flags = {area: f"area_{area}" for area in PROBLEM_AREA_LABELS}
    for column in flags.values():
        observed[column] = observed["participant"].map(people[column]).astype("Float64")
    columns = list(flags.values())
    observed = observed.dropna(subset=columns).astype(dict.fromkeys(columns, float))
    if observed.empty:
        return
    at = observed[observed["visit"] == endpoint]
    shared: Row = {
        **where,
        "trial": data.trial,
        "analysis": "problem areas, flags",
        "visit": endpoint,
        "unit": study.outcomes[study.primary_outcome].unit,
        "method": "mixed model for repeated measures, all flags together, REML, "
        f"{DEGREES_OF_FREEDOM[plan.degrees_of_freedom]} df",
        "disclosure": "shared",
    }
    counts = {area: (int(at[c].sum()), int((at[c] == 0).sum())) for area, c in flags.items()}
    large = [area for area, n in counts.items() if min(n) >= SMALLEST]
    for area in counts:
        if area not in large:
            yield {
                **shared,
                "quantity": "difference",
                "arm": area,
                "reference": "not flagged",
                "contrast": _with_without(area),
                "notes": f"{where['notes']}; {SUPPRESSED}",
            }
    if not large:
        return
    own = ["baseline", *(["arm"] if at["arm"].drop_duplicates().size > 1 else [])]

    def fitted(terms: list[str]) -> Any:
        return mixed_model(
            repeated_formula(observed, plan.adjust_for, [*own, *terms]), observed,
            participant="participant", visit="visit", covariance=plan.covariance,
            df=plan.degrees_of_freedom, level=plan.level,
        )  # fmt: skip

    fit = fitted([flags[area] for area in large])
    found = {}
    for area in large:
        slopes = fit.trends(flags[area], None, by="visit")
        found[area] = slopes[slopes["visit"].astype(str) == endpoint].to_dict("records")[0]
    adjusted = holm([found[area]["p"] for area in large])
    inference = {"level": plan.level, "interval_method": "t", "covariance": fit.covariance_used,
                 "converged": fit.convergence.converged}  # fmt: skip
    for area, p in zip(large, adjusted, strict=True):
        yield {
            **shared, **inference, **{name: found[area][name] for name in KEPT},
            "quantity": "difference", "arm": area, "reference": "not flagged",
            "contrast": _with_without(area), "p_adjusted": p,
            "n_arm": counts[area][0], "n_reference": counts[area][1],
        }  # fmt: skip
    observed["number_of_areas"] = observed[list(flags.values())].sum(axis=1)
    if observed["number_of_areas"].nunique() < 2:
        return
    fit = fitted(["number_of_areas"])
    slopes = fit.trends("number_of_areas", None, by="visit")
    (row,) = slopes[slopes["visit"].astype(str) == endpoint].to_dict("records")
    yield {
        **shared, **inference, **{name: row[name] for name in KEPT},
        "analysis": "problem areas, number of areas",
        "quantity": "slope", "contrast": "difference per further area",
        "unit": f"{shared['unit']} per area", "n_arm": int(at["participant"].nunique()),
    }  # fmt: skip


def _with_without(area: str) -> str:
    label = PROBLEM_AREA_LABELS[area].lower()
    return f"with {label} minus without, the other areas alike"


def slope_rows(data: TrialData, rows: pd.DataFrame, where: Row, endpoint: str) -> Iterator[Row]:
    """Give the slope of each area of focus up to the endpoint.

    Parameters
    ----------
    data
        The trial.
    rows
        Rows of those with an area that is shown.
    where
        Columns that the rows share.
    endpoint
        The last visit that counts.
    """
    from ipt_outcomes.mixed import MixedModelError, mixed_model

    study, plan = data.study, data.study.analyses.primary
    week = {name: visit.week for name, visit in study.visits.items()}
    weeks = rows["visit"].astype(str).map(week).astype(float)
    seen = rows.assign(week=weeks)[rows["score"].notna()]
    seen = seen[seen["week"] <= week[endpoint]]
    if seen["week"].nunique() < 2:
        return
    about = {**where, "analysis": "problem areas, trajectories", "quantity": "slope",
             "contrast": "change per week up to the endpoint",
             "unit": f"{where['unit']} per week", "model_id": None}  # fmt: skip
    try:
        fit = mixed_model(
            "score ~ baseline + week*problem_area", seen, participant="participant",
            visit="visit", random="1 + week", df=plan.degrees_of_freedom, level=plan.level,
        )  # fmt: skip
    except MixedModelError as error:  # the comparison at the endpoint stands without it
        yield {**about, "covariance": None, "converged": False, "method": "not fitted",
               "notes": f"{where['notes']}; not fitted: {error}"}  # fmt: skip
        return
    people = seen.drop_duplicates("participant")["problem_area"].value_counts()
    for row in fit.trends("week", "problem_area").to_dict("records"):
        area = str(row["problem_area"])
        yield {
            **about,
            **{name: row[name] for name in KEPT},
            "arm": area,
            "level": plan.level,
            "interval_method": "t",
            "method": "random intercept and slope, REML, "
            f"{DEGREES_OF_FREEDOM[plan.degrees_of_freedom]} df",
            "covariance": "random intercept and slope",
            "converged": fit.convergence.converged,
            "n_arm": int(people[area]),
        }
