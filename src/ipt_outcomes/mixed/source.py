"""Columns of the data frame, each taken out of it once."""

from __future__ import annotations

from typing import Any

import pandas as pd


class Source:
    """A data frame whose columns are remembered: taking one out of pandas costs 0.1 ms.

    Parameters
    ----------
    frame
        The data.

    Examples
    --------
    >>> Source(pd.DataFrame({"week": [4, 8]}))["week"].tolist()
    [4, 8]
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.columns = [str(c) for c in frame.columns]
        self._taken: dict[str, pd.Series[Any]] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        if name not in self._taken:
            column = self.frame[name]
            self._taken[name] = column
        return self._taken[name]
