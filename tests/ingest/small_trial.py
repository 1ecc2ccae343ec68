"""One small trial, written as each of the formats that exports come in."""

from __future__ import annotations

import copy
import csv
import datetime
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipt_outcomes.ingest import Ingested, ingest_trial
from ipt_outcomes.study import Study

AREAS = ("grief", "role_disputes", "role_transitions", "interpersonal_deficits")
ARM_CODES = {"1": "IPT", "2": "IPT+MED", "3": "MED"}
ARM_LABELS = {"1": "IPT", "2": "IPT, with tablets", "3": "Tablets"}
AREA_LABELS = {"1": "Grief", "2": "Disputes", "3": "Transitions", "4": "Deficits"}
SITE_LABELS = {"A": "Genève", "B": "Zürich"}
REASON_LABELS = {"moved": "Moved away", "better": "Felt better"}
GENDER_LABELS = {"1": "Women", "2": "Men"}
EVENTS = {
    "baseline": ("baseline_arm_1", "Baseline"),
    "week_4": ("week_4_arm_1", "Week 4"),
    "week_8": ("week_8_arm_1", "Week 8"),
    "none": ("end_of_study_arm_1", "End of study"),
}
VISITS = ("baseline", "week_4", "week_8")


@dataclass(frozen=True)
class Person:
    """A participant of the small trial; texts as in an export with codes."""

    name: str
    arm: str
    randomised: str
    site: str = "A"
    therapist: str = ""
    age: str = "40"
    gender: str = "1"
    days: tuple[int | None, ...] = (-3, 28, 57)
    hamd: tuple[str, ...] = ("20", "15", "10")
    bdi: tuple[str, ...] = ("30", "22.5", "17")
    focus: str = ""
    areas: tuple[str, ...] = ("0", "0", "0", "0")
    received: str = ""
    sessions: str = ""
    stop: str = ""
    stop_reason: str = ""
    left: str = ""
    left_reason: str = ""

    def date(self, visit: int) -> str:
        day = self.days[visit]
        if day is None:
            return ""
        start = datetime.date.fromisoformat(self.randomised)
        return (start + datetime.timedelta(days=day)).isoformat()


PEOPLE = (
    Person("9", "1", "2024-02-27", therapist="T1", focus="2", areas=("0", "1", "0", "1"),
           received="1", sessions="14"),
    Person("10", "2", "2024-03-01", site="B", gender="2", age="31.5", hamd=("25", "-9", ""),
           bdi=("40", "41", ""), days=(0, 20, None), therapist="T2", received="1", sessions="3",
           stop="2024-03-15", stop_reason="better", left="2024-04-01", left_reason="moved"),
    Person("11", "3", "2023-12-31", age="", bdi=("0", "", "63"), received="3"),
    Person("12", "3", "2024-01-15", site="B", gender="", hamd=("19", "0", "52")),
    Person("A-2", "1", "2024-04-02", therapist="T1", focus="1", areas=("1", "0", "0", "0"),
           days=(-28, 41, 42), received="1", sessions="16"),
    Person("a10", "2", "2024-05-20", site="B", hamd=("22", "21", "20")),
)  # fmt: skip

Rows = list[list[str]]

CONFIG: dict[str, Any] = {
    "config_version": 1,
    "study": {"title": "A small trial", "seed": 1},
    "trials": {},
    "arms": {
        "IPT": {"label": "IPT", "psychotherapy": "IPT", "medication": "none"},
        "IPT+MED": {"label": "Both", "psychotherapy": "IPT", "medication": "tablets"},
        "MED": {"label": "Tablets", "psychotherapy": "none", "medication": "tablets"},
    },
    "reference_arm": "MED",
    "visits": {
        "baseline": {"label": "Start", "week": 0, "window_days": [-28, 0], "phase": "baseline"},
        "week_4": {"label": "Week 4", "week": 4, "window_days": [14, 41], "phase": "treatment"},
        "week_8": {"label": "Week 8", "week": 8, "window_days": [42, 80], "phase": "treatment"},
    },
    "outcomes": {
        "hamd": {"label": "Hamilton", "short_label": "HAM-D", "role": "primary", "range": [0, 52]},
        "bdi": {"label": "Beck", "short_label": "BDI", "role": "secondary", "range": [0, 63]},
    },
    "characteristics": {
        "age": {"label": "Age", "kind": "number", "unit": "years"},
        "gender": {"label": "Gender", "kind": "category", "labels": GENDER_LABELS},
    },
    "estimands": {
        "policy": {
            "label": "Effect of assignment",
            "population": "Adults",
            "endpoint": "week_8",
            "intercurrent_events": {"stopping_treatment": "treatment-policy"},
        }
    },
    "analyses": {"primary": {}},
}

COLUMNS: dict[str, Any] = {
    "participant": "record_id",
    "arm": "arm",
    "visit": "redcap_event_name",
    "randomisation_date": "randomised_on",
    "visit_date": "assessed_on",
    "received_arm": "received_arm",
    "site": "site",
    "therapist": "therapist",
    "sessions_attended": "sessions",
    "treatment_stop_date": "stopped_on",
    "treatment_stop_reason": "stop_reason",
    "study_exit_date": "left_on",
    "study_exit_reason": "left_reason",
    "outcomes": {"hamd": "hamd_total", "bdi": "bdi_total"},
    "problem_areas": {
        "focus": "focus",
        "flags": {area: f"areas___{n}" for n, area in enumerate(AREAS, start=1)},
    },
    "characteristics": {"age": "age", "gender": "gender"},
}


@dataclass
class Export:
    """An export that a test may spoil, with the configuration that reads it."""

    rows: Rows
    format: str
    config: dict[str, Any]
    dictionary: Rows | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    line_end: str = "\r\n"
    file: str = "data/raw/export.csv"
    raw: bytes | None = None
    written: list[Path] = field(default_factory=list)

    @property
    def header(self) -> list[str]:
        return self.rows[0]

    def cell(self, row: int, column: str, value: str) -> None:
        """Change a cell; rows as a spreadsheet counts."""
        self.rows[row - 1][self.header.index(column)] = value

    def get(self, row: int, column: str) -> str:
        return self.rows[row - 1][self.header.index(column)]

    def row_of(self, participant: str, event: str | None = None) -> int:
        """Return the row of a participant (at an event), as a spreadsheet counts."""
        for number, row in enumerate(self.rows, start=1):
            if row[0] == participant and (event is None or row[1] == event):
                return number
        raise LookupError(participant, event)

    @property
    def trial(self) -> dict[str, Any]:
        return self.config["trials"]["small"]

    def study(self) -> Study:
        return Study.model_validate(self.config)

    def text(self, rows: Rows | None = None) -> str:
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=self.delimiter, lineterminator=self.line_end)
        writer.writerows(self.rows if rows is None else rows)
        return stream.getvalue()

    def write(self, folder: Path) -> Path:
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.raw if self.raw is not None else self.text().encode(self.encoding))
        if self.dictionary is not None:
            stream = io.StringIO()
            csv.writer(stream).writerows(self.dictionary)
            (folder / "data/raw/dictionary.csv").write_text(stream.getvalue(), "utf-8")
        return path

    def ingest(self, folder: Path, *, checks: bool = False) -> Ingested:
        """Read the export; by default each entry alone, not side by side with others."""
        self.write(folder)
        return ingest_trial(self.study(), "small", folder, checks=checks)


def _config(format_: str, columns: dict[str, Any], **export: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    config["trials"]["small"] = {
        "label": "Small trial",
        "export": {"file": "data/raw/export.csv", "format": format_, **export},
        "columns": copy.deepcopy(columns),
        "codes": {
            "arm": dict(ARM_CODES),
            "visit": {code: visit for visit, (code, _) in EVENTS.items()},
            "problem_area": dict(zip("1234", AREAS, strict=True)),
            "missing": {"hamd_total": ["-9"]},
        },
    }
    return config


def redcap(people: tuple[Person, ...] = PEOPLE) -> Export:
    """Return a raw REDCap export: each field filled in one event only."""
    header = ["record_id", "redcap_event_name", "randomised_on", "arm", "site", "therapist", "age",
              "gender", "enrolment_complete", "assessed_on", "hamd_total", "bdi_total",
              "assessment_complete", "focus", "areas___1", "areas___2", "areas___3", "areas___4",
              "received_arm", "sessions", "stopped_on", "stop_reason", "left_on", "left_reason",
              "end_complete"]  # fmt: skip
    rows = [header]
    for p in people:
        for place, visit in enumerate(VISITS):
            first, second = visit == "baseline", visit == "week_4"
            start = [p.randomised, p.arm, p.site, p.therapist, p.age, p.gender, "2"]
            score = [p.date(place), p.hamd[place], p.bdi[place], "2"]
            areas = [p.focus, *p.areas]
            rows.append([p.name, EVENTS[visit][0], *(start if first else [""] * 7), *score,
                         *(areas if second else [""] * 5), *[""] * 7])  # fmt: skip
        end = [p.received, p.sessions, p.stop, p.stop_reason, p.left, p.left_reason, "2"]
        rows.append([p.name, EVENTS["none"][0], *[""] * 16, *end])
    config = _config("redcap", COLUMNS, dictionary="data/raw/dictionary.csv")
    return Export(rows, "redcap", config, dictionary_rows())


def dictionary_rows() -> Rows:
    header = ["Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
              "Choices, Calculations, OR Slider Labels", "Field Note",
              "Text Validation Type OR Show Slider Number", "Text Validation Min",
              "Text Validation Max", "Identifier?"]  # fmt: skip

    def choices(of: dict[str, str]) -> str:
        return " | ".join(f"{code}, {label}" for code, label in of.items())

    fields = [
        ("record_id", "text", "Record ID", "", "", ""),
        ("randomised_on", "text", "Date of <b>randomisation</b>", "", "", ""),
        ("arm", "radio", "Arm", choices(ARM_LABELS), "", ""),
        ("site", "dropdown", "Site", choices(SITE_LABELS), "", ""),
        ("therapist", "text", "Therapist", "", "", ""),
        ("age", "text", "Age (years)", "", "18", "75"),
        ("gender", "radio", "Gender", choices({"1": "Woman", "2": "Man"}), "", ""),
        ("assessed_on", "text", "Date of assessment", "", "", ""),
        ("hamd_total", "text", "HAM-D total", "", "0", "52"),
        ("bdi_total", "calc", "BDI total", "sum([b1], [b2])", "", ""),
        ("focus", "radio", "Primary focus", choices(AREA_LABELS), "", ""),
        ("areas", "checkbox", "All areas", choices(AREA_LABELS), "", ""),
        ("received_arm", "radio", "Arm received", choices(ARM_LABELS), "", ""),
        ("sessions", "text", "Sessions", "", "0", "20"),
        ("stopped_on", "text", "Treatment stopped on", "", "", ""),
        ("stop_reason", "dropdown", "Reason for stopping", choices(REASON_LABELS), "", ""),
        ("left_on", "text", "Left on", "", "", ""),
        ("left_reason", "dropdown", "Reason for leaving", choices(REASON_LABELS), "", ""),
    ]
    return [header] + [
        [name, "form", "", kind, label, options, "", "", low, high, ""]
        for name, kind, label, options, low, high in fields
    ]


def redcap_labels(people: tuple[Person, ...] = PEOPLE, *, raw_heads: bool = False) -> Export:
    """Return the same export as REDCap writes it with labels."""
    export = redcap(people)
    heads = {row[0]: row[4].replace("<b>", "").replace("</b>", "") for row in dictionary_rows()[1:]}
    heads |= {f"areas___{n}": f"All areas (choice={label})" for n, label in AREA_LABELS.items()}
    heads |= {"redcap_event_name": "Event Name"}
    heads |= dict.fromkeys(
        ["enrolment_complete", "assessment_complete", "end_complete"], "Complete?"
    )
    labels = {
        "redcap_event_name": dict(EVENTS.values()),
        "arm": ARM_LABELS,
        "received_arm": ARM_LABELS,
        "site": SITE_LABELS,
        "gender": {"1": "Woman", "2": "Man"},
        "focus": AREA_LABELS,
        "stop_reason": REASON_LABELS,
        "left_reason": REASON_LABELS,
        **{f"areas___{n}": {"0": "Unchecked", "1": "Checked"} for n in "1234"},
        **{name: {"2": "Complete"} for name in export.header if name.endswith("complete")},
    }
    for row in export.rows[1:]:
        for place, name in enumerate(export.header):
            if row[place] and name in labels:
                row[place] = labels[name][row[place]]
    if not raw_heads:
        export.rows[0] = [heads[name] for name in export.header]
    return export


def csv_long(people: tuple[Person, ...] = PEOPLE) -> Export:
    """Return one row per participant and visit, everything repeated in each."""
    header = ["id", "visit", "date", "randomised", "arm", "site", "therapist", "age", "gender",
              "hamd", "bdi", "focus", *AREAS, "received", "sessions", "stop", "stop_reason",
              "left", "left_reason"]  # fmt: skip
    rows = [header]
    for p in people:
        for place, visit in enumerate(VISITS):
            rows.append([p.name, EVENTS[visit][0], p.date(place), p.randomised, p.arm,
                         SITE_LABELS[p.site], p.therapist, p.age, p.gender, p.hamd[place],
                         p.bdi[place], p.focus, *p.areas, p.received, p.sessions, p.stop,
                         REASON_LABELS.get(p.stop_reason, ""), p.left,
                         REASON_LABELS.get(p.left_reason, "")])  # fmt: skip
    columns = {
        **COLUMNS,
        "participant": "id",
        "visit": "visit",
        "visit_date": "date",
        "randomisation_date": "randomised",
        "received_arm": "received",
        "treatment_stop_date": "stop",
        "study_exit_date": "left",
        "outcomes": {"hamd": "hamd", "bdi": "bdi"},
        "problem_areas": {"focus": "focus", "flags": {area: area for area in AREAS}},
    }
    export = Export(rows, "long", _config("long", columns))
    export.trial["codes"]["missing"] = {"hamd": ["-9"]}
    return export


def csv_wide(people: tuple[Person, ...] = PEOPLE) -> Export:
    """Return one row per participant."""
    long = csv_long(people)
    once = ["id", "arm", "randomised", "site", "therapist", "age", "gender", "focus", *AREAS,
            "received", "sessions", "stop", "stop_reason", "left", "left_reason"]  # fmt: skip
    header = [*once, *(f"{name}_{v}" for v in VISITS for name in ("date", "hamd", "bdi"))]
    rows = [header]
    for start in range(1, len(long.rows), len(VISITS)):
        first = dict(zip(long.header, long.rows[start], strict=True))
        row = [first[name] for name in once]
        for place in range(len(VISITS)):
            at = dict(zip(long.header, long.rows[start + place], strict=True))
            row += [at["date"], at["hamd"], at["bdi"]]
        rows.append(row)
    columns = {**long.trial["columns"], "visit": None}
    columns["outcomes"] = {o: {v: f"{o}_{v}" for v in VISITS} for o in ("hamd", "bdi")}
    columns["visit_date"] = {v: f"date_{v}" for v in VISITS}
    export = Export(rows, "wide", _config("wide", columns))
    export.trial["codes"]["visit"] = {}
    export.trial["codes"]["missing"] = {f"hamd_{v}": ["-9"] for v in VISITS}
    return export


def with_commas(export: Export) -> Export:
    """Return the export as a German spreadsheet would write it."""
    export.rows = [[cell.replace(".", ",") for cell in row] for row in export.rows]
    export.delimiter, export.encoding = ";", "cp1252"
    export.trial["export"] |= {"delimiter": ";", "decimal": ",", "encoding": "cp1252"}
    return export


def with_date_order(export: Export, order: str, separator: str) -> Export:
    """Return the export with its dates written in another order."""
    letters = {"day-month-year": "%d{0}%m{0}%Y", "month-day-year": "%m{0}%d{0}%Y"}[order]
    for row in export.rows[1:]:
        for place, cell in enumerate(row):
            if len(cell) == 10 and cell[4] == "-":
                row[place] = datetime.date.fromisoformat(cell).strftime(letters.format(separator))
    export.trial["dates"] = order
    return export


FORMATS = {
    "redcap": redcap,
    "redcap labels": redcap_labels,
    "redcap labels under raw heads": lambda: redcap_labels(raw_heads=True),
    "long": csv_long,
    "wide": csv_wide,
    "long with semicolons and decimal commas": lambda: with_commas(csv_long()),
    "wide with semicolons and decimal commas": lambda: with_commas(csv_wide()),
    "redcap with semicolons and decimal commas": lambda: with_commas(redcap()),
    "long, day first": lambda: with_date_order(csv_long(), "day-month-year", "."),
    "long, month first": lambda: with_date_order(csv_long(), "month-day-year", "/"),
}
