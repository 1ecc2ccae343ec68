"""Rows that the diagnostics of every model share: residuals, convergence, what one taken out does.

None of them names a participant: quantiles are means of five residuals; of estimates with one
participant (or cluster) left out the smallest and the largest are given, not whose they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ipt_outcomes.analyses.disclosure import SMALLEST
from ipt_outcomes.results import Row

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

Floats = NDArray[np.float64]

PROBABILITIES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
_CLOSE = 1e-9

CHOSEN = "the covariance of the model"
"""How the note of rows under the covariance that the model itself takes begins."""


def of_part(where: Row, part: str) -> Row:
    """Return what rows share under the analysis's name with a part added.

    Examples
    --------
    >>> of_part({"analysis": "diagnostics"}, "residuals")
    {'analysis': 'diagnostics, residuals'}
    """
    return {**where, "analysis": f"{where['analysis']}, {part}"}


def shown_quantiles(values: Floats) -> dict[float, float]:
    """Return quantiles none of which is the value of a single participant.

    Each is the mean of five sorted values, the nearest one and two on either side; a quantile too
    far out to have two is not given.

    Parameters
    ----------
    values
        Shape (n,).

    Returns
    -------
    dict
        Probability: quantile.

    Examples
    --------
    >>> shown_quantiles(np.arange(41.0))
    {0.05: 2.0, 0.1: 4.0, 0.25: 10.0, 0.5: 20.0, 0.75: 30.0, 0.9: 36.0, 0.95: 38.0}
    """
    ordered = np.sort(values)
    last = len(ordered) - 1
    beside = SMALLEST // 2
    found = {}
    for p in PROBABILITIES:
        if min(p, 1 - p) * last >= beside - _CLOSE:
            at = round(p * last)
            found[p] = float(ordered[at - beside : at + beside + 1].mean())
    return found


def quantile_rows(residuals: ArrayLike, about: Row, kind: str, *, normal: bool) -> Iterator[Row]:
    """Give quantiles, skewness and kurtosis of residuals.

    Parameters
    ----------
    residuals
        Shape (n,).
    about
        What the rows share.
    kind
        Which residuals, in words, such as ``normalised residuals``.
    normal
        Whether they are about normal under the model, so that normal quantiles stand beside.

    Examples
    --------
    >>> found = list(quantile_rows(np.arange(200.0), {}, "residuals", normal=True))
    >>> found[4]["contrast"], found[4]["estimate"]
    ('quantile 0.5 of the residuals (normal: 0.00)', 100.0)
    """
    values = np.asarray(residuals, float)
    if len(values) < SMALLEST:
        return
    about = {**about, "quantity": "test", "n_arm": len(values)}
    for p, q in shown_quantiles(values).items():
        beside = f" (normal: {stats.norm.ppf(p):.2f})" if normal else ""
        yield {**about, "unit": "SD" if normal else "residual", "estimate": q,
               "contrast": f"quantile {p:g} of the {kind}{beside}"}  # fmt: skip
    if not normal or values.std() == 0:
        return
    for name, value in (("skewness", stats.skew(values)), ("kurtosis", stats.kurtosis(values))):
        yield {**about, "unit": name, "estimate": float(value),
               "contrast": f"{name} of the {kind} (normal: 0)"}  # fmt: skip


def spread_rows(
    residuals: pd.DataFrame, about: Row, kind: str = "residuals", *, means: bool = False
) -> Iterator[Row]:
    """Give the SD of residuals by arm and visit, where enough participants have one.

    Parameters
    ----------
    residuals
        arm, visit (a category, in order of time), residual; where visit is empty throughout, it
        is left out.
    about
        What the rows share.
    kind
        Which residuals, in words.
    means
        Whether their mean is given too.
    """
    by = ["arm"] if residuals["visit"].isna().all() else ["arm", "visit"]
    for cell, own in residuals.groupby(by, observed=True):
        if len(own) < SMALLEST:
            continue
        at = {**about, **dict(zip(by, map(str, cell), strict=True)), "contrast": kind,
              "n_arm": len(own)}  # fmt: skip
        if means:
            yield {**at, "quantity": "observed mean", "estimate": float(own["residual"].mean())}
        yield {**at, "quantity": "standard deviation", "estimate": float(own["residual"].std())}


def convergence_rows(
    decrement: float, curvature: float, about: Row, iterations: int | None = None
) -> Iterator[Row]:
    """Give the numbers that say whether the equations are solved, and at a maximum.

    Parameters
    ----------
    decrement
        Newton decrement: score' (information)^-1 score.
    curvature
        Smallest eigenvalue of the information scaled to a diagonal of 1.
    about
        What the rows share.
    iterations
        Steps taken, where known.
    """
    for words, value in (
        ("Newton decrement (0 at the maximum)", decrement),
        ("smallest eigenvalue of the scaled information (positive definite above 0)", curvature),
        ("iterations", iterations),
    ):
        if value is not None:
            yield {**about, "quantity": "test", "contrast": words, "unit": "number",
                   "estimate": float(value)}  # fmt: skip


def solved(score: Floats, information: Floats) -> tuple[float, float]:
    """Return Newton's decrement and the smallest eigenvalue of the scaled information.

    Parameters
    ----------
    score, information
        Shapes (p,) and (p, p).

    Examples
    --------
    >>> solved(np.zeros(2), np.array([[4.0, 1.0], [1.0, 1.0]]))
    (0.0, 0.5)
    """
    scale = np.sqrt(np.diag(information))
    smallest = np.linalg.eigvalsh(information / np.outer(scale, scale))[0]
    return float(score @ np.linalg.solve(information, score)), float(smallest)


def extreme_rows(left_out: Floats, everyone: float, about: Row, who: str) -> Iterator[Row]:
    """Give the smallest and the largest estimate with one participant or cluster left out.

    Parameters
    ----------
    left_out
        Estimates, one for each left out; not a number where there was none.
    everyone
        The estimate with everyone.
    about
        What the rows share; ``contrast`` says what is estimated.
    who
        What is left out, such as ``participant``.

    Examples
    --------
    >>> about = {"contrast": "IPT minus MED"}
    >>> for row in extreme_rows(np.array([-3.0, -2.0]), -2.5, about, "participant"):
    ...     print(row["contrast"], row["estimate"], row["notes"])
    IPT minus MED, smallest with one participant left out -3.0 with everyone -2.50
    IPT minus MED, largest with one participant left out -2.0 with everyone -2.50
    """
    able = left_out[np.isfinite(left_out)]
    notes = "; ".join(filter(None, [f"with everyone {everyone:.2f}", about.get("notes")]))
    if len(able) < len(left_out):
        notes += f"; {who}s without whom there is no estimate not left out"
    if not len(able):
        yield {**about, "notes": notes, "contrast": f"{about['contrast']}, one {who} left out"}
        return
    for words, value in (("smallest", able.min()), ("largest", able.max())):
        yield {**about, "estimate": float(value), "notes": notes,
               "contrast": f"{about['contrast']}, {words} with one {who} left out"}  # fmt: skip


def distance_row(distance: float, about: Row, who: str, n: int) -> Row:
    """Give the largest of Cook's distances."""
    return {**about, "quantity": "test", "unit": "Cook's distance", "n_arm": n,
            "contrast": f"largest Cook's distance of a {who}", "estimate": distance}  # fmt: skip


# --- mixed models ---------------------------------------------------------------------------------


def residuals_of_fit(
    fit: MixedModelFit, arm_of: pd.Series, where: Row, unit: str, *, by_visit: bool = True
) -> Iterator[Row]:
    """Give quantiles of the normalised residuals of a mixed model, and the SD of the raw ones.

    Parameters
    ----------
    fit
        The model.
    arm_of
        Arm by participant.
    where
        What the rows share.
    unit
        Unit of the outcome.
    by_visit
        Whether the SD is given by arm and visit; otherwise by arm.
    """
    about = of_part(where, "residuals")
    yield from quantile_rows(
        fit.residuals("normalised")["residual"], about, "normalised residuals", normal=True
    )
    raw = fit.residuals("raw")
    visits = pd.Categorical(raw["visit"], fit.layout.visits) if by_visit else None
    raw = raw.assign(arm=raw["participant"].map(arm_of), visit=visits)
    yield from spread_rows(raw, {**about, "unit": unit})


def convergence_of_fit(fit: MixedModelFit, where: Row) -> Iterator[Row]:
    """Give decrement, curvature and iterations of a mixed model, and the steps of its fit."""
    steps = "; ".join([f"{name}: {what}" for name, what in fit.steps] + fit.notes)
    found = fit.convergence
    about = {**of_part(where, "convergence"), "notes": steps}
    yield from convergence_rows(found.decrement, found.smallest_curvature, about, found.iterations)


def arms_of(participants: pd.DataFrame) -> pd.Series:
    """Return the arm of each participant."""
    return participants.set_index("participant")["arm"]
