"""From a table of published effects to effects on one scale.

For each row the first complete source among those preferred gives the effect; which one it was
stands in the column ``source``. Hedges' g is turned so that positive favours the arm: lower scores
where higher is worse, more events where the event is a good one. Mean differences and measures of
events stay arm minus (or over) reference. Rows that cannot give the measure are left out and
counted, never silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings, gate
from ipt_outcomes.synthesis.binary import (
    ZERO_CELLS,
    BinaryMeasure,
    ZeroCells,
    binary_effects,
    g_from_events,
)
from ipt_outcomes.synthesis.continuous import (
    Correction,
    VarianceFormula,
    endpoint_sd,
    mean_difference,
    standardised_difference,
)
from ipt_outcomes.synthesis.effect_table import EffectTable, check_table, read_effect_table
from ipt_outcomes.synthesis.effects import MEASURES, Effects, Measure, make_effects, rows_of
from ipt_outcomes.synthesis.table_columns import (
    PREFERENCE,
    SOURCES,
    EffectColumns,
    Source,
)

LARGE_G = 2.5
"""Above this, g is more often a mistake in the table than an effect."""


@dataclass(frozen=True)
class EffectRules:
    """How effects are computed from what trials report.

    Parameters
    ----------
    higher_is
        Which way scores point, unless the row says so.
    event_is
        Whether the event is a good one (response, remission) or a bad one; for g from events.
    zero_cells
        Correction of tables with a zero cell.
    correction, variance
        Formulas of g (see :mod:`ipt_outcomes.synthesis.continuous`).
    change_correlation
        Assumed correlation of baseline and endpoint by which the SD of a change is turned into
        that of a score; None standardises by the SD of the change.
    sources
        From what effects are computed, the preferred first; empty for the measure's own order.
    """

    higher_is: Literal["worse", "better"] = "worse"
    event_is: Literal["better", "worse"] = "better"
    zero_cells: ZeroCells = "constant"
    correction: Correction = "approximate"
    variance: VarianceFormula = "large sample"
    change_correlation: float | None = None
    sources: tuple[Source, ...] = ()


def published_effects(
    path: str | Path,
    measure: Measure,
    *,
    name: str = "the table of effects",
    columns: EffectColumns | None = None,
    rules: EffectRules | None = None,
    numbers: Mapping[str, str] | None = None,
    categories: Mapping[str, str] | None = None,
    delimiter: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: Sequence[str] = ("NA",),
    labels: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Effects, pd.DataFrame]:
    r"""Read a table of published effects and compute one measure.

    Parameters
    ----------
    path
        The file (CSV).
    measure
        ``g``, ``md``, ``log rr``, ``log or``, ``log hr`` or ``rd``.
    name
        What the table is called in messages.
    columns
        Names of the file's columns, by default those of :class:`EffectColumns`.
    rules
        How effects are computed.
    numbers, categories
        Moderators to keep: name, and column of the file.
    delimiter, decimal, encoding, missing, labels
        As for :func:`ipt_outcomes.synthesis.effect_table.read_effect_table`.

    Returns
    -------
    tuple of Effects and pandas.DataFrame
        The effects (their rows taken as independent), and all findings.

    Raises
    ------
    ipt_outcomes.ingest.findings.DataErrors
        When the table has errors; the message lists all of them.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "effects.csv"
    ...     _ = file.write_text("trial,mean_arm,sd_arm,n_arm,mean_reference,sd_reference,"
    ...                         "n_reference\nElkin 1989,9.8,7.9,61,13.2,7.8,62\n")
    ...     effects, findings = published_effects(file, "g")
    >>> [float(x) for x in effects.estimate.round(4)], len(findings)
    ([0.4304], 0)
    """
    findings = Findings(name, Path(path).name)
    table = read_effect_table(
        path, findings, columns=columns or EffectColumns(), numbers=numbers or {},
        categories=categories or {}, delimiter=delimiter, decimal=decimal, encoding=encoding,
        missing=missing, labels=labels,
    )  # fmt: skip
    if table is None:
        gate(findings.table())
        raise AssertionError("a table that cannot be read has errors")  # pragma: no cover
    check_table(table, findings)
    rules = rules or EffectRules()
    computed = _compute(table, measure, rules, findings)
    gate(findings.table())
    return _effects(table, computed, measure, findings), findings.table()


def _compute(
    table: EffectTable, measure: Measure, rules: EffectRules, findings: Findings
) -> pd.DataFrame:
    """Return what make_effects needs, for every row of the table; not usable rows empty."""
    k = len(table.frame)
    names = ["estimate", "se", "part_arm", "part_reference", "n_arm", "n_reference"]
    names += ["events_arm", "total_arm", "events_reference", "total_reference"]
    computed = pd.DataFrame(np.full((k, len(names)), np.nan), columns=names)
    computed["source"] = pd.array([None] * k, dtype="str")
    computed["note"] = pd.array([None] * k, dtype="str")
    order = rules.sources or PREFERENCE[measure]
    for source in order:
        columns = table.columns.of(source, measure)
        open_rows = computed["source"].isna().to_numpy(dtype=bool)
        at = np.flatnonzero(open_rows & table.complete(columns))
        if len(at):
            _fill(computed, at, table, columns, source, measure, rules)
    _participants(computed, table)
    _report(computed, table, measure, order, rules, findings)
    return computed


def _fill(
    computed: pd.DataFrame, at: np.ndarray, table: EffectTable, columns: Sequence[str],
    source: Source, measure: Measure, rules: EffectRules,
) -> None:  # fmt: skip
    values = [table.frame[name].to_numpy(dtype=float)[at] for name in columns]
    computed.loc[at, "source"] = source
    worse = table.frame["higher_is"].fillna(rules.higher_is).to_numpy()[at] == "worse"
    sign = np.where(worse, -1.0, 1.0)
    if source == "given":
        computed.loc[at, ["estimate", "se"]] = np.column_stack(values)
        return
    if source == "events":
        computed.loc[at, ["events_arm", "total_arm", "events_reference", "total_reference"]] = (
            np.column_stack(values)
        )
        if measure == "g":
            found = g_from_events(*values, zero_cells=rules.zero_cells,
                                  correction=rules.correction)  # fmt: skip
            sign = np.full(len(at), 1.0 if rules.event_is == "better" else -1.0)
        else:
            found = binary_effects(cast(BinaryMeasure, measure), *values,
                                   zero_cells=rules.zero_cells)  # fmt: skip
            sign = np.ones(len(at))
        computed.loc[at, "estimate"] = sign * found.estimate
        computed.loc[at, "se"] = np.sqrt(found.variance)
        computed.loc[at, "part_arm"] = found.part_arm
        computed.loc[at, "part_reference"] = found.part_reference
        for mask, why in ((found.corrected, "corrected"), (np.isnan(found.estimate), "zero cell"),
                          (found.uninformative, "uninformative")):  # fmt: skip
            computed.loc[at[mask], "note"] = why
        return
    m1, s1, n1, m2, s2, n2 = values
    if measure == "md":
        estimate, of_arm, of_reference = mean_difference(m1, s1, n1, m2, s2, n2)
        variance = of_arm + of_reference
    else:
        if source == "change" and rules.change_correlation is not None:
            s1, s2 = (endpoint_sd(s, rules.change_correlation) for s in (s1, s2))
        estimate, variance = standardised_difference(
            m1, s1, n1, m2, s2, n2, correction=rules.correction, variance=rules.variance
        )
        estimate = sign * estimate
        # The rest of the variance comes from the standard deviation.
        of_arm, of_reference = 1 / n1, 1 / n2
    computed.loc[at, "estimate"] = estimate
    computed.loc[at, "se"] = np.sqrt(variance)
    computed.loc[at, "part_arm"] = of_arm
    computed.loc[at, "part_reference"] = of_reference


def _participants(computed: pd.DataFrame, table: EffectTable) -> None:
    """Fill in the numbers of participants from the source in use, else from any that tells."""
    c = table.columns
    pairs: dict[str, tuple[str, str]] = {
        "means": (c.means[2], c.means[5]),
        "change": (c.change[2], c.change[5]),
        "events": (c.events[1], c.events[3]),
        "randomised": (c.randomised[0], c.randomised[1]),
    }
    for own in (True, False):
        for source, pair in pairs.items():
            known = table.complete(pair) & computed["n_arm"].isna().to_numpy(dtype=bool)
            known &= computed["source"].notna().to_numpy(dtype=bool)
            if own:
                known &= (computed["source"] == source).fillna(False).to_numpy(dtype=bool)
            at = np.flatnonzero(known)
            if len(at):
                computed.loc[at, ["n_arm", "n_reference"]] = table.frame[list(pair)].to_numpy(
                    dtype=float
                )[at]


def _report(
    computed: pd.DataFrame, table: EffectTable, measure: Measure, order: Sequence[Source],
    rules: EffectRules, findings: Findings,
) -> None:  # fmt: skip
    words = MEASURES[measure].name
    for place in np.flatnonzero(computed["source"].isna() & ~table.unread):
        _not_usable(int(place), table, measure, order, findings)

    def rows(mask: pd.Series) -> np.ndarray:
        return table.rows[np.flatnonzero(mask.fillna(False).to_numpy(dtype=bool))]

    def say(kind: str, mask: pd.Series, found: str, mend: str, severity: str = "note") -> None:
        at = rows(mask)
        findings.add(cast(Literal["note", "warning"], severity), kind, row=at,
                     found=[found] * len(at), mend=mend)  # fmt: skip

    note = computed["note"]
    say("left out", note == "uninformative", "nobody or everybody with the event in both arms",
        f"The row says nothing of a {words} and is left out.")  # fmt: skip
    say("left out", note == "zero cell", "a zero cell", "The row is left out, as configured.")
    say("zero cell", note == "corrected", "a zero cell", f"{ZERO_CELLS[rules.zero_cells]}.")
    if measure == "g":
        say("g from events", computed["source"] == "events", "events only",
            "g is computed from the odds ratio (Hasselblad & Hedges).")  # fmt: skip
        if rules.change_correlation is None:
            say("standardised by change", computed["source"] == "change",
                "means of the change from baseline",
                "This g is in SDs of the change, not of the score at the endpoint; they are not "
                "the same scale.", "warning")  # fmt: skip
        large = computed["estimate"].abs() > LARGE_G
        say("large effect", large, f"g beyond {LARGE_G}",
            "Look again: a standard error may have been taken for an SD.", "warning")  # fmt: skip


def _not_usable(
    place: int, table: EffectTable, measure: Measure, order: Sequence[Source], findings: Findings
) -> None:
    """Say of a row without an effect what is missing, or that it reports something else."""
    row = int(table.rows[place])
    entries = table.frame.iloc[place]
    for source in order:
        columns = [name for name in table.columns.of(source, measure) if name in table.frame]
        empty = [name for name in columns if pd.isna(entries[name])]
        if columns and 0 < len(empty) < len(columns):
            for name in empty:
                findings.add("error", "incomplete", row=row, column=name, found="an empty cell",
                             expected=f"a number, as the row has other {SOURCES[source]}",
                             mend="Complete the row, or give the effect with its standard error.",
                             )  # fmt: skip
            return
    findings.add("note", "left out", row=row, found=f"nothing to compute a "
                 f"{MEASURES[measure].name} from", mend="The row is left out.")  # fmt: skip


def _effects(
    table: EffectTable, computed: pd.DataFrame, measure: Measure, findings: Findings
) -> Effects:
    usable = computed["estimate"].notna() & computed["se"].notna()
    at = np.flatnonzero(usable.to_numpy(dtype=bool))
    described = {name: table.frame[name].iloc[at] for name in
                 ("trial", "outcome", "visit", "arm", "reference")}  # fmt: skip
    part = computed.iloc[at]
    numbers = {str(name): part[name] for name in computed.columns if name != "note"}
    notes = []
    if left_out := len(computed) - len(at):
        notes.append(f"{rows_of(left_out)} of {findings.file} left out: no {measure} in them")
    if corrected := int((part["note"] == "corrected").sum()):
        notes.append(f"{rows_of(corrected)} with a zero cell corrected")
    if measure == "g":
        notes.append("positive favours the arm")
    return make_effects(measure, {**described, **numbers}, notes=tuple(notes),
                        moderators=table.moderators.iloc[at].reset_index(drop=True))  # fmt: skip
