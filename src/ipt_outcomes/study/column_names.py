"""Short ways to write many columns of an export in ``config.yaml``.

``hamd_{1..17}`` stands for ``hamd_1`` to ``hamd_17``, ``bdi_{01..21}`` for ``bdi_01`` to
``bdi_21``. The numbers are also the numbers of the items.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_RANGE = re.compile(r"\{(\d{1,3})\.\.(\d{1,3})\}")
MOST_ITEMS = 200
"""More items than any questionnaire has."""


def expand(name: str) -> dict[int, str]:
    """Return the columns that a short form stands for, by number; a plain name is number 1.

    Raises
    ------
    ValueError
        When the range runs backwards, is too long, or stands twice.

    Examples
    --------
    >>> expand("bdi_{08..10}_w4")
    {8: 'bdi_08_w4', 9: 'bdi_09_w4', 10: 'bdi_10_w4'}
    >>> expand("hamd17_total")
    {1: 'hamd17_total'}
    """
    ranges = list(_RANGE.finditer(name))
    if not ranges:
        return {1: name}
    if len(ranges) > 1:
        raise ValueError(f"{name}: one range such as {{1..17}} is enough")
    (match,) = ranges
    first, last = int(match[1]), int(match[2])
    if not first <= last < first + MOST_ITEMS:
        raise ValueError(f"{name}: the range must run upwards, over at most {MOST_ITEMS} columns")
    width = len(match[1]) if match[1].startswith("0") else 1
    before, after = name[: match.start()], name[match.end() :]
    return {number: f"{before}{number:0{width}d}{after}" for number in range(first, last + 1)}


def item_numbers(columns: str | Sequence[str]) -> dict[int, str]:
    """Return an instrument's item columns by item number.

    Parameters
    ----------
    columns
        A short form such as ``hamd_{1..17}``, or the columns in the order of the items.

    Examples
    --------
    >>> item_numbers(["mood", "guilt"])
    {1: 'mood', 2: 'guilt'}
    """
    if isinstance(columns, str):
        return expand(columns)
    return dict(enumerate(columns, start=1))
