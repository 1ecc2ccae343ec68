"""A file of an export: where it lies, what messages call it, and what kind of file it really is.

The kind is told by the first bytes, never by the name: an Excel workbook called ``export.csv`` is
read as a workbook.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ipt_outcomes.ingest.findings import Findings

Kind = Literal["text", "excel", "spss", "stata", "sas", "xport", "parquet"]
KIND_NAMES: dict[Kind, str] = {
    "text": "delimited text",
    "excel": "Excel workbook",
    "spss": "SPSS",
    "stata": "Stata",
    "sas": "SAS data set",
    "xport": "SAS transport",
    "parquet": "Parquet",
}

SAS7BDAT = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
SAS7BCAT = bytes(12) + bytes.fromhex("c2ea8163b31411cfbd92080009c7318c181f1011")
SIGNATURES: dict[bytes, Kind] = {
    b"PK\x03\x04": "excel",
    b"$FL2": "spss",
    b"$FL3": "spss",
    b"<stata_dta>": "stata",
    SAS7BDAT: "sas",
    b"HEADER RECORD*******LIB": "xport",
    b"PAR1": "parquet",
}
"""First bytes: kind of file."""

UNREADABLE = {
    SAS7BCAT: (
        "a SAS catalog, which holds value labels and no data",
        "Name the data set (.sas7bdat) here, and this file as catalog beside it.",
    ),
    b"\x1f\x8b": ("a compressed file", "Unpack it first."),
    b"BZh": ("a compressed file", "Unpack it first."),
    b"7z\xbc\xaf": ("a compressed file", "Unpack it first."),
    b"Rar!": ("a compressed file", "Unpack it first."),
    b"ENCRYPTEDSAV": (
        "an SPSS file locked with a password",
        "Save it without a password in SPSS, in a folder that only you can read.",
    ),
    b"%PDF": ("a PDF document", "Export the data themselves, as CSV for example."),
    b"SQLite format 3": ("a data base", "Export the table as CSV."),
}
"""First bytes: what the file is, and what to do."""

OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
HEAD = 512


@dataclass(frozen=True)
class Source:
    """A file of an export.

    Parameters
    ----------
    path
        The file.
    name
        Its name in messages.
    settings
        Where it is configured, for messages.
    findings
        Takes what was found.
    """

    path: Path
    name: str
    settings: str
    findings: Findings

    def error(
        self,
        kind: str,
        found: str,
        expected: str,
        mend: str,
        *,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Report why the file, or a cell of it, cannot be read."""
        self.findings.add("error", kind, file=self.name, row=row, column=column, found=found,
                          expected=expected, mend=mend)  # fmt: skip

    def damaged(self, what: str, reason: object = "") -> None:
        """Report a file that its own format's reader cannot make sense of."""
        said = " ".join(str(reason).split())[:200]
        self.error("damaged file", f"{what} that cannot be read" + (f" ({said})" if said else ""),
                   "a whole file", "It was probably cut off or changed on its way: export again.",
                   )  # fmt: skip

    def kind(self) -> Kind | None:
        """Return what kind of file it is; None when it can be none, and the findings say why."""
        if self.path.name.startswith("~$"):
            self.error("locked file", "the mark that Excel leaves beside a workbook that is open",
                       "the workbook itself", "Close it, and name it without the ~$.")  # fmt: skip
            return None
        try:
            with self.path.open("rb") as stream:
                head = stream.read(HEAD)
        except OSError as error:
            self.error("file cannot be opened", f"a file that cannot be opened ({error.strerror})",
                       "a readable file", "Check its name, its folder and its permissions; if "
                       "another program holds it open, close it there.")  # fmt: skip
            return None
        for signature, (what, mend) in UNREADABLE.items():
            if head.startswith(signature):
                self.error(
                    "not a data file", what, "text, Excel, SPSS, Stata, SAS or Parquet", mend
                )
                return None
        if head.startswith(OLE):
            self._report_old_office()
            return None
        if _is_old_stata(head):
            return "stata"
        for known, kind in SIGNATURES.items():
            if head.startswith(known):
                return self._zipped() if kind == "excel" else kind
        return "text"

    def _report_old_office(self) -> None:
        if _ENCRYPTED in self.path.read_bytes():
            self.error("locked file", "a workbook locked with a password", "one without",
                       "Save it without a password, in a folder that only you can read.",
                       )  # fmt: skip
        else:
            self.error("not a data file", "a workbook of Excel 97-2003 (.xls)",
                       "a workbook of today (.xlsx), or text",
                       "Open it in a spreadsheet program and save it as .xlsx or CSV.")  # fmt: skip

    def _zipped(self) -> Kind | None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            self.damaged("a workbook or an archive", error)
            return None
        if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
            return "excel"
        self.error("not a data file", "a zip archive", "text, Excel, SPSS, Stata, SAS or Parquet",
                   "Unpack it first.")  # fmt: skip
        return None


def _is_old_stata(head: bytes) -> bool:
    """Tell a .dta of Stata 8 to 12: its version, its byte order, and the mark of a data set."""
    return (
        len(head) > 4 and 105 <= head[0] <= 115 and head[1] in (1, 2) and head[2:4] == b"\x01\x00"
    )
