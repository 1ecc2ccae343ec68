"""Tipping points of a yes-or-no outcome by counting: how many of the unseen would have to respond.

With s of n participants of an arm observed as responders and m unseen, and k of those m counted as
responders, the proportion is (s + k)/n. Every pair of k in an arm and l in the reference arm gives
a difference with its interval, with no model and no imputation; (0, 0) is "missing is no
response", and the corners are the worst and the best case (Yan, Lee & Li 2009, J Biopharm Stat
19:1085; Liublinska & Rubin 2014, Stat Med 33:4170).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .errors import ImputationError, listed
from .imputing import Block
from .incomplete import IncompleteTrial
from .other_analyses import responders, share_variance
from .tipping import Tipping


def tipping_counts(
    trial: IncompleteTrial, analysis: responders, *, arm: Any, visit: Any, level: float = 0.95
) -> Tipping:
    """Follow the difference as more and more of the unseen are counted as responders.

    Parameters
    ----------
    trial
        The incomplete trial; nothing is imputed.
    analysis
        The criterion of response.
    arm, visit
        The difference of ``arm`` from the reference arm at ``visit``.
    level
        Level of the (normal) intervals, which end at −1 and 1.

    Returns
    -------
    Tipping
        ``delta`` and ``reference_delta`` are numbers of participants: those of the unseen who are
        counted as responders. The contour holds, per number in the reference arm, the numbers in
        the arm from which on the conclusion is another one.

    Raises
    ------
    ImputationError
        For an arm that is not compared, or a visit that the trial does not have.

    Examples
    --------
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> counted = tipping_counts(small_trial(), responders(at_most=10), arm="IPT", visit=16)
    >>> int(counted.table["delta"].max())  # all who were not seen
    10
    """
    if arm not in trial.arms[1:] or visit not in trial.visits:
        raise ImputationError(
            f"the arm must be one of {listed(trial.arms[1:])} and the visit one of "
            f"{listed(trial.visits, 20)}; found {arm!r} at {visit!r}."
        )
    at = trial.visits.index(visit)
    status = responders(
        analysis.at_most, analysis.at_least, analysis.reduced_by, analysis.baseline,
        analysis.change, [visit],
    ).status(trial, Block(trial.y[None], None, None))[0, :, 0]  # fmt: skip
    share, spread = [], []
    for k in (trial.arms.index(arm), 0):
        inside = trial.arm == k
        n, unseen = int(inside.sum()), int((inside & trial.missing[:, at]).sum())
        p = (status[inside].sum() + np.arange(unseen + 1)) / n
        share.append(p)
        spread.append(share_variance(p, n))
    grid = np.meshgrid(np.arange(len(share[0])), np.arange(len(share[1])))
    own, other = grid[0].ravel(), grid[1].ravel()
    estimate = share[0][own] - share[1][other]
    se = np.sqrt(spread[0][own] + spread[1][other])
    half = stats.norm.ppf((1 + level) / 2) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(se > 0, np.abs(estimate) / se, np.where(estimate == 0, 0.0, np.inf))
    table = pd.DataFrame(
        {
            "delta": own.astype(float),
            "reference_delta": other.astype(float),
            "estimate": estimate,
            "se": se,
            "df": np.nan,
            "lower": np.maximum(estimate - half, -1.0),
            "upper": np.minimum(estimate + half, 1.0),
            "p": 2 * stats.norm.sf(z),
            "interval_method": "normal",
            "variance": "of one data set",
            "conclusion": (estimate - half > 0).astype(int) - (estimate + half < 0).astype(int),
        }
    )
    changes = [
        (float(reference), float(number))  # type: ignore[arg-type]
        for reference, line in table.groupby("reference_delta")
        for number in line["delta"].to_numpy()[1:][np.diff(line["conclusion"]) != 0]
    ]
    contour = pd.DataFrame(changes, columns=["reference_delta", "delta"], dtype=float)
    return Tipping(arm, trial.arms[0], visit, table, contour, exact=True, level=level)
