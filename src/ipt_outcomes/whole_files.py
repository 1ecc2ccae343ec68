"""Files that appear whole or not at all, whatever stops the program that writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a name to write to; the file gets its own name once all is written.

    Parameters
    ----------
    path
        The file; its folder is made where there is none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(f"{folder}/report.html") as part:
    ...         _ = part.write_text("half", "utf-8")
    ...         there = os.listdir(folder)
    ...     there, os.listdir(folder)
    (['report.html.part'], ['report.html'])
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
