r"""Reliable change and deterioration.

Change is *reliable* when it exceeds what error of measurement alone would make in 95 of 100
people who did not change,

.. math:: |d| \ge 1.96 \; s \sqrt{2} \sqrt{1 - r},

with the standard deviation s at baseline and the reliability r (Jacobson & Truax 1991, J Consult
Clin Psychol 59:12-19). How many people change reliably swings with s and r, so that every result
says which were taken and where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ipt_outcomes.instruments.change import pair, towards_better
from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.registry import InstrumentError, cited
from ipt_outcomes.instruments.totals import chosen, holds, named

STATUS = ("deteriorated", "no reliable change", "improved")
_CLOSE = 1e-9


@dataclass(frozen=True)
class ReliableChange:
    """Reliable change of each person, and what it was computed from.

    Parameters
    ----------
    threshold
        Points from which change is reliable.
    sd, reliability
        What it was computed from; empty for a published threshold.
    basis
        In words: formula, standard deviation, reliability, and their sources.
    assumption
        Whether something of this was not read in a source.
    change
        Change towards the better, in points.
    status
        ``improved``, ``no reliable change`` or ``deteriorated``; empty where a total is missing.
    recovered
        Improved reliably and out of the clinical range; empty where a total is missing or no
        cut-off is known.
    """

    threshold: float
    sd: float | None
    reliability: float | None
    basis: str
    assumption: bool
    change: pd.Series
    status: pd.Series
    recovered: pd.Series

    def counts(self) -> pd.Series:
        """Count the people of each status, with those of whom it is not known."""
        counts = self.status.value_counts(sort=False).astype(int)
        counts.index = counts.index.astype(str)
        counts["not known"] = int(self.status.isna().sum())
        return counts.rename("people")


def reliable_change(
    definition: InstrumentDefinition | str,
    baseline: pd.Series,
    later: pd.Series,
    *,
    sd: float | str | None = None,
    reliability: float | str | None = None,
    published: bool | str = False,
    cutoff: str | None = None,
) -> ReliableChange:
    """Tell who changed more than error of measurement explains.

    Parameters
    ----------
    definition
        The instrument, or its name in the registry.
    baseline, later
        Totals with the same index.
    sd
        Standard deviation at baseline: a number, the name of one in the registry, or ``"sample"``
        for that of ``baseline`` itself. Not given: the registry's default.
    reliability
        A number, or the name of one in the registry. Not given: the registry's default, which is
        never agreement between raters.
    published
        Take a published threshold instead: ``True`` for the first, or its name. It is also what
        is taken where nothing can be computed and nothing else was asked for.
    cutoff
        Name of the cut-off for recovery; the instrument's first one when not given.

    Returns
    -------
    ReliableChange
        With ``basis``, to be printed beside every rate.

    Raises
    ------
    InstrumentError
        When the threshold cannot be had, the totals do not have the same index, or lie outside
        the instrument's range.

    Examples
    --------
    >>> result = reliable_change("HAM-D17", pd.Series([20, 20, 20]), pd.Series([13, 14, 27]))
    >>> round(result.threshold, 2), result.status.tolist()
    (6.42, ['improved', 'no reliable change', 'deteriorated'])
    >>> print(result.basis)
    1.96 x SD x sqrt(2) x sqrt(1 - reliability) = 6.42 points, with SD 5.04 (baseline, adults with \
diagnosed major depression in trials of psychotherapy, n = 4,191; Metapsy database of \
psychotherapy for depression 24.0.2; baseline SDs pooled over arms with diagnosed major \
depression) and reliability 0.789 (internal consistency, pooled over 49 years of studies (95 % \
interval 0.766 to 0.810); Trajković et al. 2011, reliability of the Hamilton scale over 49 \
years, Psychiatry Res 189:1-9)
    """
    definition = named(definition)
    before, after = pair(definition, baseline, later)
    asked = sd is not None or reliability is not None
    known = definition.change
    computable = known.default_sd() is not None and known.default_reliability() is not None
    if published is not False or (not asked and not computable and known.published):
        name = published if isinstance(published, str) else None
        fact = chosen(definition, "published reliable change", known.published, name)
        basis = f"{fact.points:g} points as published ({fact.by}; {cited(fact.sources)})"
        threshold, s, r, assumption = fact.points, None, None, fact.assumption
    else:
        s, s_words, s_sure = _sd(definition, sd, before)
        r, r_words, r_sure = _reliability(definition, reliability)
        threshold = 1.96 * s * np.sqrt(2) * np.sqrt(1 - r)
        basis = (
            f"1.96 x SD x sqrt(2) x sqrt(1 - reliability) = {threshold:.2f} points, with SD "
            f"{s:.4g} ({s_words}) and reliability {r:g} ({r_words})"
        )
        assumption = not (s_sure and r_sure)
    change = towards_better(definition, before, after).rename("change")
    place = np.select([change <= -threshold + _CLOSE, change >= threshold - _CLOSE], [0, 2], 1)
    place[change.isna().to_numpy()] = -1
    kinds = pd.CategoricalDtype(list(STATUS), ordered=True)
    codes = pd.Categorical.from_codes(place.astype(np.int64), dtype=kinds)
    status = pd.Series(codes, change.index, name="status")
    recovered = _recovered(definition, cutoff, before, after, status)
    return ReliableChange(float(threshold), s, r, basis, assumption, change, status, recovered)


def deterioration(
    definition: InstrumentDefinition | str,
    baseline: pd.Series,
    later: pd.Series,
    *,
    sd: float | str | None = None,
    reliability: float | str | None = None,
    published: bool | str = False,
) -> pd.Series:
    """Tell who got reliably worse.

    Parameters and errors as for :func:`reliable_change`, whose ``basis`` belongs beside the rate.

    Returns
    -------
    pandas.Series
        ``boolean``, empty where a total is missing.

    Examples
    --------
    >>> deterioration("BDI-II", pd.Series([20, 20, None]), pd.Series([27, 26, 9])).tolist()
    [True, False, <NA>]
    """
    result = reliable_change(
        definition, baseline, later, sd=sd, reliability=reliability, published=published
    )
    return _is(result.status, "deteriorated").rename("deterioration")


def _is(status: pd.Series, wanted: Literal["deteriorated", "improved"]) -> pd.Series:
    return (status == wanted).astype("boolean").mask(status.isna())


def _recovered(
    definition: InstrumentDefinition,
    cutoff: str | None,
    before: pd.Series,
    after: pd.Series,
    status: pd.Series,
) -> pd.Series:
    if not definition.cutoff and cutoff is None:
        return pd.Series(pd.NA, index=before.index, dtype="boolean", name="recovered")
    rule = chosen(definition, "cut-off", definition.cutoff, cutoff)
    moved = holds(rule, before) & ~holds(rule, after)
    return (moved & _is(status, "improved")).mask(status.isna()).rename("recovered")


def _sd(
    definition: InstrumentDefinition, given: float | str | None, before: pd.Series
) -> tuple[float, str, bool]:
    if given == "sample":
        seen = before.dropna()
        if len(seen) < 2 or float(seen.std()) == 0:
            raise InstrumentError(f"{definition.name}: the baseline totals have no spread")
        return float(seen.std()), f"of these baseline totals, n = {len(seen):,}", True
    if isinstance(given, int | float):
        if not given > 0:
            raise InstrumentError(f"{definition.name}: a standard deviation is above 0")
        return float(given), "given", True
    name = given or definition.change.default_sd()
    if name is None:
        raise InstrumentError(
            f"{definition.name}: no standard deviation at baseline is in the registry; give one "
            f"(sd=...), or take that of the data (sd='sample')"
        )
    fact = chosen(definition, "standard deviation", definition.change.sd, name)
    size = f", n = {fact.n:,}" if fact.n else ""
    words = f"{fact.when}, {fact.population}{size}; {cited(fact.sources)}"
    return fact.value, words, not fact.assumption


def _reliability(
    definition: InstrumentDefinition, given: float | str | None
) -> tuple[float, str, bool]:
    if isinstance(given, int | float):
        if not 0 < given < 1:
            raise InstrumentError(f"{definition.name}: a reliability lies between 0 and 1")
        return float(given), "given", True
    name = given or definition.change.default_reliability()
    if name is None:
        raise InstrumentError(
            f"{definition.name}: no reliability is in the registry; give one (reliability=...)"
        )
    fact = chosen(definition, "reliability", definition.change.reliability, name)
    whom = f", {fact.population}" if fact.population else ""
    caution = ""
    if fact.kind == "inter-rater":
        caution = " CAUTION: agreement between raters is not the reliability of change"
    return fact.value, f"{fact.kind}{whom}; {cited(fact.sources)}{caution}", not fact.assumption
