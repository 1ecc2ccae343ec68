r"""What a fitted cross-lagged panel model says.

Regressions are tested by the likelihood ratio, and their intervals are the values that the test
would not reject: with :math:`\Delta(v)` the rise of minus the (restricted) log-likelihood when a
regression is held at v, all v with :math:`\sqrt{2\Delta(v)} \le t`, t the quantile of Student's
distribution with persons less groups as its degrees of freedom. With few persons such intervals
keep their level better than an estimate plus and minus its error: the likelihood of an
autoregression is not a parabola.

Standardised regressions hold for moving parts that have come to rest,
:math:`W = A W A' + \Sigma`: :math:`a_{jk} \sqrt{W_{kk} / W_{jj}}`.

Sources: Venzon & Moolgavkar (1988), Applied Statistics 37:87; Mulder & Hamaker (2021), Structural
Equation Modeling 28:638.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, stdtr, stdtrit

from .covariances import Structure, Unstructured
from .cross_lagged import SERIES, CrossLagged
from .errors import ConvergenceError, MixedModelError
from .factors import Floats
from .likelihood import Likelihood
from .maximum import Solution, find_cones, is_positive_definite, solve
from .optimise import maximise
from .panel_data import Panel
from .threads import single_threaded

CLOSE = 1e-6
"""Twice the log-likelihood that may be left to gain near a boundary, where steps become short."""
STEP = 1e-5  # of a parameter in its standard error, for derivatives of what is derived from it


@dataclass(frozen=True)
class Ratio:
    """A likelihood-ratio test.

    Attributes
    ----------
    statistic, df, p
        Twice the difference of the log-likelihoods, the number of constraints, the p-value.
    """

    statistic: float
    df: int
    p: float


@dataclass
class PanelFit:
    """A fitted cross-lagged panel model.

    Attributes
    ----------
    panel
        The data, summed up.
    form
        How the covariance was asked for: arguments of :class:`.cross_lagged.CrossLagged`.
    structure, likelihood, solution
        The covariance, its likelihood and the maximum.
    reml, level
        Restricted likelihood or full; level of the intervals.
    """

    panel: Panel
    form: dict[str, Any]
    structure: CrossLagged
    likelihood: Likelihood
    solution: Solution
    reml: bool
    level: float
    _held: dict[tuple[tuple[str, float], ...], float] = field(default_factory=dict, repr=False)

    @property
    def loglik(self) -> float:
        """(Restricted) log-likelihood at the maximum."""
        return -self.solution.point.f

    @property
    def theta(self) -> Floats:
        """Parameters of the covariance."""
        return self.solution.point.theta

    @property
    def df(self) -> float:
        """Degrees of freedom of the intervals: persons less groups."""
        return float(self.panel.counts["participants"] - len(self.panel.groups))

    @property
    def quantile(self) -> float:
        """Quantile of Student's distribution of the intervals."""
        return float(stdtrit(self.df, (1 + self.level) / 2))

    @property
    def at_boundary(self) -> bool:
        """Whether a covariance is singular."""
        return bool(self.solution.notes)

    @cached_property
    def notes(self) -> list[str]:
        """What the reader must know: boundaries, and moving parts that never come to rest."""
        notes = list(self.solution.notes)
        if self.at_boundary:
            notes.append("at the boundary the expected information stands for the observed one")
        if self.largest_root >= 1:
            notes.append(
                f"unstable: deviations grow from occasion to occasion (largest root of A "
                f"{self.largest_root:.2f}); nothing can be standardised, and the split into stable "
                "and moving parts is doubtful"
            )
        return notes

    @cached_property
    def largest_root(self) -> float:
        """Largest modulus of an eigenvalue of A at any occasion."""
        return float(np.abs(np.linalg.eigvals(self.structure.transition(self.theta))).max())

    @cached_property
    def omega(self) -> Floats:
        """Covariance of the estimates, from the observed information."""
        information = self.solution.hessian
        if self.at_boundary or not is_positive_definite(information):
            information = self.likelihood.hessian(self.solution.point, "expected")
        scale = 1 / np.sqrt(np.diag(information))
        inverse = np.linalg.inv(information * np.outer(scale, scale))
        return np.asarray(inverse * np.outer(scale, scale))

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """All parameters of the covariance: parameter, estimate, se."""
        se = np.sqrt(np.diag(self.omega))
        return pd.DataFrame({"parameter": self.structure.names, "estimate": self.theta, "se": se})

    @cached_property
    def means(self) -> pd.DataFrame:
        """Means: group, series, occasion, estimate."""
        statistics = self.panel.statistics
        columns, groups, _ = np.nonzero(statistics.selectors)
        return pd.DataFrame(
            {
                "group": [self.panel.groups[g] for g in groups],
                "series": [SERIES[c % 2] for c in columns],
                "occasion": [self.panel.occasions[c // 2] for c in columns],
                "estimate": self.solution.point.beta + statistics.offset,
            }
        )

    # --- regressions -----------------------------------------------------------------------------

    def rise(self, held: Mapping[str, float]) -> float:
        """Return twice the fall of the log-likelihood when regressions are held at values.

        Raises
        ------
        ConvergenceError
            When the model with held values cannot be fitted.
        """
        key = tuple(sorted(held.items()))
        if key not in self._held:
            solution = self._held_at(self._form(held=held))
            self._held[key] = max(0.0, 2 * (solution.point.f - self.solution.point.f))
        return self._held[key]

    def test(self, *regressions: str) -> Ratio:
        """Test whether regressions are all zero.

        Parameters
        ----------
        regressions
            Names such as ``x -> y``.

        Raises
        ------
        MixedModelError
            For a name that the model does not have.
        ConvergenceError
            When the model without them cannot be fitted.
        """
        unknown = set(regressions) - {lag.name for lag in self.structure.lags}
        if unknown:
            known = ", ".join(lag.name for lag in self.structure.lags)
            raise MixedModelError(f"no regressions of the model: {', '.join(sorted(unknown))}; "
                                  f"it has {known}.")  # fmt: skip
        statistic = self.rise(dict.fromkeys(regressions, 0.0))
        return Ratio(statistic, len(regressions), float(chdtrc(len(regressions), statistic)))

    def regression(self, name: str) -> dict[str, float]:
        """Return a regression: estimate, se, df, statistic, p, lower, upper.

        The statistic is the signed root of the likelihood ratio against zero.

        Parameters
        ----------
        name
            Such as ``x -> y``.
        """
        place = self.structure.names.index(name)
        value, se = float(self.theta[place]), float(np.sqrt(self.omega[place, place]))
        root = float(np.sign(value) * np.sqrt(self.rise({name: 0.0})))
        return {
            "estimate": value,
            "se": se,
            "df": self.df,
            "statistic": root,
            "p": float(2 * stdtr(self.df, -abs(root))),
            "lower": self._end(name, value, -se),
            "upper": self._end(name, value, se),
        }

    def _end(self, name: str, value: float, se: float) -> float:
        """Find where the signed root of the likelihood ratio reaches the quantile.

        The root is nearly a straight line, so that a few steps of the secant find the end.
        """
        wanted = self.quantile
        known = [(value, 0.0)]
        at = value + wanted * se
        for _ in range(12):
            root = float(np.sqrt(self.rise({name: at})))
            known.append((at, root))
            if abs(root - wanted) < 1e-5:
                break
            (a, f), (b, g) = known[-2:]
            step = (wanted - g) * (b - a) / (g - f) if g != f else se
            at = b + float(np.clip(step, -3 * abs(se), 3 * abs(se)))
        return at

    @property
    def can_be_standardised(self) -> bool:
        """Whether moving parts come to rest: A is the same throughout and stable."""
        constant = not self.form.get("free_lags") and not self.form.get("free_innovations")
        return constant and self.largest_root < 1

    def standardised(self, name: str) -> tuple[float, float]:
        """Return a regression in standard deviations of moving parts at rest, and its error.

        Parameters
        ----------
        name
            Such as ``x -> y``.
        """
        lag = next(lag for lag in self.structure.lags if lag.name == name)

        def value(theta: Floats) -> float:
            A = self.structure.transition(theta)[-1]
            flat = np.linalg.solve(
                np.eye(4) - np.kron(A, A), self.structure.innovation(theta).ravel()
            )
            spread = np.diag(flat.reshape(2, 2))
            return float(A[lag.to, lag.of] * np.sqrt(spread[lag.of] / spread[lag.to]))

        return value(self.theta), self._error(value)

    def _error(self, value: Any) -> float:
        steps = STEP * np.sqrt(np.diag(self.omega))
        slope = np.array([
            (value(self.theta + h) - value(self.theta - h)) / (2 * h.max())
            for h in np.diag(steps)
        ])  # fmt: skip
        return float(np.sqrt(slope @ self.omega @ slope))

    # --- what is stable, and how well the model fits ---------------------------------------------

    def deviation(self, effect: int) -> tuple[float, float]:
        """Return the standard deviation of a stable part and its error (missing at zero).

        Parameters
        ----------
        effect
            0 level of x, 1 level of y, 2 trend of x, 3 trend of y.
        """
        place = effect * (effect + 3) // 2
        variance = max(float(self.theta[place]), 0.0)
        sd = float(np.sqrt(variance))
        error = float(np.sqrt(self.omega[place, place]))
        return sd, error / (2 * sd) if not self.at_boundary and sd > 0 else float("nan")

    def correlation(self) -> float:
        """Return the correlation of the two levels, missing where one does not vary."""
        psi = self.structure.stable(self.theta)
        product = psi[0, 0] * psi[1, 1]
        return float(psi[1, 0] / np.sqrt(product)) if product > 0 else float("nan")

    def against_free_covariances(self) -> Ratio:
        """Test the model against free variances and covariances of all occasions.

        Raises
        ------
        ConvergenceError
            When free covariances cannot be estimated from these data.
        """
        labels = [f"{s}({t})" for t in self.panel.occasions for s in SERIES]
        free, solution = self._other(Unstructured(labels))
        df = free.parameters - self.structure.parameters
        statistic = max(0.0, 2 * (self.solution.point.f - solution.point.f))
        return Ratio(statistic, df, float(chdtrc(df, statistic)))

    def against_trends(self) -> Ratio:
        """Test whether persons differ in their trends, which a model without them leaves out.

        Variances at zero make the p-value conservative (Self & Liang 1987).

        Raises
        ------
        ConvergenceError
            When the model with trends cannot be fitted.
        """
        larger, solution = self._other(self._form(trends=True))
        df = larger.parameters - self.structure.parameters
        statistic = max(0.0, 2 * (self.solution.point.f - solution.point.f))
        return Ratio(statistic, df, float(chdtrc(df, statistic)))

    def _form(self, **changes: Any) -> CrossLagged:
        return CrossLagged(self.panel.occasions, **{**self.form, **changes})

    def _held_at(self, structure: CrossLagged) -> Solution:
        """Fit with regressions held, from the estimates of the others on: they hardly move."""
        likelihood = Likelihood(self.panel.statistics, structure, reml=self.reml)
        kept = [name in structure.names for name in self.structure.names]
        with single_threaded(), np.errstate(all="ignore"):
            found = maximise(likelihood, self.theta[kept])
            if found is not None and found[2].converged:
                cones = find_cones(likelihood)
                if not any(cone.outside(found[0].theta) for cone in cones):
                    return Solution(*found)
        return maximum_of(self.panel, structure, reml=self.reml)[1]

    def _other(self, structure: Structure) -> tuple[Structure, Solution]:
        return structure, maximum_of(self.panel, structure, reml=self.reml)[1]


def maximum_of(panel: Panel, structure: Structure, *, reml: bool) -> tuple[Likelihood, Solution]:
    """Fit a covariance to a panel.

    Raises
    ------
    ConvergenceError
        With what happened.
    """
    likelihood = Likelihood(panel.statistics, structure, reml=reml)
    with single_threaded():
        solution = solve(likelihood)
    if solution is None:
        raise ConvergenceError("the likelihood cannot be evaluated at the start.")
    reached = solution.convergence
    near = reached.smallest_curvature > 0 and reached.decrement < CLOSE
    if not (reached.converged or near):
        raise ConvergenceError(f"no maximum of the likelihood: {solution.convergence.message}.")
    return likelihood, solution
