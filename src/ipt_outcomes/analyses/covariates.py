"""Baseline covariates as columns of numbers.

A category becomes one column per level but the most frequent, a missing category a level of its
own; a missing number becomes the mean, which is unbiased for a baseline covariate of a randomised
trial (White & Thompson 2005, Statistics in Medicine 24:993), and is counted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import CHARACTERISTIC

NOT_RECORDED = "not recorded"


def covariate_columns(
    data: TrialData, people: pd.DataFrame, names: list[str]
) -> tuple[NDArray[np.float64], int]:
    """Turn characteristics into columns of numbers.

    Parameters
    ----------
    data
        The trial.
    people
        Rows of its participant frame, n of them.
    names
        Characteristics, or ``site``.

    Returns
    -------
    tuple of numpy.ndarray and int
        Columns, shape (n, q), and how many numbers were missing and filled by the mean.
    """
    columns: list[NDArray[np.float64]] = []
    filled = 0
    for name in names:
        values = people["site"] if name == "site" else people[CHARACTERISTIC + name]
        if name != "site" and data.study.characteristics[name].kind == "number":
            number = values.astype("Float64").to_numpy(float, na_value=np.nan)
            lost = np.isnan(number)
            if lost.all():
                continue
            filled += int(lost.sum())
            columns.append(np.where(lost, number[~lost].mean(), number))
            continue
        text = values.astype("object").where(values.notna(), NOT_RECORDED).astype("str")
        counts = text.value_counts()
        # Sorted by name among equals, so that the order of rows never matters.
        levels = sorted(counts.index, key=lambda level: (-counts[level], level))
        columns += [(text == level).to_numpy(float) for level in levels[1:]]
    if not columns:
        return np.empty((len(people), 0)), filled
    return np.column_stack(columns), filled


def useful_columns(
    own: NDArray[np.float64], covariates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Drop covariates that the arms and the other covariates determine; scale the rest.

    Parameters
    ----------
    own
        A column of 0 and 1 for every arm, shape (n, arms).
    covariates
        Shape (n, q).

    Returns
    -------
    numpy.ndarray
        Columns of mean 0 and SD 1, shape (n, at most q).

    Examples
    --------
    >>> own = np.eye(2)[[0, 0, 1, 1]]
    >>> useful_columns(own, np.array([[1.0, 5, 0], [2, 5, 0], [3, 5, 1], [5, 5, 1]])).shape
    (4, 1)
    """
    centred = covariates - covariates.mean(axis=0)
    spread = centred.std(axis=0)
    centred = centred[:, spread > 0] / spread[spread > 0]
    triangle = np.linalg.qr(np.hstack([own, centred]), mode="r")
    kept = np.abs(np.diag(triangle))[own.shape[1] :] > 1e-8 * np.sqrt(len(own))
    useful: NDArray[np.float64] = centred[:, : len(kept)][:, kept]
    return useful
