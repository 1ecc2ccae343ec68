"""``mixed_model``: one call from a data frame and a formula to a fitted mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .catalogue import FALLBACK, make_structure, number_of_parameters
from .cluster_effects import cluster_effect, sum_cells
from .clustered import ClusteredLikelihood
from .composition import Grouped, RandomPlusResidual
from .covariances import Structure
from .errors import ConvergenceError, DesignError
from .factors import level_label
from .fit import MixedModelFit
from .inference_of_fit import fixed_effects
from .likelihood import Likelihood
from .maximum import Solution, solve
from .prepare import Prepared, prepare
from .source import Source
from .specification import specify
from .threads import single_threaded

SIZE_LIMIT = 100_000_000  # numbers in one array of derivatives: 0.8 GB


AT_BOUNDARY = "at the boundary the expected information stands for the observed one"


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
        Column of positive analytic weights: the variance of a row is divided by its weight. Not
        beside random effects or clusters.
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
    if not isinstance(frame, pd.DataFrame):
        raise DesignError(f"the data must be a pandas DataFrame, not {type(frame).__name__}.")
    if not isinstance(reference, Mapping | None):
        raise DesignError(
            f"reference={reference!r} must name columns and levels: {{'arm': 'MED'}}."
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
        too_large = beyond_the_data(prepared, name)
        if too_large:
            steps.append((name, too_large))
            continue
        structure = build_structure(prepared, name)
        likelihood = build_likelihood(prepared, structure)
        solution = solve(likelihood)
        if solution is None:
            steps.append((name, "the likelihood cannot be evaluated at the start"))
            continue
        steps.append((name, solution.convergence.message))
        if solution.convergence.converged:
            return assemble(prepared, likelihood, name, solution, steps)
    findings = [f"covariance {name!r} was not fitted: {what}" for name, what in steps]
    if spec.cluster is not None and spec.cluster_covariance == "heterogeneous compound symmetry":
        findings.append(
            "heterogeneous compound symmetry of the clusters' effects needs a variance above zero "
            "at every visit; cluster_covariance='compound symmetry' also fits where one is zero"
        )
    raise ConvergenceError(findings)


def assemble(
    prepared: Prepared,
    likelihood: Likelihood,
    name: str,
    solution: Solution,
    steps: list[tuple[str, str]],
) -> MixedModelFit:
    """Put the fitted model together at a maximum of the likelihood."""
    spec = prepared.spec
    point, information, boundary = solution.point, solution.hessian, bool(solution.notes)
    if boundary or spec.information == "expected":
        information = likelihood.hessian(point, "expected")
    notes = [*prepared.design.notes, *solution.notes]
    if boundary and spec.information == "observed":
        notes.append(AT_BOUNDARY)
    fixed = fixed_effects(spec, prepared, likelihood, point, information)
    return MixedModelFit(
        specification=spec,
        prepared=prepared,
        likelihood=likelihood,
        point=point,
        convergence=solution.convergence,
        fixed=fixed,
        covariance_used=name,
        steps=steps,
        notes=[*notes, *fixed.notes],
    )


def beyond_the_data(prepared: Prepared, name: str) -> str:
    """Say why a covariance is not tried: more parameters than data, or than memory, allow."""
    statistics, T = prepared.statistics, len(prepared.layout.visits)
    own = number_of_parameters(name, T)
    groups = len(prepared.groups) if prepared.spec.covariance_by is not None else 1
    number, n = own * groups, int(statistics.n_observations)
    if number >= n:
        return f"{number} parameters cannot be estimated from {n} observations"
    derivatives = number * prepared.sets * T**2
    if not name.startswith(("unstructured", "compound", "toeplitz", "independent")):
        derivatives *= number
    if max(derivatives, number * statistics.coefficients**2) > SIZE_LIMIT:
        return (
            f"{T} visits with {number} parameters and {prepared.sets} different covariances are "
            "too many for memory"
        )
    return ""


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
