"""Imputing one trial's primary outcome under assumption after assumption, each draw made once."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.robustness_assumptions import Assumed, under
from ipt_outcomes.imputation import (
    Analysis,
    Draws,
    Imputed,
    IncompleteTrial,
    analyse,
    ancova,
    draws,
    impute,
    pool,
    stream,
)
from ipt_outcomes.imputation.incomplete import Floats
from ipt_outcomes.study.missing import RobustnessAnalysis

note = logging.getLogger("ipt_outcomes")

RANDOM = "approximate bayes"
"""The draws behind Rubin's variance, and behind remission, which needs random imputations."""


class Engine:
    """Imputes, analyses and pools under the assumptions of one robustness analysis.

    Parameters
    ----------
    data
        The trial.
    plan
        The section of the configuration.
    trial
        The incomplete primary outcome.
    events
        What happened to its participants.
    """

    def __init__(
        self, data: TrialData, plan: RobustnessAnalysis, trial: IncompleteTrial,
        events: pd.DataFrame,
    ) -> None:  # fmt: skip
        self.data, self.plan, self.trial, self.events = data, plan, trial, events
        self.level = data.study.analyses.primary.level
        self._drawn: dict[tuple[str, bytes], Draws] = {}
        self._under: dict[str, IncompleteTrial] = {}

    def rng(self, *purpose: str) -> np.random.Generator:
        """Return the stream of random numbers of a purpose."""
        study = self.data.study
        return stream(
            study.study.seed, self.data.trial, study.primary_outcome, "robustness", *purpose
        )

    def under(self, one: Assumed) -> IncompleteTrial:
        """Return the trial with the strategies of an assumption."""
        if one.label not in self._under:
            self._under[one.label] = under(one, self.trial, self.events)
        return self._under[one.label]

    def draws(self, one: Assumed, method: Any) -> Draws:
        """Draw parameters, once for all assumptions that fit the model to the same scores."""
        trial = self.under(one)
        key = (method, np.isnan(trial.modelled).tobytes())
        if key not in self._drawn:
            note.info("%s: drawing for %s", method, one.label)
            number = {"bootstrap": self.plan.resamples}.get(method, self.plan.rubin_imputations)
            self._drawn[key] = draws(trial, method, number, rng=self.rng(method))
        return self._drawn[key]

    def imputed(self, one: Assumed, method: Any) -> Imputed:
        """Complete the scores under an assumption, its shift apart."""
        return impute(self.draws(one, method), self.under(one))

    def interval(self, method: str) -> Any:
        """Say how intervals are made from the draws of a method."""
        return self.plan.intervals if method == "bootstrap" else "normal"

    def pooled(self, one: Assumed, method: str, analysis: Analysis | None = None) -> pd.DataFrame:
        """Impute under an assumption, analyse (by ANCOVA at each visit) and pool."""
        imputed = self.imputed(one, method)
        analysed = analyse(imputed, analysis or ancova(), one.amounts(imputed.trial))
        return pool(analysed, level=self.level, interval=self.interval(method))

    def amounts(self) -> Floats:
        """Return the shifts that the tipping-point analysis examines."""
        assert self.plan.delta is not None
        largest = self.plan.delta.largest
        return np.linspace(-largest, largest, self.plan.delta.steps)
