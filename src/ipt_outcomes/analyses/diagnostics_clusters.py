"""The model with therapists (or groups, sites), examined: see :mod:`.diagnostics`.

Its residuals are what the predicted effects of the clusters leave. Influence is that of clusters:
each is left out in turn and the model fitted anew. Which cluster moves the result stands in
restricted rows only, and where few clusters could be told apart by their effect, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.clustered_models import ClusterFit, ClusterModel, fit_clusters
from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.diagnostics_rows import (
    CHOSEN,
    arms_of,
    convergence_of_fit,
    extreme_rows,
    of_part,
    residuals_of_fit,
)
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.therapists import Clusters
from ipt_outcomes.results import Row, t_inference
from ipt_outcomes.study.clusters import TherapistsAnalysis

BY_ARM = " by arm"


def examine_clusters(
    data: TrialData, plan: TherapistsAnalysis, outcome: str, shared: Row
) -> Iterator[Row]:
    """Examine the model of one outcome with clusters.

    Parameters
    ----------
    data
        The trial.
    plan
        The section of the configuration on therapists.
    outcome
        Short name of the outcome.
    shared
        What the rows share.

    Raises
    ------
    ipt_outcomes.analyses.therapists.TherapistError
        When there are no clusters to tell apart.
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    clusters = Clusters.of(data, plan, outcome)
    found = fit_clusters(clusters.frame, clusters.model)
    where = _where(found, {**shared, "method": f"{clusters.method(clusters.model)}, examined"})
    unit = data.study.outcomes[outcome].unit
    yield from residuals_of_fit(found.fit, arms_of(data.participants), where, unit)
    yield from convergence_of_fit(found.fit, where)
    whole = _differences(found, clusters)
    where["n_arm"] = found.fit.n_participants
    yield from _left_out(clusters, whole, where, unit)
    yield from _covariance_rows(clusters, found, where, unit)


def _where(found: ClusterFit, shared: Row) -> Row:
    return {
        **shared,
        "covariance": _covariance(found),
        "converged": found.fit.convergence.converged,
    }


def _differences(found: ClusterFit, clusters: Clusters) -> pd.DataFrame:
    """Return the differences at the endpoint, indexed by arm in the trial's order."""
    table = found.fit.contrasts("arm", by="visit", reference=clusters.data.study.reference_arm)
    at = table[table["visit"].astype("str") == clusters.endpoint]
    at = at.assign(arm=at["arm"].astype("str")).set_index("arm")
    return at.loc[[arm for arm in clusters.data.arms if arm in at.index]]


def _compared(clusters: Clusters, arm: str) -> str:
    arms = clusters.data.study.arms
    return f"{arms[arm].label} minus {arms[clusters.data.study.reference_arm].label}"


def left_out(clusters: Clusters) -> pd.DataFrame:
    """Fit the model with each cluster left out in turn.

    Parameters
    ----------
    clusters
        Rows and model.

    Returns
    -------
    pandas.DataFrame
        Differences at the endpoint: a row per cluster, a column per arm; missing where the model
        could not be fitted, or the arm has no cluster left.
    """
    from ipt_outcomes.mixed import MixedModelError

    # Estimates only: Kenward and Roger's degrees of freedom would be most of the work.
    model = replace(clusters.model, degrees_of_freedom="normal")
    frame = clusters.frame
    names = sorted(frame["cluster"].dropna().unique(), key=str)
    lines = {}
    for name in names:
        rows = frame[~(frame["cluster"] == name)].reset_index(drop=True)
        try:
            found = fit_clusters(_levels_seen(rows), model)
            lines[name] = _differences(found, clusters)["estimate"]
        except MixedModelError:
            lines[name] = pd.Series(dtype=float)
    return pd.DataFrame(lines).T.reindex(index=names)


def _levels_seen(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop visits that nobody has been left at."""
    return rows.assign(visit=rows["visit"].cat.remove_unused_categories())


def _left_out(clusters: Clusters, whole: pd.DataFrame, where: Row, unit: str) -> Iterator[Row]:
    word = clusters.plan.cluster
    about = {**of_part(where, "influence"), "visit": clusters.endpoint, "unit": unit,
             "quantity": "difference"}  # fmt: skip
    table = left_out(clusters)
    for arm, everyone in whole["estimate"].items():
        every = table[arm] if arm in table else pd.Series(dtype=float)
        own = every.dropna()
        compared = {**about, "arm": str(arm), "contrast": _compared(clusters, str(arm))}
        if len(own) < SMALLEST:
            # Of two therapists, the smallest and the largest are the work of one each.
            yield {**compared, "contrast": f"{compared['contrast']}, one {word} left out",
                   "notes": SUPPRESSED}  # fmt: skip
        else:
            yield from extreme_rows(every.to_numpy(float), float(everyone), compared, word)
        for name, value in own.items():
            yield {**compared, "subgroup": f"without {word} {name}", "estimate": float(value),
                   "disclosure": "restricted"}  # fmt: skip


def _covariance_rows(clusters: Clusters, found: ClusterFit, where: Row, unit: str) -> Iterator[Row]:
    """Give the differences under the covariance chosen, and under the other one of the arms."""
    at = {**where, "visit": clusters.endpoint, "unit": unit, "quantity": "difference"}
    chosen = _covariance(found)
    yield from _under(clusters, found, at, f"{CHOSEN}; ")
    by_arm = chosen.endswith(BY_ARM)
    model = replace(clusters.model, residual="common" if by_arm else "by-arm")
    about = of_part(at, f"covariance {clusters.model.covariance}{'' if by_arm else BY_ARM}")
    yield from attempted(_other(clusters, model, chosen, at), about)


def _covariance(found: ClusterFit) -> str:
    by_arm = found.fit.specification.covariance_by is not None
    return found.fit.covariance_used + (BY_ARM if by_arm else "")


def _other(clusters: Clusters, model: ClusterModel, chosen: str, at: Row) -> Iterator[Row]:
    found = fit_clusters(clusters.frame, model)
    if _covariance(found) != chosen:  # where arms cannot be told apart, both are the same model
        yield from _under(clusters, found, _where(found, at), "")


def _under(clusters: Clusters, found: ClusterFit, at: Row, chosen: str) -> Iterator[Row]:
    words = _covariance(found)
    about = {**of_part(at, f"covariance {words}"), "covariance": words}
    notes = "; ".join([f"{chosen}AIC {found.fit.aic:.1f}, BIC {found.fit.bic:.1f}", *found.notes])
    for arm, line in _differences(found, clusters).iterrows():
        yield {
            **about,
            **t_inference(line.to_dict(), clusters.model.level),
            "contrast": _compared(clusters, str(arm)),
            "arm": str(arm),
            "reference": clusters.data.study.reference_arm,
            "notes": notes,
        }
