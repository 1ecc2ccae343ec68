"""How far a long step is, told to whoever listens: one line every few seconds, none for short ones.

The lines go to the logger ``ipt_outcomes``; a job of the workflow writes them into its log.
"""

from __future__ import annotations

import logging
import time

SECONDS = 5.0
"""Least time between two lines."""

note = logging.getLogger("ipt_outcomes.imputation")


class Progress:
    """Tells how many of a number of things are done.

    Parameters
    ----------
    what
        The things, in the plural.
    total
        How many there are.

    Examples
    --------
    >>> progress = Progress("resamples", 500)
    >>> progress.done(100)  # told only when some seconds have passed
    >>> progress.count
    100
    """

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.count = what, total, 0
        self._told = time.monotonic()

    def done(self, more: int = 1) -> None:
        """Count some more, and tell when the last line is some seconds old."""
        self.count += more
        now = time.monotonic()
        if now - self._told >= SECONDS:
            self._told = now
            note.info("%s: %d of %d", self.what, self.count, self.total)
