"""Observed scores by arm and visit, without a model."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import NOT_SHOWN, SUPPRESSED, Text, named, quote, words
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.source import COMPLETERS, Source
from ipt_outcomes.tables.table import Line, Table, column


def observed_scores(source: Source, outcome: str, name: str = "observed") -> Table:
    """Make the table of an outcome's observed means and standard deviations.

    Parameters
    ----------
    source
        Study and rows.
    outcome
        Short name of the outcome.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis="observed", outcome=outcome)
    columns = []
    for arm in source.arms:
        under = words(source.arm(arm))
        columns += [column("n", under=under), column("Mean (SD)", under=under)]
    lines = tuple(_lines(source, rows))
    notes = [
        words("Scores in ", source.unit(outcome), ", "
              f"{source.direction(outcome)}. Observed scores, not adjusted and without those "
              "missing."),
    ]  # fmt: skip
    if len(rows.where(analysis_set=COMPLETERS)):
        notes.append(words("Completers are described only: having a score at the endpoint is "
                           "itself an outcome, so their arms are not comparable."))  # fmt: skip
    smallest = source.study.privacy.smallest_group
    if any(SUPPRESSED.match(str(cell)) for line in lines for cell in line.cells):
        notes.append(words(named(f"<{smallest}"), ": fewer than ", named(smallest),
                           " participants, not shown."))  # fmt: skip
    return Table(
        name,
        words("Observed ", source.outcome(outcome), " scores by arm and visit: ",
              source.trial_label()),
        words("Visit"),
        tuple(columns),
        lines,
        tuple(notes),
    )  # fmt: skip


def _lines(source: Source, rows: Rows) -> Iterator[Line]:
    for analysis_set in rows.values("analysis_set"):
        for visit in source.study.visits_of(source.trial):
            at = rows.where(analysis_set=analysis_set, visit=visit)
            if not len(at):
                continue
            cells: list[Text] = []
            for arm in source.arms:
                mean = at.first(quantity="observed mean", arm=arm)
                sd = at.first(quantity="standard deviation", arm=arm)
                cells.append(words(NOT_SHOWN) if mean is None else words(quote(mean, "n")))
                shown = mean is not None and mean["estimate"] is not None and sd is not None
                cells.append(
                    words(quote(mean, "estimate"), " (", quote(sd, "estimate"), ")")
                    if shown and mean is not None and sd is not None
                    else words(NOT_SHOWN)
                )
            group = (
                words(f"Participants {analysis_set}")
                if analysis_set != COMPLETERS
                else words("Completers: with a score at the endpoint")
            )
            yield Line(words(source.visit(visit)), tuple(cells), group)
