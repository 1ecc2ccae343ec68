"""One BLAS thread inside the engine.

The matrices of a repeated-measures model are small: with two BLAS threads the same fit takes
several times longer than with one, because the threads wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_state = {"depth": 0}


@cache
def _controller() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds, limiting them takes microseconds.
    return ThreadpoolController()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Hold BLAS at one thread for the block; nested blocks cost nothing.

    Examples
    --------
    >>> with single_threaded():
    ...     pass
    """
    if _state["depth"]:
        yield
        return
    _state["depth"] = 1
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _state["depth"] = 0
