"""The reference page of ``config.yaml``, written from the typed models that read it.

Each model is a section with one row per key, in the order in which the keys refer to each other, so
that the page can never say something else than the program does.
"""

from __future__ import annotations

import re
from typing import Any

from ipt_outcomes.study.config import Study

HEAD = """# Every key of config.yaml

Written from the program's own definitions at each build. The bundled `config.yaml` shows the keys
in use, each with a comment that says when to change it. A key that is not listed here is refused,
with the nearest known one named.

"""

Schema = dict[str, Any]


def configuration_page() -> str:
    """Return the page as Markdown.

    Examples
    --------
    >>> "`reference_arm`" in configuration_page()
    True
    """
    schema = Study.model_json_schema()
    definitions: dict[str, Schema] = schema["$defs"]
    waiting = [("The file", schema)]
    seen: set[str] = set()
    parts = [HEAD]
    while waiting:
        title, model = waiting.pop(0)
        rows = []
        for key, described in model.get("properties", {}).items():
            needed = key in model.get("required", [])
            rows.append(_row(key, described, needed))
            for name in _models_in(described):
                if name not in seen:
                    seen.add(name)
                    waiting.append((_words(name), definitions[name]))
        if rows:
            about = _text(model.get("description", "")).split("\n\n")[0].replace("\n", " ")
            head = "| key | what it says | kind | when left out |\n|---|---|---|---|\n"
            parts.append(f"## {title}\n\n{about}\n\n{head}{''.join(rows)}\n")
    return "".join(parts)


def _row(key: str, described: Schema, needed: bool) -> str:
    what = _text(described.get("description", "")).replace("\n", " ")
    default = described.get("default")
    otherwise = "needed" if needed else ("off" if default in (None, [], {}, "") else f"`{default}`")
    cells = [f"`{key}`", what, _kind(described), otherwise]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _kind(described: Schema) -> str:
    """Say in words what may stand there."""
    if "$ref" in described:
        return f"see *{_words(_name(described['$ref']))}*"
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if "const" in described:
        return f"`{described['const']}`"
    for several in ("anyOf", "oneOf"):
        if several in described:
            kinds = [_kind(one) for one in described[several] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if described.get("type") == "array":
        return f"list of: {_kind(described.get('items', {}))}"
    if described.get("type") == "object":
        inner = described.get("additionalProperties")
        return f"by name: {_kind(inner)}" if isinstance(inner, dict) else "by name"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    kind = str(described.get("type", "any"))
    return words.get(kind, kind)


def _models_in(described: Any) -> list[str]:
    """Return the models that a description refers to, in order."""
    if isinstance(described, dict):
        own = [_name(described["$ref"])] if "$ref" in described else []
        return own + [name for value in described.values() for name in _models_in(value)]
    if isinstance(described, list):
        return [name for value in described for name in _models_in(value)]
    return []


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _words(name: str) -> str:
    """Turn ``PrimaryAnalysis`` into ``Primary analysis``."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return apart[0] + apart[1:].lower()


def _text(description: str) -> str:
    return description.replace("``", "`").strip()
