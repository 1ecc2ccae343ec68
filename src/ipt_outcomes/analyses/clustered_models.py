r"""The mixed model for repeated measures with an effect of therapists or groups on top.

For participant i of cluster c in arm g at visit a, in the arms that have clusters,

.. math::

    y_{ia} = \text{baseline}_i \times a + g \times a + \text{covariates}_i + t_a u_c + e_{ia},
    \qquad u_c \sim N(0, \psi),\; e_i \sim N(0, \Sigma_g),

and without :math:`t_a u_c` in the others (partially nested; Roberts & Roberts 2005, Clinical Trials
2:152; Walwyn & Roberts 2010, Statistics in Medicine 29:2984). The share :math:`t_a` of the course
of treatment that has passed lets the effect build up from zero to its full size at the endpoint,
where the intraclass correlation is :math:`\psi / (\psi + \Sigma_{g,aa})`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

EFFECTS = {"growing": "slope", "by-visit": "by visit", "constant": "intercept"}
"""How the configuration calls the effects of clusters: how the engine does."""


@dataclass(frozen=True)
class ClusterModel:
    """What is fitted beside the rows.

    Parameters
    ----------
    effect
        ``growing``, ``by-visit`` or ``constant``; None leaves the clusters out.
    residual
        ``by-arm`` or ``common``.
    reference
        The arm in the intercept.
    covariates
        Columns in the model beside baseline, arm and visit.
    degrees_of_freedom
        ``kenward-roger`` or ``satterthwaite``.
    covariance
        Covariance of a participant's visits.
    level
        Level of the intervals.
    """

    effect: str | None
    reference: str
    residual: str = "by-arm"
    covariates: tuple[str, ...] = ()
    degrees_of_freedom: str = "kenward-roger"
    covariance: str = "unstructured"
    level: float = 0.95


@dataclass(frozen=True)
class ClusterFit:
    """A fitted model with the steps that were taken to get it.

    Parameters
    ----------
    fit
        The fit.
    notes
        What was given up on the way, and what the fit itself warns of.
    """

    fit: MixedModelFit
    notes: list[str]

    @property
    def at_boundary(self) -> bool:
        """Whether the clusters' variance is estimated as zero."""
        return any("the clusters" in note and "zero" in note for note in self.fit.notes)


def fit_clusters(rows: pd.DataFrame, model: ClusterModel, terms: Sequence[str] = ()) -> ClusterFit:
    """Fit the model; one covariance for all arms where theirs cannot be told apart.

    Parameters
    ----------
    rows
        One row per participant and visit with a score: participant, arm, visit (ordered
        categorical), baseline, score, cluster (empty outside), course (share of treatment that
        has passed) and covariates.
    model
        What is fitted.
    terms
        Further terms of the formula.

    Returns
    -------
    ClusterFit
        The fit and its notes.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When no model can be fitted.

    Examples
    --------
    >>> from ipt_outcomes.simulate.clusters import ClusteredDesign, simulate_clusters
    >>> rows = simulate_clusters(ClusteredDesign(clusters=8, size=5), seed=1)
    >>> found = fit_clusters(rows, ClusterModel("growing", "control"))
    >>> found.fit.contrasts("arm", by="visit")["visit"].tolist()
    [4, 8, 12, 16]
    """
    from ipt_outcomes.mixed import MixedModelError

    notes: list[str] = []
    by_arm = model.residual == "by-arm" and several_arms(rows)
    if by_arm:
        try:
            found = _fit(rows, model, terms, by_arm=True)
            if found.covariance_used == model.covariance:
                return ClusterFit(found, [*notes, *found.notes])
        except MixedModelError:
            pass
        notes.append("one covariance for all arms: theirs could not be told apart")
    found = _fit(rows, model, terms, by_arm=False)
    if found.covariance_used != model.covariance:
        notes.append(f"covariance stepped down to {found.covariance_used}")
    return ClusterFit(found, [*notes, *found.notes])


def several_arms(rows: pd.DataFrame) -> bool:
    """Whether rows of more than one arm are there."""
    return bool(rows["arm"].drop_duplicates().size > 1)


def _fit(
    rows: pd.DataFrame, model: ClusterModel, terms: Sequence[str], *, by_arm: bool
) -> MixedModelFit:
    from ipt_outcomes.mixed import mixed_model

    several = rows["visit"].drop_duplicates().size > 1
    by_visit = ["baseline", *(["arm"] if several_arms(rows) else [])]
    # A covariate with one value in these rows is constant and belongs to the intercept.
    covariates = [name for name in model.covariates if rows[name].drop_duplicates().size > 1]
    crossed = [f"{term}*visit" if several else term for term in by_visit]
    formula = "score ~ " + " + ".join([*crossed, *covariates, *terms])
    clusters: dict[str, Any] = {}
    if model.effect is not None:
        inside = rows["cluster"].notna()
        clusters = {"cluster": "cluster", "cluster_effect": EFFECTS[model.effect]}
        rows = rows.assign(in_cluster=inside, cluster=rows["cluster"].astype("object"))
        if not inside.all():
            clusters["cluster_where"] = "in_cluster"
    return mixed_model(
        formula,
        rows,
        participant="participant",
        visit="visit" if several else None,
        covariance=model.covariance if several else "independent",
        df=model.degrees_of_freedom,
        reference={"arm": model.reference} if "arm" in by_visit else None,
        level=model.level,
        covariance_by="arm" if by_arm else None,
        time="course" if model.effect == "growing" and several else None,
        **clusters,
    )
