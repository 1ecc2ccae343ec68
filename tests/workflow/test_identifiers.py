"""No identifier that stands in an export reaches any file that a run leaves behind."""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from .conftest import PLANTED, StudyFolder

EXPORT = "data/example/redcap_export.csv"
EMBEDDED = re.compile(rb"base64,([A-Za-z0-9+/=]{40,})")
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)


def contents(name: str, content: bytes) -> Iterator[bytes]:
    """Yield a file's bytes, and those of all that is packed inside it."""
    yield content
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for part in archive.namelist():
                yield part.encode()
                yield from contents(part, archive.read(part))
    elif content.startswith(b"PAR1"):
        frame = pd.read_parquet(io.BytesIO(content))
        yield frame.to_csv().encode() + "\n".join(map(str, frame.columns)).encode()
    elif content.startswith(b"%PDF"):
        for stream in STREAM.findall(content):
            try:
                yield zlib.decompress(stream.strip(b"\r\n"))
            except zlib.error:
                continue  # a font or a picture packed otherwise
    else:
        for packed in EMBEDDED.findall(content):
            yield from contents(name, base64.b64decode(packed + b"=" * (-len(packed) % 4)))


def found_in(results: Path, wanted: set[str]) -> set[tuple[str, str]]:
    """Return which of the texts stand in which files (their names included)."""
    spelt = {text.encode(): text for text in wanted}
    spelt |= {html_of(text).encode(): text for text in wanted}
    pattern = re.compile(b"|".join(map(re.escape, sorted(spelt, key=len, reverse=True))))
    return {
        (str(path.relative_to(results)), spelt[hit])
        for path in sorted(results.rglob("*"))
        if path.is_file()
        for content in (str(path).encode(), *contents(path.name, path.read_bytes()))
        for hit in pattern.findall(content)
    }


def html_of(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")


def dates_of(study: StudyFolder) -> set[str]:
    """Return the calendar dates of the export, which become days."""
    text = (study.path / EXPORT).read_text("utf-8")
    return set(re.findall(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b", text))


def study_numbers_of(study: StudyFolder) -> set[str]:
    return set(pd.read_csv(study.path / EXPORT, dtype=str)["record_id"])


ENTRIES = set(PLANTED["entry"])


def test_the_search_finds_what_is_packed_away(tmp_path):
    hidden = "Wendelgard O'Brunnenthal"
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:t>{hidden}</w:t>" * 20)
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.docx", inner.getvalue())
    made = {
        "a.zip": outer.getvalue(),
        "b.pdf": b"%PDF-1.7\nstream\n" + zlib.compress(hidden.encode() * 9) + b"\nendstream",
        "c.html": b'src="data:x;base64,' + base64.b64encode(hidden.encode() * 3) + b'"',
        "d.html": b"<td>Wendelgard O&#39;Brunnenthal</td>",
        f"{hidden}.txt": b"",
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    pd.DataFrame({"x": [hidden] * 50}).to_parquet(tmp_path / "e.parquet")
    assert {name for name, _ in found_in(tmp_path, {hidden})} == {*made, "e.parquet"}


def test_no_identifier_of_a_finished_run_stands_in_any_file(finished):
    assert len(PLANTED) >= 40
    written = (finished.path / EXPORT).read_text("utf-8")
    assert all(entry in written for entry in ENTRIES)  # quoting aside, all are really there
    assert "her sister in Bern" in written
    results = finished.path / "results"
    kinds = {path.suffix for path in results.rglob("*") if path.is_file()}
    assert {".html", ".parquet", ".csv", ".json", ".svg", ".log"} <= kinds
    wanted = ENTRIES | {"sister", "Brunnenthal", "Wendelgard"}
    wanted |= study_numbers_of(finished) | dates_of(finished)
    assert len(wanted) > 500
    assert found_in(results, wanted) == set()


def test_a_refused_export_leaves_no_trace_of_them(study):
    table = pd.read_csv(study.path / EXPORT, dtype=str, keep_default_na=False)
    rows = table.index[table["redcap_event_name"] == "baseline_arm_1"]
    told = PLANTED[PLANTED["told by"] == "column and entry"]["entry"].tolist()
    used = ["site", "therapist", "gender", "age", "arm", "hamd17_total", "record_id",
            "assessment_date", "redcap_event_name", "problem_focus"]  # fmt: skip
    for place, entry in enumerate(told):
        table.loc[rows[place], used[place % len(used)]] = entry
    extra = {row.column: [row.entry, *[""] * (len(table) - 1)] for row in PLANTED.itertuples()}
    pd.concat([table, pd.DataFrame(extra)], axis=1).to_csv(study.path / EXPORT, index=False)
    run = study.snakemake("check")
    assert run.code != 0
    assert "direct identifier" in run.text
    results = study.path / "results"
    assert (results / "restricted/example/findings.csv").stat().st_size > 5_000
    shown = found_in(results, ENTRIES | {"Brunnenthal"})
    assert shown == set()
    assert {entry for entry in ENTRIES if entry in run.text} == set()
