"""What surrounds each job of the workflow: its log, its clock, and how it stops.

A mistake in data or configuration ends a job with the message alone; anything else is a defect of
ours and keeps its traceback, in the log. The workflow's own logger shows the message to the user.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

STOPPED = "=== stopped ==="
"""Line of a log after which the message for the user stands."""


class Stop(Exception):  # noqa: N818 - not an error of the program
    """Ends a job with a message for the user."""


@contextlib.contextmanager
def job(log: str) -> Iterator[logging.Logger]:
    """Run a job with everything it says written to its log.

    Parameters
    ----------
    log
        Path of the log file.

    Yields
    ------
    logging.Logger
        For the job's own notes.

    Raises
    ------
    SystemExit
        When the job fails; the log then ends with the message.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mktemp()
    >>> with job(path) as note:
    ...     note.info("three trials read")
    >>> "three trials read" in open(path).read()
    True
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (
        open(log, "w", encoding="utf-8", buffering=1) as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, category, filename, lineno, *_: print(
            f"WARNING {category.__name__}: {message} ({filename}:{lineno})", file=stream
        )
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        note = logging.getLogger("ipt_outcomes")
        note.setLevel(logging.INFO)
        note.addHandler(handler)
        try:
            note.info("python %s, process %d", sys.version.split()[0], os.getpid())
            yield note
            note.info("done in %.1f s", time.monotonic() - started)
        except BaseException as error:
            known = isinstance(error, Stop | ValueError) and _is_ours(error)
            if not known:
                traceback.print_exc(file=stream)
            print(STOPPED, file=stream)
            print(error if known else f"{type(error).__name__}: {error}", file=stream)
            raise SystemExit(1) from None
        finally:
            note.removeHandler(handler)


def _is_ours(error: BaseException) -> bool:
    return type(error).__module__.split(".")[0] == "ipt_outcomes"


def message_of(log: str | Path) -> tuple[str, bool]:
    """Return the message with which a job stopped, and whether it was one meant for the user.

    Returns
    -------
    tuple of str and bool
        The message (empty when the log has none) and whether the log holds no traceback.
    """
    path = Path(log)
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    _, _, message = text.partition(STOPPED + "\n")
    return message.strip(), "Traceback (most recent call last)" not in text
