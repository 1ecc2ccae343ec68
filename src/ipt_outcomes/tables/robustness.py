"""The primary comparison under every assumption about unseen scores, as a table.

What is compared with what is found here once, for the table and for the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ipt_outcomes.tables.comparisons import sentence
from ipt_outcomes.tables.quotes import Text, capitalised, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

PREFIX = "robustness, "
REMISSION = "remission, "
RUBIN = ", Rubin"
NOT_ASSUMPTIONS = ("delta ", "tipping ", "verdict", REMISSION)
PRIMARY = "Primary analysis"
NOT_SHOWN = "not shown"
WITHHELD = "Not shown: what would give a small count of participants back."


@dataclass(frozen=True)
class Compared:
    """One assumption in one comparison.

    Parameters
    ----------
    label
        The assumption.
    row
        The difference, its interval by resampling.
    rubin
        The same by Rubin's rules.
    primary
        Whether it is the primary analysis.
    """

    label: str
    row: Row
    rubin: Row | None = None
    primary: bool = False


Comparisons = list[tuple[Text, list[Compared]]]


def _at_endpoint(source: Source) -> Rows:
    study = source.study
    return source.rows.where(
        quantity="difference",
        outcome=study.primary_outcome,
        visit=study.endpoint,
    )


def _labels(rows: Rows, inside: str) -> list[str]:
    """Return the assumptions in their order, without Rubin's and what is no assumption."""
    start = PREFIX + inside
    names = [name.removeprefix(start) for name in rows.values("analysis") if name.startswith(start)]
    return [
        name for name in names if not (name.startswith(NOT_ASSUMPTIONS) or name.endswith(RUBIN))
    ]


def _pairs(source: Source, rows: Rows) -> Iterator[tuple[Text, str, str]]:
    found = {
        (row["arm"], row["reference"]): row
        for row in rows
        if row["arm"] is not None and row["analysis"].startswith(PREFIX)
    }
    for (arm, reference), row in found.items():
        yield source.difference(row), arm, reference


def assumptions_compared(source: Source) -> Comparisons:
    """Return the differences at the endpoint: per comparison, the primary one and each assumption.

    Parameters
    ----------
    source
        Study and rows.
    """
    rows = _at_endpoint(source)
    labels = _labels(rows, "")
    primary = rows.where(
        analysis="primary", analysis_set=AS_RANDOMISED, estimand=source.study.primary_estimand
    )
    out = []
    for head, arm, reference in _pairs(source, rows):
        of = rows.where(arm=(arm, None), reference=(reference, None))
        lines = []
        model = primary.first(arm=arm, reference=reference)
        if model is not None:
            lines.append(Compared(PRIMARY, model, primary=True))
        for label in labels:
            row = of.first(analysis=PREFIX + label)
            if row is not None:
                beside = of.first(analysis=PREFIX + label + RUBIN)
                lines.append(Compared(capitalised(label), row, beside))
        out.append((head, lines))
    return out


def remission_compared(source: Source) -> Comparisons:
    """Return the differences in remission: per comparison, one per way of counting the unseen.

    Parameters
    ----------
    source
        Study and rows.
    """
    rows = _at_endpoint(source)
    labels = _labels(rows, REMISSION)
    out = []
    for head, arm, reference in _pairs(source, rows):
        of = rows.where(arm=(arm, None), reference=(reference, None))
        found = [(label, of.first(analysis=PREFIX + REMISSION + label)) for label in labels]
        out.append((head, [Compared(capitalised(label), row) for label, row in found if row]))
    return [(head, lines) for head, lines in out if lines]


def robustness(source: Source, name: str = "robustness") -> Table:
    """Make the table of the differences at the endpoint under every assumption.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    study = source.study
    compared = assumptions_compared(source)
    remission = remission_compared(source)
    endpoint = study.endpoint
    rubin = words("By Rubin's rules")
    shown = Rows([line.row for _, lines in compared for line in lines])
    return Table(
        name,
        words("The difference in ", source.outcome(study.primary_outcome), " at ",
              source.visit(endpoint), " under assumptions about unseen scores: ",
              source.trial_label()),
        words("Assumption"),
        (
            column("Difference"),
            column(interval_head(shown)),
            column("p", symbol=True),
            column(interval_head(shown), under=rubin),
            column("p", under=rubin, symbol=True),
        ),
        (*_lines(compared, words(source.outcome(study.primary_outcome), ": ")),
         *_lines(remission, words("Remission: "))),
        tuple(_notes(source, compared, remission)),
    )  # fmt: skip


def why_empty(row: Row) -> str:
    """Say in two words why a comparison has no numbers.

    Parameters
    ----------
    row
        Its row.

    Examples
    --------
    >>> why_empty({"notes": "suppressed: would reveal a count below 5"})
    'not shown'
    """
    return NOT_SHOWN if "suppressed" in (row["notes"] or "") else "not possible"


def _lines(compared: Comparisons, what: Text) -> Iterator[Line]:
    for head, lines in compared:
        for line in lines:
            row, rubin = line.row, line.rubin
            if row["estimate"] is None:
                cells = (words(why_empty(row)), *([Text()] * 4))
            else:
                beside = (Text(), Text())
                if rubin is not None and rubin["estimate"] is not None:
                    beside = (words(quote(rubin, "interval")), words(quote(rubin, "p")))
                forms = ("estimate", "interval", "p")
                cells = (*(words(quote(row, form)) for form in forms), *beside)
            yield Line(words(named(line.label)), cells, words(what, head))


def _notes(source: Source, compared: Comparisons, remission: Comparisons) -> Iterator[Text]:
    outcome = source.study.primary_outcome
    yield words(
        "Scores in ", source.unit(outcome), f", {source.direction(outcome)}. All participants as "
        "randomised. p-values are not adjusted for multiplicity.",
    )  # fmt: skip
    told: set[str] = set()
    for _, lines in compared:
        for line in lines:
            if line.row["estimate"] is None and line.label not in told:
                told.add(line.label)
                yield words(named(line.label), ": ", sentence(line.row))
            elif not line.primary and "by" not in told:
                told.add("by")
                yield words("Intervals: ", quote(line.row, "interval method"), ". Beside them: ",
                            *([quote(line.rubin, "interval method")] if line.rubin else ["–"]),
                            ".")  # fmt: skip
    rows = [line.row for _, lines in remission for line in lines]
    if any(row["estimate"] is None and why_empty(row) == NOT_SHOWN for row in rows):
        yield words(WITHHELD)
