"""The summary in plain words: what was asked, how many responded, whether it holds, what harm.

Numbers are quoted from the estimates table, words from the configuration; a sentence whose rows
do not exist is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.quotes import Text, joined, listed, named, participants, quote, words
from ipt_outcomes.tables.source import AS_RANDOMISED, Source


def question(source: Source) -> Text:
    """Say who was assigned to what, and what the primary estimand means in plain words."""
    study = source.study
    estimand = study.estimands[study.primary_estimand]
    randomised = source.rows.first(analysis="flow", contrast="randomised", arm=None)
    n = participants(randomised) if randomised else words("Participants")
    were = " was" if str(n).startswith("1 ") else " were"
    by_chance = " at random" if has_randomisation(source) else ""
    return words(
        n, f"{were} assigned{by_chance} to ", listed([source.arm(arm) for arm in source.arms]),
        ". The question: ", named(estimand.label), ", in ", named(_lowered(estimand.population)),
        ", measured by the ", named(study.outcomes[study.primary_outcome].label), " at ",
        source.visit(estimand.endpoint), ".",
    )  # fmt: skip


def has_randomisation(source: Source) -> bool:
    """Whether the study says when participants were randomised, by date or by days since."""
    columns = source.study.trials[source.trial].columns
    return columns.randomisation_date is not None or columns.visit_day is not None


def _lowered(text: str) -> str:
    """Start a text with a small letter, unless it starts with an abbreviation."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def responders(source: Source) -> Text:
    """Say how many of each arm responded, as randomised, under the primary estimand."""
    study = source.study
    rows = source.rows.where(
        analysis="response", outcome=study.primary_outcome, estimand=study.primary_estimand,
        analysis_set=AS_RANDOMISED, quantity="probability",
    )  # fmt: skip
    shares = []
    for arm in source.arms:
        row = rows.first(arm=arm)
        if row is not None and row["estimate"] is not None:
            shares.append(
                words(quote(row, "percent"), " with ", source.arm(arm), " (", quote(row, "level"),
                      " CI ", quote(row, "percent interval"), ")")
            )  # fmt: skip
    if not shares:
        return words()
    return words(
        "Response on the ", source.outcome(study.primary_outcome), ", counting scores that were "
        "not observed by imputation: ", listed(shares), ".",
    )  # fmt: skip


def robustness(source: Source) -> Iterator[Text]:
    """Quote the verdict over all assumptions about unseen scores, one for each comparison."""
    for row in source.rows.where(analysis="robustness, verdict"):
        if row["notes"]:
            yield words(quote(row, "notes"))


def harms(source: Source) -> Text:
    """Say how many deteriorated and how many died, by arm."""
    study = source.study
    safety = source.rows.where(analysis="safety", quantity="count")
    found = []
    for contrast, outcome, what in (
        ("deterioration at any visit", study.primary_outcome, "Reliably worse at any visit"),
        ("death", None, "Deaths"),
    ):
        rows = safety.where(contrast=contrast, outcome=outcome)
        counts = [
            words(source.arm(row["arm"]), " ", quote(row, "count"), " of ", quote(row, "n"))
            for row in rows
            if row["arm"] in source.arms and row["estimate"] is not None
        ]
        if counts:
            found.append(words(what, ": ", joined(counts, ", "), "."))
    return joined(found, " ")
