"""The same model from a Parquet file in one pass, without holding the rows.

Participants are sorted into cells by the visits they were seen at and by their levels of the
categorical columns; each cell keeps the cross-products of the participants' numeric columns and
outcomes. Nothing about levels, their order or the coding has to be known in advance: the design is
put together from the cells after the pass. Memory grows with cells × columns², plus eight bytes per
participant to notice identifiers that come back. The rows of a participant must stand together in
the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DesignError
from .factors import Codes, Factor, Floats, is_categorical
from .formula import ParsedFormula, check_expression, missing_columns, variables_of
from .tallies import Tallies, moved, value_codes

VISIT_LIMIT = 60


class Reader:
    """One pass over batches of rows.

    Parameters
    ----------
    formula
        The fixed effects.
    extra
        Factors of other formulas that depend on the visit only (random effects).
    participant, visit
        Names of the identifying columns.
    group
        Further categorical column of the participants (``covariance_by``).
    """

    def __init__(
        self,
        formula: ParsedFormula,
        extra: ParsedFormula | None,
        participant: str,
        visit: str,
        group: str | None,
    ) -> None:
        assert formula.outcome is not None
        self.formula, self.extra = formula, extra
        self.participant, self.visit, self.group = participant, visit, group
        self.outcome = formula.outcome
        self.factors: dict[str, Factor] = {}
        self.kind: dict[str, str] = {}
        self.tallies: Tallies | None = None
        self.held: pd.DataFrame | None = None
        self.hashes: list[NDArray[np.uint64]] = []
        self.counts: dict[str, int] = {}

    def columns(self, available: list[str]) -> list[str]:
        """Return the columns to read, checking that the file has them."""
        wanted = {self.participant: "participant", self.visit: "visit"}
        if self.group is not None:
            wanted[self.group] = "covariance_by"
        if not self.formula.outcome_is_name:
            raise DesignError("streaming needs a plain column as outcome; add it to the file.")
        wanted[self.outcome] = "outcome"
        sources = [self.formula, *([] if self.extra is None else [self.extra])]
        for source in sources:
            wanted |= dict.fromkeys(source.names, "formula")
            for expression in {e: None for term in source.terms for e in term}:
                check_expression(expression)
                name = expression in source.names
                used = variables_of(expression, name, available)
                wanted |= dict.fromkeys(used, "formula")
                self.factors.setdefault(expression, Factor(expression, name, used))
        findings = missing_columns(wanted, available)
        if findings:
            raise DesignError(findings)
        return list(wanted)

    def take(self, frame: pd.DataFrame, *, last: bool = False) -> None:
        """Add a batch; the rows of its last participant wait for the next one."""
        if self.held is not None:
            frame = pd.concat([self.held, frame], ignore_index=True)
        ids = frame[self.participant]
        if ids.isna().any():
            raise DesignError(f"participant column {self.participant!r} has missing values.")
        codes = pd.factorize(ids)[0]
        change = np.flatnonzero(codes[1:] != codes[:-1]) + 1
        starts = np.concatenate([[0], change])
        if len(starts) != codes.max() + 1:
            again = codes[starts][pd.Series(codes[starts]).duplicated().to_numpy()]
            raise DesignError(
                _scattered(self.participant, ids.iloc[int(np.flatnonzero(codes == again[0])[0])])
            )
        if not last:
            if len(starts) == 1:
                self.held = frame
                return
            cut = int(starts[-1])
            self.held, frame = frame.iloc[cut:], frame.iloc[:cut]
            codes, starts = codes[:cut], starts[:-1]
        self._check_grouped(frame[self.participant].iloc[starts])
        self._add(frame, codes.astype(np.int64), starts)

    def _check_grouped(self, ids: pd.Series[Any]) -> None:
        """Remember a hash of every participant (8 bytes each) to notice those who come back."""
        hashes = pd.util.hash_pandas_object(ids, index=False)
        self.hashes.append(np.asarray(hashes, np.uint64))

    def finish(self) -> Tallies:
        """Add what waits, check that no participant came twice, and return the tallies."""
        if self.held is not None:
            frame, self.held = self.held, None
            self.take(frame, last=True)
        if self.tallies is None or not self.tallies.cells:
            told = "; ".join(f"{k}: {v}" for k, v in self.counts.items() if k.startswith("excl"))
            raise DesignError(
                f"no row is left to analyse ({self.counts.get('rows', 0)} rows read; "
                f"{told or 'none excluded'})."
            )
        every = np.sort(np.concatenate(self.hashes))
        if (every[1:] == every[:-1]).any():
            raise DesignError(_scattered(self.participant, None))
        return self.tallies

    def _add(self, frame: pd.DataFrame, codes: Codes, starts: Codes) -> None:
        if is_categorical(frame[self.outcome]):
            raise DesignError(
                f"the outcome column {self.outcome!r} is of type {frame[self.outcome].dtype}; it "
                "must be numbers."
            )
        y = np.asarray(frame[self.outcome], float)
        if np.isinf(y).any():
            raise DesignError(f"the outcome {self.outcome!r} holds infinite numbers.")
        names = {v: None for f in self.factors.values() for v in f.variables}
        names |= {self.visit: None, **({} if self.group is None else {self.group: None})}
        reasons = {f"{self.outcome} missing": np.isnan(y)}
        reasons |= {f"{n} missing": frame[n].isna().to_numpy() for n in names}
        taken = np.zeros(len(frame), bool)
        self._count("rows", len(frame))
        self._count("participants", len(starts))
        for reason, mask in reasons.items():
            number = int((mask & ~taken).sum())
            if number:
                self._count(f"excluded: {reason}", number)
                taken |= mask
        if taken.all():
            return
        if taken.any():
            frame, codes, y = frame[~taken], codes[~taken], y[~taken]
        if self.tallies is None:
            self.tallies = self._classify(frame, codes)
            if self.formula.intercept:
                self.tallies.shift = float(y.mean())
        tallies = self.tallies
        starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
        person = np.repeat(np.arange(len(starts)), np.diff(np.concatenate([starts, [len(codes)]])))
        self._sum(frame, y - tallies.shift, starts, person)

    def _count(self, what: str, number: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def _classify(self, frame: pd.DataFrame, codes: Codes) -> Tallies:
        """Find from the first rows whether a factor belongs to the participant or to the visit."""
        person = pd.factorize(codes)[0].astype(np.int64)
        visit = pd.factorize(frame[self.visit])[0].astype(np.int64)
        for expression, factor in self.factors.items():
            if expression == self.visit and expression in self.formula.names:
                self.kind[expression] = "visit factor"
                continue
            raw = factor.values({v: frame[v] for v in factor.variables})
            if is_categorical(raw):
                factor.levels = []
                self.kind[expression] = "label"
                continue
            values = factor.numeric({v: frame[v] for v in factor.variables})
            if factor.state:
                raise DesignError(
                    f"{expression!r} depends on all rows (it is fitted to the data) and cannot be "
                    "streamed; write its columns into the file."
                )
            factor.width = values.shape[1]
            if _constant(values, person):
                self.kind[expression] = "participant"
            elif _constant(values, visit):
                self.kind[expression] = "visit"
            else:
                raise DesignError(
                    f"{expression!r} varies within participants in a way that visits do not "
                    "explain; it cannot be streamed, use mixed_model on a data frame."
                )
        numeric: dict[tuple[str, ...], None] = {(): None}
        for term in self.formula.terms:
            own = tuple(e for e in term if self.kind[e] == "participant")
            numeric[own] = None
        tallies = Tallies(list(numeric), counts=self.counts)
        labels = [e for e, k in self.kind.items() if k == "label"]
        if self.group is not None and self.group not in labels:
            labels.append(self.group)
        tallies.levels = {e: [] for e in labels}
        tallies.level_rows = {e: [] for e in labels}
        return tallies

    def _sum(self, frame: pd.DataFrame, y: Floats, starts: Codes, person: Codes) -> None:
        tallies = self.tallies
        assert tallies is not None
        people = len(starts)
        visit = value_codes(frame[self.visit], tallies.visits, tallies.visit_rows)
        if len(tallies.visits) > VISIT_LIMIT:
            raise DesignError(f"more than {VISIT_LIMIT} visits in column {self.visit!r}.")
        cell = person * len(tallies.visits) + visit
        if len(np.unique(cell)) < len(cell):
            twice = frame[self.participant].iloc[
                int(pd.Series(cell).duplicated().to_numpy().argmax())
            ]
            raise DesignError(f"participant {twice} has more than one row at a visit.")
        values: dict[str, Floats] = {}
        for expression, factor in self.factors.items():
            kind = self.kind[expression]
            if kind in {"participant", "visit"}:
                numbers = factor.numeric({v: frame[v] for v in factor.variables})
                if not np.isfinite(numbers).all():
                    raise DesignError(
                        f"{expression} is not finite in {np.sum(~np.isfinite(numbers))} rows."
                    )
                if kind == "participant":
                    own = numbers[starts]
                    if not np.array_equal(own[person], numbers):
                        raise DesignError(moved(expression, "participant"))
                    values[expression] = own
                else:
                    tallies.note_visit_values(expression, numbers, visit)
        for name in {v for f in self.factors.values() for v in f.variables}:
            if not is_categorical(frame[name]):
                tallies.sums[name] = tallies.sums.get(name, 0.0) + float(
                    np.asarray(frame[name], float).sum()
                )
        keys = [np.bitwise_or.reduceat(np.int64(1) << visit, starts)]
        for label, known in tallies.levels.items():
            factor = self.factors.get(label, Factor(label, True, (label,)))
            raw = pd.Series(factor.values({v: frame[v] for v in factor.variables}))
            codes = value_codes(raw, known, tallies.level_rows[label])
            own_code = codes[starts]
            if not np.array_equal(own_code[person], codes):
                raise DesignError(moved(label, "participant"))
            keys.append(own_code)
        columns = [np.ones((people, 1))]
        for parts in tallies.numeric[1:]:
            block = np.ones((people, 1))
            for expression in parts:
                block = (block[:, :, None] * values[expression][:, None, :]).reshape(people, -1)
            columns.append(block)
        T = len(tallies.visits)
        outcome = np.zeros((people, T))
        outcome[person, visit] = y
        U = np.concatenate([*columns, outcome], axis=1)
        tallies.accumulate(np.column_stack(keys), U)
        tallies.participants += people
        self._count("rows analysed", len(y))


def _constant(values: Floats, group: Codes) -> bool:
    first = np.empty((int(group.max()) + 1, *values.shape[1:]))
    first[group[::-1]] = values[::-1]
    return bool(np.array_equal(first[group], values))


def _scattered(column: str, who: Any) -> str:
    name = "a participant" if who is None else f"participant {who}"
    return (
        f"the rows of {name} do not stand together in the file; sort it by {column!r} "
        "first, or read it into a data frame and use mixed_model."
    )


def read_parquet_tallies(path: str | Path, reader: Reader, batch_rows: int) -> Tallies:
    """Pass over a Parquet file once.

    Parameters
    ----------
    path
        File.
    reader
        What to tally.
    batch_rows
        Rows held at a time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if batch_rows < 1:
        raise DesignError(f"batch_rows={batch_rows} must be at least 1.")
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise DesignError(f"{path} cannot be read as a Parquet file: {error}") from error
    schema = file.schema_arrow
    wanted = reader.columns(list(schema.names))
    labels = [
        f.name
        for f in schema
        if f.name in wanted and (pa.types.is_string(f.type) or pa.types.is_large_string(f.type))
    ]
    labels = [name for name in labels if name != reader.participant]
    file = pq.ParquetFile(path, memory_map=True, read_dictionary=labels)
    for batch in file.iter_batches(batch_size=batch_rows, columns=wanted):
        reader.take(batch.to_pandas())
    return reader.finish()


def order_levels(values: list[Any], reference: Any, name: str) -> list[int]:
    """Return positions of the values in sorted order, the reference first.

    Examples
    --------
    >>> order_levels(["b", "a", "c"], "c", "arm")
    [2, 1, 0]
    """
    order = sorted(range(len(values)), key=lambda j: values[j])
    if reference is None:
        return order
    match = [j for j in order if values[j] == reference or str(values[j]) == str(reference)]
    if not match:
        raise DesignError(f"reference level {reference!r} of {name!r} does not occur in the file.")
    return [match[0], *[j for j in order if j != match[0]]]
