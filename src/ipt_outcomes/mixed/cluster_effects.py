"""What the effect of a cluster is: constant, its own at each visit, or growing with time."""

from __future__ import annotations

import numpy as np

from .catalogue import make_structure
from .clustered import Cells
from .composition import Grouped
from .covariances import Linear, Structure, Unstructured
from .errors import DesignError
from .factors import Floats, level_label
from .prepare import Prepared
from .rows import ParticipantRows


def cluster_effect(prepared: Prepared) -> tuple[Floats, Structure]:
    """Return the loading λ per set (sets, T, q) and the covariance Ψ of the effects.

    Raises
    ------
    DesignError
        When an effect in time has no numeric times.
    """
    spec = prepared.spec
    assert prepared.clusters is not None
    labels = [level_label(v) for v in prepared.layout.visits]
    T, sets = len(labels), prepared.sets
    groups = prepared.clusters.groups
    base: Structure
    if spec.cluster_effect == "intercept":
        loading, base = np.ones((sets, T, 1)), Linear(np.ones((1, 1, 1)), ["variance"])
    elif spec.cluster_effect == "by visit":
        if prepared.times is not None and not (prepared.times == prepared.times[:1]).all():
            raise DesignError("cluster_effect='by visit' needs visits that participants share.")
        loading = np.broadcast_to(np.eye(T), (sets, T, T))
        base = make_structure(spec.cluster_covariance, labels)
    else:
        if prepared.times is None:
            raise DesignError(
                f"cluster_effect={spec.cluster_effect!r} needs times: numeric visits, or "
                "time='name of a numeric column'."
            )
        times = prepared.times[:, :, None]
        if spec.cluster_effect == "slope":
            loading, base = times, Linear(np.ones((1, 1, 1)), ["variance(slope)"])
        else:
            loading = np.concatenate([np.ones((sets, T, 1)), times], axis=2)
            base = Unstructured(["intercept", "slope"])
    if len(groups) == 1 and not groups[0]:
        return loading, base
    number = np.arange(len(groups))
    return loading, Grouped(base, groups, number, np.zeros(len(groups), np.int64))


def sum_cells(prepared: Prepared) -> Cells:
    """Sum design and outcome over the participants of each cluster and pattern."""
    clusters, statistics = prepared.clusters, prepared.statistics
    assert clusters is not None
    inside = np.flatnonzero(clusters.member >= 0)
    if isinstance(statistics, ParticipantRows):
        inside = inside[np.argsort(clusters.member[inside], kind="stable")]
        cluster, pattern = clusters.member[inside], inside
        n, x, y = statistics.n[inside], statistics.X[inside], statistics.y[inside]
    else:
        number = len(statistics.n)
        code = clusters.member[inside] * number + prepared.patterns.member[inside]
        cells, where = np.unique(code, return_inverse=True)
        where = where.ravel()
        cluster, pattern = cells // number, cells % number
        n = np.bincount(where, minlength=len(cells)).astype(float)
        z = prepared.scaled_z()[inside]
        zsum = np.zeros((len(cells), z.shape[1]))
        np.add.at(zsum, where, z)
        x = np.einsum("cd,tdp->ctp", zsum, statistics.selectors, optimize=True)
        x = np.where(statistics.mask[pattern][:, :, None], x, 0.0)
        y = np.zeros((len(cells), statistics.visits))
        np.add.at(y, where, prepared.free_outcome()[inside])
    starts = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    return Cells(cluster, pattern, n, x, y, starts, clusters.group)
