"""Columns and cells that tables of estimates share: n, estimate, interval, t, df, p."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipt_outcomes.tables.quotes import Part, Text, capitalised, named, quote, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import interval_head
from ipt_outcomes.tables.table import Column, column


def estimate_columns(rows: Iterable[Row], *head: Part) -> tuple[Column, ...]:
    """Return the columns of :func:`estimate_cells`.

    Parameters
    ----------
    rows
        The rows, of which one tells the level of the intervals.
    head
        Words of the column of estimates.
    """
    return (
        column("n"),
        column(*head),
        column(interval_head(rows)),
        column("t", symbol=True),
        column("df", symbol=True),
        column("p", symbol=True),
    )


def estimate_cells(row: Row, form: str = "estimate") -> tuple[Text, ...]:
    """Return n, estimate, interval, t, df and p of a row; what it does not have stays empty."""
    if row["estimate"] is None:
        return (people(row), words("not shown"), Text(), Text(), Text(), Text())

    def cell(name: str, form: str) -> Text:
        return words(quote(row, form)) if row[name] is not None else Text()

    return (
        people(row),
        words(quote(row, form)),
        cell("lower", "interval" if form == "estimate" else f"{form} interval"),
        cell("statistic", "statistic"),
        cell("df", "df"),
        cell("p", "p"),
    )


def people(row: Row) -> Text:
    """Return how many stand behind a row: one number, or two with a stroke."""
    if row["n_arm"] is None:
        return Text()
    if row["n_reference"] is None:
        return words(quote(row, "n"))
    return words(quote(row, "n"), " / ", quote(row, "n of reference"))


def notes_of(rows: Iterable[Row], label: str = "Note") -> Iterator[Text]:
    """Yield each different note of the rows once, in their order."""
    for row in {row["notes"]: row for row in rows if row["notes"]}.values():
        yield words(f"{label}: ", sentence(row))


def sentence(row: Row) -> Text:
    """Quote the note of a row, with a full stop where it has none."""
    return words(quote(row, "notes"), "" if str(row["notes"]).endswith(".") else ".")


def methods_of(rows: Iterable[Row]) -> Iterator[Text]:
    """Yield each different method of the rows once, with the covariance in use."""
    for row in {(row["method"], row["covariance"]): row for row in rows}.values():
        covariance = (
            words(", ", quote(row, "covariance"), " covariance") if row["covariance"] else ""
        )
        yield words("Method: ", quote(row, "method"), covariance, ".")
        if row["converged"] is False:
            yield words("The model DID NOT CONVERGE: do not use these numbers.")


def f_test(row: Row) -> Text:
    """Write an F test, such as "arm × phase: F(8, 288.1) = 3.05, p = .003"."""
    return words(
        quote(row, "contrast"), ": F(", quote(row, "numerator df"), ", ", quote(row, "df"), ") = ",
        quote(row, "statistic"), ", p ", quote(row, "p equation"),
    )  # fmt: skip


def capital(text: str) -> Text:
    """Start words of the configuration with a capital."""
    return words(named(capitalised(text)))
