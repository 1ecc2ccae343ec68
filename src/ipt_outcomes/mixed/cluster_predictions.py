"""Predicted effects of clusters with their uncertainty: what a caterpillar plot shows.

With u the effects and K = (Ψ⁻¹ + Z'WZ)⁻¹, the error of the prediction û = KZ'W(y − Xβ̂) is

    Var(û − u) = K + N Φ N' ,   N = K Z'W X ,

the second part for the estimated coefficients (Henderson 1975, Biometrics 31:423). The uncertainty
about Ψ itself is not in it. Where Ψ is zero the effects and their errors are zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .clustered import ClusteredLikelihood, ClusterPoint
from .errors import MixedModelError
from .factors import level_label
from .fitted import FittedModel


def cluster_predictions(fit: FittedModel, visit: Any) -> pd.DataFrame:
    """Predict the effect of every cluster at one visit.

    Parameters
    ----------
    fit
        A fit with clusters.
    visit
        The visit.

    Returns
    -------
    Frame: cluster, participants, effect, se (of prediction).

    Raises
    ------
    MixedModelError
        For models without clusters, or an unknown visit.
    """
    likelihood, point, clusters = fit.likelihood, fit.point, fit.prepared.clusters
    if clusters is None or not (
        isinstance(likelihood, ClusteredLikelihood) and isinstance(point, ClusterPoint)
    ):
        raise MixedModelError("the model has no clusters (cluster='…').")
    visits = [level_label(v) for v in fit.layout.visits]
    if level_label(visit) not in visits:
        raise MixedModelError(f"visit {visit!r} is not among {', '.join(visits)}.")
    load = likelihood.full_loading[0, visits.index(level_label(visit))]
    error = point.K + point.N @ fit.fixed.phi @ point.N.transpose(0, 2, 1)
    variance = np.einsum("q,cqr,r->c", load, error, load)
    people = np.bincount(clusters.member[clusters.member >= 0], minlength=len(clusters.labels))
    return pd.DataFrame(
        {
            "cluster": clusters.labels,
            "participants": people,
            "effect": point.u @ load,
            "se": np.sqrt(np.maximum(variance, 0.0)),
        }
    )
