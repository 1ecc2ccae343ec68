"""How a page is filled in: every text escaped, and a name that the template misses is an error."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
"""Where those of the reports lie."""


def templates(folder: Path) -> Environment:
    """Open the templates of a folder.

    Parameters
    ----------
    folder
        Where they lie.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
