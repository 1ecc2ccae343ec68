"""Why a step would be made again, in words that a researcher can act on.

Snakemake gives its reasons as one line of its own terms, in which a changed configuration stands
as two whole copies, before and after. Here that line becomes the keys of ``config.yaml`` that
changed with their old and new values, the files that changed, or the name of what else it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

FOLLOWS = "what it is made from is made anew"
"""The reason of every step that merely follows another one."""

SHOWN = 4
"""Changed keys that are printed one by one."""

_BEFORE, _NOW = " before: ", " now: "
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|True|False|None|-?[\d.]+", re.DOTALL)
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")

_FILES = {
    "Incomplete output files": "left half-made by a run that was ended: ",
    "Updated input files": "changed since: ",
}
_PLAIN = {
    "Missing output files": "it is not there yet",  # which, the name of the step says
    "Set of input files has changed": "it is made from other files than before",
    "Code has changed": "the program changed",
    "Software environment definition has changed": "the software that it runs on changed",
    "Forced execution": "it was asked for",
}


def plain_reasons(reason: str) -> list[str]:
    """Say in plain words why a step would be made.

    Parameters
    ----------
    reason
        What Snakemake says.

    Returns
    -------
    list of str
        Each can follow "because"; :data:`FOLLOWS` only where there is no reason of its own.

    Examples
    --------
    >>> plain_reasons("Missing output files: results/shared/report.pdf")
    ['it is not there yet']
    >>> plain_reasons("Input files updated by another job: results/shared/estimates.parquet")
    ['what it is made from is made anew']
    """
    parameters = "Params have changed since last execution: "
    rest, _, changed = reason.partition(parameters)
    found = [plain for part in rest.split("; ") if (plain := _plain(part))]
    if changed:
        found += _of_parameters(changed)
    if not found and "updated by another job" in reason:
        return [FOLLOWS]
    return found or [reason.strip("; ")]


def explanation(steps: Sequence[tuple[str, str]]) -> list[str]:
    """Explain a dry run: what would be made, by cause.

    Parameters
    ----------
    steps
        What each step would make, and Snakemake's reason for it.

    Returns
    -------
    list of str
        Lines of plain text.

    Examples
    --------
    >>> for line in explanation([("report written", "Code has changed since last execution"),
    ...                          ("PDF", "Input files updated by another job: report.html")]):
    ...     print(line)
    2 steps would be made; nothing has been changed.
    Because the program changed:
      report written
    Because what it is made from is made anew:
      PDF
    """
    causes: dict[str, list[str]] = {}
    for name, reason in steps:
        causes.setdefault("; ".join(plain_reasons(reason)), []).append(name)
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    lines = [f"{count} would be made; nothing has been changed."]
    for cause in sorted(causes, key=lambda cause: cause == FOLLOWS):
        lines.append(f"Because {cause}:")
        lines += [f"  {name}" for name in causes[cause]]
    return lines


def _plain(part: str) -> str:
    start, _, files = part.partition(": ")
    if start in _FILES:
        return _FILES[start] + files
    return next((plain for begins, plain in _PLAIN.items() if part.startswith(begins)), "")


def _of_parameters(text: str) -> list[str]:
    old, new = _values(text, _BEFORE, _NOW), _values(text, _NOW, None)
    changes = [
        change
        for before, now in zip(_sections(old), _sections(new), strict=False)
        for change in _changes(before, now)
    ]
    found = []
    if changes:
        shown = ", ".join(changes[:SHOWN])
        more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        found.append(f"config.yaml changed: {shown}{more}")
    if any(_is_fingerprint(value) for value in (*old, *new)):
        found.append("the program changed")
    return found or ["a setting changed"]


def _values(text: str, start: str, end: str | None) -> list[Any]:
    """Read the literals of one side, which Snakemake joins by commas."""
    at = text.find(start) if end else _end_of_literals(text)
    values: list[Any] = []
    at += len(start)
    while match := _LITERAL.match(text, at):
        values.append(ast.literal_eval(match.group()))
        at = match.end() + 1
    return values


def _end_of_literals(text: str) -> int:
    """Return where the second side starts: behind the literals of the first."""
    at = text.find(_BEFORE) + len(_BEFORE)
    while match := _LITERAL.match(text, at):
        at = match.end() + 1
    return text.find(_NOW, max(at - 1, 0))


def _sections(values: list[Any]) -> list[Any]:
    """Pick the parts of the configuration, which are handed on as JSON."""
    parts = []
    for value in values:
        if isinstance(value, str) and value[:1] in "{[":
            try:
                parts.append(json.loads(value))
            except ValueError:  # another text that starts with a bracket
                continue
    return sorted(parts, key=lambda part: isinstance(part, list))  # sets have no order


def _changes(before: Any, now: Any, key: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*before, *now]):
            path = f"{key}.{name}" if key else str(name)
            if name not in before:
                yield f"{path} is new"
            elif name not in now:
                yield f"{path} is gone"
            else:
                yield from _changes(before[name], now[name], path)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now) > 0:
        for position, (old, new) in enumerate(zip(before, now, strict=True), start=1):
            yield from _changes(old, new, f"{key}[{position}]")
    elif before != now:
        yield f"{key or 'a setting'} ({_short(before)} → {_short(now)})"


def _short(value: Any) -> str:
    text = "nothing" if value in (None, [], {}) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _is_fingerprint(value: object) -> bool:
    return isinstance(value, str) and _FINGERPRINT.fullmatch(value) is not None
