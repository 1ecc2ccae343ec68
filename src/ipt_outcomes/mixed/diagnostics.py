"""After the fit: predictions, random effects, residuals, influence and simulation.

With r = y − Xβ̂ and W = Σ⁻¹ on the visits seen, the best linear unbiased predictions are

    random effects of participants   b_i = G Z_i'W_i (r_i − Z_c u_c)
    effects of clusters              u_c = K_c Z_c'W r
    a visit not seen                 x'β̂ + λ'u_c + Σ_(a,seen) W_i (r_i − Z_c u_c) .

Leaving participant i out, with the covariance held at its estimate, changes the coefficients by
Φ X_i'L_i⁻ᵀ (I − H_i)⁻¹ L_i⁻¹ r_i, H_i = L_i⁻¹ X_i Φ X_i' L_i⁻ᵀ (Preisser & Qaqish 1996, Biometrika
83:551): all participants at once, without refitting.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .clustered import ClusteredLikelihood, ClusterPoint
from .composition import RandomPlusResidual
from .errors import MixedModelError
from .factors import Floats
from .fitted import FittedModel
from .inference_of_fit import participant_blocks


def linear_predictor(fit: FittedModel) -> Floats:
    """Return Xβ̂ of every participant at every visit (participants, T), where the design exists."""
    prepared = fit.prepared
    if prepared.X is not None:
        return np.asarray(prepared.X @ fit.fixed.beta)
    selectors = prepared.design.selectors[:, :, prepared.aliasing.kept]
    return np.asarray(prepared.design.z @ (selectors @ fit.fixed.beta).T)


def cluster_part(fit: FittedModel) -> Floats:
    """Return the predicted cluster effect of every participant at every visit (participants, T)."""
    prepared = fit.prepared
    out = np.zeros(fit.layout.shape)
    if isinstance(fit.likelihood, ClusteredLikelihood) and isinstance(fit.point, ClusterPoint):
        assert prepared.clusters is not None
        member = prepared.clusters.member
        inside = member >= 0
        loading = fit.likelihood.full_loading[prepared.set_of]
        effect = fit.point.u[np.maximum(member, 0)]
        out[inside] = np.einsum("ntq,nq->nt", loading, effect)[inside]
    return out


def conditional_residuals(fit: FittedModel) -> tuple[Floats, Floats]:
    """Return r − Z u (participants, T), zero where not seen, and W of every participant."""
    prepared = fit.prepared
    free = prepared.y - linear_predictor(fit) - cluster_part(fit)
    r = np.where(prepared.seen, free, 0.0)
    W = fit.point.W
    who = prepared.patterns.member if len(W) != len(r) or prepared.X is None else np.arange(len(r))
    weights = W[who]
    if prepared.root_weight is not None:
        root = prepared.root_weight
        weights = weights * root[:, :, None] * root[:, None, :]
    return r, weights


def fitted_table(fit: FittedModel, *, conditional: bool) -> pd.DataFrame:
    """Return the mean of every participant at every visit, wide.

    Parameters
    ----------
    conditional
        Condition on the participant's own outcomes (and the cluster's effect), which also predicts
        visits that were not seen; otherwise the fixed effects alone.

    Raises
    ------
    MixedModelError
        When visits are not common, so that there is no mean where nothing was seen.
    """
    prepared = fit.prepared
    varies = prepared.X is not None or prepared.design.z.shape[1] > len(fit.design.columns)
    mean = linear_predictor(fit)
    if conditional:
        r, W = conditional_residuals(fit)
        moved = (W @ r[:, :, None])[:, :, 0]
        sigma = fit.point.sigma[prepared.set_of]
        mean = mean + cluster_part(fit) + (sigma @ moved[:, :, None])[:, :, 0]
    if varies or fit.specification.visit is None:
        mean = np.where(prepared.seen, mean, np.nan)
    return pd.DataFrame(mean, index=fit.layout.participants, columns=list(fit.layout.visits))


def random_effects_table(fit: FittedModel) -> pd.DataFrame:
    """Return the predicted random effects of participants (BLUPs), one row each.

    Raises
    ------
    MixedModelError
        For models without random effects of participants.
    """
    structure = fit.likelihood.structure
    if not isinstance(structure, RandomPlusResidual):
        raise MixedModelError("the model has no random effects of participants (random='1 + …').")
    r, W = conditional_residuals(fit)
    Z = structure.Z[fit.prepared.set_of]
    G = structure.random_covariance(fit.point.theta)
    moved = (W @ r[:, :, None])[:, :, 0]
    effects = np.einsum("ntq,nt->nq", Z, moved) @ G
    return pd.DataFrame(effects, index=fit.layout.participants, columns=structure.effects)


def cluster_effects_table(fit: FittedModel) -> pd.DataFrame:
    """Return the predicted effects of clusters: cluster, participants, one column per effect.

    Raises
    ------
    MixedModelError
        For models without clusters.
    """
    if not isinstance(fit.point, ClusterPoint) or fit.prepared.clusters is None:
        raise MixedModelError("the model has no clusters (cluster='…').")
    clusters = fit.prepared.clusters
    people = np.bincount(clusters.member[clusters.member >= 0], minlength=len(clusters.labels))
    q = fit.point.u.shape[1]
    names = {
        "intercept": ["effect"],
        "slope": ["slope"],
        "intercept and slope": ["intercept", "slope"],
    }.get(fit.specification.cluster_effect, [f"effect at {v}" for v in fit.layout.visits])
    columns = {names[j]: fit.point.u[:, j] for j in range(q)}
    return pd.DataFrame({"cluster": clusters.labels, "participants": people, **columns})


def residual_table(fit: FittedModel, kind: str) -> pd.DataFrame:
    """Return residuals of the analysed rows: participant, visit, residual.

    ``"raw"`` is y − Xβ̂; ``"normalised"`` is L⁻¹(y − Xβ̂ − Z u) with Σ = LL', uncorrelated with unit
    variance under the model.
    """
    prepared, layout = fit.prepared, fit.layout
    if kind == "raw":
        grid = prepared.y - linear_predictor(fit)
    elif kind == "normalised":
        r, _ = conditional_residuals(fit)
        grid = np.zeros_like(r)
        root = prepared.root_weight
        for g in range(len(prepared.patterns.counts)):
            who = np.flatnonzero(prepared.patterns.member == g)
            at = prepared.patterns.mask[g]
            sigma = fit.point.sigma[prepared.patterns.set_index[g]][np.ix_(at, at)]
            own = r[who][:, at] if root is None else (r * root)[who][:, at]
            grid[np.ix_(who, np.flatnonzero(at))] = np.linalg.solve(
                np.linalg.cholesky(sigma), own.T
            ).T
    else:
        raise MixedModelError(f"residuals are 'raw' or 'normalised', not {kind!r}.")
    return pd.DataFrame(
        {
            "participant": layout.participants[layout.participant],
            "visit": [layout.visits[v] for v in layout.visit],
            "residual": grid[layout.participant, layout.visit],
        }
    )


def influence_table(fit: FittedModel) -> tuple[pd.DataFrame, Floats]:
    """Return Cook's distance and leverage of every participant, and the changes of coefficients.

    The changes β̂ − β̂₍₋ᵢ₎ (participants, estimated coefficients) hold the covariance at its
    estimate; exact ones follow from ``fit.refit`` with jackknife weights.
    """
    if isinstance(fit.likelihood, ClusteredLikelihood):
        raise MixedModelError("influence is not available for models with clusters.")
    prepared, phi = fit.prepared, fit.fixed.phi
    p = len(phi)
    changes = np.empty((fit.n_participants, p))
    leverage = np.empty(fit.n_participants)
    order = np.argsort(prepared.patterns.member, kind="stable")
    position = 0
    for X, r, lower in participant_blocks(prepared, fit.likelihood, fit.point):
        both = np.linalg.solve(lower, np.concatenate([X, r[:, :, None]], axis=2))
        own, moved = both[:, :, :p], both[:, :, p:]
        hat = own @ phi @ own.transpose(0, 2, 1)
        left = np.eye(hat.shape[1]) - hat
        values = np.linalg.eigvalsh(left)[:, 0]
        solved = np.full(moved.shape, np.nan)
        fine = values > 1e-10
        if fine.any():
            solved[fine] = np.linalg.solve(left[fine], moved[fine])
        who = order[position : position + len(X)]
        changes[who] = (own.transpose(0, 2, 1) @ solved)[:, :, 0] @ phi
        leverage[who] = np.trace(hat, axis1=1, axis2=2)
        position += len(X)
    cook = np.einsum("np,pq,nq->n", changes, np.linalg.inv(phi), changes) / p
    table = pd.DataFrame(
        {"participant": fit.layout.participants, "cook": cook, "leverage": leverage}
    )
    return table, changes


def simulate(fit: FittedModel, replicates: int, seed: int | np.random.Generator) -> Floats:
    """Draw outcomes from the fitted model with the design and the gaps of the data.

    Parameters
    ----------
    replicates
        Number of data sets R.
    seed
        Seed or generator.

    Returns
    -------
    Outcomes (R, participants, visits), not a number where nothing was seen.
    """
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise MixedModelError(f"seed={seed!r} must be a whole number or a generator.") from error
    if replicates < 0:
        raise MixedModelError(f"replicates={replicates} must not be negative.")
    prepared = fit.prepared
    people, T = fit.layout.shape
    mean = linear_predictor(fit)
    out = np.broadcast_to(mean, (replicates, people, T)).copy()
    factors = np.linalg.cholesky(fit.point.sigma + 1e-300)
    noise = rng.standard_normal((replicates, people, T, 1))
    drawn = (factors[prepared.set_of] @ noise)[..., 0]
    if prepared.root_weight is not None:
        root = prepared.root_weight
        drawn = drawn * np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    out += drawn
    if isinstance(fit.likelihood, ClusteredLikelihood) and prepared.clusters is not None:
        member = prepared.clusters.member
        _, psi = fit.likelihood.split(fit.point.theta)
        Psi = fit.likelihood.effect.sigma(psi)[prepared.clusters.group]
        values, vectors = np.linalg.eigh(Psi)
        root_psi = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        effects = root_psi @ rng.standard_normal((replicates, *Psi.shape[:2], 1))
        inside = np.flatnonzero(member >= 0)
        loading = fit.likelihood.full_loading[prepared.set_of[inside]]
        out[:, inside] += np.einsum("ntq,rnq->rnt", loading, effects[..., 0][:, member[inside]])
    return np.where(prepared.seen, out, np.nan)
