"""The reference page of the registry, written from the registry itself.

``python -m ipt_outcomes.instruments.reference`` renews ``docs/reference/instruments.md``; a test
fails while the page and the registry differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.evidence import CONFIDENCE_IN_WORDS
from ipt_outcomes.instruments.facts import assumptions, fact_lines, span
from ipt_outcomes.instruments.registry import load_registry, load_sources

PAGE = Path("docs/reference/instruments.md")

_HEAD = """\
# Instruments

What the program knows about {number} rating scales, and where it knows it from. This page is
written from the registry (`src/ipt_outcomes/instruments/registry`); edit the registry, not the
page. Items are known by number only: wording is the copyright of others, and is not needed.

**Confidence.** {confidence}.
What is not H, and every rule of our own, is an *assumption*: the program uses it, prints it
beside what rests on it, and a study can replace it in its configuration.

**How scores are made.** Reverse-keyed items enter as lowest + highest - answer. Prorating a sum
keeps the share of the attainable range: with L and U the lowest and highest possible sum of all
items that apply, l and u those of the items answered, and s the sum of the answers, the score is
L + (s - l) (U - L) / (u - l); with items of equal range this is their number times the mean
answer. Prorated scores are not rounded; one that falls between two bands belongs to the lower.
Entries outside their range, fractions and text are reported and never clipped, and no score is
made from them. Items that do not apply to a person are no missing items.

**Reliable change** is 1.96 x SD x sqrt(2) x sqrt(1 - reliability) with the SD at baseline
(Jacobson & Truax 1991). The first SD of a baseline and the first reliability below are the
defaults. Agreement between raters is never one: it says nothing about change in a person.

**Your own instruments** are defined in the configuration with the same fields; `based_on` takes
an instrument from here and changes what you name (how many items may be missing, another
edition's item range).

**Not here, on purpose.** The four interpersonal problem areas are categories, not a score. The
EQ-5D-5L's profile needs a country's value set, the Youth Self-Report licensed norms: give their
scores as totals.
"""


def reference_page() -> str:
    """Return the page as Markdown.

    Examples
    --------
    >>> reference_page().startswith("# Instruments")
    True
    """
    registry = load_registry()
    sure = "; ".join(f"{key}: {words}" for key, words in CONFIDENCE_IN_WORDS.items())
    parts = [_HEAD.format(number=len(registry), confidence=sure), _overview()]
    parts += ["\n".join(_section(definition)) for definition in registry.values()]
    parts.append("\n".join(_sources()))
    return "\n".join(parts).rstrip() + "\n"


def _overview() -> str:
    rows = [
        "| instrument | measures | rated by | total | higher is | assumptions |",
        "|---|---|---|---|---|---|",
    ]
    for definition in load_registry().values():
        total = span(*definition.total_range) if definition.total else "subscales only"
        rows.append(
            f"| [{definition.name}](#{_anchor(definition.name)}) | {definition.measures} | "
            f"{definition.rater} | {total} | {definition.higher_is} | "
            f"{len(assumptions(definition))} |"
        )
    return "\n".join(rows) + "\n"


def _section(definition: InstrumentDefinition) -> Iterator[str]:
    yield f"## {definition.name}\n"
    also = f" Also called {', '.join(definition.aliases)}." if definition.aliases else ""
    yield (
        f"{definition.title}. Measures {definition.measures}; rated by {definition.rater}; "
        f"higher is {definition.higher_is}; unit: {definition.unit}.{also}\n"
    )
    yield "| fact | value | confidence | sources |"
    yield "|---|---|---|---|"
    for line in fact_lines(definition):
        value = f"{line.value}. {line.fact.note}" if line.fact.note else line.value
        cited = ", ".join(f"[{key}](#{_anchor(key)})" for key in line.fact.sources)
        yield f"| {line.name} | {_cell(value)} | {line.fact.confidence} | {cited} |"
    for caution in definition.cautions:
        yield f"\n> {caution}"
    yield ""


def _sources() -> Iterator[str]:
    yield "## Sources\n"
    yield "| key | source | what was read |"
    yield "|---|---|---|"
    for key, source in sorted(load_sources().items()):
        where = f" ({source.where})" if source.where else ""
        mark = f'<a id="{_anchor(key)}"></a>'
        yield f"| {mark}{key} | {_cell(source.title + where)} | {source.read} |"


def _anchor(name: str) -> str:
    kept = (c for c in name.casefold() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(reference_page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
