"""Files of other programs give the same canonical frames, byte for byte."""

from __future__ import annotations

import pytest

from ipt_outcomes.frames import write_frames

from .data_files import DATA_FILES
from .small_trial import csv_long, csv_wide


def written(result, folder, *, rows: bool = True) -> tuple[bytes, bytes]:
    """Return the bytes of both frames' files, with the rows of the export or without."""
    frames = [result.scores, result.participants]
    if not rows:
        frames = [frame.assign(source_row=frame["source_row"].mask(frame["source_row"] > 0))
                  for frame in frames]  # fmt: skip
    paths = [folder / "scores.parquet", folder / "participants.parquet"]
    write_frames(*frames, *map(str, paths))
    return paths[0].read_bytes(), paths[1].read_bytes()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    return {
        kind: written(make().ingest(folder), folder) for kind, make in
        (("long", csv_long), ("wide", csv_wide))
    }  # fmt: skip


@pytest.mark.parametrize("name", DATA_FILES)
def test_a_data_file_gives_the_same_bytes_as_text(name, expected, tmp_path):
    export = DATA_FILES[name]()
    result = export.ingest(tmp_path)
    assert set(result.findings["kind"]) <= {"declared missing"}
    if name.startswith("Excel") and export.trial["export"].get("header_row"):
        for frame in (result.scores, result.participants):
            frame["source_row"] -= 2  # two rows stand above the header
    assert written(result, tmp_path) == expected[export.format]
