"""What lasts after treatment: changes from the endpoint to each follow-up visit.

They come from the primary model of repeated measures, which assumes no shape of the course: the
difference of two adjusted means of the same arm, and the difference of that between arms. A gain
that lasts shows as an interval around zero that is short; one that only fails to differ from zero
shows nothing.

An unstructured covariance of weekly visits has hundreds of parameters. With more than
:data:`MOST_VISITS` visits the model keeps those after treatment, the endpoint, and the last one of
each phase.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipt_outcomes.analyses.data import AS_RANDOMISED, ModelFrame, TrialData, model_frame
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.results import Row, t_inference

MOST_VISITS = 8
"""Later visits up to which all are in the model."""


def durability_rows(data: TrialData) -> Iterator[Row]:
    """Give the changes after the endpoint, by arm and between arms, on the primary outcome.

    Parameters
    ----------
    data
        The trial.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    from ipt_outcomes.mixed.grid import mean_rows

    study = data.study
    outcome, estimand = study.primary_outcome, study.primary_estimand
    endpoint = study.estimands[estimand].endpoint
    end = study.visits[endpoint].week
    frame = model_frame(data, outcome, estimand, AS_RANDOMISED)
    seen = set(frame.rows.loc[frame.rows["score"].notna(), "visit"].astype(str))
    after = [v for v in data.later_visits if study.visits[v].week > end and v in seen]
    if not after or endpoint not in seen:
        return
    kept = _kept(data, endpoint, seen)
    rows = frame.rows[frame.rows["visit"].astype(str).isin(kept)].copy()
    rows["visit"] = rows["visit"].cat.remove_unused_categories()
    words = ", ".join(study.visits[visit].label for visit in kept)
    notes = list(frame.handled) + (
        [f"visits in the model: {words}"] if len(kept) < len(seen) else []
    )
    reference = study.reference_arm
    labels = data.arm_labels
    model = fit_repeated_measures(
        data, ModelFrame(rows, frame.excluded, frame.handled), group="arm",
        reference=reference, names=labels,
        where={"outcome": outcome, "analysis": "growth, durability",
               "analysis_set": AS_RANDOMISED, "estimand": estimand, "status": "exploratory",
               "notes": "; ".join(notes) or None},
    )  # fmt: skip
    cells, means = mean_rows(model.fit.design, ["visit", "arm"], None, "equal")
    at = {(str(visit), str(arm)): means[k] for k, (visit, arm) in enumerate(cells)}
    for visit in after:
        since = f"{study.visits[visit].label} minus {study.visits[endpoint].label}"
        change = {arm: at[visit, arm] - at[endpoint, arm] for arm in data.arms}
        wanted: list[tuple[str, str | None, Any]]
        wanted = [(arm, None, change[arm]) for arm in data.arms]
        wanted += [(arm, reference, change[arm] - change[reference])
                   for arm in data.arms if arm != reference]  # fmt: skip
        for arm, other, row in wanted:
            (found,) = model.fit.linear([row]).to_dict("records")
            between = f"{labels[arm]} minus {labels[other]}, " if other is not None else ""
            yield {
                **model.where,
                **t_inference(found, model.level),
                "quantity": "difference",
                "contrast": f"{between}change, {since}",
                "arm": arm,
                "reference": other,
                "visit": visit,
                "n_arm": model.counts.get((arm, visit), 0),
                "n_reference": None if other is None else model.counts.get((other, visit), 0),
            }


def _kept(data: TrialData, endpoint: str, seen: set[str]) -> list[str]:
    """Choose the visits of the model: all, or of many the ends of phases and what follows."""
    visits = [visit for visit in data.later_visits if visit in seen]
    if len(visits) <= MOST_VISITS:
        return visits
    plan, week = data.study.analyses.growth, data.study.visits
    end = week[endpoint].week
    ends = list(plan.phases.values()) if plan is not None and plan.time == "weeks" else []
    ends = ends or [end / 4, end / 2, end * 3 / 4]
    last = {max((v for v in visits if week[v].week <= stop), key=lambda v: week[v].week,
                default=endpoint) for stop in ends}  # fmt: skip
    return [v for v in visits if v in last or v == endpoint or week[v].week > end]
