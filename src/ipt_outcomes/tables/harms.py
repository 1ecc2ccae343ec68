"""Harms by arm: deaths, reliable deterioration and other events with their denominators.

Counts are shown however small, since hiding one could hide a risk.
Source: Ioannidis et al. (2004), CONSORT for harms, Ann Intern Med 141:781.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import NOT_SHOWN, Text, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column


def harms(source: Source, name: str = "harms") -> Table:
    """Make the table of harms.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis="safety")
    ci = interval_head(rows.where(quantity="probability"))
    columns = []
    for arm in source.arms:
        under = words(source.arm(arm))
        columns += [column("n / N", under=under), column("% [", ci, "]", under=under)]
    notes = {
        row["notes"]: row
        for row in rows
        if row["notes"]
        and (row["quantity"] == "probability" or row["notes"].startswith("not recorded"))
    }
    return Table(
        name,
        words("Harms by arm: ", source.trial_label()),
        words("Event"),
        tuple(columns),
        (*_exposure(source, rows), *_events(source, rows)),
        (
            words("n / N: participants with the event and participants at risk of it. Intervals of "
                  "a proportion, exact where the row says so. Counts are shown however small."),
            *(words("Note: ", quote(row, "notes"), ".") for row in notes.values()),
        ),
    )  # fmt: skip


def _exposure(source: Source, rows: Rows) -> Iterator[Line]:
    for contrast in rows.where(quantity="observed mean").values("contrast"):
        of = rows.where(contrast=contrast)
        cells: list[Text] = []
        for arm in source.arms:
            total = of.first(quantity="count", arm=arm)
            mean = of.first(quantity="observed mean", arm=arm)
            cells.append(
                words(NOT_SHOWN) if total is None else words("total ", quote(total, "count"))
            )
            if mean is None or mean["estimate"] is None:
                cells.append(Text())
            else:
                cells.append(words("mean ", quote(mean, "one decimal")))
        first = next(iter(of))
        yield Line(words(quote(first, "contrast")), tuple(cells), words("Exposure, in weeks"))


def _events(source: Source, rows: Rows) -> Iterator[Line]:
    shares = rows.where(quantity="probability")
    seen: list[tuple[object, object, object]] = []
    for row in shares:
        key = (row["contrast"], row["outcome"], row["visit"])
        if key in seen:
            continue
        seen.append(key)
        contrast, outcome, visit = key
        of = rows.where(contrast=contrast, outcome=outcome, visit=visit)
        cells: list[Text] = []
        for arm in source.arms:
            cells += _cells(of.first(quantity="count", arm=arm),
                            of.first(quantity="probability", arm=arm))  # fmt: skip
        yield Line(_label(source, row), tuple(cells), _group(source, row))


def _cells(count: Row | None, share: Row | None) -> list[Text]:
    if count is None or share is None:
        return [words(NOT_SHOWN), words(NOT_SHOWN)]
    return [
        words(quote(count, "count"), " / ", quote(count, "n")),
        words(quote(share, "percent"), " ", quote(share, "percent interval")),
    ]


def _label(source: Source, row: Row) -> Text:
    if row["visit"] is None:
        return words(quote(row, "contrast"))
    return words(source.visit(row["visit"]))


def _group(source: Source, row: Row) -> Text:
    if row["outcome"] is None:
        return words("Events")
    return words("Reliable deterioration, ", source.outcome(row["outcome"]))
