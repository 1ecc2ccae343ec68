"""Analyses of completed data beside the analysis of covariance: responders, and one's own.

``responders`` compares the proportions of those whose completed score fulfils a criterion.
``each`` runs any function of one completed data set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .analysing import Numbers, parameter_table, visit_places
from .errors import ImputationError
from .imputing import Block
from .incomplete import Floats, IncompleteTrial
from .pooling import rubin


def share_variance(share: Floats | float, n: Floats | int) -> Floats:
    """Return the variance of proportions, which is not 0 where nobody or everybody has the status.

    With s of n it is that of (s + 1)/(n + 2): one participant added with the status and one
    without it (Agresti & Caffo 2000, American Statistician 54:280).

    Parameters
    ----------
    share
        Proportions.
    n
        Participants behind them; broadcast against ``share``.

    Examples
    --------
    >>> share_variance(np.array([0.0, 0.5]), 30).round(4).tolist()
    [0.001, 0.0083]
    """
    shrunken = (share * n + 1) / (np.asarray(n) + 2)
    return np.asarray(shrunken * (1 - shrunken) / n)


@dataclass(frozen=True)
class responders:  # noqa: N801 - reads as the verb of a call
    """Proportions whose score fulfils a criterion, and their differences between arms.

    Variances are those of :func:`share_variance`. Exactly one criterion is given.

    Parameters
    ----------
    at_most, at_least
        A score that counts as response or remission.
    reduced_by
        Share of the baseline by which the score fell (0.5 for half), with ``baseline``.
    baseline
        Column of the baseline score.
    change
        Whether the outcome is the change from baseline instead of the score.
    visits
        Visits to analyse, all by default.

    Examples
    --------
    >>> responders(at_most=7).label
    'difference of proportions with a score of at most 7'
    """

    at_most: float | None = None
    at_least: float | None = None
    reduced_by: float | None = None
    baseline: str | None = None
    change: bool = False
    visits: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        given = [c for c in (self.at_most, self.at_least, self.reduced_by) if c is not None]
        if len(given) != 1 or (self.reduced_by is not None and self.baseline is None):
            raise ImputationError(
                "give one criterion of response: at_most, at_least, or reduced_by with the column "
                "of the baseline."
            )

    @property
    def label(self) -> str:
        """The analysis in words."""
        if self.reduced_by is not None:
            what = f"whose score fell by at least {100 * self.reduced_by:g} %"
        elif self.at_most is not None:
            what = f"with a score of at most {self.at_most:g}"
        else:
            what = f"with a score of at least {self.at_least:g}"
        return f"difference of proportions {what}"

    @property
    def smooth(self) -> bool:
        """Proportions jump as scores pass the criterion."""
        return False

    @property
    def needs_random(self) -> str | None:
        """A conditional mean has less spread than scores have."""
        return "responders are counted by a criterion, and conditional means have too little spread"

    def parameters(self, trial: IncompleteTrial) -> pd.DataFrame:
        """Return quantity, arm, reference and visit of each estimate."""
        return parameter_table(trial, self.visits, "probability")

    def status(self, trial: IncompleteTrial, block: Block) -> Floats:
        """Return who fulfils the criterion, ones and zeros, shape (R, N, visits)."""
        values = block.values[:, :, visit_places(trial, self.visits)]
        if self.at_most is not None:
            return (values <= self.at_most).astype(float)
        if self.at_least is not None:
            return (values >= self.at_least).astype(float)
        assert self.baseline is not None
        assert self.reduced_by is not None
        start = trial.covariates()[self.baseline].to_numpy(float)
        base = start[None, :, None] if block.rows is None else start[block.rows][:, :, None]
        fall = -values if self.change else base - values
        return (fall >= self.reduced_by * base).astype(float)

    def estimate(self, trial: IncompleteTrial, block: Block, variances: bool) -> Numbers:
        """Analyse a block of completed data sets."""
        status = self.status(trial, block)
        R, _, V = status.shape
        arm = trial.arm[None] if block.rows is None else trial.arm[block.rows]
        arms = len(trial.arms)
        share, spread = np.empty((R, V, arms)), np.empty((R, V, arms))
        for k in range(arms):
            inside = (arm == k).astype(float)
            n = inside.sum(1)[:, None]
            share[:, :, k] = (status * inside[:, :, None]).sum(1) / n
            spread[:, :, k] = share_variance(share[:, :, k], n)
        difference = share[:, :, 1:] - share[:, :, :1]
        total = spread[:, :, 1:] + spread[:, :, :1]
        estimates = np.concatenate([difference, share], 2).reshape(R, -1)
        both = np.concatenate([total, spread], 2).reshape(R, -1)
        # Proportions have normal, not t, inference: the complete data leave no df to lose.
        return estimates, both if variances else None, np.full(estimates.shape[1], np.inf)


def missing_is_no_response(
    trial: IncompleteTrial, analysis: responders, level: float = 0.95
) -> pd.DataFrame:
    """Compare the proportions with every unseen score counted as no response.

    Parameters
    ----------
    trial
        The incomplete trial; nothing is imputed.
    analysis
        The criterion of response.
    level
        Level of the (normal) intervals, which end at 0 and 1 (differences: −1 and 1).

    Returns
    -------
    pandas.DataFrame
        As from :func:`.pooling.pool`.

    Examples
    --------
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> table = missing_is_no_response(small_trial(), responders(at_most=10, visits=[16]))
    >>> table["quantity"].tolist()
    ['difference', 'probability', 'probability']
    """
    # A missing score fulfils no comparison.
    values, variances, df = analysis.estimate(trial, Block(trial.y[None], None, None), True)
    assert variances is not None
    pooled = rubin(np.repeat(values, 2, 0), np.repeat(variances, 2, 0), df, level)
    pooled = pooled.assign(interval_method="normal", variance="of one data set", data_sets=1)
    parameters = analysis.parameters(trial)
    least = np.where(parameters["quantity"] == "difference", -1.0, 0.0)
    pooled = pooled.assign(
        lower=np.maximum(pooled["lower"], least), upper=np.minimum(pooled["upper"], 1.0)
    )
    return pd.concat([parameters, pooled], axis=1)


@dataclass(frozen=True)
class each:  # noqa: N801 - reads as the verb of a call
    """Any analysis of one completed data set.

    Parameters
    ----------
    function
        Takes a long data frame (participant, arm, visit, covariates, outcome) and returns, by
        name of the estimate, the estimate, its standard error and its degrees of freedom.
    label
        The analysis in words.

    Examples
    --------
    >>> def overall(frame):
    ...     scores = frame["score"]
    ...     return {"overall mean": (scores.mean(), scores.sem(), len(scores) - 1)}
    >>> each(overall, "overall mean").label
    'overall mean'
    """

    function: Callable[[pd.DataFrame], Mapping[str, tuple[float, float, float]]]
    label: str

    @property
    def smooth(self) -> bool:
        """Nothing is known of the function."""
        return False

    @property
    def needs_random(self) -> str | None:
        """A function of one data set cannot be given weights."""
        return "a function of one completed data set cannot take weights"

    def parameters(self, trial: IncompleteTrial) -> pd.DataFrame:
        """Return the names of the estimates."""
        found = self.function(self._frame(trial, np.nan_to_num(trial.y), None))
        return pd.DataFrame(
            {"quantity": list(found), "arm": None, "reference": None, "visit": None}
        )

    def estimate(self, trial: IncompleteTrial, block: Block, variances: bool) -> Numbers:
        """Analyse a block of completed data sets."""
        del variances
        results = []
        for r, values in enumerate(block.values):
            rows = None if block.rows is None else block.rows[r]
            found = self.function(self._frame(trial, values, rows))
            results.append([tuple(map(float, number)) for number in found.values()])
        table = np.array(results)
        return table[:, :, 0], table[:, :, 1] ** 2, table[0, :, 2]

    @staticmethod
    def _frame(trial: IncompleteTrial, values: Floats, rows: Any) -> pd.DataFrame:
        if rows is None:
            return trial.grid.assign(**{trial.names["outcome"]: values.ravel()})
        T = len(trial.visits)
        places = (np.asarray(rows)[:, None] * T + np.arange(T)).ravel()
        frame = trial.grid.iloc[places].reset_index(drop=True)
        # A participant drawn twice is two participants.
        frame[trial.names["participant"]] = np.repeat(np.arange(len(rows)), T)
        return frame.assign(**{trial.names["outcome"]: values.ravel()})
