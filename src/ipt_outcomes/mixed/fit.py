"""The fitted mixed model: estimates, adjusted means, contrasts and tests as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .cluster_predictions import cluster_predictions
from .comparison import intraclass_correlation
from .diagnostics import (
    cluster_effects_table,
    fitted_table,
    influence_table,
    random_effects_table,
    residual_table,
    simulate,
)
from .errors import MixedModelError, one_of
from .factors import Floats, level_label
from .fitted import FittedModel
from .formula import missing_columns
from .grid import as_names, find_level, mean_rows, trend_rows, type_three_rows
from .inference import as_rows, confidence, estimate_table, f_p, holm
from .printing import describe
from .refit import Refits, refit
from .source import Source
from .threads import single_threaded


class MixedModelFit(FittedModel):
    """A fitted Gaussian mixed model for repeated measures: its results as data frames.

    Attributes are those of :class:`.fitted.FittedModel`: ``specification``, ``covariance_used``,
    ``steps`` (every covariance tried, with what happened), ``notes``, ``convergence``, ``loglik``,
    ``aic``, ``aicc``, ``bic``, ``counts``, ``covariance``, ``random_covariance``,
    ``variance_components``, ``vcov``.
    """

    # --- results -------------------------------------------------------------------------------

    @cached_property
    def coefficients(self) -> pd.DataFrame:
        """Coefficients: term, estimate, se, df, statistic, p, lower, upper."""
        return self.linear(np.eye(len(self.design.columns)), {"term": self.design.names})

    def linear(
        self, rows: ArrayLike, labels: Mapping[str, Any] | None = None, level: float | None = None
    ) -> pd.DataFrame:
        """Estimate linear functions of the coefficients, one per row.

        Parameters
        ----------
        rows
            Matrix (functions, coefficients), columns in the order of ``coefficients``.
        labels
            Columns to put before the estimates.
        level
            Confidence level; the fit's own by default.

        Raises
        ------
        MixedModelError
            When the matrix has the wrong number of columns.
        """
        matrix = as_rows(rows, len(self.design.columns))
        level = confidence(self.specification.level if level is None else level)
        ok = self.aliasing.estimable(matrix)
        estimate, se, df = (np.full(len(matrix), np.nan) for _ in range(3))
        if ok.any():
            with single_threaded():
                own = matrix[ok][:, self.aliasing.kept]
                estimate[ok], se[ok], df[ok] = self.fixed.single(own)
        return estimate_table(dict(labels or {}), estimate, se, df, level)

    def means(
        self,
        factor: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Give adjusted means at the levels of one or more factors.

        Parameters
        ----------
        factor, by
            Columns of the data whose combinations get a mean; ``by`` varies slowest.
        at
            Covariate values, for instance ``{"week": 16}``; numeric covariates are otherwise held
            at their mean over the analysed rows.
        weights
            How other factors are averaged: ``"equal"`` or ``"proportional"``.
        level
            Confidence level.

        Returns
        -------
        Frame with the factor columns, estimate, se, df, statistic, p, lower, upper. Means that the
        data cannot give are missing.
        """
        targets = [*as_names(by), *as_names(factor)]
        cells, rows = self._mean_rows(targets, at, weights)
        return self.linear(rows, _labels(cells, targets, as_names(factor)), level)

    def contrasts(
        self,
        factor: str,
        by: str | Sequence[str] | None = None,
        *,
        reference: Any = None,
        pairwise: bool = False,
        adjust: str | None = None,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Differences of adjusted means.

        Parameters
        ----------
        factor
            Factor whose levels are compared.
        by
            Columns within whose levels they are compared.
        reference
            Level that every other is compared with; the model's reference level by default.
        pairwise
            Compare every pair instead.
        adjust
            ``"holm"`` adds adjusted p-values, within each level of ``by``; intervals stay
            unadjusted.
        at, weights, level
            As for :meth:`means`.

        Returns
        -------
        Frame with contrast, the level and its reference, the ``by`` columns, estimate, se, df,
        statistic, p, lower, upper and, on request, ``p_adjusted``.
        """
        if adjust is not None:
            one_of("adjust", adjust, ["holm"])
        if not isinstance(factor, str):
            raise MixedModelError(f"contrasts compare the levels of one factor, not {factor!r}.")
        cells, rows = self._mean_rows([*as_names(by), factor], at, weights)
        return self._compare(cells, rows, factor, as_names(by), reference, pairwise, adjust, level)

    def trends(
        self,
        slope: str,
        factor: str | None = None,
        by: str | Sequence[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Slopes of the mean in a numeric covariate, by the levels of a factor.

        Parameters
        ----------
        slope
            Numeric column, for instance ``"week"``.
        factor, by
            Factors at whose levels the slope is taken.
        at, weights, level
            As for :meth:`means`; ``at`` may hold the place where a curved mean is differentiated.
        """
        targets = [*as_names(by), *as_names(factor)]
        cells, rows = trend_rows(self.design, slope, targets, at, weights)
        return self.linear(rows, _labels(cells, targets, as_names(factor)), level)

    def trend_contrasts(
        self,
        slope: str,
        factor: str,
        by: str | Sequence[str] | None = None,
        *,
        reference: Any = None,
        pairwise: bool = False,
        adjust: str | None = None,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Differences of slopes between the levels of a factor; arguments as for contrasts."""
        if adjust is not None:
            one_of("adjust", adjust, ["holm"])
        cells, rows = trend_rows(self.design, slope, [*as_names(by), factor], at, weights)
        return self._compare(cells, rows, factor, as_names(by), reference, pairwise, adjust, level)

    def _mean_rows(
        self, targets: list[str], at: Mapping[str, Any] | None, weights: str
    ) -> tuple[list[tuple[Any, ...]], Floats]:
        """Return the rows of adjusted means, kept for the contrasts that usually follow."""
        if at:
            return mean_rows(self.design, targets, at, weights)
        key = (tuple(targets), weights)
        if key not in self._grids:
            self._grids[key] = mean_rows(self.design, targets, None, weights)
        return self._grids[key]

    def _compare(
        self,
        cells: list[tuple[Any, ...]],
        rows: Floats,
        factor: str,
        by: list[str],
        reference: Any,
        pairwise: bool,
        adjust: str | None,
        level: float | None,
    ) -> pd.DataFrame:
        levels = list(dict.fromkeys(c[-1] for c in cells))
        width, groups = len(levels), len(cells) // len(levels)
        if pairwise:
            pairs = [(b, a) for a, b in combinations(range(width), 2)]
        else:
            base = 0
            if reference is not None:
                base = levels.index(find_level(levels, reference, factor))
            pairs = [(j, base) for j in range(width) if j != base]
        if not pairs:
            raise MixedModelError(f"{factor!r} has one level only; there is nothing to compare.")
        names = [level_label(v) for v in levels]
        one, other = (np.array(side) for side in zip(*pairs, strict=True))
        stacked = rows.reshape(groups, width, -1)
        matrix = (stacked[:, one] - stacked[:, other]).reshape(groups * len(pairs), -1)
        labels: dict[str, list[Any]] = {
            "contrast": [f"{names[a]} - {names[b]}" for a, b in pairs] * groups,
            factor: [levels[a] for a, _ in pairs] * groups,
            "reference": [levels[b] for _, b in pairs] * groups,
        }
        for place, name in enumerate(by):
            labels[name] = [cells[g * width][place] for g in range(groups) for _ in pairs]
        table = self.linear(matrix, labels, level)
        if adjust == "holm":
            p = table["p"].to_numpy().reshape(groups, len(pairs))
            table["p_adjusted"] = np.concatenate([holm(row) for row in p])
        return table

    def test(self, rows: ArrayLike, name: str = "test") -> pd.DataFrame:
        """Test that linear functions of the coefficients are all zero.

        Parameters
        ----------
        rows
            Matrix (functions, coefficients).
        name
            Label of the line.

        Returns
        -------
        One line: test, df_numerator, df_denominator, statistic (F), p.
        """
        matrix = as_rows(rows, len(self.design.columns))
        if not np.isfinite(matrix).all():
            raise MixedModelError("the rows of a test must be finite numbers.")
        return self._f_tests({name: matrix}, "test")

    def anova(self) -> pd.DataFrame:
        """Type III F tests of the terms: term, df_numerator, df_denominator, statistic, p.

        A term's hypothesis is that its coefficients vanish when factors are coded to sum to zero,
        so main effects are averages over the levels of what they interact with, and numeric
        covariates are at zero (SAS and lmerTest type III). Where Kenward and Roger's moments are
        those of no F distribution (very small data), df, statistic and p are missing.
        """
        return self._f_tests(type_three_rows(self.design), "term")

    def _f_tests(self, hypotheses: Mapping[str, Floats], what: str) -> pd.DataFrame:
        lines = []
        for name, matrix in hypotheses.items():
            rows = self._estimable_part(matrix)
            line: dict[str, Any] = {what: name, "df_numerator": 0, "df_denominator": np.nan}
            line |= {"statistic": np.nan, "p": np.nan}
            if len(rows):
                with single_threaded():
                    result = self.fixed.joint(rows[:, self.aliasing.kept])
                if result.numerator:
                    line["df_numerator"] = result.numerator
                    line["df_denominator"] = result.denominator
                    line["statistic"] = result.statistic
                    line["p"] = f_p(result.statistic, result.numerator, result.denominator)
            lines.append(line)
        return pd.DataFrame(lines)

    # --- after the fit -------------------------------------------------------------------------

    def predict(self, frame: pd.DataFrame, level: float | None = None) -> pd.DataFrame:
        """Predict means of new rows from the fixed effects: estimate, se, df, …, lower, upper.

        Parameters
        ----------
        frame
            Rows with the columns of the formula; levels must be known to the fit.
        level
            Confidence level of the mean.
        """
        if not isinstance(frame, pd.DataFrame):
            raise MixedModelError(f"predict needs a DataFrame, not {type(frame).__name__}.")
        findings = missing_columns(
            {v: "formula" for f in self.design.factors for v in f.variables}, list(frame.columns)
        )
        if findings:
            raise MixedModelError(findings)
        source = Source(frame)
        data = {v: source[v] for f in self.design.factors for v in f.variables}
        rows = self.design.rows(data, len(frame))
        return self.linear(rows, {}, level).set_axis(frame.index)

    def fitted(self, *, conditional: bool = False) -> pd.DataFrame:
        """Means of every participant at every visit, wide; see :mod:`.diagnostics`."""
        self.need_rows("fitted")
        return fitted_table(self, conditional=conditional)

    @cached_property
    def random_effects(self) -> pd.DataFrame:
        """Predicted random effects of participants (BLUPs), one row each."""
        self.need_rows("random_effects")
        return random_effects_table(self)

    @cached_property
    def cluster_effects(self) -> pd.DataFrame:
        """Predicted effects of clusters."""
        self.need_rows("cluster_effects")
        return cluster_effects_table(self)

    def residuals(self, kind: str = "normalised") -> pd.DataFrame:
        """Return ``"normalised"`` or ``"raw"`` residuals: participant, visit, residual."""
        self.need_rows("residuals")
        return residual_table(self, kind)

    def influence(self) -> pd.DataFrame:
        """Cook's distance and leverage of every participant, the covariance held fixed."""
        self.need_rows("influence")
        return influence_table(self)[0]

    def simulate(self, replicates: int, seed: int | np.random.Generator) -> Floats:
        """Draw outcomes (replicates, participants, visits) from the fitted model."""
        self.need_rows("simulate")
        return simulate(self, replicates, seed)

    def refit(
        self, *, weights: ArrayLike | None = None, outcomes: ArrayLike | None = None
    ) -> Refits:
        """Refit to many re-weighted or re-drawn data sets at once; see :func:`.refit.refit`."""
        self.need_rows("refit")
        return refit(self, weights=weights, outcomes=outcomes)

    def icc(
        self, visit: Any = None, level: float | None = None, interval: str = "delta"
    ) -> pd.DataFrame:
        """Intraclass correlation of the clusters at a visit, with interval."""
        with single_threaded():
            return intraclass_correlation(self, visit, level, interval)

    def cluster_predictions(self, visit: Any) -> pd.DataFrame:
        """Predicted effect of every cluster at a visit, with its error."""
        self.need_rows("cluster_predictions")
        return cluster_predictions(self, visit)

    def _estimable_part(self, matrix: Floats) -> Floats:
        if not len(self.aliasing.dropped):
            return matrix
        lost = matrix @ self.aliasing.null
        left, values, _ = np.linalg.svd(lost)
        rank = int((values > 1e-8 * max(1.0, float(values.max(initial=0.0)))).sum())
        return np.asarray(left[:, rank:].T @ matrix)

    def __str__(self) -> str:
        return describe(self, self.coefficients)


def _labels(
    cells: list[tuple[Any, ...]], targets: list[str], first: list[str]
) -> dict[str, list[Any]]:
    """Return the label columns of adjusted means, the factor before what it is taken by."""
    columns = {name: [cell[k] for cell in cells] for k, name in enumerate(targets)}
    return {name: columns[name] for name in [*first, *targets]}
