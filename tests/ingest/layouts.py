"""The small trial in the layouts of data systems: REDCap, Qualtrics, CDISC, several files."""

from __future__ import annotations

import csv
import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat

from ipt_outcomes.ingest import Ingested, ingest_trial
from ipt_outcomes.study import Study

from .small_trial import PEOPLE, VISITS, Export, csv_long, csv_wide

ONCE = ["arm", "randomised", "site", "therapist", "age", "gender", "focus", "grief",
        "role_disputes", "role_transitions", "interpersonal_deficits", "received", "sessions",
        "stop", "stop_reason", "left", "left_reason"]  # fmt: skip


@dataclass
class Files:
    """An export of several files: their rows, and how each is written."""

    config: dict[str, Any]
    files: dict[str, list[list[str]]]
    encodings: dict[str, str] = field(default_factory=dict)
    delimiters: dict[str, str] = field(default_factory=dict)

    @property
    def trial(self) -> dict[str, Any]:
        return self.config["trials"]["small"]

    def study(self) -> Study:
        return Study.model_validate(self.config)

    def write(self, folder: Path) -> None:
        for name, rows in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".xpt":
                write_xport(path, rows)
            elif path.suffix == ".xlsx":
                book = openpyxl.Workbook()
                for row in rows:
                    book.active.append(row)
                book.save(path)
            else:
                with path.open("w", encoding=self.encodings.get(name, "utf-8"), newline="") as out:
                    csv.writer(out, delimiter=self.delimiters.get(name, ",")).writerows(rows)

    def ingest(self, folder: Path) -> Ingested:
        self.write(folder)
        return ingest_trial(self.study(), "small", folder, checks=False)


def write_xport(path: Path, rows: list[list[str]]) -> None:
    """Write a data set as regulators receive it: transport version 5, numbers and dates typed."""
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype=object)
    for name in frame:
        if name in {"AVAL", "QSSTRESN", "AGE"}:
            frame[name] = pd.to_numeric(frame[name].replace("", None)).astype("float64")
        elif name.endswith("DT"):
            frame[name] = [datetime.date.fromisoformat(t) if t else None for t in frame[name]]
    pyreadstat.write_xport(frame, path, table_name=path.stem.upper(), file_format_version=5)


def export(format_: str, first: str, *further: str) -> dict[str, Any]:
    """Return the configuration of the small trial as rows per visit, in other files."""
    config = csv_long().config
    settings = {"format": format_, "file": first}
    if further:
        settings["further_files"] = list(further)
    config["trials"]["small"]["export"] = settings
    return config


def records(source: Export) -> list[dict[str, str]]:
    return [dict(zip(source.header, row, strict=True)) for row in source.rows[1:]]


def one_each() -> list[dict[str, str]]:
    return records(csv_long())[:: len(VISITS)]


# --- REDCap --------------------------------------------------------------------------------------


def redcap_classic() -> Export:
    """Return a classic project: a row per participant, a set of fields per visit."""
    result = csv_wide()
    result.format = result.trial["export"]["format"] = "redcap"
    for row in result.rows:
        row.append("enrolment_complete" if row is result.rows[0] else "2")
    return result


def redcap_repeating() -> Files:
    """Return a classic project with a repeating instrument: its date alone tells the visit."""
    config = export("redcap", "data/raw/export.csv")
    columns = config["trials"]["small"]["columns"]
    columns["visit"], config["trials"]["small"]["codes"]["visit"] = None, {}
    system = ["redcap_repeat_instrument", "redcap_repeat_instance"]
    scores = ["date", "hamd", "bdi"]
    rows = [["id", *system, *ONCE, *scores]]
    for person in one_each():
        rows.append([person["id"], "", "", *(person[name] for name in ONCE), "", "", ""])
        own = [one for one in records(csv_long()) if one["id"] == person["id"]]
        for number, one in enumerate(own, start=1):
            entry = [one[name] for name in scores]
            rows.append([person["id"], "assessment", str(number), *[""] * len(ONCE), *entry])
    return Files(config, {"data/raw/export.csv": rows})


# --- Qualtrics -----------------------------------------------------------------------------------


def qualtrics() -> Files:
    """Return a survey per wave with its three header rows, and a list of the participants."""
    names = {visit: f"data/raw/wave {place}.csv" for place, visit in enumerate(VISITS)}
    people = "data/raw/participants.csv"
    config = export("qualtrics", *names.values(), people)
    trial = config["trials"]["small"]
    trial["columns"] |= {"participant": "study_id", "visit": "(file)", "visit_date": "RecordedDate"}
    trial["codes"]["visit"] = {Path(name).name: visit for visit, name in names.items()}
    trial["codes"]["visit"]["participants.csv"] = "none"
    header = ["StartDate", "Status", "Progress", "Finished", "RecordedDate", "study_id", "hamd",
              "bdi"]  # fmt: skip
    asked = ["Start Date", "Response Type", "Progress", "Finished", "Recorded Date", "study_id",
             "Clinician's total", "How have you been?\nPlease choose."]  # fmt: skip
    ids = [f'{{"ImportId":"QID{n}"}}' for n in range(len(header))]
    files = {}
    for place, visit in enumerate(VISITS):
        rows = [header, asked, ids]
        for one in records(csv_long())[place :: len(VISITS)]:
            when = f"{one['date']} 09:30:00" if one["date"] else ""
            rows.append(
                [when, "IP Address", "100", "True", when, one["id"], one["hamd"], one["bdi"]]
            )
        rows.append(["2024-03-01 08:00:00", "Survey Preview", "100", "True",
                     "2024-03-01 08:00:00", "9", "52", "63"])  # fmt: skip
        files[names[visit]] = rows
    files[people] = [["study_id", *ONCE]]
    files[people] += [[one["id"], *(one[name] for name in ONCE)] for one in one_each()]
    last = names[VISITS[-1]]
    return Files(config, files, {last: "utf-16"}, {last: "\t"})


# --- CDISC ---------------------------------------------------------------------------------------

SUBJECT = {"arm": "TRT01P", "randomised": "RANDDT", "site": "SITEID", "therapist": "THERAP",
           "age": "AGE", "gender": "SEX", "focus": "FOCUS", "grief": "AREA1",
           "role_disputes": "AREA2", "role_transitions": "AREA3",
           "interpersonal_deficits": "AREA4", "received": "TRT01A", "sessions": "SESSIONS",
           "stop": "TRTEDT", "stop_reason": "STOPRS", "left": "EOSDT",
           "left_reason": "DCSREAS"}  # fmt: skip
PARAMETERS = {"hamd": "HAMDTOT", "bdi": "BDITOT"}


def _cdisc(format_: str, scores: str, people: str, names: dict[str, str]) -> Files:
    config = export(format_, scores, people)
    columns = config["trials"]["small"]["columns"]
    columns |= {"participant": "USUBJID", "outcomes": dict(PARAMETERS)} | names
    for key, own in (("arm", "arm"), ("received_arm", "received"), ("site", "site"),
                     ("therapist", "therapist"), ("sessions_attended", "sessions"),
                     ("randomisation_date", "randomised"), ("treatment_stop_date", "stop"),
                     ("treatment_stop_reason", "stop_reason"), ("study_exit_date", "left"),
                     ("study_exit_reason", "left_reason")):  # fmt: skip
        columns[key] = SUBJECT[own]
    columns["characteristics"] = {"age": "AGE", "gender": "SEX"}
    areas = ONCE[7:11]
    columns["problem_areas"] = {"focus": "FOCUS", "flags": {a: SUBJECT[a] for a in areas}}
    config["trials"]["small"]["codes"]["missing"] = {"HAMDTOT": ["-9"]}
    rows = [["USUBJID", *(SUBJECT[name] for name in ONCE)]]
    rows += [[one["id"], *(one[name] for name in ONCE)] for one in one_each()]
    return Files(config, {people: rows})


def adam() -> Files:
    """Return ADaM data sets with a derived record, which was never observed."""
    result = _cdisc("adam", "data/raw/adqs.xpt", "data/raw/adsl.xpt",
                    {"visit": "AVISIT", "visit_date": "ADT"})  # fmt: skip
    rows = [["USUBJID", "PARAMCD", "AVISIT", "ADT", "AVAL", "DTYPE"]]
    for one in records(csv_long()):
        for name, code in PARAMETERS.items():
            if one[name]:
                rows.append([one["id"], code, one["visit"], one["date"], one[name], ""])
    rows.append(["10", "HAMDTOT", "week_8_arm_1", "", "25", "LOCF"])
    rows.append(["10", "OTHER", "week_8_arm_1", "", "3", ""])
    result.files = {"data/raw/adqs.xpt": rows, **result.files}
    return result


def sdtm() -> Files:
    """Return SDTM data sets; dates are texts there."""
    result = _cdisc("sdtm", "data/raw/qs.xpt", "data/raw/dm.xpt",
                    {"visit": "VISIT", "visit_date": "QSDTC"})  # fmt: skip
    rows = [["USUBJID", "QSTESTCD", "VISIT", "QSDTC", "QSSTRESN", "QSSTAT"]]
    for one in records(csv_long()):
        for name, code in PARAMETERS.items():
            when = f"{one['date']}T11:15" if one["date"] else ""
            status = "" if one[name] else "NOT DONE"
            rows.append([one["id"], code, one["visit"], when, one[name], status])
    result.files = {"data/raw/qs.xpt": rows, **result.files}
    return result


# --- several files -------------------------------------------------------------------------------


def apart() -> Files:
    """Return participants in a workbook and scores in text."""
    config = export("long", "data/raw/scores.csv", "data/raw/participants.xlsx")
    scores = ["id", "visit", "date", "hamd", "bdi"]
    rows = [scores] + [[one[name] for name in scores] for one in records(csv_long())]
    people = [["id", *ONCE]] + [[one["id"], *(one[name] for name in ONCE)] for one in one_each()]
    return Files(config, {"data/raw/scores.csv": rows, "data/raw/participants.xlsx": people})


def per_site() -> Files:
    """Return a file per site, written by spreadsheets that disagree about delimiters."""
    source = csv_long()
    names = {"Genève": "data/raw/geneva.csv", "Zürich": "data/raw/zurich.csv"}
    config = export("long", *names.values())
    files = {name: [source.header] for name in names.values()}
    for row, one in zip(source.rows[1:], records(source), strict=True):
        files[names[one["site"]]].append(row)
    return Files(config, files, {names["Zürich"]: "cp1252"}, {names["Zürich"]: ";"})


def wide_in_two() -> Files:
    """Return a row per participant in each of two files: before, and after."""
    source = csv_wide()
    config = source.config
    config["trials"]["small"]["export"] = {
        "format": "wide", "file": "data/raw/before.csv", "further_files": ["data/raw/after.csv"],
    }  # fmt: skip
    files = {}
    for name, later in (("data/raw/before.csv", False), ("data/raw/after.csv", True)):
        places = [
            place for place, head in enumerate(source.header)
            if place == 0 or later == ("_week_" in head)
        ]  # fmt: skip
        files[name] = [[row[place] for place in places] for row in source.rows]
    return Files(config, files)


LAYOUTS = {
    "REDCap, classic": redcap_classic,
    "REDCap, repeating instrument": redcap_repeating,
    "Qualtrics, a survey per wave": qualtrics,
    "ADaM": adam,
    "SDTM": sdtm,
    "participants apart": apart,
    "a file per site": per_site,
    "wide, in two files": wide_in_two,
}
assert len(PEOPLE) == 6
