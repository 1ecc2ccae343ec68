"""``mixed_model_from_parquet``: fit from one pass over a file (see :mod:`.stream`)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .aliasing import find_aliasing
from .catalogue import FALLBACK
from .design import Design, Variable
from .errors import DesignError, MixedModelError
from .factors import Codes, Factor, Floats, level_label
from .fit import MixedModelFit
from .formula import Column, expand_terms, parse_formula
from .layout import Layout
from .model import fit_prepared
from .prepare import Prepared
from .random_effects import RandomDesign
from .specification import Specification, specify
from .statistics import CrossProducts, Patterns
from .stream import Reader, order_levels, read_parquet_tallies
from .tallies import Tallies
from .threads import single_threaded


def mixed_model_from_parquet(
    formula: str,
    path: str | Path,
    *,
    participant: str,
    visit: str,
    covariance: str | None = None,
    df: str = "kenward-roger",
    reml: bool = True,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
    information: str = "observed",
    covariance_by: str | None = None,
    random: str | None = None,
    fallback: bool | list[str] = True,
    batch_rows: int = 500_000,
) -> MixedModelFit:
    """Fit a mixed model from a Parquet file in one streamed pass.

    Parameters
    ----------
    formula, participant, visit, covariance, df, reml, reference, level, information, covariance_by
        As for :func:`.model.mixed_model`. Covariates must belong to the participant or to the
        visit, visits must be numeric.
    random
        Random effects that depend on the visit only, for instance ``"1 + week"``.
    fallback
        As for :func:`.model.mixed_model`.
    path
        Parquet file in which the rows of each participant stand together.
    batch_rows
        Rows held at a time.

    Returns
    -------
    A fit with coefficients, means, contrasts and tests. What needs the participants' rows
    (predictions of participants, residuals, influence, refits, sandwich errors) raises.

    Raises
    ------
    MixedModelError
        As for :func:`.model.mixed_model`, and for files that cannot be streamed.

    Examples
    --------
    >>> import tempfile
    >>> data = pd.DataFrame({"id": np.repeat(np.arange(30), 2), "week": np.tile([4, 8], 30)})
    >>> data["score"] = np.random.default_rng(1).normal(10, 3, 60)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "trial.parquet"
    ...     data.to_parquet(path)
    ...     fit = mixed_model_from_parquet("score ~ week", path, participant="id", visit="week")
    >>> fit.n_participants
    30
    """
    spec = specify(
        formula=formula,
        participant=participant,
        visit=visit,
        covariance=covariance,
        df=df,
        reml=reml,
        level=level,
        information=information,
        standard_errors="model",
        covariance_by=covariance_by,
        weights=None,
        time=None,
        random=random,
        cluster=None,
        cluster_where=None,
        cluster_effect="intercept",
        cluster_by=None,
        cluster_covariance="compound symmetry",
        fallback=fallback,
        fallback_order=FALLBACK,
    )
    parsed = parse_formula(formula)
    if parsed.outcome is None:
        raise DesignError(f"the formula {formula!r} names no outcome: write 'outcome ~ …'.")
    extra = None if random is None else parse_formula(random)
    with single_threaded():
        reader = Reader(parsed, extra, participant, visit, covariance_by)
        tallies = read_parquet_tallies(path, reader, batch_rows)
        return fit_prepared(assemble(spec, reader, tallies, dict(reference or {})))


def assemble(
    spec: Specification, reader: Reader, tallies: Tallies, reference: dict[str, Any]
) -> Prepared:
    """Put design and cross-products together from the tallies."""
    visit_order = _visit_order(spec, tallies)
    visits = [tallies.visits[j] for j in visit_order]
    unknown = set(reference) - {*tallies.levels, str(spec.visit)}
    if unknown:
        raise DesignError([f"reference: {k!r} is not a categorical factor" for k in unknown])
    orders = {n: order_levels(v, reference.get(n), n) for n, v in tallies.levels.items()}
    factors = _factors(spec, reader, tallies, orders, visits, reference)
    terms = list(reader.formula.terms)
    columns = expand_terms(terms, factors)
    z_names, selectors = _selectors(reader, tallies, factors, columns, visit_order, visits)
    patterns, gram, counts = _grams(spec, reader, tallies, factors, orders, z_names, visit_order)
    d, T = len(z_names), len(visits)
    layout = Layout(
        np.zeros(0, bool),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        pd.RangeIndex(tallies.participants),
        visits,
        {**tallies.counts, "participants analysed": tallies.participants},
    )
    zero = np.zeros(len(columns))
    for j, column in enumerate(columns):
        if not column.parts:
            zero[j] = tallies.shift
    stats = CrossProducts(
        counts, patterns.mask, patterns.set_index,
        np.ascontiguousarray(gram[:, :d, :d]), np.ascontiguousarray(gram[:, :d, d:]),
        np.ascontiguousarray(gram[:, d:, d:]), selectors, zero,
        float(counts @ patterns.mask.sum(1)),
    )  # fmt: skip
    stats, aliasing = _free(stats)
    between = [
        all(reader.kind[factors[f].expression] in {"participant", "label"} for f, _ in c.parts)
        for c in columns
    ]
    variables = _variables(spec, tallies, factors, orders)
    notes: list[str] = []
    design = Design(factors, terms, columns, variables, selectors, np.zeros((0, d)), between, notes)
    if len(aliasing.dropped):
        notes.append(
            "not estimable, set aside: " + ", ".join(design.names[j] for j in aliasing.dropped)
        )
    groups = [""]
    if spec.covariance_by is not None:
        own = tallies.levels[spec.covariance_by]
        groups = [level_label(own[j]) for j in sorted(range(len(own)), key=lambda j: own[j])]
    if stats.n_observations <= stats.coefficients:
        raise DesignError(
            f"{int(stats.n_observations)} observations cannot estimate "
            f"{stats.coefficients} coefficients."
        )
    random_part, Z = _random(reader, tallies, visit_order, len(groups))
    times = np.array([float(v) for v in visits])
    return Prepared(
        spec, layout, design, aliasing, np.zeros((0, T)), np.zeros((0, T), bool), None, patterns,
        stats.keep(aliasing.kept), np.zeros(0, np.int64), groups, np.arange(len(groups)), Z,
        random_part, np.broadcast_to(times, (len(groups), T)), None, streamed=True,
    )  # fmt: skip


def _visit_order(spec: Specification, tallies: Tallies) -> list[int]:
    try:
        return sorted(range(len(tallies.visits)), key=lambda j: float(tallies.visits[j]))
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"visit column {spec.visit!r} must be numeric to be streamed (found "
            f"{tallies.visits[0]!r})."
        ) from error


def _factors(
    spec: Specification,
    reader: Reader,
    tallies: Tallies,
    orders: dict[str, list[int]],
    visits: list[Any],
    reference: dict[str, Any],
) -> list[Factor]:
    used = dict.fromkeys(e for term in reader.formula.terms for e in term)
    out = []
    for expression in used:
        factor = reader.factors[expression]
        if reader.kind[expression] == "visit factor":
            order = order_levels(visits, reference.get(str(spec.visit)), str(spec.visit))
            factor.levels = [visits[j] for j in order]
            factor.width = len(visits)
        elif reader.kind[expression] == "label":
            factor.levels = [tallies.levels[expression][j] for j in orders[expression]]
            factor.width = len(factor.levels)
        out.append(factor)
    return out


ZName = tuple[tuple[tuple[int, int], ...], int]


def _selectors(
    reader: Reader,
    tallies: Tallies,
    factors: list[Factor],
    columns: list[Column],
    visit_order: list[int],
    visits: list[Any],
) -> tuple[list[ZName], Floats]:
    """Name the columns of z as (levels, numeric column) and place them by visit."""
    place: dict[tuple[tuple[str, int], ...], int] = {}
    position = 0
    for parts in tallies.numeric:
        widths = [range(reader.factors[e].width) for e in parts]
        for combination in product(*widths):
            place[tuple(zip(parts, combination, strict=True))] = position
            position += 1
    names: dict[ZName, int] = {}
    entries = []
    for j, column in enumerate(columns):
        labels, numeric = [], []
        at = np.ones(len(visits))
        for f, c in column.parts:
            expression, kind = factors[f].expression, reader.kind[factors[f].expression]
            if kind == "label":
                labels.append((f, c))
            elif kind == "participant":
                numeric.append((expression, c))
            elif kind == "visit":
                known = tallies.visit_values[expression]
                at = at * np.array([known[v][c] for v in visit_order])
            else:
                level = (factors[f].levels or [])[c]
                at = at * np.array([v == level for v in visits], float)
        name = (tuple(labels), place[tuple(numeric)])
        entries.append((names.setdefault(name, len(names)), j, at))
    selectors = np.zeros((len(visits), len(names), len(columns)))
    for r, j, at in entries:
        selectors[:, r, j] = at
    return list(names), selectors


def _grams(
    spec: Specification,
    reader: Reader,
    tallies: Tallies,
    factors: list[Factor],
    orders: dict[str, list[int]],
    z_names: list[ZName],
    visit_order: list[int],
) -> tuple[Patterns, Floats, Floats]:
    """Sum the cells to cross-products of (z, y) per pattern and covariance group."""
    d, T = len(z_names), len(visit_order)
    labels = list(tallies.levels)
    width = max(len(g) for _, g in tallies.cells.values()) - T
    rank = {n: {old: new for new, old in enumerate(order)} for n, order in orders.items()}
    keys: dict[tuple[int, int], int] = {}
    grams: list[Floats] = []
    counts: list[float] = []
    for key, (number, own) in tallies.cells.items():
        levels = {n: key[1 + j] for j, n in enumerate(labels)}
        group = 0
        if spec.covariance_by is not None:
            values = tallies.levels[spec.covariance_by]
            group = sorted(range(len(values)), key=lambda j: values[j]).index(
                levels[spec.covariance_by]
            )
        g = keys.setdefault((key[0], group), len(keys))
        if g == len(grams):
            grams.append(np.zeros((d + T, d + T)))
            counts.append(0.0)
        active = [
            r
            for r, (indicators, _) in enumerate(z_names)
            if all(
                rank[factors[f].expression][levels[factors[f].expression]] == c
                for f, c in indicators
            )
        ]
        full = np.zeros((width + T, width + T))
        full[: len(own), : len(own)] = own
        take = [z_names[r][1] for r in active] + [width + v for v in visit_order]
        put = active + list(range(d, d + T))
        grams[g][np.ix_(put, put)] += full[np.ix_(take, take)]
        counts[g] += number
    seen = np.array([[bool(bits >> v & 1) for v in visit_order] for bits, _ in keys])
    sets: Codes = np.array([group for _, group in keys], np.int64)
    n = np.array(counts)
    return Patterns(seen, sets, np.zeros(0, np.int64), n), np.array(grams), n


def _free(stats: CrossProducts) -> tuple[CrossProducts, Any]:
    """Free the outcome from its least-squares fit, by algebra on the cross-products."""
    ones = np.where(stats.mask[:, :, None] & np.eye(stats.visits, dtype=bool), 1.0, 0.0)
    gram = stats.xwx(ones)
    aliasing = find_aliasing(gram)
    start = np.zeros(len(gram))
    kept = aliasing.kept
    start[kept] = np.linalg.solve(gram[np.ix_(kept, kept)], stats.xwy(ones)[kept])
    B = stats.visit_coefficients(start)
    pair = stats.mask[:, :, None] & stats.mask[:, None, :]
    yy = np.where(pair, stats.residual_products(start), 0.0)
    total = float(np.einsum("gaa->", stats.yy))
    left = float(np.einsum("gaa->", yy))
    if left <= 1e-12 * total or left <= 0:
        raise DesignError("the outcome is constant, or the formula reproduces it exactly.")
    zy = np.where(stats.mask[:, None, :], stats.zy - stats.zz @ B.T, 0.0)
    return (
        CrossProducts(
            stats.n, stats.mask, stats.set_index, stats.zz, zy, yy, stats.selectors,
            stats.offset + start, stats.n_observations,
        ),
        aliasing,
    )  # fmt: skip


def _variables(
    spec: Specification,
    tallies: Tallies,
    factors: list[Factor],
    orders: dict[str, list[int]],
) -> dict[str, Variable]:
    out: dict[str, Variable] = {}
    rows = sum(tallies.visit_rows)
    for factor in sorted(factors, key=lambda f: not f.categorical):
        for name in factor.variables:
            if name in out:
                continue
            if factor.levels is not None and factor.expression == spec.visit:
                counts = np.array(
                    [tallies.visit_rows[tallies.visits.index(v)] for v in factor.levels], float
                )
                out[name] = Variable(name, factor.levels, counts / rows, float("nan"))
            elif factor.levels is not None:
                counts = np.array(
                    [tallies.level_rows[factor.expression][j] for j in orders[factor.expression]],
                    float,
                )
                out[name] = Variable(name, factor.levels, counts / rows, float("nan"))
            else:
                out[name] = Variable(name, None, None, tallies.sums[name] / rows)
    return out


def _random(
    reader: Reader, tallies: Tallies, visit_order: list[int], groups: int
) -> tuple[RandomDesign | None, Floats | None]:
    if reader.extra is None:
        return None, None
    terms = list(reader.extra.terms)
    names, columns = [], []
    for term in terms:
        if any(reader.kind[e] not in {"visit", "visit factor"} for e in term):
            raise MixedModelError("streamed random effects may depend on the visit only.")
        value = np.ones(len(visit_order))
        for expression in term:
            if reader.kind[expression] == "visit factor":
                value = value * np.array([float(tallies.visits[v]) for v in visit_order])
            else:
                known = tallies.visit_values[expression]
                value = value * np.array([known[v][0] for v in visit_order])
        names.append(":".join(term) or "Intercept")
        columns.append(value)
    Z = np.column_stack(columns)
    design = RandomDesign(names, np.zeros((0, len(names))))
    return design, np.broadcast_to(Z, (groups, *Z.shape)).copy()
