"""Effects within levels of each moderator as a forest, with the test of their difference."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Bar, Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import interval_words
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import new_figure, styled
from ipt_outcomes.tables.moderators import START, moderator_analyses, within_levels
from ipt_outcomes.tables.quotes import FORMS, Text, capitalised, estimated, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

COLUMNS = ("analysis", "subgroup", "arm", "reference", "n_arm", "n_reference", "estimate",
           "lower", "upper", "id")  # fmt: skip


def moderators(source: Source) -> Drawing:
    """Draw the effects within levels of each moderator.

    Parameters
    ----------
    source
        Study and rows.
    """
    study = source.study
    outcome = study.primary_outcome
    analyses = moderator_analyses(source)
    rows = source.rows.where(analysis=tuple(analyses))
    shown = within_levels(rows)
    blocks = [Block("All participants", [_bar(source, row, "") for row in _all(source)])]
    for analysis in analyses:
        of = rows.where(analysis=analysis)
        test = of.first(quantity="test")
        p = "" if test is None else f", interaction p {FORMS['p equation'](test)}"
        head = analysis.removeprefix(START)
        bars = [_bar(source, row, _level(row, head)) for row in within_levels(of)]
        blocks.append(Block(capitalised(head) + p, bars))
    better = ("first arm better", "reference better")
    worse = study.outcomes[outcome].higher_is == "worse"
    with styled():
        figure = new_figure(forest_height(blocks))
        draw_forest(
            figure, 0, blocks, heads=("n", f"difference {interval_words(rows)}"),
            x_label=f"Difference in {study.outcomes[outcome].short_label} at the endpoint "
                    f"({study.outcomes[outcome].unit})",
            sides=better if worse else (better[1], better[0]),
        )  # fmt: skip
    every = [*_all(source), *shown]
    return Drawing(
        figure,
        pd.DataFrame([tuple(row[name] for name in COLUMNS) for row in every],
                     columns=list(COLUMNS)),
        words("Moderators of the effect on the ", source.outcome(outcome), ": ",
              source.trial_label()),
        words("Differences from ", source.arm(study.reference_arm), " at the endpoint within "
              "levels of each moderator; ",
              bars_are(Rows(shown)), ". n: participants with a score there, arm / reference. Only "
              "the interaction answers whether the effect differs: that one interval holds zero "
              "and another does not is no evidence of it. p-values are not adjusted for "
              "multiplicity."),
        words("Forest plot of effects within levels of moderators. ",
              joined(_spoken(source, shown)), "."),
    )  # fmt: skip


def _all(source: Source) -> list[Row]:
    study = source.study
    estimand = study.primary_estimand
    return list(source.rows.where(
        analysis="primary", outcome=study.primary_outcome, estimand=estimand,
        analysis_set="as randomised", quantity="difference",
        visit=study.estimands[estimand].endpoint,
    ))  # fmt: skip


def _level(row: Row, moderator: str) -> str:
    """Name a level without repeating the moderator, which stands above."""
    return capitalised(row["subgroup"].removeprefix(moderator).strip(" :,"))


def _bar(source: Source, row: Row, prefix: str) -> Bar:
    arm, reference = (source.study.arms[row[name]].label for name in ("arm", "reference"))
    return Bar(
        f"{prefix}: {arm}" if prefix else f"{arm} minus {reference}",
        f"{FORMS['n'](row)} / {FORMS['n of reference'](row)}",
        row["estimate"],
        row["lower"],
        row["upper"],
        (f"{FORMS['estimate'](row)} {FORMS['interval'](row)}",),
        strong=not prefix,
    )


def _spoken(source: Source, rows: list[Row]) -> list[Text]:
    return [words(quote(row, "subgroup"), ", ", source.difference(row), " ", estimated(row))
            for row in rows]  # fmt: skip
