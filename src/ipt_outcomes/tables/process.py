"""Sudden gains, mediation and dose: what no one randomised, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.comparisons import (
    capital,
    estimate_cells,
    estimate_columns,
    methods_of,
    notes_of,
)
from ipt_outcomes.tables.quotes import Text, listed, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

GAINS = "sudden gains"
PATHS = "mediation, "
DOSE = "dose response"


def sudden_gains(source: Source, name: str = "sudden_gains") -> Table:
    """Make the table of sudden gains by arm.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis=GAINS)
    return Table(
        name,
        words("Sudden gains by arm: ", source.trial_label()),
        words("Arm and quantity"),
        (column("n"), column("Value"), column(interval_head(rows)), column("SD")),
        tuple(line for arm in source.arms for line in _gains(source, rows.where(arm=arm), arm)),
        (
            words("n: participants with session scores or, of the gains themselves, with a gain."),
            *notes_of(rows),
        ),
    )  # fmt: skip


def _gains(source: Source, rows: Rows, arm: str) -> Iterator[Line]:
    group = words(source.arm(arm))
    for row in rows:
        n = words(quote(row, "n")) if row["n_arm"] is not None else Text()
        label = capital(str(row["contrast"]))
        if row["quantity"] == "probability":
            shown = row["estimate"] is not None
            yield Line(
                label,
                (n, words(quote(row, "percent") if shown else "not shown"),
                 words(quote(row, "percent interval")) if shown else Text(), Text()),
                group,
            )  # fmt: skip
        elif row["quantity"] == "observed mean":
            sd = rows.first(quantity="standard deviation", contrast=row["contrast"])
            spread = words(quote(sd, "one decimal")) if sd is not None else Text()
            unit = f", {row['unit']}" if row["unit"] else ""
            value = words(quote(row, "one decimal"))
            yield Line(words(label, unit), (n, value, Text(), spread), group)


def mediation(source: Source, name: str = "mediation") -> Table:
    """Make the table of indirect and direct effects of every path.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    analyses = [a for a in source.rows.values("analysis") if a.startswith(PATHS)]
    rows = source.rows.where(analysis=tuple(analyses))
    effects = rows.where(quantity="difference")
    units = effects.values("unit")
    one = words(", ", named(units[0])) if len(units) == 1 else words()
    columns = estimate_columns(effects, "Effect", one)
    adjusted = listed(["arm", "the baseline scores of mediator and outcome", *source.covariates()])
    return Table(
        name,
        words("Effects taken apart by mediator: ", source.trial_label()),
        words("Path and effect"),
        columns[:3],
        tuple(
            Line(words(capital(str(row["contrast"])),
                       words(", ", named(row["unit"])) if not one and row["unit"] else ""),
                 estimate_cells(row)[:3],
                 words(capital(str(row["analysis"]).removeprefix(PATHS)), ": ",
                       source.difference(row)))
            for row in effects
        ),
        (
            words("Effects in the unit of the outcome. The models hold ", adjusted, "."),
            *(words(capital(str(row["contrast"])), ": ", quote(row, "statistic"), ".")
              for row in rows.where(quantity="test") if row["statistic"] is not None),
            *methods_of(list(effects)[:1]),
            *notes_of(rows),
        ),
    )  # fmt: skip


def dose_response(source: Source, name: str = "dose_response") -> Table:
    """Make the table of sessions attended and the outcome.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis=(DOSE, f"{DOSE}, compliers"))
    return Table(
        name,
        words("Sessions attended and ", source.outcome(source.study.primary_outcome), ": ",
              source.trial_label()),
        words("Quantity"),
        estimate_columns(rows, "Estimate"),
        tuple(Line(_dose_label(source, row), _dose(row)) for row in rows),
        (
            words("Attendance was not randomised: an association, not an effect of sessions. The "
                  "model holds ", listed(["sessions", "baseline score", "arm",
                                          *source.covariates()]), "."),
            *methods_of(rows),
            *notes_of(rows),
        ),
    )  # fmt: skip


def _dose_label(source: Source, row: Row) -> Text:
    """Name a quantity with its unit: a slope is in points of the outcome for each session."""
    unit = row["unit"]
    if row["quantity"] == "slope":
        outcome = row["outcome"] or source.study.primary_outcome
        unit = source.unit(outcome).text
    elif row["quantity"] == "test" or row["estimate"] is None:
        unit = None
    label = capital(str(row["contrast"]))
    return words(label, ", ", named(unit)) if unit else label


def _dose(row: Row) -> tuple[Text, ...]:
    if row["estimate"] is not None:
        return estimate_cells(row)
    if row["statistic"] is None:
        return (*estimate_cells(row),)
    whole = estimate_cells({**row, "estimate": 0.0})
    return (whole[0], Text(), *whole[2:])
