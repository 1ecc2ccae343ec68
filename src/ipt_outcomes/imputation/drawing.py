r"""Draws: the parameters (β, Σ) of the imputation model, once per imputed data set.

========================================  =====================================================
method                                    what is drawn, and from what
========================================  =====================================================
``"jackknife"``                           the REML fit, and each fit without one participant
``"bootstrap"``                           the REML fit, and fits to resampled participants
``"approximate bayes"``                   fits to resampled participants; they stand for draws
                                          from the posterior, and the *trial itself* is imputed
``"posterior"``                           β and Σ from the normal approximation of the posterior
                                          at the REML fit
``"bootstrapped imputation"``             fits to resampled participants, and the *resample* is
                                          imputed, several times each
========================================  =====================================================

The first two impute conditional means (Wolbers et al. 2022, Pharm Stat 21:1246), the others draw
at random (Rubin 1987; Little & Rubin 2020, §10.2.3, for the bootstrap as an approximate posterior;
von Hippel & Bartlett 2021, Stat Sci 36:400). Participants are resampled within arms. All fits are
made by the engine in one batch from re-weighted participants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.mixed import MixedModelFit, mixed_model
from ipt_outcomes.mixed.refit import refit

from .errors import ImputationError, listed
from .incomplete import Floats, IncompleteTrial
from .progress import Progress

Method = Literal[
    "jackknife", "bootstrap", "approximate bayes", "posterior", "bootstrapped imputation"
]
CONDITIONAL_MEAN = ("jackknife", "bootstrap")
# Newton decrement of the refits. Jackknife differences are small parts of their parameters and need
# many digits; those of the others are drowned by the randomness of the draws.
JACKKNIFE_TOLERANCE = 1e-15
RANDOM_TOLERANCE = 1e-9
# Share of bootstrap refits that may fail before the model is refused. A covariate level of three
# participants is absent from one resample in twenty; such resamples are replaced and counted.
FAILED = 0.2
LARGEST_JACKKNIFE = 4000
REFITS = 500  # made together; progress is told in between


@dataclass(frozen=True)
class Draws:
    """Parameters per imputed data set.

    Attributes
    ----------
    trial
        What is imputed.
    fit
        The imputation model fitted to the trial.
    method
        How the parameters were drawn.
    beta, sigma
        Coefficients (R, p) and covariance of the visits per arm or for all (R, sets, T, T). For
        conditional means the first is the fit to the trial itself.
    weights
        How often each participant counts, (R, N), or ``None`` when each counts once.
    resample
        For bootstrapped imputation: which participants stand in each resample (R, N).
    per_draw
        Imputations per draw.
    seed
        Entropy of the random parts of the imputation.
    failed
        Refits to resamples that did not converge and were replaced by further resamples.
    """

    trial: IncompleteTrial
    fit: MixedModelFit
    method: Method
    beta: Floats
    sigma: Floats
    weights: Floats | None
    resample: NDArray[np.int64] | None
    per_draw: int
    seed: np.random.SeedSequence
    failed: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def conditional_mean(self) -> bool:
        """Whether conditional means are imputed rather than random values."""
        return self.method in CONDITIONAL_MEAN

    def __len__(self) -> int:
        return len(self.beta)


def draws(
    trial: IncompleteTrial,
    method: Method = "jackknife",
    number: int = 200,
    *,
    rng: np.random.Generator | int | None = None,
    per_draw: int = 2,
) -> Draws:
    """Draw the parameters of the imputation model.

    Parameters
    ----------
    trial
        The incomplete trial.
    method
        See the table of this module. The jackknife has as many draws as participants.
    number
        Draws of the other methods.
    rng
        Stream of random numbers (see :func:`.streams.stream`); not needed for the jackknife.
    per_draw
        Imputations per resample, for bootstrapped imputation only (at least 2).

    Raises
    ------
    ImputationError
        When refits fail, with the participants or the share of resamples concerned.
    ipt_outcomes.mixed.MixedModelError
        When the imputation model cannot be fitted.

    Examples
    --------
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> drawn = draws(small_trial(), "jackknife")
    >>> len(drawn), drawn.conditional_mean
    (41, True)
    """
    known = {"jackknife", *CONDITIONAL_MEAN, "approximate bayes", "posterior",
             "bootstrapped imputation"}  # fmt: skip
    if method not in known:
        raise ImputationError(f"no method is called {method!r}; known are {listed(sorted(known))}.")
    if method != "jackknife" and (number < 2 or rng is None):
        raise ImputationError(
            f"{method!r} needs at least two draws and a stream of random numbers (rng)."
        )
    if method == "jackknife" and len(trial.participants) > LARGEST_JACKKNIFE:
        raise ImputationError(
            f"a jackknife of {len(trial.participants)} participants needs as many refits; with "
            f"more than {LARGEST_JACKKNIFE} use the bootstrap, which is as good there."
        )
    if method == "bootstrapped imputation" and per_draw < 2:
        raise ImputationError(
            "bootstrapped imputation needs at least two imputations per resample."
        )
    generator = np.random.default_rng(rng)
    fit = fit_model(trial)
    seed = np.random.SeedSequence(generator.integers(2**63, size=2).tolist())
    first_beta, first_sigma = fit.beta[None], fit.point.sigma[None]
    N = len(trial.participants)
    if method == "jackknife":
        weights = 1.0 - np.eye(N)
        beta, sigma, good = _refits(trial, fit, weights, JACKKNIFE_TOLERANCE)
        if not good.all():
            who = [trial.participants[i] for i in np.flatnonzero(~good)]
            raise ImputationError(
                f"without {listed(who)} the imputation model cannot be fitted: the jackknife "
                "leaves out one participant at a time, so no arm, visit or covariate level may "
                "hang on a single participant. Use a simpler model or another inference.",
                shareable=f"without one of {len(who)} participants the imputation model cannot be "
                "fitted, so no jackknife can be made",
            )
        weights = np.vstack([np.ones(N), weights])
        beta, sigma = np.vstack([first_beta, beta]), np.concatenate([first_sigma, sigma])
        return Draws(trial, fit, method, beta, sigma, weights, None, 1, seed)
    if method == "posterior":
        beta, sigma = posterior(fit, number, generator)
        return Draws(trial, fit, method, beta, sigma, None, None, 1, seed)
    beta, sigma, members, failed = _bootstrap(trial, fit, number, generator)
    if method == "bootstrap":
        weights = np.vstack([np.ones(N), counts_of(members, N)])
        beta, sigma = np.vstack([first_beta, beta]), np.concatenate([first_sigma, sigma])
        return Draws(trial, fit, method, beta, sigma, weights, None, 1, seed, failed)
    if method == "approximate bayes":
        return Draws(trial, fit, method, beta, sigma, None, None, 1, seed, failed)
    return Draws(trial, fit, method, beta, sigma, None, members, per_draw, seed, failed)


def fit_model(trial: IncompleteTrial) -> MixedModelFit:
    """Fit the imputation model to the trial's own data."""
    frame = trial.grid.assign(**{trial.names["outcome"]: trial.modelled.ravel()})
    arm = trial.names["arm"]
    seen = np.isfinite(trial.modelled)
    unseen = [str(v) for v, s in zip(trial.visits, seen.T, strict=True) if not s.any()]
    empty = [str(a) for k, a in enumerate(trial.arms) if not seen[trial.arm == k].any()]
    findings = []
    if unseen:
        findings.append(
            f"at {listed(unseen)} every observed score lies after an event with a strategy other "
            "than MAR: nothing is left from which the visit's mean could be estimated."
        )
    if empty:
        findings.append(f"nobody of {listed(empty)} has a score before their event.")
    if findings:
        raise ImputationError(findings, shareable=" ".join(findings))
    reference = {} if trial.reference is None else {arm: trial.reference}
    return mixed_model(
        trial.formula,
        frame,
        participant=trial.names["participant"],
        visit=trial.names["visit"],
        covariance=trial.covariance,
        covariance_by=arm if trial.covariance_by_arm else None,
        reference=reference if arm in trial.formula else {},
        df="normal",
        fallback=["toeplitz", "compound symmetry"],
    )


def counts_of(members: NDArray[np.int64], number: int) -> Floats:
    """Count how often each participant stands in each resample.

    Examples
    --------
    >>> counts_of(np.array([[0, 0, 2]]), 3).tolist()
    [[2.0, 0.0, 1.0]]
    """
    out = np.zeros((len(members), number))
    np.add.at(out, (np.arange(len(members))[:, None], members), 1.0)
    return out


def resample_within_arms(
    trial: IncompleteTrial, number: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw participants with replacement within their arms, shape (number, N)."""
    out = np.empty((number, len(trial.arm)), np.int64)
    groups = [np.flatnonzero(trial.arm == k) for k in range(len(trial.arms))]
    for r in range(number):
        # One resample after the other: more of them leave the first ones as they were.
        for who in groups:
            out[r, who] = who[rng.integers(len(who), size=len(who))]
    return out


def _bootstrap(
    trial: IncompleteTrial, fit: MixedModelFit, number: int, rng: np.random.Generator
) -> tuple[Floats, Floats, NDArray[np.int64], int]:
    """Refit to resamples; those that do not converge are replaced by further ones, and counted."""
    N = len(trial.participants)
    allowed = max(3, int(np.ceil(FAILED * number)))
    pieces: list[tuple[Floats, Floats, NDArray[np.int64]]] = []
    wanted, failed = number, 0
    while wanted:
        members = resample_within_arms(trial, wanted, rng)
        beta, sigma, good = _refits(trial, fit, counts_of(members, N), RANDOM_TOLERANCE)
        pieces.append((beta[good], sigma[good], members[good]))
        wanted = int((~good).sum())
        failed += wanted
        if failed > allowed:
            why = (
                f"{failed} of {number + failed - wanted} refits to resampled participants failed "
                f"(at most {allowed} may): the imputation model is too rich for these data. Use "
                "fewer covariates or a simpler covariance."
            )
            raise ImputationError(why, shareable=why)
    beta, sigma, members = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return beta, sigma, members, failed


def _refits(
    trial: IncompleteTrial, fit: MixedModelFit, weights: Floats, tolerance: float
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Refit to re-weighted participants; those without a modelled score do not enter the fit."""
    place: dict[Any, int] = {name: i for i, name in enumerate(trial.participants)}
    columns = np.array([place[name] for name in fit.layout.participants])
    inside = weights[:, columns]
    # Leaving out somebody who is not in the fit changes nothing: the fit itself is taken then.
    same = (inside == 1.0).all(1)
    beta = np.repeat(fit.beta[None], len(weights), 0)
    sigma = np.repeat(fit.point.sigma[None], len(weights), 0)
    good = np.ones(len(weights), bool)
    if not same.all():
        wanted = np.flatnonzero(~same)
        progress = Progress("refits of the imputation model", len(wanted))
        for begin in range(0, len(wanted), REFITS):
            part = wanted[begin : begin + REFITS]
            found = refit(fit, weights=inside[part], tolerance=tolerance)
            beta[part], sigma[part], good[part] = found.beta, found.sigma, found.converged
            progress.done(len(part))
    return beta, sigma, good


def posterior(fit: MixedModelFit, number: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw Σ from the normal approximation of its posterior, then β given Σ exactly.

    Draws of Σ that are not positive definite are drawn again.

    Raises
    ------
    ImputationError
        When most draws of Σ are not positive definite: the approximation is of no use then.
    """
    likelihood, point = fit.likelihood, fit.point
    root = np.linalg.cholesky(fit.fixed.omega)
    betas: list[Floats] = []
    sigmas: list[Floats] = []
    tried = 0
    while len(betas) < number:
        theta = point.theta + root @ rng.standard_normal(len(point.theta))
        z = rng.standard_normal(len(fit.aliasing.kept))
        tried += 1
        found = likelihood.at(theta)
        if found is not None:
            beta = np.full(len(fit.design.columns), np.nan)
            free = found.beta + fit.prepared.statistics.offset
            beta[fit.aliasing.kept] = free + np.linalg.solve(found.chol.T, z)
            betas.append(beta)
            sigmas.append(found.sigma)
        if tried > 20 and len(betas) < tried / 2:
            raise ImputationError(
                "most draws of the covariance are not positive definite: the trial is too small "
                "for a normal approximation of the posterior. Use 'approximate bayes'."
            )
    return np.array(betas), np.array(sigmas)
