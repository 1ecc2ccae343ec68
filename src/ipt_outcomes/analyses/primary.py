"""The primary analysis: differences between arms by visit, for every estimand and analysis set.

Model and inference are those of :mod:`ipt_outcomes.analyses.repeated`; the standardised effect
divides the model's difference at the endpoint by the pooled observed SD there (the baseline SD is
truncated by the trial's entry criteria and would inflate it).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, PER_PROTOCOL, TrialData, model_frame
from ipt_outcomes.analyses.effect_size import hedges_g, pooled_sd
from ipt_outcomes.analyses.repeated import RepeatedMeasures, endpoint_sds, fit_repeated_measures
from ipt_outcomes.results import estimates

Row = dict[str, Any]


def primary(data: TrialData, outcome: str) -> pd.DataFrame:
    """Compare the arms on one outcome.

    Parameters
    ----------
    data
        The trial.
    outcome
        Short name of the outcome.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: adjusted means and differences by visit, the test of arm by
        visit, and Hedges' g at the endpoint, per estimand and analysis set. Only the primary
        outcome's difference at the endpoint, for the first estimand and everyone as randomised,
        is marked confirmatory.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When a model cannot be fitted.
    """
    sets = [AS_RANDOMISED]
    if data.study.analysis_sets.per_protocol is not None:
        sets.append(PER_PROTOCOL)
    rows: list[Row] = []
    for estimand in data.study.estimands:
        for analysis_set in sets:
            rows.extend(_one_model(data, outcome, estimand, analysis_set))
    return estimates(rows)


def _one_model(data: TrialData, outcome: str, estimand: str, analysis_set: str) -> Iterator[Row]:
    frame = model_frame(data, outcome, estimand, analysis_set)
    arms = data.arms
    reference = data.study.reference_arm
    confirmatory = (
        outcome == data.study.primary_outcome
        and estimand == data.study.primary_estimand
        and analysis_set == AS_RANDOMISED
    )
    endpoint = data.study.estimands[estimand].endpoint
    model = fit_repeated_measures(
        data,
        frame,
        group="arm",
        reference=reference,
        names={arm: data.study.arms[arm].label for arm in arms},
        where={
            "outcome": outcome,
            "analysis": "primary",
            "analysis_set": analysis_set,
            "estimand": estimand,
            "status": "exploratory",
            "notes": _notes(frame.set_aside, len(frame.excluded)),
        },
    )
    yield from model.means()
    differences = list(model.differences(reference))
    for row in differences:
        if confirmatory and row["visit"] == endpoint:
            row["status"] = "confirmatory"
    yield from differences
    if model.model_based is not None:
        yield from model.model_based.differences(reference)
    yield from _joint_test(model)
    yield from _effect_sizes(
        data, model, endpoint_sds(frame.rows, "arm", endpoint), differences, endpoint, outcome
    )


def _notes(set_aside: int, excluded: int) -> str | None:
    notes = []
    if set_aside:
        notes.append(f"{set_aside} scores after stopping treatment set aside")
    if excluded:
        notes.append(f"{excluded} participants without a baseline or later score not analysed")
    return "; ".join(notes) or None


def _joint_test(model: RepeatedMeasures) -> Iterator[Row]:
    tests = model.fit.anova().set_index("term")
    for term, words in (("arm:visit", "arm × visit"), ("arm", "arm")):
        if term in tests.index:
            test = tests.loc[term]
            yield {
                **model.where,
                "quantity": "test",
                "contrast": words,
                "unit": "F",
                "statistic": test["statistic"],
                "df_numerator": test["df_numerator"],
                "df": test["df_denominator"],
                "p": test["p"],
            }
            return


def _effect_sizes(
    data: TrialData,
    model: RepeatedMeasures,
    sds: dict[str, tuple[float, int]],
    differences: list[Row],
    endpoint: str,
    outcome: str,
) -> Iterator[Row]:
    for row in differences:
        if row["visit"] != endpoint or not {row["arm"], row["reference"]} <= set(sds):
            continue
        (sd_arm, n_arm), (sd_reference, n_reference) = sds[row["arm"]], sds[row["reference"]]
        if n_arm < 2 or n_reference < 2 or not sd_arm + sd_reference > 0:
            continue
        sd = pooled_sd(sd_arm, n_arm, sd_reference, n_reference)
        effect = hedges_g(
            row["estimate"],
            sd,
            n_arm,
            n_reference,
            se_difference=row["se"],
            higher_is_worse=data.study.outcomes[outcome].higher_is == "worse",
            level=model.level,
        )
        about = {
            **model.where,
            "arm": row["arm"],
            "reference": row["reference"],
            "visit": endpoint,
            "n_arm": n_arm,
            "n_reference": n_reference,
        }
        yield {
            **about,
            "quantity": "effect size",
            "contrast": f"Hedges g on the observed endpoint SD ({sd:.2f})",
            "unit": "SD",
            "estimate": effect.g,
            "se": effect.se,
            "lower": effect.lower,
            "upper": effect.upper,
            "level": model.level,
            "interval_method": "normal, delta method",
            "notes": f"positive favours {model.names[row['arm']]}",
        }
        yield {
            **about,
            "quantity": "standard deviation",
            "contrast": "pooled observed SD at the endpoint",
            "estimate": sd,
            "method": "description",
        }
