r"""The three-level model: rows within trials, REML of both variances.

    y_ij = x_ij'β + u_j + w_ij + e_ij,   u_j ~ N(0, τ²), w_ij ~ N(0, ω²), e_j ~ N(0, V_j).

V_j may hold the correlation of outcomes measured in the same people
(:func:`ipt_outcomes.synthesis.dependence.with_dependence`); with V_j diagonal, ω² takes up what the
rows have apart. Both variances are at least 0. Coefficients have t intervals on (trials -
coefficients) degrees of freedom; the variances have profile-likelihood intervals: all values whose
restricted likelihood, maximised over the other variance, is within χ²(1)/2 of the maximum.

I² has one part per level: τ² and ω² over τ² + ω² + s², with s² = (k - p)/tr(P), the typical
sampling variance in the presence of V.

Sources: Konstantopoulos (2011), Research Synthesis Methods 2:61; Van den Noortgate et al. (2013),
Behavior Research Methods 45:576; Viechtbauer (2010), Journal of Statistical Software 36(3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from ipt_outcomes.synthesis.blocks import Point, Stack, likelihood, stacks
from ipt_outcomes.synthesis.effects import Effects, Floats
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.heterogeneity import Interval
from ipt_outcomes.synthesis.inference import Estimate, JointTest, infer_all, wald_f
from ipt_outcomes.synthesis.moderators import Design, design_matrix
from ipt_outcomes.synthesis.pooling import Prediction, predict

BETWEEN, WITHIN = 0, 1
DECREMENT = 1e-13
"""Below this a last full Newton step squares what is left."""
CONVERGED = 1e-9
"""Newton decrement below which a fit counts as converged."""
Flags = NDArray[np.bool_]
BOTH: Flags = np.array([True, True])


@dataclass(frozen=True, eq=False)
class ThreeLevel:
    """A fitted three-level model.

    Parameters
    ----------
    effects, design
        What was fitted.
    coefficients
        One per column of the design.
    covariance
        Their model-based covariance.
    between, within
        τ² and ω².
    Q, Q_df, Q_p
        Residual Q for V, its degrees of freedom and p-value: heterogeneity of either kind.
    I2_between, I2_within
        Shares of the total variance in percent.
    log_likelihood
        Restricted, at the estimates.
    decrement
        Newton decrement g'H⁻¹g over the variances that are not 0 at the maximum.
    moderator_test
        Test that all moderators are without effect; None without moderators.
    level
        Level of the intervals.
    """

    effects: Effects
    design: Design
    coefficients: tuple[Estimate, ...]
    covariance: Floats
    between: float
    within: float
    Q: float
    Q_df: int
    Q_p: float
    I2_between: float
    I2_within: float
    log_likelihood: float
    decrement: float
    moderator_test: JointTest | None
    level: float
    parts: list[Stack]
    point: Point

    @property
    def pooled(self) -> Estimate:
        """The pooled effect (the intercept, where there are moderators)."""
        return self.coefficients[0]

    @property
    def converged(self) -> bool:
        """Whether gradient and curvature are those of a maximum, on the boundary included."""
        active = _active(self.point, BOTH)
        H = self.point.observed[np.ix_(active, active)]
        falls = not active.any() or bool(np.linalg.eigvalsh(H)[0] > 0)
        return falls and abs(self.decrement) < CONVERGED

    @property
    def method(self) -> str:
        """Model and inference in words."""
        return "three-level model (rows within trials), REML, t with trials - coefficients df"

    def prediction(self) -> Prediction:
        """Give the interval for the true effect of a new row in a new trial.

        Raises
        ------
        SynthesisError
            With moderators, or fewer than three trials.
        """
        if len(self.coefficients) > 1:
            raise SynthesisError("a prediction interval needs a model without moderators.")
        df = len(self.effects.trials) - 2
        words = f"t with trials - 2 = {df} df, variance between trials and within"
        return predict(self.pooled, self.between + self.within, df, words)


def three_level(
    effects: Effects,
    *,
    moderators: Sequence[str] = (),
    reference: Mapping[str, str] | None = None,
    design: Design | None = None,
    level: float = 0.95,
) -> ThreeLevel:
    """Fit the three-level model.

    Parameters
    ----------
    effects
        The effects; some trials have several rows.
    moderators, reference, design
        As for :func:`ipt_outcomes.synthesis.pooling.random_effects`.
    level
        Level of the intervals.

    Raises
    ------
    SynthesisError
        When no trial has two rows, so that the levels cannot be told apart, or moderators cannot
        be estimated.

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("AABBC"), "se": [0.2] * 5,
    ...     "estimate": [0.1, 0.3, 0.8, 1.0, 0.4]})
    >>> fit = three_level(effects)
    >>> round(fit.between, 3), fit.within
    (0.115, 0.0)
    """
    if not effects.dependent:
        raise SynthesisError("every trial has one row: the levels cannot be told apart; use "
                             "random_effects.")  # fmt: skip
    if design is None:
        design = design_matrix(effects, moderators, reference)
    if len(effects) < len(design.names) + 2:
        raise SynthesisError(f"{len(effects)} rows cannot estimate {len(design.names)} "
                             "coefficients and two variances.")  # fmt: skip
    parts = stacks(effects, design.matrix)
    point = _best(parts, effects)
    df = len(effects.trials) - len(design.names)
    test = None
    if design.moderator_columns:
        constraints = design.constraints(design.moderator_columns)
        test = wald_f("moderators", constraints, point.beta, point.covariance, df)
    fixed = likelihood(parts, np.zeros(2), derivatives=False)
    Q = float(
        sum(
            np.sum(r * np.einsum("mij,mj->mi", S, r))
            for r, S in zip(fixed.residuals, fixed.inverse, strict=True)
        )
    )
    between, within = (float(x) for x in point.variances)
    Q_df = len(effects) - len(design.names)
    total = between + within + Q_df / _trace_P(fixed, parts)
    return ThreeLevel(
        effects=effects,
        design=design,
        coefficients=infer_all(design.names, point.beta, point.covariance, df, level),
        covariance=point.covariance,
        between=between,
        within=within,
        Q=Q,
        Q_df=Q_df,
        Q_p=float(stats.chi2.sf(Q, Q_df)),
        I2_between=100 * between / total,
        I2_within=100 * within / total,
        log_likelihood=point.log_likelihood,
        decrement=_decrement(point, BOTH),
        moderator_test=test,
        level=level,
        parts=parts,
        point=point,
    )


def variance_interval(fit: ThreeLevel, which: int) -> Interval:
    """Give the profile-likelihood interval of a variance.

    Parameters
    ----------
    fit
        The fitted model.
    which
        :data:`BETWEEN` or :data:`WITHIN`.
    """
    half_width = float(stats.chi2.ppf(fit.level, 1)) / 2
    estimate = float(fit.point.variances[which])
    warm = [fit.point.variances.copy()]

    def above(value: float) -> float:
        start = warm[0].copy()
        start[which] = value
        free = np.array([True, True])
        free[which] = False
        point = _climb(fit.parts, start, free)
        warm[0] = point.variances
        return point.log_likelihood - fit.log_likelihood + half_width

    lower = 0.0
    if estimate > 0 and above(0.0) < 0:
        lower = float(brentq(above, 0.0, estimate, xtol=1e-13 * estimate, rtol=1e-13))
    step = max(estimate, float(np.mean(fit.effects.variance)))
    inside, upper = estimate, estimate + step
    while above(upper) > 0:
        inside, step = upper, 2 * step
        upper += step
    upper = float(brentq(above, inside, upper, xtol=1e-13 * step, rtol=1e-13))
    return Interval(lower, upper, fit.level)


def _best(parts: list[Stack], effects: Effects) -> Point:
    """Climb from every point of a grid that is higher than its neighbours; return the summit."""
    scale = float(np.var(effects.estimate)) + float(np.mean(effects.variance))
    values = scale * np.array([0.0, 0.02, 0.1, 0.4, 1.5])
    heights = np.full((len(values) + 2,) * 2, -np.inf)
    for i, tau2 in enumerate(values):
        for j, omega2 in enumerate(values):
            point = likelihood(parts, np.array([tau2, omega2]), derivatives=False)
            heights[i + 1, j + 1] = point.log_likelihood
    starts = [
        values[[i, j]]
        for i, j in np.ndindex(len(values), len(values))
        if heights[i + 1, j + 1] >= heights[i : i + 3, j : j + 3].max()
    ]
    found = [_climb(parts, start, BOTH) for start in starts]
    return max(found, key=lambda point: point.log_likelihood)


def _climb(parts: list[Stack], start: Floats, free: Flags) -> Point:
    """Maximise over the free variances by Newton steps, none below 0.

    A variance at 0 whose gradient is negative stays there. Steps are halved until the likelihood
    rises; where the observed information is not positive definite the expected one is used.
    """
    point = likelihood(parts, np.maximum(start, 0.0))
    for _ in range(200):
        active = _active(point, free)
        if not active.any():
            return point
        g = point.gradient[active]
        H = point.observed[np.ix_(active, active)]
        if np.linalg.eigvalsh(H)[0] <= 0:
            H = point.expected[np.ix_(active, active)]
        step = np.zeros(2)
        step[active] = np.linalg.solve(H, g)
        if g @ step[active] < DECREMENT:
            return _polished(parts, point, step, free)
        higher = None
        for halving in range(40):
            variances = np.maximum(point.variances + step / 2**halving, 0.0)
            candidate = likelihood(parts, variances, derivatives=False)
            if candidate.log_likelihood > point.log_likelihood:
                higher = likelihood(parts, variances)
                break
        if higher is None:
            return _polished(parts, point, step, free)
        point = higher
    return point


def _polished(parts: list[Stack], point: Point, step: Floats, free: Flags) -> Point:
    """Take a last step where rounding hides the rise; the gradient still tells the way."""
    closer = likelihood(parts, np.maximum(point.variances + step, 0.0))
    return closer if _decrement(closer, free) < _decrement(point, free) else point


def _active(point: Point, free: Flags) -> Flags:
    held = (point.variances <= 0) & (point.gradient <= 0)
    return np.asarray(free & ~held)


def _decrement(point: Point, free: Flags) -> float:
    active = _active(point, free)
    if not active.any():
        return 0.0
    g = point.gradient[active]
    return float(g @ np.linalg.solve(point.observed[np.ix_(active, active)], g))


def _trace_P(point: Point, parts: list[Stack]) -> float:  # noqa: N802 - the matrix is called P
    total = 0.0
    for part, S in zip(parts, point.inverse, strict=True):
        SX = S @ part.X
        total += float(np.einsum("mii->", S))
        total -= float(np.einsum("pq,mnp,mnq->", point.covariance, SX, SX))
    return total
