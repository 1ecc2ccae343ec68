"""What treatment each arm received: sessions, completion, crossover, by arm with denominators."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import NOT_SHOWN, Text, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column


def delivery(source: Source, name: str = "delivery") -> Table:
    """Make the table of the treatment received.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis="delivery")
    notes = {row["notes"]: row for row in rows if row["notes"]}
    ci = interval_head(rows.where(quantity="probability"))
    return Table(
        name,
        words("Treatment received by arm: ", source.trial_label()),
        words("What"),
        tuple(column(source.arm(arm)) for arm in source.arms),
        tuple(_lines(source, rows)),
        (
            words("Mean (SD) where a mean is shown; otherwise n of N and per cent [", ci, "]. ",
                  f"{NOT_SHOWN}: does not apply to the arm or was not recorded."),
            *(words("Note: ", quote(row, "notes"), ".") for row in notes.values()),
        ),
    )  # fmt: skip


def _lines(source: Source, rows: Rows) -> Iterator[Line]:
    seen: list[tuple[str, str | None]] = []
    for row in rows:
        key = (row["contrast"] or row["quantity"], row["subgroup"])
        if key in seen:
            continue
        seen.append(key)
        of = rows.where(contrast=row["contrast"], subgroup=row["subgroup"])
        label = words(quote(row, "contrast")) if row["contrast"] else words(row["quantity"])
        if row["subgroup"]:
            label = words(label, ", ", row["subgroup"])
        yield Line(label, tuple(_cell(of.where(arm=arm)) for arm in source.arms))


def _cell(of: Rows) -> Text:
    mean, sd = of.first(quantity="observed mean"), of.first(quantity="standard deviation")
    count, share = of.first(quantity="count"), of.first(quantity="probability")
    if mean is not None:
        spread = words(" (", quote(sd, "estimate"), ")") if sd is not None else ""
        return words(quote(mean, "estimate"), spread)
    if count is None:
        other = next(iter(of), None)
        return words(NOT_SHOWN) if other is None else words(quote(other, "estimate"))
    return words(quote(count, "count"), *_of_all(count), *_percent(share))


def _of_all(count: Row) -> list[Text]:
    return [words(" of ", quote(count, "n"))] if count["n_arm"] is not None else []


def _percent(share: Row | None) -> list[Text]:
    if share is None or share["estimate"] is None:
        return []
    interval = words(" ", quote(share, "percent interval")) if share["lower"] is not None else ""
    return [words(", ", quote(share, "percent"), interval)]
