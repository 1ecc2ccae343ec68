"""Which item of the reporting checklists the report answers, and what is left to the authors.

An item counts as answered when the part of the report that answers it is really there; the table
``checklists.csv`` says which part that is and what no program can write.

Sources: Hopewell et al. (2025), CONSORT 2025 statement, BMJ 389:e081123; Appelbaum et al. (2018),
Journal article reporting standards for quantitative research, Am Psychol 73:3. The items are told
in own words; the published lists are the authority.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from ipt_outcomes.tables.quotes import NOT_SHOWN, Text, listed, named, words
from ipt_outcomes.tables.table import Line, Table, column

TABLE = Path(__file__).with_name("checklists.csv")


@cache
def _items() -> tuple[Mapping[str, str], ...]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def checklist_tables(parts: Mapping[str, Text]) -> Iterator[Table]:
    """Make one table per checklist.

    Parameters
    ----------
    parts
        Parts of the report that are there: key of a topic (``outcome`` for an outcome): heading.
    """
    for name in dict.fromkeys(item["list"] for item in _items()):
        items = [item for item in _items() if item["list"] == name]
        yield Table(
            "checklist_" + name.split("-")[0].split(" ")[0].lower(),
            words(named(name), ": where each item is answered"),
            words("Item"),
            (column("Asks for"), column("Answered in"), column("Left to the authors")),
            tuple(_line(item, parts) for item in items),
            (
                words("An item counts as answered when that part of this report is there. The "
                      "items are told in own words; the published list is the authority."),
            ),
            prose=True,
        )  # fmt: skip


def _line(item: Mapping[str, str], parts: Mapping[str, Text]) -> Line:
    wanted = [key for key in item["answered_in"].split("|") if key]
    there = [parts[key] for key in wanted if key in parts]
    missing = item["left_to_authors"]
    if wanted and not there:
        missing = "; ".join([*filter(None, [missing]), "no part of this report answers it"])
    return Line(
        words(named(item["item"])),
        (
            words(named(item["asks"])),
            listed(_once(there)) if there else words(NOT_SHOWN),
            words(named(missing)) if missing else words(NOT_SHOWN),
        ),
        group=words(named(item["part"])),
    )


def _once(texts: Iterable[Text]) -> list[Text]:
    return list({str(text): text for text in texts}.values())
