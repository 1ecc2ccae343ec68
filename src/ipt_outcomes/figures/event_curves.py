"""Kaplan-Meier curves of the times to response, remission, stopping treatment and leaving."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.means import bars_are
from ipt_outcomes.figures.share_panels import SharePanel, draw_share_panels
from ipt_outcomes.tables.quotes import FORMS, Text, capitalised, joined, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.time_to_event import event_analyses

COLUMNS = ("event", "outcome", "arm", "week", "at_risk", "estimate", "lower", "upper", "id")
_WEEK = re.compile(r"by week (\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class Event:
    """One panel: an event, its outcome, and its rows."""

    title: str
    rows: Rows


def time_to_events(source: Source) -> Drawing:
    """Draw the share of each arm without each event over the weeks, with the numbers at risk.

    Parameters
    ----------
    source
        Study and rows.
    """
    events = _events(source)
    figure = draw_share_panels(source, [_panel(source, event) for event in events])
    data = pd.DataFrame([line for event in events for line in _data(event)], columns=list(COLUMNS))
    curves = Rows([row for event in events for row in event.rows.where(quantity="survival")])
    return Drawing(
        figure,
        data,
        words("Times to events by arm: ", source.trial_label()),
        words("Participants without the event over weeks since randomisation (Kaplan–Meier); ",
              _bands(curves), ". An event that is known at visits only is drawn at the visit at "
              "which it was first seen. ", _broken(curves), "Below: participants at risk. "
              "Restricted means and hazard ratios stand in the table."),
        words("Kaplan–Meier curves by arm. ",
              joined(_spoken(source, events)), "."),
    )  # fmt: skip


def _bands(rows: Rows) -> Text:
    return words(str(bars_are(rows)).partition(":")[0].replace("bars", "bands"), ": ",
                 *[piece for piece in bars_are(rows).pieces if piece.estimate][:1],
                 " confidence intervals")  # fmt: skip


def _broken(rows: Rows) -> Text:
    if all(row["estimate"] is not None for row in rows):
        return Text()
    return words("A curve is broken where its height would tell of few participants: it is not "
                 "shown, and a dot marks where it goes on, in whole per cent. ")  # fmt: skip


def _events(source: Source) -> list[Event]:
    found = []
    for analysis in event_analyses(source):
        of_event = source.rows.where(analysis=analysis)
        for outcome in dict.fromkeys(row["outcome"] for row in of_event):
            rows = of_event.where(outcome=outcome)
            title = capitalised(analysis.removeprefix("time to "))
            if outcome in source.study.outcomes:
                title += f", {source.study.outcomes[outcome].short_label}"
            if len(rows.where(quantity="survival")):
                found.append(Event(title, rows))
    return found


def _week(row: Row) -> float | None:
    found = _WEEK.search(row["contrast"] or "")
    return float(found[1]) if found else None


def _curve(event: Event, arm: str) -> list[tuple[float, Row]]:
    rows = event.rows.where(quantity="survival", arm=arm)
    points = [(week, row) for row in rows if (week := _week(row)) is not None]
    return sorted(points, key=lambda point: point[0])


def _at_risk(event: Event, arm: str) -> dict[float, Row]:
    risk: dict[float, Row] = {}
    for row in event.rows.where(quantity="count", arm=arm):
        found = re.search(r"at risk at week (\d+(?:\.\d+)?)$", row["contrast"] or "")
        if found:
            risk[float(found[1])] = row
    return risk


def _data(event: Event) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = []
    for arm in event.rows.where(quantity="survival").values("arm"):
        risk = _at_risk(event, arm)
        for week, row in _curve(event, arm):
            at = risk.get(week)
            lines.append((row["analysis"], row["outcome"], arm, week,
                          None if at is None else at["estimate"], row["estimate"], row["lower"],
                          row["upper"], row["id"]))  # fmt: skip
    return lines


def _spoken(source: Source, events: Sequence[Event]) -> list[Text]:
    found = []
    for event in events:
        for arm in source.arms:
            shown = [row for _, row in _curve(event, arm) if row["estimate"] is not None]
            if shown:
                last = shown[-1]
                found.append(words(source.arm(arm), ", ", quote(last, "contrast"), ": ",
                                   quote(last, "percent")))  # fmt: skip
    return found


def _panel(source: Source, event: Event) -> SharePanel:
    return SharePanel(
        event.title,
        "Without the event (%)",
        {arm: curve for arm in source.arms if (curve := _curve(event, arm))},
        {arm: {week: FORMS["count"](row) for week, row in _at_risk(event, arm).items()}
         for arm in source.arms},
        "at risk",
        step=True,
    )  # fmt: skip
