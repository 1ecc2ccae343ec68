"""Baseline covariates as columns of numbers.

A category becomes one column per level but the most frequent, a missing category a level of its
own; a missing number becomes the mean, which is unbiased for a baseline covariate of a randomised
trial (White & Thompson 2005, Statistics in Medicine 24:993), and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import CHARACTERISTIC

Floats = NDArray[np.float64]

NOT_RECORDED = "not recorded"


def covariate_columns(
    data: TrialData, people: pd.DataFrame, names: list[str]
) -> tuple[Floats, int]:
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
    columns: list[Floats] = []
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


@dataclass(frozen=True)
class UsefulColumns:
    """Covariates that neither the arms nor the covariates before them determine.

    Parameters
    ----------
    places
        Which columns these are, shape (at most q,).
    centre, scale
        Their means and SDs.
    """

    places: NDArray[np.int64]
    centre: Floats
    scale: Floats

    def of(self, covariates: Floats) -> Floats:
        """Take these columns, with mean 0 and SD 1 in the participants that chose them."""
        return np.asarray((covariates[..., self.places] - self.centre) / self.scale)


def useful_columns(own: Floats, covariates: Floats) -> UsefulColumns:
    """Find the covariates that a regression can estimate something from.

    Parameters
    ----------
    own
        A column of 0 and 1 for every arm, shape (n, arms).
    covariates
        Shape (n, q).

    Examples
    --------
    >>> own = np.eye(2)[[0, 0, 1, 1]]
    >>> covariates = np.array([[1.0, 5, 0], [2, 5, 0], [3, 5, 1], [5, 5, 1]])
    >>> useful_columns(own, covariates).of(covariates).shape
    (4, 1)
    """
    centre, scale = covariates.mean(axis=0), covariates.std(axis=0)
    (varying,) = np.nonzero(scale > 0)
    centred = (covariates[:, varying] - centre[varying]) / scale[varying]
    triangle = np.linalg.qr(np.hstack([own, centred]), mode="r")
    free = np.abs(np.diag(triangle))[own.shape[1] :] > 1e-8 * np.sqrt(len(own))
    places = varying[: len(free)][free]
    return UsefulColumns(places, centre[places], scale[places])
