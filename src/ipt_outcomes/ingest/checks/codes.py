"""Missing codes that nobody configured, and configured ones that may be real scores.

Nothing is taken as missing on suspicion: 9 and 99 are scores in many scales.
"""

from __future__ import annotations

import numpy as np

from ipt_outcomes.ingest.checks.evidence import Evidence
from ipt_outcomes.ingest.records import CHARACTERISTIC

USUAL = (-999, -99, -98, -97, -9, -8, -7, -1, 7, 8, 9, 77, 88, 97, 98, 99, 777, 888, 998, 999, 9999)
"""Numbers that data bases are told to mean "missing"."""
FEWEST = 10
PEAK = 6
"""So many times as frequent as its neighbours together makes a number a suspected code."""
GAP = 0.3
"""So far from all others, as a part of their range, makes an outermost number suspected."""


def check_codes(evidence: Evidence) -> None:
    """Report numbers that may mean "missing", and missing codes that may be scores.

    A usual code is suspected when it lies apart from all other values of its column, or is far more
    frequent than the values beside it.

    Parameters
    ----------
    evidence
        The trial, as it was read.
    """
    for outcome in evidence.study.outcomes_of(evidence.trial):
        grid = evidence.grid(outcome)
        for code in suspected(grid.ravel()):
            with_code = evidence.cells(outcome, grid == code).assign(found=f'"{code:g}"')
            evidence.score("warning", "missing code?", with_code,
                           expected="scores near those of others",
                           mend=_mend(evidence.column_of(outcome), evidence.trial))  # fmt: skip
    for name in evidence.mapped.columns.characteristics:
        if evidence.study.characteristics[name].kind != "number":
            continue
        values = evidence.participants["characteristic_" + name].astype("float64")
        column = evidence.mapped.columns.characteristics[name]
        for code in suspected(values.to_numpy()):
            evidence.person("warning", "missing code?", values == code, CHARACTERISTIC + name,
                            found=f'"{code:g}"', expected="values near those of others",
                            mend=_mend(column, evidence.trial))  # fmt: skip
    _configured(evidence)


def _mend(column: str | None, trial: str) -> str:
    return (
        'It is used as a number. If it means "missing", list it under '
        f"trials.{trial}.codes.missing.{column} in config.yaml."
    )


def suspected(values: np.ndarray) -> list[float]:
    """Return the usual missing codes among numbers that look as if they were some.

    Examples
    --------
    >>> ages = np.array([34, 41, 52, 29, 47, 38, 61, 55, 44, 36, 99])
    >>> suspected(ages)
    [99.0]
    >>> suspected(np.arange(40.0))  # 7, 8 and 9 among their like
    []
    """
    known = values[~np.isnan(values)]
    if len(known) < FEWEST:
        return []
    levels, counts = np.unique(known, return_counts=True)
    found = []
    for code in USUAL:
        n = int(counts[levels == code].sum())
        others = levels[levels != code]
        if n == 0 or len(known) - n < FEWEST - 1:
            continue
        span = max(float(np.ptp(others)), 1.0)
        apart = max(code - others.max(), others.min() - code) > GAP * span
        # Neighbours: values at most two away, of which whole scores have four.
        beside = int(counts[(np.abs(levels - code) <= 2) & (levels != code)].sum())
        if apart or (n >= FEWEST and n > PEAK * max(beside, 1)):
            found.append(float(code))
    return found


def _configured(evidence: Evidence) -> None:
    mapped = evidence.mapped
    decimal = mapped.export.decimal or "."
    for outcome in evidence.study.outcomes_of(evidence.trial):
        low, high = evidence.study.outcomes[outcome].range
        named = mapped.columns.outcomes.get(outcome)
        for column in named.values() if isinstance(named, dict) else filter(None, [named]):
            for code in mapped.codes.missing_in.get(column, ()):
                try:
                    number = float(code.replace(decimal, "."))
                except ValueError:
                    continue
                if low <= number <= high:
                    evidence.findings.add("warning", "missing code within the range",
                                          column=column, found=f'"{code}" as a missing code',
                                          expected=f"a code outside {low:g} to {high:g}, which "
                                          f"are scores of {outcome}",
                                          mend="Real scores of this value are lost. Use another "
                                          "code in the data base, or take it off "
                                          f"trials.{evidence.trial}.codes.missing.{column}.",
                                          )  # fmt: skip
