"""Write a simulated trial as REDCap would export it: raw codes, one row per participant and event.

What is kept of the real thing, because a reader must cope with it: participant-level fields stand
in one event's row only and are blank in the others; a checkbox is one 0/1 column per choice, and
0 also where the form was never opened; every form has a ``<form>_complete`` column (0 incomplete,
1 unverified, 2 complete); a missed visit is a row without a date; after somebody has left the
study there are no more visit rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.simulate.course import NEVER
from ipt_outcomes.simulate.delivery import EXIT_REASONS, GENDERS, STOP_REASONS
from ipt_outcomes.simulate.design import TrialDesign
from ipt_outcomes.simulate.trial import NO_THERAPIST, SimulatedTrial

MISSING_CODE = "-9"
END_OF_STUDY = "end_of_study"
AREA_VISIT = 1
"""Position of the visit in whose event the therapist's rating of the problem areas is kept."""

DICTIONARY_COLUMNS = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
"""The 18 columns of REDCap's data dictionary, in its order."""


@dataclass(frozen=True)
class Field:
    """One field of the data dictionary; a checkbox becomes several columns of the export."""

    name: str
    form: str
    kind: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()
    note: str = ""
    validation: str = ""
    least: str = ""
    greatest: str = ""
    branching: str = ""
    required: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the export that hold the field."""
        if self.kind == "checkbox":
            return tuple(f"{self.name}___{code}" for code, _ in self.choices)
        return (self.name,)

    def row(self) -> tuple[str, ...]:
        """Row of the data dictionary."""
        choices = " | ".join(f"{code}, {label}" for code, label in self.choices)
        required = "y" if self.required else ""
        return (self.name, self.form, "", self.kind, self.label, choices, self.note,
                self.validation, self.least, self.greatest, "", self.branching, required,
                "", "", "", "", "")  # fmt: skip


def fields(design: TrialDesign) -> list[Field]:
    """List the fields of a design's data base, form by form.

    Examples
    --------
    >>> [f.name for f in fields(TrialDesign())][:4]
    ['record_id', 'randomisation_date', 'site', 'arm']
    """
    arms = tuple((arm.code, arm.label) for arm in design.arms)
    areas = tuple((area.code, area.label) for area in design.areas)
    therapy = [arm.code for arm in design.arms if arm.psychotherapy]
    with_therapist = " or ".join(f"[baseline_arm_1][arm] = '{code}'" for code in therapy)
    first = "enrolment"
    rating = "problem_area_rating"
    day = "date_ymd"
    enrolment = [
        Field("record_id", first, "text", "Study number", required=True),
        Field("randomisation_date", first, "text", "Date of randomisation", validation=day,
              required=True),
        Field("site", first, "dropdown", "Site", tuple((s.code, s.label) for s in design.sites),
              required=True),
        Field("arm", first, "radio", "Arm randomised to", arms, required=True),
        Field("therapist", first, "text", "Therapist", note="Only in arms with psychotherapy",
              branching=with_therapist.replace("[baseline_arm_1]", "")),
        Field("age", first, "text", "Age at randomisation (years)", validation="integer",
              least=str(design.age[2]), greatest=str(design.age[3]), required=True),
        Field("gender", first, "radio", "Gender", tuple(GENDERS.items()), required=True),
        Field("recurrent_depression", first, "yesno", "Recurrent depression", required=True),
    ]  # fmt: skip
    assessment = [
        Field("assessment_date", "assessment", "text", "Date of assessment", validation=day),
        *(
            Field(scale.column, "assessment", "text", scale.label, validation="integer",
                  greatest=str(scale.range[1]),
                  note=f"{scale.range[0]} to {scale.range[1]}; {MISSING_CODE} = not obtained")
            for scale in design.outcomes
        ),
    ]  # fmt: skip
    areas_form = [
        Field("problem_focus", rating, "radio", "Primary interpersonal problem area", areas,
              note="Rated by the therapist after session 3", branching=with_therapist),
        Field("problem_areas", rating, "checkbox", "All problem areas worked on", areas,
              note="Rated by the therapist after session 3", branching=with_therapist),
    ]  # fmt: skip
    end = [
        Field("received_arm", END_OF_STUDY, "radio", "Treatment received", arms, required=True),
        Field("sessions_attended", END_OF_STUDY, "text", "Psychotherapy sessions attended",
              validation="integer", least="0", greatest=str(design.sessions),
              branching=with_therapist),
        Field("treatment_stop_date", END_OF_STUDY, "text", "Treatment stopped early on",
              note="Blank if treatment was finished", validation=day),
        Field("treatment_stop_reason", END_OF_STUDY, "dropdown", "Reason for stopping treatment",
              tuple(STOP_REASONS.items()), branching="[treatment_stop_date] <> ''"),
        Field("study_exit_date", END_OF_STUDY, "text", "Left the study on",
              note="Blank if the participant stayed to the last visit", validation=day),
        Field("study_exit_reason", END_OF_STUDY, "dropdown", "Reason for leaving the study",
              tuple(EXIT_REASONS.items()), branching="[study_exit_date] <> ''"),
    ]  # fmt: skip
    return [*enrolment, *assessment, *areas_form, *end]


def dictionary(design: TrialDesign) -> pd.DataFrame:
    """Make the data dictionary, as REDCap downloads it (18 columns, all text)."""
    rows = [field.row() for field in fields(design)]
    return pd.DataFrame(rows, columns=list(DICTIONARY_COLUMNS), dtype="str")


def events(design: TrialDesign) -> list[str]:
    """List the events of the export in order of time.

    Examples
    --------
    >>> events(TrialDesign())[-2:]
    ['week_40_arm_1', 'end_of_study_arm_1']
    """
    return [f"{name}_arm_1" for name in (*design.visits, END_OF_STUDY)]


def export(trial: SimulatedTrial) -> pd.DataFrame:
    """Make the longitudinal export of a trial, raw codes.

    Parameters
    ----------
    trial
        The trial.

    Returns
    -------
    pandas.DataFrame
        All text, blanks as ``""``: ``record_id``, ``redcap_event_name``, then the fields in the
        order of the dictionary, each form closed by its ``<form>_complete``.
    """
    design = trial.design
    names = events(design)
    parts = [_visit(trial, k) for k in range(len(design.visits))]
    parts[0] = parts[0].join(_enrolment(trial))
    parts[AREA_VISIT] = parts[AREA_VISIT].join(_areas(trial))
    parts.append(_end(trial))
    kept = [*(_has_row(trial, k) for k in range(len(design.visits))), np.full(len(trial.arm), True)]
    frame = pd.concat(
        [part[rows].assign(redcap_event_name=name, event=order, person=np.flatnonzero(rows))
         for order, (name, part, rows) in enumerate(zip(names, parts, kept, strict=True))]
    ).sort_values(["person", "event"])  # fmt: skip
    frame["record_id"] = trial.numbers()[frame["person"]].astype(str)
    columns = ["record_id", "redcap_event_name"]
    forms = fields(design)[1:]
    for field, following in zip(forms, [*forms[1:], None], strict=True):
        columns += field.columns
        if following is None or following.form != field.form:
            columns.append(f"{field.form}_complete")
    return frame[columns].fillna("").reset_index(drop=True)


def _has_row(trial: SimulatedTrial, k: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    in_study = trial.people.day[:, k] < trial.exit_day
    return in_study | trial.delivery.areas_rated if k == AREA_VISIT else in_study


def _enrolment(trial: SimulatedTrial) -> pd.DataFrame:
    design, d = trial.design, trial.delivery
    people = trial.participants()
    return pd.DataFrame(
        {
            "randomisation_date": np.datetime_as_string(d.randomisation_date, unit="D"),
            "site": people["site"],
            "arm": np.array([arm.code for arm in design.arms])[trial.arm],
            "therapist": np.where(trial.therapist == NO_THERAPIST, "", people["therapist"]),
            "age": d.age.astype(str),
            "gender": d.gender.astype(str),
            "recurrent_depression": d.recurrent.astype(int).astype(str),
            "enrolment_complete": "2",
        }
    )


def _visit(trial: SimulatedTrial, k: int) -> pd.DataFrame:
    seen = trial.assessed[:, k]
    days = trial.people.day[:, k]
    columns = {"assessment_date": _dates(trial, np.where(seen, days, NEVER))}
    scores = trial.observed[:, k]
    for p, scale in enumerate(trial.design.outcomes):
        known = ~np.isnan(scores[:, p])
        text = np.where(known, scores[:, p], 0).astype(int).astype(str).astype(object)
        code = np.where(seen & trial.delivery.coded[:, k, p], MISSING_CODE, "")
        columns[scale.column] = np.where(known, text, code)
    full = ~np.isnan(scores).any(axis=1)
    columns["assessment_complete"] = np.where(full, "2", np.where(seen, "1", "0"))
    return pd.DataFrame(columns)


def _areas(trial: SimulatedTrial) -> pd.DataFrame:
    rated = trial.delivery.areas_rated
    codes = np.array([area.code for area in trial.design.areas])
    columns = {"problem_focus": np.where(rated, codes[trial.people.area], "")}
    for j, code in enumerate(codes):
        flag = rated & trial.people.flags[:, j]
        columns[f"problem_areas___{code}"] = flag.astype(int).astype(str)
    columns["problem_area_rating_complete"] = np.where(rated, "2", "0")
    return pd.DataFrame(columns)


def _end(trial: SimulatedTrial) -> pd.DataFrame:
    d = trial.delivery
    codes = np.array([arm.code for arm in trial.design.arms])
    sessions = d.sessions.astype(str).astype(object)
    return pd.DataFrame(
        {
            "received_arm": codes[trial.course.received],
            "sessions_attended": np.where(d.sessions >= 0, sessions, ""),
            "treatment_stop_date": _dates(trial, trial.course.stop_day),
            "treatment_stop_reason": d.stop_reason,
            "study_exit_date": _dates(trial, trial.exit_day),
            "study_exit_reason": d.exit_reason,
            "end_of_study_complete": "2",
        }
    )


def _dates(
    trial: SimulatedTrial, day: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    known = day != NEVER
    date = trial.delivery.randomisation_date + np.where(known, day, 0)
    return np.where(known, np.datetime_as_string(date, unit="D").astype(object), "")
