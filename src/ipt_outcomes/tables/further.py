"""Any analysis as a plain table of its rows, so that a new one is shown before it has its own.

One line per row of the estimates table, in the rows' order. Analyses that are variants of one
another ("response", "response, observed only") share a table; those that differ by numbers only,
such as the points of a surface, share one of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import ascii_lowercase

from ipt_outcomes.tables.diagnostics import errors_in_words
from ipt_outcomes.tables.quotes import (
    FORMS,
    NOT_SHOWN,
    Part,
    Piece,
    Text,
    capitalised,
    joined,
    named,
    quote,
    words,
)
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head, not_fitted_notes
from ipt_outcomes.tables.table import Line, Table, column
from ipt_outcomes.tables.therapists import is_count_of_clusters, number_of_clusters

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
BARE = ("proportion", "ratio", "F", "SD", "number", "residual", "skewness", "kurtosis",
        "Cook's distance", "chi-square", "chi-squared")  # fmt: skip
"""Units that the quantity's name says already."""
SYMBOLS = {"F": "F = ", "chi-square": "χ² = ", "chi-squared": "χ² = "}
"""Unit of a statistic: how it begins."""
MOST_NOTES = 8
SMALL = 0.1
"""Below it a value of a description keeps two figures that count."""
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
    has = {name: any(row[name] is not None for row in shown)
           for name in ("n_arm", "lower", "p", "p_adjusted")}  # fmt: skip
    reasons = _reasons(shown)
    return Table(
        PLAIN_LIST + re.sub(r"[^a-z0-9]+", "_", family.lower()).strip("_"),
        words(named(capitalised(family)), ": ", source.trial_label()),
        words("What"),
        (
            column("Quantity"),
            *([column("n")] if has["n_arm"] else []),
            column("Estimate"),
            *([column(interval_head(shown))] if has["lower"] else []),
            *([column("p", symbol=True)] if has["p"] else []),
            *([column("p adjusted")] if has["p_adjusted"] else []),
        ),
        tuple(_lines(source, shown, family, has, list(reasons))),
        (
            *(
                words(f"({_letter(k)}) ", quote(row, "reason"), ".")
                for k, row in enumerate(reasons.values())
            ),
            *_notes(rows, shown),
            *not_fitted_notes(source, tuple(analyses)),
        ),
    )


def _reasons(rows: Rows) -> dict[str, Row]:
    """Return why rows have no number: each reason with a row that tells it."""
    found: dict[str, Row] = {}
    for row in rows:
        if _has_no_number(rows, row) and row["notes"]:
            found.setdefault(quote(row, "reason").text, row)
    return found


def _has_no_number(rows: Rows, row: Row) -> bool:
    """Whether a row has neither a number nor an interval (a piece of a number needed has one)."""
    return row["lower"] is None and _value(rows, row).text == NOT_SHOWN


def _letter(position: int) -> str:
    """Mark a reason: a to z, then aa, ab.

    Examples
    --------
    >>> _letter(0), _letter(26)
    ('a', 'aa')
    """
    more, own = divmod(position, len(ascii_lowercase))
    return (ascii_lowercase[more - 1] if more else "") + ascii_lowercase[own]


def _value(rows: Rows, row: Row) -> Piece:
    """Quote the number of a row in the form that fits it."""
    value = row["estimate"]
    if is_count_of_clusters(row):
        return number_of_clusters(rows, row)
    if value is None and row["statistic"] is not None:
        return quote(row, "statistic")
    if row["quantity"] == "count" or (row["unit"] == "number" and value == 0):
        return quote(row, "count")
    if row["unit"] == "number":
        whole = value is not None and value >= 1 and value == round(value)
        return quote(row, "count" if whole else "small")
    if row["quantity"] == "test" and value is not None and abs(value) < SMALL:
        return quote(row, "small")
    return quote(row, "estimate")


def _quantity(row: Row) -> str:
    """Name what a row gives: the rows of a description of residuals test nothing."""
    quantity = str(row["quantity"])
    if quantity != "test" or row["p"] is not None or row["statistic"] is not None:
        return quantity
    return "quantile" if str(row["contrast"]).startswith("quantile") else "value"


def _notes(rows: Rows, shown: Rows) -> Iterator[Text]:
    if len(rows) > len(shown):
        yield words("The first ", named(len(shown)), " of ", named(len(rows)), " rows; all stand "
                    "in the table of estimates.")  # fmt: skip
    for form, label in (("method", "Method"), ("notes", "Note")):
        different = {FORMS[form](row): row for row in shown if FORMS[form](row)}
        for row in list(different.values())[:MOST_NOTES]:
            stop = "" if FORMS[form](row).endswith(".") else "."
            yield words(f"{label}: ", quote(row, form), stop)
        if len(different) > MOST_NOTES:
            yield words("Further notes stand in the table of estimates.")


def _lines(
    source: Source, rows: Rows, family: str, has: Mapping[str, bool], reasons: list[str]
) -> Iterator[Line]:
    for row in rows:
        n: list[Part] = [quote(row, "n")] if row["n_arm"] is not None else []
        if n and row["n_reference"] is not None:
            n += [" / ", quote(row, "n of reference")]
        value = words(_value(rows, row))
        symbol = SYMBOLS.get(row["unit"] or "", "") if row["estimate"] is None else ""
        if _has_no_number(rows, row):
            why = quote(row, "reason").text if row["notes"] else ""
            value = words("not shown", f" ({_letter(reasons.index(why))})" if why else "")
        elif str(value) != NOT_SHOWN:
            value = words(symbol, value, _unit(row, str(value)))
        yield Line(
            _what(source, row),
            (
                words(named(_quantity(row))),
                *([words(*n)] if has["n_arm"] else []),
                value,
                *([_cell(row, "lower", "interval")] if has["lower"] else []),
                *([_cell(row, "p", "p")] if has["p"] else []),
                *([words(quote(row, "adjusted p"))] if has["p_adjusted"] else []),
            ),
            _block(source, row, family),
        )


def _cell(row: Row, column: str, form: str) -> Text:
    return words(quote(row, form)) if row[column] is not None else Text()


def _unit(row: Row, value: str) -> Text:
    unit = row["unit"]
    if unit in (None, *BARE):
        return Text()
    if unit == "participants" and value == "1":
        unit = "participant"
    return words(" ", named(unit))


def _what(source: Source, row: Row) -> Text:
    visits = source.study.visits
    parts: list[Part] = []
    if row["arm"] is not None and row["reference"] is None:
        arm = source.group(row["arm"])
        if not str(row["contrast"] or "").startswith(
            (f"{arm.text} minus ", f"{arm.text} against ")
        ):
            parts.append(arm)
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
        own = str(row["analysis"]).removeprefix(f"{family}, ")
        parts.append(named(capitalised(errors_in_words(own))))
    if row["outcome"]:
        outcome = row["outcome"]
        parts.append(source.outcome(outcome) if outcome in study.outcomes else named(outcome))
    if row["estimand"]:
        estimand = study.estimands.get(row["estimand"])
        parts.append(named(estimand.label if estimand is not None else row["estimand"]))
    parts.append(words("participants ", named(row["analysis_set"])))
    return joined(parts)
