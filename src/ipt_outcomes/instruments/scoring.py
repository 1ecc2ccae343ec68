"""Scores from items, for any number of participants at once.

``score`` reads the entries (findings for what cannot be used), reverses and recodes, makes the
total and all subscales, and says for each why there is none. Nothing is clipped and nothing is
dropped: every row of the data has a row of scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.entries import Entries, collect, read_entries
from ipt_outcomes.instruments.facts import assumptions
from ipt_outcomes.instruments.keys import keyed
from ipt_outcomes.instruments.registry import InstrumentError, instrument
from ipt_outcomes.instruments.reversal import reversal_findings
from ipt_outcomes.instruments.rules import Made, make

BLOCK = 100_000
"""Rows that are scored at a time."""


@dataclass(frozen=True)
class Scored:
    """Scores of one instrument.

    Parameters
    ----------
    definition
        The instrument.
    scores
        One row per row of the data. Columns: the total (where there is one) and every subscale;
        ``items_missing``, ``items_not_applicable`` and ``items_used`` count items of the total
        (without a total: of all scored items); ``prorated`` says whether the total was made
        although items were missing; ``reason`` says why there is no total, and is empty where
        there is one.
    reasons
        Why there is no score: one column per score.
    missing
        How many items are missing: one column per score.
    findings
        What was found in the entries; columns as in
        :data:`~ipt_outcomes.instruments.entries.FINDING_COLUMNS`.
    assumptions
        What scoring rests on without having been read in a source; print it beside the scores.
    """

    definition: InstrumentDefinition
    scores: pd.DataFrame
    reasons: pd.DataFrame
    missing: pd.DataFrame
    findings: pd.DataFrame
    assumptions: tuple[str, ...]

    def counts(self) -> pd.DataFrame:
        """Count, for each score, rows scored completely, prorated, and not scored by reason.

        Returns
        -------
        pandas.DataFrame
            Columns ``score``, ``outcome`` (``complete``, ``prorated``, or the reason), ``rows``.
        """
        parts = []
        for name in self.reasons:
            outcome = self.reasons[name].where(
                self.reasons[name] != "",
                (self.missing[name] > 0).map({True: "prorated", False: "complete"}),
            )
            counted = (
                outcome.value_counts(sort=False).rename_axis("outcome").reset_index(name="rows")
            )
            parts.append(counted.assign(score=str(name))[["score", "outcome", "rows"]])
        return pd.concat(parts, ignore_index=True)


def score(
    definition: InstrumentDefinition | str,
    items: pd.DataFrame,
    *,
    columns: Mapping[Any, str | int] | None = None,
    already_reversed: bool | None = None,
) -> Scored:
    """Score an instrument from its items.

    Parameters
    ----------
    definition
        The instrument, or its name in the registry.
    items
        One row per assessment, one column per item; other columns are passed over.
    columns
        Column: number of the item. Without it the columns' names tell: plain numbers, or one stem
        with numbers.
    already_reversed
        Whether the export holds reverse-keyed items with their scored values. For instruments of
        which both kinds of export are common it must be given; otherwise ``False`` is assumed.

    Returns
    -------
    Scored
        Scores, reasons, findings and assumptions.

    Raises
    ------
    InstrumentError
        When a column is missing, or ``already_reversed`` must be given and is not.

    Examples
    --------
    >>> answers = pd.DataFrame([[1, 2, 0, 1, 3, 0, 1], [1, None, 0, 1, 3, 0, 1]],
    ...                        columns=range(1, 8), index=["P01", "P02"])
    >>> score("GAD-7", answers).scores[["total", "items_missing", "prorated"]]
         total  items_missing  prorated
    P01    8.0              0     False
    P02    7.0              1      True
    """
    if isinstance(definition, str):
        definition = instrument(definition)
    entries = read_entries(definition, items, columns)
    values = keyed(definition, entries, already_reversed=_reversed(definition, already_reversed))
    made = {name: _in_blocks(definition, name, values) for name in definition.scores()}
    doubt = reversal_findings(definition, values)
    findings = collect([f for f in (entries.findings, doubt) if not f.empty])
    index = items.index
    return Scored(
        definition,
        _table(definition, made, entries, index),
        pd.DataFrame({name: m.reasons for name, m in made.items()}, index=index, dtype=str),
        pd.DataFrame({name: m.missing for name, m in made.items()}, index=index),
        findings,
        assumptions(definition, scoring_only=True),
    )


def _in_blocks(definition: InstrumentDefinition, name: str, entries: Entries) -> Made:
    """Make a score block by block, so that memory stays small beside the data."""
    blocks = [
        make(definition, name, entries.rows(start, start + BLOCK))
        for start in range(0, max(len(entries.values), 1), BLOCK)
    ]
    fields = ("values", "missing", "not_applicable", "used", "reasons")
    return Made(*(np.concatenate([getattr(block, field) for block in blocks]) for field in fields))


def _reversed(definition: InstrumentDefinition, given: bool | None) -> bool:
    reverse = definition.reverse
    if reverse is None or given is not None:
        return bool(given)
    if reverse.must_be_stated:
        raise InstrumentError(
            f"{definition.name}: say whether the export holds the reverse-keyed items (numbers "
            f"{', '.join(map(str, reverse.items))}) as they were ticked, first option lowest "
            f"(already_reversed=False), or with the values that are scored "
            f"(already_reversed=True). Both are common, and the wrong answer spoils every score."
        )
    return False


def _table(
    definition: InstrumentDefinition, made: Mapping[str, Made], entries: Entries, index: pd.Index
) -> pd.DataFrame:
    table = pd.DataFrame({name: m.values for name, m in made.items()}, index=index)
    if "total" in made:
        total = made["total"]
        table["items_missing"] = total.missing
        table["items_not_applicable"] = total.not_applicable
        table["items_used"] = total.used
        table["prorated"] = (total.missing > 0) & (total.reasons == "")
        table["reason"] = pd.Series(total.reasons, index=index, dtype=str)
        return table
    places = [entries.items.index(item) for item in definition.items.scored]
    away = entries.not_applicable[:, places].sum(axis=1)
    used = (~pd.isna(entries.values[:, places])).sum(axis=1)
    table["items_missing"] = len(places) - away - used
    table["items_not_applicable"] = away
    table["items_used"] = used
    return table


def safety_answers(
    definition: InstrumentDefinition | str,
    items: pd.DataFrame,
    *,
    columns: Mapping[Any, str | int] | None = None,
    already_reversed: bool | None = None,
) -> pd.DataFrame:
    """List answers to the items about suicide and self-harm.

    Parameters
    ----------
    definition, items, columns, already_reversed
        As for :func:`score`.

    Returns
    -------
    pandas.DataFrame
        One row per assessment and safety item: ``row``, ``item``, ``value`` (scored direction),
        ``positive`` (empty where the item was not answered).

    Raises
    ------
    InstrumentError
        As for :func:`score`.

    Examples
    --------
    >>> answers = pd.DataFrame([[0] * 9, [1] * 8 + [None]], columns=range(1, 10))
    >>> safety_answers("PHQ-9", answers)["positive"].tolist()
    [False, <NA>]
    """
    if isinstance(definition, str):
        definition = instrument(definition)
    safety = definition.safety
    listed = safety.items if safety else ()
    entries = read_entries(definition, items, columns)
    values = keyed(definition, entries, already_reversed=_reversed(definition, already_reversed))
    parts = []
    for item in listed:
        answer = pd.Series(values.values[:, values.items.index(item)], index=items.index)
        positive = (answer >= (safety.positive_from if safety else 1)).astype("boolean")
        parts.append(
            pd.DataFrame(
                {
                    "row": items.index,
                    "item": item,
                    "value": answer.to_numpy(),
                    "positive": positive.mask(answer.isna()).array,
                }
            )
        )
    if not parts:
        return pd.DataFrame({"row": [], "item": [], "value": [], "positive": []})
    return pd.concat(parts, ignore_index=True)
