"""Standard errors, df and F tests of linear functions of the fixed effects."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .degrees_of_freedom import (
    TestResult,
    combine_satterthwaite,
    kenward_roger_moments,
    satterthwaite,
)
from .factors import Floats
from .sandwich import Sandwich


@dataclass
class FixedEffects:
    """Estimates with their covariance, and the rule for degrees of freedom.

    Attributes
    ----------
    beta
        Estimates (p,).
    phi
        Model-based covariance Φ (p, p).
    vcov
        Covariance behind the standard errors: Φ, Kenward and Roger's Φ_A, or a sandwich.
    B
        Σ X'W D_h W X per covariance parameter (k, p, p).
    omega
        Covariance of the covariance parameters (k, k).
    method
        Name of the rule, as in the argument ``df`` of ``mixed_model``.
    fixed_df
        df of each coefficient, for the methods that do not depend on the contrast's covariance.
    sandwich
        The empirical covariance, which has df of its own.
    notes
        What the reader must know of the adjustment.
    """

    beta: Floats
    phi: Floats
    vcov: Floats
    B: Floats
    omega: Floats
    method: str
    fixed_df: Floats | None = None
    sandwich: Sandwich | None = None
    notes: list[str] = field(default_factory=list)

    def single(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        """Return estimate, standard error and df of each row (m, p)."""
        estimate = rows @ self.beta
        variance = np.einsum("mp,pq,mq->m", rows, self.vcov, rows)
        return estimate, np.sqrt(np.maximum(variance, 0.0)), self.df(rows)

    def df(self, rows: Floats) -> Floats:
        """Return the df of each row."""
        if self.method == "normal":
            return np.full(len(rows), np.inf)
        if self.fixed_df is not None:
            used = np.abs(rows) > 1e-10
            return np.array([self.fixed_df[u].min() if u.any() else np.nan for u in used])
        if self.sandwich is not None:
            return self.sandwich.df(rows)
        return satterthwaite(rows, self.phi, self.B, self.omega)

    def joint(self, rows: Floats) -> TestResult:
        """Return the F test that all rows are zero; redundant rows do not count."""
        covariance = rows @ self.vcov @ rows.T
        size = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        if not size.any():
            return TestResult(float("nan"), 0, float("nan"))
        values, vectors = np.linalg.eigh(covariance)
        kept = values > 1e-10 * values.max()
        rank = int(kept.sum())
        turned = vectors[:, kept].T @ rows
        value = turned @ self.beta
        statistic = float((value**2 / values[kept]).sum() / rank)
        if self.method.startswith("kenward-roger"):
            denominator, scale = kenward_roger_moments(turned, self.phi, self.B, self.omega)
            return TestResult(scale * statistic, rank, denominator)
        df = self.df(rows if self.fixed_df is not None else turned)
        if self.method == "satterthwaite":
            return TestResult(statistic, rank, combine_satterthwaite(df))
        return TestResult(statistic, rank, float(np.nanmin(df)))
