"""Charts to look into, beside the printed figures: hover for numbers, choose what is drawn.

Each chart is a Vega-Lite specification (the grammar that altair writes) with its data inside, so
the page needs no network. Every point carries the id of its row of the estimates table. Labels of
the configuration stand in data and option lists only, never inside an expression.

Source: Satyanarayan et al. (2017), Vega-Lite: a grammar of interactive graphics,
IEEE Trans Vis Comput Graph 23:341.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ipt_outcomes.figures.style import area_colour, arm_colour
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS
from ipt_outcomes.tables.quotes import FORMS, Text, words
from ipt_outcomes.tables.rows import Row
from ipt_outcomes.tables.source import AS_RANDOMISED, COMPLETERS, Source

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_SHIFT = re.compile(r"robustness, delta ([+-][\d.]+(?:e[+-]\d+)?) and ([+-][\d.]+(?:e[+-]\d+)?)")
INK = "#1a1a1a"


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Parameters
    ----------
    key
        Its anchor.
    title
        What it shows.
    help
        What can be done with it.
    spec
        The Vega-Lite specification.
    """

    key: str
    title: Text
    help: str
    spec: dict[str, Any]


def explore_means(source: Source, outcome: str) -> list[Chart]:
    """Chart all adjusted and observed means of an outcome, to be chosen by model and arm.

    Parameters
    ----------
    source
        Study and rows.
    outcome
        Short name of the outcome.
    """
    study = source.study
    points: list[dict[str, Any]] = []
    kinds: list[str] = []
    for estimand, about in study.estimands.items():
        rows = source.rows.where(analysis="primary", outcome=outcome, estimand=estimand,
                                 quantity="mean")  # fmt: skip
        for analysis_set in rows.values("analysis_set"):
            kinds.append(f"Adjusted means: {about.label}; participants {analysis_set}")
            points += _points(source, rows.where(analysis_set=analysis_set), len(kinds) - 1)
    observed = source.rows.where(analysis="observed", outcome=outcome, quantity="observed mean")
    for analysis_set in (AS_RANDOMISED, COMPLETERS):
        if len(rows := observed.where(analysis_set=analysis_set)):
            kinds.append(f"Observed means: participants {analysis_set}")
            points += _points(source, rows, len(kinds) - 1)
    if not points:
        return []
    label = study.outcomes[outcome].short_label
    spec = _courses(
        points, kinds,
        [(arm, study.arms[arm].label, arm_colour(study, arm)) for arm in source.arms],
        y_title=f"{label} ({study.outcomes[outcome].unit}), {source.direction(outcome)}",
        about=f"Means of {label} by arm over weeks",
    )  # fmt: skip
    title = words("Explore the means of ", source.outcome(outcome))
    return [Chart(f"{source.trial}-{outcome}-explore", title, _HELP, spec)]


_HELP = ("Choose a model and the groups to show; point at a mark for its numbers. The same numbers "
         "stand in the tables.")  # fmt: skip


def explore_areas(source: Source) -> list[Chart]:
    """Chart the adjusted means by problem area, each of which can be hidden."""
    study = source.study
    rows = source.rows.where(analysis="problem areas", quantity="mean")
    areas = [area for area in PROBLEM_AREA_LABELS if area in rows.values("arm")]
    points = _points(source, rows, 0)
    if not points:
        return []
    outcome = study.primary_outcome
    label = study.outcomes[outcome].short_label
    spec = _courses(
        points, ["Adjusted means"],
        [(area, PROBLEM_AREA_LABELS[area], area_colour(area)) for area in areas],
        y_title=f"{label} ({study.outcomes[outcome].unit}), {source.direction(outcome)}",
        about=f"Means of {label} by problem area over weeks; areas are not randomised",
    )  # fmt: skip
    title = words("Explore the problem areas, ", source.outcome(outcome))
    return [Chart(f"{source.trial}-problem-areas-explore", title, _HELP, spec)]


def _points(source: Source, rows: Any, kind: int) -> list[dict[str, Any]]:
    visits = source.study.visits
    return [
        {
            "kind": kind,
            "group": row["arm"],
            "name": str(source.group(row["arm"]).text),
            "visit": visits[row["visit"]].label,
            "week": visits[row["visit"]].week,
            "estimate": row["estimate"],
            "lower": row["lower"],
            "upper": row["upper"],
            "shown": _shown(row),
            "n": FORMS["n"](row),
            "said": f"{source.group(row['arm']).text}, {visits[row['visit']].label}: "
            f"{_shown(row)}, n = {FORMS['n'](row)}",
            "id": row["id"],
        }
        for row in rows
        if row["estimate"] is not None and row["arm"] is not None and row["visit"] in visits
    ]


def _shown(row: Row) -> str:
    interval = f" {FORMS['interval'](row)}" if row["lower"] is not None else ""
    return FORMS["estimate"](row) + interval


def _courses(
    points: list[dict[str, Any]],
    kinds: Sequence[str],
    groups: Sequence[tuple[str, str, str]],
    *,
    y_title: str,
    about: str,
) -> dict[str, Any]:
    places = {name: position for position, (name, _, _) in enumerate(groups)}
    weeks = sorted({point["week"] for point in points})
    # Neighbours stand side by side, as in the printed figures.
    step = 0.009 * (weeks[-1] - weeks[0]) if len(weeks) > 1 else 0.1
    middle = (len(groups) - 1) / 2
    values = [
        {**point, "place": place, "at": round(point["week"] + step * (place - middle), 3)}
        for point in points
        if (place := places.get(point["group"])) is not None
    ]
    params: list[dict[str, Any]] = []
    if len(kinds) > 1:
        options = list(range(len(kinds)))
        params.append(
            {
                "name": "kind",
                "value": 0,
                "bind": {
                    "input": "select",
                    "options": options,
                    "labels": list(kinds),
                    "name": "Model ",
                },
            }
        )
    params += [
        {"name": f"show_{place}", "value": True,
         "bind": {"input": "checkbox", "name": f"{label} "}}
        for place, (_, label, _) in enumerate(groups)
    ]  # fmt: skip
    chosen = " || ".join(f"(datum.place == {i} && show_{i})" for i in range(len(groups)))
    colour = {
        "field": "name", "type": "nominal", "title": None,
        "scale": {"domain": [label for _, label, _ in groups],
                  "range": [colour for _, _, colour in groups]},
        "legend": {"orient": "top", "labelLimit": 280, "symbolType": "stroke",
                   "symbolStrokeWidth": 3},
    }  # fmt: skip
    week = {"field": "at", "type": "quantitative", "title": "Weeks since randomisation",
            "axis": {"values": weeks, "format": "~g", "grid": False},
            "scale": {"nice": False, "padding": 8}}  # fmt: skip
    estimate = {"field": "estimate", "type": "quantitative", "title": y_title}
    tooltip = [
        {"field": field, "type": "nominal", "title": title}
        for field, title in (("name", "Group"), ("visit", "Visit"),
                             ("shown", "Mean [interval]"), ("n", "n with a score"))
    ]  # fmt: skip
    base = {"x": week, "color": colour}
    filters: list[dict[str, Any]] = [{"filter": chosen}]
    if len(kinds) > 1:
        filters.insert(0, {"filter": "datum.kind == kind"})
    return {
        "$schema": SCHEMA, "description": about, "width": "container", "height": 300,
        "data": {"values": values}, "params": params, "transform": filters,
        "encoding": base,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2, "aria": False},
             "encoding": {"y": estimate}},
            {"mark": {"type": "rule", "strokeWidth": 1.5, "aria": False},
             "encoding": {"y": {"field": "lower", "type": "quantitative"},
                          "y2": {"field": "upper"}}},
            {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
             "encoding": {"y": estimate, "tooltip": tooltip, "description": {"field": "said"}}},
        ],
        "config": _CONFIG,
    }  # fmt: skip


_CONFIG: dict[str, Any] = {
    "background": "#ffffff",
    "font": "system-ui, Segoe UI, Helvetica Neue, Arial, DejaVu Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12,
             "titleFontWeight": "normal", "gridColor": "#e4e4e4"},
    "legend": {"labelColor": INK, "labelFontSize": 12},
}  # fmt: skip


def explore_shifts(source: Source) -> list[Chart]:
    """Chart the difference at the endpoint under shifts of the unseen scores of either arm."""
    study = source.study
    outcome = study.primary_outcome
    values: list[dict[str, Any]] = []
    pairs: list[str] = []
    for row in source.rows.where(quantity="difference", outcome=outcome):
        shift = _SHIFT.fullmatch(row["analysis"])
        if shift is None or row["estimate"] is None:
            continue
        name = str(source.difference(row))
        if name not in pairs:
            pairs.append(name)
        holds = row["lower"] is not None and row["lower"] <= 0 <= row["upper"]
        values.append({"pair": pairs.index(name), "arm": float(shift[1]),
                       "reference": float(shift[2]), "estimate": round(row["estimate"], 4),
                       "shown": _shown(row), "holds": "yes" if holds else "no",
                       "id": row["id"]})  # fmt: skip
    if not values:
        return []
    unit = study.outcomes[outcome].unit
    label = study.outcomes[outcome].short_label
    worse = study.outcomes[outcome].higher_is == "worse"
    axis = {"labelAngle": 0, "labelOverlap": True, "format": "+~g"}
    steps = len({value["arm"] for value in values})
    params = [] if len(pairs) < 2 else [{"name": "pair", "value": 0, "bind": {
        "input": "select", "options": list(range(len(pairs))), "labels": pairs,
        "name": "Comparison "}}]  # fmt: skip
    extreme = max(abs(value["estimate"]) for value in values)
    tooltip = [
        {"field": "arm", "type": "quantitative", "format": "+~g", "title": "Arm shifted by"},
        {"field": "reference", "type": "quantitative", "format": "+~g",
         "title": "Reference shifted by"},
        {"field": "shown", "type": "nominal", "title": "Difference [interval]"},
        {"field": "holds", "type": "nominal", "title": "Interval holds zero"},
    ]  # fmt: skip
    spec: dict[str, Any] = {
        "$schema": SCHEMA,
        "description": f"Difference in {label} by shifts of the unseen scores of either arm",
        "width": "container", "height": max(280, 17 * steps), "data": {"values": values},
        "params": params, "transform": [{"filter": "datum.pair == pair"}] if params else [],
        "encoding": {
            "x": {"field": "arm", "type": "ordinal", "axis": axis,
                  "title": f"Unseen scores of the arm shifted by ({unit})"},
            "y": {"field": "reference", "type": "ordinal", "axis": axis, "sort": "descending",
                  "title": f"Unseen scores of the reference shifted by ({unit})"},
        },
        "layer": [
            {"mark": {"type": "rect", "stroke": "#ffffff", "strokeWidth": 0.5},
             "encoding": {
                 "color": {"field": "estimate", "type": "quantitative",
                           "title": f"Difference ({unit})",
                           "scale": {"scheme": "blueorange", "domain": [-extreme, extreme],
                                     "domainMid": 0, "reverse": not worse},
                           "legend": {"orient": "top", "gradientLength": 220}},
                 "tooltip": tooltip}},
            {"transform": [{"filter": "datum.holds == 'yes'"}],
             "mark": {"type": "point", "size": 9, "color": INK, "filled": True,
                      "tooltip": None, "aria": False, "opacity": 0.75}},
        ],
        "config": _CONFIG,
    }  # fmt: skip
    return [Chart(
        f"{source.trial}-shifts-explore",
        words("Explore shifts of the unseen scores, ", source.outcome(outcome)),
        "Choose a comparison; point at a cell for its difference. Cells with a dot: the interval "
        "holds zero.",
        spec,
    )]  # fmt: skip
