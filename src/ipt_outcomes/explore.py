"""Results of a finished run, for a notebook: what there is completes at the tab key.

``load_results()`` reads what the workflow wrote into a study's ``results/``; nothing is fitted and
nothing is written. Tables, figures and fitted models are read when they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd

from ipt_outcomes.analyses.fits import model_ids, open_fit
from ipt_outcomes.frames import read_participants, read_scores
from ipt_outcomes.results import read

T = TypeVar("T")


class ResultsNotFoundError(ValueError):
    """There are no results where they were looked for; says what to do."""


class Named(Mapping[str, T], Generic[T]):
    """Things by name, each read when it is asked for: ``things.name`` or ``things["name"]``.

    Parameters
    ----------
    what
        What they are, in words.
    readers
        Name: what reads it.

    Examples
    --------
    >>> tables = Named("tables", {"baseline": lambda: 1})
    >>> tables.baseline, list(tables)
    (1, ['baseline'])
    >>> tables.basline
    Traceback (most recent call last):
    ...
    AttributeError: no tables named 'basline'; there are: baseline
    """

    def __init__(self, what: str, readers: Mapping[str, Callable[[], T]]) -> None:
        self._what = what
        self._readers = dict(readers)

    def __getitem__(self, name: str) -> T:
        return self._readers[name]()

    def __getattr__(self, name: str) -> T:
        if name.startswith("_") or name not in self._readers:
            known = ", ".join(self._readers) or "none"
            raise AttributeError(f"no {self._what} named {name!r}; there are: {known}")
        return self._readers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._readers]

    def __repr__(self) -> str:
        return "\n".join([f"{len(self)} {self._what}:", *(f"  {name}" for name in self)])


@dataclass(frozen=True)
class SavedTable:
    """A table as it stands in the report; a notebook shows it as it is.

    Parameters
    ----------
    html
        For display.
    frame
        The same cells.
    """

    html: str
    frame: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class SavedFigure:
    """A figure as it stands in the report, with the data that it shows.

    Parameters
    ----------
    svg
        For display.
    data
        What is plotted.
    caption
        The caption.
    """

    svg: str
    data: pd.DataFrame
    caption: str

    def _repr_html_(self) -> str:
        return f"<figure>{self.svg}<figcaption>{self.caption}</figcaption></figure>"


class Results:
    """Results of one trial of a study; see :func:`load_results`.

    Parameters
    ----------
    folder
        The study's folder, which holds ``results/``.
    trial
        The trial's short name.
    """

    def __init__(self, folder: Path, trial: str) -> None:
        self.trial = trial
        self._shared = folder / "results" / "shared"
        self._restricted = folder / "results" / "restricted" / trial

    def __repr__(self) -> str:
        parts: dict[str, Named[Any]] = {"outcomes": self.outcomes, "tables": self.tables,
                 "figures": self.figures, "fits": self.fits}  # fmt: skip
        counted = ", ".join(f"{len(part)} {name}" for name, part in parts.items())
        return f"results of {self.trial}: {len(self.estimates)} estimates; {counted}"

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """Every number of the trial: one row each (:data:`ipt_outcomes.results.SCHEMA`)."""
        table = read(self._shared / "estimates.parquet")
        return table[table["trial"] == self.trial].reset_index(drop=True)

    @cached_property
    def outcomes(self) -> Named[pd.DataFrame]:
        """Rows of the estimates table, by outcome or characteristic."""
        rows = self.estimates
        names = [str(name) for name in rows["outcome"].dropna().drop_duplicates()]
        return Named("outcomes", {n: lambda n=n: rows[rows["outcome"] == n] for n in names})  # type: ignore[misc]

    @cached_property
    def tables(self) -> Named[SavedTable]:
        """Tables of the report."""
        found = sorted((self._shared / self.trial / "tables").glob("*.html"))
        return Named("tables", {path.stem: lambda path=path: _table(path) for path in found})  # type: ignore[misc]

    @cached_property
    def figures(self) -> Named[SavedFigure]:
        """Figures of the report."""
        found = sorted((self._shared / self.trial / "figures").glob("*.svg"))
        return Named("figures", {path.stem: lambda path=path: _figure(path) for path in found})  # type: ignore[misc]

    @cached_property
    def fits(self) -> Named[Any]:
        """Fitted models: any mean, contrast or test can be asked of them, and nothing is refitted.

        They are opened from the restricted results, with the scores that they were fitted to.
        """
        readers = {}
        for folder in sorted((self._restricted / "fits").glob("*/")):
            for model_id in model_ids(folder):
                parts = model_id.split("/")[1:]
                name = re.sub(r"\W+", "_", "_".join(parts)).strip("_").lower()
                readers[name] = lambda folder=folder, model_id=model_id: open_fit(folder, model_id)
        return Named("fits", readers)

    @property
    def scores(self) -> pd.DataFrame:
        """The canonical long frame: one row per participant, outcome and planned visit."""
        return read_scores(self._restricted / "scores.parquet")

    @property
    def participants(self) -> pd.DataFrame:
        """The participant frame: one row each."""
        return read_participants(self._restricted / "participants.parquet")


def load_results(folder: str | Path | None = None, trial: str | None = None) -> Results:
    """Load what a finished run left.

    Parameters
    ----------
    folder
        The study's folder; by default the nearest one, upwards from here, that has ``results/``.
    trial
        The trial's short name; may be left out when the study has one.

    Returns
    -------
    Results
        With ``estimates``, ``outcomes``, ``tables``, ``figures``, ``fits``, ``scores`` and
        ``participants``.

    Raises
    ------
    ResultsNotFoundError
        When the study has not been run, or has several trials and none is named.

    Examples
    --------
    >>> load_results("/nowhere")
    Traceback (most recent call last):
    ...
    ipt_outcomes.explore.ResultsNotFoundError: no estimates in /nowhere: run `snakemake` there first
    """
    wanted = Path("results", "shared", "estimates.parquet")
    here = Path.cwd() if folder is None else Path(folder)
    candidates = [here, *here.parents] if folder is None else [here]
    study = next((one for one in candidates if (one / wanted).is_file()), None)
    if study is None:
        raise ResultsNotFoundError(f"no estimates in {here}: run `snakemake` there first")
    trials = sorted(set(read(study / wanted)["trial"]))
    if trial is None and len(trials) > 1:
        raise ResultsNotFoundError(f"this study has several trials; name one: {', '.join(trials)}")
    if trial is not None and trial not in trials:
        raise ResultsNotFoundError(f"no trial {trial!r} here; there are: {', '.join(trials)}")
    return Results(study, trial or trials[0])


def _table(path: Path) -> SavedTable:
    frame = pd.read_csv(path.with_suffix(".csv"), dtype=str, keep_default_na=False)
    return SavedTable(path.read_text("utf-8"), frame)


def _figure(path: Path) -> SavedFigure:
    described = json.loads(path.with_suffix(".json").read_text("utf-8"))
    svg = re.sub(r"^.*?(?=<svg)", "", path.read_text("utf-8"), flags=re.DOTALL)
    return SavedFigure(svg, pd.read_csv(path.with_suffix(".csv")), str(described["caption"]))
