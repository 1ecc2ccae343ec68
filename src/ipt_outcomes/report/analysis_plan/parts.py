"""The pieces of a drafted analysis plan: parts that answer items of the guideline, open decisions.

A part names the items of the guideline that it answers. What the configuration does not decide
is a paragraph of its own that begins with :data:`TO_DECIDE`, so that nobody signs it unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipt_outcomes.report.blocks import Block, Paragraph
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import named, words
from ipt_outcomes.tables.table import Line, Table, column

TO_DECIDE = "To decide: "
"""How a decision that is still open begins."""


@dataclass(frozen=True)
class Part:
    """A part of the plan.

    Parameters
    ----------
    title
        Its heading.
    items
        Items of the guideline that it answers.
    blocks
        What it says.
    parts
        Parts of it.
    """

    title: str
    items: tuple[str, ...]
    blocks: tuple[Block, ...]
    parts: tuple[Part, ...] = ()

    @property
    def open(self) -> int:
        """Number of open decisions, its parts' included."""
        return sum(is_open(block) for block in self.blocks) + sum(p.open for p in self.parts)


def part(title: str, items: str, *blocks: Block | None, parts: Iterable[Part] = ()) -> Part:
    """Make a part; blocks that are None are left out.

    Parameters
    ----------
    title
        Its heading.
    items
        The guideline's items, separated by blanks.
    blocks, parts
        Its content.
    """
    return Part(title, tuple(items.split()), tuple(b for b in blocks if b is not None),
                tuple(parts))  # fmt: skip


def say(text: str) -> Paragraph:
    """Make a paragraph."""
    return Paragraph(text)


def point(text: str, strong: str = "") -> Paragraph:
    """Make a point of a list."""
    return Paragraph(text, point=True, strong=strong)


def to_decide(text: str) -> Paragraph:
    """Make an open decision."""
    return Paragraph(text, point=True, strong=TO_DECIDE)


def is_open(block: Block) -> bool:
    """Whether a block is an open decision.

    Examples
    --------
    >>> is_open(to_decide("the allocation ratio.")), is_open(say("Parallel groups."))
    (True, False)
    """
    return isinstance(block, Paragraph) and block.strong == TO_DECIDE


def prose_table(
    name: str, title: str, stub: str, heads: Sequence[str], lines: Iterable[Sequence[str]]
) -> Table:
    """Make a table of words of the configuration.

    Parameters
    ----------
    name, title
        Its name and title.
    stub, heads
        Heads of the column of labels and of the others.
    lines
        Label and cells of each line.
    """
    return Table(
        name,
        words(named(title)),
        words(named(stub)),
        tuple(column(named(head)) for head in heads),
        tuple(
            Line(words(named(label)), tuple(words(named(cell or "–")) for cell in cells))
            for label, *cells in lines
        ),
        prose=True,
    )


def called(study: Study, name: str) -> str:
    """Call an arm, visit, outcome, characteristic or estimand by its label.

    Parameters
    ----------
    study
        The configuration.
    name
        Its short name; anything else comes back in plain words.
    """
    if name in study.outcomes:
        return study.outcomes[name].short_label
    for known in (study.arms, study.visits, study.characteristics, study.estimands):
        if name in known:
            return str(known[name].label)
    return name.replace("_", " ")


def value_in_words(study: Study, value: Any) -> str:
    """Write a setting of the configuration for people.

    Parameters
    ----------
    study
        The configuration, for the labels of names.
    value
        Plain value, list or mapping.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return called(study, value)
    if isinstance(value, Mapping):
        shown = [
            f"{called(study, str(k))}: {value_in_words(study, v)}"
            for k, v in value.items()
            if v not in (None, {}, [], "")
        ]
        return "; ".join(shown) or "none"
    if isinstance(value, Sequence):
        return ", ".join(
            f"({value_in_words(study, one)})" if isinstance(one, Mapping)
            else value_in_words(study, one)
            for one in value
        ) or "none"  # fmt: skip
    return str(value)


def percent(level: float) -> str:
    """Write a level.

    Examples
    --------
    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * level:g} %"
