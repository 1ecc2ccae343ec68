"""Any analysis as a plain table of its rows, so that a new one is shown before it has its own.

One line per row of the estimates table, in the rows' order. Analyses that are variants of one
another ("response", "response, observed only") share a table; those that differ by numbers only,
such as the points of a surface, share one of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ipt_outcomes.tables.quotes import FORMS, Part, Text, capitalised, joined, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head, not_fitted_notes
from ipt_outcomes.tables.table import Line, Table, column

HAVE_THEIR_OWN = ("flow", "baseline", "observed", "primary", "primary, model-based errors",
                  "problem areas", "medication", "missing data", "baseline distribution",
                  "growth", "growth, curve", "growth, comparison of curves", "growth, durability",
                  "medication, factorial", "medication, factorial, over time",
                  "medication, factorial, additivity", "medication, timing by symptoms",
                  "sudden gains", "dose response", "dose response, compliers",
                  "non-inferiority", "non-inferiority, imputed under the null",
                  "non-inferiority, verdict", "equivalence",
                  "equivalence, imputed under the null", "equivalence, verdict",
                  "diagnostics, influence", "diagnostics, convergence",
                  "diagnostics, residuals")  # fmt: skip
DRAWN = ("robustness, delta ", "robustness, remission, delta ", "diagnostics, covariance ",
         "lagged effects, ", "mediation, ", "pooled trials")  # fmt: skip
"""Beginnings of analyses that a figure or a table shows whole: a grid of shifts is no reading, and
what a trial gives to a synthesis stands there."""
PLAIN_LIST = "analysis_"
"""How the names of these tables begin."""
MOST = 200
"""Most lines; what is beyond stands in the table of estimates only, and the table says so."""
MOST_OF_GRID = 40
"""The same for analyses that differ by numbers only."""
OF_MODELS = ("diagnostics",)
"""Analyses of other analyses' models: each has a table of its own, but those that
:data:`HAVE_THEIR_OWN` and :data:`DRAWN` name."""
BARE = ("proportion", "ratio", "F", "SD")
"""Units that the quantity's name says already."""
MOST_NOTES = 8
_NUMBER = re.compile(r"[+\-−]?\d+(\.\d+)?")
_GRID = re.compile(rf"{_NUMBER.pattern}( and {_NUMBER.pattern})*$")


def further_tables(source: Source) -> dict[str, Table]:
    """Make a table of every analysis that has no table of its own.

    Parameters
    ----------
    source
        Study and rows.

    Returns
    -------
    dict
        Name of the table: the table.
    """
    families: dict[str, list[str]] = {}
    for analysis in [*source.rows.values("analysis"), *source.not_fitted.values("analysis")]:
        if analysis not in HAVE_THEIR_OWN and not analysis.startswith(DRAWN):
            families.setdefault(_family(analysis), []).append(analysis)
    tables = (
        _table(source, family, list(dict.fromkeys(analyses)))
        for family, analyses in families.items()
    )
    return {table.name: table for table in tables}


def _family(analysis: str) -> str:
    """Name the table of an analysis.

    Examples
    --------
    >>> _family("response, observed only"), _family("robustness, delta +4 and -2")
    ('response', 'robustness, delta … and …')
    >>> _family("diagnostics, therapists, residuals")
    'diagnostics, therapists'
    """
    # Only numbers at the end make a grid: a name in the researcher's words may hold some too.
    tail = _GRID.search(analysis)
    if tail is None:
        parts = analysis.split(", ")
        return ", ".join(parts[: 2 if parts[0] in OF_MODELS else 1])
    return analysis[: tail.start()] + _NUMBER.sub("…", tail.group())


def _table(source: Source, family: str, analyses: list[str]) -> Table:
    rows = source.rows.where(analysis=tuple(analyses))
    most = MOST_OF_GRID if "…" in family else MOST
    shown = Rows(list(rows)[:most])
    adjusted = any(row["p_adjusted"] is not None for row in shown)
    return Table(
        PLAIN_LIST + re.sub(r"[^a-z0-9]+", "_", family.lower()).strip("_"),
        words(named(capitalised(family)), ": ", source.trial_label()),
        words("What"),
        (
            column("Quantity"),
            column("n"),
            column("Estimate"),
            column(interval_head(shown)),
            column("p", symbol=True),
            *([column("p adjusted")] if adjusted else []),
        ),
        tuple(_lines(source, shown, family, adjusted)),
        (*_notes(rows, shown), *not_fitted_notes(source, tuple(analyses))),
    )


def _notes(rows: Rows, shown: Rows) -> Iterator[Text]:
    if len(rows) > len(shown):
        yield words("The first ", named(len(shown)), " of ", named(len(rows)), " rows; all stand "
                    "in the table of estimates.")  # fmt: skip
    for form, label in (("method", "Method"), ("notes", "Note")):
        different = {FORMS[form](row): row for row in shown if FORMS[form](row)}
        for row in list(different.values())[:MOST_NOTES]:
            yield words(f"{label}: ", quote(row, form), ".")
        if len(different) > MOST_NOTES:
            yield words("Further notes stand in the table of estimates.")


def _lines(source: Source, rows: Rows, family: str, adjusted: bool) -> Iterator[Line]:
    for row in rows:
        n: list[Part] = [quote(row, "n")] if row["n_arm"] is not None else []
        if n and row["n_reference"] is not None:
            n += [" / ", quote(row, "n of reference")]
        unit = words(" ", named(row["unit"])) if row["unit"] not in (None, *BARE) else ""
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
                *([words(quote(row, "adjusted p"))] if adjusted else []),
            ),
            _block(source, row, family),
        )


def _what(source: Source, row: Row) -> Text:
    visits = source.study.visits
    parts: list[Part] = []
    if row["arm"] is not None and row["reference"] is None:
        parts.append(source.group(row["arm"]))
    if row["contrast"]:
        parts.append(quote(row, "contrast"))
    elif row["reference"] is not None:
        parts.append(source.difference(row))
    if row["subgroup"]:
        parts.append(named(row["subgroup"]))
    if row["visit"]:
        parts.append(source.visit(row["visit"]) if row["visit"] in visits else named(row["visit"]))
    return joined(parts, ", ")


def _block(source: Source, row: Row, family: str) -> Text:
    study = source.study
    parts: list[Part] = []
    if row["analysis"] != family:
        parts.append(named(capitalised(str(row["analysis"]).removeprefix(f"{family}, "))))
    if row["outcome"]:
        outcome = row["outcome"]
        parts.append(source.outcome(outcome) if outcome in study.outcomes else named(outcome))
    if row["estimand"]:
        estimand = study.estimands.get(row["estimand"])
        parts.append(named(estimand.label if estimand is not None else row["estimand"]))
    parts.append(words("participants ", named(row["analysis_set"])))
    return joined(parts)
