"""The fitted mixed model: estimates, adjusted means, contrasts and tests as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .aliasing import Aliasing
from .composition import RandomPlusResidual
from .design import Design
from .errors import DesignError, MixedModelError, one_of
from .factors import Floats, level_label
from .grid import as_names, find_level, mean_rows, trend_rows, type_three_rows
from .inference import estimate_table, f_p, holm
from .layout import Layout
from .likelihood import Likelihood, Point
from .optimise import Convergence
from .prepare import Prepared
from .printing import describe
from .specification import Specification
from .tests_of_fixed_effects import FixedEffects
from .threads import single_threaded


@dataclass
class MixedModelFit:
    """A fitted Gaussian mixed model for repeated measures.

    Attributes
    ----------
    specification
        The call.
    covariance_used
        The covariance that converged: the one asked for, or a later one of the fall-back sequence.
    steps
        Every covariance tried, with what happened.
    notes
        What the reader must know: levels left out, aliased coefficients, boundaries.
    convergence
        Gradient, curvature and iterations.
    """

    specification: Specification
    prepared: Prepared
    likelihood: Likelihood
    point: Point
    convergence: Convergence
    fixed: FixedEffects
    covariance_used: str
    steps: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    _grids: dict[Any, tuple[list[tuple[Any, ...]], Floats]] = field(
        default_factory=dict, repr=False
    )

    # --- what was fitted -----------------------------------------------------------------------

    @property
    def design(self) -> Design:
        """The fixed effects."""
        return self.prepared.design

    @property
    def layout(self) -> Layout:
        """The analysed rows by participant and visit."""
        return self.prepared.layout

    @property
    def aliasing(self) -> Aliasing:
        """Which coefficients are estimated."""
        return self.prepared.aliasing

    @property
    def loglik(self) -> float:
        """(Restricted) log-likelihood at the maximum."""
        return -self.point.f

    @property
    def n_parameters(self) -> int:
        """Parameters that the information criteria count.

        Covariance parameters, and under full maximum likelihood the fixed effects too (as SAS).
        """
        own = self.likelihood.parameters
        return own if self.specification.reml else own + len(self.aliasing.kept)

    @property
    def aic(self) -> float:
        """Akaike's criterion, −2 log-likelihood + 2 k (see ``n_parameters``)."""
        return 2 * self.n_parameters - 2 * self.loglik

    @property
    def aicc(self) -> float:
        """Akaike's criterion with the small-sample correction of Hurvich & Tsai (1989), as SAS."""
        k = self.n_parameters
        n = self.n_observations - (len(self.aliasing.kept) if self.specification.reml else 0)
        return -2 * self.loglik + 2 * k * n / max(n - k - 1, 1e-12) if n > k + 1 else float("inf")

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the number of participants, as mmrm and SAS."""
        return float(self.n_parameters * np.log(self.n_participants) - 2 * self.loglik)

    @property
    def n_observations(self) -> int:
        """Observations in the likelihood."""
        return int(self.layout.counts["rows analysed"])

    @property
    def n_participants(self) -> int:
        """Participants with at least one analysed observation."""
        return len(self.layout.participants)

    @property
    def counts(self) -> dict[str, int]:
        """Rows and participants read, excluded by reason, and analysed."""
        return dict(self.layout.counts)

    @property
    def aliased(self) -> list[str]:
        """Names of the coefficients that the data cannot estimate."""
        return [self.design.names[j] for j in self.aliasing.dropped]

    @cached_property
    def covariance(self) -> pd.DataFrame | dict[str, pd.DataFrame]:
        """Covariance of the visits (of the residuals, beside random effects), by group if asked."""
        structure = self.likelihood.structure
        theta = self.point.theta[: structure.parameters]
        if isinstance(structure, RandomPlusResidual):
            return self._by_group(structure.residual.sigma(theta[structure.n_random :]))
        return self._by_group(structure.sigma(theta))

    @cached_property
    def marginal_covariance(self) -> pd.DataFrame | dict[str, pd.DataFrame]:
        """Covariance of the visits of a participant, random effects of participants included."""
        return self._by_group(self.point.sigma)

    def _by_group(self, matrices: Floats) -> pd.DataFrame | dict[str, pd.DataFrame]:
        labels = [level_label(v) for v in self.layout.visits]
        tables = {}
        for g, name in enumerate(self.prepared.groups):
            which = int(np.flatnonzero(self.prepared.group_of_set == g)[0])
            which = min(which, len(matrices) - 1)
            tables[name] = pd.DataFrame(matrices[which], index=labels, columns=labels)
        return tables if self.specification.covariance_by else tables[""]

    @cached_property
    def random_covariance(self) -> pd.DataFrame | None:
        """Covariance of the participants' random effects, ``None`` without any."""
        structure = self.likelihood.structure
        if not isinstance(structure, RandomPlusResidual):
            return None
        G = structure.random_covariance(self.point.theta)
        return pd.DataFrame(G, index=structure.effects, columns=structure.effects)

    @cached_property
    def variance_components(self) -> pd.DataFrame:
        """Parameters of the covariance: parameter, estimate, se (from the information used)."""
        se = np.sqrt(np.maximum(np.diag(self.fixed.omega), 0.0))
        return pd.DataFrame(
            {"parameter": self.likelihood.names, "estimate": self.point.theta, "se": se}
        )

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients that the standard errors come from."""
        full = np.full((len(self.design.columns),) * 2, np.nan)
        full[np.ix_(self.aliasing.kept, self.aliasing.kept)] = self.fixed.vcov
        return pd.DataFrame(full, index=self.design.names, columns=self.design.names)

    @cached_property
    def beta(self) -> Floats:
        """Coefficients in the order of the design, missing where aliased."""
        full = np.full(len(self.design.columns), np.nan)
        full[self.aliasing.kept] = self.fixed.beta
        return full

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
        matrix = np.atleast_2d(np.asarray(rows, float))
        if matrix.shape[1] != len(self.design.columns):
            raise MixedModelError(
                f"a linear function needs {len(self.design.columns)} numbers, one per coefficient, "
                f"not {matrix.shape[1]}."
            )
        if level is not None and not 0 < level < 1:
            raise MixedModelError(f"level={level} must lie between 0 and 1, for instance 0.95.")
        ok = self.aliasing.estimable(matrix)
        estimate, se, df = (np.full(len(matrix), np.nan) for _ in range(3))
        if ok.any():
            with single_threaded():
                own = matrix[ok][:, self.aliasing.kept]
                estimate[ok], se[ok], df[ok] = self.fixed.single(own)
        return estimate_table(
            dict(labels or {}), estimate, se, df, level or self.specification.level
        )

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
        labels = {
            n: [c[targets.index(n)] for c in cells] for n in (*as_names(factor), *as_names(by))
        }
        return self.linear(rows, labels, level)

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
        labels = {
            n: [c[targets.index(n)] for c in cells] for n in (*as_names(factor), *as_names(by))
        }
        return self.linear(rows, labels, level)

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
                base = levels.index(find_level(self.design, factor, reference))
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
        matrix = np.atleast_2d(np.asarray(rows, float))
        return self._f_tests({name: matrix}, "test")

    def anova(self) -> pd.DataFrame:
        """Type III F tests of the terms: term, df_numerator, df_denominator, statistic, p.

        A term's hypothesis is that its coefficients vanish when factors are coded to sum to zero,
        so main effects are averages over the levels of what they interact with, and numeric
        covariates are at zero (SAS and lmerTest type III).
        """
        return self._f_tests(type_three_rows(self.design), "term")

    def _f_tests(self, hypotheses: Mapping[str, Floats], what: str) -> pd.DataFrame:
        lines = []
        for name, matrix in hypotheses.items():
            if matrix.shape[1] != len(self.design.columns):
                raise DesignError(
                    f"a test needs {len(self.design.columns)} columns, not {matrix.shape[1]}."
                )
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

    def _estimable_part(self, matrix: Floats) -> Floats:
        if not len(self.aliasing.dropped):
            return matrix
        lost = matrix @ self.aliasing.null
        left, values, _ = np.linalg.svd(lost)
        rank = int((values > 1e-8 * max(1.0, float(values.max(initial=0.0)))).sum())
        return np.asarray(left[:, rank:].T @ matrix)

    def __str__(self) -> str:
        return describe(self)
