r"""Analysis of covariance of completed data, all data sets at once.

At one visit, with arms g (the first one the reference) and covariates c_i,

    y_i = α + τ_{g(i)} + c_i'γ + e_i ,   least squares, participants counting as often as drawn,

giving τ_g − τ_1 and the adjusted means at the covariates' means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .analysing import Numbers, parameter_table, visit_places
from .errors import ImputationError, listed
from .imputing import Block
from .incomplete import Floats, IncompleteTrial


@dataclass(frozen=True)
class ancova:  # noqa: N801 - reads as the verb of a call: analyse(imputed, ancova())
    """Analysis of covariance at each visit.

    Parameters
    ----------
    covariates
        Columns of the data beside the arm; by default all covariates of the imputation model.
    visits
        Visits to analyse, all by default.

    Examples
    --------
    >>> ancova(covariates=["baseline"]).label
    'ANCOVA at each visit on arm + baseline'
    """

    covariates: Sequence[str] | None = None
    visits: Sequence[Any] | None = None

    @property
    def label(self) -> str:
        """The analysis in words."""
        names = [] if self.covariates is None else list(self.covariates)
        added = " + the imputation model's covariates" if self.covariates is None else ""
        return "ANCOVA at each visit on " + " + ".join(["arm", *names]) + added

    @property
    def smooth(self) -> bool:
        """Estimates are linear, variances quadratic in the scores."""
        return True

    @property
    def needs_random(self) -> str | None:
        """Conditional means serve: the estimates are linear in the scores."""
        return None

    def parameters(self, trial: IncompleteTrial) -> pd.DataFrame:
        """Return quantity, arm, reference and visit of each estimate."""
        return parameter_table(trial, self.visits, "mean")

    def columns(self, trial: IncompleteTrial) -> Floats:
        """Return the design (N, q): intercept, arms, covariates (categories as indicators)."""
        frame = trial.covariates()
        names = list(frame.columns) if self.covariates is None else list(self.covariates)
        absent = [n for n in names if n not in frame.columns]
        if absent:
            raise ImputationError(
                f"the analysis names {listed(absent)}, which the imputation model does not hold "
                f"({listed(frame.columns)}): an imputation model must be as rich as the analysis."
            )
        person = trial.grid[trial.names["participant"]]
        number = {name: trial.grid[name].groupby(person).nunique() for name in names}
        varying = [name for name in names if (number[name] > 1).any()]
        if varying:
            raise ImputationError(f"{listed(varying)} vary within participants: no covariates.")
        parts = [np.ones((len(frame), 1)), np.eye(len(trial.arms))[trial.arm][:, 1:]]
        for name in names:
            column = frame[name]
            if pd.api.types.is_numeric_dtype(column):
                parts.append(column.to_numpy(float)[:, None])
            else:
                parts.append(pd.get_dummies(column.astype(str), drop_first=True).to_numpy(float))
        X = np.hstack(parts)
        varied = np.r_[True, np.ptp(X[:, 1:], axis=0) > 0]
        varied[: len(trial.arms)] = True
        return X[:, varied]

    def estimate(self, trial: IncompleteTrial, block: Block, variances: bool) -> Numbers:
        """Analyse a block of completed data sets."""
        places = visit_places(trial, self.visits)
        Y = block.values[:, :, places]
        X = self.columns(trial)
        R, N, _ = Y.shape
        q = X.shape[1]
        if q >= N:
            raise ImputationError(f"{N} participants are too few for {q} terms of the ANCOVA.")
        if block.rows is not None:
            Xr = X[block.rows]
            gram = Xr.transpose(0, 2, 1) @ Xr
            right = Xr.transpose(0, 2, 1) @ Y
            centre = Xr.mean(1)
        elif block.weights is not None:
            w = block.weights
            gram = (w @ (X[:, :, None] * X[:, None, :]).reshape(N, q * q)).reshape(R, q, q)
            weighted = (w[:, :, None] * X).transpose(0, 2, 1)
            right, centre = weighted @ Y, (w @ X) / w.sum(1, keepdims=True)
        else:
            gram, right = (X.T @ X)[None], X.T @ Y
            centre = X.mean(0)[None]
        inverse = _inverse(gram)
        beta = inverse @ right  # (R, q, V)
        contrast = self._contrasts(len(trial.arms), q, centre)  # (1 or R, C, q)
        estimates = (contrast @ beta).transpose(0, 2, 1).reshape(R, -1)
        df = np.full(estimates.shape[1], float(N - q))
        if not variances:
            return estimates, None, df
        fitted = (X if block.rows is None else Xr) @ beta
        residual = ((Y - fitted) ** 2).sum(1) / (N - q)  # (R, V)
        size = ((contrast @ inverse) * contrast).sum(2)  # (1 or R, C)
        spread = residual[:, :, None] * np.broadcast_to(size, (R, size.shape[1]))[:, None, :]
        return estimates, spread.reshape(R, -1), df

    @staticmethod
    def _contrasts(arms: int, q: int, centre: Floats) -> Floats:
        out = np.zeros((len(centre), 2 * arms - 1, q))
        for k in range(1, arms):
            out[:, k - 1, k] = 1.0
        for k in range(arms):
            out[:, arms - 1 + k] = centre
            out[:, arms - 1 + k, 1:arms] = 0.0
            if k:
                out[:, arms - 1 + k, k] = 1.0
        return out


def _inverse(gram: Floats) -> Floats:
    """Invert X'X; where a resample lacks a level of a covariate, its term is left out."""
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(gram, axis1=1, axis2=2), 1e-300))
    scaled = gram * scale[:, :, None] * scale[:, None, :]
    smallest = np.linalg.eigvalsh(scaled)[:, 0]
    out = np.empty_like(gram)
    good = smallest > 1e-10
    out[good] = np.linalg.inv(scaled[good])
    out[~good] = np.linalg.pinv(scaled[~good], rcond=1e-10, hermitian=True)
    return np.asarray(out * scale[:, :, None] * scale[:, None, :])
