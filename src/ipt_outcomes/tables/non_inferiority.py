"""Non-inferiority or equivalence: the difference in every analysis, and the verdict."""

from __future__ import annotations

from ipt_outcomes.tables.comparisons import (
    capital,
    estimate_cells,
    estimate_columns,
    methods_of,
    sentence,
)
from ipt_outcomes.tables.quotes import Text, capitalised, named, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table

IMPUTED = ", imputed under the null"


def _kind(source: Source) -> str:
    plan = source.study.analyses.non_inferiority
    return plan.kind if plan is not None else "non-inferiority"


def compared(source: Source) -> Rows:
    """Return the rows that are held against the margin, in their order."""
    kind = _kind(source)
    return source.rows.where(analysis=(kind, kind + IMPUTED), quantity="difference")


def verdict_row(source: Source) -> Row | None:
    """Return the row that says over all analyses whether it was shown."""
    return source.rows.first(analysis=f"{_kind(source)}, verdict")


def label_of(row: Row) -> str:
    """Name an analysis by whom it analyses and how.

    Examples
    --------
    >>> label_of({"analysis_set": "as randomised", "analysis": "equivalence"})
    'As randomised'
    >>> label_of({"analysis_set": "per protocol", "analysis": "equivalence"})
    'Per protocol'
    """
    who = capitalised(str(row["analysis_set"]))
    return who + IMPUTED if str(row["analysis"]).endswith(IMPUTED) else who


def non_inferiority(source: Source, name: str = "non_inferiority") -> Table:
    """Make the table of the comparison with the margin.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    study = source.study
    plan = study.analyses.non_inferiority
    assert plan is not None, "the catalogue asks for this table only when it is configured"
    outcome = study.primary_outcome
    rows = compared(source)
    verdict = verdict_row(source)
    columns = estimate_columns(rows, "Benefit")
    return Table(
        name,
        words(capital(plan.kind), " of ", source.arm(plan.arm), " to ",
              source.arm(plan.comparator), ", ", source.outcome(outcome), ": ",
              source.trial_label()),
        words("Analysis"),
        (columns[0], columns[1], columns[2], columns[4], columns[5]),
        tuple(Line(words(named(label_of(row))), _cells(row)) for row in rows),
        (
            words("Benefit in ", source.unit(outcome), ": positive when ", source.arm(plan.arm),
                  " is better. Margin: ", named(f"{plan.margin:g}"), " ", source.unit(outcome),
                  ". p: no difference, not the test against the margin, which the interval gives. "
                  "n: participants behind either arm's estimate."),
            *([words("Verdict: ", sentence(verdict))] if verdict is not None else []),
            *(words(named(label_of(row)), ": ", sentence(row)) for row in rows
              if row["notes"]),
            *methods_of(rows),
        ),
    )  # fmt: skip


def _cells(row: Row) -> tuple[Text, ...]:
    cells = estimate_cells(row)
    return (*cells[:3], *cells[4:])
