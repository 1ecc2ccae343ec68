r"""Families of hypotheses: Holm's adjustment within each, a serial gate between them.

Within a family of k p-values, ordered :math:`p_{(1)} \le \dots \le p_{(k)}`, Holm's adjusted
values are :math:`\tilde p_{(j)} = \min\{1, \max_{l \le j} (k - l + 1)\, p_{(l)}\}`. A later
family is tested only when all of the family before it was rejected, so that its adjusted values
are never below the largest adjusted value before it. The familywise error is then at most α in the
strong sense.

Source: Holm (1979), Scandinavian Journal of Statistics 6:65; Maurer, Hothorn & Lehmacher (1995);
Dmitrienko & Tamhane (2007), Pharmaceutical Statistics 6:171.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, model_frame
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.results import NOT_FITTED, Row, estimates


class MultiplicityError(ValueError):
    """The families cannot be tested in this trial; says why and what to change."""


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust the p-values of one family.

    Parameters
    ----------
    p
        Unadjusted p-values, shape (k,); missing ones stay missing and do not count.

    Returns
    -------
    numpy.ndarray
        Adjusted p-values, shape (k,), in the order given.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, float)
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return adjusted


def gated(families: list[list[float]]) -> list[NDArray[np.float64]]:
    """Adjust the p-values of families in their order of testing.

    Parameters
    ----------
    families
        Unadjusted p-values of each family, the first one first.

    Returns
    -------
    list of numpy.ndarray
        Adjusted p-values, to be compared with the level of the whole.

    Examples
    --------
    >>> [family.round(3).tolist() for family in gated([[0.01, 0.03], [0.001]])]
    [[0.02, 0.03], [0.03]]
    """
    before, adjusted = 0.0, []
    for family in families:
        own = np.maximum(holm(family), before)
        adjusted.append(own)
        # A hypothesis without a p-value cannot be rejected, and the gate stays shut.
        before = 1.0 if np.isnan(own).any() else float(max(own, default=before))
    return adjusted


def multiplicity(data: TrialData) -> pd.DataFrame:
    """Test the families of the configuration at the primary estimand's endpoint.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: each hypothesis's difference with unadjusted interval and both
        p-values; what the gate decided stands in the notes. A hypothesis whose model could not be
        fitted counts in its family as one that is not rejected.

    Raises
    ------
    MultiplicityError
        When a family has no hypothesis in this trial.
    """
    plan = data.study.analyses.multiplicity
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    found: list[list[Row]] = []
    for name, family in plan.families.items():
        outcomes = [o for o in family.outcomes if o in data.study.outcomes_of(data.trial)]
        wanted = data.arms if family.arms is None else family.arms
        arms = [arm for arm in wanted if arm in data.arms and arm != data.study.reference_arm]
        rows = [row for outcome in outcomes for row in _differences(data, name, outcome, arms)]
        if not rows:
            raise MultiplicityError(
                f"{data.trial}: the family {name} has no hypothesis here: none of its outcomes "
                f"({', '.join(family.outcomes)}) or arms ({', '.join(wanted)}) belongs to the "
                "trial. Mend analyses: multiplicity: families in config.yaml."
            )
        found.append(rows)
    before = ""
    p_values = [[1.0 if _is_unknown(row) else row["p"] for row in rows] for rows in found]
    for name, rows, adjusted in zip(plan.families, found, gated(p_values), strict=True):
        open_ = not before
        for row, p in zip(rows, adjusted, strict=True):
            row["p_adjusted"] = None if _is_unknown(row) else p
            verdict = "rejected" if p <= plan.alpha else "not rejected"
            if not open_:
                verdict = f"not tested: not all of {before} was rejected"
            row["notes"] = "; ".join(
                filter(None, [f"family {name}, α = {plan.alpha:g}: {verdict}",
                              "the interval is not adjusted", row.get("notes")])
            )  # fmt: skip
        if open_ and not all(p <= plan.alpha for p in adjusted):
            before = name
    return estimates(row for rows in found for row in rows)


def _is_unknown(row: Row) -> bool:
    return bool(row["method"] == NOT_FITTED)


def _differences(data: TrialData, family: str, outcome: str, arms: list[str]) -> list[Row]:
    estimand, reference = data.study.primary_estimand, data.study.reference_arm
    labels = data.arm_labels
    where: Row = {
        "trial": data.trial,
        "outcome": outcome,
        "analysis": f"families of hypotheses, {family.replace('_', ' ')}",
        "analysis_set": AS_RANDOMISED,
        "estimand": estimand,
        "status": "confirmatory",
        "disclosure": "shared",
    }
    endpoint = data.study.estimands[estimand].endpoint

    def fitted() -> Iterator[Row]:
        frame = model_frame(data, outcome, estimand, AS_RANDOMISED)
        model = fit_repeated_measures(
            data, frame, group="arm", reference=reference, names=labels, where=where
        )
        yield from (row for row in model.differences(reference, arms) if row["visit"] == endpoint)

    rows = list(attempted(fitted(), {**where, "reference": reference, "visit": endpoint}))
    if any(map(_is_unknown, rows)):
        # Each arm is a hypothesis of its own, with or without a number.
        said = f"minus {labels[reference]}"
        return [{**rows[-1], "arm": a, "contrast": f"{labels[a]} {said}"} for a in arms]
    return rows
