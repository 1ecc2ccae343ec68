"""Therapists and the primary result: how alike their participants are, and what that changes.

The shareable twin of the caterpillar of therapists (``results/restricted``): therapists are persons
too, so that here stand intraclass correlations and comparisons only.
"""

from __future__ import annotations

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Bar, Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import bar_of, forest_data, interval_words, spoken
from ipt_outcomes.figures.style import arm_colour, arm_marker, letter_panels, new_figure, styled
from ipt_outcomes.tables.quotes import Text, joined, listed, named, quote, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.therapists import VARIANTS, model_name, number_of_clusters

BETWEEN = 0.2


def therapists(source: Source) -> Drawing:
    """Draw the intraclass correlations, and the comparison of arms under each model."""
    study = source.study
    endpoint = study.endpoint
    rows = source.rows.where(analysis=VARIANTS, visit=endpoint)
    similar = list(rows.where(quantity="intraclass correlation"))
    compared = [r for r in rows.where(quantity="difference") if r["reference"] is not None]
    outcome = next((row["outcome"] for row in rows), study.primary_outcome)
    settings = study.outcomes[outcome]
    upper = [Block(head, [_alike(source, row) for row in of])
             for head, of in _by_model(source, similar)]  # fmt: skip
    lower = [Block(head, [bar_of(row, str(source.difference(row)),
                                 strong=row["analysis"] == VARIANTS[0]) for row in of])
             for head, of in _by_model(source, compared)]  # fmt: skip
    worse = settings.higher_is == "worse"
    sides = ("first arm better", "second arm better")
    with styled():
        start = forest_height(upper) + BETWEEN if upper else 0.0
        figure = new_figure(max(start + (forest_height(lower) if lower else 0.0), 0.6))
        if upper:
            draw_forest(figure, 0.0, upper, heads=("", f"ICC {interval_words(similar)}"),
                        x_label=f"Intraclass correlation at {study.visits[endpoint].label}",
                        sides=None)  # fmt: skip
        if lower:
            draw_forest(
                figure, start, lower, heads=("n", f"difference {interval_words(compared)}", "p"),
                x_label=f"Difference in {settings.short_label} at {study.visits[endpoint].label} "
                        f"({settings.unit})",
                sides=sides if worse else (sides[1], sides[0]),
            )  # fmt: skip
        tops = {"A": (0.03, upper), "B": (start, lower)}
        letter_panels(figure, **{letter: top for letter, (top, there) in tops.items() if there})
    return Drawing(
        figure,
        forest_data([*similar, *compared]),
        words("Therapists and the result at ", source.visit(endpoint), ", ",
              source.outcome(outcome), ": ", source.trial_label()),
        words(
            "A: share of the variance at ", source.visit(endpoint), " that lies between "
            "therapists, by arm and model, with its interval. B: the comparison of arms under "
            "each model; filled, the main one; n: participants with a score. ", _numbers(source),
            joined([words(named(head), ": ", quote(of[0], "method"), _noted(of[0]))
                    for head, of in _by_model(source, compared)], ". "), ".",
        ),
        words("Two forest plots. A: intraclass correlations: ",
              spoken(similar, [_name(source, row) for row in similar]),
              " B: differences between arms: ",
              spoken(compared, [_name(source, row) for row in compared])),
    )  # fmt: skip


def _by_model(source: Source, rows: list[Row]) -> list[tuple[str, list[Row]]]:
    found = []
    for analysis in VARIANTS:
        of = [row for row in rows if row["analysis"] == analysis]
        if of:
            found.append((model_name(source, analysis), of))
    return found


def _alike(source: Source, row: Row) -> Bar:
    study = source.study
    arm = row["arm"]
    label = source.arm(arm).text if arm is not None else "All arms with therapists"
    about = {} if arm is None else {"colour": arm_colour(study, arm),
                                    "marker": arm_marker(study, arm)}  # fmt: skip
    return bar_of(row, label, strong=row["analysis"] == VARIANTS[0], p=False,
                  form="three decimals", **about)  # fmt: skip


def _name(source: Source, row: Row) -> Text:
    model = named(model_name(source, row["analysis"]))
    if row["reference"] is not None:
        return words(model, ", ", source.difference(row))
    return words(model, ", ", source.arm(row["arm"])) if row["arm"] is not None else words(model)


def _numbers(source: Source) -> Text:
    whole = source.rows.where(analysis=VARIANTS[0], visit=None)
    of = whole.where(quantity="count")
    said = [words(source.arm(row["arm"]), ": ", number_of_clusters(whole, row), " ",
                  quote(row, "contrast"))
            for row in of if row["arm"] is not None]  # fmt: skip
    return words(listed(said), ". ") if said else words()


def _noted(row: Row) -> Text:
    return words(" (", quote(row, "notes"), ")") if row["notes"] else words()
