"""Scores from the single items of an export, beside or instead of totals entered by hand.

Where an outcome has item columns they are scored as its instrument says; a total that stands in the
export as well is compared, and counts only where items give none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, entry
from ipt_outcomes.ingest.records import Part
from ipt_outcomes.ingest.values import AGAIN, BAD, BLANK, Cells
from ipt_outcomes.instruments import InstrumentDefinition, InstrumentError, Scored, score
from ipt_outcomes.instruments.entries import read_entries
from ipt_outcomes.instruments.keys import keyed
from ipt_outcomes.study import Study
from ipt_outcomes.study.outcome_instruments import instrument_of

_CLOSE = 1e-6


@dataclass(frozen=True)
class ItemAnswers:
    """The items of one outcome in one block of assessments.

    Parameters
    ----------
    outcome
        Short name of the outcome.
    definition
        Its instrument.
    entries
        One row per row of the block, one column per item: the numbers that stand in the export.
    answers
        The same, keyed in one direction.
    answered
        Rows with any item answered.
    prorated
        Rows whose score was made although items were missing.
    totals
        The scores; not-a-number where there is none.
    rows, participants
        Row of the export and study number of each row.
    columns
        Item: its column in the export.
    """

    outcome: str
    definition: InstrumentDefinition
    entries: pd.DataFrame
    answers: pd.DataFrame
    answered: np.ndarray
    prorated: np.ndarray
    totals: np.ndarray
    rows: np.ndarray
    participants: pd.Series
    columns: dict[int, str]


def score_block(
    study: Study, trial: str, outcome: str, block: Part, findings: Findings
) -> ItemAnswers | None:
    """Score the items of one outcome.

    Parameters
    ----------
    study, trial, outcome
        The configuration.
    block
        Rows of assessments.
    findings
        Takes what scoring finds, and assessments that give no score.

    Returns
    -------
    ItemAnswers or None
        None when the block has no items of this outcome, or not all that are needed.
    """
    fields = block.items_of(outcome)
    about = study.outcomes[outcome]
    if not fields or about.instrument is None:
        return None
    definition = instrument_of(study, about.instrument)
    data = pd.DataFrame({item: block.cells[name].astype(object) for item, name in fields.items()})
    data.index = pd.RangeIndex(len(data))
    columns = {item: item for item in fields}
    already = study.trials[trial].codes.already_reversed.get(outcome)
    try:
        scored = score(definition, data, columns=columns, already_reversed=already)
        entries = read_entries(definition, data, columns)
    except InstrumentError:  # a column is not in the export, which is reported as such
        return None
    values = keyed(definition, entries, already_reversed=bool(already))
    answered = data.notna().any(axis=1).to_numpy()
    _report_entries(scored, block, fields, findings)
    totals = scored.scores[about.score].to_numpy(dtype=np.float64)
    reasons = scored.reasons[about.score]
    # Entries that cannot be used are findings of their own.
    silent = answered & np.isnan(totals) & ~entries.wrong.any(axis=1)
    _report_unscored(definition, about.score, reasons, silent, block, fields, findings)
    missing = scored.missing[about.score].to_numpy() > 0
    prorated = missing & ~np.isnan(totals)
    return ItemAnswers(
        outcome,
        definition,
        pd.DataFrame(entries.values, columns=list(entries.items)),
        pd.DataFrame(values.values, columns=list(values.items)),
        answered,
        prorated,
        totals,
        block.rows_of(next(iter(fields.values()))),
        block.cells["participant"],
        {item: block.columns[name] for item, name in fields.items()},
    )


def _report_entries(
    scored: Scored, block: Part, fields: dict[int, str], findings: Findings
) -> None:
    people = block.cells["participant"]
    alike = ["severity", "kind", "item", "expected", "mend"]
    for _, group in scored.findings.groupby(alike, sort=False, dropna=False):
        one = group.iloc[0].to_dict()
        name = fields.get(one["item"]) if pd.notna(one["item"]) else None
        about_all = group["row"].isna().all()  # such as items keyed the wrong way round
        places = np.array([] if about_all else group["row"], dtype=np.int64)
        rows = block.rows_of(name)[places] if name else block.rows[places]
        shown = [str(text) if about_all else entry(str(text)) for text in group["found"]]
        findings.add(one["severity"], one["kind"], row=None if about_all else rows,
                     participant=None if about_all else people.take(places).tolist(),
                     column=block.columns[name or next(iter(fields.values()))],
                     found=shown, expected=one["expected"], mend=one["mend"])  # fmt: skip


def _report_unscored(
    definition: InstrumentDefinition,
    name: str,
    reasons: pd.Series,
    which: np.ndarray,
    block: Part,
    fields: dict[int, str],
    findings: Findings,
) -> None:
    places = np.flatnonzero(which)
    first = next(iter(fields.values()))
    findings.add("warning", "items without a score", row=block.rows_of(first)[places],
                 participant=block.cells["participant"].take(places).tolist(),
                 column=block.columns[first], found=[str(reasons.iloc[at]) for at in places],
                 expected=f"enough items for the {name} of {definition.name}",
                 mend="The score counts as missing; complete the items if the form has them.",
                 )  # fmt: skip


def with_items(
    entered: Cells | None, items: ItemAnswers, block: Part, field: str, findings: Findings
) -> Cells:
    """Return the scores of items, and entered totals where items give none.

    Parameters
    ----------
    entered
        Totals of the export; None when it has none.
    items
        The items, scored.
    block, field
        Where the totals stand.
    findings
        Takes totals that differ from their items.
    """
    totals = items.totals.copy()
    bad = items.answered & np.isnan(totals)
    if entered is not None:
        given = entered.numbers()
        both = ~np.isnan(given) & ~np.isnan(totals)
        differ = np.flatnonzero(both & ~items.prorated & (np.abs(given - totals) > _CLOSE))
        findings.add("error", "total differs from its items", row=block.rows_of(field)[differ],
                     participant=block.cells["participant"].take(differ).tolist(),
                     column=block.columns[field],
                     found=[f'"{given[at]:g}"' for at in differ],
                     expected="the score of its items",
                     mend=[f"The items make {totals[at]:g}. {AGAIN}" for at in differ],
                     )  # fmt: skip
        alone = ~np.isnan(given) & np.isnan(totals)
        totals[alone] = given[alone]
        bad = (bad & ~alone) | (entered.codes == BAD)
    values, codes = np.unique(totals[~np.isnan(totals)], return_inverse=True)
    result = np.full(len(totals), BLANK)
    result[~np.isnan(totals)] = codes
    result[bad & np.isnan(totals)] = BAD
    return Cells(result, [float(value) for value in values])
