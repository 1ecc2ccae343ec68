"""The references of a report: those that its shown words cite, in full.

The table ``references.csv`` holds them: how a work is cited in the text, another wording that
stands for it, and the full reference. A work that nothing shown cites is left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ipt_outcomes.report.section import Section
from ipt_outcomes.tables.quotes import named, words

REGISTRY = Path(__file__).with_name("references.csv")


@cache
def _registry() -> tuple[tuple[re.Pattern[str], str], ...]:
    with REGISTRY.open(encoding="utf-8", newline="") as stream:
        return tuple((_pattern(line["cited"], line["also"]), line["reference"])
                     for line in csv.DictReader(stream))  # fmt: skip


def _pattern(cited: str, also: str) -> re.Pattern[str]:
    """Match a citation in brackets or in a sentence: "Ye et al. 2023", "Ye et al. (2023)"."""
    authors, year = cited.rsplit(" ", 1)
    spelled = rf"{re.escape(authors)},? \(?{year}"
    return re.compile(rf"\b(?:{spelled}|{re.escape(also)})\b" if also else rf"\b{spelled}\b")


def cited_works(text: str) -> list[str]:
    """Return the full references of the works that a text cites, by author.

    Parameters
    ----------
    text
        Any text.

    Examples
    --------
    >>> [work[:10] for work in cited_works("delta method (Ye et al. 2023), as Altman (1998)")]
    ['Altman, D.', 'Ye, T., Ba']
    """
    found = [reference for pattern, reference in _registry() if pattern.search(text)]
    return sorted(found, key=str.casefold)


def references(sections: Iterable[Section]) -> Section:
    """Make the section of references of everything that is shown.

    Parameters
    ----------
    sections
        The sections of the report.
    """
    shown = "\n".join(text for section in sections for text in _texts(section))
    return Section(
        "references",
        words("References"),
        [words("Works that the text, tables and figures of this report cite.")],
        bullets=[words(named(work)) for work in cited_works(shown)],
    )


def _texts(section: Section) -> Iterator[str]:
    yield from map(str, (*section.paragraphs, *section.bullets))
    for figure in section.figures:
        yield str(figure.caption)
    for table in (*section.tables, *section.folded):
        yield str(table.title)
        yield from map(str, table.footnotes)
        for line in table.lines:
            yield from map(str, (line.label, *line.cells))
    for part in section.sections:
        yield from _texts(part)
