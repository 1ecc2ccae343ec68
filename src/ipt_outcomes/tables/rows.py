"""Picking rows of the estimates table by what they describe.

Only rows that may be shared are ever seen: what is made from :class:`Rows` cannot leak a
restricted estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

Row = Mapping[str, Any]
"""One row of the estimates table; empty cells are None."""


class Rows:
    """Rows of the estimates table, in its order.

    Examples
    --------
    >>> from ipt_outcomes.results import estimates
    >>> table = estimates([dict(trial="a", analysis="flow", analysis_set="as randomised",
    ...     quantity="count", contrast="randomised", estimate=240, method="count",
    ...     status="exploratory", disclosure="shared")])
    >>> Rows.of(table, "a").one(analysis="flow", contrast="randomised")["estimate"]
    240.0
    """

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    @classmethod
    def of(cls, table: pd.DataFrame, trial: str) -> Rows:
        """Take the shared rows of one trial from an estimates table."""
        wanted = table[(table["trial"] == trial) & (table["disclosure"] == "shared")]
        names = [str(name) for name in wanted.columns]
        # By column, not by row: thousands of rows are taken for every table and figure.
        columns = [
            values.astype(object).where(values.notna(), None).tolist()
            for _, values in wanted.items()
        ]
        return cls([dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)])

    def where(self, **wanted: object) -> Rows:
        """Keep the rows whose columns have these values; None asks for empty ones.

        A tuple of values keeps rows that have any of them.
        """
        return Rows([row for row in self._rows if all(map(_matcher(row), wanted.items()))])

    def first(self, **wanted: object) -> Row | None:
        """Return the first such row, or None."""
        return next(iter(self.where(**wanted)), None)

    def one(self, **wanted: object) -> Row:
        """Return the first such row.

        Raises
        ------
        LookupError
            When there is none.
        """
        row = self.first(**wanted)
        if row is None:
            raise LookupError(f"no row of the estimates table has {wanted}")
        return row

    def values(self, column: str) -> list[Any]:
        """Return the different values of a column, in order of appearance."""
        return list(dict.fromkeys(row[column] for row in self._rows if row[column] is not None))

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _matcher(row: Row) -> Any:
    def matches(item: tuple[str, object]) -> bool:
        name, wanted = item
        return row[name] in wanted if isinstance(wanted, tuple) else row[name] == wanted

    return matches
