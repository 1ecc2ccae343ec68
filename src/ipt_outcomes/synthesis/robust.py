r"""Cluster-robust inference for dependent rows: CR2 with Satterthwaite degrees of freedom.

The coefficients are those of a working model, here correlated and hierarchical effects (CHE): the
three-level model with an assumed correlation ρ between outcomes of the same people in V. Their
covariance, however, is taken from the trials' residuals and does not need the working model to be
true. With Ω_j the working covariance, W_j = Ω_j⁻¹, M = (Σ X'WX)⁻¹ and r_j the residuals,

    C = M [Σ_j X_j'W_j A_j r_j r_j' A_j' W_j X_j] M,
    A_j = D_j' B_j^{+1/2} D_j,   B_j = D_j (Ω_j - X_j M X_j') D_j',   D_j'D_j = Ω_j,

which is unbiased when the working model holds. For a coefficient or contrast c, the estimate
c'Cc = Σ_j (p_j'r_j)², p_j = A_j'W_jX_jMc, is matched to a χ² by its first two moments under the
working model (Satterthwaite): with G_ij = [i=j] p_i'Ω_ip_i - p_i'X_iMX_j'p_j,

    df = (Σ_i G_ii)² / Σ_ij G_ij².

q coefficients together have the approximate Hotelling T² test (HTZ): with the q × q blocks R_ij of
the same matrix, C standardised by its expectation,

    η = q (q + 1) / Σ_ij [(tr R_ij)² + tr(R_ij R_ij)],   F = (η - q + 1)/(η q) × Wald

on q and η - q + 1 degrees of freedom. Below 4 degrees of freedom p-values of either kind are not to
be trusted.

Sources: Bell & McCaffrey (2002), Survey Methodology 28:169; Tipton (2015), Psychological Methods
20:375; Tipton & Pustejovsky (2015), J. Educ. Behav. Stat. 40:604; Pustejovsky & Tipton (2018), J.
Business & Economic Statistics 36:672; Pustejovsky & Tipton (2022), Prevention Science 23:425.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ipt_outcomes.synthesis.dependence import with_dependence
from ipt_outcomes.synthesis.effects import Effects, Floats
from ipt_outcomes.synthesis.inference import Estimate, JointTest, infer
from ipt_outcomes.synthesis.moderators import Design
from ipt_outcomes.synthesis.pooling import Prediction, predict
from ipt_outcomes.synthesis.three_level import ThreeLevel, three_level

FEW_DF = 4.0
"""Below these degrees of freedom the approximation behind the p-values fails (Tipton 2015)."""


@dataclass(frozen=True, eq=False)
class Robust:
    """A model of dependent rows with cluster-robust inference.

    Parameters
    ----------
    working
        The fitted working model.
    coefficients
        One per column of the design, with CR2 errors and Satterthwaite degrees of freedom.
    covariance
        Their CR2 covariance.
    correlation
        ρ of the working model; None when the working covariance was given.
    moderator_test
        HTZ test that all moderators are without effect; None without moderators.
    factors
        For each trial, A_j'W_jX_jM, of which every p_j is a combination.
    """

    working: ThreeLevel
    coefficients: tuple[Estimate, ...]
    covariance: Floats
    correlation: float | None
    moderator_test: JointTest | None
    factors: _Factors

    @property
    def effects(self) -> Effects:
        """The effects, with the working covariance."""
        return self.working.effects

    @property
    def pooled(self) -> Estimate:
        """The pooled effect (the intercept, where there are moderators)."""
        return self.coefficients[0]

    @property
    def weights(self) -> Floats:
        """Weight of each row in the pooled effect, in percent; of a model without moderators."""
        point = self.working.point
        weights: Floats = np.zeros(len(self.effects))
        for part, S in zip(self.working.parts, point.inverse, strict=True):
            weights[part.rows] = np.einsum("p,mnp->mn", point.covariance[0], S @ part.X)
        return np.asarray(100 * weights / weights.sum())

    @property
    def method(self) -> str:
        """Model and inference in words."""
        rho = "" if self.correlation is None else f" with correlation {self.correlation:g}"
        return (
            f"correlated and hierarchical effects{rho}, REML, cluster-robust CR2 errors, "
            "Satterthwaite df"
        )

    def prediction(self) -> Prediction:
        """Give the interval for the true effect of a new row in a new trial.

        It uses the robust standard error and the working model's variances: unlike the test of
        the pooled effect it does depend on the working model.
        """
        df = min(self.pooled.df, len(self.effects.trials) - 2)
        words = f"t with {df:.1f} df, variances of the working model"
        return predict(self.pooled, self.working.between + self.working.within, df, words)


@dataclass(frozen=True, eq=False)
class _Factors:
    """Of each trial j: F_j = A_j'W_jX_jM (n_j, p), X_jM-side products, and F_j'Ω_jF_j."""

    score: Floats  # F_j'r_j, shape (J, p)
    own: Floats  # F_j'Ω_jF_j, shape (J, p, p)
    design: Floats  # F_j'X_j, shape (J, p, p)
    covariance: Floats  # M, shape (p, p)

    def moments(self, C: Floats) -> Floats:
        """Return Cov(C F_i'r_i, C F_j'r_j) under the working model, shape (J, J, q, q)."""
        FX = np.einsum("qp,jps->jqs", C, self.design)
        cross: Floats = -np.einsum("iqs,st,jrt->ijqr", FX, self.covariance, FX)
        at = np.arange(len(self.score))
        cross[at, at] += np.einsum("qp,jps,rs->jqr", C, self.own, C)
        return cross


def robust(
    effects: Effects,
    *,
    correlation: float = 0.6,
    moderators: Sequence[str] = (),
    reference: Mapping[str, str] | None = None,
    design: Design | None = None,
    level: float = 0.95,
) -> Robust:
    """Fit the CHE working model and give cluster-robust inference.

    Parameters
    ----------
    effects
        The effects; some trials have several rows.
    correlation
        Assumed correlation ρ of outcomes of the same participants.
    moderators, reference, design
        As for :func:`ipt_outcomes.synthesis.pooling.random_effects`.
    level
        Level of the intervals.

    Raises
    ------
    SynthesisError
        As :func:`ipt_outcomes.synthesis.three_level.three_level`.

    Examples
    --------
    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> effects = make_effects("g", {"trial": list("AABBCD"), "se": [0.2] * 6,
    ...     "outcome": ["BDI", "HAM-D"] * 3, "estimate": [0.1, 0.3, 0.8, 1.0, 0.4, 0.6]})
    >>> fit = robust(effects)
    >>> round(fit.pooled.estimate, 3), round(fit.pooled.df, 2)
    (0.526, 2.99)
    """
    model = three_level(
        with_dependence(effects, correlation),
        moderators=moderators,
        reference=reference,
        design=design,
        level=level,
    )
    return robust_inference(model, correlation)


def robust_inference(model: ThreeLevel, correlation: float | None = None) -> Robust:
    """Give cluster-robust inference for any fitted three-level model.

    Parameters
    ----------
    model
        The working model.
    correlation
        The ρ in its sampling covariance, for the record.
    """
    factors = _factors(model)
    covariance = factors.score.T @ factors.score
    identity = np.eye(len(model.coefficients))
    coefficients = tuple(
        robust_contrast(factors, model, identity[i], name)
        for i, name in enumerate(model.design.names)
    )
    test = None
    if model.design.moderator_columns:
        constraints = model.design.constraints(model.design.moderator_columns)
        test = _htz(factors, model, constraints, "moderators")
    return Robust(model, coefficients, covariance, correlation, test, factors)


def robust_contrast(factors: _Factors, model: ThreeLevel, c: Floats, name: str) -> Estimate:
    """Estimate a combination c of the coefficients, with its Satterthwaite df."""
    G = factors.moments(c[None, :])[:, :, 0, 0]
    df = float(np.trace(G) ** 2 / np.sum(G**2))
    se = float(np.sqrt(np.sum((factors.score @ c) ** 2)))
    return infer(name, float(c @ model.point.beta), se, df, model.level)


def robust_test(fit: Robust, constraints: Floats, name: str) -> JointTest:
    """Test that combinations of the coefficients are all zero (HTZ).

    Parameters
    ----------
    fit
        The fitted model.
    constraints
        Shape (q, p).
    name
        What is tested.
    """
    return _htz(fit.factors, fit.working, constraints, name)


def _factors(model: ThreeLevel) -> _Factors:
    M = model.point.covariance
    score, own, design = [], [], []
    for part, S, r in zip(model.parts, model.point.inverse, model.point.residuals, strict=True):
        omega = np.linalg.inv(S)
        for X, W, O, residual in zip(part.X, S, omega, r, strict=True):  # noqa: E741
            D = np.linalg.cholesky((O + O.T) / 2).T
            B = D @ (O - X @ M @ X.T) @ D.T
            F = D.T @ _inverse_root(B) @ D @ W @ X @ M
            score.append(F.T @ residual)
            own.append(F.T @ O @ F)
            design.append(F.T @ X)
    return _Factors(np.array(score), np.array(own), np.array(design), M)


def _inverse_root(B: Floats) -> Floats:
    """Return the symmetric root of the Moore–Penrose inverse."""
    values, vectors = np.linalg.eigh((B + B.T) / 2)
    positive = values > 1e-12 * max(float(values.max()), np.finfo(float).tiny)
    roots = np.where(positive, 1 / np.sqrt(np.where(positive, values, 1.0)), 0.0)
    root: Floats = (vectors * roots) @ vectors.T
    return root


def _htz(factors: _Factors, model: ThreeLevel, C: Floats, name: str) -> JointTest:
    q = len(C)
    moments = factors.moments(C)
    expected = np.einsum("jjqr->qr", moments)
    values, vectors = np.linalg.eigh(expected)
    root = (vectors / np.sqrt(values)) @ vectors.T
    R = np.einsum("ab,ijbc,cd->ijad", root, moments, root)
    traces = np.einsum("ijaa->ij", R)
    spread = float(np.sum(traces**2) + np.einsum("ijab,ijba->", R, R))
    eta = q * (q + 1) / spread
    b = C @ model.point.beta
    covariance = C @ (factors.score.T @ factors.score) @ C.T
    wald = float(b @ np.linalg.solve(covariance, b))
    df = eta - q + 1
    if df <= 0:
        return JointTest(name, float("nan"), q, float("nan"), float("nan"))
    F = df / (eta * q) * wald
    return JointTest(name, F, q, df, float(stats.f.sf(F, q, df)))
