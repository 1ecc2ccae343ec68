"""Any analysis as a plain table of its rows, so that a new one is shown before it has its own.

One line per row of the estimates table, in the rows' order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import Part, Text, listed, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, about_model, interval_head
from ipt_outcomes.tables.table import Line, Table, column

HAVE_THEIR_OWN = ("flow", "baseline", "observed", "primary", "primary, model-based errors",
                  "problem areas", "medication")  # fmt: skip
MOST = 200
"""Most lines; what is beyond stands in the table of estimates only, and the table says so."""


def further_tables(*, study: Study, estimates: pd.DataFrame, trial: str) -> dict[str, Table]:
    """Make a table of every analysis that has no table of its own.

    Parameters
    ----------
    study
        The configuration.
    estimates
        The estimates table; restricted rows and those of other trials are not read.
    trial
        Short name of the trial.

    Returns
    -------
    dict
        Name of the table: the table.
    """
    source = Source.of(study, estimates, trial)
    analyses = [name for name in source.rows.values("analysis") if name not in HAVE_THEIR_OWN]
    tables = (_table(source, analysis) for analysis in analyses)
    return {table.name: table for table in tables}


def _table(source: Source, analysis: str) -> Table:
    rows = source.rows.where(analysis=analysis)
    shown = Rows(list(rows)[:MOST])
    notes = [model] if (model := about_model(rows)) else []
    if len(rows) > MOST:
        notes.append(
            words("The first ", named(MOST), " of ", named(len(rows)), " rows; all stand in the "
                  "table of estimates.")
        )  # fmt: skip
    return Table(
        "analysis_" + re.sub(r"[^a-z0-9]+", "_", analysis.lower()).strip("_"),
        words(named(analysis[:1].upper() + analysis[1:]), ": ", source.trial_label()),
        words("What"),
        (
            column("Quantity"),
            column("n"),
            column("Estimate"),
            column(interval_head(shown)),
            column("p", symbol=True),
            column("p adjusted"),
        ),
        tuple(_lines(source, shown)),
        tuple(notes),
    )


def _lines(source: Source, rows: Rows) -> Iterator[Line]:
    for row in rows:
        n: list[Part] = [quote(row, "n")] if row["n_arm"] is not None else []
        if n and row["n_reference"] is not None:
            n += [" / ", quote(row, "n of reference")]
        unit = words(" ", named(row["unit"])) if row["unit"] else ""
        value = (
            "statistic"
            if row["estimate"] is None and row["statistic"] is not None
            else ("count" if row["quantity"] == "count" else "estimate")
        )
        yield Line(
            _what(source, row),
            (
                words(named(row["quantity"])),
                words(*n),
                words(quote(row, value), unit),
                words(quote(row, "interval")) if row["lower"] is not None else Text(),
                words(quote(row, "p")) if row["p"] is not None else Text(),
                words(quote(row, "adjusted p")) if row["p_adjusted"] is not None else Text(),
            ),
            _block(source, row),
        )


def _what(source: Source, row: Row) -> Text:
    visits = source.study.visits
    parts: list[Part] = []
    if row["arm"] is not None and row["reference"] is not None:
        parts.append(source.difference(row))
    elif row["arm"] is not None:
        parts.append(source.group(row["arm"]))
    if row["contrast"] and str(row["contrast"]) not in {str(words(part)) for part in parts}:
        parts.append(quote(row, "contrast"))
    if row["subgroup"]:
        parts.append(named(row["subgroup"]))
    if row["visit"]:
        parts.append(source.visit(row["visit"]) if row["visit"] in visits else named(row["visit"]))
    return listed(parts, last=", ")


def _block(source: Source, row: Row) -> Text:
    study = source.study
    parts: list[Part] = []
    if row["outcome"]:
        outcome = row["outcome"]
        parts.append(source.outcome(outcome) if outcome in study.outcomes else named(outcome))
    if row["estimand"]:
        estimand = study.estimands.get(row["estimand"])
        parts.append(named(estimand.label if estimand is not None else row["estimand"]))
    parts.append(words("participants ", named(row["analysis_set"])))
    return listed(parts, last="; ", between="; ")
