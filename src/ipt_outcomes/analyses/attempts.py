"""What becomes of a model or an analysis that cannot be had: a row that says so; the others stand.

An analysis asks many models. One that has no maximum, or that these data cannot carry, takes its
own rows away and no others: in their place stands one row, ``method`` "not fitted", with the
reason. So does an analysis that these data do not allow (:func:`answered`), or a part of one
(:func:`possible`). The primary model is the exception, since without it there is no answer: its
failure ends the analysis (:mod:`ipt_outcomes.analyses.primary`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.results import NOT_FITTED, NOT_POSSIBLE, WHOLE_ANALYSIS, Row, estimates

NAMELESS = "the data do not allow it (the log tells more)"
"""Said in place of a message that may name participants."""

ALWAYS_ANSWERS = ("primary", "describe")
"""Analyses without which there is no report: what they refuse stops the run."""

_NAMES = {
    "non_inferiority": "non-inferiority",
    "cross_lagged": "cross-lagged panel",
    "multiplicity": "families of hypotheses",
    "cross_checks": "cross-checks",
}
_REFUSING = ("ipt_outcomes.analyses.", "ipt_outcomes.imputation.", "ipt_outcomes.mixed.")
"""Where the errors are defined that mean: not with these data."""

note = logging.getLogger(__name__)

_LABELS = ("trial", "outcome", "analysis", "analysis_set", "estimand", "quantity", "contrast",
           "arm", "reference", "subgroup", "visit", "status", "disclosure")  # fmt: skip


def attempted(rows: Iterable[Row], about: Mapping[str, Any]) -> Iterator[Row]:
    """Pass on the rows of a model as long as it can be fitted.

    Parameters
    ----------
    rows
        Rows, fitted while they are asked for.
    about
        What the rows share: trial, analysis, analysis set, status, disclosure, and what else says
        which model it is.

    Yields
    ------
    dict
        The rows; after the first failure, the one row that says why there are no more.

    Examples
    --------
    >>> from ipt_outcomes.mixed import ConvergenceError
    >>> def rows():
    ...     yield {"estimate": 1.0}
    ...     raise ConvergenceError(["unstructured: no maximum", "cs: no maximum"])
    >>> [row.get("notes") for row in attempted(rows(), {"trial": "a", "analysis": "growth"})]
    [None, 'not fitted: unstructured: no maximum; cs: no maximum']
    """
    from ipt_outcomes.imputation import ImputationError
    from ipt_outcomes.mixed import MixedModelError

    try:
        yield from rows
    except (MixedModelError, ImputationError) as error:
        note.warning("%s: %s was not fitted: %s", about["trial"], about["analysis"], error)
        yield not_fitted(error, about)


def answered(data: TrialData, analysis: str, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Run an analysis; one that the data do not allow leaves word of it (:func:`not_possible`).

    Parameters
    ----------
    data
        The trial.
    analysis
        Short name of the analysis: that of its section.
    ask
        Runs it.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    ValueError
        What the primary analysis refuses; and every defect of the program.
    """
    if analysis in ALWAYS_ANSWERS:
        return ask()
    try:
        return ask()
    except ValueError as error:
        if not is_refusal(error):
            raise
        name = _NAMES.get(analysis, analysis.replace("_", " "))
        about = exploratory(data, name + WHOLE_ANALYSIS)
        return estimates(not_possible(error, data, about))


def possible(rows: Iterable[Row], data: TrialData, about: Mapping[str, Any]) -> Iterator[Row]:
    """Pass on the rows of a part of an analysis, or what says why there are none.

    Parameters
    ----------
    rows
        Rows, made while they are asked for.
    data
        The trial.
    about
        What the rows share.
    """
    made: list[Row] = []
    try:
        made.extend(rows)
    except ValueError as error:
        if not is_refusal(error):
            raise
        made = not_possible(error, data, about)
    yield from made


def is_refusal(error: BaseException) -> bool:
    """Whether an error says that the data do not allow something; if not, it is a defect.

    Examples
    --------
    >>> from ipt_outcomes.analyses.status import StatusError
    >>> is_refusal(StatusError("nobody is well")), is_refusal(ValueError("shapes do not match"))
    (True, False)
    """
    return isinstance(error, ValueError) and type(error).__module__.startswith(_REFUSING)


def not_possible(error: ValueError, data: TrialData, about: Mapping[str, Any]) -> list[Row]:
    """Make what stands for an analysis, or a part of one, that the data do not allow.

    One row of a model that was not fitted, which tables and figures of the analysis name, and one
    in the list of all that is not possible, which the report shows even where nothing else stands
    of the analysis.

    Parameters
    ----------
    error
        The refusal.
    data
        The trial.
    about
        What the rows would share.
    """
    note.warning("%s: %s is not possible: %s", data.trial, about["analysis"], error)
    told = _told(error) or str(error).removeprefix(f"{data.trial}: ")
    told = without_small_counts(told, data.study.privacy.smallest_group)
    said = "; ".join(line.strip().removesuffix(".") for line in told.splitlines() if line.strip())
    labels = {name: about[name] for name in _LABELS if about.get(name) is not None}
    row: Row = {
        "quantity": "difference",
        "contrast": "the analysis",
        **labels,
        "method": NOT_FITTED,
        "notes": f"{NOT_POSSIBLE}: {said}",
    }
    name = about["analysis"].removesuffix(WHOLE_ANALYSIS)
    listed: Row = {
        **row,
        "analysis": f"{NOT_POSSIBLE}, {name}",
        "quantity": "test",
        "status": "exploratory",
        "method": NOT_POSSIBLE,
        "notes": f"{NOT_POSSIBLE}: {name}: {said}",
    }
    return [row, listed]


def without_small_counts(text: str, smallest: int) -> str:
    """Hide counts of few participants, and single values, in a sentence that leaves the study.

    Parameters
    ----------
    text
        What an analysis says of the data.
    smallest
        The smallest group that is shown.

    Examples
    --------
    >>> without_small_counts("12 and 3 participants have both; at least 20 are needed", 5)
    '12 and fewer than 5 participants have both; at least 20 are needed'
    >>> without_small_counts("2 values are no whole numbers, such as 7.5. Mend it.", 5)
    'fewer than 5 values are no whole numbers. Mend it.'
    """

    def hidden(match: re.Match[str]) -> str:
        few = range(1, smallest)
        return re.sub(
            r"\d+", lambda n: f"fewer than {smallest}" if int(n[0]) in few else n[0], match[0]
        )

    text = re.sub(r", such as -?[\d.]*\d", "", text)
    return re.sub(r"\b(\d+ and )?\d+ (?=participants|values|assessments)", hidden, text)


def not_fitted(error: ValueError, about: Mapping[str, Any]) -> Row:
    """Make the row that stands for a model without a fit.

    Parameters
    ----------
    error
        The refusal. What one about the data says may name participants and stays in the log.
    about
        What the model's rows share.
    """
    told = _told(error) or NAMELESS
    return {
        "quantity": "difference",
        "contrast": "the model",
        **{name: about[name] for name in _LABELS if about.get(name) is not None},
        "method": NOT_FITTED,
        "converged": False,
        "notes": "; ".join(filter(None, [about.get("notes"), f"{NOT_FITTED}: {told}"])),
    }


def _told(error: ValueError) -> str:
    """Return what may be shared of an error that may name participants; empty for others."""
    from ipt_outcomes.imputation import ImputationError
    from ipt_outcomes.mixed import ConvergenceError, MixedModelError

    if isinstance(error, ConvergenceError):
        return "; ".join(error.findings)
    if isinstance(error, ImputationError):
        return error.shareable or NAMELESS
    return NAMELESS if isinstance(error, MixedModelError) else ""
