"""The scores of one outcome as a matrix of participants by visits, for statuses made from them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.covariates import covariate_columns
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, estimand_scores, members

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreMatrix:
    """Scores of n participants, as an estimand sees them.

    Parameters
    ----------
    participants
        Their study numbers, shape (n,).
    arm
        Position of the arm in ``arms``, shape (n,).
    arms
        Names of the arms, the reference last.
    visits
        Names of the visits, baseline first.
    scores
        Scores, NaN where missing or set aside, shape (n, visits).
    covariates
        Covariates beside the baseline score, shape (n, q).
    handled
        What the estimand's strategies did to the scores, in words.
    filled
        Missing numbers among the covariates, filled by the mean.
    """

    participants: NDArray[np.object_]
    arm: NDArray[np.int64]
    arms: list[str]
    visits: list[str]
    scores: Floats
    covariates: Floats
    handled: list[str]
    filled: int

    @property
    def baseline(self) -> Floats:
        """Baseline scores, shape (n,)."""
        return self.scores[:, 0]

    def at(self, visit: str) -> Floats:
        """Scores at a visit, shape (n,)."""
        return self.scores[:, self.visits.index(visit)]

    def attended(self, *needed: str) -> ScoreMatrix:
        """Leave out the visits at which nobody has a score, but for those that are needed.

        They cannot be imputed, and say nothing.
        """
        seen = [bool(np.isfinite(column).any()) for column in self.scores.T]
        kept = [k for k, visit in enumerate(self.visits) if seen[k] or visit in needed]
        visits = [self.visits[k] for k in kept]
        return replace(self, visits=visits, scores=self.scores[:, kept])

    def baseline_filled(self) -> Floats:
        """Baseline scores as a covariate: a missing one is the mean, shape (n,)."""
        return np.where(np.isnan(self.baseline), np.nanmean(self.baseline), self.baseline)


def score_matrix(
    data: TrialData, outcome: str, estimand: str, adjust_for: list[str] | None
) -> ScoreMatrix:
    """Lay out the scores of everyone as randomised.

    Parameters
    ----------
    data
        The trial.
    outcome, estimand
        Short names of the configuration.
    adjust_for
        Covariates; those of the primary analysis when None.
    """
    people = members(data, AS_RANDOMISED, outcome).sort_values("participant", kind="stable")
    scores, handled = estimand_scores(data, outcome, estimand)
    wide = scores.set_index(["participant", "visit"])["score"].unstack("visit")  # noqa: PD010
    visits = [data.study.baseline, *data.later_visits]
    wide = wide.reindex(index=people["participant"], columns=visits)
    position = {name: place for place, name in enumerate(data.arms)}
    names = data.study.analyses.primary.adjust_for if adjust_for is None else adjust_for
    covariates, filled = covariate_columns(data, people, list(names))
    return ScoreMatrix(
        people["participant"].to_numpy(object),
        np.asarray(people["arm"].map(position), np.int64),
        data.arms,
        visits,
        wide.to_numpy(float),
        covariates,
        handled,
        filled,
    )


def generator(data: TrialData, *names: str) -> np.random.Generator:
    """Derive a stream of random numbers from the study's seed and what it is for.

    Parameters
    ----------
    data
        The trial.
    names
        Outcome, analysis, estimand: whatever sets this use apart from others.
    """
    key = zlib.crc32("/".join([data.trial, *names]).encode())
    return np.random.default_rng(np.random.SeedSequence([data.study.study.seed, key]))


def baseline_scores(data: TrialData, outcome: str) -> pd.Series:
    """Return the observed baseline scores of an outcome."""
    of = data.scores[
        (data.scores["outcome"] == outcome) & (data.scores["visit"] == data.study.baseline)
    ]
    return of["score"].dropna().reset_index(drop=True)
