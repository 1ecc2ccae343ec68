"""``mixed_model``: one call from a data frame and a formula to a fitted mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .boundary import Cone, FactoredLikelihood
from .catalogue import FALLBACK, make_structure
from .cluster_effects import cluster_effect, sum_cells
from .clustered import ClusteredLikelihood
from .composition import Grouped, RandomPlusResidual
from .covariances import Structure, Unstructured
from .errors import ConvergenceError
from .factors import Floats, level_label
from .fit import MixedModelFit
from .inference_of_fit import fixed_effects
from .likelihood import Likelihood, Point
from .optimise import Convergence, maximise
from .prepare import Prepared, prepare
from .source import Source
from .specification import specify
from .statistics import Statistics
from .threads import single_threaded


def mixed_model(
    formula: str,
    frame: pd.DataFrame,
    *,
    participant: str,
    visit: str | None = None,
    covariance: str | None = None,
    df: str = "kenward-roger",
    reml: bool = True,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
    information: str = "observed",
    standard_errors: str = "model",
    covariance_by: str | None = None,
    weights: str | None = None,
    time: str | None = None,
    random: str | None = None,
    cluster: str | None = None,
    cluster_where: str | None = None,
    cluster_effect: str = "intercept",
    cluster_by: str | None = None,
    cluster_covariance: str = "compound symmetry",
    fallback: bool | list[str] = True,
) -> MixedModelFit:
    """Fit a Gaussian mixed model for repeated measures.

    Parameters
    ----------
    formula
        ``"change ~ baseline*visit + arm*visit + site"``. The visit column is a factor wherever
        the formula names it; ``I(visit)`` is its number.
    frame
        Long data: one row per participant and visit. Rows with a missing outcome or covariate
        are left out and counted (``fit.counts``).
    participant, visit
        Names of the identifying columns. Visits are ordered by an ordered categorical or by
        their numbers; unordered text is refused.
    covariance
        Covariance of the visits within a participant, by name or mmrm's code; by default
        unstructured, or independent residuals beside random effects.
    df
        ``"kenward-roger"`` (second-order in natural parameters), ``"kenward-roger-linear"``,
        ``"kenward-roger-mmrm"`` (for validation against R's mmrm), ``"satterthwaite"``,
        ``"between-within"``, ``"residual"`` or ``"normal"``.
    reml
        Restricted maximum likelihood (default) or full maximum likelihood.
    reference
        Reference level per categorical column, for instance ``{"arm": "MED"}``.
    level
        Confidence level of intervals.
    information
        Information of the covariance parameters behind df and adjusted covariances:
        ``"observed"`` (as mmrm and SAS) or ``"expected"`` (as pbkrtest).
    standard_errors
        ``"model"``, or the sandwich ``"CR0"``, ``"CR2"``, ``"CR3"``.
    covariance_by
        Column that gives every group a covariance of its own (beside random effects: a residual
        covariance of its own).
    weights
        Column of positive analytic weights: the variance of a row is divided by its weight.
    time
        Numeric column of real times, for the spatial exponential and for slopes of clusters.
    random
        Participants' random effects, for instance ``"1 + week"``.
    cluster, cluster_where, cluster_effect, cluster_by
        Random effect of therapists, groups or sites, see the methods page. ``cluster_where``
        selects the rows that have clusters (``"arm != 'MED'"``), ``cluster_effect`` is
        ``"intercept"``, ``"by visit"``, ``"slope"`` or ``"intercept and slope"``,
        ``cluster_by`` gives each of its levels a variance of its own.
    cluster_covariance
        Covariance of the effects of one cluster at different visits, for ``"by visit"``:
        ``"compound symmetry"`` (a constant part and a part of its own at each visit),
        ``"heterogeneous independent"``, ``"heterogeneous compound symmetry"``, ``"unstructured"``.
    fallback
        Covariances tried in order when one does not converge: ``True`` for heterogeneous Toeplitz,
        heterogeneous AR(1), heterogeneous compound symmetry, compound symmetry; a list; or
        ``False``. The steps are recorded and printed.

    Raises
    ------
    MixedModelError
        For data or requests that give no model, with every finding.

    References
    ----------
    Kenward & Roger (1997) Biometrics 53:983; Fai & Cornelius (1996) J Stat Comput Simul 54:363;
    Pinheiro & Bates (2000) Mixed-Effects Models in S and S-PLUS.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"id": np.repeat(np.arange(30), 2), "week": np.tile([4, 8], 30)})
    >>> data["arm"] = np.where(data["id"] % 2, "IPT", "MED")
    >>> data["score"] = rng.normal(10, 3, 60)
    >>> fit = mixed_model("score ~ arm*week", data, participant="id", visit="week",
    ...                   reference={"arm": "MED"})
    >>> fit.contrasts("arm", by="week")["contrast"].tolist()
    ['IPT - MED', 'IPT - MED']
    """
    specification = specify(
        formula=formula,
        participant=participant,
        visit=visit,
        covariance=covariance,
        df=df,
        reml=reml,
        level=level,
        information=information,
        standard_errors=standard_errors,
        covariance_by=covariance_by,
        weights=weights,
        time=time,
        random=random,
        cluster=cluster,
        cluster_where=cluster_where,
        cluster_effect=cluster_effect,
        cluster_by=cluster_by,
        cluster_covariance=cluster_covariance,
        fallback=fallback,
        fallback_order=FALLBACK,
    )
    with single_threaded():
        return fit_prepared(prepare(specification, Source(frame), dict(reference or {})))


def fit_prepared(prepared: Prepared) -> MixedModelFit:
    """Fit, falling back through the covariances of the request.

    Raises
    ------
    ConvergenceError
        When none converged, with what happened to each.
    """
    spec = prepared.spec
    steps: list[tuple[str, str]] = []
    for name in (spec.covariance, *spec.fallback):
        structure = build_structure(prepared, name)
        likelihood = build_likelihood(prepared, structure)
        solution = solve(likelihood, prepared)
        if solution is None:
            steps.append((name, "the likelihood cannot be evaluated at the start"))
            continue
        point, observed, convergence, notes = solution
        steps.append((name, convergence.message))
        if not convergence.converged:
            continue
        boundary = bool(notes)
        kind = "expected" if boundary or spec.information == "expected" else "observed"
        information = observed if kind == "observed" else likelihood.hessian(point, "expected")
        if boundary and spec.information == "observed":
            notes.append("at the boundary the expected information stands for the observed one")
        fixed = fixed_effects(spec, prepared, likelihood, point, information)
        return MixedModelFit(
            specification=spec,
            prepared=prepared,
            likelihood=likelihood,
            point=point,
            convergence=convergence,
            fixed=fixed,
            covariance_used=name,
            steps=steps,
            notes=[*prepared.design.notes, *notes],
        )
    raise ConvergenceError([f"covariance {name!r} was not fitted: {what}" for name, what in steps])


def build_structure(prepared: Prepared, name: str) -> Structure:
    """Put the covariance together: by name, by group, beside random effects."""
    spec = prepared.spec
    labels = [level_label(v) for v in prepared.layout.visits]
    times = prepared.times if name == "spatial exponential" else None
    base = make_structure(name, labels, times)
    structure = base
    if spec.covariance_by is not None or (base.sets == 1 and prepared.sets > 1):
        at = np.arange(prepared.sets) if base.sets > 1 else np.zeros(prepared.sets, np.int64)
        structure = Grouped(base, prepared.groups, prepared.group_of_set, at)
        if spec.covariance_by is None:
            structure.names = base.names
    if prepared.Z is not None and prepared.random is not None:
        return RandomPlusResidual(prepared.Z, prepared.random.names, structure)
    return structure


def build_likelihood(prepared: Prepared, structure: Structure) -> Likelihood:
    """Return the likelihood of the prepared data under a structure."""
    spec = prepared.spec
    if prepared.clusters is None:
        return Likelihood(prepared.statistics, structure, reml=spec.reml)
    cells = sum_cells(prepared)
    loading, effect = cluster_effect(prepared)
    return ClusteredLikelihood(
        prepared.statistics, structure, cells, loading, effect, reml=spec.reml
    )


def solve(
    likelihood: Likelihood, prepared: Prepared
) -> tuple[Point, Floats, Convergence, list[str]] | None:
    """Maximise, first freely, then on the boundary if a covariance of random effects left its cone.

    Returns
    -------
    Point, observed Hessian, convergence, and notes when the maximum lies on the boundary.
    """
    start = starting_values(likelihood)
    cones = find_cones(likelihood)
    found = maximise(likelihood, start)
    if found is not None and (found[2].converged or not cones):
        point, hessian, convergence = found
        if not any(cone.outside(point.theta) for cone in cones):
            return point, hessian, convergence, []
    if not cones:
        return None
    factored = FactoredLikelihood(likelihood, cones)
    begin = start if found is None else found[0].theta
    best = maximise(factored, factored.factored(begin), at_boundary=True)
    if best is None:
        best = maximise(factored, factored.factored(start), at_boundary=True)
        if best is None:
            return None
    outer, hessian, convergence = best
    inner = outer.inner
    notes = []
    for cone in cones:
        # Measured against the starting values, which carry the units of the outcome.
        scale = np.sqrt(np.diag(cone.matrix(start)))
        values = np.linalg.eigvalsh(cone.matrix(inner.theta) / np.outer(scale, scale))
        if values[0] <= 1e-7 * max(1.0, float(values[-1])):
            zero = (
                "is zero" if cone.size == 1 else "is singular (a variance or a correlation of ±1)"
            )
            notes.append(f"boundary: the covariance of {cone.what} {zero}")
    natural = likelihood.hessian(inner, "observed")
    return inner, natural, convergence, notes


def find_cones(likelihood: Likelihood) -> list[Cone]:
    """Return the covariance matrices of random effects among the parameters."""
    structure = likelihood.structure
    cones = []
    if isinstance(structure, RandomPlusResidual):
        cones.append(Cone(0, structure.q, "the random effects of participants"))
    if isinstance(likelihood, ClusteredLikelihood):
        effect = likelihood.effect
        base = effect.base if isinstance(effect, Grouped) else effect
        size = {True: effect.visits, False: 1}[isinstance(base, Unstructured)]
        step = size * (size + 1) // 2
        if base.linear:
            for j in range(0, effect.parameters, step):
                what = f"the clusters ({effect.names[j]})"
                cones.append(Cone(structure.parameters + j, size, what))
    return cones


def starting_values(likelihood: Likelihood) -> Floats:
    """Return starting values from the least-squares residuals."""
    statistics, structure = likelihood.statistics, likelihood.structure
    moments = moment_covariance(statistics, structure.sets)
    start = structure.start(moments)
    if isinstance(structure, RandomPlusResidual) and structure.linear:
        start = project_moments(likelihood, structure, start)
    if isinstance(likelihood, ClusteredLikelihood):
        effect, loading = likelihood.effect, likelihood.loading
        size = (loading**2).sum(2)[statistics.mask].mean()
        total = float(np.mean(np.diagonal(moments[0])))
        share = np.diag((loading**2).sum((0, 1)) > 0).astype(float) * 0.05 * total / size
        matrices = np.broadcast_to(share, (effect.sets, *share.shape))
        start = np.concatenate([start, effect.start(matrices)])
    return start


def project_moments(likelihood: Likelihood, structure: RandomPlusResidual, start: Floats) -> Floats:
    """Regress the products of least-squares residuals on ∂Σ/∂θ (MINQUE with Σ = I)."""
    statistics = likelihood.statistics
    D = structure.first(start)
    products = statistics.residual_products(np.zeros(statistics.coefficients))
    k = len(D)
    cross, right = np.zeros((k, k)), np.zeros(k)
    for part in likelihood.chunks(k):
        own = np.where(likelihood.pair[part], D[:, statistics.set_index[part]], 0.0)
        flat = own.reshape(k, -1)
        size = np.broadcast_to(statistics.n[part][:, None, None], own.shape[1:]).ravel()
        cross += (flat * size) @ flat.T
        right += flat @ products[part].ravel()
    theta: Floats = np.asarray(np.linalg.lstsq(cross, right, rcond=None)[0], float)
    q = structure.q
    G = structure.random_covariance(theta)
    fallback = structure.random_covariance(start)
    diagonal = np.maximum(np.diag(G), 0.05 * np.diag(fallback))
    scale = np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(
        np.where(np.eye(q, dtype=bool), 1.0, G / np.outer(scale, scale))
    )
    G = (vectors * np.maximum(values, 0.1)) @ vectors.T * np.outer(scale, scale)
    residual = theta[structure.n_random :]
    floor = 0.2 * start[structure.n_random :]
    residual = np.where((floor > 0) & (residual < floor), floor, residual)
    return np.concatenate([G[structure.rows, structure.cols], residual])


def moment_covariance(statistics: Statistics, sets: int) -> Floats:
    """Return a positive-definite covariance from least-squares residuals, one per set."""
    mask, T = statistics.mask, statistics.visits
    pair = mask[:, :, None] & mask[:, None, :]
    products = np.where(pair, statistics.residual_products(np.zeros(statistics.coefficients)), 0.0)
    pooled = products.sum(0)
    weight = np.tensordot(statistics.n, pair.astype(float), 1)
    loss = statistics.coefficients / T
    if sets == 1 or sets > 64:
        one = _valid(_moments(pooled, weight, pooled, weight, loss))
        return np.broadcast_to(one, (sets, T, T))
    out = np.empty((sets, T, T))
    for s in range(sets):
        own = statistics.set_index == s
        count = np.tensordot(statistics.n[own], pair[own].astype(float), 1)
        out[s] = _valid(_moments(products[own].sum(0), count, pooled, weight, loss / sets))
    return out


def _moments(total: Floats, count: Floats, pooled: Floats, weight: Floats, loss: float) -> Floats:
    few = count < 3
    total, count = np.where(few, pooled, total), np.where(few, weight, count)
    return np.asarray(total / np.maximum(np.maximum(count - loss, 0.5 * count), 1.0))


def _valid(moment: Floats) -> Floats:
    """Return the nearest matrix with the same variances whose correlations are not extreme."""
    diagonal = np.diag(moment).copy()
    diagonal[diagonal <= 0] = diagonal[diagonal > 0].mean()
    scale = np.sqrt(diagonal)
    correlation = moment / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    repaired = (vectors * np.maximum(values, 0.05)) @ vectors.T
    unit = np.sqrt(np.diag(repaired))
    return np.asarray(repaired / np.outer(unit, unit) * np.outer(scale, scale))
