"""The primary comparison by other means, which lean on other assumptions.

Beside the primary model stand, for every outcome and the primary estimand:

* the constrained longitudinal model, in which the baseline is an outcome and nobody with any score
  is left out (:mod:`ipt_outcomes.analyses.constrained`);
* the same model with sandwich errors (CR2 or CR3), right even where the covariance is not
  (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018);
* the bootstrap: participants drawn with replacement within arms, the model fitted to each sample
  (Efron & Tibshirani 1993), expanded percentiles (Hesterberg 2015).

All are exploratory: the prespecified analysis stays the primary one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.constrained import fit_constrained
from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    ModelFrame,
    TrialData,
    exploratory,
    model_frame,
)
from ipt_outcomes.analyses.percentiles import (
    EXPANDED,
    TOO_FEW_SAMPLES,
    enough_samples,
    percentile_interval,
)
from ipt_outcomes.analyses.repeated import fit_as_primary, repeated_formula
from ipt_outcomes.imputation import stream
from ipt_outcomes.results import Row, estimates, t_inference
from ipt_outcomes.study.effects import CrossChecksAnalysis

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

Floats = NDArray[np.float64]

CONSTRAINED = "baseline as an outcome"


def cross_checks(data: TrialData) -> pd.DataFrame:
    """Repeat the primary comparison of every outcome by other means.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: differences from the reference arm at every visit.
    """
    plan = data.study.analyses.cross_checks
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for outcome in data.study.outcomes_of(data.trial):
        about = _about(data, outcome)
        if plan.constrained:
            kind = {**about, "analysis": f"cross-checks, {CONSTRAINED}"}
            rows.extend(attempted(_constrained(data, outcome), kind))
        rows.extend(attempted(_refits(data, outcome, plan), about))
    return estimates(rows)


def _about(data: TrialData, outcome: str) -> Row:
    return exploratory(data, "cross-checks", outcome=outcome, estimand=data.study.primary_estimand)


def _shared(data: TrialData, outcome: str, kind: str, method: str, covariance: str) -> Row:
    return {
        **_about(data, outcome),
        "analysis": f"cross-checks, {kind}",
        "quantity": "difference",
        "unit": data.study.outcomes[outcome].unit,
        "level": data.study.analyses.primary.level,
        "method": method,
        "covariance": covariance,
        "converged": True,
        "reference": data.study.reference_arm,
    }


def _contrast(data: TrialData, arm: str) -> str:
    labels = data.study.arms
    return f"{labels[arm].label} minus {labels[data.study.reference_arm].label}"


def _constrained(data: TrialData, outcome: str) -> Iterator[Row]:
    found = fit_constrained(data, outcome, data.study.primary_estimand)
    steps = "; ".join(f"{name}: {what}" for name, what in found.fit.steps[:-1])
    notes = [*found.notes, *([f"covariance stepped down ({steps})"] if steps else [])]
    where = _shared(
        data, outcome, CONSTRAINED,
        "constrained longitudinal model, REML: the baseline is an outcome with one mean",
        found.fit.covariance_used,
    )  # fmt: skip
    for row in found.differences.to_dict("records"):
        yield {
            **where,
            **{name: row[name] for name in ("arm", "visit", "n_arm", "n_reference")},
            **t_inference(row, data.study.analyses.primary.level),
            "contrast": _contrast(data, row["arm"]),
            "notes": "; ".join(notes) or None,
        }


def _refits(data: TrialData, outcome: str, plan: CrossChecksAnalysis) -> Iterator[Row]:
    if plan.robust is None and not plan.bootstrap:
        return
    primary = data.study.analyses.primary
    frame = model_frame(data, outcome, data.study.primary_estimand, AS_RANDOMISED)
    observed = frame.rows[frame.rows["score"].notna()]
    formula = repeated_formula(observed, primary.adjust_for, ["baseline", "arm"])

    fitted = partial(fit_as_primary, primary, formula, observed,
                     {"arm": data.study.reference_arm}, df="satterthwaite")  # fmt: skip
    fit = fitted()
    if plan.robust is not None:
        robust = fitted(covariance=fit.covariance_used, standard_errors=plan.robust)
        where = _shared(
            data, outcome, f"{plan.robust} errors",
            f"mixed model for repeated measures, REML, {plan.robust} sandwich errors, "
            "Satterthwaite df",
            robust.covariance_used,
        )  # fmt: skip
        for row in robust.contrasts("arm", by="visit").to_dict("records"):
            yield {
                **where,
                **_who(data, frame, str(row["arm"]), str(row["visit"])),
                **t_inference(row, primary.level),
            }
    if plan.bootstrap:
        yield from _bootstrap(data, outcome, frame, fit, plan.bootstrap)


def _who(data: TrialData, frame: ModelFrame, arm: str, visit: str) -> Row:
    at = frame.rows[(frame.rows["visit"] == visit) & frame.rows["score"].notna()]
    return {
        "arm": arm,
        "visit": visit,
        "contrast": _contrast(data, arm),
        "n_arm": int((at["arm"] == arm).sum()),
        "n_reference": int((at["arm"] == data.study.reference_arm).sum()),
    }


def _bootstrap(
    data: TrialData, outcome: str, frame: ModelFrame, fit: MixedModelFit, samples: int
) -> Iterator[Row]:
    level = data.study.analyses.primary.level
    where = _shared(
        data, outcome, "bootstrap",
        f"mixed model for repeated measures, REML, fitted to {samples} samples of participants "
        "drawn within arms",
        fit.covariance_used,
    )  # fmt: skip
    try:
        cells, drawn = bootstrap_differences(
            fit, frame.rows, data.study.reference_arm, samples,
            stream(data.study.study.seed, data.trial, outcome, "cross-checks", "bootstrap"),
        )  # fmt: skip
    except ValueError as error:  # a covariance that was stepped down to may have no batch of fits
        yield {
            **where,
            "contrast": "all arms",
            "reference": None,
            "notes": f"not possible: {error}",
        }
        return
    whole = fit.contrasts("arm", by="visit")
    estimate = {(str(r["visit"]), str(r["arm"])): r["estimate"] for r in whole.to_dict("records")}
    lost = int(np.isnan(drawn).any(axis=1).sum())
    for place, (visit, arm) in enumerate(cells):
        own = drawn[:, place][~np.isnan(drawn[:, place])]
        who = _who(data, frame, arm, visit)
        smallest = max(min(who["n_arm"], who["n_reference"]), 2)
        lower, upper = percentile_interval(own, level, smallest)
        notes = [f"{lost} samples without a converged fit left out"] if lost else []
        if not enough_samples(len(own), level, smallest):
            notes.append(TOO_FEW_SAMPLES)
        yield {
            **where,
            **who,
            "estimate": estimate[visit, arm],
            "se": own.std(ddof=1),
            "lower": lower,
            "upper": upper,
            "interval_method": f"bootstrap, {EXPANDED}",
            "notes": "; ".join(notes) or None,
        }


def bootstrap_differences(
    fit: MixedModelFit,
    rows: pd.DataFrame,
    reference: str,
    samples: int,
    random: np.random.Generator,
) -> tuple[list[tuple[str, str]], Floats]:
    """Refit a model to participants drawn with replacement within their arms.

    Parameters
    ----------
    fit
        The model of repeated measures.
    rows
        Its rows: participant and arm.
    reference
        The arm that the others are compared with.
    samples
        Number of samples R.
    random
        Source of the draws.

    Returns
    -------
    list of tuple and numpy.ndarray
        Visit and arm of each difference, and the differences, shape (R, differences); not a number
        where a refit did not converge.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the covariance in use has no batched refits.
    """
    from ipt_outcomes.mixed.grid import mean_rows

    arm_of = rows.drop_duplicates("participant").set_index("participant")["arm"]
    arms = arm_of.reindex(fit.layout.participants).to_numpy()
    weights = np.empty((samples, len(arms)))
    for arm in sorted(set(arms)):
        own = np.flatnonzero(arms == arm)
        weights[:, own] = random.multinomial(len(own), np.full(len(own), 1 / len(own)), samples)
    cells, means = mean_rows(fit.design, ["visit", "arm"], None, "equal")
    place = {(str(visit), str(arm)): k for k, (visit, arm) in enumerate(cells)}
    wanted = [cell for cell in place if cell[1] != reference]
    matrix = np.stack([means[place[cell]] - means[place[cell[0], reference]] for cell in wanted])
    refits = fit.refit(weights=weights)
    drawn = refits.linear(matrix)
    drawn[~refits.converged] = np.nan
    return wanted, drawn
