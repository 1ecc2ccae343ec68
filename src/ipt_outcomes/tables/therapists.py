"""How far participants of one therapist resemble each other, and what that does to the result.

Therapists exist in the arms with psychotherapy only, so each arm has its own intraclass
correlation, always with its interval. Source: Roberts & Roberts (2005), Clin Trials 2:152.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.comparisons import people
from ipt_outcomes.tables.quotes import Piece, Text, capitalised, quote, words
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
    outcome = next((row["outcome"] for row in at if row["outcome"]), study.primary_outcome)
    notes = {row["notes"]: row for row in at if row["notes"]}
    return Table(
        name,
        words("Therapists and the primary result at ", source.visit(endpoint), ": ",
              source.trial_label()),
        words("Model and quantity"),
        (
            column("n"),
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
            words("n: participants with a score at the endpoint. Differences and SD in ",
                  source.unit(outcome), f", {source.direction(outcome)}; participants per "
                  "therapist are a mean."),
            *_tests(source, at),
            *_methods(source, at),
            *(words("Note: ", quote(row, "notes"), ".") for row in notes.values()),
        ),
    )  # fmt: skip


def _counts(source: Source, rows: Rows) -> Iterator[Line]:
    of = rows.where(analysis="therapists", visit=None)
    counts = of.where(quantity="count")
    for row in [*counts, *of.where(quantity="observed mean")]:
        if row["arm"] in source.arms:
            counted = row["quantity"] == "count"
            shown = number_of_clusters(of, row) if counted else quote(row, "one decimal")
            yield Line(
                words(capitalised(str(row["contrast"])), ", ", source.arm(row["arm"])),
                (Text(), words(shown), Text(), Text(), Text()),
                words("Therapists"),
            )


def number_of_clusters(rows: Rows, row: Row) -> Piece:
    """Count therapists, groups or sites: they are not participants and are shown however few.

    Parameters
    ----------
    rows
        Rows of the analysis of therapists.
    row
        That of the count; where it is hidden, the number follows from the mean number of
        participants per therapist.
    """
    if row["estimate"] is None:
        mean = rows.first(quantity="observed mean", arm=row["arm"], visit=None)
        if mean is not None and mean["estimate"] and mean["n_arm"] is not None:
            return quote(mean, "clusters")
    return quote(row, "count")


def is_count_of_clusters(row: Row) -> bool:
    """Whether a row counts therapists, groups or sites."""
    of = row["quantity"] == "count" and row["contrast"] in ("therapists", "groups", "sites")
    return of and row["analysis"] == VARIANTS[0]


def model_name(source: Source, analysis: str) -> str:
    """Name a model of therapists in plain words.

    Parameters
    ----------
    source
        Study and rows.
    analysis
        One of :data:`VARIANTS`.
    """
    plan = source.study.analyses.therapists
    if analysis != VARIANTS[0]:
        return capitalised(analysis.removeprefix("therapists, "))
    effect = plan.effect if plan is not None else "growing"
    return {"growing": "Effect growing over treatment (main)", "by-visit": "Effect by visit (main)",
            "constant": "Constant effect (main)"}[effect]  # fmt: skip


def _tests(source: Source, rows: Rows) -> Iterator[Text]:
    for row in rows.where(quantity="test"):
        if row["statistic"] is not None or row["p"] is not None:
            yield words(model_name(source, row["analysis"]), ", test of ",
                        quote(row, "contrast"), ": χ² = ", quote(row, "statistic"), ", p ",
                        quote(row, "p equation"), ".")  # fmt: skip


def _methods(source: Source, rows: Rows) -> Iterator[Text]:
    for analysis in VARIANTS:
        row = rows.first(analysis=analysis, quantity="difference")
        if row is not None:
            yield words(model_name(source, analysis), ": ", quote(row, "method"), ".")


def _models(source: Source, rows: Rows) -> Iterator[Line]:
    for analysis in VARIANTS:
        of = rows.where(analysis=analysis)
        label = words(model_name(source, analysis))
        for row in of:
            if row["quantity"] not in ("difference", "intraclass correlation",
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
    kind = "SD " if row["quantity"] == "standard deviation" else "Difference "
    return words(kind, quote(row, "contrast"))


def _cells(row: Row) -> list[Text]:
    value = "statistic" if row["estimate"] is None else "estimate"
    form = "three decimals" if row["quantity"] == "intraclass correlation" else value
    interval = "three decimal interval" if form == "three decimals" else "interval"
    return [
        people(row),
        words(quote(row, form)),
        words(quote(row, interval)) if row["lower"] is not None else Text(),
        words(quote(row, "df")) if row["df"] is not None else Text(),
        words(quote(row, "p")) if row["p"] is not None else Text(),
    ]
