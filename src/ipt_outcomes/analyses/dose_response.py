"""Sessions attended and the outcome: observational, and by instrument where that is justified.

In the arms with psychotherapy, the score at the endpoint is regressed on the number of sessions,
the baseline score, covariates and arm, with robust (HC3) errors, scores missing at random imputed
and pooled by Rubin's rules. Who feels better, or worse, may stay away: the slope is an association
of that and of the sessions, and every row says so. Whether it is straight is tested.

The effect among compliers, those who attend enough sessions when offered them and cannot otherwise,
is estimated with randomisation as the instrument (:mod:`ipt_outcomes.analyses.instrument`). The
configuration must say why assignment can work through the sessions alone; without it the number is
refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.attempts import possible
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.instrument import two_stage
from ipt_outcomes.analyses.participant_values import participant_numbers
from ipt_outcomes.analyses.response_data import ScoreMatrix, generator, score_matrix
from ipt_outcomes.analyses.rubin import Pooled, pool
from ipt_outcomes.imputation.joint_normal import imputations
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.process_analyses import ComplierEffect, DoseResponseAnalysis

Floats = NDArray[np.float64]

OBSERVATIONAL = (
    "observational: sessions attended were not randomised, and who improves or worsens may come "
    "more or less often; an association, not an effect of sessions"
)
WEAK = 10.0
"""First-stage F below which an instrument is called weak."""


class DoseError(ValueError):
    """Sessions attended that tell nothing."""


def dose_response(data: TrialData) -> pd.DataFrame:
    """Relate sessions attended to the outcome at the endpoint.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    DoseError
        When sessions are not recorded or do not vary, or the scores at baseline or the endpoint
        do not. An effect among compliers that these data do not allow leaves a row that says so.
    """
    plan = data.study.analyses.dose_response
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    outcome = plan.outcome or data.study.primary_outcome
    estimand = data.study.primary_estimand
    endpoint = data.study.estimands[estimand].endpoint
    matrix, left_out = _attended(data, outcome, score_matrix(data, outcome, estimand, None))
    sessions = participant_numbers(data, "sessions_attended").reindex(matrix.participants)
    random = generator(data, outcome, "dose response")
    dose = sessions.to_numpy(float)
    # Sessions belong into the imputation, or imputed scores would know nothing of them.
    known = ~np.isnan(dose)
    centred = np.where(known, dose - (dose[known].mean() if known.any() else 0.0), 0.0)
    predictors = _varying(np.column_stack([matrix.covariates, centred]))
    complete = list(
        imputations(matrix.scores, matrix.arm, predictors, plan.imputations, random,
                    data.study.outcomes[outcome].range)
    )  # fmt: skip
    where = exploratory(
        data,
        "dose response",
        outcome=outcome,
        estimand=estimand,
        visit=endpoint,
        level=plan.level,
        unit=data.study.outcomes[outcome].unit,
        notes="; ".join(left_out) or None,
    )
    rows = list(_association(data, plan, matrix, dose, complete, where))
    if plan.complier_effect is not None:
        about = {**where, "analysis": "dose response, compliers"}
        among = _compliers(data, plan.complier_effect, matrix, dose, complete, about)
        rows += possible(among, data, about)
    return estimates(rows)


def _attended(data: TrialData, outcome: str, matrix: ScoreMatrix) -> tuple[ScoreMatrix, list[str]]:
    """Leave out visits that say nothing and cannot be imputed; return what is left out, in words.

    Raises
    ------
    DoseError
        When baseline or endpoint is such a visit.
    """
    study = data.study
    needed = (matrix.visits[0], study.estimands[study.primary_estimand].endpoint)
    kept, notes = [], []
    for place, visit in enumerate(matrix.visits):
        seen = matrix.scores[np.isfinite(matrix.scores[:, place]), place]
        if len(seen) and np.ptp(seen) > 0:
            kept.append(place)
            continue
        what = "all scores are the same" if len(seen) else "there is no score"
        label = study.visits[visit].label
        if visit in needed:
            raise DoseError(
                f"{data.trial}: at {label} {what} of {study.outcomes[outcome].short_label}. Name "
                "another dose_response.outcome, or take dose_response out."
            )
        notes.append(f"{label} left out: {what}")
    visits = [matrix.visits[place] for place in kept]
    return replace(matrix, visits=visits, scores=matrix.scores[:, kept]), notes


def _association(
    data: TrialData,
    plan: DoseResponseAnalysis,
    matrix: ScoreMatrix,
    dose: Floats,
    complete: list[Floats],
    where: Row,
) -> Iterator[Row]:
    wanted = plan.arms or [a for a in data.arms if data.study.arms[a].has_psychotherapy]
    places = [matrix.arms.index(arm) for arm in wanted if arm in matrix.arms]
    inside = np.isin(matrix.arm, places) & ~np.isnan(dose)
    if inside.sum() < 10 or np.ptp(dose[inside]) == 0:
        raise DoseError(
            f"{data.trial}: {int(inside.sum())} participants of {', '.join(wanted) or 'no arm'} "
            "with sessions recorded, at least 10 with different numbers are needed. Name "
            "columns.sessions_attended, mend dose_response.arms, or take dose_response out."
        )
    place = matrix.visits.index(where["visit"])
    centre = float(dose[inside].mean())
    d = dose[inside] - centre
    arms = np.column_stack([matrix.arm[inside] == p for p in places[1:]] or [np.empty(len(d))])
    arms = arms[:, : len(places) - 1].astype(float)
    straight, curved = [], []
    for scores in complete:
        x = _varying(np.column_stack([scores[inside, 0], arms, matrix.covariates[inside]]))
        ones = np.ones(len(d))
        y = scores[inside, place]
        straight.append(least_squares_hc3(np.column_stack([d, ones, x]), y, 0))
        curved.append(least_squares_hc3(np.column_stack([d**2, d, ones, x]), y, 0))
    df = len(d) - x.shape[1] - 2
    without = int((np.isin(matrix.arm, places) & np.isnan(dose)).sum())
    notes = [OBSERVATIONAL, *filter(None, [where["notes"]])]
    if without:
        notes.append(f"{without} participants without a record of sessions not analysed")
    about = {**where, "arm": None, "subgroup": ", ".join(wanted), "n_arm": len(d),
             "method": "regression on sessions, baseline, arm and covariates, HC3 errors, "
             f"{len(complete)} imputations", "notes": "; ".join(notes)}  # fmt: skip
    slope = pool([v for v, _ in straight], [s**2 for _, s in straight], df)
    yield {**about, "quantity": "slope", "contrast": "per session attended",
           **_inference(slope, where["level"])}  # fmt: skip
    bend = pool([v for v, _ in curved], [s**2 for _, s in curved], df - 1)
    yield {**about, "quantity": "test", "contrast": "curvature over sessions", "unit": "t",
           "statistic": bend.statistic, "df": bend.df, "p": bend.p, "level": None}  # fmt: skip


def _compliers(
    data: TrialData,
    plan: ComplierEffect,
    matrix: ScoreMatrix,
    dose: Floats,
    complete: list[Floats],
    where: Row,
) -> Iterator[Row]:
    assert plan.justification, "the configuration's model sees to it"
    labels = {arm: data.study.arms[arm].label for arm in matrix.arms}
    for arm in (plan.arm, plan.reference):
        if arm not in matrix.arms:
            raise DoseError(f"{data.trial}: complier_effect names {arm}, which this trial has not.")
    places = [matrix.arms.index(plan.arm), matrix.arms.index(plan.reference)]
    inside = np.isin(matrix.arm, places)
    assigned = (matrix.arm[inside] == places[0]).astype(float)
    unknown = int((np.isnan(dose[inside]) & (assigned == 1)).sum())
    attended = np.nan_to_num(dose[inside], nan=0.0)
    if attended[assigned == 0].any():
        raise DoseError(
            f"{data.trial}: participants of {labels[plan.reference]} attended sessions, so that "
            "assignment is no instrument with one-sided non-compliance. Take complier_effect out."
        )
    received = (attended >= plan.minimum_sessions).astype(float) * assigned
    place = matrix.visits.index(where["visit"])
    try:
        fits = [
            two_stage(scores[inside, place], received, assigned,
                      _varying(np.column_stack([scores[inside, 0], matrix.covariates[inside]])))
            for scores in complete
        ]  # fmt: skip
    except ValueError as error:
        raise DoseError(
            f"{data.trial}: {error}: nobody of {labels[plan.arm]} attended "
            f"{plan.minimum_sessions} sessions."
        ) from None
    pooled = pool([f.value for f in fits], [f.se**2 for f in fits], fits[0].df)
    weakest = min(f.first_stage for f in fits)
    notes = [
        f"effect among those who attend at least {plan.minimum_sessions} sessions when assigned "
        f"to {labels[plan.arm]}: assumes that assignment works through these sessions alone "
        f"({plan.justification}), and that nobody of {labels[plan.reference]} can attend",
        _strength(weakest, plan.minimum_sessions),
    ]
    if where["notes"]:
        notes.append(where["notes"])
    if unknown:
        notes.append(f"{unknown} participants without a record count as not attending")
    yield {
        **where,
        "quantity": "difference",
        "arm": plan.arm,
        "reference": plan.reference,
        "contrast": f"{labels[plan.arm]} minus {labels[plan.reference]}: among compliers",
        "n_arm": int(assigned.sum()),
        "n_reference": int((1 - assigned).sum()),
        "method": "two-stage least squares, assignment as instrument, robust errors, "
        f"{len(complete)} imputations",
        "notes": "; ".join(notes),
        **_inference(pooled, where["level"]),
    }
    yield {**where, "quantity": "probability",
           "arm": plan.arm, "contrast": f"attended at least {plan.minimum_sessions} sessions",
           "estimate": float(received[assigned == 1].mean()), "unit": "proportion",
           "n_arm": int(assigned.sum()), "method": "description", "level": None}  # fmt: skip


def _strength(first_stage: float, sessions: int) -> str:
    """Say how strongly assignment decided who attended."""
    if math.isinf(first_stage):
        return (
            f"everyone who was assigned to it attended at least {sessions} sessions: assignment "
            "and attendance are the same, and the effect is that of assignment"
        )
    return f"first-stage F {first_stage:.0f}" + (": weak instrument" if first_stage < WEAK else "")


def least_squares_hc3(x: Floats, y: Floats, column: int) -> tuple[float, float]:
    """Return a least-squares coefficient with its HC3 error.

    Parameters
    ----------
    x, y
        Design (n, p) and outcome (n,).
    column
        Which coefficient.

    References
    ----------
    MacKinnon & White (1985), Journal of Econometrics 29:305.
    """
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ (x.T @ y)
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    scaled = x * ((y - x @ beta) / (1 - leverage))[:, None]
    variance = inverse @ (scaled.T @ scaled) @ inverse
    return float(beta[column]), float(np.sqrt(variance[column, column]))


def _varying(x: Floats) -> Floats:
    return x[:, np.ptp(x, axis=0) > 0]


def _inference(pooled: Pooled, level: float) -> Row:
    lower, upper = pooled.interval(level)
    return {"estimate": pooled.value, "se": pooled.se, "df": pooled.df, "lower": lower,
            "upper": upper, "statistic": pooled.statistic, "p": pooled.p,
            "interval_method": "t, Rubin's rules"}  # fmt: skip
