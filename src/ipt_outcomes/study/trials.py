"""The section ``trials``: where each trial's export lies and what its columns are called."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ipt_outcomes.study.sections import Codes, Name, Section, Text

ProblemArea = Literal["grief", "role_disputes", "role_transitions", "interpersonal_deficits"]
PROBLEM_AREAS: tuple[ProblemArea, ...] = (
    "grief",
    "role_disputes",
    "role_transitions",
    "interpersonal_deficits",
)
PROBLEM_AREA_LABELS: dict[str, str] = {
    "grief": "Grief",
    "role_disputes": "Role disputes",
    "role_transitions": "Role transitions",
    "interpersonal_deficits": "Interpersonal deficits",
}

NOT_A_VISIT = "none"
"""What ``codes.visit`` says of an event that holds no assessment, such as an end-of-study form."""


def _list_of_text(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    return [str(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for v in values]


MissingCodes = Annotated[list[Text], BeforeValidator(_list_of_text)]


class Export(Section):
    """The file that came out of the trial's data base."""

    file: str
    """Path of the export, relative to ``config.yaml``. It is only ever read."""
    format: Literal["redcap", "csv-long", "csv-wide"]
    """``redcap``: longitudinal export; ``csv-long``: one row per participant and visit;
    ``csv-wide``: one row per participant."""
    dictionary: str | None = None
    """REDCap's data dictionary: gives choices and ranges; needed for exports with labels."""
    encoding: str = "utf-8"
    """Text encoding; older spreadsheet programs write ``cp1252``."""
    delimiter: Literal[",", ";", "\t", "|"] = ","
    """What separates the columns."""
    decimal: Literal[".", ","] = "."
    """The decimal mark."""


class ProblemAreaColumns(Section):
    """Where the export says which interpersonal problem areas a participant worked on."""

    focus: str | None = None
    """Column with the primary focus."""
    flags: dict[ProblemArea, str] = Field(default_factory=dict)
    """Area: column that says yes or no (a REDCap checkbox, ``areas___1``, is one)."""


class Columns(Section):
    """Which column of the export holds what. Leave out what the export does not have."""

    participant: str
    """The participant's study number."""
    arm: str
    """The arm that the participant was randomised to."""
    visit: str | None = None
    """The visit's name (REDCap: ``redcap_event_name``). Not for ``csv-wide``."""
    outcomes: dict[Name, str | dict[Name, str]]
    """Outcome: its column; for ``csv-wide``, outcome: {visit: column}."""
    randomisation_date: str | None = None
    """Day 0 of the study for each participant."""
    visit_date: str | dict[Name, str] | None = None
    """Date of the assessment; with ``randomisation_date`` it decides the visit. For
    ``csv-wide``, {visit: column}."""
    visit_day: str | dict[Name, str] | None = None
    """Days from randomisation to the assessment, where the export has no dates."""
    received_arm: str | None = None
    """The arm that was in fact received, where it can differ."""
    site: str | None = None
    """Site or clinic."""
    therapist: str | None = None
    """Therapist, in the arms that have them."""
    sessions_attended: str | None = None
    """Number of psychotherapy sessions attended."""
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
    problem_areas: ProblemAreaColumns = Field(default_factory=ProblemAreaColumns)
    characteristics: dict[Name, str] = Field(default_factory=dict)
    """Characteristic: its column."""

    @model_validator(mode="after")
    def _one_way_to_tell_time(self) -> Columns:
        pairs = {
            "visit": (self.visit_date, self.visit_day),
            "treatment_stop": (self.treatment_stop_date, self.treatment_stop_day),
            "study_exit": (self.study_exit_date, self.study_exit_day),
        }
        for stem, (date, day) in pairs.items():
            if date and day:
                raise ValueError(f"give {stem}_date or {stem}_day, not both")
            if date and not self.randomisation_date:
                raise ValueError(f"{stem}_date needs randomisation_date to count days from")
        return self


class TrialCodes(Section):
    """What the export's codes mean. Values are compared as text, without outer blanks."""

    arm: Codes
    """Code in the export: name of the arm under ``arms``."""
    visit: Codes = Field(default_factory=dict)
    """Code in the export: name of the visit under ``visits``, or ``none`` for an event without
    an assessment (its participant-level columns are still read). Not for ``csv-wide``."""
    problem_area: Annotated[dict[Text, ProblemArea], BeforeValidator(lambda v: v)] = Field(
        default_factory=dict
    )
    """Code of the primary focus: grief, role_disputes, role_transitions or
    interpersonal_deficits."""
    missing: dict[str, MissingCodes] = Field(default_factory=dict)
    """Column: codes that mean "missing" there. Per column, because 9 and 99 can be scores."""


class Trial(Section):
    """One trial: its export and how to read it."""

    label: str
    """The trial's name in the report."""
    export: Export
    columns: Columns
    codes: TrialCodes
    dates: Literal["year-month-day", "day-month-year", "month-day-year"] = "year-month-day"
    """The order in which the export writes dates."""

    @model_validator(mode="after")
    def _columns_fit_the_format(self) -> Trial:
        wide = self.export.format == "csv-wide"
        for outcome, column in self.columns.outcomes.items():
            if wide != isinstance(column, dict):
                wanted = "{visit: column, ...}" if wide else "one column name"
                raise ValueError(
                    f"columns.outcomes.{outcome}: the format {self.export.format} needs {wanted}"
                )
        visits = {v for c in self.columns.outcomes.values() if isinstance(c, dict) for v in c}
        for key in ("visit_date", "visit_day"):
            column = getattr(self.columns, key)
            if column is not None and wide != isinstance(column, dict):
                wanted = "{visit: column, ...}" if wide else "one column name"
                raise ValueError(f"columns.{key}: the format {self.export.format} needs {wanted}")
            for visit in column if isinstance(column, dict) else ():
                if visit not in visits:
                    raise ValueError(f"columns.{key}.{visit}: no outcome has a column for it")
        if not wide and not self.columns.visit:
            raise ValueError(f"columns.visit is needed for the format {self.export.format}")
        if not wide and not self.codes.visit:
            raise ValueError(f"codes.visit is needed for the format {self.export.format}")
        return self
