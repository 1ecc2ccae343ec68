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

import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import ModelFrame, TrialData
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.multiplicity import holm
from ipt_outcomes.analyses.repeated import DEGREES_OF_FREEDOM, fit_as_primary, repeated_formula
from ipt_outcomes.results import Row, t_inference
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS


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
    """
    plan = data.study.analyses.primary
    study = data.study
    endpoint = study.endpoint
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

    def together() -> Iterator[Row]:
        found = list(_slopes_at(data, observed, [flags[area] for area in large], endpoint))
        adjusted = holm([row["p"] for row in found])
        for area, row, p in zip(large, found, adjusted, strict=True):
            yield {
                **shared, **row, "quantity": "difference", "arm": area,
                "reference": "not flagged", "contrast": _with_without(area), "p_adjusted": p,
                "n_arm": counts[area][0], "n_reference": counts[area][1],
            }  # fmt: skip

    yield from attempted(together(), shared)
    observed["number_of_areas"] = observed[list(flags.values())].sum(axis=1)
    if observed["number_of_areas"].nunique() < 2:
        return
    about = {**shared, "analysis": "problem areas, number of areas", "quantity": "slope",
             "contrast": "difference per further area", "unit": f"{shared['unit']} per area",
             "n_arm": int(at["participant"].nunique())}  # fmt: skip
    found = ({**about, **row} for row in _slopes_at(data, observed, ["number_of_areas"], endpoint))
    yield from attempted(found, about)


def _slopes_at(
    data: TrialData, observed: pd.DataFrame, terms: list[str], endpoint: str
) -> Iterator[Row]:
    """Fit the model with these numbers beside each other and give their slopes at the endpoint."""
    plan = data.study.analyses.primary
    own = ["baseline", *(["arm"] if observed["arm"].drop_duplicates().size > 1 else [])]
    formula = repeated_formula(observed, plan.adjust_for, [*own, *terms])
    fit = fit_as_primary(plan, formula, observed)
    for term in terms:
        slopes = fit.trends(term, None, by="visit")
        (row,) = slopes[slopes["visit"].astype(str) == endpoint].to_dict("records")
        yield {
            **t_inference(row, plan.level),
            "covariance": fit.covariance_used,
            "converged": fit.convergence.converged,
        }


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
    study = data.study
    week = {name: visit.week for name, visit in study.visits.items()}
    weeks = rows["visit"].astype(str).map(week).astype(float)
    seen = rows.assign(week=weeks)[rows["score"].notna()]
    seen = seen[seen["week"] <= week[endpoint]]
    if seen["week"].nunique() < 2:
        return
    about = {**where, "analysis": "problem areas, trajectories", "quantity": "slope",
             "contrast": "change per week up to the endpoint",
             "unit": f"{where['unit']} per week"}  # fmt: skip
    yield from attempted(_slopes(data, seen, about), about)


def _slopes(data: TrialData, seen: pd.DataFrame, about: Row) -> Iterator[Row]:
    from ipt_outcomes.mixed import mixed_model

    plan = data.study.analyses.primary
    fit = mixed_model(
        "score ~ baseline + week*problem_area", seen, participant="participant",
        visit="visit", random="1 + week", df=plan.degrees_of_freedom, level=plan.level,
    )  # fmt: skip
    people = seen.drop_duplicates("participant")["problem_area"].value_counts()
    for row in fit.trends("week", "problem_area").to_dict("records"):
        area = str(row["problem_area"])
        yield {
            **about,
            **t_inference(row, plan.level),
            "arm": area,
            "method": "random intercept and slope, REML, "
            f"{DEGREES_OF_FREEDOM[plan.degrees_of_freedom]} df",
            "covariance": "random intercept and slope",
            "converged": fit.convergence.converged,
            "n_arm": int(people[area]),
        }
