"""A damaged file on the disk is named, with what to do."""

from __future__ import annotations

import pytest

from ipt_outcomes.frames import FrameError, read_participants, read_process, read_scores
from ipt_outcomes.results import ResultsError, estimates, read, write


@pytest.mark.parametrize("reader", [read_scores, read_participants, read_process])
@pytest.mark.parametrize("content", [b"", b"PAR1 but no more"])
def test_damaged_frames(tmp_path, reader, content):
    path = tmp_path / "frame.parquet"
    path.write_bytes(content)
    with pytest.raises(FrameError, match=r"frame\.parquet is damaged.*snakemake --force"):
        reader(path)


def test_damaged_estimates(tmp_path):
    path = tmp_path / "rows.parquet"
    write(estimates([]), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ResultsError, match=r"rows\.parquet is damaged.*snakemake --force"):
        read(path)
