"""Missing scores of the primary outcome by arm: at each visit, in what way, why, and in whom."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, capitalised, named, quote, with_size, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

ANALYSIS = "missing data"
KIND = "participants: "
REASON = "missing at the endpoint: "
BY_VISIT = ("scores missing", "not seen from here on", "missed, seen again later",
            "seen after stopping treatment")  # fmt: skip


def missing_scores(source: Source, name: str = "missing_scores") -> Table:
    """Make the table of missing scores by arm.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    outcome = source.study.primary_outcome
    rows = source.rows.where(analysis=ANALYSIS, outcome=outcome, quantity="count")
    arms = [arm for arm in source.arms if rows.first(arm=arm) is not None]
    return Table(
        name,
        words("Missing scores of ", source.outcome(outcome), " by arm: ", source.trial_label()),
        words("What"),
        tuple(column(*_head(source, rows, arm)) for arm in arms),
        tuple(_lines(source, rows, arms)),
        (
            words("Participants, and their share of the arm as randomised. Counts of the flow by "
                  "arm are shown however small."),
        ),
    )  # fmt: skip


def _head(source: Source, rows: Rows, arm: str) -> list[Text]:
    return [words(source.arm(arm), with_size(rows.one(arm=arm), "n"))]


def _lines(source: Source, rows: Rows, arms: list[str]) -> Iterator[Line]:
    for what in BY_VISIT:
        of = rows.where(contrast=what)
        for visit in of.values("visit"):
            at = of.where(visit=visit)
            yield Line(words(source.visit(visit)), _cells(at, arms), words(capitalised(what)))
    for start, head in ((KIND, "Participants"), (REASON, "Why missing at the endpoint")):
        names = [name for name in rows.values("contrast") if name.startswith(start)]
        for name in names:
            label = words(named(capitalised(name.removeprefix(start))))
            yield Line(label, _cells(rows.where(contrast=name), arms), words(head))


def _cells(rows: Rows, arms: list[str]) -> tuple[Text, ...]:
    return tuple(_cell(rows.first(arm=arm)) for arm in arms)


def _cell(row: Row | None) -> Text:
    # A reason that nobody of an arm gave has no row there.
    return Text() if row is None else words(quote(row, "count"), " (", quote(row, "share"), ")")


def missing_predictors(source: Source, name: str = "missing_predictors") -> Table:
    """Make the table of what goes with leaving the study.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis=ANALYSIS, quantity="ratio")
    outcome = source.study.primary_outcome
    return Table(
        name,
        words("What goes with leaving, ", source.outcome(outcome), ": ", source.trial_label()),
        words("Odds of leaving before the next visit"),
        (column("n", symbol=True), column("Odds ratio"), column(interval_head(rows))),
        tuple(
            Line(
                words(named(str(row["contrast"]).partition(": ")[2] or row["contrast"])),
                (words(quote(row, "n")), words(quote(row, "estimate")),
                 words(quote(row, "interval"))),
            )
            for row in rows
        ),
        tuple(_predictor_notes(rows)),
    )  # fmt: skip


def _predictor_notes(rows: Rows) -> Iterator[Text]:
    for form, label in (("method", "Model: "), ("notes", "")):
        different = {row[form]: row for row in rows if row[form]}
        for row in different.values():
            yield words(label, quote(row, form), ".")
