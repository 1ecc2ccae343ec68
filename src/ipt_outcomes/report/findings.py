"""One sentence for each part of a report that has no primary result: what its rows say.

Numbers are quoted from the estimates table, words from the configuration; a sentence whose rows do
not exist is left out. What nobody randomised is put as an association.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ipt_outcomes.tables.comparisons import f_test, sentence
from ipt_outcomes.tables.diagnostics import COVARIANCE, INFLUENCE, covariances
from ipt_outcomes.tables.diagnostics_models import examined_models
from ipt_outcomes.tables.factorial import ADDITIVITY
from ipt_outcomes.tables.growth import DURABILITY, GROWTH
from ipt_outcomes.tables.lagged_effects import directions
from ipt_outcomes.tables.non_inferiority import verdict_row
from ipt_outcomes.tables.process import DOSE, GAINS, PATHS
from ipt_outcomes.tables.quotes import Text, joined, listed, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.therapists import VARIANTS


def findings(source: Source, topic: str) -> list[Text]:
    """Return the sentences of a part of the report.

    Parameters
    ----------
    source
        Study and rows.
    topic
        Key of the part.
    """
    return [text for write in _WRITERS.get(topic, ()) for text in write(source) if text]


def _shown(rows: Rows) -> list[Row]:
    return [row for row in rows if row["estimate"] is not None and row["converged"] is not False]


def _with_interval(row: Row, unit: str = "") -> Text:
    return words(quote(row, "estimate"), f" {unit}" if unit else "", ", ", quote(row, "level"),
                 " CI ", quote(row, "interval"))  # fmt: skip


def _additivity(source: Source) -> Iterator[Text]:
    for row in _shown(source.rows.where(analysis=ADDITIVITY)):
        yield words(
            "At ", source.visit(row["visit"]), ", psychotherapy and medication together differed "
            "from the sum of both by ", quote(row, "estimate"), " ", source.unit(row["outcome"]),
            " of benefit on the ", source.outcome(row["outcome"]), " (positive: together more; ",
            quote(row, "level"), " CI ", quote(row, "interval"), "): ", sentence(row),
        )  # fmt: skip


def _margin(source: Source) -> Iterator[Text]:
    row = verdict_row(source)
    if row is not None and row["notes"]:
        yield words("Verdict: ", sentence(row))


def _growth(source: Source) -> Iterator[Text]:
    of = source.rows.where(analysis=GROWTH)
    slopes = _shown(of.where(quantity="slope"))
    if not slopes:
        return
    phase = slopes[0]["subgroup"]
    said = [words(source.arm(row["arm"]), " ", _with_interval(row)) for row in slopes
            if row["subgroup"] == phase]  # fmt: skip
    unit = named(slopes[0]["unit"] or "points")
    yield words("In the first phase, ", quote(slopes[0], "subgroup"), ", the slopes in ", unit,
                " were: ", joined(said), ".")  # fmt: skip
    test = of.first(quantity="test")
    if test is not None and test["statistic"] is not None:
        yield words("Whether slopes differ between arms in any phase: ", f_test(test), ".")


def _durability(source: Source) -> Iterator[Text]:
    endpoint = source.visit(source.study.endpoint)
    rows = source.rows.where(analysis=DURABILITY, quantity="difference", reference=None)
    shown = _shown(rows)
    for visit in dict.fromkeys(row["visit"] for row in shown):
        said = [words(source.arm(row["arm"]), " ", _with_interval(row)) for row in shown
                if row["visit"] == visit]  # fmt: skip
        yield words("From ", endpoint, " to ", source.visit(visit), " the adjusted mean of the ",
                    source.outcome(source.study.primary_outcome), " changed by: ",
                    joined(said), ".")  # fmt: skip


def _gains(source: Source) -> Iterator[Text]:
    rows = source.rows.where(analysis=GAINS, quantity="probability", contrast="with a sudden gain")
    said = [
        words(quote(row, "percent"), " with ", source.arm(row["arm"]), " (", quote(row, "level"),
              " CI ", quote(row, "percent interval"), ")")
        for row in _shown(rows)
    ]  # fmt: skip
    if said:
        yield words("A sudden gain was seen in ", listed(said), "; who had one is known only "
                    "afterwards.")  # fmt: skip


def _lagged(source: Source) -> Iterator[Text]:
    for _, rows in directions(source):
        for row in rows.where(subgroup="within persons"):
            yield words(
                quote(row, "contrast"), ": slope ", _with_interval(row), ", p ",
                quote(row, "p equation"), ", n = ", quote(row, "n"), ", an association in time.",
            )  # fmt: skip


def _mediation(source: Source) -> Iterator[Text]:
    for analysis in source.rows.values("analysis"):
        if not analysis.startswith(PATHS):
            continue
        for row in _shown(source.rows.where(analysis=analysis, subgroup="indirect effect")):
            yield words(source.difference(row), ", ", quote(row, "contrast"), ": ",
                        _with_interval(row), ", assuming that no unmeasured cause is shared by "
                        "mediator and outcome.")  # fmt: skip


def _dose(source: Source) -> Iterator[Text]:
    for row in _shown(source.rows.where(analysis=DOSE, quantity="slope")):
        yield words(
            "Each further session went with a difference of ", quote(row, "estimate"), " ",
            source.unit(source.study.primary_outcome), " in the ",
            source.outcome(source.study.primary_outcome), " (", quote(row, "level"), " CI ",
            quote(row, "interval"), "), an association: attendance was not randomised.",
        )  # fmt: skip


def _therapists(source: Source) -> Iterator[Text]:
    rows = source.rows.where(analysis=VARIANTS[0], quantity="intraclass correlation")
    said = [
        words(quote(row, "three decimals"), " (", quote(row, "level"), " CI ",
              quote(row, "three decimal interval"), ")",
              words(" with ", source.arm(row["arm"])) if row["arm"] is not None else "")
        for row in _shown(rows)
    ]  # fmt: skip
    if said:
        endpoint = source.visit(source.study.endpoint)
        yield words("At ", endpoint, " the intraclass correlation of participants of one therapist "
                    "was ", listed(said), ".")  # fmt: skip


def _diagnostics(source: Source) -> Iterator[Text]:
    outcome = source.study.primary_outcome
    names = covariances(source, outcome)
    rows = _shown(source.rows.where(analysis=tuple(names), outcome=outcome, quantity="difference"))
    for arm in dict.fromkeys(row["arm"] for row in rows):
        of = [row for row in rows if row["arm"] == arm]
        low, high = (find(of, key=lambda row: row["estimate"]) for find in (min, max))
        alone = _shown(source.rows.where(analysis=INFLUENCE, outcome=outcome, arm=arm))
        text = words(
            source.difference(of[0]), " on the ", source.outcome(outcome), ": from ",
            quote(low, "estimate"), " (", named(low["analysis"].removeprefix(COVARIANCE)), ") to ",
            quote(high, "estimate"), " (", named(high["analysis"].removeprefix(COVARIANCE)),
            ") over the covariances examined",
        )  # fmt: skip
        if alone:
            ends = sorted(alone, key=lambda row: row["estimate"])
            text = words(text, "; from ", quote(ends[0], "estimate"), " to ",
                         quote(ends[-1], "estimate"), " with any one participant left "
                         "out")  # fmt: skip
        yield words(text, ".")
    yield from _without_one_cluster(source)


def _without_one_cluster(source: Source) -> Iterator[Text]:
    plan = source.study.analyses.therapists
    for model in examined_models(source):
        if plan is None or model.model != "therapists" or not model.covariances:
            continue
        for row in _shown(model.covariances[0]):
            ends = _shown(model.part("influence").where(arm=row["arm"], quantity="difference"))
            if len(ends) == 2:
                yield words(source.difference(row), " on the ", source.outcome(row["outcome"]),
                            f", in the model with {plan.cluster}s: from ",
                            quote(ends[0], "estimate"), " to ", quote(ends[1], "estimate"),
                            f" with any one {plan.cluster} left out.")  # fmt: skip


_WRITERS: dict[str, tuple[Callable[[Source], Iterator[Text]], ...]] = {
    "medication": (_additivity,),
    "margin": (_margin,),
    "course": (_growth, _durability, _gains),
    "process": (_lagged, _mediation, _dose),
    "therapists": (_therapists,),
    "diagnostics": (_diagnostics,),
}
"""Key of a part of the report: what writes its sentences, in order."""
