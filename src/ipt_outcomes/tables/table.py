"""One table: its words, cells and footnotes.

The cells are :class:`~ipt_outcomes.tables.quotes.Text`, so the same table becomes a great_tables
page, a CSV file, and a part of the report whose every number can be traced.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ipt_outcomes.tables.quotes import Part, Text, words


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Parameters
    ----------
    label
        Its head.
    spanner
        A head that it shares with its neighbours; None for none.
    symbol
        Whether the head is a statistical symbol, to be set in italics.
    """

    label: Text
    spanner: Text | None = None
    symbol: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Parameters
    ----------
    label
        What it is about.
    cells
        One text per column; none for a heading inside the table.
    group
        Head of the block of rows that it belongs to; None for none.
    indent
        Whether it is a part of the line above.
    """

    label: Text
    cells: tuple[Text, ...] = ()
    group: Text | None = None
    indent: bool = False


@dataclass(frozen=True)
class Table:
    """A finished table.

    Parameters
    ----------
    name
        Its file name without ending.
    title
        What it shows.
    stub
        Head of the column of row labels.
    columns, lines
        Its content.
    footnotes
        What a reader must know, in order.
    prose
        Whether the cells hold sentences instead of numbers.
    """

    name: str
    title: Text
    stub: Text
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[Text, ...] = ()
    prose: bool = False

    @property
    def grouped(self) -> bool:
        """Whether the lines stand in blocks with a head."""
        return any(line.group is not None for line in self.lines)

    def blocks(self) -> list[tuple[Text | None, list[Line]]]:
        """Return the lines by block, in order."""
        blocks: list[tuple[Text | None, list[Line]]] = []
        for line in self.lines:
            if not blocks or blocks[-1][0] != line.group:
                blocks.append((line.group, []))
            blocks[-1][1].append(line)
        return blocks

    def spanners(self) -> list[tuple[Text | None, list[Column]]]:
        """Return neighbouring columns by the head that they share."""
        spans: list[tuple[Text | None, list[Column]]] = []
        for column in self.columns:
            if not spans or spans[-1][0] != column.spanner or column.spanner is None:
                spans.append((column.spanner, []))
            spans[-1][1].append(column)
        return spans

    def frame(self) -> pd.DataFrame:
        """Return the table as plain text, one row per line."""
        names = [str(self.stub)]
        for column in self.columns:
            spanner = f"{column.spanner}: " if column.spanner is not None else ""
            names.append(f"{spanner}{column.label}")
        rows = [
            [str(line.label), *(map(str, line.cells) if line.cells else [""] * len(self.columns))]
            for line in self.lines
        ]
        frame = pd.DataFrame(rows, columns=names, dtype=str)
        if self.grouped:
            frame.insert(0, "", [str(line.group or "") for line in self.lines])
        return frame


def column(*label: Part, under: Text | None = None, symbol: bool = False) -> Column:
    """Make a column from the words of its head."""
    return Column(words(*label), under, symbol)
