"""Any analysis of the configuration as it will be run: what it asks, how, and every setting.

An analysis describes itself: its module says what is done and names its sources, each key of its
section what a setting means. A new analysis is in the plan without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module

from pydantic import BaseModel

from ipt_outcomes.report.analysis_plan.parts import (
    Part,
    part,
    point,
    prose_table,
    say,
    value_in_words,
)
from ipt_outcomes.report.blocks import Block, NumberedTable
from ipt_outcomes.study import Study

DEFAULT = " (program's default)"
"""What stands behind a value that the configuration leaves to the program."""
_FORMULA = re.compile(r":math:|\.\. math|===")


def described(study: Study, name: str, items: str = "29") -> Part:
    """Describe one analysis.

    Parameters
    ----------
    study
        The configuration.
    name
        Name of its section under ``analyses``.
    items
        Items of the guideline that it answers.
    """
    plan: BaseModel = getattr(study.analyses, name)
    title = name[:1].upper() + name[1:].replace("_", " ")
    return part(title, items, *account(name), *settings(study, plan, title))


def account(name: str) -> Iterator[Block]:
    """Give an analysis's own account of what it does, without formulas; its sources last.

    Parameters
    ----------
    name
        Name of its section under ``analyses``.
    """
    yield from _account(import_module(f"ipt_outcomes.analyses.{name}").__doc__ or "")


def settings_in_words(study: Study, name: str, keys: Sequence[str]) -> str:
    """Write some settings of an analysis in one line.

    Parameters
    ----------
    study
        The configuration.
    name
        Name of the analysis's section.
    keys
        The settings; those that the section does not have are left out.
    """
    plan: BaseModel = getattr(study.analyses, name)
    chosen = plan.model_dump(mode="json")
    return "; ".join(
        f"{key.replace('_', ' ')} {value_in_words(study, chosen[key])}"
        for key in keys
        if chosen.get(key) not in (None, {}, [], "")
    )


def pooled(study: Study, name: str) -> Part:
    """Describe one synthesis of several trials.

    Parameters
    ----------
    study
        The configuration.
    name
        Its name under ``synthesis``.
    """
    plan = study.synthesis[name]
    title = f"Synthesis {name.replace('_', ' ')}"
    about = say(plain((type(plan).__doc__ or "").strip().partition("\n\n")[0]))
    return part(title, "29", about, *settings(study, plan, title))


def _account(docstring: str) -> Iterator[Block]:
    """Give a module's own account of what it does, without formulas; its sources last."""
    sources = []
    for paragraph in docstring.strip().split("\n\n"):
        if re.match(r"\s*Sources?:", paragraph):
            sources.append(say(plain(paragraph)))
        elif re.match(r"\* |\d\. ", paragraph):
            items = re.split(r"\n(?=\* |\d\. )", paragraph)
            yield from (point(plain(item[2:])) for item in items if ":math:" not in item)
        elif not _belongs_to_a_formula(paragraph):
            yield say(plain(paragraph))
    yield from sources


def _belongs_to_a_formula(paragraph: str) -> bool:
    """Whether a paragraph is a formula, leads to one, or explains its letters."""
    first = paragraph[:1]
    beside = first == " " or first.islower() or paragraph.endswith(",")
    return beside or bool(_FORMULA.search(paragraph))


def settings(study: Study, plan: BaseModel, title: str) -> Iterator[Block]:
    """Yield a table of a section's settings, if it has any.

    Parameters
    ----------
    study
        The configuration.
    plan
        The section.
    title
        What it is about.
    """
    rows = list(_rows(study, plan))
    if rows:
        name = re.sub(r"\W+", "_", title.lower())
        yield NumberedTable(
            "",
            prose_table(f"settings_{name}", f"{title}: settings", "Setting",
                        ("Planned", "What it means"), rows),
        )  # fmt: skip


def _rows(study: Study, plan: BaseModel) -> Iterator[tuple[str, str, str]]:
    for key, field in type(plan).model_fields.items():
        value = getattr(plan, key)
        given = key in plan.model_fields_set
        if not given and value in (None, {}, []):
            continue
        shown = value_in_words(study, plan.model_dump(mode="json")[key])
        yield (
            key.replace("_", " "),
            shown if given else shown + DEFAULT,
            plain(field.description or ""),
        )


def plain(text: str) -> str:
    """Take the markup out of a description.

    Examples
    --------
    >>> plain("Use ``null`` for none,  see :mod:`a.b` (:mod:`a.c`).")
    'Use null for none, see the module a.b.'
    """
    text = re.sub(r"\s*\(:[a-z]+:`[^`]+`\)", "", text)
    text = re.sub(r":[a-z]+:`~?([^`]+)`", r"the module \1", text)
    return " ".join(re.sub(r"`+([^`]+)`+", r"\1", text).split())


def planned(study: Study) -> list[str]:
    """Name the analyses that the configuration switches on, in its own order."""
    return [name for name, plan in study.analyses if plan is not None]
