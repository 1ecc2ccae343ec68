"""``mixed_model``: one call from a data frame and a formula to a fitted mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve

from .aliasing import find_aliasing
from .covariances import Structure, Unstructured
from .design import Design, build_design
from .errors import ConvergenceError, DesignError, MixedModelError, one_of
from .factors import Factor, Floats, is_categorical, level_label
from .fit import MixedModelFit, Specification
from .formula import missing_columns, parse_formula, variables_of
from .kenward_roger import adjusted_covariance
from .layout import Layout, arrange, visit_order
from .likelihood import Likelihood, Point
from .optimise import maximise
from .statistics import CrossProducts, cross_products, find_patterns
from .tests_of_fixed_effects import FixedEffects
from .threads import single_threaded

DF_METHODS = ["kenward-roger", "satterthwaite", "normal"]


def mixed_model(
    formula: str,
    frame: pd.DataFrame,
    *,
    participant: str,
    visit: str | None = None,
    covariance: str = "unstructured",
    df: str = "kenward-roger",
    reml: bool = True,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> MixedModelFit:
    """Fit a Gaussian mixed model for repeated measures.

    Parameters
    ----------
    formula
        ``"change ~ baseline*visit + arm*visit + site"``. The visit column is a factor wherever
        the formula names it.
    frame
        Long data: one row per participant and visit.
    participant, visit
        Names of the identifying columns. Visits are ordered by an ordered categorical or by
        their numbers.
    covariance
        Covariance of the visits within a participant.
    df
        Degrees of freedom.
    reml
        Restricted maximum likelihood (default) or full maximum likelihood.
    reference
        Reference level per categorical column, for instance ``{"arm": "MED"}``.
    level
        Confidence level of intervals.

    Raises
    ------
    MixedModelError
        For data or requests that give no model, with every finding.

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
    one_of("df", df, DF_METHODS)
    specification = Specification(
        formula, participant, visit, covariance, df, reml, "observed", "model", level
    )
    with single_threaded():
        return _fit(specification, frame, dict(reference or {}))


def _fit(spec: Specification, frame: pd.DataFrame, reference: dict[str, Any]) -> MixedModelFit:
    layout, y, design = lay_out(spec, frame, reference)
    seen = layout.mask()
    statistics = gather(design, y, seen)
    statistics, aliasing = without_aliased(statistics, design)
    n, p = statistics.n_observations, statistics.coefficients
    if n <= p:
        raise DesignError(
            f"{int(n)} observations cannot estimate {p} coefficients; shorten the formula."
        )
    structure: Structure = Unstructured([level_label(v) for v in layout.visits])
    likelihood = Likelihood(statistics, structure, reml=spec.reml)
    moments = moment_covariance(statistics, structure.sets)
    found = maximise(likelihood, structure.start(moments))
    if found is None:
        raise ConvergenceError("the likelihood cannot be evaluated at the starting values.")
    point, hessian, convergence = found
    if not convergence.converged:
        raise ConvergenceError(f"{spec.covariance}: {convergence.message}.")
    fixed = fixed_effects(spec, likelihood, point, hessian, statistics.offset)
    return MixedModelFit(
        specification=spec,
        design=design,
        layout=layout,
        aliasing=aliasing,
        likelihood=likelihood,
        point=point,
        convergence=convergence,
        fixed=fixed,
        covariance_used=spec.covariance,
        steps=[(spec.covariance, convergence.message)],
        notes=list(design.notes),
    )


def lay_out(
    spec: Specification, frame: pd.DataFrame, reference: dict[str, Any]
) -> tuple[Layout, Floats, Design]:
    """Find the analysed rows, the outcome (participants × visits) and the fixed-effects design."""
    parsed = parse_formula(spec.formula)
    if parsed.outcome is None:
        raise DesignError(f"the formula {spec.formula!r} names no outcome: write 'outcome ~ …'.")
    wanted = {spec.participant: "participant"}
    if spec.visit is not None:
        wanted[spec.visit] = "visit"
    wanted |= dict.fromkeys(parsed.names, "formula")
    findings = missing_columns(wanted, list(map(str, frame.columns)))
    if findings:
        raise DesignError(findings)
    expressions = list(dict.fromkeys(e for term in parsed.terms for e in term))
    covariates = {
        v: None for e in expressions for v in variables_of(e, e in parsed.names, frame.columns)
    }
    needed = variables_of(parsed.outcome, parsed.outcome_is_name, frame.columns)
    outcome_factor = Factor(parsed.outcome, parsed.outcome_is_name, needed)
    values = frame[parsed.outcome] if parsed.outcome_is_name else None
    if any(is_categorical(frame[v]) for v in needed):
        raise DesignError(f"the outcome {parsed.outcome!r} holds text; it must be numbers.")
    y = (
        outcome_factor.numeric({v: frame[v] for v in needed})[:, 0]
        if values is None
        else np.asarray(values, float)
    )
    missing = {f"{parsed.outcome} missing": np.isnan(y)}
    for name in covariates:
        if name != spec.visit:
            gaps = frame[name].isna().to_numpy()
            if gaps.any():
                missing[f"{name} missing"] = gaps
    order = None if spec.visit is None else visit_order(frame[spec.visit], spec.visit)
    layout = arrange(frame[spec.participant], order, missing, spec.visit or "")
    outcome = y if layout.keep.all() else y[layout.keep]
    if not np.isfinite(outcome).all():
        raise DesignError(
            f"the outcome {parsed.outcome!r} is infinite in {np.sum(np.isinf(outcome))} rows."
        )
    design = build_design(parsed, frame, layout, reference, spec.visit)
    return layout, layout.grid(outcome), design


def gather(design: Design, y: Floats, seen: Any) -> CrossProducts:
    """Sum the cross-products, of y minus its least-squares fit."""
    patterns = find_patterns(seen)
    p = design.selectors.shape[2]
    statistics = cross_products(design.z, y, patterns, design.selectors, np.zeros(p))
    ones = np.where(statistics.mask[:, :, None] & np.eye(seen.shape[1], dtype=bool), 1.0, 0.0)
    gram = statistics.xwx(ones)
    aliasing = find_aliasing(gram)
    kept = aliasing.kept
    if not len(kept):
        raise DesignError("the formula has no column with any information.")
    start = np.zeros(p)
    start[kept] = cho_solve(cho_factor(gram[np.ix_(kept, kept)]), statistics.xwy(ones)[kept])
    B = statistics.visit_coefficients(start)
    residual = np.where(seen, y - design.z @ B.T, 0.0)
    total, left = float(np.vdot(y, y)), float(np.vdot(residual, residual))
    if left <= 1e-20 * total or left == 0.0:
        raise DesignError(
            "the outcome is constant, or the formula reproduces it exactly: there is no residual "
            "variation to model."
        )
    return cross_products(design.z, residual, patterns, design.selectors, start)


def without_aliased(statistics: CrossProducts, design: Design) -> tuple[CrossProducts, Any]:
    """Set aliased coefficients aside."""
    ones = np.where(statistics.mask[:, :, None] & np.eye(statistics.visits, dtype=bool), 1.0, 0.0)
    aliasing = find_aliasing(statistics.xwx(ones))
    if len(aliasing.dropped):
        kept = aliasing.kept
        statistics = replace(
            statistics,
            selectors=np.ascontiguousarray(statistics.selectors[:, :, kept]),
            offset=statistics.offset[kept],
        )
        design.notes.append(
            "not estimable, set aside: " + ", ".join(design.names[j] for j in aliasing.dropped)
        )
    return statistics, aliasing


def moment_covariance(statistics: CrossProducts, sets: int) -> Floats:
    """Return a positive-definite covariance from least-squares residuals, one per set."""
    mask, T = statistics.mask, statistics.visits
    pair = mask[:, :, None] & mask[:, None, :]
    products = np.where(pair, statistics.residual_products(np.zeros(statistics.coefficients)), 0.0)
    out = np.zeros((sets, T, T))
    pooled = products.sum(0)
    weight = np.tensordot(statistics.n, pair.astype(float), 1)
    for s in range(sets):
        own = statistics.set_index == s
        count = weight if sets == 1 else np.tensordot(statistics.n[own], pair[own].astype(float), 1)
        total = pooled if sets == 1 else products[own].sum(0)
        few = count < 3
        total, count = np.where(few, pooled, total), np.where(few, weight, count)
        loss = statistics.coefficients / (T * sets)
        moment = total / np.maximum(np.maximum(count - loss, 0.5 * count), 1.0)
        diagonal = np.diag(moment).copy()
        diagonal[diagonal <= 0] = diagonal[diagonal > 0].mean()
        scale = np.sqrt(diagonal)
        correlation = moment / np.outer(scale, scale)
        np.fill_diagonal(correlation, 1.0)
        values, vectors = np.linalg.eigh(correlation)
        repaired = (vectors * np.maximum(values, 0.05)) @ vectors.T
        unit = np.sqrt(np.diag(repaired))
        out[s] = repaired / np.outer(unit, unit) * np.outer(scale, scale)
    return out


def fixed_effects(
    spec: Specification, likelihood: Likelihood, point: Point, hessian: Floats, offset: Floats
) -> FixedEffects:
    """Collect what tests of the fixed effects need."""
    omega: Floats = np.asarray(np.linalg.inv(hessian), float)
    vcov = point.phi
    if spec.df.startswith("kenward-roger"):
        if not spec.reml:
            raise MixedModelError("df='kenward-roger' needs reml=True; use df='satterthwaite'.")
        vcov = adjusted_covariance(likelihood, point, omega, None)
    assert point.B is not None
    return FixedEffects(point.beta + offset, point.phi, vcov, point.B, omega, spec.df)
