"""Analyse: the same analysis on every completed data set.

An analysis takes blocks of completed data sets and returns estimates, their variances and degrees
of freedom. The ones at hand are :class:`.covariance_analysis.ancova`,
:class:`.other_analyses.responders` and :class:`.other_analyses.each`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ipt_outcomes.mixed.threads import single_threaded

from .errors import ImputationError, listed
from .imputing import Block, Imputed
from .incomplete import Floats, IncompleteTrial
from .progress import Progress

Numbers = tuple[Floats, Floats | None, Floats]
"""Estimates (R, P), their variances (R, P), and degrees of freedom (P,)."""


class Analysis(Protocol):
    """What is done with each completed data set."""

    @property
    def label(self) -> str:
        """The analysis in words."""

    @property
    def smooth(self) -> bool:
        """Whether estimates are linear, and variances quadratic, in the scores."""

    @property
    def needs_random(self) -> str | None:
        """Why it needs random imputations instead of conditional means; ``None`` if it does not."""

    def parameters(self, trial: IncompleteTrial) -> pd.DataFrame:
        """Return quantity, arm, reference and visit of each estimate."""

    def estimate(self, trial: IncompleteTrial, block: Block, variances: bool) -> Numbers:
        """Analyse a block of completed data sets."""


@dataclass(frozen=True)
class Analysed:
    """Estimates of every completed data set.

    Attributes
    ----------
    imputed
        What was analysed.
    analysis
        How.
    parameters
        Quantity, arm, reference and visit of each estimate (P rows).
    estimates
        Shape (data sets, P).
    variances
        Shape (data sets, P); ``None`` for conditional means, whose inference does not need them.
    df
        Degrees of freedom of the analysis of one complete data set, shape (P,).
    """

    imputed: Imputed
    analysis: Analysis
    parameters: pd.DataFrame
    estimates: Floats
    variances: Floats | None
    df: Floats


def analyse(imputed: Imputed, analysis: Analysis, delta: Floats | None = None) -> Analysed:
    """Analyse every completed data set.

    Parameters
    ----------
    imputed
        The completed data sets.
    analysis
        ``ancova(...)``, ``responders(...)`` or ``each(...)``.
    delta
        Amounts (participants, visits) that are added to the imputed values, see
        :func:`.adjustment.delta`.

    Raises
    ------
    ImputationError
        When the analysis does not suit the imputation, or the delta touches observed scores.

    Examples
    --------
    >>> from ipt_outcomes.imputation import ancova, draws, impute
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> analysed = analyse(impute(draws(small_trial())), ancova())
    >>> analysed.estimates.shape == (41, len(analysed.parameters))
    True
    """
    trial, drawn = imputed.trial, imputed.draws
    if delta is not None:
        if delta.shape != trial.y.shape:
            raise ImputationError(f"the delta has shape {delta.shape}, expected {trial.y.shape}.")
        if (delta[~trial.missing] != 0).any():
            raise ImputationError("the delta would change scores that were observed.")
    if drawn.conditional_mean and analysis.needs_random is not None:
        raise ImputationError(
            f"{analysis.needs_random}, so conditional means ({drawn.method}) do not serve: use "
            "'approximate bayes', 'posterior' or 'bootstrapped imputation'."
        )
    pieces = []
    progress = Progress("completed data sets analysed", len(imputed))
    for block in imputed.blocks():
        shifted = block
        if delta is not None:
            added = delta if block.rows is None else delta[block.rows]
            shifted = Block(block.values + added, block.weights, block.rows)
        with single_threaded():
            pieces.append(analysis.estimate(trial, shifted, not drawn.conditional_mean))
        progress.done(len(block.values))
    variances = None
    if pieces[0][1] is not None:
        variances = np.concatenate([p[1] for p in pieces if p[1] is not None])
    return Analysed(
        imputed,
        analysis,
        analysis.parameters(trial),
        np.concatenate([p[0] for p in pieces]),
        variances,
        pieces[0][2],
    )


def visit_places(trial: IncompleteTrial, visits: Sequence[Any] | None) -> list[int]:
    """Return the positions of visits, all of them by default."""
    if visits is None:
        return list(range(len(trial.visits)))
    wrong = [v for v in visits if v not in trial.visits]
    if wrong:
        raise ImputationError(
            f"no visit is called {listed(wrong)}; visits are {listed(trial.visits, 20)}."
        )
    return [trial.visits.index(v) for v in visits]


def parameter_table(
    trial: IncompleteTrial, visits: Sequence[Any] | None, mean: str
) -> pd.DataFrame:
    """Describe differences from the first arm, then one mean per arm, for every visit."""
    rows = []
    for a in visit_places(trial, visits):
        at = {"visit": trial.visits[a]}
        first = trial.arms[0]
        for other in trial.arms[1:]:
            rows.append({"quantity": "difference", "arm": other, "reference": first, **at})
        for one in trial.arms:
            rows.append({"quantity": mean, "arm": one, "reference": None, **at})
    return pd.DataFrame(rows)
