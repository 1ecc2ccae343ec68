"""The registry of instruments: one file per instrument, data and not code.

Each file of the folder ``registry`` holds one :class:`InstrumentDefinition`; ``sources.yaml``
holds the list of sources that their facts cite. Both are checked when they are read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.evidence import Source

SOURCES_FILE = "sources.yaml"


class InstrumentError(ValueError):
    """An instrument that is not known, not defined well, or cannot be scored as asked."""


def load_registry() -> Mapping[str, InstrumentDefinition]:
    """Return all instruments of the registry by name, in alphabetical order.

    Raises
    ------
    InstrumentError
        When a file of the registry is not a valid definition.

    Examples
    --------
    >>> registry = load_registry()
    >>> registry["PHQ-9"].total_range
    (0.0, 27.0)
    """
    return _registry()


@cache
def _registry() -> Mapping[str, InstrumentDefinition]:
    found: dict[str, InstrumentDefinition] = {}
    for file in sorted(_folder().iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml") and file.name != SOURCES_FILE:
            definition = _validated(_plain(file.read_text("utf-8")), file.name)
            if definition.name in found:
                raise InstrumentError(f"{file.name}: {definition.name} stands twice")
            found[definition.name] = definition
    return MappingProxyType(dict(sorted(found.items(), key=lambda entry: entry[0].casefold())))


@cache
def load_sources() -> Mapping[str, Source]:
    """Return the list of sources by key.

    Examples
    --------
    >>> load_sources()["kennard2006"].read
    'abstract'
    """
    content = _plain((_folder() / SOURCES_FILE).read_text("utf-8"))
    try:
        return MappingProxyType(TypeAdapter(dict[str, Source]).validate_python(content))
    except ValidationError as error:
        raise InstrumentError(f"{SOURCES_FILE}: {_in_words(error)}") from None


def cited(keys: Sequence[str]) -> str:
    """Name the sources of a fact as they are printed.

    Parameters
    ----------
    keys
        Keys of the list of sources.

    Examples
    --------
    >>> cited(["own_knowledge"])
    'Standard knowledge of the field, not read in a source'
    """
    sources = load_sources()
    return "; ".join(
        sources[key].title if key in sources else "stated by the study" for key in keys
    )


def instrument(name: str) -> InstrumentDefinition:
    """Return an instrument of the registry by its name or an alias.

    Parameters
    ----------
    name
        Such as ``HAM-D17``; capitals, hyphens and spaces do not matter.

    Raises
    ------
    InstrumentError
        When there is none of this name; the message says which come nearest.

    Examples
    --------
    >>> instrument("hamd17").name
    'HAM-D17'
    >>> instrument("HAMD")
    Traceback (most recent call last):
    ipt_outcomes.instruments.registry.InstrumentError: there is no instrument 'HAMD' in the \
registry. Did you mean HAM-D17, HAM-D21 or HAM-D24?
    """
    registry = load_registry()
    names = {
        plain(known): definition.name
        for definition in registry.values()
        for known in (*definition.aliases, definition.name)
    }
    asked = plain(name)
    if asked in names:
        return registry[names[asked]]
    begins = [full for key, full in names.items() if asked and key.startswith(asked)]
    near = begins or [names[key] for key in difflib.get_close_matches(asked, names, 3, 0.7)]
    near = sorted(set(near))[:4]
    if not near:
        hint = f"Known are {', '.join(registry)}; others can be defined in the configuration."
    elif len(near) == 1:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"Did you mean {', '.join(near[:-1])} or {near[-1]}?"
    raise InstrumentError(f"there is no instrument {name!r} in the registry. {hint}")


def define(content: Mapping[str, Any]) -> InstrumentDefinition:
    """Make an instrument from a plain dictionary, as a study's configuration holds it.

    Parameters
    ----------
    content
        The fields of :class:`InstrumentDefinition`. With ``based_on``, the name of an instrument
        of the registry, all that is not given is taken from there, section by section, and what
        is given counts as stated by the study: to prorate differently, or for another edition.
        A section given as ``None`` is left out.

    Raises
    ------
    InstrumentError
        When the definition is not valid; the message lists everything that is wrong.

    Examples
    --------
    >>> transcendence = define({
    ...     "name": "STS", "title": "Self-transcendence", "measures": "self-transcendence",
    ...     "rater": "self", "higher_is": "better",
    ...     "items": {"count": 15, "range": [1, 4]},
    ...     "total": {"label": "Total", "rule": "sum",
    ...               "missing": {"rule": "prorate", "allowed": 1}},
    ... })
    >>> transcendence.total_range
    (15.0, 60.0)
    >>> strict = define({"based_on": "BDI-II", "name": "BDI-II complete",
    ...                  "total": {"missing": {"rule": "complete"}}})
    >>> strict.total.missing.allowed, strict.total.missing.sources
    (0, ('study',))
    """
    content = dict(content)
    base = content.pop("based_on", None)
    name = str(content.get("name", "the instrument"))
    if base is not None:
        given = instrument(str(base)).model_dump(mode="python", exclude_unset=True)
        content = _overlay(given, content)
    return _validated(content, name)


def plain(name: str) -> str:
    """Return a name without capitals, spaces and punctuation, for comparing.

    Examples
    --------
    >>> plain("HAM-D 17")
    'hamd17'
    """
    return re.sub(r"[^a-z0-9]", "", name.casefold())


_EVIDENCE = frozenset({"sources", "confidence", "note"})


def _overlay(base: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a change over a base; a fact that changes loses the evidence of what it replaces."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(below, dict) and isinstance(value, dict):
            result[key] = _overlay(below, value)
        else:
            result[key] = value
    facts_below = {k for k, v in base.items() if isinstance(v, dict) and "sources" in v}
    if set(change) - facts_below - _EVIDENCE:
        for key in _EVIDENCE - set(change):
            result.pop(key, None)
    if change.get("rule") == "complete" and "allowed" not in change:
        result.pop("allowed", None)
    if "items" in change and "measures" in base:  # ranges of scores follow from the items
        for score in (result.get("total"), *result.get("subscales", {}).values()):
            if isinstance(score, dict):
                score.pop("range", None)
    return result


def _folder() -> Any:
    return resources.files(__package__) / "registry"


def _plain(text: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # a safe loader, in C where there is one


def _validated(content: Any, where: str) -> InstrumentDefinition:
    try:
        return InstrumentDefinition.model_validate(content)
    except ValidationError as error:
        raise InstrumentError(f"{where} is not a valid instrument: {_in_words(error)}") from None


def _in_words(error: ValidationError) -> str:
    problems = []
    for detail in error.errors():
        key = ".".join(str(part) for part in detail["loc"])
        kind = detail["type"]
        if kind == "extra_forbidden":
            message = "is not a known key here"
        elif kind == "missing":
            message = "is missing"
        elif kind == "value_error":
            message = str(detail["ctx"]["error"])
        else:
            message = f"found {detail['input']!r}, {detail['msg'][0].lower()}{detail['msg'][1:]}"
        problems.append(f"{key}: {message}" if key else message)
    return "; ".join(problems)
