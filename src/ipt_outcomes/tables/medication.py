"""Add-on contrasts: what medication adds to psychotherapy, and psychotherapy to medication."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.comparisons import estimate_columns
from ipt_outcomes.tables.quotes import Text, capitalised, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, about_model
from ipt_outcomes.tables.table import Line, Table


def add_on_words(source: Source, row: Row) -> Text:
    """Say what an add-on contrast tells, such as "What medication adds to IPT"."""
    difference = str(source.difference(row))
    contrast = row["contrast"] or difference
    if not contrast.startswith(f"{difference}: "):
        return words(named(contrast))
    tells = contrast.removeprefix(f"{difference}: ")
    return words(named(capitalised(tells)), ": ", source.difference(row))


def medication(source: Source, name: str = "medication") -> Table:
    """Make the table of the add-on contrasts by visit."""
    rows = source.rows.where(analysis="medication", quantity="difference")
    outcome = source.study.primary_outcome
    notes = [
        words("Scores in ", source.unit(outcome), f", {source.direction(outcome)}. n: "
              "participants with a score at the visit, with / without what is added. "
              "p-values are not adjusted for multiplicity.")
    ]  # fmt: skip
    if model := about_model(rows):
        notes.insert(0, model)
    return Table(
        name,
        words("What IPT and medication add to each other, ", source.outcome(outcome), ": ",
              source.trial_label()),
        words("Contrast and visit"),
        estimate_columns(rows, "Difference"),
        tuple(_lines(source, rows)),
        tuple(notes),
    )  # fmt: skip


def _lines(source: Source, rows: Rows) -> Iterator[Line]:
    endpoint = source.study.endpoint
    for pair in dict.fromkeys((row["arm"], row["reference"]) for row in rows):
        of = rows.where(arm=pair[0], reference=pair[1])
        group = add_on_words(source, next(iter(of)))
        for row in of:
            n = words(quote(row, "n"), " / ", quote(row, "n of reference"))
            forms = ("estimate", "interval", "statistic", "df", "p")
            marked = " (endpoint)" if row["visit"] == endpoint else ""
            yield Line(
                words(source.visit(row["visit"]), marked),
                (n, *(words(quote(row, form)) for form in forms)),
                group,
            )
