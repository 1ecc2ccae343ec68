"""What the forests of this package say beside their bars, always from a row of the estimates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from ipt_outcomes.figures.forest import Bar
from ipt_outcomes.figures.style import INK
from ipt_outcomes.tables.quotes import FORMS, Text, estimated, joined, quote, words
from ipt_outcomes.tables.rows import Row

DATA = ("analysis", "contrast", "arm", "reference", "subgroup", "visit", "n_arm", "n_reference",
        "estimate", "lower", "upper", "p", "id")  # fmt: skip
"""Columns of the plotted data of a forest, as in the estimates table."""


def n_beside(row: Row) -> str:
    """Write how many stand behind a row: one number, or two with a stroke."""
    if row["n_arm"] is None:
        return ""
    n = FORMS["n"](row)
    return n if row["n_reference"] is None else f"{n} / {FORMS['n of reference'](row)}"


def with_interval(row: Row, form: str = "estimate") -> str:
    """Write an estimate and its interval; what was not estimated stays empty."""
    if row["estimate"] is None:
        return ""
    interval = FORMS["interval" if form == "estimate" else form.replace("decimals", "decimal")
                     + " interval"](row) if row["lower"] is not None else ""  # fmt: skip
    return f"{FORMS[form](row)} {interval}".rstrip()


def bar_of(
    row: Row, label: str, *, strong: bool = False, colour: str = INK, marker: str = "s",
    p: bool = True, form: str = "estimate",
) -> Bar:  # fmt: skip
    """Turn a row into a line of a forest, with its estimate, interval and p-value beside it."""
    shown = with_interval(row, form) or "not estimated"
    tested = FORMS["p"](row) if row["p"] is not None else ""
    return Bar(label, n_beside(row), row["estimate"], row["lower"], row["upper"],
               (shown, tested) if p else (shown,), strong, None, colour, marker)  # fmt: skip


def interval_words(rows: Iterable[Row]) -> str:
    """Head the column of estimates, such as "difference [95% CI]"."""
    return next((f"[{FORMS['level'](row)} CI]" for row in rows if row["level"] is not None), "[CI]")


def spoken(rows: Sequence[Row], names: Sequence[Text]) -> Text:
    """Say each estimate with its interval, for those who cannot see the figure."""
    said = [
        words(name, " ", estimated(row))
        for row, name in zip(rows, names, strict=True)
        if row["estimate"] is not None
    ]  # fmt: skip
    return words(joined(said), ".") if said else words("Nothing shown.")


def forest_data(rows: Iterable[Row]) -> pd.DataFrame:
    """Return what a forest shows, a row per bar."""
    table = pd.DataFrame([[row[name] for name in DATA] for row in rows], columns=list(DATA))
    # A column of numbers that is empty here and there must not become one of objects.
    return table.astype(dict.fromkeys(("estimate", "lower", "upper", "p"), float))


def about_method(rows: Iterable[Row], *, notes: bool = True) -> Text:
    """Describe how rows were estimated: method and covariance, and what they note."""
    row = next((row for row in rows if row["estimate"] is not None), None)
    if row is None:
        return words()
    covariance = words(", ", quote(row, "covariance"), " covariance") if row["covariance"] else ""
    text = words("Method: ", quote(row, "method"), covariance, ".")
    if row["converged"] is False:
        text = words(text, " The model DID NOT CONVERGE: do not use these numbers.")
    return words(text, " Note: ", quote(row, "notes"), ".") if notes and row["notes"] else text
