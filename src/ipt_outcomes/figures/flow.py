"""The participant flow as a CONSORT diagram.

Stopping treatment and leaving the study are shown apart: who stopped treatment may have been
assessed to the end.

Source: Hopewell et al. (2025), CONSORT 2025 statement, figure 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.style import (
    INK,
    PAPER,
    QUIET,
    SHADE,
    WIDTH,
    arm_colour,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from ipt_outcomes.tables.quotes import FORMS, Text, joined, listed, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source

SIZE = 7.5
LINE = 10.5
PADDING = 6.0
INDENT = 8.0
TABS = 22.0
GAP = 16.0
"""Between rows of boxes, in points."""


@dataclass(frozen=True)
class Entry:
    """A line of a box, before it is broken to the box's width."""

    text: str
    part: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Box:
    """A box: its lines, already broken, and its place in points from the top left."""

    lines: tuple[tuple[str, float, bool], ...]
    left: float
    width: float

    @property
    def height(self) -> float:
        """Height that its lines need."""
        return 2 * PADDING + LINE * len(self.lines) - (LINE - SIZE)


def participant_flow(source: Source) -> Drawing:
    """Draw the participant flow of a trial."""
    rows = source.rows.where(analysis="flow")
    page = WIDTH * 72
    left, width = TABS + 8, page - TABS - 10
    arms = source.arms
    between = 10.0
    column = (width - between * (len(arms) - 1)) / max(len(arms), 1)
    places = [left + position * (column + between) for position in range(len(arms))]
    stages = [
        (title, [_box(entries(source, rows, arm), x, column)
                 for arm, x in zip(arms, places, strict=True)])
        for title, entries in (("Allocation", _allocation), ("Follow-up", _follow_up),
                               ("Analysis", _analysis))
    ]  # fmt: skip
    head = _heads(rows, left, width)
    with styled():
        height = _total(head, stages)
        figure = new_figure(height / 72)
        canvas = _Canvas(figure, page, height)
        y = canvas.enrolment(head)
        canvas.stages(stages, y, [arm_colour(source.study, arm) for arm in arms])
    return Drawing(
        figure,
        pd.DataFrame(
            [(row["arm"], row["contrast"], row["visit"], row["estimate"], row["id"])
             for row in rows],
            columns=["arm", "stage", "visit", "n", "id"],
        ).astype({"n": "Int64"}),
        words("Participant flow: ", source.trial_label()),
        _caption(source, rows),
        _alt_text(source, rows),
    )  # fmt: skip


# --- what stands in the boxes --------------------------------------------------------------------


def _n(row: Row) -> str:
    return f"(n = {FORMS['count'](row)})"


def _with_reasons(rows: Rows, stage: str, label: str) -> Iterator[Entry]:
    total = rows.first(contrast=stage)
    if total is not None:
        yield Entry(f"{label} {_n(total)}")
    for row in rows:
        if row["contrast"].startswith(f"{stage}: "):
            yield Entry(f"{row['contrast'].removeprefix(f'{stage}: ')} {_n(row)}", part=True)


def _allocation(source: Source, rows: Rows, arm: str) -> Iterator[Entry]:
    described = source.study.arms[arm]
    yield Entry(described.label, strong=True)
    row = rows.first(contrast="randomised", arm=arm)
    if row is not None:
        yield Entry(f"Allocated {_n(row)}")
    if described.has_psychotherapy:
        form = f", {described.format}" if described.format != "none" else ""
        yield Entry(f"Psychotherapy: {described.psychotherapy}{form}", part=True)
    if described.has_medication:
        yield Entry(f"Medication: {described.medication}", part=True)
    if described.also:
        yield Entry(f"Also: {described.also}", part=True)


def _follow_up(source: Source, rows: Rows, arm: str) -> Iterator[Entry]:
    of = rows.where(arm=arm)
    for stage in ("stopped treatment", "left the study"):
        if source.recorded(stage):
            yield from _with_reasons(of, stage, stage.capitalize())
        else:
            yield Entry(f"{stage.capitalize()}: not recorded")
    study = source.study
    endpoint = study.endpoint
    for visit in study.visits_of(source.trial):
        row = of.first(contrast="assessed", visit=visit)
        if row is not None and study.visits[visit].week >= study.visits[endpoint].week:
            yield Entry(f"Assessed at {study.visits[visit].label} {_n(row)}")


def _analysis(source: Source, rows: Rows, arm: str) -> Iterator[Entry]:
    of = rows.where(arm=arm)
    row = of.first(contrast="analysed")
    if row is not None:
        yield Entry(f"Analysed {_n(row)}", strong=True)
    left_out = [row for row in of if row["contrast"].startswith("not analysed: ")]
    if left_out:
        yield Entry("Not analysed")
    for row in left_out:
        yield Entry(f"{row['contrast'].removeprefix('not analysed: ')} {_n(row)}", part=True)
    row = of.first(contrast="per protocol")
    if row is not None:
        yield Entry(f"Per protocol {_n(row)}")


@dataclass(frozen=True)
class _Head:
    assessed: Box | None
    excluded: Box | None
    randomised: Box | None


def _heads(rows: Rows, left: float, width: float) -> _Head:
    before = rows.where(arm=None)
    box_width = min(190.0, 0.42 * width)
    middle = left + width / 2 - box_width / 2

    def single(stage: str, label: str) -> Box | None:
        row = before.first(contrast=stage)
        return None if row is None else _box([Entry(f"{label} {_n(row)}")], middle, box_width)

    reasons = list(_with_reasons(before, "excluded", "Excluded"))
    right = left + width / 2 + 24
    return _Head(
        single("assessed for eligibility", "Assessed for eligibility"),
        _box(reasons, right, left + width - right) if reasons else None,
        single("randomised", "Randomised"),
    )


def _box(entries: Sequence[Entry] | Iterator[Entry], left: float, width: float) -> Box:
    lines: list[tuple[str, float, bool]] = []
    for entry in entries:
        indent = INDENT if entry.part else 0.0
        # The count at the end of a line is never cut off with a long reason.
        text, _, n = entry.text.rpartition(" (n = ")
        room = width - 2 * PADDING - indent - (34 if text else 0)
        broken = wrapped(text or entry.text, room, SIZE, bold=entry.strong)
        if text:
            broken[-1] = f"{broken[-1]} (n = {n}"
        for position, line in enumerate(broken):
            bullet = "• " if entry.part and not position else ""
            shift = indent if entry.part and position else (2.0 if entry.part else 0.0)
            lines.append((bullet + line, shift, entry.strong))
    return Box(tuple(lines), left, width)


# --- drawing -------------------------------------------------------------------------------------


def _total(head: _Head, stages: list[tuple[str, list[Box]]]) -> float:
    before = [box for box in (head.assessed, head.excluded, head.randomised) if box is not None]
    gaps = GAP * (len(before) - 1 + (head.excluded is not None and head.assessed is None))
    rows = sum(_tallest(title, boxes) + GAP for title, boxes in stages)
    return 4.0 + sum(box.height for box in before) + max(gaps, 0.0) + rows


def _tallest(title: str, boxes: list[Box]) -> float:
    # The stage's name stands upright beside its boxes and must fit too.
    return max([text_width(title, SIZE, bold=True) + 8, *(box.height for box in boxes)])


class _Canvas:
    """A page whose unit is the point, counted from the top left."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.axes = figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.set_axis_off()

    def enrolment(self, head: _Head) -> float:
        """Draw what came before allocation; return where it ends."""
        y = start = 2.0
        middle = None
        for box in (head.assessed, head.randomised):
            if box is None:
                continue
            centre = box.left + box.width / 2
            if middle is not None or (box is head.randomised and head.excluded is not None):
                above = y
                y += GAP
                if head.excluded is not None:
                    self.box(head.excluded, y)
                    at = y + head.excluded.height / 2
                    self.arrow(centre, at, head.excluded.left, at)
                    y += head.excluded.height + GAP
                if middle is not None:
                    self.arrow(centre, above, centre, y)
            self.box(box, y, centred=True)
            y += box.height
            middle = centre
        self.tab("Enrolment", start, y)
        return y

    def stages(self, stages: list[tuple[str, list[Box]]], y: float, colours: list[str]) -> None:
        """Draw allocation, follow-up and analysis, a column of boxes per arm."""
        above: list[float] = []
        for title, boxes in stages:
            top = y + GAP
            tallest = _tallest(title, boxes)
            if not above:
                self.branch(boxes, y, top)
            for position, (box, colour) in enumerate(zip(boxes, colours, strict=True)):
                centre = box.left + box.width / 2
                if above:
                    self.arrow(centre, above[position], centre, top)
                self.box(box, top, edge=colour, height=tallest)
            above = [top + tallest] * len(boxes)
            self.tab(title, top, top + tallest)
            y = top + tallest

    def branch(self, boxes: list[Box], y: float, top: float) -> None:
        """Draw the lines from randomisation to the arms."""
        centres = [box.left + box.width / 2 for box in boxes]
        trunk = (boxes[0].left + boxes[-1].left + boxes[-1].width) / 2
        half = y + (top - y) * 0.4
        self.axes.plot([trunk, trunk], [y, half], color=QUIET, linewidth=0.9)
        self.axes.plot([min(centres), max(centres)], [half, half], color=QUIET, linewidth=0.9)
        for centre in centres:
            self.arrow(centre, half, centre, top)

    def box(
        self,
        box: Box,
        top: float,
        *,
        centred: bool = False,
        edge: str = QUIET,
        height: float | None = None,
    ) -> None:
        """Draw a box and its lines."""
        self.axes.add_patch(
            Rectangle((box.left, top), box.width, height or box.height, facecolor=PAPER,
                      edgecolor=edge, linewidth=1.0)
        )  # fmt: skip
        y = top + PADDING
        for text, shift, strong in box.lines:
            x = box.left + (box.width / 2 if centred else PADDING + shift)
            self.axes.text(x, y, text, ha="center" if centred else "left", va="top",
                           fontsize=SIZE, color=INK,
                           fontweight="bold" if strong else "normal")  # fmt: skip
            y += LINE

    def tab(self, title: str, top: float, bottom: float) -> None:
        """Name a stage at the left edge, where there is room for the name."""
        if bottom - top < text_width(title, SIZE, bold=True):
            return
        self.axes.add_patch(
            Rectangle((2, top), TABS - 4, bottom - top, facecolor=SHADE, edgecolor="none")
        )
        self.axes.text(TABS / 2, (top + bottom) / 2, title, rotation=90, ha="center", va="center",
                       fontsize=SIZE, fontweight="bold", color=QUIET)  # fmt: skip

    def arrow(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw an arrow."""
        self.axes.add_patch(
            FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=7, color=QUIET,
                            linewidth=0.9, shrinkA=0, shrinkB=0)
        )  # fmt: skip


# --- words ---------------------------------------------------------------------------------------


def _caption(source: Source, rows: Rows) -> Text:
    analysed = rows.first(contrast="analysed")
    outcome = source.outcome(analysed["outcome"]) if analysed is not None else "the outcome"
    text = words(
        "Participant flow (CONSORT). Assessed and analysed: ", outcome, ", the primary outcome. ",
        source.about_leaving(), " Counts are shown however small.",
    )  # fmt: skip
    if any(row["contrast"] == "per protocol" for row in rows):
        rules = source.study.analysis_sets.per_protocol
        parts: list[Text] = []
        if rules is not None and rules.minimum_sessions is not None:
            parts.append(
                words("at least ", named(rules.minimum_sessions), " sessions where there is "
                      "psychotherapy")
            )  # fmt: skip
        if rules is not None and rules.minimum_weeks_of_treatment is not None:
            weeks = named(f"{rules.minimum_weeks_of_treatment:g}")
            parts.append(words("treatment not stopped before week ", weeks))
        if rules is not None and rules.received_the_randomised_arm:
            parts.append(words("the randomised arm received"))
        if parts:
            text = words(text, " Per protocol: ", listed(parts), ".")
    return text


def _alt_text(source: Source, rows: Rows) -> Text:
    parts = []
    before = rows.where(arm=None)
    for stage, label in (("assessed for eligibility", "assessed for eligibility"),
                         ("excluded", "excluded"), ("randomised", "randomised")):  # fmt: skip
        if row := before.first(contrast=stage):
            parts.append(words(quote(row, "count"), f" {label}"))
    by_arm = []
    for arm in source.arms:
        of = rows.where(arm=arm)
        counts = [
            words(quote(row, "count"), f" {label}")
            for stage, label in (("randomised", "allocated"),
                                 ("stopped treatment", "stopped treatment"),
                                 ("left the study", "left the study"), ("analysed", "analysed"))
            if (row := of.first(contrast=stage)) and source.recorded(stage)
        ]  # fmt: skip
        by_arm.append(words(source.arm(arm), ": ", joined(counts, ", ")))
    return words("Flow diagram: ", listed(parts), ". ", joined(by_arm),
                 ".")  # fmt: skip
