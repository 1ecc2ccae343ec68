"""Lines of a commented configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import yaml

from ipt_outcomes.study.reading import UNDECIDED

_PLAIN = re.compile(r"[A-Za-z_(][A-Za-z0-9_.+() /\-]*")


def scalar(value: object) -> str:
    """Write a value as YAML, in quotation marks where it would be read as something else.

    Examples
    --------
    >>> scalar("week_4"), scalar("1"), scalar("no"), scalar(16.5), scalar([0, 52])
    ('week_4', '"1"', '"no"', '16.5', '[0, 52]')
    """
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(scalar, value))}]"
    text = str(value)
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def inline(mapping: Mapping[str, object]) -> str:
    """Write a mapping on one line.

    Examples
    --------
    >>> inline({"week": 4, "phase": "treatment"})
    '{week: 4, phase: treatment}'
    """
    pairs = ", ".join(f"{scalar(key)}: {scalar(value)}" for key, value in mapping.items())
    return f"{{{pairs}}}"


class Lines:
    """Collects the lines of a draft and counts how sure each of them is."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.checks = 0

    def __call__(self, text: str = "") -> None:
        """Add lines as they are."""
        self.lines += text.split("\n")

    def put(self, depth: int, key: str, value: object = "", *, why: str = "", check: str = "",
            decide: str = "") -> None:  # fmt: skip
        """Add a key.

        Parameters
        ----------
        depth, key, value
            Its level, its name, and its value; an empty text for a section.
        why
            Why the draft is sure.
        check
            Why it is not quite.
        decide
            What has to be decided; the value is then left open.
        """
        written = UNDECIDED if decide else ("" if value == "" else scalar(value))
        line = f"{'  ' * depth}{scalar(key)}:{' ' if written else ''}{written}"
        remark = f"decide: {decide}" if decide else f"check: {check}" if check else why
        self.checks += bool(check)
        self.lines.append(f"{line}    # {' '.join(remark.split())}" if remark else line)

    def text(self) -> str:
        """Return the file's text."""
        return "\n".join(self.lines).rstrip() + "\n"
