"""The part of ``trials`` that names further files: sessions, diaries, ratings, events.

One form serves them all: a delimited text file with the participant's study number, whatever says
when (a session's number, a day, a date, a visit), and columns with the variables. Each row is one
session, one entry of a diary, one rated tape, one adverse event.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ipt_outcomes.study.sections import Codes, Name, Section


class ProcessVariable(Section):
    """One column of a process file."""

    column: str
    """Its name in the file."""
    kind: Literal["number", "yes-no", "category"] = "number"
    """A number, a question answered by yes or no, or a coded category; never free text."""
    range: tuple[float, float] | None = None
    """Lowest and highest possible number."""
    labels: Codes = Field(default_factory=dict)
    """Code of a category: what it means. Without labels the codes are taken as they are."""
    missing: list[str] = Field(default_factory=list)
    """Codes that mean "missing" in this column."""
    label: str = ""
    """The variable's name in tables; its short name when left out."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> ProcessVariable:
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError("the range must be [lowest, highest]")
        if self.range is not None and self.kind != "number":
            raise ValueError("a range belongs to a number")
        if self.labels and self.kind != "category":
            raise ValueError("labels belong to a category")
        return self


class ProcessFile(Section):
    """A file with one row per session, diary entry, rating or event."""

    file: str
    """Path of the file, relative to ``config.yaml``. It is only ever read."""
    participant: str
    """Column with the participant's study number, as in the export."""
    session: str | None = None
    """Column with the number of the session (1, 2, ...)."""
    day: str | None = None
    """Column with the days since randomisation."""
    date: str | None = None
    """Column with the date; needs ``randomisation_date`` in the export. It becomes a day."""
    visit: str | None = None
    """Column with the planned visit, coded as in the export."""
    variables: dict[Name, ProcessVariable] = Field(min_length=1)
    """Variable: its column."""
    encoding: str = "utf-8"
    """Text encoding; older spreadsheet programs write ``cp1252``."""
    delimiter: Literal[",", ";", "\t", "|"] = ","
    """What separates the columns."""
    decimal: Literal[".", ","] = "."
    """The decimal mark."""

    @model_validator(mode="after")
    def _one_day(self) -> ProcessFile:
        if self.day and self.date:
            raise ValueError("give day or date, not both")
        return self
