"""The covariances by name: long names in words, and R mmrm's short codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .correlations import (
    AnteDependence,
    Autoregressive,
    LagCorrelation,
    SpatialExponential,
    VarianceCorrelation,
)
from .covariances import Linear, Structure, Unstructured
from .errors import MixedModelError, one_of
from .factors import Floats

CODES = {
    "us": "unstructured",
    "cs": "compound symmetry",
    "csh": "heterogeneous compound symmetry",
    "ar1": "autoregressive",
    "ar1h": "heterogeneous autoregressive",
    "toep": "toeplitz",
    "toeph": "heterogeneous toeplitz",
    "ad": "ante-dependence",
    "adh": "heterogeneous ante-dependence",
    "sp_exp": "spatial exponential",
    "id": "independent",
    "idh": "heterogeneous independent",
}
FALLBACK = [
    "unstructured",
    "heterogeneous toeplitz",
    "heterogeneous autoregressive",
    "heterogeneous compound symmetry",
    "compound symmetry",
]
_SYNONYMS = {
    "ar(1)": "autoregressive",
    "heterogeneous ar(1)": "heterogeneous autoregressive",
    "antedependence": "ante-dependence",
    "heterogeneous antedependence": "heterogeneous ante-dependence",
    "exchangeable": "compound symmetry",
    "homogeneous": "independent",
    "independence": "independent",
    "diagonal": "heterogeneous independent",
}


def covariance_name(name: str) -> str:
    """Return the long name of a covariance given by long name, synonym or mmrm's code.

    Raises
    ------
    MixedModelError
        For unknown names, the nearest one named.

    Examples
    --------
    >>> covariance_name("toeph"), covariance_name("Compound-Symmetry")
    ('heterogeneous toeplitz', 'compound symmetry')
    """
    plain = str(name).strip().lower()
    if plain in CODES:
        return CODES[plain]
    known = list(CODES.values())
    spaced = plain.replace("_", " ")
    for candidate in (
        spaced,
        spaced.replace("-", " "),
        spaced.replace("heterogenous", "heterogeneous"),
    ):
        candidate = _SYNONYMS.get(candidate, candidate)
        for long in known:
            if candidate in {long, long.replace("-", " ")}:
                return long
    return one_of("covariance", plain, known)


def number_of_parameters(name: str, visits: int) -> int:
    """Return the number of parameters of a covariance, without building it.

    Examples
    --------
    >>> number_of_parameters("unstructured", 5), number_of_parameters("heterogeneous toeplitz", 5)
    (15, 9)
    """
    if visits == 1 or name == "independent":
        return 1
    if name == "unstructured":
        return visits * (visits + 1) // 2
    if name == "heterogeneous independent":
        return visits
    variances = visits if name.startswith("heterogeneous") else 1
    banded = name.endswith(("toeplitz", "ante-dependence"))
    return variances + (visits - 1 if banded else 1)


def make_structure(name: str, labels: Sequence[str], times: Floats | None = None) -> Structure:
    """Build the covariance of one group.

    Parameters
    ----------
    name
        Long name.
    labels
        Visits in order.
    times
        Times of the visits, shape (sets, T), for the spatial exponential.

    Raises
    ------
    MixedModelError
        When times are needed and missing.

    Examples
    --------
    >>> make_structure("compound symmetry", ["4", "8"]).names
    ['common covariance', 'residual variance']
    """
    T = len(labels)
    if T == 1 and name not in {"independent", "heterogeneous independent"}:
        return Linear(np.ones((1, 1, 1)), ["variance"])
    lag = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    match name:
        case "unstructured":
            return Unstructured(labels)
        case "compound symmetry":
            other = VarianceCorrelation(LagCorrelation(T, name), labels, heterogeneous=False)
            matrices = np.stack([np.ones((T, T)), np.eye(T)])
            return Linear(matrices, ["common covariance", "residual variance"], other)
        case "toeplitz":
            other = VarianceCorrelation(LagCorrelation(T, name), labels, heterogeneous=False)
            matrices = np.array([lag == j for j in range(T)], float)
            return Linear(
                matrices, ["variance", *[f"covariance(lag {j})" for j in range(1, T)]], other
            )
        case "independent":
            return Linear(np.eye(T)[None], ["variance"])
        case "heterogeneous independent":
            matrices = np.eye(T)[:, :, None] * np.eye(T)[:, None, :]
            return Linear(matrices, [f"variance({v})" for v in labels])
        case "heterogeneous compound symmetry" | "heterogeneous toeplitz":
            kind = name.removeprefix("heterogeneous ")
            return VarianceCorrelation(LagCorrelation(T, kind), labels, heterogeneous=True)
        case "autoregressive" | "heterogeneous autoregressive":
            return VarianceCorrelation(Autoregressive(T), labels, heterogeneous="het" in name)
        case "ante-dependence" | "heterogeneous ante-dependence":
            return VarianceCorrelation(AnteDependence(labels), labels, heterogeneous="het" in name)
        case _:
            if times is None:
                raise MixedModelError(
                    "covariance='spatial exponential' needs the real times of the visits: numeric "
                    "visits, or time='name of a numeric column'."
                )
            return VarianceCorrelation(SpatialExponential(times), labels, heterogeneous=False)
