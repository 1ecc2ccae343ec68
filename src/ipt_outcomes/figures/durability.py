"""What lasts after treatment: changes from the endpoint to each follow-up visit, by arm."""

from __future__ import annotations

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import bar_of, forest_data, interval_words, spoken
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import arm_colour, arm_marker, new_figure, styled
from ipt_outcomes.tables.quotes import Text, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source, about_model

ANALYSIS = "growth, durability"


def durability(source: Source) -> Drawing:
    """Draw the changes after the endpoint as a forest, arms first, then their differences."""
    study = source.study
    outcome = study.primary_outcome
    settings = study.outcomes[outcome]
    endpoint = source.visit(study.endpoint)
    rows = source.rows.where(analysis=ANALYSIS, quantity="difference")
    shown: list[Row] = []
    blocks = []
    for visit in rows.values("visit"):
        at = rows.where(visit=visit)
        own, between = list(at.where(reference=None)), [r for r in at if r["reference"] is not None]
        since = f"{source.visit(visit).text} minus {endpoint.text}"
        blocks.append(Block(f"Change, {since}", [
            bar_of(row, source.arm(row["arm"]).text, strong=True,
                   colour=arm_colour(study, row["arm"]), marker=arm_marker(study, row["arm"]))
            for row in own
        ]))  # fmt: skip
        blocks.append(Block("Difference in that change", [
            bar_of(row, str(source.difference(row))) for row in between
        ]))  # fmt: skip
        shown += own + between
    worse = settings.higher_is == "worse"
    sides = ("better after the endpoint", "worse after the endpoint")
    with styled():
        if blocks:
            figure = new_figure(forest_height(blocks))
            draw_forest(
                figure, 0, blocks, heads=("n", f"change {interval_words(shown)}", "p"),
                x_label=f"Change in {settings.short_label} ({settings.unit})",
                sides=sides if worse else (sides[1], sides[0]),
            )  # fmt: skip
        else:
            figure = new_figure(0.6)
            figure.text(0.5, 0.5, "Nobody was assessed after the endpoint.", ha="center",
                        va="center")  # fmt: skip
    return Drawing(
        figure,
        forest_data(shown),
        words("Durability: changes in ", source.outcome(outcome), " after ", endpoint, ": ",
              source.trial_label()),
        words("Changes of adjusted means from ", endpoint, " to each follow-up visit, all "
              "participants as randomised. Filled: by arm. Hollow: differences between arms in "
              "that change; ", bars_are(rows), ", p-values not adjusted for multiplicity. n: "
              "participants with a score at the follow-up visit. A gain that lasts shows as a "
              "short interval around zero; an interval that merely holds zero does not show it. ",
              source.outcome(outcome), f": {source.direction(outcome)}. ", about_model(rows)),
        words("Forest plot of changes after ", endpoint, ". ",
              spoken(shown, [_name(source, row) for row in shown])),
    )  # fmt: skip


def _name(source: Source, row: Row) -> Text:
    who = words(source.arm(row["arm"])) if row["reference"] is None else source.difference(row)
    return words(who, " at ", source.visit(row["visit"]))
