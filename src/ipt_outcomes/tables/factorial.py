"""The 2 × 2 of psychotherapy and medication: simple effects, margins, interaction, verdict."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.comparisons import (
    capital,
    estimate_cells,
    estimate_columns,
    f_test,
    methods_of,
    notes_of,
)
from ipt_outcomes.tables.quotes import quote, words
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table

FACTORIAL = "medication, factorial"
OVER_TIME = "medication, factorial, over time"
ADDITIVITY = "medication, factorial, additivity"
TIMING = "medication, timing by symptoms"
INTERACTION = "interaction of psychotherapy and medication"
EFFECTS = (
    "psychotherapy, over both levels of medication",
    "medication, over both levels of psychotherapy",
    INTERACTION,
)
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Psychotherapy", ("psychotherapy with medication", "psychotherapy without medication",
                       EFFECTS[0])),
    ("Medication", ("medication with psychotherapy", "medication without psychotherapy",
                    EFFECTS[1])),
    ("Both", (INTERACTION,)),
)  # fmt: skip
"""Component: its contrasts, as the rows name them."""


def factorial(source: Source, name: str = "factorial") -> Table:
    """Make the table of the 2 × 2 at every visit, the endpoint first.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    outcome = source.study.primary_outcome
    rows = source.rows.where(analysis=(FACTORIAL, OVER_TIME, ADDITIVITY, TIMING))
    main = rows.where(analysis=FACTORIAL)
    notes = [
        words("Scores in ", source.unit(outcome), f", {source.direction(outcome)}. n: participants "
              "with a score, with / without. The benefit beyond the sum of both is positive when "
              "both together do more. p-values are not adjusted for multiplicity."),
        *methods_of(main),
        *(words("Test of ", f_test(row), ".") for row in rows.where(quantity="test")),
        *(words("Additivity: ", quote(row, "notes"), ".")
          for row in rows.where(analysis=ADDITIVITY)),
        *notes_of(main),
    ]  # fmt: skip
    return Table(
        name,
        words("Psychotherapy and medication as a 2 × 2, ", source.outcome(outcome), ": ",
              source.trial_label()),
        words("Contrast"),
        estimate_columns(rows, "Difference"),
        tuple(_lines(source, rows)),
        tuple(notes),
    )  # fmt: skip


def _lines(source: Source, rows: Rows) -> Iterator[Line]:
    study = source.study
    endpoint = study.endpoint
    main = rows.where(analysis=FACTORIAL)
    visits = main.values("visit")
    for visit in sorted(visits, key=lambda visit: (visit != endpoint, visits.index(visit))):
        marked = " (endpoint)" if visit == endpoint else ""
        group = words(source.visit(visit), marked)
        for row in main.where(visit=visit):
            yield Line(capital(row["contrast"]), estimate_cells(row), group)
        for row in rows.where(analysis=ADDITIVITY, visit=visit):
            yield Line(capital(row["contrast"]), estimate_cells(row), group)
    for row in rows.where(analysis=OVER_TIME, quantity="difference"):
        yield Line(capital(row["contrast"]), estimate_cells(row), words("Over time"))
    for row in rows.where(analysis=TIMING):
        group = words("Timing by symptoms: ", source.outcome(row["outcome"]))
        yield Line(capital(row["contrast"]), estimate_cells(row), group)
