r"""Trials in which participants share therapists or groups, with known truth.

.. math::

    y_{ik} = 20 - m_k + \delta_g t_k + b_{0i} + b_{1i} t_k + t_k u_c + e_{ik},

with :math:`t_k` the share of the course that has passed, :math:`\delta_g` the effect at the
endpoint in the arm ``treatment``, and :math:`u_c` the effect of the participant's cluster,
present in that arm only (a partially nested trial) or in both (a cluster-randomised trial).
Nothing is rounded, so that the truth is the model's own: the difference at the endpoint is
:math:`\delta`, the intraclass correlation there the one asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

WEEKS = (4, 8, 12, 16)


@dataclass(frozen=True)
class ClusteredDesign:
    """A two-arm trial with clusters.

    Parameters
    ----------
    clusters, size
        Clusters in an arm that has them, and participants in each; the arm without clusters has
        as many participants.
    icc
        Intraclass correlation at the endpoint, in the arms with clusters.
    effect
        Difference of the arm ``treatment`` from ``control`` at the endpoint (points).
    both_arms
        Whether the arm ``control`` consists of clusters too.
    training_effect
        Points at the endpoint per SD of the clusters' training.
    leaving
        Probability of leaving between two visits.
    control_sd_ratio
        Ratio of the random slope's SD in ``control`` to that in ``treatment``.
    """

    clusters: int = 12
    size: int = 6
    icc: float = 0.05
    effect: float = -3.0
    both_arms: bool = False
    training_effect: float = 0.0
    leaving: float = 0.06
    control_sd_ratio: float = 1.0

    @property
    def person_variance(self) -> float:
        """Variance between participants of one cluster at the endpoint, arm ``treatment``."""
        return 3.4**2 + 6.0**2 + 3.4**2

    @property
    def cluster_sd(self) -> float:
        """SD of the clusters' effects at the endpoint.

        Examples
        --------
        >>> round(ClusteredDesign(icc=0.05).cluster_sd, 2)
        1.68
        """
        # Given the baseline score, the model's residual variance is smaller; the intraclass
        # correlation asked for is the one among participants of equal baseline.
        explained = 3.4**4 / (3.4**2 + 3.4**2)
        return math.sqrt(self.icc / (1 - self.icc) * (self.person_variance - explained))


def simulate_clusters(design: ClusteredDesign, seed: int) -> pd.DataFrame:
    """Draw one trial.

    Parameters
    ----------
    design
        Its parameters.
    seed
        Any whole number.

    Returns
    -------
    pandas.DataFrame
        One row per participant and visit with a score: participant, arm, cluster (empty where
        there is none), training, visit (week, ordered categorical), week, course, baseline, score.

    Examples
    --------
    >>> rows = simulate_clusters(ClusteredDesign(clusters=3, size=4, leaving=0.0), seed=1)
    >>> rows.groupby("arm", observed=True)["cluster"].nunique().to_dict()
    {'control': 0, 'treatment': 3}
    """
    random = np.random.default_rng(seed)
    n = design.clusters * design.size
    arm = np.repeat([0, 1], n)
    code = np.tile(np.repeat(np.arange(design.clusters), design.size), 2) + arm * design.clusters
    clustered = (arm == 1) | design.both_arms
    training = random.normal(size=2 * design.clusters)[code]
    effect = design.cluster_sd * random.normal(size=2 * design.clusters)[code]
    effect = np.where(clustered, effect + design.training_effect * training, 0.0)
    course = np.array(WEEKS) / WEEKS[-1]
    level = random.normal(0, 3.4, 2 * n)
    slope = random.normal(0, 6.0, 2 * n) * np.where(arm == 1, 1.0, design.control_sd_ratio)
    noise = random.normal(0, 3.4, (2 * n, 5))
    mean = 20 - 8 * course + design.effect * np.outer(arm, course)
    score = mean + level[:, None] + np.outer(slope + effect, course[:]) + noise[:, 1:]
    gone = np.cumsum(random.random((2 * n, len(WEEKS))) < design.leaving, axis=1) > 0
    kept = ~gone
    who, visit = np.nonzero(kept)
    number = np.arange(1001, 1001 + 2 * n)
    label = np.array([f"C{c + 1:02d}" for c in range(2 * design.clusters)], object)[code]
    return pd.DataFrame(
        {
            "participant": number[who],
            "arm": np.array(["control", "treatment"])[arm[who]],
            "cluster": np.where(clustered, label, None)[who],
            "training": np.where(clustered, training, np.nan)[who],
            "visit": pd.Categorical(np.array(WEEKS)[visit], list(WEEKS), ordered=True),
            "week": np.array(WEEKS)[visit],
            "course": course[visit],
            "baseline": (20 + level + noise[:, 0])[who],
            "score": score[who, visit],
        }
    )
