"""The data of a Jacobson–Truax plot: each participant's baseline against the endpoint.

Observed scores only. Each participant is a point, which may show who they are: those rows are
*restricted* and go to ``results/restricted``. Their shared twin counts the participants of each arm
that improved reliably (those that also left the clinical range apart, where the instrument has a
cut-off), did not change reliably, or deteriorated; small counts are suppressed, except
deterioration, a harm.

Source: Jacobson & Truax (1991), Journal of Consulting and Clinical Psychology 59:12.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.disclosure import suppress
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.status import DETERIORATION, IMPROVEMENT, StatusDefinition
from ipt_outcomes.instruments import InstrumentDefinition
from ipt_outcomes.instruments.criteria import Criterion
from ipt_outcomes.instruments.totals import holds
from ipt_outcomes.results import Row

Flags = NDArray[np.bool_]

RECOVERED = "reliably improved and out of the clinical range"
IMPROVED = "reliably improved"
UNCHANGED = "no reliable change"
DETERIORATED = "reliably deteriorated"
SHOWN = "deterioration is a harm: its count is shown however small"


def change_plot_rows(
    matrix: ScoreMatrix,
    definitions: list[StatusDefinition],
    known: InstrumentDefinition | None,
    endpoint: str,
    where: Row,
) -> Iterator[Row]:
    """Give the points of the plot (restricted) and the counts of their twin (shared).

    Parameters
    ----------
    matrix
        Scores.
    definitions
        Those of the outcome; without reliable change there is no plot.
    known
        The instrument's entry in the registry, for its cut-off.
    endpoint
        The later of the two visits.
    where
        Columns that all rows share.
    """
    rules = {definition.name: definition for definition in definitions}
    if not {IMPROVEMENT, DETERIORATION} <= set(rules):
        return
    before, after = matrix.baseline, matrix.at(endpoint)
    seen = ~np.isnan(before) & ~np.isnan(after)
    better = rules[IMPROVEMENT].holds(before, after) & seen
    worse = rules[DETERIORATION].holds(before, after) & seen
    cutoff = next(iter(known.cutoff.values()), None) if known is not None else None
    left = np.zeros(len(before), bool)
    words = IMPROVED
    notes = [rules[IMPROVEMENT].words, "observed scores only"]
    if cutoff is not None:
        left = better & _clinical(cutoff, before) & ~_clinical(cutoff, after)
        words = "reliably improved, still in the clinical range"
        notes.append(f"clinical range: {cutoff.in_words()}")
    classes = {
        **({RECOVERED: left} if cutoff is not None else {}),
        words: better & ~left,
        UNCHANGED: seen & ~better & ~worse,
        DETERIORATED: worse,
    }
    about: Row = {**where, "analysis": "change of each participant", "notes": "; ".join(notes)}
    yield from _twin(matrix, classes, seen, about)
    for place in np.flatnonzero(seen):
        name = next(label for label, inside in classes.items() if inside[place])
        one: Row = {
            **about,
            "quantity": "score",
            "arm": matrix.arms[matrix.arm[place]],
            "subgroup": f"participant {matrix.participants[place]}",
            "contrast": name,
            "disclosure": "restricted",
            "method": "description",
        }
        yield {**one, "visit": matrix.visits[0], "estimate": float(before[place])}
        yield {**one, "visit": endpoint, "estimate": float(after[place])}


def _twin(matrix: ScoreMatrix, classes: dict[str, Flags], seen: Flags, about: Row) -> Iterator[Row]:
    for a, arm in enumerate(matrix.arms):
        own = matrix.arm == a
        counts = {name: int((inside & own).sum()) for name, inside in classes.items()}
        hidden = suppress({n: c for n, c in counts.items() if n != DETERIORATED})
        for name, count in counts.items():
            why = hidden.get(name)
            yield {
                **about,
                "quantity": "count",
                "arm": arm,
                "contrast": name,
                "estimate": None if why else count,
                "n_arm": int((own & seen).sum()),
                "unit": "participants",
                "method": "count",
                "notes": "; ".join(
                    filter(None, [about["notes"], why, SHOWN if name == DETERIORATED else None])
                ),
            }


def _clinical(cutoff: Criterion, scores: NDArray[np.float64]) -> Flags:
    answer = holds(cutoff, pd.Series(scores)).fillna(False)
    return np.asarray(answer.to_numpy(bool), bool)
