"""How far participants of one therapist resemble each other, and what that does to the result.

Therapists exist in the arms with psychotherapy only, so each arm has its own intraclass
correlation, always with its interval. Source: Roberts & Roberts (2005), Clin Trials 2:152.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Part, Text, capitalised, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

VARIANTS = ("therapists", "therapists, effect by visit", "therapists, constant effect",
            "therapists, ignored")  # fmt: skip
"""Analyses of therapists, the main one first."""


def therapists(source: Source, name: str = "therapists") -> Table:
    """Make the table of therapists: intraclass correlations, and the differences with them.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    study = source.study
    endpoint = study.endpoint
    rows = source.rows.where(analysis=VARIANTS)
    at = Rows([row for row in rows if row["visit"] in (None, endpoint)])
    notes = {row["notes"]: row for row in at if row["notes"]}
    return Table(
        name,
        words("Therapists and the primary result at ", source.visit(endpoint), ": ",
              source.trial_label()),
        words("Model and quantity"),
        (
            column("Estimate"),
            column(interval_head(at)),
            column("df", symbol=True),
            column("p", symbol=True),
        ),
        (*_counts(source, at), *_models(source, at)),
        (
            words("The intraclass correlation is the share of the variance at the endpoint that "
                  "lies between therapists. It is never shown without its interval: with few "
                  "therapists it is known poorly."),
            *(words("Note: ", quote(row, "notes"), ".") for row in notes.values()),
        ),
    )  # fmt: skip


def _counts(source: Source, rows: Rows) -> Iterator[Line]:
    of = rows.where(analysis="therapists")
    for contrast, form in (("therapists", "count"), ("participants per therapist", "one decimal")):
        for arm in source.arms:
            row = of.first(contrast=contrast, arm=arm)
            if row is not None:
                yield Line(
                    words(capitalised(contrast), ", ", source.arm(arm)),
                    (words(quote(row, form)), Text(), Text(), Text()),
                    words("Therapists"),
                )


def _models(source: Source, rows: Rows) -> Iterator[Line]:
    for analysis in VARIANTS:
        of = rows.where(analysis=analysis)
        model = of.first(quantity="difference")
        label = words() if model is None else words(quote(model, "method"))
        for row in of:
            if row["quantity"] not in ("difference", "intraclass correlation", "test",
                                       "standard deviation"):  # fmt: skip
                continue
            yield Line(_label(source, row), tuple(_cells(row)), label)


def _label(source: Source, row: Row) -> Text:
    if row["quantity"] == "intraclass correlation":
        # Arms with one residual variance have one intraclass correlation between them.
        arm = words("all arms") if row["arm"] is None else words(source.arm(row["arm"]))
        return words("Intraclass correlation, ", arm)
    if row["reference"] is not None:
        return source.difference(row)
    contrast: Part = quote(row, "contrast")
    return words("SD " if row["quantity"] == "standard deviation" else "", contrast)


def _cells(row: Row) -> list[Text]:
    value = "statistic" if row["estimate"] is None else "estimate"
    form = "three decimals" if row["quantity"] == "intraclass correlation" else value
    interval = "three decimal interval" if form == "three decimals" else "interval"
    return [
        words(quote(row, form)),
        words(quote(row, interval)) if row["lower"] is not None else Text(),
        words(quote(row, "df")) if row["df"] is not None else Text(),
        words(quote(row, "p")) if row["p"] is not None else Text(),
    ]
