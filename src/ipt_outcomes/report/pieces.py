"""What the report is put together from: the estimates, figures, and counts of the data."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import Text, named, tallied, words
from ipt_outcomes.tables.table import Line, Table, column


@dataclass(frozen=True)
class TrialPieces:
    """What belongs to one trial.

    Parameters
    ----------
    figures
        Paths of the figures' ``.json`` files; the ``.svg`` (and ``.csv``) lie beside them.
    data_quality
        What ingest counted, as it wrote it: name: count, or name: {name: count}.
    """

    figures: Sequence[str | Path] = ()
    data_quality: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReportPieces:
    """What belongs to the report of a study, in whatever form it is written.

    Parameters
    ----------
    study
        The configuration.
    estimates
        The estimates table of all trials; restricted rows are not read.
    trials
        Trial: its figures and what was counted of its data.
    provenance
        Heading: {name: value}, such as the versions of the software.
    locked_plan
        Name of the locked analysis plan; None when there is none, and then everything is
        exploratory.
    deviations
        Changes of the plan since it was locked, in words.
    masked
        Whether the arms were dealt out anew at random, so that no number is a result.
    syntheses
        Synthesis of several trials: the ``.json`` files of its figures.
    """

    study: Study
    estimates: pd.DataFrame
    trials: Mapping[str, TrialPieces]
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    locked_plan: str | None = None
    deviations: Sequence[str] = ()
    masked: bool = False
    syntheses: Mapping[str, Sequence[str | Path]] = field(default_factory=dict)


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure as the page holds it.

    Parameters
    ----------
    name
        Its file name without ending.
    title, caption, alt_text
        Its words.
    image
        The picture as a data URI.
    width, height
        Its size, for the room that it takes before it is painted.
    data
        The plotted data as a data URI; empty when there is no such file.
    stem
        Path of its files without their ending.
    """

    name: str
    title: Text
    caption: Text
    alt_text: Text
    image: str
    width: int
    height: int
    data: str
    stem: Path


def embed(path: str | Path) -> EmbeddedFigure:
    """Read a figure's words, picture and data.

    Parameters
    ----------
    path
        The figure's ``.json`` file.

    Raises
    ------
    FileNotFoundError
        When the words or the SVG picture are missing.
    """
    path = Path(path)
    pieces = json.loads(path.read_text("utf-8"))["pieces"]
    svg = path.with_suffix(".svg").read_bytes()
    box = re.search(rb'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', svg)
    width, height = (round(float(side)) for side in box.groups()) if box else (510, 340)
    csv = path.with_suffix(".csv")
    return EmbeddedFigure(
        path.stem,
        Text.from_lists(pieces["title"]),
        Text.from_lists(pieces["caption"]),
        Text.from_lists(pieces["alt_text"]),
        _uri("image/svg+xml", svg),
        width,
        height,
        _uri("text/csv;charset=utf-8", csv.read_bytes()) if csv.is_file() else "",
        path.with_suffix(""),
    )


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


BY_VISIT = "scores_by_visit"

COUNTED = {
    "rows": "Rows read",
    "blank_rows": "Blank rows skipped",
    "participants": "Participants",
    "participants_without_arm": "Without an arm, not used",
    "assessments": "Assessments",
    "scores": "Scores used",
    "scores_not_used": "Scores set aside",
    "findings": "Findings",
    "error": "errors",
    "warning": "warnings",
    "note": "notes",
}
"""What ingest calls a count: what a reader does."""


def counts_in_words(study: Study, counts: Mapping[str, Any]) -> list[tuple[Text, Text]]:
    """Word the counts of the data, nested ones flattened, in a stable order.

    Parameters
    ----------
    study
        The configuration, whose labels replace names of outcomes and visits.
    counts
        As ingest wrote them; what is no count (such as a file name), and the scores by visit
        (see :func:`scores_by_visit`), are left out.
    """
    rank = {name: position for position, name in enumerate(COUNTED)}
    found: list[tuple[Text, Text]] = []

    def walk(counts: Mapping[str, Any], above: Text) -> None:
        for name in sorted(counts, key=lambda name: (rank.get(name, len(rank)), name)):
            value = counts[name]
            label = words(above, ": " if above else "", _label(study, name))
            if isinstance(value, Mapping):
                walk(value, label)
            elif isinstance(value, int) and not isinstance(value, bool):
                found.append((label, words(tallied(value))))

    walk({name: value for name, value in counts.items() if name != BY_VISIT}, Text())
    return found


def scores_by_visit(study: Study, trial: str, counts: Mapping[str, Any]) -> Table | None:
    """Make the table of the scores read by visit; None when ingest did not count them."""
    by_outcome = counts.get(BY_VISIT)
    if not isinstance(by_outcome, Mapping) or not by_outcome:
        return None
    outcomes = [name for name in study.outcomes if name in by_outcome]
    visits = [
        name
        for name in sorted(study.visits, key=lambda visit: study.visits[visit].week)
        if any(name in by_outcome[outcome] for outcome in outcomes)
    ]
    return Table(
        BY_VISIT,
        words("Scores read by visit: ", named(study.trials[trial].label)),
        words("Visit"),
        tuple(column(named(study.outcomes[outcome].short_label)) for outcome in outcomes),
        tuple(
            Line(
                words(named(study.visits[visit].label)),
                tuple(words(tallied(by_outcome[outcome].get(visit, 0))) for outcome in outcomes),
            )
            for visit in visits
        ),
    )


def _label(study: Study, name: str) -> Text:
    if name in COUNTED:
        return words(COUNTED[name])
    if name in study.outcomes:
        return words(named(study.outcomes[name].short_label))
    if name in study.visits:
        return words(named(study.visits[name].label))
    return words(named(name.replace("_", " ").capitalize()))
