"""Whatever happens to an export: frames or findings, never an exception or a changed score."""

from __future__ import annotations

import csv
import io
import math
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipt_outcomes.frames import PARTICIPANT_COLUMNS, SCORE_COLUMNS
from ipt_outcomes.ingest import Ingested
from ipt_outcomes.ingest.findings import read_findings, render, write_findings

from .small_trial import FORMATS, VISITS, Export, redcap

ENTRIES = st.sampled_from(
    ["", "1O", "99", "-9", "12,5", "7.5", "1e3", "nan", "inf", "٣", "+5", "05", "NA", "4",
     "2024-02-30", "31.12.2024", "2024-03-26", "2031-01-01", "week_4_arm_1", "9", "a\nb", '"',
     "=1+1", "Checked", "IPT", "\ufeff", "\x1f", "\u2028", "0x10", "1_000", "１２"]
)  # fmt: skip
"""Entries that have misled programs: what is a digit to Python is no number to a researcher."""

EXAMPLES = int(os.environ.get("IPT_FUZZ_EXAMPLES", "0"))
"""How many exports each test draws, at random; without it a few, always the same."""

LIMITS = settings(
    max_examples=EXAMPLES or 25,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


KINDS = ("cell", "drop row", "repeat row", "swap rows", "drop cell", "add cell", "drop column",
         "swap columns", "rename column")  # fmt: skip


@st.composite
def steps_of(draw, kinds=KINDS):
    """Return steps, each of which changes the rows of an export."""
    kind = st.sampled_from(kinds)
    steps = []
    for _ in range(draw(st.integers(1, 4))):
        steps.append((draw(kind), draw(st.integers(0, 10_000)), draw(st.integers(0, 10_000)),
                      draw(ENTRIES)))  # fmt: skip
    return steps


def apply(export: Export, steps) -> None:
    rows = export.rows
    for kind, a, b, entry in steps:
        row, other = 1 + a % (len(rows) - 1), 1 + b % (len(rows) - 1)
        column, second = b % len(rows[0]), a % len(rows[0])
        if kind == "cell" and column < len(rows[row]):
            rows[row][column] = entry
        elif kind == "drop row" and len(rows) > 2:
            del rows[row]
        elif kind == "repeat row":
            rows.insert(other, list(rows[row]))
        elif kind == "swap rows":
            rows[row], rows[other] = rows[other], rows[row]
        elif kind == "drop cell" and rows[row]:
            rows[row].pop(column % len(rows[row]))
        elif kind == "add cell":
            rows[row].insert(column, entry)
        elif kind == "drop column" and len(rows[0]) > 2:
            for one in rows:
                if column < len(one):
                    one.pop(column)
        elif kind == "swap columns":
            for one in rows:
                if max(column, second) < len(one):
                    one[column], one[second] = one[second], one[column]
        elif kind == "rename column":
            rows[0][column] = entry


@pytest.mark.parametrize("name", ["redcap", "redcap labels", "long", "wide"])
@LIMITS
@given(steps=steps_of())
def test_changed_entries(name, steps, tmp_path):
    export = FORMATS[name]()
    apply(export, steps)
    check(export, tmp_path)


@pytest.mark.parametrize("name", ["redcap", "long"])
@LIMITS
@given(
    places=st.lists(st.integers(0, 10_000), min_size=1, max_size=4),
    inserted=st.sampled_from(
        [b"", b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b"\xe9", b";", b"9", b"-", b" ", b"\x1a"]
    ),
    removed=st.integers(0, 3),
)
def test_changed_bytes(name, places, inserted, removed, tmp_path):
    export = FORMATS[name]()
    content = export.text().encode()
    for place in places:
        at = place % (len(content) + 1)
        content = content[:at] + inserted + content[at + removed :]
    export.raw = content
    check(export, tmp_path)


@LIMITS
@given(content=st.binary(max_size=200))
def test_any_bytes(content, tmp_path):
    export = redcap()
    export.raw = content
    result = export.ingest(tmp_path)
    assert (result.findings["severity"] == "error").any()
    assert result.scores["score"].isna().all()


@LIMITS
@given(content=st.binary(max_size=200), place=st.integers(0, 3000))
def test_any_bytes_in_the_dictionary(content, place, tmp_path):
    export = redcap()
    export.write(tmp_path)
    path = tmp_path / "data/raw/dictionary.csv"
    good = path.read_bytes()
    export.dictionary = None
    path.write_bytes(good[:place] + content + good[place:])
    result = export.ingest(tmp_path)
    assert_canonical(result)
    # A damaged dictionary may cost the scores, but never changes one.
    assert_scores_stand_in_the_file(export, tmp_path, result)


def check(export: Export, folder: Path, rows: list[list[str]] | None = None) -> None:
    """Read an export, and hold its scores against its rows (of a text file, those written)."""
    result = export.ingest(folder)
    assert_canonical(result)
    render(result.findings)
    write_findings(result.findings, folder / "findings.csv")
    pd.testing.assert_frame_equal(read_findings(folder / "findings.csv"), result.findings)
    assert (result.findings["found"].str.len() > 0).all()
    used = assert_scores_stand_in_the_file(export, folder, result, rows)
    if not (result.findings["severity"] == "error").any():
        reported = set(result.findings["row"].dropna())
        unused = {
            place
            for place in scores_of(export, folder, result.counts, rows)
            if place[0] not in reported
        } - used
        assert not unused, "a score is neither used nor reported"


def assert_canonical(result: Ingested) -> None:
    # What the schemas check, without their cost of a tenth of a second each time.
    for frame, columns in (
        (result.scores, SCORE_COLUMNS),
        (result.participants, PARTICIPANT_COLUMNS),
    ):
        for name, (dtype, nullable, _) in columns.items():
            assert frame[name].dtype == dtype, name
            assert nullable or frame[name].notna().all(), name
    assert not result.scores.duplicated(["participant", "outcome", "visit"]).any()
    assert not result.participants["participant"].duplicated().any()
    assert len(result.scores) == len(result.participants) * 2 * len(VISITS)


def scores_of(
    export: Export,
    folder: Path,
    counts: dict[str, Any],
    rows: list[list[str]] | None = None,
) -> dict[tuple[int, str], tuple[str, float]]:
    """Return the scores of the file, found without the package: (row, column), person, score."""
    columns = export.trial["columns"]
    if rows is None:
        text = (folder / export.file).read_bytes().decode(counts["encoding"])
        text = text.removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=counts["delimiter"]))
    start = next(n for n, row in enumerate(rows) if any(cell.strip() for cell in row))
    header = [name.strip() for name in rows[start]]
    heads = {"Record ID": "record_id", "HAM-D total": "hamd_total", "BDI total": "bdi_total"}
    header = [heads.get(name, name) for name in header]
    names = {
        f"{outcome}.{visit}" if visit else outcome: column
        for outcome, by in columns["outcomes"].items()
        for visit, column in (by.items() if isinstance(by, dict) else [("", by)])
    }
    found = {}
    for number, row in enumerate(rows[start + 1 :], start=start + 2):
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        for column in names.values():
            entry = cells.get(column, "")
            missing = export.trial["codes"]["missing"].get(column, [])
            if len(row) == len(header) and entry and entry not in missing:
                try:
                    found[number, column] = (
                        cells[columns["participant"]],
                        float(entry.replace(",", ".") if counts["decimal"] == "," else entry),
                    )
                except ValueError:
                    found[number, column] = (cells[columns["participant"]], math.nan)
    return found


def assert_scores_stand_in_the_file(
    export: Export, folder: Path, result: Ingested, rows: list[list[str]] | None = None
) -> set:
    used = result.scores[result.scores["score"].notna()]
    if used.empty:
        return set()
    in_file = scores_of(export, folder, result.counts, rows)
    columns = export.trial["columns"]["outcomes"]
    places = set()
    for row in used.to_dict("records"):
        column = columns[row["outcome"]]
        candidates = list(column.values()) if isinstance(column, dict) else [column]
        if isinstance(column, dict) and not pd.isna(row["day"]):
            # a date may have moved the score to another visit
            candidates = [column[visit] for visit in VISITS]
        expected = (row["participant"], row["score"])
        hits = [(row["source_row"], c) for c in candidates
                if in_file.get((row["source_row"], c)) == expected]  # fmt: skip
        assert hits, f"{row} does not stand in the file"
        places.update(hits)
    return places
