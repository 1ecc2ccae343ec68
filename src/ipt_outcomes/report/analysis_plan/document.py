"""The drafted plan as a Word file to be edited and signed, and as a page to be read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from markupsafe import Markup

from ipt_outcomes.report.analysis_plan.analysis import analysis
from ipt_outcomes.report.analysis_plan.opening import administrative, introduction, methods
from ipt_outcomes.report.analysis_plan.parts import (
    TO_DECIDE,
    Part,
    is_open,
    part,
    prose_table,
    say,
)
from ipt_outcomes.report.analysis_plan.population import population, principles
from ipt_outcomes.report.blocks import Block, Heading, NumberedTable, Paragraph
from ipt_outcomes.report.section import Numbering
from ipt_outcomes.report.templating import TEMPLATES, templates
from ipt_outcomes.report.word import write_word
from ipt_outcomes.study import Study
from ipt_outcomes.study.locking import Plan
from ipt_outcomes.whole_files import whole_file

ITEMS = Path(__file__).with_name("items.csv")
TITLE = "Statistical analysis plan"
DEEPEST = 3
"""Deepest level of headings."""


@cache
def guideline() -> tuple[Mapping[str, str], ...]:
    """Return the guideline's items: item, section, asks.

    Examples
    --------
    >>> len(guideline()), guideline()[0]["item"]
    (55, '1a')
    """
    with ITEMS.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def plan_sections(
    study: Study, plan: Plan, software: Mapping[str, str]
) -> list[tuple[str, list[Part]]]:
    """Draft the plan.

    Parameters
    ----------
    study
        The configuration.
    plan
        How it stands to its locked plan.
    software
        Name: version of what computes the results.

    Returns
    -------
    list of (str, list of Part)
        Sections of the guideline with their parts.
    """
    sections = [
        ("Administrative information", list(administrative(study, plan))),
        ("Introduction", list(introduction(study))),
        ("Study methods", list(methods(study))),
        ("Statistical principles", list(principles(study))),
        ("Trial population", list(population(study))),
        ("Analysis", list(analysis(study, software))),
    ]
    return [*sections, ("Where each item is answered", [_checklist(sections)])]


def _checklist(sections: Iterable[tuple[str, list[Part]]]) -> Part:
    where: dict[str, list[Part]] = {}

    def note(one: Part) -> None:
        for item in one.items:
            where.setdefault(item, []).append(one)
        for inner in one.parts:
            note(inner)

    for _, parts in sections:
        for one in parts:
            note(one)
    rows = []
    for entry in guideline():
        answers = where.get(entry["item"], [])
        open_ = sum(sum(map(is_open, one.blocks)) for one in answers)
        rows.append((
            entry["item"],
            entry["asks"],
            "; ".join(dict.fromkeys(one.title for one in answers)),
            f"{open_} to decide" if open_ else "drafted",
        ))  # fmt: skip
    return part(
        "Items of the guideline",
        "",
        say("The items are told in own words; Gamble et al. (2017), JAMA 318:2337, is the "
            "authority. A part may answer several items, and its open decisions are counted for "
            "each."),
        NumberedTable(
            "", prose_table("items", "Items of the guideline", "Item",
                            ("Asks for", "Answered under", "Standing"), rows),
        ),
    )  # fmt: skip


def plan_blocks(study: Study, plan: Plan, software: Mapping[str, str]) -> list[Block]:
    """Lay the plan out as blocks; the arguments are those of :func:`plan_sections`."""
    sections = plan_sections(study, plan, software)
    number = Numbering()
    body: list[Block] = []
    for title, parts in sections:
        body.append(Heading(1, title))
        for one in parts:
            body += _laid_out(one, 2, number)
    open_ = sum(is_open(block) for block in body)
    standing = (
        f"Locked on {plan.locked_on}, SHA-256 {plan.sha256}."
        if plan.is_locked
        else "Draft: not locked."
    )
    return [
        Paragraph(standing),
        Paragraph(
            "Written from the study's configuration alone: no data, no results. Numbers in "
            "brackets are the items of the guideline for analysis plans. A value marked as the "
            "program's default was not chosen by the study: confirm it."
        ),
        Paragraph(f"{open_} decisions are open; each begins with “{TO_DECIDE.strip()}”.",
                  strong="Open. ") if open_ else Paragraph("No decision is open."),
        *body,
    ]  # fmt: skip


def _laid_out(one: Part, level: int, number: Numbering) -> Iterator[Block]:
    items = f" [{', '.join(one.items)}]" if one.items else ""
    yield Heading(level, one.title + items)
    for block in one.blocks:
        if isinstance(block, NumberedTable):
            block = replace(block, label=number("Table"))
        yield block
    for inner in one.parts:
        yield from _laid_out(inner, min(level + 1, DEEPEST), number)


def write_analysis_plan(
    *, study: Study, plan: Plan, software: Mapping[str, str], word: str | Path, page: str | Path
) -> None:
    """Write the draft as a Word file and as an HTML page that needs nothing else.

    Parameters
    ----------
    study, plan, software
        As for :func:`plan_sections`.
    word, page
        Where to write; each file appears whole or not at all.
    """
    blocks = plan_blocks(study, plan, software)
    title = f"{TITLE}: {study.study.title}"
    write_word(title, blocks, word)
    text = (
        templates(TEMPLATES)
        .get_template("analysis_plan.html.j2")
        .render(
            title=title,
            blocks=[(type(block).__name__, block) for block in blocks],
            style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
        )
    )
    with whole_file(page) as part:
        part.write_text(text, "utf-8")
