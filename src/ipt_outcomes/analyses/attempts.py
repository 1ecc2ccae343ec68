"""What becomes of a model that cannot be fitted: a row that says so, and the others stand.

An analysis asks many models. One that has no maximum, or that these data cannot carry, takes its
own rows away and no others: in their place stands one row, ``method`` "not fitted", with the
reason. The primary model is the exception, since without it there is no answer: its failure ends
the analysis (:mod:`ipt_outcomes.analyses.primary`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ipt_outcomes.results import NOT_FITTED, Row

NAMELESS = "the data do not allow it (the log tells more)"
"""Said in place of a message that may name participants."""

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


def not_fitted(error: ValueError, about: Mapping[str, Any]) -> Row:
    """Make the row that stands for a model without a fit.

    Parameters
    ----------
    error
        The refusal. What one about the data says may name participants and stays in the log.
    about
        What the model's rows share.
    """
    from ipt_outcomes.imputation import ImputationError
    from ipt_outcomes.mixed import ConvergenceError

    told = NAMELESS
    if isinstance(error, ConvergenceError):
        told = "; ".join(error.findings)
    elif isinstance(error, ImputationError):
        told = error.shareable or NAMELESS
    return {
        "quantity": "difference",
        "contrast": "the model",
        **{name: about[name] for name in _LABELS if about.get(name) is not None},
        "method": NOT_FITTED,
        "converged": False,
        "notes": "; ".join(filter(None, [about.get("notes"), f"{NOT_FITTED}: {told}"])),
    }
