"""One table: its words, cells and footnotes, and the forms in which it leaves the program.

The cells are :class:`~ipt_outcomes.tables.quotes.Text`, so the same table becomes a great_tables
page, a CSV file, and a part of the report whose every number can be traced.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ipt_outcomes.results import spreadsheet_safe
from ipt_outcomes.tables.quotes import Part, Text, words

if TYPE_CHECKING:
    from great_tables import GT


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

    def gt(self) -> GT:
        """Return the table as a great_tables object, to be styled further."""
        from ipt_outcomes.tables.display import as_great_table

        return as_great_table(self)

    def save(self, stem: str | Path) -> None:
        """Write the table as a page of its own, as CSV and as LaTeX, each whole or not at all.

        Parameters
        ----------
        stem
            Path without ending; ``.html``, ``.csv`` and ``.tex`` are added.
        """
        from ipt_outcomes.tables.latex import as_latex

        page = self.gt().as_raw_html(make_page=True)
        _write(f"{stem}.html", lambda path: path.write_text(page.rstrip() + "\n", "utf-8"))
        _write(f"{stem}.tex", lambda path: path.write_text(as_latex(self), "utf-8"))
        self.save_csv(f"{stem}.csv")

    def save_csv(self, path: str | Path) -> None:
        """Write the table as CSV.

        It starts with a byte order mark, without which spreadsheet programs garble minus signs.
        """
        safe = self.frame().map(spreadsheet_safe)
        safe.columns = [spreadsheet_safe(str(name)) for name in safe.columns]
        _write(
            path,
            lambda path: safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n"),
        )


def column(*label: Part, under: Text | None = None, symbol: bool = False) -> Column:
    """Make a column from the words of its head."""
    return Column(words(*label), under, symbol)


def _write(path: str | Path, save: Callable[[Path], object]) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    save(temporary)
    os.replace(temporary, path)
