"""REDCap's data dictionary: choices, labels and ranges of the fields of an export.

Read from the CSV that REDCap offers for download (or its API); other delimiters, as spreadsheets
write them, are recognised by the header.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ipt_outcomes.ingest.findings import Findings, quoted

HEADERS = {
    "name": ("Variable / Field Name", "field_name"),
    "kind": ("Field Type", "field_type"),
    "label": ("Field Label", "field_label"),
    "choices": ("Choices, Calculations, OR Slider Labels", "select_choices_or_calculations"),
    "lowest": ("Text Validation Min", "text_validation_min"),
    "highest": ("Text Validation Max", "text_validation_max"),
}
"""Our name: the column's name in the download, and in the API."""
OPTIONAL_HEADERS = {
    "form": ("Form Name", "form_name"),
    "validation": (
        "Text Validation Type OR Show Slider Number",
        "text_validation_type_or_show_slider_number",
    ),
    "identifier": ("Identifier?", "identifier"),
}
"""The same, for columns that a shortened dictionary may lack."""

FIXED_CHOICES = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}


@dataclass(frozen=True)
class DictionaryField:
    """One field of the data base.

    Parameters
    ----------
    name, label, kind
        Its name, the question asked, and REDCap's type of field.
    choices
        Code: label.
    lowest, highest
        The range that data entry allows, as text; empty when not limited.
    row
        Row of the dictionary.
    form, validation
        The form it belongs to, and what its text is checked to be, such as ``date_dmy``.
    identifier
        Whether it is marked as identifying a person.
    """

    name: str
    label: str
    kind: str
    choices: Mapping[str, str] = field(default_factory=dict)
    lowest: str = ""
    highest: str = ""
    row: int = 0
    form: str = ""
    validation: str = ""
    identifier: bool = False


@dataclass(frozen=True)
class Dictionary:
    """A data dictionary.

    Parameters
    ----------
    file
        Its file, as the configuration names it.
    fields
        Name: field, in the dictionary's order.
    """

    file: str
    fields: Mapping[str, DictionaryField]

    def of_column(self, column: str) -> DictionaryField | None:
        """Return the field of an export's column; ``areas___1`` belongs to ``areas``."""
        return self.fields.get(column) or self.fields.get(column.partition("___")[0])

    def columns(self) -> dict[str, list[str]]:
        """Return the heads of a labelled export: plain label, the columns that it may stand for."""
        heads: dict[str, list[str]] = {}
        for one in self.fields.values():
            if one.kind == "checkbox":
                for code, label in one.choices.items():
                    head = plain(f"{one.label} (choice={label})")
                    heads.setdefault(head, []).append(checkbox_column(one.name, code))
            else:
                heads.setdefault(plain(one.label), []).append(one.name)
        return heads


def checkbox_column(name: str, code: str) -> str:
    """Return the column in which REDCap writes whether a box was ticked.

    Examples
    --------
    >>> checkbox_column("problem_areas", "1"), checkbox_column("reasons", "-9")
    ('problem_areas___1', 'reasons____9')
    """
    return f"{name}___{code.lower().replace('-', '_')}"


def plain(label: str) -> str:
    """Return a label as it can be compared: without mark-up, capitals and repeated blanks.

    Examples
    --------
    >>> plain("<b>Age</b>  at randomisation &amp; sex")
    'age at randomisation & sex'
    """
    without = html.unescape(re.sub(r"<[^<>]*>", " ", label))
    return " ".join(without.split()).casefold()


def parse_choices(text: str, kind: str) -> dict[str, str]:
    """Return the choices of a field.

    Examples
    --------
    >>> parse_choices("1, IPT | 2, IPT, with medication", "radio")
    {'1': 'IPT', '2': 'IPT, with medication'}
    """
    if kind in FIXED_CHOICES:
        return dict(FIXED_CHOICES[kind])
    if kind not in {"radio", "dropdown", "checkbox"}:
        return {}
    pairs = (choice.partition(",") for choice in text.split("|") if choice.strip())
    return {code.strip(): label.strip() or code.strip() for code, _, label in pairs}


def read_dictionary(
    path: Path, findings: Findings, *, file: str, encoding: str
) -> Dictionary | None:
    """Read a data dictionary.

    Parameters
    ----------
    path, file
        The file, and its name in messages.
    findings
        Takes what was found.
    encoding
        The export's encoding, tried when the dictionary is not UTF-8.

    Returns
    -------
    Dictionary or None
        None when it cannot be read; the findings then say why.
    """
    mend = "Download the data dictionary from REDCap again, as CSV."
    try:
        content = path.read_bytes()
    except OSError as error:
        findings.add("error", "file cannot be opened", file=file,
                     found=f"a file that cannot be opened ({error.strerror})",
                     expected="REDCap's data dictionary",
                     mend="Check its name, its folder and its permissions.")  # fmt: skip
        return None
    text = _decoded(content, encoding)
    records = _records(text) if text is not None else None
    if records is None:
        findings.add("error", "no data dictionary", file=file, row=1,
                     found="no columns of a data dictionary",
                     expected=", ".join(quoted(names[0]) for names in HEADERS.values()),
                     mend=mend)  # fmt: skip
        return None
    fields: dict[str, DictionaryField] = {}
    for row, record in records:
        name, kind = record["name"], record["kind"]
        if name and name not in fields:
            choices = parse_choices(record["choices"], kind)
            fields[name] = DictionaryField(
                name, record["label"], kind, choices, record["lowest"], record["highest"], row,
                record["form"], record["validation"],
                record["identifier"].lower() in ("y", "yes", "1"),
            )  # fmt: skip
    return Dictionary(file, fields)


def _decoded(content: bytes, encoding: str) -> str | None:
    for one in ("utf-8", encoding, "cp1252"):
        try:
            return content.decode(one).removeprefix("\ufeff")
        except (UnicodeError, LookupError):
            continue
    return None


def _records(text: str) -> list[tuple[int, dict[str, str]]] | None:
    for delimiter in (",", ";", "\t"):
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error:
            continue
        header = [name.strip() for name in rows[0]] if rows else []
        places = {
            ours: next((header.index(name) for name in names if name in header), None)
            for ours, names in HEADERS.items()
        }
        if any(place is None for place in places.values()):
            continue
        places |= {
            ours: next((header.index(name) for name in names if name in header), None)
            for ours, names in OPTIONAL_HEADERS.items()
        }
        return [
            (row, {ours: _cell(record, place) for ours, place in places.items()})
            for row, record in enumerate(rows[1:], start=2)
        ]
    return None


def _cell(record: list[str], place: int | None) -> str:
    return record[place].strip() if place is not None and place < len(record) else ""
