"""An export as text: what every kind of file becomes before anything is interpreted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.as_text import named_columns
from ipt_outcomes.ingest.source import Source


@dataclass(frozen=True)
class RawTable:
    """An export as text.

    Parameters
    ----------
    file
        The file, as the configuration names it.
    cells
        One text column per column of the file, blanks trimmed; an empty cell is missing.
    rows
        Row of the file of each row of ``cells``; the header is row 1.
    repeated
        Names that stand more than once in the header; they are not in ``cells``.
    complete
        Whether every row could be read.
    blank_rows
        Number of rows without any entry, which were passed over.
    heads
        Name in ``cells``: name in the file, where a reader has renamed a column.
    excused
        Columns whose absence has been reported already.
    labels
        Column: what its codes mean, where the file says so.
    questions
        Column: its label, where the file has one.
    described
        What was found out about the file: ``kind``, ``encoding``, ``delimiter``, ``sheet``.
    """

    file: str
    cells: pd.DataFrame
    rows: np.ndarray
    repeated: tuple[str, ...] = ()
    complete: bool = True
    blank_rows: int = 0
    heads: Mapping[str, str] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    described: Mapping[str, str] = field(default_factory=dict)

    def head(self, column: str) -> str:
        """Return a column's name in the file."""
        return self.heads.get(column, column)


def table_of(
    source: Source,
    columns: Mapping[str, pd.Series],
    rows: np.ndarray,
    *,
    described: Mapping[str, str],
    labels: Mapping[str, Mapping[str, str]] | None = None,
    questions: Mapping[str, str] | None = None,
    repeated: Sequence[str] = (),
) -> RawTable:
    """Make a table of columns that are text already; rows without an entry are passed over.

    Parameters
    ----------
    source
        The file.
    columns
        Name: text, empty cells missing.
    rows
        Row of the file of each entry.
    described, labels, questions, repeated
        As in :class:`RawTable`.
    """
    named, twice = named_columns(columns)
    frame = pd.DataFrame(named, index=pd.RangeIndex(len(rows)))
    if not len(rows):
        source.error("no rows", "no row below the column names", "rows with data",
                     "Export again, with all records.", row=2)  # fmt: skip
    blank = frame.isna().all(axis=1).to_numpy(dtype=bool)
    return RawTable(
        source.name,
        frame[~blank].reset_index(drop=True) if blank.any() else frame,
        rows[~blank],
        (*repeated, *twice),
        blank_rows=int(blank.sum()),
        labels=labels or {},
        questions=questions or {},
        described=described,
    )
