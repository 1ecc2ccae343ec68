"""How a run looks to the person who started it: what is done, what runs, plain messages.

On a terminal one line at the bottom says how far the run is, how long it may still take and what
is being done; elsewhere (a file, a cluster's log) there is one plain line per finished step.

Snakemake finds this package by its name; ``profiles/default`` switches it on. ``--verbose`` brings
Snakemake's own output back.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from logging import ERROR, LogRecord
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from ipt_outcomes.provenance.job import message_of
from snakemake_logger_plugin_ipt.progress import progress_line
from snakemake_logger_plugin_ipt.reasons import explanation

TARGETS = ("all", "check")
"""Rules that only ask for others: no step of their own."""

ENGINE_NOISE = (
    "RuleException:",
    "CalledProcessError in",
    "At least one job did not complete successfully",
    "Exiting because a job execution failed",
    "Complete log",
    "Shutting down, this might take some time",
    "Terminating processes on user request",
)


class LogHandler(LogHandlerBase):
    """Writes the run's progress and messages to standard error."""

    def __post_init__(self) -> None:
        """Prepare the clock and the counters."""
        self.started = time.monotonic()
        self.names: dict[int, str] = {}
        self.total = 0
        self.done = 0
        self.told: set[str] = set()
        self.failed = False
        self.stops: list[str] = []  # why steps stopped
        self.buried = False  # whether other lines came after that
        self.running: dict[int, str] = {}
        # A terminal that can go back to the start of its line.
        self.live = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.drawn = False
        self.planned: list[tuple[str, str]] = []  # what a dry run would make, and why

    @property
    def writes_to_stream(self) -> bool:
        """Say that this handler owns the terminal."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Say that it writes no file."""
        return False

    @property
    def has_filter(self) -> bool:
        """Say that it decides itself what is shown."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Say that it formats its own lines."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Say that it needs no rule graph."""
        return False

    def emit(self, record: LogRecord) -> None:
        """Show one event, if a user wants to know of it."""
        event = getattr(record, "event", None)
        fields: dict[str, Any] = record.__dict__
        if event == LogEvent.JOB_INFO:
            self._remember(fields)
        elif event == LogEvent.PROGRESS:
            self.done = fields["done"]
        elif event == LogEvent.JOB_FINISHED:
            self._finished(fields)
        elif event == LogEvent.JOB_ERROR:
            self._failed(fields)
        elif event == LogEvent.RUN_INFO:
            self._count_jobs(fields)
        elif event is None or event == LogEvent.ERROR:
            self._message(record)

    def _remember(self, fields: dict[str, Any]) -> None:
        if fields["rule_name"] in TARGETS:
            return
        name = (fields["rule_msg"] or fields["rule_name"]).replace("_", " ")
        self.names[fields["jobid"]] = name
        if getattr(self.common_settings, "dryrun", False):
            self.planned.append((name, str(fields["reason"])))
        else:
            self.running[fields["jobid"]] = name
            self._draw()

    def _draw(self) -> None:
        if self.live and self.total and self.running:
            line = progress_line(
                self.done,
                self.total,
                time.monotonic() - self.started,
                list(self.running.values()),
                shutil.get_terminal_size().columns,
            )
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self.drawn = True

    def _wipe(self) -> None:
        if self.drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self.drawn = False

    def close(self) -> None:
        """Leave the terminal's line clean, and the reasons of what stopped at the end.

        After a dry run say what would be made.
        """
        self._wipe()
        if self.buried:
            self._say("\n" + "\n".join(self.stops))
            self.buried = False
        if self.planned:
            self._say("\n".join(explanation(self.planned)))
            self.planned = []
        super().close()

    def _count_jobs(self, fields: dict[str, Any]) -> None:
        stats = fields.get("stats")
        if isinstance(stats, dict) and "total" in stats:
            self.total = int(stats["total"]) - sum(int(stats.get(rule, 0)) for rule in TARGETS)

    def _finished(self, fields: dict[str, Any]) -> None:
        self.done += 1
        job = fields.get("job_id", fields.get("jobid"))
        if job is None:
            return
        self.running.pop(job, None)
        name = self.names.pop(job, "")
        if not name:
            return
        if self.live:  # the line at the bottom says it; a list of what went well would be noise
            if self.running:
                self._draw()
            else:
                self._wipe()
            return
        of = f"{self.done:>3} of {self.total}" if self.total else f"{self.done:>3}"
        self._say(f"[{of}] {name} ({time.monotonic() - self.started:.0f} s)")

    def _failed(self, fields: dict[str, Any]) -> None:
        if not self.failed:
            self._say("")
        self.failed = True
        name = self.names.get(fields.get("jobid", -1)) or fields.get("rule_name") or "a step"
        for log in fields.get("log") or []:
            message, expected = message_of(log)
            if message and expected:
                self._stopped(f"Stopped at: {name}\n\n{message}\n")
            elif message:
                self._stopped(
                    f"Stopped at: {name}\n\nThis is a defect of the program, not of your data:\n"
                    f"{message}\nThe whole story is in {log}; please report it.\n"
                )
            else:
                self._stopped(f"Stopped at: {name}\nIt was ended from outside. Run the same "
                              f"command again to go on. Its log: {log}\n")  # fmt: skip

    def _stopped(self, text: str) -> None:
        buried = self.buried
        self._say(text)
        self.stops.append(text)
        self.buried = buried  # an earlier one stays buried, this one is not

    def _message(self, record: LogRecord) -> None:
        text = record.getMessage().strip()
        verbose = getattr(self.common_settings, "verbose", False)
        if not text or text == "None":
            return
        if record.levelno < ERROR and not verbose and not text.startswith("Nothing to be done"):
            return
        if not verbose and any(noise in text for noise in ENGINE_NOISE):
            return
        if text.startswith("Nothing to be done"):
            text = "Nothing to do: every result is up to date."
        if text not in self.told:
            self.told.add(text)
            self._say(text)

    def _say(self, text: str) -> None:
        self._wipe()
        print(text, file=sys.stderr, flush=True)
        self.buried = bool(self.stops)
