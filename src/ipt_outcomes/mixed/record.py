"""A fitted model as a small record, and the model again from the record and its rows.

What a fit has that its data have not is the request and the maximum θ̂ of the likelihood. A record
holds just these, as plain text and numbers, so that reading one can run nothing. With the rows that
were fitted everything else (β̂, its covariance, degrees of freedom) is evaluated at θ̂ again: no
search, and the same numbers as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd

from .errors import DesignError, MixedModelError
from .fit import MixedModelFit
from .maximum import Solution
from .model import AT_BOUNDARY, assemble, build_likelihood, build_structure
from .optimise import Convergence
from .prepare import prepare
from .source import Source
from .specification import Specification
from .threads import single_threaded

VERSION = 1
SAME = 1e-9
"""Largest relative difference of the log-likelihood from the recorded one."""


def record_of(fit: MixedModelFit, reference: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write a fitted model down.

    Parameters
    ----------
    fit
        A fit of :func:`.model.mixed_model`; streamed fits keep no rows and have no record.
    reference
        The reference levels of the call.

    Returns
    -------
    dict
        Text, numbers and lists only, fit for JSON; no row of the data.

    Raises
    ------
    MixedModelError
        For a streamed fit.

    Examples
    --------
    >>> from ipt_outcomes.mixed import mixed_model
    >>> data = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3, 4, 4], "week": [4, 8] * 4,
    ...     "score": [9.0, 7, 12, 8, 10, 9, 14, 11]})
    >>> fit = mixed_model("score ~ week", data, participant="id", visit="week")
    >>> again = reopen(record_of(fit), data)
    >>> bool(np.allclose(again.vcov, fit.vcov, rtol=1e-12))
    True
    """
    fit.need_rows("a record")
    notes = fit.notes[len(fit.design.notes) :]
    return {
        "version": VERSION,
        "specification": {**asdict(fit.specification)},
        "reference": dict(reference or {}),
        "covariance": fit.covariance_used,
        "parameters": [float(value) for value in fit.point.theta],
        "loglik": float(fit.loglik),
        "n_observations": int(fit.n_observations),
        "convergence": asdict(fit.convergence),
        "steps": [list(step) for step in fit.steps],
        "boundary": [note for note in notes if note not in {AT_BOUNDARY, *fit.fixed.notes}],
    }


def reopen(record: Mapping[str, Any], frame: pd.DataFrame) -> MixedModelFit:
    """Give the fitted model again, without fitting.

    Parameters
    ----------
    record
        What :func:`record_of` wrote.
    frame
        The rows that were fitted.

    Returns
    -------
    MixedModelFit
        As it was: any mean, contrast or test can be asked of it.

    Raises
    ------
    MixedModelError
        When the record is of another version, or the rows are not those that were fitted.
    """
    if record.get("version") != VERSION:
        raise MixedModelError(
            f"the record has version {record.get('version')!r}, this program reads {VERSION}; "
            "fit the model again."
        )
    known = {field.name for field in fields(Specification)}
    asked = {name: value for name, value in record["specification"].items() if name in known}
    asked["fallback"] = tuple(asked.get("fallback", ()))
    with single_threaded():
        prepared = prepare(Specification(**asked), Source(frame), dict(record["reference"]))
        name = str(record["covariance"])
        likelihood = build_likelihood(prepared, build_structure(prepared, name))
        point = likelihood.at(np.asarray(record["parameters"], float))
        if point is None or abs(-point.f - record["loglik"]) > SAME * abs(record["loglik"]):
            raise DesignError(
                "these are not the rows that the recorded model was fitted to: its likelihood "
                "is another one here. Open it with the rows that were kept beside it."
            )
        likelihood.differentiate(point)
        observed = likelihood.hessian(point, "observed")
        return assemble(
            prepared,
            likelihood,
            name,
            Solution(point, observed, Convergence(**record["convergence"]), [*record["boundary"]]),
            [(str(tried), str(what)) for tried, what in record["steps"]],
        )
