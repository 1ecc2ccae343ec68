"""The tables of a synthesis: pooled effect and checks, heterogeneity, what each trial moves.

Each is set from the rows that :mod:`ipt_outcomes.synthesis` gave; a table without rows is not made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from ipt_outcomes.study import Study
from ipt_outcomes.tables.numbers import NOT_KNOWN
from ipt_outcomes.tables.quotes import Part, Text, capitalised, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import interval_head
from ipt_outcomes.tables.table import Line, Table, column

HEADLINE = "pooled trials"
CHECK = "pooled trials, check: "
LEFT_OUT = f"{CHECK}leave one out"
ONE_STAGE = "pooled trials, one-stage"
POOLED, PREDICTION = "pooled effect", "prediction interval, new trial"
NOT_DONE = "not done"
"""Words by which a synthesis marks its rows."""

ESTIMATORS = {"REML": "restricted likelihood", "PM": "Paule–Mandel", "DL": "DerSimonian–Laird"}
"""Estimators of τ² in words."""
SCALES = {
    "g": "Hedges g",
    "md": "mean difference",
    "log rr": "risk ratio",
    "log or": "odds ratio",
    "log hr": "hazard ratio",
    "rd": "risk difference",
}


def pooling_tables(study: Study, name: str, estimates: pd.DataFrame) -> dict[str, Table]:
    """Make the tables of a synthesis.

    Parameters
    ----------
    study
        The configuration.
    name
        Short name of the synthesis.
    estimates
        The estimates table; only the rows of the synthesis are read.

    Returns
    -------
    dict
        Name of the table: the table.
    """
    rows = Rows.of(estimates, name)
    about = words(named(study.synthesis[name].label))
    scale = SCALES[study.synthesis[name].measure]
    tables = (
        _pooled(rows, about, scale),
        _one_stage(study, rows, about),
        _heterogeneity(rows, about),
        _moderators(rows, about),
        _left_out(rows, about, scale),
    )
    return {table.name: table for table in tables if table.lines}


def _effects(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["contrast"] == POOLED and row["estimate"] is not None]


def _interval(row: Row) -> Text:
    return words(quote(row, "interval")) if row["lower"] is not None else words(NOT_KNOWN)


def _tested(label: Part, row: Row, group: Text) -> Line:
    """Set an effect with its interval and its test."""
    p = words(quote(row, "p")) if row["p"] is not None else words(NOT_KNOWN)
    return Line(words(label), (words(quote(row, "estimate")), _interval(row), p), group)


def _pooled(rows: Rows, about: Text, scale: str) -> Table:
    headline = rows.where(analysis=HEADLINE)
    lines = [_tested("Pooled effect", row, words("Headline")) for row in _effects(headline)]
    lines += [
        _tested("Effect in a new trial (prediction interval)", row, words("Headline"))
        for row in headline.where(contrast=PREDICTION)
    ]
    for analysis in rows.values("analysis"):
        mine = rows.where(analysis=analysis)
        if analysis.startswith(CHECK) and analysis != LEFT_OUT:
            way = named(_way(analysis.removeprefix(CHECK)))
            lines += [_tested(way, row, words("Pooled in another way")) for row in _effects(mine)]
        elif analysis.startswith(f"{HEADLINE}, by "):
            group = words("By ", named(analysis.removeprefix(f"{HEADLINE}, by ")))
            lines += [_tested(quote(row, "subgroup"), row, group) for row in _effects(mine)]
            lines += [_no_difference(row, group) for row in mine.where(quantity="test")]
    return Table(
        "pooled_effects",
        words("Pooled effects: ", about),
        words("What is pooled"),
        (column(capitalised(scale)), column(interval_head(headline)), column("p", symbol=True)),
        tuple(lines),
        (
            *(words("Headline: ", quote(row, "method"), "; ", quote(row, "notes"), ".")
              for row in _effects(headline)),
            words("The headline was chosen by the structure of the data, not by its result. Trials "
                  "were not randomised to groups: differences between groups are associations."),
            *_reasons(rows, (f"{HEADLINE}, by ",)),
        ),
    )  # fmt: skip


def _way(check: str) -> str:
    """Name another way of pooling: an estimator, or what is done otherwise."""
    return f"τ² by {ESTIMATORS[check]}" if check in ESTIMATORS else capitalised(check)


def _no_difference(row: Row, group: Text) -> Line:
    p = words(quote(row, "p")) if row["p"] is not None else words(NOT_KNOWN)
    return Line(words("No difference between groups"), (Text(), Text(), p), group, indent=True)


def _one_stage(study: Study, rows: Rows, about: Text) -> Table:
    mine = rows.where(analysis=ONE_STAGE)
    fitted = [row for row in mine if row["quantity"] == "difference"]
    between = [row for row in mine if row["quantity"] == "variance"]
    lines = [
        Line(
            words(named(study.visits[row["visit"]].label)),
            (words(quote(row, "estimate")), _interval(row), words(quote(row, "p"))),
        )
        for row in fitted
    ]
    lines += [
        Line(words(quote(row, "contrast")), (words(quote(row, "estimate")), Text(), Text()))
        for row in between
    ]
    return Table(
        "pooled_one_stage",
        words("One model of the participants of all own trials: ", about),
        words("Visit"),
        (column("Difference"), column(interval_head(fitted)), column("p", symbol=True)),
        tuple(lines),
        tuple(words("Model: ", quote(row, "method"), "; n = ", quote(row, "n"), " and ",
                    quote(row, "n of reference"), ". Note: ", quote(row, "notes"), ".")
              for row in fitted[:1]),
    )  # fmt: skip


def _heterogeneity(rows: Rows, about: Text) -> Table:
    headline = rows.where(analysis=HEADLINE)
    variances = list(headline.where(quantity="variance"))
    lines = [_variance(row) for row in variances]
    lines += [
        Line(
            words(quote(row, "contrast")),
            (words("Q = ", quote(row, "statistic"), ", df ", quote(row, "df")), Text(),
             words(quote(row, "p"))),
        )
        for row in headline.where(quantity="test")
        if row["statistic"] is not None
    ]  # fmt: skip
    ways = {row["interval_method"]: row for row in variances if row["interval_method"]}
    return Table(
        "pooled_heterogeneity",
        words("How much the trials differ: ", about),
        words("Measure"),
        (column("Estimate"), column(interval_head(variances)), column("p", symbol=True)),
        tuple(lines),
        (
            *(words("Intervals: ", quote(row, "interval method"), ".") for row in ways.values()),
            words("I² is a share, not an amount: it grows with the size of the trials. The "
                  "prediction interval says how far effects lie apart."),
        ),
    )  # fmt: skip


def _variance(row: Row) -> Line:
    """Set a variance with three decimals, a share in percent with one."""
    share = str(row["unit"]).startswith("%")
    form = "one decimal" if share else "three decimals"
    unit = "%" if share else f" {row['unit']}"
    between = quote(row, f"{form.removesuffix('s')} interval")
    return Line(
        words(quote(row, "contrast")),
        (
            words(quote(row, form), named(unit)),
            words(between if row["lower"] is not None else NOT_KNOWN),
            Text(),
        ),
    )


def _moderators(rows: Rows, about: Text) -> Table:
    lines = []
    starts = f"{HEADLINE}, on "
    for row in rows.where(quantity="slope"):
        analysis = row["analysis"]
        group = "Regression on " + analysis.removeprefix(starts)
        group = group if analysis.startswith(starts) else "Small-study effects"
        lines.append(_tested(quote(row, "contrast"), row, words(named(group))))
    return Table(
        "pooled_moderators",
        words("What goes with larger effects: ", about),
        words("Characteristic of the trials"),
        (column("Slope"), column(interval_head(rows.where(quantity="slope"))),
         column("p", symbol=True)),
        tuple(lines),
        (
            words("Slopes are associations across trials, which nobody randomised. An effect that "
                  "goes with small trials may have other causes than trials that were never "
                  "published."),
            *_reasons(rows, (starts,), "small-study effects"),
        ),
    )  # fmt: skip


def _left_out(rows: Rows, about: Text, scale: str) -> Table:
    mine = rows.where(analysis=LEFT_OUT)
    lines = [
        Line(words(quote(row, "subgroup")), (words(quote(row, "estimate")), _interval(row)))
        for row in _effects(mine)
    ]
    return Table(
        "pooled_leave_one_out",
        words("The pooled effect without each trial: ", about),
        words("Left out"),
        (column(capitalised(scale)), column(interval_head(mine))),
        tuple(lines),
        tuple(_reasons(rows, (LEFT_OUT,))),
    )


def _reasons(rows: Rows, analyses: tuple[str, ...], contrast: str = "") -> Iterator[Text]:
    """Say what was not done, and why."""
    for row in rows.where(method=NOT_DONE):
        if row["analysis"].startswith(analyses) or (contrast and row["contrast"] == contrast):
            yield words("Not done: ", quote(row, "contrast"), ": ", quote(row, "notes"), ".")
