"""What medication adds to psychotherapy, and psychotherapy to medication, by visit."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Bar, Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import interval_words
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.style import new_figure, styled
from ipt_outcomes.tables.medication import add_on_words
from ipt_outcomes.tables.quotes import FORMS, estimated, joined, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import Source, about_model

COLUMNS = ("arm", "reference", "contrast", "visit", "week", "n_arm", "n_reference", "estimate",
           "lower", "upper", "p", "id")  # fmt: skip


def medication(source: Source) -> Drawing:
    """Draw the add-on contrasts by visit as a forest."""
    study = source.study
    rows = source.rows.where(analysis="medication", quantity="difference")
    outcome = study.primary_outcome
    endpoint = study.endpoint
    pairs = list(dict.fromkeys((row["arm"], row["reference"]) for row in rows))
    blocks = []
    for arm, reference in pairs:
        of = rows.where(arm=arm, reference=reference)
        head = str(add_on_words(source, next(iter(of))))
        blocks.append(Block(head, [_bar(source, row, endpoint) for row in of]))
    worse = study.outcomes[outcome].higher_is == "worse"
    sides = ("better with the addition", "worse with the addition")
    with styled():
        figure = new_figure(forest_height(blocks))
        draw_forest(
            figure, 0, blocks, heads=("n", f"difference {interval_words(rows)}", "p"),
            x_label=f"Difference in {study.outcomes[outcome].short_label} "
                    f"({study.outcomes[outcome].unit})",
            sides=sides if worse else (sides[1], sides[0]),
        )  # fmt: skip
    data = pd.DataFrame(
        [
            (row["arm"], row["reference"], row["contrast"], row["visit"],
             study.visits[row["visit"]].week, *(row[name] for name in COLUMNS[5:]))
            for row in rows
        ],
        columns=list(COLUMNS),
    )  # fmt: skip
    at = rows.where(visit=endpoint)
    return Drawing(
        figure,
        data,
        words("What IPT and medication add to each other, ", source.outcome(outcome), ": ",
              source.trial_label()),
        words(
            "Differences between arms that share all but one component, by visit; ",
            bars_are(rows), ", p-values not adjusted for multiplicity. Filled: the endpoint. n: "
            "participants with a score, with / without what is added. ", source.outcome(outcome),
            f": {source.direction(outcome)}. ", about_model(rows),
        ),
        words(
            "Forest plot of add-on contrasts by visit. At ", source.visit(endpoint), ": ",
            joined([words(source.difference(row), " ", estimated(row)) for row in at]), ".",
        ),
    )  # fmt: skip


def _bar(source: Source, row: Row, endpoint: str) -> Bar:
    return Bar(
        source.study.visits[row["visit"]].label,
        f"{FORMS['n'](row)} / {FORMS['n of reference'](row)}",
        row["estimate"],
        row["lower"],
        row["upper"],
        (f"{FORMS['estimate'](row)} {FORMS['interval'](row)}", FORMS["p"](row)),
        strong=row["visit"] == endpoint,
    )
