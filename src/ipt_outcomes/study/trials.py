"""The section ``trials``: where each trial's export lies and what its columns are called."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from ipt_outcomes.study.column_names import expand, item_numbers
from ipt_outcomes.study.process_files import ProcessFile
from ipt_outcomes.study.sections import Codes, Name, Section, Text

ProblemArea = Literal["grief", "role_disputes", "role_transitions", "interpersonal_deficits"]
PROBLEM_AREAS: tuple[ProblemArea, ...] = get_args(ProblemArea)
PROBLEM_AREA_LABELS: dict[str, str] = {
    "grief": "Grief",
    "role_disputes": "Role disputes",
    "role_transitions": "Role transitions",
    "interpersonal_deficits": "Interpersonal deficits",
}

FILE_COLUMN, SHEET_COLUMN = "(file)", "(sheet)"
"""Columns that every export of several files or sheets has: where a row stands."""

NOT_A_VISIT = "none"
"""What ``codes.visit`` says of an event that holds no assessment, such as an end-of-study form."""
UNSCHEDULED = "unscheduled"
"""What it says of an event that was not planned: its day decides, and without one it is listed."""
NO_PLANNED_VISIT = {NOT_A_VISIT, UNSCHEDULED}


def _list_of_text(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    return [str(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for v in values]


ItemColumns = str | list[str]
MissingCodes = Annotated[list[Text], BeforeValidator(_list_of_text)]


Format = Literal["redcap", "long", "wide", "qualtrics", "adam", "sdtm"]
MAYBE_WIDE = ("redcap", "qualtrics")
"""Formats in which a row may be a participant or an assessment: the outcomes' columns say which."""
FORMER_NAMES = {"csv-long": "long", "csv-wide": "wide"}


def _present_name(value: object) -> object:
    return FORMER_NAMES.get(value, value) if isinstance(value, str) else value


class Export(Section):
    """The file that came out of the trial's data base."""

    file: str
    """Path of the export, relative to ``config.yaml``. It is only ever read."""
    further_files: list[str] = Field(default_factory=list)
    """Further files of the same trial: participants apart from scores, one per site, one per wave.
    The participants' column has the same name in all. A visit may be told by ``(file)``, the name
    of the file, or ``(sheet)``."""
    format: Annotated[Format, BeforeValidator(_present_name)]
    """``long``: one row per participant and visit; ``wide``: one row per participant;
    ``redcap``: any REDCap export; ``qualtrics``: one row per response; ``adam``, ``sdtm``: CDISC,
    one row per score. The kind of file (text, Excel, SPSS, Stata, SAS, Parquet) is recognised."""
    dictionary: str | None = None
    """REDCap's data dictionary: gives choices and ranges; needed for exports with labels."""
    catalog: str | None = None
    """SAS: the catalog (``.sas7bcat``) with the value labels of a ``.sas7bdat``."""
    sheet: str | list[str] | None = None
    """Excel: the sheet with the data, or several; needed when more than one has any."""
    header_row: int | None = Field(default=None, ge=1)
    """Row with the names of the columns, where other text stands above it."""
    encoding: str | None = None
    """Text encoding, such as ``utf-8`` or ``cp1252``; found out and reported when left out."""
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    """What separates the columns of text; found out and reported when left out."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark; found out and reported when left out."""

    @property
    def decimal_mark(self) -> Literal[".", ","]:
        """The decimal mark; a point where none is stated."""
        return self.decimal or "."

    @property
    def files(self) -> list[str]:
        """All files, the main one first."""
        return [self.file, *self.further_files]

    @property
    def sheets(self) -> list[str]:
        """The sheets named; none when it goes without saying."""
        named = self.sheet or []
        return [named] if isinstance(named, str) else named


class ProblemAreaColumns(Section):
    """Where the export says which interpersonal problem areas a participant worked on."""

    focus: str | None = None
    """Column with the primary focus."""
    flags: dict[ProblemArea, str] = Field(default_factory=dict)
    """Area: column that says yes or no (a REDCap checkbox, ``areas___1``, is one)."""


class EventColumn(Section):
    """Where the export says when an event happened; empty for those without it."""

    date: str | None = None
    """Column with its date."""
    day: str | None = None
    """The same in days since randomisation."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> EventColumn:
        if (self.date is None) == (self.day is None):
            raise ValueError("give the column of its date or of its day, one of the two")
        return self


class Columns(Section):
    """Which column of the export holds what. Leave out what the export does not have."""

    participant: str
    """The participant's study number."""
    arm: str
    """The arm that the participant was randomised to."""
    visit: str | None = None
    """The visit's name (REDCap: ``redcap_event_name``). Not for ``wide``."""
    outcomes: dict[Name, str | dict[Name, str]] = Field(default_factory=dict)
    """Outcome: the column with its total; for ``wide``, outcome: {visit: column}."""
    items: dict[Name, ItemColumns | dict[Name, ItemColumns]] = Field(default_factory=dict)
    """Outcome: the columns of its single items, as a short form (``hamd_{1..17}``) or as a list
    in the order of the items; for ``wide``, outcome: {visit: columns}."""
    session: str | dict[Name, str] | None = None
    """Number of the treatment session at which the assessment was made: a second time axis."""
    randomisation_date: str | None = None
    """Day 0 of the study for each participant."""
    visit_date: str | dict[Name, str] | None = None
    """Date of the assessment; with ``randomisation_date`` it decides the visit. For
    ``wide``, {visit: column}."""
    visit_day: str | dict[Name, str] | None = None
    """Days from randomisation to the assessment, where the export has no dates."""
    received_arm: str | None = None
    """The arm that was in fact received, where it can differ."""
    site: str | None = None
    """Site or clinic."""
    therapist: str | None = None
    """Therapist, in the arms that have them."""
    group: str | None = None
    """Therapy group (group IPT), or the cluster that was randomised as a whole."""
    sessions_attended: str | None = None
    """Number of psychotherapy sessions attended."""
    treatment_start_date: str | None = None
    """Date of the first session or dose, where it is not the day of randomisation."""
    treatment_start_day: str | None = None
    """The same in days since randomisation."""
    treatment_stop_date: str | None = None
    """Date on which treatment was stopped early; empty for those who finished."""
    treatment_stop_day: str | None = None
    """The same in days since randomisation."""
    treatment_stop_reason: str | None = None
    """A short coded reason, never free text."""
    study_exit_date: str | None = None
    """Date on which the participant left the study; empty for those who stayed."""
    study_exit_day: str | None = None
    """The same in days since randomisation."""
    study_exit_reason: str | None = None
    """A short coded reason, never free text."""
    events: dict[Name, EventColumn] = Field(default_factory=dict)
    """Further events that may change the meaning of later scores, such as starting an
    antidepressant, admission to hospital or a change of therapist: the day of the first one."""
    problem_areas: ProblemAreaColumns = Field(default_factory=ProblemAreaColumns)
    characteristics: dict[Name, str] = Field(default_factory=dict)
    """Characteristic: its column."""

    @model_validator(mode="after")
    def _one_way_to_tell_time(self) -> Columns:
        pairs = {
            "visit": (self.visit_date, self.visit_day),
            "treatment_start": (self.treatment_start_date, self.treatment_start_day),
            "treatment_stop": (self.treatment_stop_date, self.treatment_stop_day),
            "study_exit": (self.study_exit_date, self.study_exit_day),
        }
        for stem, (date, day) in pairs.items():
            if date and day:
                raise ValueError(f"give {stem}_date or {stem}_day, not both")
            if date and not self.randomisation_date:
                raise ValueError(f"{stem}_date needs randomisation_date to count days from")
        for event, column in self.events.items():
            if column.date and not self.randomisation_date:
                raise ValueError(f"events.{event}.date needs randomisation_date to count days from")
        return self

    @model_validator(mode="after")
    def _scores_are_named(self) -> Columns:
        if not self.outcomes and not self.items:
            raise ValueError("name the columns of at least one outcome, under outcomes or items")
        for outcome, columns in self.items.items():
            for one in columns.values() if isinstance(columns, dict) else [columns]:
                if not item_numbers(one):
                    raise ValueError(f"items.{outcome}: an empty list")
        return self

    @property
    def scored(self) -> dict[str, list[object]]:
        """Outcome: what names its columns, as a total, as items, or both."""
        names = [*self.outcomes, *(name for name in self.items if name not in self.outcomes)]
        return {
            name: [of[name] for of in (self.outcomes, self.items) if name in of] for name in names
        }


class TrialCodes(Section):
    """What the export's codes mean. Values are compared as text, without outer blanks."""

    arm: Codes
    """Code in the export: name of the arm under ``arms``."""
    visit: Codes = Field(default_factory=dict)
    """Code in the export: name of the visit under ``visits``, or ``none`` for an event without
    an assessment (its participant-level columns are still read), or ``unscheduled``.
    Not for ``wide``."""
    problem_area: Annotated[dict[Text, ProblemArea], BeforeValidator(lambda v: v)] = Field(
        default_factory=dict
    )
    """Code of the primary focus: grief, role_disputes, role_transitions or
    interpersonal_deficits."""
    missing: dict[str, MissingCodes] = Field(default_factory=dict)
    """Column (or columns, as in ``hamd_{1..17}``): codes that mean "missing" there. Per column,
    because 9 and 99 can be scores."""

    missing_everywhere: MissingCodes = Field(default_factory=list)
    """Codes that mean "missing" in every column, such as REDCap's missing data codes. Only codes
    that can be no value of any column."""
    already_reversed: dict[Name, bool] = Field(default_factory=dict)
    """Outcome: whether its items stand in the export with reverse-keyed ones already turned round.
    Left out: as they were ticked, unless the instrument wants it to be said."""

    @model_validator(mode="after")
    def _short_forms_can_be_read(self) -> TrialCodes:
        for column in self.missing:
            expand(column)
        return self

    @property
    def missing_in(self) -> dict[str, list[str]]:
        """Column: codes that mean "missing" there, short forms written out."""
        codes: dict[str, list[str]] = {}
        for key, values in self.missing.items():
            for column in expand(key).values():
                codes.setdefault(column, []).extend(values)
        return codes


class Trial(Section):
    """One trial: its export and how to read it."""

    label: str
    """The trial's name in the report."""
    export: Export
    columns: Columns
    codes: TrialCodes
    process: dict[Name, ProcessFile] = Field(default_factory=dict)
    """Further files, with rows for sessions, diary entries, ratings or events."""
    corrections: str | None = None
    """A reviewed list of corrections of this export (CSV), applied when it is read and listed; the
    export itself is never changed."""
    dates: Literal["year-month-day", "day-month-year", "month-day-year"] = "year-month-day"
    """The order in which the export writes dates."""

    @model_validator(mode="after")
    def _columns_fit_the_format(self) -> Trial:
        columns, format_ = self.columns, self.export.format
        named: dict[str, object] = {
            f"outcomes.{name}": column for name, column in columns.outcomes.items()
        }
        named |= {f"items.{name}": column for name, column in columns.items.items()}
        by_visit = self.visits_by_column
        wide = format_ == "wide" or (format_ in MAYBE_WIDE and bool(by_visit))
        for key in ("visit_date", "visit_day", "session"):
            if (column := getattr(columns, key)) is not None:
                named[key] = column
                for visit in column if isinstance(column, dict) and wide else ():
                    if visit not in by_visit:
                        raise ValueError(f"columns.{key}.{visit}: no outcome has a column for it")
        for key, column in named.items():
            if wide != isinstance(column, dict):
                wanted = "{visit: column, ...}" if wide else "one column name"
                if key.startswith("items"):
                    wanted = wanted.replace("column name", "range or list").replace(
                        "column", "columns"
                    )
                raise ValueError(f"columns.{key}: the format {format_} needs {wanted}")
        for name, file in self.process.items():
            if file.date and not columns.randomisation_date:
                raise ValueError(
                    f"process.{name}.date needs columns.randomisation_date to count days from"
                )
        if wide:
            return self
        if not columns.visit and not columns.visit_date and not columns.visit_day:
            raise ValueError(
                f"columns.visit is needed for the format {format_}, "
                "or visit_date or visit_day, which decide by the windows of the visits"
            )
        if columns.visit and not self.codes.visit:
            raise ValueError(f"codes.visit is needed for the format {format_}")
        return self

    @property
    def visits_by_column(self) -> set[str]:
        """Visits that columns are named for, where each visit has columns of its own."""
        return {
            v for of in self.columns.scored.values() for c in of if isinstance(c, dict) for v in c
        }
