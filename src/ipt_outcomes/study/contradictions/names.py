"""A name that the section it refers to does not have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from ipt_outcomes.study.findings import Problem


def unknown(
    key: tuple[str, ...], value: str, known: Iterable[str], section: str
) -> Iterator[Problem]:
    """Yield a problem when a name is none of those known, with the nearest of them.

    Parameters
    ----------
    key
        Path of the name in the configuration.
    value
        The name.
    known
        All that it may be.
    section
        Where those are defined, in words.

    Examples
    --------
    >>> list(unknown(("reference_arm",), "carre", ["care", "ipt"], "arms"))
    [(('reference_arm',), 'carre does not stand under arms.', 'Did you mean care?')]
    """
    names = list(known)
    if value in names:
        return
    near = difflib.get_close_matches(value, names, n=1)
    mend = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(names)}."
    yield key, f"{value} does not stand under {section}.", mend
