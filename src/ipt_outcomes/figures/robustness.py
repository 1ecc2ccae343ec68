"""The primary comparison, and remission, under every assumption about unseen scores: forests."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Bar, Block, draw_forest, forest_height
from ipt_outcomes.figures.style import new_figure, styled
from ipt_outcomes.tables.quotes import FORMS, Text, estimated, joined, named, quote, words
from ipt_outcomes.tables.robustness import (
    NOT_SHOWN,
    WITHHELD,
    Compared,
    assumptions_compared,
    remission_compared,
    why_empty,
)
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source

COLUMNS = ("arm", "reference", "assumption", "n_arm", "n_reference", "estimate", "lower", "upper",
           "p", "variance", "id")  # fmt: skip


def robustness(source: Source) -> Drawing:
    """Draw the differences at the endpoint under every assumption."""
    study = source.study
    outcome = study.primary_outcome
    settings = study.outcomes[outcome]
    compared = assumptions_compared(source)
    worse = settings.higher_is == "worse"
    endpoint = source.visit(study.endpoint)
    first = _first(compared)
    return _forest(
        source,
        compared,
        x_label=f"Difference in {settings.short_label} at {endpoint.text} ({settings.unit})",
        better_left=worse,
        title=words("Robustness of the difference in ", source.outcome(outcome), " at ", endpoint,
                    " to assumptions about unseen scores: ", source.trial_label()),
        caption=words(
            "Differences in ", source.outcome(outcome), " at ", endpoint, " under assumptions "
            "about the scores that were not observed, all participants as randomised. Filled: the "
            "primary analysis. ", _intervals(first), f" n: participants randomised. "
            f"{source.direction(outcome).capitalize()}. p-values are not adjusted for "
            "multiplicity.",
        ),
        alt_text=words("Forest plot of differences in ", source.outcome(outcome), " at ", endpoint,
                       " under each assumption. ", _sentences(source, compared)),
    )  # fmt: skip


def robustness_remission(source: Source) -> Drawing:
    """Draw the differences in remission at the endpoint under every assumption."""
    study = source.study
    compared = remission_compared(source)
    threshold = getattr(study.analyses.robustness, "remission_at_most", None) or 0.0
    endpoint = source.visit(study.endpoint)
    short = source.outcome(study.primary_outcome)
    return _forest(
        source,
        compared,
        x_label=f"Difference in the proportion remitted at {endpoint.text}",
        better_left=False,
        title=words("Remission at ", endpoint, " under assumptions about unseen scores: ",
                    source.trial_label()),
        caption=words(
            "Differences in the proportion with a ", short, " of at most ",
            named(f"{threshold:g}"), " at ", endpoint, ", all participants as randomised, by how "
            "those without a score are counted. Worst and best case: none of the unseen of the "
            "first arm and all of the second counted as remitted, and the reverse. Bars: ",
            _level(_first(compared)),
            " confidence intervals; where scores or statuses are imputed, by Rubin's rules. n: "
            "participants randomised. p-values are not adjusted for multiplicity.",
            _withheld(compared),
        ),
        alt_text=words("Forest plot of differences in the proportion remitted at ", endpoint,
                       " under each assumption. ", _sentences(source, compared)),
    )  # fmt: skip


def _forest(
    source: Source,
    compared: list[tuple[Text, list[Compared]]],
    *,
    x_label: str,
    better_left: bool,
    title: Text,
    caption: Text,
    alt_text: Text,
) -> Drawing:
    rubin = any(line.rubin is not None for _, lines in compared for line in lines)
    blocks = [Block(str(head), [_bar(line, rubin) for line in lines]) for head, lines in compared]
    sides = ("first arm better", "second arm better")
    with styled():
        figure = new_figure(forest_height(blocks))
        if not blocks:
            figure.text(0.5, 0.5, "Nothing could be examined: the table tells why.", ha="center",
                        va="center")  # fmt: skip
            empty = pd.DataFrame(columns=list(COLUMNS))
            return Drawing(figure, empty, title, caption, alt_text)
        draw_forest(
            figure, 0, blocks,
            heads=("n", f"difference [{_level(_first(compared)) or ''} CI]", "p",
                   *(["p (Rubin)"] if rubin else [])),
            x_label=x_label, sides=sides if better_left else (sides[1], sides[0]),
        )  # fmt: skip
    return Drawing(
        figure, pd.DataFrame(_data(compared), columns=list(COLUMNS)), title, caption, alt_text
    )


def _bar(line: Compared, rubin: bool) -> Bar:
    row = line.row
    beside = None
    if line.rubin is not None and line.rubin["lower"] is not None:
        beside = (line.rubin["lower"], line.rubin["upper"])
    extra = [FORMS["p"](line.rubin) if line.rubin is not None else ""] if rubin else []
    if row["estimate"] is None:
        told = (why_empty(row), "", *([""] * len(extra)))
        return Bar(line.label, "", None, None, None, told)
    n = f"{FORMS['n'](row)} / {FORMS['n of reference'](row)}" if row["n_arm"] is not None else ""
    return Bar(
        line.label,
        n,
        row["estimate"],
        row["lower"],
        row["upper"],
        (f"{FORMS['estimate'](row)} {FORMS['interval'](row)}", FORMS["p"](row), *extra),
        strong=line.primary,
        beside=beside,
    )


def _withheld(compared: list[tuple[Text, list[Compared]]]) -> Text:
    hidden = [line.row for _, lines in compared for line in lines if line.row["estimate"] is None]
    if not any(why_empty(row) == NOT_SHOWN for row in hidden):
        return Text()
    return words(f" {WITHHELD}")


def _first(compared: list[tuple[Text, list[Compared]]]) -> Row | None:
    """Return the first row with an interval that is not the primary analysis's."""
    lines = [line for _, of in compared for line in of if not line.primary]
    return next((line.row for line in lines if line.row["level"] is not None), None)


def _level(row: Row | None) -> Text:
    return Text() if row is None else words(quote(row, "level"))


def _intervals(row: Row | None) -> Text:
    if row is None:
        return Text()
    return words(
        "Thick bars: ", quote(row, "level"), " confidence intervals (",
        quote(row, "interval method"), "). Thin bars below them: Rubin's rules, whose variance "
        "keeps the share of information that is lost under missing at random.",
    )  # fmt: skip


def _sentences(source: Source, compared: list[tuple[Text, list[Compared]]]) -> Text:
    found = []
    for head, lines in compared:
        said = [
            words(named(line.label), " ", estimated(line.row))
            for line in lines
            if line.row["estimate"] is not None
        ]
        found.append(words(head, ": ", joined(said) if said else "no difference to show", "."))
    return joined(found, " ")


def _data(compared: list[tuple[Text, list[Compared]]]) -> list[tuple[object, ...]]:
    rows = []
    for _, lines in compared:
        for line in lines:
            for row, variance in ((line.row, "primary" if line.primary else "first"),
                                  (line.rubin, "Rubin")):  # fmt: skip
                if row is not None:
                    rows.append(
                        (row["arm"], row["reference"], line.label,
                         *(row[name] for name in COLUMNS[3:9]), variance, row["id"])
                    )  # fmt: skip
    return rows
