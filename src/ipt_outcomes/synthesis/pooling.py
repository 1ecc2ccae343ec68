r"""Random-effects models of independent effects: pooled effect and meta-regression.

    y_i = x_i'β + u_i + e_i,   u_i ~ N(0, τ²),   e_i ~ N(0, v_i),

with β by weighted least squares at the estimated τ². Inference is that of Hartung and Knapp and of
Sidik and Jonkman: the covariance (X'WX)⁻¹ is multiplied by q = Q(τ²)/(k - p) and t has k - p
degrees of freedom. Where q < 1 the interval is narrower than the normal one; ``hartung-knapp,
floored`` takes max(1, q) (Röver, Knapp & Friede 2015), and the factor is always reported.

The prediction interval of the effect in a new trial is μ ± t √(τ² + se²): with t on k - 2 degrees
of freedom as Higgins, Thompson & Spiegelhalter (2009) proposed (the default), with k - 1 as
metafor gives it after Hartung–Knapp, or with the normal quantile.

Sources: Hartung & Knapp (2001), Statistics in Medicine 20:3875; Sidik & Jonkman (2002), Statistics
in Medicine 21:3153; Knapp & Hartung (2003), Statistics in Medicine 22:2693; Röver, Knapp & Friede
(2015), BMC Medical Research Methodology 15:99; Higgins, Thompson & Spiegelhalter (2009), JRSS A
172:137; Partlett & Riley (2017), Statistics in Medicine 36:301.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ipt_outcomes.synthesis.effects import Effects, Floats
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.heterogeneity import (
    TAU2_METHODS,
    Heterogeneity,
    Tau2Method,
    estimate_tau2,
    heterogeneity,
)
from ipt_outcomes.synthesis.inference import Estimate, JointTest, infer_all, t_quantile, wald_f
from ipt_outcomes.synthesis.moderators import Design, design_matrix
from ipt_outcomes.synthesis.weighted import log_likelihood, weighted_fit

Inference = Literal["hartung-knapp", "hartung-knapp, floored", "normal"]
PredictionDf = Literal["k-2", "k-1", "normal"]

INFERENCES: dict[Inference, str] = {
    "hartung-knapp": "Hartung–Knapp",
    "hartung-knapp, floored": "Hartung–Knapp, variance factor at least 1",
    "normal": "normal",
}
"""Ways to make tests and intervals."""


@dataclass(frozen=True)
class Prediction:
    """Interval for the true effect in a new trial.

    Parameters
    ----------
    lower, upper, level
        The interval.
    df
        Degrees of freedom of its t, infinite for the normal.
    method
        In words.
    """

    lower: float
    upper: float
    level: float
    df: float
    method: str


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """A fitted random-effects model of independent effects.

    Parameters
    ----------
    effects
        What was pooled. Their sampling covariance between rows is not used: with several rows of
        a trial (``check_only``) the model is a check, not a result.
    design
        The design.
    coefficients
        One per column of the design.
    covariance
        Their covariance as used for inference.
    heterogeneity
        τ² and its company, after the moderators.
    weights
        Weight of each row in percent.
    factor
        Hartung and Knapp's q before any floor, whatever the inference.
    scale
        By what (X'WX)⁻¹ was multiplied: q, max(1, q) or 1.
    inference
        How tests and intervals were made.
    log_likelihood
        At the estimates, restricted for REML.
    moderator_test
        Test that all moderators are without effect; None without moderators.
    explained
        Share of τ² that the moderators explain, in percent; None without moderators, or without
        heterogeneity.
    """

    effects: Effects
    design: Design
    coefficients: tuple[Estimate, ...]
    covariance: Floats
    heterogeneity: Heterogeneity
    weights: Floats
    factor: float
    scale: float
    inference: Inference
    log_likelihood: float
    moderator_test: JointTest | None
    explained: float | None

    @property
    def pooled(self) -> Estimate:
        """The pooled effect (the intercept, where there are moderators)."""
        return self.coefficients[0]

    @property
    def check_only(self) -> bool:
        """Whether rows of the same trial were treated as independent."""
        return self.effects.dependent

    @property
    def method(self) -> str:
        """Model and inference in words."""
        method = self.heterogeneity.method
        model = "common-effect model" if method == "FE" else f"random effects, {method}"
        return f"{model}, {INFERENCES[self.inference]} inference"


def random_effects(
    effects: Effects,
    *,
    method: Tau2Method = "REML",
    inference: Inference = "hartung-knapp",
    moderators: Sequence[str] = (),
    reference: Mapping[str, str] | None = None,
    design: Design | None = None,
    level: float = 0.95,
) -> RandomEffects:
    """Fit a random-effects model to independent effects.

    Parameters
    ----------
    effects
        The effects; one row per trial, unless the model is meant as a check.
    method
        Estimator of τ²; ``FE`` for the common-effect model.
    inference
        One of :data:`INFERENCES`.
    moderators, reference
        As for :func:`ipt_outcomes.synthesis.moderators.design_matrix`.
    design
        A design to use instead.
    level
        Level of the intervals.

    Raises
    ------
    SynthesisError
        With fewer than two trials, or moderators that cannot be estimated.

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("ABC"), "estimate": [0.1, 0.5, 0.9],
    ...                              "se": [0.2, 0.22, 0.24]})
    >>> fit = random_effects(effects)
    >>> round(fit.pooled.estimate, 3), fit.pooled.df
    (0.485, 2.0)
    """
    if method not in TAU2_METHODS or inference not in INFERENCES:
        raise SynthesisError(
            f"{method!r} with {inference!r} is not known; choose among {', '.join(TAU2_METHODS)} "
            f"and {'; '.join(INFERENCES)}."
        )
    if design is None:
        design = design_matrix(effects, moderators, reference)
    y, v, X = effects.estimate, effects.variance, design.matrix
    k, p = X.shape
    tau2 = estimate_tau2(y, v, X, method)
    fit = weighted_fit(y, v, X, tau2)
    factor = fit.rss / (k - p)
    df: float = k - p
    scale = factor
    if inference == "normal":
        df, scale = math.inf, 1.0
    elif inference == "hartung-knapp, floored":
        scale = max(1.0, factor)
    covariance = scale * fit.covariance
    test = None
    if design.moderator_columns:
        constraints = design.constraints(design.moderator_columns)
        test = wald_f("moderators", constraints, fit.beta, covariance, df)
    return RandomEffects(
        effects=effects,
        design=design,
        coefficients=infer_all(design.names, fit.beta, covariance, df, level),
        covariance=covariance,
        heterogeneity=heterogeneity(y, v, X, tau2, method, level),
        weights=100 * fit.weights / fit.weights.sum(),
        factor=factor,
        scale=scale,
        inference=inference,
        log_likelihood=log_likelihood(fit, X, reml=method == "REML"),
        moderator_test=test,
        explained=_explained(y, v, tau2, method) if design.moderator_columns else None,
    )


def fixed_effect(effects: Effects, level: float = 0.95) -> RandomEffects:
    """Pool as if all trials had the same effect, for reference."""
    return random_effects(effects, method="FE", inference="normal", level=level)


def prediction_interval(fit: RandomEffects, df: PredictionDf = "k-2") -> Prediction:
    """Give the interval for the true effect in a new trial.

    Parameters
    ----------
    fit
        A model without moderators.
    df
        ``k-2`` (Higgins, Thompson & Spiegelhalter), ``k-1`` or ``normal``.

    Raises
    ------
    SynthesisError
        With moderators, or with too few trials for the degrees of freedom.
    """
    if len(fit.coefficients) > 1:
        raise SynthesisError("a prediction interval of the pooled effect needs a model without "
                             "moderators.")  # fmt: skip
    k = len(fit.effects)
    used = {"k-2": k - 2.0, "k-1": k - 1.0, "normal": math.inf}[df]
    words = {
        "k-2": f"t with k - 2 = {k - 2} df (Higgins–Thompson–Spiegelhalter)",
        "k-1": f"t with k - 1 = {k - 1} df",
        "normal": "normal",
    }[df]
    return predict(fit.pooled, fit.heterogeneity.tau2, used, words)


def predict(pooled: Estimate, tau2: float, df: float, method: str) -> Prediction:
    """Give μ ± t √(τ² + se²).

    Raises
    ------
    SynthesisError
        When the degrees of freedom are below 1.
    """
    if df < 1:
        raise SynthesisError("too few trials for a prediction interval: three are needed for the "
                             "interval on k - 2 degrees of freedom.")  # fmt: skip
    half = t_quantile((1 + pooled.level) / 2, df) * math.sqrt(tau2 + pooled.se**2)
    return Prediction(pooled.estimate - half, pooled.estimate + half, pooled.level, df, method)


def _explained(y: Floats, v: Floats, tau2: float, method: Tau2Method) -> float | None:
    if method == "FE":
        return None
    before = estimate_tau2(y, v, np.ones((len(y), 1)), method)
    return max(0.0, 100 * (before - tau2) / before) if before > 0 else None
