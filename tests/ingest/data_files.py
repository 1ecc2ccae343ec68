"""The small trial as files of other programs, made by writers of the real formats."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat

from .sas_catalog import write_sas7bcat
from .sas_file import Variable, write_sas7bdat
from .small_trial import ARM_LABELS, SITE_LABELS, Export, csv_long, csv_wide

SITES = {text: float(code) for code, text in enumerate(SITE_LABELS.values(), start=1)}
TEXT_ALWAYS = {"id", "therapist", "visit", "stop_reason", "left_reason"}


def typed(export: Export) -> pd.DataFrame:
    """Return the export with numbers, dates and texts as a program for statistics holds them."""
    frame = pd.DataFrame(export.rows[1:], columns=export.header, dtype=object)
    return pd.DataFrame({name: typed_column(name, frame[name]) for name in frame})


def typed_column(name: str, texts: pd.Series) -> pd.Series:
    filled = [text for text in texts if text]
    if name == "site":
        return texts.map(SITES).astype("float64")
    if name in TEXT_ALWAYS or not filled:
        return texts
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d", text) for text in filled):
        dates = [datetime.date.fromisoformat(text) if text else None for text in texts]
        return pd.Series(dates, dtype=object)
    return pd.to_numeric(texts.replace("", None)).astype("float64")


def renamed(export: Export, file: str, **settings: Any) -> Export:
    export.file = f"data/raw/{file}"
    export.trial["export"] |= {"file": export.file, **settings}
    return export


class DataFile(Export):
    """An export that is written by a program's own writer."""

    def write(self, folder: Path) -> Path:
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        self.writer(path, self)
        return path

    writer: Callable[[Path, Export], None]


def data_file(export: Export, file: str, writer: Callable[..., None], **settings: Any) -> DataFile:
    result = DataFile(**{name: getattr(export, name) for name in Export.__dataclass_fields__})
    result.writer = writer
    return renamed(result, file, **settings)  # type: ignore[return-value]


def no_missing_codes(export: Export) -> Export:
    """Leave it to the file to say which values are missing."""
    export.trial["codes"]["missing"] = {}
    return export


VALUE_LABELS = {
    "site": {code: text for text, code in SITES.items()},
    "arm": {float(code): text for code, text in ARM_LABELS.items()},
}


def write_sav(path: Path, export: Export) -> None:
    frame = typed(export)
    scores = [name for name in frame if name.startswith("hamd")]
    pyreadstat.write_sav(
        frame,
        path,
        variable_value_labels=VALUE_LABELS,
        missing_ranges={name: [-9] for name in scores},
        column_labels={name: f"Label of {name}" for name in frame},
    )


def write_zsav(path: Path, export: Export) -> None:
    frame = typed(export)
    scores = [name for name in frame if name.startswith("hamd")]
    missing = {name: [{"lo": -99, "hi": -1}] for name in scores}
    pyreadstat.write_sav(
        frame, path, compress=True, variable_value_labels=VALUE_LABELS, missing_ranges=missing
    )


def write_dta(path: Path, export: Export, version: int = 15) -> None:
    frame = typed(export)
    frame["hamd"] = frame["hamd"].astype(object).where(frame["hamd"] != -9, "a")
    pyreadstat.write_dta(
        frame, path, version=version, variable_value_labels=VALUE_LABELS,
        missing_user_values={"hamd": ["a"]},
    )  # fmt: skip


def write_dta_in_single_precision(path: Path, export: Export) -> None:
    frame = with_site_names(typed(export))
    frame["bdi"] = frame["bdi"].astype("float32")
    dates = dict.fromkeys(("date", "randomised", "stop", "left"), "td")
    for name in dates:
        frame[name] = pd.to_datetime(frame[name])
    frame = frame.replace({None: ""}).infer_objects()
    frame.to_stata(path, write_index=False, version=114, convert_dates=dates)


def write_xpt(path: Path, export: Export) -> None:
    pyreadstat.write_xport(with_site_names(typed(export)), path, file_format_version=8)


def write_sas(path: Path, export: Export) -> None:
    frame = with_site_names(typed(export))
    write_sas7bdat(
        path,
        [
            Variable(name, [None if pd.isna(v) else v for v in frame[name]])
            for name in frame.columns
        ],
    )


def write_sas_with_catalog(path: Path, export: Export) -> None:
    frame = typed(export)
    named = {"site": "SITEF", "arm": "ARMF"}
    cells = {name: [None if pd.isna(v) else v for v in frame[name]] for name in frame.columns}
    variables = [
        Variable(name, cells[name], value_format=named.get(name, "")) for name in frame.columns
    ]
    write_sas7bdat(path, variables)
    labels = {named[name]: labels for name, labels in VALUE_LABELS.items()}
    write_sas7bcat(path.with_name("formats.sas7bcat"), labels)


def with_site_names(frame: pd.DataFrame) -> pd.DataFrame:
    names = {code: text for text, code in SITES.items()}
    return frame.assign(site=frame["site"].map(names))


def write_parquet(path: Path, export: Export) -> None:
    frame = with_site_names(typed(export))
    frame["arm"] = frame["arm"].astype("int8")
    frame["gender"] = frame["gender"].astype("Int64")
    frame["id"] = frame["id"].astype("category")
    frame.to_parquet(path, index=False)


def write_xlsx(path: Path, export: Export) -> None:
    frame = with_site_names(typed(export)).astype(object)
    book = openpyxl.Workbook()
    notes, sheet = book.active, book.create_sheet("Scores")
    notes.append(["Exported for the analysis"])
    sheet.append(["A small trial"])
    sheet.append([])
    sheet.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        sheet.append([None if pd.isna(value) else value for value in row])
    book.save(path)


def write_text_xlsx(path: Path, export: Export) -> None:
    """Write every cell as text, as many export buttons do."""
    book = openpyxl.Workbook()
    for row in export.rows:
        book.active.append([cell.replace(".", ",") if "." in cell else cell for cell in row])
    book.save(path)


DATA_FILES: dict[str, Callable[[], Export]] = {
    "SPSS": lambda: data_file(no_missing_codes(csv_long()), "trial.sav", write_sav),
    "SPSS, compressed": lambda: data_file(no_missing_codes(csv_long()), "t.zsav", write_zsav),
    "SPSS, wide": lambda: data_file(no_missing_codes(csv_wide()), "trial.sav", write_sav),
    "Stata": lambda: data_file(no_missing_codes(csv_long()), "trial.dta", write_dta),
    "Stata in single precision": lambda: data_file(
        csv_long(), "trial.dta", write_dta_in_single_precision
    ),
    "SAS": lambda: data_file(csv_long(), "trial.sas7bdat", write_sas),
    "SAS with a catalog": lambda: data_file(
        csv_long(), "trial.sas7bdat", write_sas_with_catalog, catalog="data/raw/formats.sas7bcat"
    ),
    "SAS, wide": lambda: data_file(csv_wide(), "trial.sas7bdat", write_sas),
    "SAS transport": lambda: data_file(csv_long(), "trial.xpt", write_xpt),
    "Parquet": lambda: data_file(csv_long(), "trial.parquet", write_parquet),
    "Excel": lambda: data_file(csv_long(), "trial.xlsx", write_xlsx, sheet="Scores", header_row=3),
    "Excel, all text": lambda: data_file(csv_long(), "export.csv", write_text_xlsx),
}
