"""Who responded, remitted, improved reliably or deteriorated, with numbers needed to treat.

The number needed comes from the risk difference of its own line. When the interval of that
difference holds zero, the number's interval passes through infinity and is written in two pieces
(Altman 1998, BMJ 317:1309). A number derived from a standardised mean difference is another
quantity and never stands in this column.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import (
    HELD,
    NOT_SHOWN,
    Part,
    Text,
    joined,
    named,
    quote,
    words,
)
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

CRITERIA = ("response", "remission", "reliable improvement", "deterioration")
"""Analyses of a status at the endpoint, in the order in which they are shown."""


SHOWN_AS = {"probability": "share", "risk ratio": "RR"}
"""Quantities that may be hidden or not estimated: their heads in the table."""


def responder_rows(source: Source, criterion: str, outcome: str) -> Rows:
    """Return the rows of one criterion, as randomised, under the primary estimand."""
    return source.rows.where(
        analysis=criterion, outcome=outcome, estimand=source.study.primary_estimand,
        analysis_set=AS_RANDOMISED,
    )  # fmt: skip


def responders(source: Source, name: str = "responders") -> Table:
    """Make the table of response, remission, reliable improvement and deterioration.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    rows = source.rows.where(analysis=CRITERIA, estimand=source.study.primary_estimand)
    ci = interval_head(rows)
    reference = source.arm(source.study.reference_arm)
    under = words("Against ", reference)
    endpoint = source.study.endpoint
    return Table(
        name,
        words("Response, remission, reliable change and deterioration at ",
              source.visit(endpoint), ": ", source.trial_label()),
        words("Criterion and arm"),
        (
            column("n"),
            column("Share [", ci, "]"),
            column("RD [", ci, "]", under=under),
            column("RR [", ci, "]", under=under),
            column("p", under=under, symbol=True),
            column("NNT [", ci, "]", under=under),
        ),
        tuple(_lines(source)),
        tuple(_notes(source)),
    )  # fmt: skip


def _lines(source: Source) -> Iterator[Line]:
    for outcome in source.study.outcomes_of(source.trial):
        for criterion in CRITERIA:
            rows = responder_rows(source, criterion, outcome)
            group = words(source.outcome(outcome), f": {criterion}")
            for arm in source.arms:
                share = rows.first(quantity="probability", arm=arm)
                if share is not None:
                    known = share["estimate"] is not None
                    cells = (_size(rows, share),
                             words(quote(share, "percent"), HELD,
                                   quote(share, "percent interval"))
                             if known else NOT_ESTIMATED)  # fmt: skip
                    of = rows.where(arm=arm)
                    yield Line(words(source.arm(arm)), (*cells, *_against(of)), group)


def _size(rows: Rows, share: Row) -> Text:
    """Return how many an arm has, from another row where the share itself is hidden."""
    if share["n_arm"] is not None:
        return words(quote(share, "n"))
    arm = share["arm"]
    for role, size, form in (("arm", "n_arm", "n"),
                             ("reference", "n_reference", "n of reference")):  # fmt: skip
        for row in rows.where(**{role: arm}):
            if row[size] is not None:
                return words(quote(row, form))
    return NOT_ESTIMATED


def _against(rows: Rows) -> list[Text]:
    difference = rows.first(quantity="risk difference")
    ratio = rows.first(quantity="risk ratio")
    if difference is None:
        return [Text()] * 4
    return [
        words(quote(difference, "percent points"), HELD, quote(difference, "percent interval")),
        NOT_ESTIMATED
        if ratio is None or ratio["estimate"] is None
        else words(quote(ratio, "estimate"), HELD, quote(ratio, "interval")),
        words(quote(difference, "p")),
        _needed(rows),
    ]


NOT_ESTIMATED = words(NOT_SHOWN)


def _needed(rows: Rows) -> Text:
    benefit = rows.first(quantity="number needed to benefit")
    harm = rows.first(quantity="number needed to harm")
    pieces = []
    for row, kind in ((benefit, "benefit"), (harm, "harm")):
        if row is None:
            continue
        estimate: list[Part] = []
        if row["estimate"] is not None:
            estimate = [quote(row, "one decimal"), HELD]
        label = f"{kind}{HELD}" if harm is not None or kind == "harm" else ""
        pieces.append(words(label, *estimate, quote(row, "one decimal interval")))
    # The piece that holds the estimate comes first.
    first = harm is not None and harm["estimate"] is not None
    return joined(pieces[::-1] if first else pieces) if pieces else NOT_ESTIMATED


def _notes(source: Source) -> Iterator[Text]:
    yield words("Shares in per cent. RD: risk difference in percentage points; RR: risk ratio; "
                "both standardised over baseline score and covariates. p of the risk difference, "
                "not adjusted for multiplicity. NNT: number needed to treat for one more "
                "participant with the outcome (for deterioration: one fewer), from the risk "
                "difference; ∞: the interval passes through infinity and has a piece of benefit "
                "and one of harm.")  # fmt: skip
    yield from _not_shown(source)
    for outcome in source.study.outcomes_of(source.trial):
        first: dict[str, Row] = {}
        for criterion in CRITERIA:
            row = responder_rows(source, criterion, outcome).first(quantity="probability")
            if row is not None and row["notes"]:
                first[criterion] = row
        yield from _definitions(source, outcome, first)
    method = _method(source)
    if method is not None:
        yield words("Method: ", quote(method, "method"), ". Estimand: ",
                    named(source.study.estimands[source.study.primary_estimand].label),
                    ".")  # fmt: skip


def _not_shown(source: Source) -> Iterator[Text]:
    """Say why a share or a ratio is a dash."""
    hidden: dict[str, tuple[Row, dict[str, list[Text]]]] = {}
    for outcome in source.study.outcomes_of(source.trial):
        for criterion in CRITERIA:
            for row in responder_rows(source, criterion, outcome):
                if row["quantity"] in SHOWN_AS and row["estimate"] is None and row["notes"]:
                    where = words(source.outcome(outcome), f" {criterion}")
                    _, heads = hidden.setdefault(quote(row, "reason").text, (row, {}))
                    places = heads.setdefault(SHOWN_AS[row["quantity"]], [])
                    places += [where] * (where not in places)
    for row, heads in hidden.values():
        told = [words(f"{head} of ", joined(places, ", ")) for head, places in heads.items()]
        yield words(f"{NOT_SHOWN}: ", joined(told), ": ", quote(row, "reason"), ".")


def _definitions(source: Source, outcome: str, rows: dict[str, Row]) -> Iterator[Text]:
    """Define each criterion of an outcome; what several share is said once."""
    better, worse = rows.get("reliable improvement"), rows.get("deterioration")
    same = (
        better is not None
        and worse is not None
        and quote(better, "definition").text
        == quote(worse, "definition")
        .text.replace(": worse by ", ": better by ")
        .replace("deterioration", "reliable improvement")
    )
    shown = [
        words("deterioration: worse by as many points")
        if criterion == "deterioration" and same
        else words(quote(row, "definition"))
        for criterion, row in rows.items()
    ]
    if shown:
        yield words(source.outcome(outcome), ", ", joined(shown), ".")
    counted: dict[str, tuple[Row, list[str]]] = {}
    for criterion, row in rows.items():
        text = quote(row, "counting").text
        if text:
            counted.setdefault(text, (row, []))[1].append(criterion)
    for row, criteria in counted.values():
        yield words(source.outcome(outcome), f", {', '.join(criteria)}: ",
                    quote(row, "counting"), ".")  # fmt: skip


def _method(source: Source) -> Row | None:
    return source.rows.first(analysis=CRITERIA, quantity="risk difference")
