r"""The 2 × 2 of psychotherapy and medication: margins, simple effects, additivity.

With the adjusted means of the four cells at a visit, from the primary model, b (both), p
(psychotherapy alone), m (medication alone) and 0 (neither),

.. math::

    \text{psychotherapy, over both levels of medication} &= \tfrac12(b - m) + \tfrac12(p - 0) \\
    \text{medication, over both levels of psychotherapy} &= \tfrac12(b - p) + \tfrac12(m - 0) \\
    \text{interaction} &= (b - m) - (p - 0),

on the additive scale. In benefit units (positive = more improvement) an interval of the interaction
above zero says "more than additive", below zero "sub-additive"; one that holds zero says only which
interactions are not excluded. "Additive" is said when the interval lies within a margin fixed
beforehand, and never because a test was not significant.

Four arms form a 2 × 2 only if they differ by the two components and by nothing else.

Source: Montgomery, Peters & Little (2003), BMC Medical Research Methodology 3:26; VanderWeele &
Knol (2014), Epidemiologic Methods 3:33.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, model_frame
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.repeated import DEGREES_OF_FREEDOM, fit_as_primary, repeated_formula
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.results import Row, t_inference
from ipt_outcomes.study import Study
from ipt_outcomes.study.effects import Factorial

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

Floats = NDArray[np.float64]

CELLS = ("both", "psychotherapy", "medication", "neither")
WEIGHTS: dict[str, tuple[float, float, float, float]] = {
    "psychotherapy, over both levels of medication": (0.5, 0.5, -0.5, -0.5),
    "medication, over both levels of psychotherapy": (0.5, -0.5, 0.5, -0.5),
    "psychotherapy with medication": (1, 0, -1, 0),
    "psychotherapy without medication": (0, 1, 0, -1),
    "medication with psychotherapy": (1, -1, 0, 0),
    "medication without psychotherapy": (0, 0, 1, -1),
    "interaction of psychotherapy and medication": (1, -1, -1, 1),
}
"""Contrast: weights of the cells both, psychotherapy, medication, neither."""
INTERACTION = "interaction of psychotherapy and medication"
PSYCHOTHERAPY, MEDICATION = tuple(WEIGHTS)[:2]
TIMING = "medication, timing by symptoms"
NOT_RANDOMISED = (
    "medication was not randomised: those who took it differ in more than medication, so that its "
    "effect and the interaction are associations; only psychotherapy was randomised"
)


def not_a_factorial(study: Study, cells: Factorial) -> list[str]:
    """Say why four arms are no 2 × 2; empty when they are one.

    Parameters
    ----------
    study
        The configuration.
    cells
        Which arm is which cell.
    """
    both, psychotherapy, medication, neither = (study.arms[arm] for arm in cells.arms)
    wrong = []
    if not (both.has_psychotherapy and both.has_medication):
        wrong.append(f"{cells.both} (both) lacks psychotherapy or medication")
    if psychotherapy.has_medication or (
        psychotherapy.psychotherapy,
        psychotherapy.format,
    ) != (both.psychotherapy, both.format):
        wrong.append(
            f"{cells.psychotherapy} must have the psychotherapy and format of {cells.both} and no "
            "medication"
        )
    if medication.has_psychotherapy or medication.medication != both.medication:
        wrong.append(
            f"{cells.medication} must have the medication of {cells.both} and no psychotherapy"
        )
    if neither.has_psychotherapy or neither.has_medication:
        wrong.append(f"{cells.neither} (neither) has a component")
    also = {arm: study.arms[arm].also for arm in cells.arms}
    if len(set(also.values())) > 1:
        told = "; ".join(f"{arm}: {what or 'nothing'}" for arm, what in also.items())
        wrong.append(f"the arms differ in what else they contain ({told})")
    return wrong


@dataclass(frozen=True)
class FactorialModel:
    """The primary model with the four cells.

    Parameters
    ----------
    fit
        The mixed model.
    rows_of
        Visit: rows of the cells' adjusted means, shape (4, coefficients), in the order of
        :data:`CELLS`.
    counts
        Visit: participants with a score, by cell.
    notes
        What every row says.
    where
        Columns that the rows share.
    """

    fit: MixedModelFit
    rows_of: dict[str, Floats]
    counts: dict[str, tuple[int, int, int, int]]
    notes: list[str]
    where: Row

    def contrast(self, name: str, visit: str, *, minus: str | None = None) -> Row:
        """Estimate one of :data:`WEIGHTS` at a visit, or its change from another visit."""
        weights = np.array(WEIGHTS[name])
        row = weights @ self.rows_of[visit]
        n = self.counts[visit]
        if minus is not None:
            row = row - weights @ self.rows_of[minus]
        used = [size for size, w in zip(n, weights, strict=True) if w]
        out = {**self.where, "quantity": "difference", "contrast": name, "visit": visit}
        if min(used) < SMALLEST:
            return {**out, "notes": "; ".join([*self.notes, SUPPRESSED + " in a cell"])}
        (found,) = self.fit.linear([row]).to_dict("records")
        return {
            **out,
            **t_inference(found, self.fit.specification.level),
            "n_arm": sum(size for size, w in zip(n, weights, strict=True) if w > 0),
            "n_reference": sum(size for size, w in zip(n, weights, strict=True) if w < 0),
            "notes": "; ".join(self.notes) or None,
        }


def fit_factorial(
    data: TrialData, cells: Factorial, outcome: str, analysis: str, status: str
) -> FactorialModel:
    """Fit the primary model of an outcome with its arms as the cells of a 2 × 2.

    Parameters
    ----------
    data
        The trial.
    cells
        Which arms, or which characteristic, make the cells.
    outcome
        Short name of the outcome.
    analysis, status
        For the rows.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    from ipt_outcomes.mixed.grid import mean_rows

    study, plan = data.study, data.study.analyses.primary
    frame = model_frame(data, outcome, study.primary_estimand, AS_RANDOMISED).rows
    observed = frame[frame["score"].notna()].copy()
    notes = []
    if cells.characteristic is None:
        observed = observed[observed["arm"].isin(cells.arms)]
        cell_of = dict(zip(cells.arms, CELLS, strict=True))
        observed["cell"] = observed["arm"].map(cell_of)
    else:
        people = data.participants.set_index("participant")
        taken = observed["participant"].map(people[CHARACTERISTIC + cells.characteristic])
        unknown = taken.isna()
        lost = int(observed.loc[unknown, "participant"].nunique())
        observed, taken = observed[~unknown], taken[~unknown]
        drug = taken.astype(str) == cells.present
        therapy = observed["arm"].map({arm: study.arms[arm].has_psychotherapy for arm in data.arms})
        names = np.where(therapy, np.where(drug, "both", "psychotherapy"),
                         np.where(drug, "medication", "neither"))  # fmt: skip
        observed = observed.assign(cell=names)
        notes = [NOT_RANDOMISED]
        if lost:
            notes.append(f"{lost} participants of whom it is not known not analysed")
    adjust = [name for name in plan.adjust_for if name != cells.characteristic]
    formula = repeated_formula(observed, adjust, ["baseline", "cell"])
    fit = fit_as_primary(plan, formula, observed, {"cell": "neither"})
    place, means = mean_rows(fit.design, ["visit", "cell"], None, "equal")
    at = {(str(visit), str(cell)): means[k] for k, (visit, cell) in enumerate(place)}
    visits = list(dict.fromkeys(visit for visit, _ in at))
    counted = observed.groupby(["visit", "cell"], observed=True)["participant"].nunique()
    counts = {v: [int(counted.get((v, cell), 0)) for cell in CELLS] for v in visits}
    return FactorialModel(
        fit,
        {visit: np.stack([at[visit, cell] for cell in CELLS]) for visit in visits},
        {visit: (n[0], n[1], n[2], n[3]) for visit, n in counts.items()},
        notes,
        {
            "trial": data.trial,
            "outcome": outcome,
            "analysis": analysis,
            "analysis_set": AS_RANDOMISED,
            "estimand": study.primary_estimand,
            "unit": study.outcomes[outcome].unit,
            "method": "mixed model for repeated measures with the cells of a 2 × 2, REML, "
            f"{DEGREES_OF_FREEDOM[plan.degrees_of_freedom]} df",
            "covariance": fit.covariance_used,
            "converged": fit.convergence.converged,
            "status": "exploratory" if cells.characteristic else status,
            "disclosure": "shared",
        },
    )


def factorial_rows(data: TrialData, model: FactorialModel, margin: float | None) -> Iterator[Row]:
    """Give margins, simple effects and interaction at every visit, and the verdict at the endpoint.

    Parameters
    ----------
    data
        The trial.
    model
        The fitted cells.
    margin
        Largest interaction that would still be called additive.
    """
    endpoint = data.study.endpoint
    for visit in model.rows_of:
        yield from (model.contrast(name, visit) for name in WEIGHTS)
    if endpoint not in model.rows_of:
        return
    first = next(iter(model.rows_of))
    analysis = f"{model.where['analysis']}, over time"
    if first != endpoint:
        for name in (PSYCHOTHERAPY, MEDICATION, INTERACTION):
            row = model.contrast(name, endpoint, minus=first)
            words = f"{name}: change since {data.study.visits[first].label}"
            yield {**row, "analysis": analysis, "contrast": words}
        change = [np.array(WEIGHTS[INTERACTION]) @ (rows - model.rows_of[first])
                  for visit, rows in model.rows_of.items() if visit != first]  # fmt: skip
        (test,) = model.fit.test(np.stack(change)).to_dict("records")
        yield {**model.where, "analysis": analysis, "quantity": "test", "unit": "F",
               "contrast": "psychotherapy × medication × visit", "statistic": test["statistic"],
               "df_numerator": test["df_numerator"], "df": test["df_denominator"], "p": test["p"],
               "notes": "; ".join(model.notes) or None}  # fmt: skip
    row = model.contrast(INTERACTION, endpoint)
    if row.get("estimate") is None:
        return
    worse = data.study.outcomes[model.where["outcome"]].higher_is == "worse"
    sign = -1.0 if worse else 1.0
    lower, upper = sorted((sign * row["lower"], sign * row["upper"]))
    unit = model.where["unit"]
    yield {
        **row,
        "analysis": f"{model.where['analysis']}, additivity",
        "contrast": "benefit of both together beyond the sum of the two",
        "estimate": sign * row["estimate"],
        "statistic": sign * row["statistic"],
        "lower": lower,
        "upper": upper,
        "notes": "; ".join([additivity(lower, upper, unit, margin), *model.notes]),
    }


def additivity(lower: float, upper: float, unit: str, margin: float | None = None) -> str:
    """Say what an interval of the interaction, in benefit units, tells about additivity.

    Parameters
    ----------
    lower, upper
        The interval; positive is more benefit than the sum of both effects.
    unit
        Unit of the outcome.
    margin
        Largest interaction that would still be called additive, fixed beforehand.

    Examples
    --------
    >>> additivity(-1.2, 3.4, "points")
    'no clear interaction; effects from -1.2 to 3.4 points are not excluded'
    >>> additivity(-0.8, 0.9, "points", margin=2)
    'additive within the margin of 2 points fixed beforehand'
    """
    inside = margin is not None and -margin < lower and upper < margin
    within = f"the margin of {margin:g} {unit} fixed beforehand" if margin is not None else ""
    if lower > 0:
        return "more than additive" + (f", by less than {within}" if inside else "")
    if upper < 0:
        return "sub-additive" + (f", by less than {within}" if inside else "")
    if inside:
        return f"additive within {within}"
    return f"no clear interaction; effects from {lower:.1f} to {upper:.1f} {unit} are not excluded"


def timing_rows(
    data: TrialData, cells: Factorial, outcome: str, early: str, late: str
) -> Iterator[Row]:
    """Give both components' effects on one cluster of symptoms, early, late, and their change.

    Parameters
    ----------
    data
        The trial.
    cells
        The cells.
    outcome
        The cluster of symptoms.
    early, late
        Visits.
    """
    model = fit_factorial(data, cells, outcome, TIMING, "exploratory")
    labels = data.study.visits
    for name in (PSYCHOTHERAPY, MEDICATION):
        component = name.partition(",")[0]
        for visit, words in ((early, "early"), (late, "late")):
            row = model.contrast(name, visit)
            yield {**row, "contrast": f"{component}, {words}"}
        row = model.contrast(name, late, minus=early)
        yield {**row, "contrast": f"{component}: {labels[late].label} minus {labels[early].label}"}
