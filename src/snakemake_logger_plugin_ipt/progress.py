"""How far a run is and how long it may still take, in one line.

The time left is estimated from the steps finished so far: with m steps done in t seconds, each
further step takes t / m of the wall clock, so (n - m) t / m seconds are left. It is shown only when
enough steps are done to say anything, and rounded to what it deserves.
"""

from __future__ import annotations

from collections.abc import Sequence

ENOUGH = 3
"""Finished steps before a time is shown."""


def time_left(done: int, total: int, elapsed: float) -> str:
    """Say how long the run may still take; empty while that is not known.

    Parameters
    ----------
    done, total
        Steps.
    elapsed
        Seconds since the first step began.

    Examples
    --------
    >>> time_left(5, 20, 14.0), time_left(1, 20, 3.0), time_left(10, 100, 60.0)
    ('about 40 s left', '', 'about 9 min left')
    """
    if done < ENOUGH or done >= total:
        return ""
    left = (total - done) * elapsed / done
    if left < 90:
        return f"about {max(5, 5 * round(left / 5))} s left"
    return f"about {round(left / 60)} min left"


def progress_line(done: int, total: int, elapsed: float, running: Sequence[str], width: int) -> str:
    """Write the line that a terminal shows while steps run.

    Parameters
    ----------
    done, total
        Steps.
    elapsed
        Seconds since the run began.
    running
        What is being done, the longest-running first.
    width
        Columns of the terminal; the line is cut to them.

    Examples
    --------
    >>> progress_line(5, 20, 14.0, ["example: hamd17 modelled"], 80)
    '#####---------------  5 of 20, about 40 s left · example: hamd17 modelled'
    """
    share = done / total if total else 0.0
    bar = ("#" * round(20 * share)).ljust(20, "-")
    of = f"{done} of {total}" if total else f"{done}"
    left = time_left(done, total, elapsed)
    line = f"{bar}  {of}" + (f", {left}" if left else "")
    if running:
        more = f" (+{len(running) - 1})" if len(running) > 1 else ""
        line += f" · {running[0]}{more}"
    room = max(width - 1, 20)
    return line if len(line) <= room else line[: room - 1] + "…"
