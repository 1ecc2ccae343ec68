"""What goes before what within a person: lagged slopes forward and back, each on its own scale."""

from __future__ import annotations

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Bar, Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import bar_of, forest_data, interval_words, spoken
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import new_figure, styled
from ipt_outcomes.tables.comparisons import sentence
from ipt_outcomes.tables.lagged_effects import LAGGED, directions
from ipt_outcomes.tables.quotes import Piece, joined, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source


def within_person(source: Source) -> Drawing:
    """Draw the slopes within and between persons, forward and back, of every pair of variables."""
    found = list(directions(source))
    every = Rows([row for _, rows in found for row in rows])
    parts = [Block(head, [_bar(row) for row in rows]) for head, rows in found]
    with styled():
        heights = [forest_height([part]) for part in parts]
        figure = new_figure(max(sum(heights), 0.6))
        top = 0.0
        for part, height, (_, rows) in zip(parts, heights, found, strict=True):
            first = next(iter(rows))
            # Forward and back are in different units: each has an axis of its own.
            draw_forest(figure, top, [part], heads=("n", f"slope {interval_words(rows)}", "p"),
                        x_label=str(first["unit"] or "slope"), sides=None)  # fmt: skip
            top += height
    within = {row["method"]: row for row in every if row["subgroup"] == "within persons"}
    return Drawing(
        figure,
        forest_data(every),
        words("Within-person associations in time: ", source.trial_label()),
        words(
            "Slopes of one variable at a session on another at an earlier one. Filled: within "
            "persons, from deviations of each person's own course. Hollow: between persons, from "
            "their means. ", bars_are(every).capitalised(), "; p-values not adjusted for "
            "multiplicity. n: participants. Each axis has its own unit. ",
            joined([words("Method: ", quote(row, "method"), ". Note: ", sentence(row))
                    for row in within.values()], " "),
        ),
        words("Forest plots, one for each direction. ",
              spoken(list(every), [words(_direction(row), ", ", quote(row, "contrast"))
                                   for row in every])),
    )  # fmt: skip


def _direction(row: Row) -> Piece:
    return named(str(row["analysis"]).removeprefix(LAGGED))


def _bar(row: Row) -> Bar:
    inside = row["subgroup"] == "within persons"
    return bar_of(row, "Within persons" if inside else "Between persons", strong=inside)
