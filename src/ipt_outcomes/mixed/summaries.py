"""The model from several holders' summaries, none of whom shows a row.

The likelihood needs, per pattern of visits seen and combination of levels, only the number of
participants and the Gram matrix of their numeric columns and outcomes,

    n_c = Σ_i 1 ,   G_c = Σ_i u_i u_i' ,   u_i = (1, covariates_i, y_i1 … y_iT) ,

so every holder can sum these and the sums can be added: the fit is the one on the pooled rows, not
an approximation. A Gram matrix of few participants describes them, therefore cells of fewer than
``smallest`` are withheld. Which patterns are rare has to do with who leaves, so withholding is not
neutral under missingness at random: it is counted and said. Statistics beside the cells (rows,
means of covariates) are derived from the cells that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .catalogue import FALLBACK
from .errors import DesignError
from .factors import Floats
from .fit import MixedModelFit
from .formula import parse_formula
from .model import fit_prepared
from .specification import specify
from .stream import Reader
from .streamed_model import assemble
from .tallies import Tallies
from .threads import single_threaded


@dataclass(frozen=True)
class Cell:
    """Participants who were seen at the same visits and share all levels.

    Attributes
    ----------
    visits
        Positions of the visits seen, in ``Summary.visits``.
    levels
        Level of every categorical column, in the order of ``Summary.levels``.
    n
        Participants.
    gram
        Cross-products of (numeric columns, outcome at every visit of the summary).
    """

    visits: tuple[int, ...]
    levels: tuple[str, ...]
    n: int
    gram: Floats


@dataclass(frozen=True)
class Summary:
    """What one holder shares.

    Attributes
    ----------
    formula, visit
        The model, and the name of its visit column.
    kinds
        Factor of the formula: ``participant`` (number), ``label`` or ``visit factor``.
    numeric
        Products of participants' numbers in the Gram matrices; the first, empty, is the constant.
    visits, levels
        Visits, and names of the categorical columns.
    shift
        What was subtracted from the outcome.
    cells
        The sums, none smaller than ``smallest``.
    smallest
        Fewest participants of a cell; 1 when nothing was withheld.
    withheld_patterns, withheld_participants
        What was withheld.
    """

    formula: str
    visit: str
    kinds: dict[str, str]
    numeric: tuple[tuple[str, ...], ...]
    visits: tuple[float, ...]
    levels: tuple[str, ...]
    shift: float
    cells: tuple[Cell, ...]
    smallest: int = 1
    withheld_patterns: int = 0
    withheld_participants: int = 0

    @property
    def participants(self) -> int:
        """Participants in the cells."""
        return sum(cell.n for cell in self.cells)


def summarise(
    formula: str, frame: pd.DataFrame, *, participant: str, visit: str, smallest: int = 1
) -> Summary:
    """Sum one holder's rows.

    Parameters
    ----------
    formula
        The fixed effects; covariates must belong to the participant.
    frame
        One row per participant and visit; rows with missing values are left out, as in a fit.
    participant, visit
        Names of the identifying columns; visits are numbers.
    smallest
        Cells of fewer participants are withheld.

    Raises
    ------
    DesignError
        For formulas or data that cannot be summed.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": [1, 1, 2, 2, 3], "week": [4, 8, 4, 8, 4],
    ...                      "score": [10.0, 8, 12, 9, 11]})
    >>> summary = summarise("score ~ week", rows, participant="id", visit="week", smallest=2)
    >>> summary.participants, summary.withheld_participants
    (2, 1)
    """
    reader = _reader(formula, participant, visit)
    reader.columns([str(c) for c in frame.columns])
    reader.take(frame.sort_values(participant, kind="stable").reset_index(drop=True))
    tallies = reader.finish()
    if wrong := [e for e, kind in reader.kind.items() if kind == "visit"]:
        raise DesignError(f"{', '.join(wrong)}: numbers that belong to the visit cannot be shared.")
    cells = []
    numbers, visits = _numbers(reader, tallies), len(tallies.visits)
    for key, (number, gram) in tallies.cells.items():
        seen = tuple(v for v in range(visits) if key[0] >> v & 1)
        labels = tuple(
            str(values[code]) for values, code in zip(tallies.levels.values(), key[1:], strict=True)
        )
        full = np.zeros((numbers + visits, numbers + visits))
        full[: len(gram), : len(gram)] = gram
        cells.append(Cell(seen, labels, int(number), full))
    whole = Summary(
        formula, visit, dict(reader.kind), tuple(tallies.numeric),
        tuple(float(v) for v in tallies.visits), tuple(tallies.levels), tallies.shift,
        tuple(sorted(cells, key=lambda cell: (cell.levels, cell.visits))),
    )  # fmt: skip
    return without_small_cells(whole, smallest)


def combine(
    summaries: Mapping[str, Summary],
    *,
    source: str | None = None,
    reference: Mapping[str, Any] | None = None,
    covariance: str = "unstructured",
    df: str = "kenward-roger",
    level: float = 0.95,
) -> MixedModelFit:
    """Fit the model of several summaries, as on their pooled rows.

    Parameters
    ----------
    summaries
        Name of each holder: its summary.
    source
        Adds the holders as a factor of this name to the model.
    reference, covariance, df, level
        As for :func:`.model.mixed_model`.

    Returns
    -------
    A fit with coefficients, means, contrasts and tests; what needs rows raises.

    Raises
    ------
    DesignError
        When the summaries are of different models, or hold nothing.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": np.repeat(np.arange(40), 2), "week": np.tile([4, 8], 40)})
    >>> rows["score"] = np.random.default_rng(1).normal(10, 3, 80)
    >>> halves = {name: summarise("score ~ week", part, participant="id", visit="week")
    ...           for name, part in (("A", rows[:30]), ("B", rows[30:]))}
    >>> combine(halves).n_participants
    40
    """
    if not summaries:
        raise DesignError("no summary is given.")
    first = next(iter(summaries.values()))
    _same_model(summaries, first)
    formula = first.formula if source is None else f"{first.formula} + {source}"
    reader = _reader(formula, "participant", first.visit)
    columns = {name for parts in first.numeric for name in parts} | set(first.kinds)
    outcome = parse_formula(first.formula).outcome
    reader.columns([*columns, "participant", str(outcome), *([source] if source else [])])
    reader.kind = {**first.kinds, **({source: "label"} if source else {})}
    for expression, kind in reader.kind.items():
        reader.factors[expression].width = 1
        if kind == "label":
            reader.factors[expression].levels = []
    tallies = _merged(summaries, first, source)
    spec = specify(
        formula=formula, participant="participant", visit=first.visit, covariance=covariance,
        df=df, reml=True, level=level, information="observed", standard_errors="model",
        covariance_by=None, weights=None, time=None, random=None, cluster=None,
        cluster_where=None, cluster_effect="intercept", cluster_by=None,
        cluster_covariance="compound symmetry", fallback=True, fallback_order=FALLBACK,
    )  # fmt: skip
    with single_threaded():
        return fit_prepared(assemble(spec, reader, tallies, dict(reference or {})))


def _reader(formula: str, participant: str, visit: str) -> Reader:
    parsed = parse_formula(formula)
    if parsed.outcome is None:
        raise DesignError(f"the formula {formula!r} names no outcome: write 'outcome ~ …'.")
    return Reader(parsed, None, participant, visit, None)


def _numbers(reader: Reader, tallies: Tallies) -> int:
    """Count the numeric columns in front of the outcomes."""
    widths = [[reader.factors[e].width for e in parts] for parts in tallies.numeric]
    return int(sum(np.prod(width, dtype=int) for width in widths))


def _same_model(summaries: Mapping[str, Summary], first: Summary) -> None:
    wrong = []
    for name, summary in summaries.items():
        for what in ("formula", "visit", "kinds", "numeric", "levels"):
            found, expected = getattr(summary, what), getattr(first, what)
            if found != expected:
                wrong.append(f"{name}: {what} is {found!r}, the first summary has {expected!r}")
        if not summary.cells:
            wrong.append(f"{name}: every pattern was withheld, nothing is left to combine")
    if wrong:
        raise DesignError(wrong)


def _merged(summaries: Mapping[str, Summary], first: Summary, source: str | None) -> Tallies:
    """Add the cells of all summaries, on common codes and a common shift of the outcome."""
    visits = sorted({v for s in summaries.values() for v in s.visits})
    names = [*first.levels, *([source] if source else [])]
    levels: dict[str, list[str]] = {name: [] for name in names}
    tallies = Tallies(list(first.numeric), shift=first.shift)
    tallies.visits, tallies.visit_rows = list(visits), [0] * len(visits)
    rows_by_level: dict[str, list[int]] = {name: [] for name in names}
    rows = 0
    for holder, summary in summaries.items():
        numbers = len(summary.cells[0].gram) - len(summary.visits)
        place = [visits.index(v) for v in summary.visits]
        moved = summary.shift - first.shift
        for cell in summary.cells:
            gram = _shifted(cell, numbers, moved)
            full = np.zeros((numbers + len(visits),) * 2)
            put = [*range(numbers), *(numbers + j for j in place)]
            full[np.ix_(put, put)] = gram
            own = [*cell.levels, *([holder] if source else [])]
            key = [sum(1 << place[v] for v in cell.visits)]
            for name, value in zip(names, own, strict=True):
                if value not in levels[name]:
                    levels[name].append(value)
                    rows_by_level[name].append(0)
                code = levels[name].index(value)
                key.append(code)
                rows_by_level[name][code] += cell.n * len(cell.visits)
            for v in cell.visits:
                tallies.visit_rows[place[v]] += cell.n
            for j, parts in enumerate(first.numeric):
                if len(parts) == 1:
                    total = len(cell.visits) * float(cell.gram[0, j])
                    tallies.sums[parts[0]] = tallies.sums.get(parts[0], 0.0) + total
            before = tallies.cells.get(tuple(key), (0.0, np.zeros_like(full)))
            tallies.cells[tuple(key)] = (before[0] + cell.n, before[1] + full)
            tallies.participants += cell.n
            rows += cell.n * len(cell.visits)
    tallies.levels, tallies.level_rows = dict(levels), rows_by_level
    tallies.counts = {"rows analysed": rows, "participants": tallies.participants}
    withheld = sum(s.withheld_participants for s in summaries.values())
    if withheld:
        tallies.counts["excluded: withheld participants"] = withheld
    return tallies


def _shifted(cell: Cell, numbers: int, moved: float) -> Floats:
    """Express a cell's outcomes as deviations from another shift: y + moved at visits seen."""
    if moved == 0:
        return cell.gram
    turn = np.eye(len(cell.gram))
    for v in cell.visits:
        turn[0, numbers + v] = moved
    return np.asarray(turn.T @ cell.gram @ turn)


def without_small_cells(summary: Summary, smallest: int) -> Summary:
    """Withhold the cells of fewer than ``smallest`` participants.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": [1, 1, 2, 3], "week": [4, 8, 4, 4], "score": [9.0, 8, 7, 6]})
    >>> whole = summarise("score ~ week", rows, participant="id", visit="week")
    >>> without_small_cells(whole, 2).withheld_patterns
    1
    """
    small = [cell for cell in summary.cells if cell.n < smallest]
    return replace(
        summary,
        cells=tuple(cell for cell in summary.cells if cell.n >= smallest),
        smallest=max(smallest, summary.smallest),
        withheld_patterns=summary.withheld_patterns + len(small),
        withheld_participants=summary.withheld_participants + sum(cell.n for cell in small),
    )


def withheld_share(summaries: Sequence[Summary]) -> float:
    """Return the share of all participants that was withheld."""
    withheld = sum(s.withheld_participants for s in summaries)
    return withheld / max(withheld + sum(s.participants for s in summaries), 1)
