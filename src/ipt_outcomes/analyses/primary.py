"""The primary analysis: differences between arms by visit, for every estimand and analysis set.

Model and inference are those of :mod:`ipt_outcomes.analyses.repeated`; the standardised effect
divides the model's difference at the endpoint by the pooled observed SD there. A version on the
baseline SD, which the trial's entry criteria truncate, stands apart under its own name. Beside the
estimates stand counts: whom an intercurrent event happened to, and who could not be analysed.

The primary outcome's model for the first estimand and everyone as randomised must be fitted: its
failure ends the analysis. Any other that cannot be fitted leaves a row that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    ModelFrame,
    TrialData,
    analysis_sets,
    exploratory,
    model_frame,
)
from ipt_outcomes.analyses.effect_size import hedges_g, pooled_sd
from ipt_outcomes.analyses.intercurrent import apply_strategies, in_words
from ipt_outcomes.analyses.repeated import RepeatedMeasures, endpoint_sds, fit_repeated_measures
from ipt_outcomes.results import Row, estimates


class PrimaryModelError(ValueError):
    """The primary model cannot be fitted; says why and what to change."""


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
        visit, and Hedges' g at the endpoint, per estimand and analysis set; participants with
        each intercurrent event and those not analysed, by arm. Only the primary outcome's
        difference at the endpoint, for the first estimand and everyone as randomised, is marked
        confirmatory.

    Raises
    ------
    PrimaryModelError
        When the model of the confirmatory comparison cannot be fitted.
    """
    rows: list[Row] = []
    for estimand in data.study.estimands:
        for analysis_set in analysis_sets(data.study):
            where: Row = {
                "trial": data.trial,
                "outcome": outcome,
                "analysis": "primary",
                "analysis_set": analysis_set,
                "estimand": estimand,
                "status": "exploratory",
                "disclosure": "shared",
            }
            model = _one_model(data, where)
            if _is_confirmatory(data, where):
                rows.extend(_required(model, data, outcome))
            else:
                rows.extend(attempted(model, where))
        rows.extend(_events(data, outcome, estimand))
    return estimates(rows)


def _is_confirmatory(data: TrialData, where: Row) -> bool:
    asked = (where["outcome"], where["estimand"], where["analysis_set"])
    return asked == (data.study.primary_outcome, data.study.primary_estimand, AS_RANDOMISED)


def _required(rows: Iterator[Row], data: TrialData, outcome: str) -> Iterator[Row]:
    from ipt_outcomes.mixed import MixedModelError

    try:
        yield from rows
    except MixedModelError as error:
        findings = "\n".join(f"  - {finding}" for finding in error.findings)
        raise PrimaryModelError(
            f"{data.trial}: the primary model of {outcome} could not be fitted, and without it "
            f"there is no primary result:\n{findings}\nLook at the visits with few scores in "
            "data_quality.html; leave such a visit out under visits in config.yaml, or take "
            "covariates out of analyses: primary: adjust_for."
        ) from None


def _one_model(data: TrialData, where: Row) -> Iterator[Row]:
    outcome, estimand = where["outcome"], where["estimand"]
    frame = model_frame(data, outcome, estimand, where["analysis_set"])
    arms = data.arms
    reference = data.study.reference_arm
    confirmatory = _is_confirmatory(data, where)
    endpoint = data.study.estimands[estimand].endpoint
    model = fit_repeated_measures(
        data,
        frame,
        group="arm",
        reference=reference,
        names={arm: data.study.arms[arm].label for arm in arms},
        where={**where, "notes": _notes(frame)},
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
    sds = endpoint_sds(frame.rows, "arm", endpoint)
    about = "the observed endpoint SD", "at the endpoint"
    yield from _effect_sizes(data, model, sds, differences, endpoint, about)
    at_start = frame.rows.drop_duplicates("participant").assign(
        score=lambda rows: rows["baseline"], visit=data.study.baseline
    )
    sds = endpoint_sds(at_start, "arm", data.study.baseline)
    apart = replace(model, where={**model.where, "analysis": "primary, baseline SD"})
    about = "the baseline SD, which the entry criteria truncate", "at baseline"
    yield from _effect_sizes(data, apart, sds, differences, endpoint, about)
    yield from _not_analysed(data, frame, model.where)


def _not_analysed(data: TrialData, frame: ModelFrame, where: Row) -> Iterator[Row]:
    for arm in data.arms:
        own = frame.excluded[frame.excluded["arm"] == arm]["reason"]
        analysed = int(frame.rows.loc[frame.rows["arm"] == arm, "participant"].nunique())
        for reason, n in own.value_counts().sort_index().items():
            kept = ("trial", "outcome", "analysis_set", "estimand", "status", "disclosure")
            yield {
                **{name: where[name] for name in kept},
                "analysis": "not analysed",
                "quantity": "count",
                "contrast": str(reason),
                "arm": arm,
                "unit": "participants",
                "estimate": int(n),
                "n_arm": analysed + len(own),
                "method": "count",
            }


def _events(data: TrialData, outcome: str, estimand: str) -> Iterator[Row]:
    """Count the participants with each event up to the endpoint, by arm and strategy."""
    events = apply_strategies(data, outcome, estimand).events
    last = data.study.visits[data.study.estimands[estimand].endpoint].week * 7
    arm_of = data.participants.set_index("participant")["arm"]
    arms = events["participant"].map(arm_of)
    for event, strategy in data.study.estimands[estimand].intercurrent_events.strategies.items():
        own = arms[(events["event"] == event) & (events["day"] <= last)]
        for arm in data.arms:
            yield exploratory(
                data,
                "intercurrent events",
                outcome=outcome,
                estimand=estimand,
                quantity="count",
                contrast=f"{in_words(event)}: {strategy}",
                arm=arm,
                unit="participants",
                estimate=int((own == arm).sum()),
                n_arm=int((arm_of == arm).sum()),
                method="count",
            )


def _notes(frame: ModelFrame) -> str | None:
    notes = list(frame.handled)
    if len(frame.excluded):
        notes.append(
            f"{len(frame.excluded)} participants without a baseline or later score not analysed"
        )
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
    about: tuple[str, str],
) -> Iterator[Row]:
    worse = data.study.outcomes[model.where["outcome"]].higher_is == "worse"
    divisor, at = about
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
            higher_is_worse=worse,
            level=model.level,
        )
        where = {
            **model.where,
            "arm": row["arm"],
            "reference": row["reference"],
            "visit": endpoint,
            "n_arm": n_arm,
            "n_reference": n_reference,
        }
        yield {
            **where,
            "quantity": "effect size",
            "contrast": f"Hedges g on {divisor} ({sd:.2f})",
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
            **where,
            "quantity": "standard deviation",
            "contrast": f"pooled observed SD {at}",
            "estimate": sd,
            "method": "description",
        }
