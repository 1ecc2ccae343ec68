"""Response and remission over time: the observed share of each arm at every visit."""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.share_panels import SharePanel, draw_share_panels
from ipt_outcomes.tables.quotes import FORMS, Text, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

CRITERIA = ("response", "remission")
COLUMNS = ("outcome", "criterion", "arm", "visit", "week", "n", "estimate", "lower", "upper", "id")


def response_by_visit(source: Source) -> Drawing:
    """Draw the shares with response and with remission over weeks.

    Parameters
    ----------
    source
        Study and rows.
    """
    found = _panels(source)
    figure = draw_share_panels(source, [_panel(source, *about) for about in found])
    weeks = {visit: source.study.visits[visit].week for visit in source.study.visits}
    shown = Rows([row for _, _, rows in found for row in rows])
    data = pd.DataFrame(
        [(row["outcome"], row["analysis"].removesuffix(" by visit"), row["arm"], row["visit"],
          weeks[row["visit"]], row["n_arm"], row["estimate"], row["lower"], row["upper"], row["id"])
         for row in shown],
        columns=list(COLUMNS),
    )  # fmt: skip
    return Drawing(
        figure,
        data,
        words("Response and remission over time: ", source.trial_label()),
        words("Observed shares of each arm over weeks since randomisation, of participants with a "
              "score at baseline and at the visit; nobody is imputed, so that who stayed matters. ",
              bars_are(shown).capitalised(), ". Below, n: participants with a score. What is not "
              "drawn would show a small group. Definitions: ",
              joined([words(quote(row, "notes"), ".") for row in _noted(shown)], " ")),
        words("Line charts of shares by arm. ",
              joined(_spoken(source, found)), "."),
    )  # fmt: skip


def _panels(source: Source) -> list[tuple[str, str, Rows]]:
    found = []
    for outcome in source.study.outcomes_of(source.trial):
        for criterion in CRITERIA:
            rows = source.rows.where(
                analysis=f"{criterion} by visit", outcome=outcome, quantity="probability"
            )
            if any(row["estimate"] is not None for row in rows):
                found.append((outcome, criterion, rows))
    return found


def _panel(source: Source, outcome: str, criterion: str, rows: Rows) -> SharePanel:
    study = source.study
    curves: dict[str, list[tuple[float, Row]]] = {}
    counts: dict[str, dict[float, str]] = {}
    for arm in source.arms:
        of = sorted(
            ((study.visits[row["visit"]].week, row) for row in rows.where(arm=arm)),
            key=lambda point: point[0],
        )
        curves[arm] = [(week, row) for week, row in of if row["estimate"] is not None]
        counts[arm] = {week: FORMS["n"](row) for week, row in of if row["n_arm"] is not None}
    return SharePanel(
        f"{study.outcomes[outcome].short_label}: {criterion}",
        f"With {criterion} (%)",
        {arm: points for arm, points in curves.items() if points},
        counts,
        "n",
    )


def _noted(rows: Rows) -> list[Row]:
    """Return a row for each definition that the notes state."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row["estimate"] is not None:
            first.setdefault((row["outcome"], row["analysis"]), row)
    return list({row["notes"]: row for row in first.values() if row["notes"]}.values())


def _spoken(source: Source, found: list[tuple[str, str, Rows]]) -> list[Text]:
    said = []
    for outcome, criterion, rows in found:
        for arm in source.arms:
            known = [row for row in rows.where(arm=arm) if row["estimate"] is not None]
            if known:
                last = max(known, key=lambda row: source.study.visits[row["visit"]].week)
                said.append(words(source.outcome(outcome), f" {criterion}, ", source.arm(arm),
                                  " at ", source.visit(last["visit"]), ": ",
                                  quote(last, "percent")))  # fmt: skip
    return said
