"""A job's log holds what it said, and ends with the message for the user when it stops."""

from __future__ import annotations

import sys
import warnings

import pytest

from ipt_outcomes.provenance.job import job, message_of
from ipt_outcomes.results import ResultsError


def test_what_a_job_says_goes_to_its_log(tmp_path):
    log = tmp_path / "logs" / "a.log"
    with job(str(log)) as note:
        note.info("240 rows")
        print("printed")
        print("to stderr", file=sys.stderr)
        warnings.warn("careful", UserWarning, stacklevel=1)
    text = log.read_text("utf-8")
    assert all(part in text for part in ("240 rows", "printed", "to stderr", "careful", "done in"))
    assert message_of(log) == ("", True)


def test_a_mistake_in_the_data_has_a_message_and_no_traceback(tmp_path):
    log = tmp_path / "a.log"
    with pytest.raises(SystemExit), job(str(log)):
        raise ResultsError("row 3 is wrong")
    assert message_of(log) == ("row 3 is wrong", True)
    assert "Traceback" not in log.read_text("utf-8")


def test_a_defect_keeps_its_traceback(tmp_path):
    log = tmp_path / "a.log"
    with pytest.raises(SystemExit), job(str(log)):
        _ = 1 / 0
    message, expected = message_of(log)
    assert message == "ZeroDivisionError: division by zero"
    assert not expected


def test_a_log_that_is_not_there(tmp_path):
    assert message_of(tmp_path / "none.log") == ("", True)
