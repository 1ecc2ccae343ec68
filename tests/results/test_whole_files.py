"""A file appears whole or not at all, and nothing is left of one that was not finished."""

from __future__ import annotations

import pytest

from ipt_outcomes.whole_files import whole_file


def write(path, text, error=None):
    with whole_file(path) as part:
        part.write_text(text, "utf-8")
        if error is not None:
            raise error


def test_what_stops_half_way_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "results" / "estimates.csv"
    write(path, "first")
    with pytest.raises(OSError, match="disk full"):
        write(path, "second", OSError("disk full"))
    assert path.read_text("utf-8") == "first"
    assert list(path.parent.iterdir()) == [path]
