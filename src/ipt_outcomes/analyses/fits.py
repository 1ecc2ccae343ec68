"""The fitted models of an analysis, kept so that an analyst can ask them the next question.

An analysis gives rows of the estimates table; the models behind them would be gone. Within
:func:`keeping` every model that an analysis fits is kept under its ``model_id`` with the rows that
it was fitted to. A kept model is a record (:mod:`ipt_outcomes.mixed.record`) and a Parquet file:
opening one evaluates it at its maximum and runs nothing else. Both describe single participants,
so they stay among the restricted results.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

INDEX = "fits.json"


class FitError(ValueError):
    """A fitted model that was asked for is not there; says which are."""


@dataclass
class KeptFits:
    """Records by model id, and the rows that each was fitted to.

    Parameters
    ----------
    records
        Model id: what :func:`ipt_outcomes.mixed.record_of` wrote.
    frames
        Model id: the fitted rows.
    """

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    def write(self, folder: str | Path) -> None:
        """Write all of them into a folder, which appears when it is complete."""
        target = Path(folder)
        part = target.with_name(target.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        index = {}
        for number, (model_id, record) in enumerate(sorted(self.records.items())):
            rows = f"rows_{number}.parquet"
            self.frames[model_id].to_parquet(part / rows)
            index[model_id] = {"rows": rows, "record": record}
        (part / INDEX).write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", "utf-8")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)


_KEPT: ContextVar[KeptFits | None] = ContextVar("kept fits", default=None)


@contextmanager
def keeping() -> Iterator[KeptFits]:
    """Keep every model that is fitted within.

    Examples
    --------
    >>> with keeping() as kept:
    ...     pass
    >>> kept.records
    {}
    """
    kept = KeptFits()
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


def keep(
    model_id: str, fit: MixedModelFit, rows: pd.DataFrame, reference: Mapping[str, Any]
) -> None:
    """Keep one fitted model, if anyone asked for that.

    Parameters
    ----------
    model_id
        As in the estimates table.
    fit, rows, reference
        The model, the rows that it was fitted to, and the reference levels of the call.
    """
    kept = _KEPT.get()
    if kept is not None:
        from ipt_outcomes.mixed import record_of

        kept.records[model_id] = record_of(fit, reference)
        kept.frames[model_id] = rows.reset_index(drop=True)


def model_ids(folder: str | Path) -> list[str]:
    """Return the models that were kept in a folder."""
    return list(_index(folder))


def open_fit(folder: str | Path, model_id: str) -> MixedModelFit:
    """Open a kept model.

    Parameters
    ----------
    folder
        Where it was written.
    model_id
        As in the estimates table.

    Raises
    ------
    FitError
        When there is no such model.
    """
    from ipt_outcomes.mixed import reopen

    index = _index(folder)
    if model_id not in index:
        raise FitError(
            f"no model {model_id!r} in {folder}; there are: {', '.join(index) or 'none'}"
        )
    rows = pd.read_parquet(Path(folder, index[model_id]["rows"]))
    return reopen(index[model_id]["record"], rows)


def _index(folder: str | Path) -> dict[str, Any]:
    path = Path(folder, INDEX)
    if not path.is_file():
        raise FitError(f"{path} does not exist: run `snakemake` first")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
