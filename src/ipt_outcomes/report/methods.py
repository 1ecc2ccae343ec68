"""One paragraph on each analysis that is switched on, in the words of the analysis plan.

What an analysis does is said by its own account, as in the drafted plan; what it was set to comes
from the configuration, the model from the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ipt_outcomes.report.analysis_plan.further import account, planned, settings_in_words
from ipt_outcomes.report.blocks import Paragraph
from ipt_outcomes.tables.quotes import Text, named, quote, words
from ipt_outcomes.tables.source import Source

SAID_ELSEWHERE = ("primary", "problem_areas", "medication")
"""Analyses that have sentences of their own."""
SETTINGS = ("covariances", "predictors", "prespecified", "exploratory", "imputations", "bootstrap",
            "assumptions", "inference", "cluster", "effect", "phases")  # fmt: skip
"""Settings that a reader of the methods asks for."""
COMPARED = ("difference", "slope", "risk difference", "hazard ratio")
"""Quantities whose rows name the model that an analysis rests on."""
MOST = 4
_ASIDE = re.compile(r",? see the module [\w.]+\w|[,:;] (?:and )?every row says so")
_INSIDE = re.compile(
    r"\b(module|configuration must|restricted (?:file|table)|rows?|random numbers)\b"
)
"""Words of sentences about the program, which say nothing of the method."""


def further_methods(source: Source) -> Iterator[Text]:
    """Yield a paragraph on every analysis that the study's configuration asks for.

    Parameters
    ----------
    source
        Study and rows.
    """
    for name in planned(source.study):
        if name in SAID_ELSEWHERE:
            continue
        label = name.replace("_", " ")
        text = words(" ".join(_own_words(name)))
        if not text:
            continue
        parts = [words(named(str(text)))]
        own = [row for row in source.rows if row["analysis"].split(", ")[0] == label]
        row = next((row for row in own if row["quantity"] in COMPARED), None)
        if row is not None and name != "diagnostics":
            parts.append(words(" Model: ", quote(row, "method"), "."))
        chosen = settings_in_words(source.study, name, SETTINGS)
        if chosen:
            parts.append(words(" Settings: ", named(chosen), "."))
        yield words(*parts)


def _plain(text: str) -> str:
    text = _ASIDE.sub("", text)
    return re.sub(r"the (?:study's )?configuration\b", "the settings", text)


def _own_words(name: str) -> list[str]:
    """Return the first sentences of an analysis's own account that say what was done."""
    found: list[str] = []
    for text in _paragraphs(name):
        found += [
            sentence
            for sentence in re.split(r"(?<=\.) (?=[A-Z])", text)
            if sentence.endswith(".") and not _INSIDE.search(sentence)
        ]
    return found[:MOST]


def _paragraphs(name: str) -> Iterator[str]:
    """Yield the paragraphs of an account; points go on the sentence that leads to them."""
    begun = ""
    points: list[str] = []
    for block in account(name):
        if not isinstance(block, Paragraph) or block.text.startswith("Source"):
            continue
        text = _plain(block.text)
        if block.point:
            clauses = [part.strip(" .") for part in text.split(";")]
            points += [part for part in clauses if part and not _INSIDE.search(part)]
            continue
        yield _with_points(begun, points)
        begun, points = text, []
    yield _with_points(begun, points)


def _with_points(begun: str, points: list[str]) -> str:
    """Put points behind the words that lead to them.

    Examples
    --------
    >>> _with_points("It is done. Beside it stand", ["one", "another"])
    'It is done. Beside it stand: one; another.'
    """
    if not points:
        return begun
    return f"{begun.rstrip(' :.')}: {'; '.join(points)}."
