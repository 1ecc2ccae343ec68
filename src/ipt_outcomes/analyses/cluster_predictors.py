"""Whether fidelity or training goes with the outcome: between therapists, and within them.

In the arms with therapists alone, a predictor x of participant i with therapist c enters as the
therapist's mean and as the participant's deviation from it,

    y_ia = … + β_between x̄_c t_a + β_within (x_ic − x̄_c) t_a + t_a u_c + e_ia ,

so that what good therapists do differently is not mixed with what is done with promising
participants. Nobody was randomised to either: observational. A predictor that is the same for all
of a therapist's participants, such as years of training, has a between part only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.clustered_models import ClusterModel, fit_clusters
from ipt_outcomes.analyses.participant_values import participant_numbers
from ipt_outcomes.results import Row, t_inference

if TYPE_CHECKING:
    from ipt_outcomes.analyses.data import TrialData


OBSERVATIONAL = "not randomised: an association, not an effect"


def predictor_rows(
    data: TrialData,
    cluster: str,
    name: str,
    frame: pd.DataFrame,
    model: ClusterModel,
    arms: list[str],
    about: Row,
) -> Iterator[Row]:
    """Give the slope of the outcome at the endpoint in a predictor, between and within.

    Parameters
    ----------
    data
        The trial.
    cluster, name
        How cluster and predictor are called.
    frame
        Rows of :func:`ipt_outcomes.analyses.therapists.cluster_rows`.
    model
        What is fitted.
    arms
        The arms that have clusters.
    about
        Columns that all rows share.
    """
    values = frame["participant"].map(participant_numbers(data, name)).astype(float)
    inside = frame["arm"].isin(arms) & frame["cluster"].notna() & values.notna()
    yield from slopes(frame[inside].assign(predictor=values[inside]), model, name, about, cluster)


def slopes(
    rows: pd.DataFrame, model: ClusterModel, name: str, about: Row, cluster: str
) -> Iterator[Row]:
    """Fit one predictor.

    Parameters
    ----------
    rows
        Rows of participants with a cluster and a value in ``predictor``.
    model, about
        As for :func:`predictor_rows`.
    name, cluster
        How predictor and cluster are called.
    """
    people = rows.drop_duplicates("participant")
    mean = people.groupby("cluster")["predictor"].mean()
    between = rows["cluster"].map(mean).astype(float) - float(mean.mean())
    within = rows["predictor"] - rows["cluster"].map(mean).astype(float)
    terms, words = [], []
    if mean.drop_duplicates().size > 1:
        terms.append("between_course")
        words.append(("between", f"per unit of a {cluster}'s mean {name}"))
    if float(within.abs().max()) > 1e-9:
        terms.append("within_course")
        words.append(("within", f"per unit of {name} above the {cluster}'s mean"))
    reference = model.reference if model.reference in set(rows["arm"]) else str(rows["arm"].iloc[0])
    rows = rows.assign(
        between_course=between * rows["course"], within_course=within * rows["course"]
    )
    # One effect of a cluster in these arms; a sub-group of the arms has one covariance of its own.
    found = fit_clusters(rows, replace(model, reference=reference), terms)
    table = found.fit.coefficients.set_index("term").to_dict("index")
    notes = "; ".join(filter(None, [OBSERVATIONAL, about.get("notes"), *found.notes]))
    for term, (part, contrast) in zip(terms, words, strict=True):
        line = table[term]
        if not np.isfinite(line["estimate"]):
            continue
        yield {
            **about,
            "analysis": f"therapists, {name}",
            "covariance": found.fit.covariance_used,
            "converged": found.fit.convergence.converged,
            "quantity": "slope",
            "subgroup": f"{part} {cluster}s",
            "contrast": f"outcome at the end of treatment {contrast}",
            **t_inference(line, model.level),
            "n_arm": int(people["participant"].nunique()),
            "status": "exploratory",
            "notes": notes,
        }
