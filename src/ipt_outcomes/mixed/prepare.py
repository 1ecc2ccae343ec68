"""From a data frame and a request to the statistics of the likelihood.

The outcome is laid out by participant and visit, the fixed effects are split into participants'
columns and visits' selectors, participants are sorted into covariance sets (group, design of the
random effects, times) and patterns of visits seen, and their cross-products are summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from .aliasing import Aliasing, find_aliasing
from .clusters import ClusterCodes, code_clusters
from .covariance_sets import cell_times, covariance_groups, covariance_sets
from .design import Design, build_design
from .errors import DesignError
from .factors import Codes, Factor, Floats, is_categorical
from .formula import ParsedFormula, missing_columns, parse_formula, variables_of
from .layout import Layout, arrange, visit_order
from .random_effects import RandomDesign, random_design
from .rows import ParticipantRows
from .source import Source, check_size, numbers_of
from .specification import Specification
from .statistics import CrossProducts, Patterns, Statistics, cross_products, find_patterns

VISIT_LIMIT = 60  # distinct times that are treated as common visits when no visit column is given


@dataclass
class Prepared:
    """Everything that fitting needs, and what later questions to the fit need of the data.

    Attributes
    ----------
    layout, design, aliasing
        Analysed rows, fixed effects, aliased coefficients.
    y
        Outcome (participants, T), zero where not seen.
    seen
        Mask of y.
    root_weight
        √w per row of y for analytic weights, or ``None``.
    patterns
        Pattern of each participant.
    statistics
        Sums over participants.
    set_of, sets
        Covariance set of each participant, and the number of sets.
    groups, group_of_set
        Names of the groups (``covariance_by``) and the group of each set.
    Z
        Random-effects design per set (sets, T, q), when there are random effects.
    times
        Times per set (sets, T), when known.
    clusters
        Clusters of participants, when the request has them.
    """

    spec: Specification
    layout: Layout
    design: Design
    aliasing: Aliasing
    y: Floats
    seen: NDArray[np.bool_]
    root_weight: Floats | None
    patterns: Patterns
    statistics: Statistics
    set_of: Codes
    groups: list[str]
    group_of_set: Codes
    Z: Floats | None
    random: RandomDesign | None
    times: Floats | None
    X: Floats | None
    clusters: ClusterCodes | None = None
    streamed: bool = False

    @property
    def sets(self) -> int:
        """Number of covariance sets."""
        return len(self.group_of_set)

    def design_of(self, who: NDArray[Any]) -> Floats:
        """Return X of some participants (m, T, p), without aliased columns, zero where not seen."""
        if self.X is not None:
            return np.asarray(self.X[who])
        selectors = self.design.selectors[:, :, self.aliasing.kept]
        out = np.einsum("nd,tdp->ntp", self.design.z[who], selectors, optimize=True)
        return np.asarray(np.where(self.seen[who][:, :, None], out, 0.0))

    def scaled_z(self) -> Floats:
        """Return z with analytic weights applied, as in the cross-products."""
        if self.root_weight is None:
            return self.design.z
        return np.asarray(self.design.z * self.root_weight.max(1)[:, None])

    def free_outcome(self) -> Floats:
        """Return y minus its least-squares fit, weighted, as in the cross-products (N, T)."""
        if isinstance(self.statistics, ParticipantRows):
            return self.statistics.y
        B = self.statistics.visit_coefficients(self.statistics.offset)
        free = np.where(self.seen, self.y - self.design.z @ B.T, 0.0)
        return free if self.root_weight is None else free * self.root_weight

    def weighted(self, values: Floats, who: NDArray[Any]) -> Floats:
        """Multiply an array (m, T, …) by √w of the participants."""
        if self.root_weight is None:
            return values
        root = self.root_weight[who]
        return np.asarray(values * root.reshape(root.shape + (1,) * (values.ndim - 2)))


def prepare(spec: Specification, frame: Source, reference: Mapping[str, Any]) -> Prepared:
    """Lay out the data and sum the statistics.

    Raises
    ------
    DesignError
        For data that cannot give the model, with every finding.
    """
    parsed = _parse(spec)
    random = None if spec.random is None else parse_formula(spec.random)
    _require_columns(spec, parsed, random, frame)
    y, missing = _outcome_and_gaps(spec, parsed, random, frame)
    visit = _visits(spec, random, frame, missing)
    visit_name = spec.visit or "the times of the data"
    layout = arrange(frame.factorized(spec.participant), visit, missing, visit_name)
    outcome = y if layout.keep.all() else y[layout.keep]
    if not np.isfinite(outcome).all():
        number = int(np.isinf(outcome).sum())
        raise DesignError(f"the outcome {parsed.outcome!r} is infinite in {number} rows.")
    check_size(outcome, f"the outcome {parsed.outcome!r}")
    design = build_design(parsed, frame, layout, reference, spec.visit)
    seen, grid = layout.mask(), layout.grid(outcome)
    rd = None if random is None else random_design(random, frame, layout)
    groups, group_of = covariance_groups(spec, frame, layout)
    times = cell_times(spec, frame, layout)
    set_of, group_of_set, Z, set_times = covariance_sets(layout, rd, groups, group_of, times)
    root = _root_weights(spec, frame, layout)
    patterns = find_patterns(seen, set_of if len(group_of_set) > 1 else None)
    statistics, X, aliasing = _statistics(design, frame, layout, grid, seen, patterns, root)
    if len(aliasing.dropped):
        design.notes.append(
            "not estimable, set aside: " + ", ".join(design.names[j] for j in aliasing.dropped)
        )
        design.notes.extend(far_from_zero(design, frame, layout))
    n, p = statistics.n_observations, statistics.coefficients
    if n <= p:
        raise DesignError(f"{int(n)} observations cannot estimate {p} coefficients.")
    out = Prepared(
        spec, layout, design, aliasing, grid, seen, root, patterns, statistics, set_of, groups,
        group_of_set, Z, rd, set_times, X,
    )  # fmt: skip
    if spec.cluster is not None:
        out.clusters = code_clusters(spec, frame, layout)
        design.notes.extend(out.clusters.notes)
    return out


def far_from_zero(design: Design, frame: Source, layout: Layout) -> list[str]:
    """Return a note per covariate that looks constant only because it is so far from zero."""
    notes = []
    for name, variable in design.variables.items():
        if variable.levels is None:
            values = np.asarray(frame[name], float)[layout.keep]
            if 0 < np.ptp(values) < 1e-3 * abs(variable.mean):
                notes.append(
                    f"{name} varies little beside its size ({variable.mean:.6g}): subtract a "
                    "constant, so that it can be told from the intercept"
                )
    return notes


def _parse(spec: Specification) -> ParsedFormula:
    parsed = parse_formula(spec.formula)
    if parsed.outcome is None:
        raise DesignError(f"the formula {spec.formula!r} names no outcome: write 'outcome ~ …'.")
    return parsed


def _require_columns(
    spec: Specification, parsed: ParsedFormula, random: ParsedFormula | None, frame: Source
) -> None:
    wanted = {spec.participant: "participant"}
    roles = ("visit", "covariance_by", "weights", "time", "cluster", "cluster_by")
    wanted |= {str(getattr(spec, r)): r for r in roles if getattr(spec, r) is not None}
    wanted |= dict.fromkeys(parsed.names, "formula")
    if random is not None:
        wanted |= dict.fromkeys(random.names, "random")
    findings = missing_columns(wanted, [str(c) for c in frame.columns])
    if findings:
        raise DesignError(findings)


def _outcome_and_gaps(
    spec: Specification, parsed: ParsedFormula, random: ParsedFormula | None, frame: Source
) -> tuple[Floats, dict[str, NDArray[np.bool_]]]:
    """Evaluate the outcome and find the rows that cannot be analysed, by reason."""
    assert parsed.outcome is not None
    needed = variables_of(parsed.outcome, parsed.outcome_is_name, frame.columns)
    for name in needed:
        if is_categorical(frame[name]):
            raise DesignError(
                f"the outcome column {name!r} is of type {frame[name].dtype}; it must be numbers."
            )
    if parsed.outcome_is_name:
        y = np.asarray(frame[parsed.outcome], float)
    else:
        y = Factor(parsed.outcome, False, needed).numeric({v: frame[v] for v in needed})[:, 0]
    missing = {f"{parsed.outcome} missing": np.isnan(y)}
    names: dict[str, None] = {}
    for source in (parsed, *([] if random is None else [random])):
        for expression in {e: None for t in source.terms for e in t}:
            used = variables_of(expression, expression in source.names, frame.columns)
            names |= dict.fromkeys(used)
    for extra in (spec.covariance_by, spec.weights, spec.time, spec.cluster_by):
        if extra is not None:
            names[extra] = None
    for name in names:
        if name != spec.visit:
            gaps = frame.missing(name)
            if gaps.any():
                missing[f"{name} missing"] = gaps
    return y, missing


def _visits(
    spec: Specification,
    random: ParsedFormula | None,
    frame: Source,
    missing: dict[str, NDArray[np.bool_]],
) -> tuple[list[Any], Codes] | None:
    """Return visits from the visit column, or from times that participants share."""
    if spec.visit is not None:
        return visit_order(frame[spec.visit], spec.visit)
    people, labels = frame.factorized(spec.participant)
    candidates = [spec.time] if spec.time is not None else []
    if random is not None and not candidates:
        names = {
            v: None
            for term in random.terms
            for e in term
            for v in variables_of(e, e in random.names, frame.columns)
        }
        candidates = [
            v
            for v in names
            if not is_categorical(frame[v]) and _varies(frame[v].to_numpy(), people)
        ]
    if len(candidates) != 1 or is_categorical(frame[candidates[0]]):
        return None
    position, times = pd.factorize(frame[candidates[0]], sort=True)
    if len(times) > VISIT_LIMIT:
        return None
    keep = ~np.logical_or.reduce([*missing.values(), people < 0])
    cell = (people * len(times) + position)[keep]
    seen = np.zeros(len(labels) * len(times), bool)
    seen[cell] = True
    if np.count_nonzero(seen) < len(cell):
        return None
    return list(times), position.astype(np.int64)


def _varies(values: NDArray[Any], participant: Codes) -> bool:
    first = np.empty(int(participant.max()) + 1, values.dtype)
    first[participant[::-1]] = values[::-1]
    same = (first[participant] == values) | pd.isna(values)
    return not bool(same.all())


def _root_weights(spec: Specification, frame: Source, layout: Layout) -> Floats | None:
    if spec.weights is None:
        return None
    w = numbers_of(frame, spec.weights, "weights")[layout.keep]
    bad = np.flatnonzero(~(w > 0) | ~np.isfinite(w))
    if len(bad):
        raise DesignError(
            f"weights column {spec.weights!r} must be positive; {len(bad)} rows are not (first: "
            f"{w[bad[0]]} of participant {layout.participants[layout.participant[bad[0]]]})."
        )
    return layout.grid(np.sqrt(w))


def _statistics(
    design: Design,
    frame: Source,
    layout: Layout,
    y: Floats,
    seen: NDArray[np.bool_],
    patterns: Patterns,
    root: Floats | None,
) -> tuple[Statistics, Floats | None, Aliasing]:
    """Sum the statistics in the form that is smaller, for y minus its least-squares fit."""
    people, T = layout.shape
    d, p = design.z.shape[1], len(design.columns)
    if not p:
        raise DesignError("the formula has no term; write at least 'outcome ~ 1'.")
    own_root: Floats | None = None
    if root is not None:
        first = layout.first(root[layout.participant, layout.visit])
        if np.array_equal(np.where(seen, first[:, None], 0.0), root):
            own_root = first
    many = len(patterns.counts) > max(64, people // 3)
    by_rows = (root is not None and own_root is None) or (
        many and len(patterns.counts) * (d + T) ** 2 > 4 * people * T * (p + 1)
    )
    log_weight = 0.0 if root is None else float(2 * np.log(root[seen]).sum())
    if by_rows:
        data = {
            v: frame[v].iloc[np.flatnonzero(layout.keep)]
            for f in design.factors
            for v in f.variables
        }
        X = layout.grid(design.rows(data, len(layout.participant)))
        set_index = patterns.set_index[patterns.member]
        plain = ParticipantRows(
            np.ones(people), seen, set_index, X, y, np.zeros(p), float(seen.sum()), log_weight
        )
        start, aliasing = _least_squares(plain, seen)
        free = np.where(seen, y - X @ start, 0.0)
        _has_variation(y, free)
        scale = 1.0 if root is None else root
        scaled = X if root is None else X * root[:, :, None]
        plain.X, plain.y, plain.offset = scaled, free * scale, start
        kept = plain.keep(aliasing.kept)
        return kept, X[:, :, aliasing.kept], aliasing
    z = design.z if own_root is None else design.z * own_root[:, None]
    outcome = y if own_root is None else y * own_root[:, None]
    first_pass = cross_products(z, outcome, patterns, design.selectors, np.zeros(p))
    start, aliasing = _least_squares(first_pass, first_pass.mask)
    B = first_pass.visit_coefficients(start)
    free = np.where(seen, outcome - z @ B.T, 0.0)
    _has_variation(outcome, free)
    crossed = cross_products(z, free, patterns, design.selectors, start, log_weight=log_weight)
    return crossed.keep(aliasing.kept), None, aliasing


def _least_squares(
    statistics: CrossProducts | ParticipantRows, mask: NDArray[np.bool_]
) -> tuple[Floats, Aliasing]:
    eye = np.eye(mask.shape[1], dtype=bool)
    ones = np.where(mask[:, :, None] & eye, 1.0, 0.0)
    gram = statistics.xwx(ones)
    aliasing = find_aliasing(gram)
    kept = aliasing.kept
    if not len(kept):
        raise DesignError("the formula has no column with any information.")
    start = np.zeros(len(gram))
    factor = cho_factor(gram[np.ix_(kept, kept)], lower=True)
    start[kept] = cho_solve(factor, statistics.xwy(ones)[kept])
    return start, aliasing


def _has_variation(y: Floats, residual: Floats) -> None:
    total, left = float(np.vdot(y, y)), float(np.vdot(residual, residual))
    if left <= 1e-20 * total or left == 0.0:
        raise DesignError(
            "the outcome is constant, or the formula reproduces it exactly: there is no residual "
            "variation to model (or it is lost beside the outcome's size: subtract a constant)."
        )
