"""What a run ends with, and the line that a terminal shows while it goes."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from ipt_outcomes.provenance.job import STOPPED
from ipt_outcomes.provenance.run_summary import run_summary
from snakemake_logger_plugin_ipt import LogHandler
from snakemake_logger_plugin_ipt.progress import progress_line, time_left


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "results/shared/a/figures/flow.png": "",
        "results/shared/a/tables/baseline.csv": "",
        "results/shared/report.html": "",
        "results/shared/report.pdf": "",
        "results/shared/estimates.csv": (
            "trial,analysis,converged\na,primary,True\na,moderators,False\nb,x,False\n"
        ),
        "results/restricted/a/findings.csv": "severity,message\nwarning,x\nwarning,y\nnote,z\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


def test_the_summary_says_what_where_and_what_needs_a_look(results: Path) -> None:
    lines = run_summary(["a"], str(results.parent))
    text = "\n".join(lines)
    assert "a: figures (1) and tables (1) in" in text
    assert f"{results.name}/results/shared/report.html (beside it as PDF)" in text
    assert "2 warnings about the data" in text
    assert "did not converge: moderators" in text
    assert "No warnings." not in text


def test_a_synthesis_is_named_with_what_needs_a_look(results: Path) -> None:
    (results / "results/shared/pooled/tables").mkdir(parents=True)
    (results / "results/restricted/pooled").mkdir(parents=True)
    findings = results / "results/restricted/pooled/findings.csv"
    findings.write_text("severity,message\nwarning,x\n", "utf-8")
    text = "\n".join(run_summary(["a"], str(results), ["pooled"]))
    assert "pooled: trials pooled, forest and tables in results/shared/pooled" in text
    assert "with a part about the pooled trials" in text
    assert "pooled: 1 warning about the data, in results/restricted/pooled/findings.csv" in text


def test_a_run_without_results_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_summary(["a"], str(tmp_path)) == []


def test_a_clean_run_says_so(results: Path) -> None:
    (results / "results/restricted/a/findings.csv").write_text("severity,message\n", "utf-8")
    (results / "results/shared/estimates.csv").write_text("trial,analysis,converged\n", "utf-8")
    assert run_summary(["a"], str(results))[-1] == "No warnings."


def test_time_left_is_said_only_when_known() -> None:
    assert time_left(2, 20, 100) == ""
    assert time_left(20, 20, 100) == ""
    assert time_left(10, 20, 100) == "about 2 min left"
    assert time_left(19, 20, 100) == "about 5 s left"


def test_the_line_fits_the_terminal() -> None:
    line = progress_line(3, 9, 30, ["a long name of a step " * 5, "another"], 60)
    assert len(line) == 59
    assert line.endswith("…")


def handler(live: bool) -> LogHandler:
    made = LogHandler.__new__(LogHandler)
    logging.Handler.__init__(made)
    made.common_settings = SimpleNamespace(verbose=False, dryrun=False)
    made.__post_init__()
    made.live = live
    return made


def record(event: LogEvent, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"levelno": logging.INFO, "msg": ""})
    made.__dict__.update(event=event, **fields)
    return made


@pytest.mark.parametrize("live", [True, False])
def test_a_terminal_shows_one_line_and_a_file_a_line_per_step(
    live: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = handler(live)
    shown.emit(record(LogEvent.RUN_INFO, stats={"ingest": 1, "figure": 1, "all": 1, "total": 3}))
    for job, name in ((1, "export read"), (2, "figure drawn")):
        shown.emit(record(LogEvent.JOB_INFO, jobid=job, rule_name="r", rule_msg=name, reason=""))
    for job in (1, 2):
        shown.emit(record(LogEvent.JOB_FINISHED, job_id=job))
    shown.close()
    said = capsys.readouterr().err
    if live:
        assert "\n" not in said
        assert "export read (+1)" in said
        assert said.endswith("\r\x1b[K")
    else:
        assert said.splitlines()[0].startswith("[  1 of 2] export read (")
        assert len(said.splitlines()) == 2
        assert "\x1b" not in said


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    for terminal, live in (("xterm", True), ("dumb", False)):
        monkeypatch.setitem(os.environ, "TERM", terminal)
        made = LogHandler.__new__(LogHandler)
        made.__post_init__()
        assert made.live is live


def test_what_stopped_is_the_last_thing_said(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = handler(live=False)
    for job, name in enumerate(("one", "two", "three", "four")):
        shown.emit(record(LogEvent.JOB_INFO, jobid=job, rule_name="r", rule_msg=name, reason=""))
    for job, why in ((0, "row 3 is wrong"), (2, "row 7 is wrong")):
        log = tmp_path / f"{job}.log"
        log.write_text(f"{STOPPED}\n{why}\n", "utf-8")
        shown.emit(record(LogEvent.JOB_ERROR, jobid=job, rule_name="r", log=[str(log)]))
        shown.emit(record(LogEvent.JOB_FINISHED, job_id=job + 1))
    shown.close()
    said = capsys.readouterr().err
    assert said.endswith(
        "\n\nStopped at: one\n\nrow 3 is wrong\n\nStopped at: three\n\nrow 7 is wrong\n\n"
    )


def test_a_stop_at_the_end_is_said_once(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = handler(live=False)
    shown.emit(record(LogEvent.JOB_INFO, jobid=1, rule_name="r", rule_msg="one", reason=""))
    log = tmp_path / "log"
    log.write_text(f"{STOPPED}\nrow 3 is wrong\n", "utf-8")
    shown.emit(record(LogEvent.JOB_ERROR, jobid=1, rule_name="r", log=[str(log)]))
    shown.close()
    assert capsys.readouterr().err.count("row 3 is wrong") == 1


def test_what_the_data_do_not_allow_is_said_at_the_end(results: Path) -> None:
    (results / "results/shared/estimates.csv").write_text(
        "trial,analysis,converged,method,notes\n"
        'a,"dose response, the whole analysis",,not fitted,not possible: no sessions\n'
        "b,relapse,,not fitted,not possible: nobody is well\n",
        "utf-8",
    )
    assert "  a: not possible with these data, the report says why: dose response" in run_summary(
        ["a"], str(results)
    )
