"""Whether a column may hold another version of the instrument, such as BDI-I for BDI-II."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from ipt_outcomes.ingest.checks.evidence import Evidence
from ipt_outcomes.instruments import InstrumentDefinition
from ipt_outcomes.instruments.registry import load_registry, plain
from ipt_outcomes.study.outcome_instruments import instrument_of


def check_versions(evidence: Evidence) -> None:
    """Report columns named for another version, and totals that only another version can have.

    Parameters
    ----------
    evidence
        The trial, as it was read.
    """
    study = evidence.study
    for outcome in study.outcomes_of(evidence.trial):
        name = study.outcomes[outcome].instrument
        if name is None:
            continue
        own = instrument_of(study, name)
        others = _other_versions(own)
        if not others:
            continue
        _by_name(evidence, outcome, own, others)
        _by_total(evidence, outcome, own, others)
        _by_letters(evidence, outcome, own, others)


def _other_versions(own: InstrumentDefinition) -> list[InstrumentDefinition]:
    registry = load_registry().values()
    wanted = {plain(name) for name in own.versions.not_with} if own.versions else set()
    return [
        other
        for other in registry
        if plain(other.name) in wanted
        or (other.versions and plain(own.name) in {plain(n) for n in other.versions.not_with})
    ]


def version_named(column: str, names: Iterable[str]) -> str | None:
    """Return the instrument that a column is named for; None when it is none of those.

    A number counts as part of a name only where nothing stands between them: ``bdi_1`` may as well
    be the first visit.

    Parameters
    ----------
    column
        Name of the column.
    names
        Names of instruments, in small letters and digits only.

    Examples
    --------
    >>> names = {"bdi1", "bdi2", "hamd17", "hamd24"}
    >>> [version_named(c, names) for c in ("bdi1_total", "BDI-II", "HAM-D24_w8", "bdi_1", "bdi")]
    ['bdi1', 'bdi2', 'hamd24', None, None]
    """
    text = column.casefold()
    text = re.sub(r"[^a-z0-9]+(ii?)(?![a-z])", lambda m: str(len(m[1])), text)
    text = re.sub(r"(?<=[a-z])[^a-z0-9]+(?=[a-z])", "", text)
    fitting = [name for name in names if re.search(rf"{name}(?![0-9])", text)]
    return max(fitting, key=len, default=None)


def _by_name(
    evidence: Evidence,
    outcome: str,
    own: InstrumentDefinition,
    others: list[InstrumentDefinition],
) -> None:
    columns: dict[str, str] = {}
    for block in evidence.records.assessments:
        for name, column in block.columns.items():
            if name == f"outcomes.{outcome}":
                columns[column] = column
            elif name.startswith(f"items.{outcome}."):  # the item's number is no version's
                columns[column] = re.sub(r"[^A-Za-z0-9]*[0-9]+[A-Za-z]?$", "", column)
    of_others: dict[str, InstrumentDefinition] = {
        plain(name): other for other in others for name in (other.name, *other.aliases)
    }
    mine = {plain(name) for name in (own.name, *own.aliases)}
    told: set[str] = set()
    for column in sorted(columns):
        named = version_named(columns[column], {*of_others, *mine})
        if named is None or named in mine or of_others[named].name in told:
            continue
        other = of_others[named]
        told.add(other.name)
        evidence.findings.add("warning", "another version?", row=1, column=column,
                              found=f"a column named for {other.name}",
                              expected=f"scores of {own.name}, as outcomes.{outcome}.instrument "
                              "says",
                              mend="The two are different instruments, and their totals must not "
                              "be mixed. Name the one that was used.")  # fmt: skip


def _by_total(
    evidence: Evidence,
    outcome: str,
    own: InstrumentDefinition,
    others: list[InstrumentDefinition],
) -> None:
    low, high = evidence.study.outcomes[outcome].range
    larger = [o for o in others if o.total is not None and o.total_range[1] > high]
    if not larger:
        return
    for block in evidence.records.assessments:
        name = f"outcomes.{outcome}"
        if name not in block.cells:
            continue
        decimal = evidence.mapped.export.decimal or "."
        texts = block.cells[name].str.replace(decimal, ".", regex=False)
        values = pd.to_numeric(texts, errors="coerce")
        for other in larger:
            beyond = int(((values > high) & (values <= other.total_range[1])).sum())
            if beyond:
                rows = block.rows_of(name)[(values > high).to_numpy(dtype=bool)]
                evidence.findings.add("warning", "another version?", row=int(rows.min()),
                                      column=block.columns[name],
                                      found=f"{beyond} total{'s' if beyond > 1 else ''} above "
                                      f"{high:g}, as {other.name} can have (up to "
                                      f"{other.total_range[1]:g})",
                                      expected=f"totals of {own.name} ({low:g} to {high:g})",
                                      mend="See which version was used, perhaps at some sites "
                                      "or visits only; totals of two must not be mixed.",
                                      )  # fmt: skip
                break


def _by_letters(
    evidence: Evidence,
    outcome: str,
    own: InstrumentDefinition,
    others: list[InstrumentDefinition],
) -> None:
    """Entries such as ``2b`` stand in items 16 and 18 of the BDI-II, and in all of the BDI-I."""
    lettered = [o for o in others if len(o.items.letters) > len(own.items.letters)]
    for block in evidence.records.assessments if lettered else ():
        for item, name in block.items_of(outcome).items():
            if item in own.items.letters:
                continue
            letters = block.cells[name].str.fullmatch(r"[0-9]\s*[A-Za-z]").fillna(False)
            if letters.any():
                row = int(block.rows_of(name)[letters.to_numpy(dtype=bool)].min())
                evidence.findings.add("warning", "another version?", row=row,
                                      column=block.columns[name],
                                      found=f"letters behind the answers to item {item}, as in "
                                      f"{lettered[0].name}",
                                      expected=f"answers of {own.name}, where only items "
                                      f"{', '.join(map(str, own.items.letters)) or 'none'} have "
                                      "letters",
                                      mend="See which version was used; totals of two must not "
                                      "be mixed.")  # fmt: skip
                return
