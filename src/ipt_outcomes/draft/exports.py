"""The export that a draft is made for: its files, its layout, and what its columns hold."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ipt_outcomes.ingest.dictionary import HEADERS, Dictionary, plain, read_dictionary
from ipt_outcomes.ingest.files import read_file, stacked
from ipt_outcomes.ingest.findings import Findings, render
from ipt_outcomes.ingest.qualtrics import IMPORT_ID, answers
from ipt_outcomes.ingest.redcap import LABELLED_HEADS
from ipt_outcomes.ingest.source import SAS7BCAT, SAS7BDAT
from ipt_outcomes.ingest.table import RawTable
from ipt_outcomes.ingest.values import DATE_ORDERS, MISSING_WORDS, Bad, DateOrder, date
from ipt_outcomes.study.trials import Export, Format

_NUMBER = {".": re.compile(r"[+-]?\d*\.?\d+"), ",": re.compile(r"[+-]?\d*,?\d+")}
MOST_TEXTS = 60
"""Distinct entries of a column that are looked at one by one."""


class DraftError(ValueError):
    """An export that no draft can be made for, or a file that must not be overwritten."""


@dataclass(frozen=True)
class Column:
    """What a column of the export holds.

    Parameters
    ----------
    name, question
        Its name, and its label where the file or the dictionary has one.
    labels
        Code: meaning, where known.
    texts
        Its distinct entries (the first ones), numbers in order of size.
    distinct, filled
        How many distinct entries, and how many entries.
    lowest, highest
        Range of its numbers; None when it holds other things.
    missing
        Entries among numbers that are words for "missing".
    orders
        The orders in which its entries can be read as dates; none when they are no dates.
    varies
        Whether it changes within participants.
    """

    name: str
    question: str
    labels: Mapping[str, str]
    texts: tuple[str, ...]
    distinct: int
    filled: int
    lowest: float | None
    highest: float | None
    missing: tuple[str, ...]
    orders: tuple[DateOrder, ...]
    varies: bool

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.lowest is not None


@dataclass(frozen=True)
class ExportRead:
    """An export, read for a draft.

    Parameters
    ----------
    files, dictionary_file, catalog
        Its files, its dictionary and its SAS catalog, relative to the configuration.
    table, layout, participant
        Its table, its layout, and the column with the participants.
    columns
        All columns, by name.
    decimal
        The decimal mark of its numbers.
    sheets
        Sheets that were asked for.
    """

    files: list[str]
    table: RawTable
    layout: Format
    participant: str
    columns: Mapping[str, Column]
    decimal: str
    dictionary_file: str | None = None
    sheets: list[str] = field(default_factory=list)
    catalog: str | None = None


PARTICIPANT = re.compile(
    r"(record|participant|subject|patient|study|person|case|client)?_?-?(id|no|nr|num|number)|"
    r"record|participant|subject|patient|usubjid|subjid|pid|ppid|externalreference|code",
    re.IGNORECASE,
)


def read_exports(paths: Sequence[Path], folder: Path, sheets: Sequence[str] = ()) -> ExportRead:
    """Read the files of an export, and tell its layout and its participants.

    Parameters
    ----------
    paths
        Its files; one may be REDCap's data dictionary, or the SAS catalog of value labels.
    folder
        Where the configuration will stand: files are named relative to it.
    sheets
        Sheets of a workbook.

    Raises
    ------
    DraftError
        When a file cannot be read, or no column tells the participants apart.
    """
    names = [os.path.relpath(path, folder) for path in paths]
    findings = Findings("draft", names[0], names[1:])
    dictionary, dictionary_file, files = None, None, []
    of_catalog = [(p, n) for p, n in zip(paths, names, strict=True) if _is_catalog(p)]
    labels, catalog = of_catalog[0] if of_catalog else (None, None)
    tables: list[RawTable] = []
    for path, name in zip(paths, names, strict=True):
        if _is_dictionary(path):
            dictionary = read_dictionary(path, findings, file=name, encoding="utf-8")
            dictionary_file = name
            continue
        if name == catalog:
            continue
        of_file = catalog if _starts_with(path, SAS7BDAT) else None
        export = Export(format="long", file=name, sheet=list(sheets) or None, catalog=of_file)
        read = read_file(path, name, export, "export", (), findings, labels if of_file else None)
        files.append(name)
        tables += read or []
    found = findings.table()
    errors = found[found["severity"] == "error"]
    if len(errors) or not tables:
        said = render(errors) or "no file with data was named."
        raise DraftError(f"No draft can be made.\n{said}")
    table = tables[0] if len(tables) == 1 else stacked(tables)
    qualtrics = table.cells.apply(lambda one: one.str.startswith(IMPORT_ID)).any(axis=None)
    if qualtrics:
        table = answers(table, findings)
    if dictionary is not None:
        table = _with_raw_heads(table, dictionary)
        tables = [table]
    decimal = _decimal(table)
    participant = _participant(tables)
    layout = _layout(table, participant, dictionary, is_qualtrics=bool(qualtrics))
    columns = {
        name: _column(table, name, participant, dictionary, decimal) for name in table.cells.columns
    }
    return ExportRead(
        files, table, layout, participant, columns, decimal, dictionary_file, list(sheets), catalog
    )


def _is_catalog(path: Path) -> bool:
    return _starts_with(path, SAS7BCAT)


def _starts_with(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(mark)) == mark
    except OSError:
        return False  # reading it reports why


def _is_dictionary(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            head = stream.read(2_000)
    except OSError:
        return False  # reading it reports why
    return any(name.encode() in head for name in (HEADERS["name"][0], "field_name,form_name"))


def _with_raw_heads(table: RawTable, dictionary: Dictionary) -> RawTable:
    """Give a labelled REDCap export the fields' names, by which the configuration calls them."""
    heads = {label: names[0] for label, names in dictionary.columns().items() if len(names) == 1}
    heads |= LABELLED_HEADS
    names = {
        name: heads[plain(name)]
        for name in map(str, table.cells)
        if plain(name) in heads and name not in dictionary.fields
    }
    return replace(table, cells=table.cells.rename(columns=names))


def _participant(tables: Sequence[RawTable]) -> str:
    common = [str(name) for name in tables[0].cells if all(name in table.cells for table in tables)]
    cells = pd.concat([table.cells[common] for table in tables], ignore_index=True)
    full = [name for name in common if cells[name].notna().all() and len(cells[name].unique()) > 1]
    named = [name for name in full if PARTICIPANT.fullmatch(name)]
    unique = [name for name in full if not cells[name].duplicated().any()]
    for candidates in (named, unique, full):
        if candidates:
            return candidates[0]
    raise DraftError(
        "No draft can be made: no column has an entry in every row, as the participants' study "
        "numbers must. Name the column record_id or participant, in every file."
    )


def _layout(
    table: RawTable, participant: str, dictionary: Dictionary | None, *, is_qualtrics: bool
) -> Format:
    names = set(table.cells.columns)
    if {"PARAMCD"} <= names and {"AVAL", "AVALC"} & names:
        return "adam"
    if "QSTESTCD" in names:
        return "sdtm"
    if is_qualtrics:
        return "qualtrics"
    redcap = {"redcap_event_name", "redcap_repeat_instance"} & names
    if dictionary is not None or redcap or any(name.endswith("_complete") for name in names):
        return "redcap"
    return "long" if table.cells[participant].duplicated().any() else "wide"


def _decimal(table: RawTable) -> str:
    points = commas = 0
    for name in table.cells:
        texts = table.cells[name].dropna().unique()[:MOST_TEXTS]
        numbers = {mark: [t for t in texts if pattern.fullmatch(t)] for mark, pattern in
                   _NUMBER.items()}  # fmt: skip
        points += sum("." in text for text in numbers["."])
        commas += sum("," in text for text in numbers[","])
    return "," if commas and not points else "."


def _column(
    table: RawTable, name: str, participant: str, dictionary: Dictionary | None, decimal: str
) -> Column:
    cells = table.cells[name].dropna()
    texts = [str(text) for text in cells.unique()]
    known = dictionary.of_column(name) if dictionary is not None else None
    labels = table.labels.get(name, {})
    if known is not None:
        labels = known.choices
    numbers: dict[str, float] = {}
    others = []
    for text in texts:
        if _NUMBER[decimal].fullmatch(text):
            numbers[text] = float(text.replace(",", "."))
        else:
            others.append(text)
    missing = [text for text in others if text.lower() in MISSING_WORDS]
    numeric = bool(numbers) and len(missing) == len(others)
    ordered = [*sorted(numbers, key=numbers.__getitem__), *sorted(others)] if numeric else texts
    sample = texts[:MOST_TEXTS]
    orders = tuple(
        order
        for order in DATE_ORDERS
        if sample and not any(isinstance(date(order, "")(text), Bad) for text in sample)
    )
    people = table.cells.loc[cells.index, participant]
    pairs = pd.DataFrame({"participant": people, "text": cells}).drop_duplicates()
    varies = bool(pairs["participant"].duplicated().any())
    question = known.label if known is not None else table.questions.get(name, "")
    return Column(
        name=name,
        question=re.sub(r"<[^>]*>", "", question),
        labels=labels,
        texts=tuple(ordered[:MOST_TEXTS]),
        distinct=len(texts),
        filled=len(cells),
        lowest=min(numbers.values()) if numeric else None,
        highest=max(numbers.values()) if numeric else None,
        missing=tuple(missing) if numeric else (),
        orders=orders,
        varies=varies,
    )
