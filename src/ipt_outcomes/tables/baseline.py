"""Table 1: who took part, by arm, without any test.

With randomisation the null hypothesis of a baseline test is known to be true, so no p-value
stands here (Senn, 1994, Statistics in Medicine 13:1715). Counts of one to four stay hidden, and
so does any other count from which a hidden one could be had by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.analyses.disclosure import SMALLEST
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS
from ipt_outcomes.tables.quotes import (
    NOT_SHOWN,
    SUPPRESSED,
    WITHHELD,
    Text,
    named,
    quote,
    with_size,
    words,
)
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table, column


def baseline(source: Source, name: str = "baseline") -> Table:
    """Make the table of baseline characteristics."""
    rows = source.rows.where(analysis="baseline")
    groups: list[str | None] = [*source.arms, None]
    lines: list[Line] = []
    for characteristic in _in_order(source, rows):
        of = rows.where(outcome=characteristic)
        label = _label(source, characteristic)
        if len(of.where(quantity="count")):
            lines.extend(_category(source, characteristic, label, of, groups))
        else:
            lines.append(_number(label, of, groups))
    shown = {str(cell) for line in lines for cell in line.cells}
    notes = [words("No tests: differences at baseline are due to chance in a randomised trial.")]
    smallest = source.study.privacy.smallest_group
    if any(SUPPRESSED.match(text) for text in shown):
        notes.append(
            words(named(f"<{smallest}"), ": fewer than ", named(smallest),
                  " participants, not shown.")
        )  # fmt: skip
    if WITHHELD in shown:
        notes.append(words(f"{WITHHELD}: would let a hidden count be found by subtraction."))
    notes.append(words("Percentages are of participants whose value is known."))
    return Table(
        name,
        words("Baseline characteristics: ", source.trial_label()),
        words("Characteristic"),
        tuple(column(*_head(source, arm)) for arm in groups),
        tuple(lines),
        tuple(notes),
    )


def _in_order(source: Source, rows: Rows) -> list[str]:
    named_first = [*source.study.characteristics, "site", "problem_area"]
    present = rows.values("outcome")
    outcomes = [name for name in source.study.outcomes_of(source.trial) if name in present]
    listed = [name for name in named_first if name in present]
    others = [name for name in present if name not in {*listed, *outcomes}]
    return [*listed, *others, *outcomes]


def _head(source: Source, arm: str | None) -> list[Text]:
    label = words("All") if arm is None else words(source.arm(arm))
    row = source.rows.first(analysis="flow", contrast="randomised", arm=arm)
    return [label] if row is None else [label, with_size(row, "count")]


def _label(source: Source, name: str) -> Text:
    study = source.study
    if name in study.characteristics:
        characteristic = study.characteristics[name]
        unit = words(", ", named(characteristic.unit)) if characteristic.unit else ""
        return words(named(characteristic.label), unit)
    if name in study.outcomes:
        return words(source.outcome(name), ", ", named(study.outcomes[name].unit))
    if name == "problem_area":
        plan = study.analyses.problem_areas
        later = plan is not None and plan.rated == "after-randomisation"
        return words("Primary problem area", ", assigned after randomisation" if later else "")
    return words(named(name.replace("_", " ").capitalize()))


def _number(label: Text, rows: Rows, groups: list[str | None]) -> Line:
    cells = []
    for arm in groups:
        mean = rows.first(quantity="observed mean", arm=arm)
        sd = rows.first(quantity="standard deviation", arm=arm)
        if mean is None or sd is None:
            cells.append(words(NOT_SHOWN))
        elif (mean["n_arm"] or 0) < SMALLEST:  # a mean of so few would speak of persons
            cells.append(words(WITHHELD))
        else:
            cells.append(words(quote(mean, "estimate"), " (", quote(sd, "estimate"), ")"))
    return Line(words(label, ", mean (SD)"), tuple(cells))


def _category(
    source: Source, name: str, label: Text, rows: Rows, groups: list[str | None]
) -> Iterator[Line]:
    yield Line(words(label, ", n (%)"))
    if _some_unknown(source, rows, groups):
        known = [rows.first(arm=arm) for arm in groups]
        cells = [words(quote(row, "n")) if row is not None else Text() for row in known]
        yield Line(words("Known, n"), tuple(cells), indent=True)
    for level in _levels(source, name, rows):
        of = rows.where(subgroup=level)
        yield Line(
            words(named(level)),
            tuple(_share(of.first(arm=arm)) for arm in groups),
            indent=True,
        )


def _some_unknown(source: Source, rows: Rows, groups: list[str | None]) -> bool:
    for arm in groups:
        everyone = source.rows.first(analysis="flow", contrast="randomised", arm=arm)
        row = rows.first(arm=arm)
        if everyone is not None and row is not None and row["n_arm"] != everyone["estimate"]:
            return True
    return False


def _levels(source: Source, name: str, rows: Rows) -> list[str]:
    characteristic = source.study.characteristics.get(name)
    first = list(characteristic.labels.values()) if characteristic is not None else []
    if name == "problem_area":
        first = list(PROBLEM_AREA_LABELS.values())
    present = rows.values("subgroup")
    return [*(level for level in first if level in present),
            *(level for level in present if level not in first)]  # fmt: skip


def _share(row: Row | None) -> Text:
    if row is None or not row["n_arm"]:
        return words(NOT_SHOWN)
    if row["estimate"] is None:
        return words(quote(row, "count"))
    return words(quote(row, "count"), " (", quote(row, "share"), ")")
