"""Sustained response: responded at the endpoint and at every follow-up visit.

Everyone randomised is counted, whether they responded at the endpoint or not: unlike relapse among
responders, this compares the randomised groups. Missing scores are imputed as for response.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData
from ipt_outcomes.analyses.imputed_risks import status_risks
from ipt_outcomes.analyses.response_data import baseline_scores, generator, score_matrix
from ipt_outcomes.analyses.response_rows import Comparison
from ipt_outcomes.analyses.status import RESPONSE, status_definitions
from ipt_outcomes.imputation.joint_normal import imputations
from ipt_outcomes.imputation.linearised import linearised
from ipt_outcomes.results import Row

Floats = NDArray[np.float64]


def sustained_rows(data: TrialData, outcome: str) -> Iterator[Row]:
    """Compare the arms on sustained response.

    Parameters
    ----------
    data
        The trial.
    outcome
        Short name of an outcome whose response is defined under ``analyses: response``.
    """
    study = data.study
    plan = study.analyses.response
    assert plan is not None, "the configuration is refused without it"
    estimand = study.primary_estimand
    endpoint = study.estimands[estimand].endpoint
    definitions = status_definitions(
        study, outcome, plan.outcomes[outcome], baseline_scores(data, outcome)
    )
    definition = next((one for one in definitions if one.name == RESPONSE), None)
    matrix = score_matrix(data, outcome, estimand, plan.adjust_for)
    end = study.visits[endpoint].week
    after = [k for k, v in enumerate(matrix.visits) if study.visits[v].week > end]
    if definition is None or not after:
        return
    seen = [bool(np.isfinite(column).any()) for column in matrix.scores.T]
    place = matrix.visits.index(endpoint)
    if not seen[0] or not seen[place] or not any(seen[k] for k in after):
        return
    later = [matrix.visits[k] for k in after if seen[k]]
    matrix = matrix.attended()
    after = [matrix.visits.index(visit) for visit in later]
    places = [matrix.visits.index(endpoint), *after]
    random = generator(data, outcome, "sustained response", estimand)
    limits = study.outcomes[outcome].range

    def sustained(scores: Floats) -> NDArray[np.bool_]:
        held = [definition.holds(scores[..., 0], scores[..., k]) for k in places]
        return np.asarray(np.all(held, axis=0))

    complete = list(
        imputations(matrix.scores, matrix.arm, matrix.covariates, plan.imputations, random, limits)
    )
    linear = linearised(matrix.scores, matrix.arm, matrix.covariates, random, limits)
    found = status_risks(complete, linear, matrix, sustained, [0, *places])
    until = study.visits[matrix.visits[after[-1]]].label
    note = (
        f"response: {definition.words}; at {study.visits[endpoint].label} and at every visit until "
        f"{until}, of everyone randomised; {found.how}"
    )
    where: Row = {
        "trial": data.trial,
        "outcome": outcome,
        "analysis": "sustained response",
        "analysis_set": AS_RANDOMISED,
        "estimand": estimand,
        "visit": matrix.visits[after[-1]],
        "method": "logistic regression on arm, baseline score and covariates, standardised "
        "(g-computation)",
        "status": "exploratory",
        "disclosure": "shared",
        "notes": note,
    }
    labels = {arm: study.arms[arm].label for arm in matrix.arms}
    smallest = study.privacy.smallest_group
    name = "sustained response"
    comparison = Comparison(where, matrix.arms, labels, name, True, plan.level, smallest)
    sizes = [int(n) for n in np.bincount(matrix.arm, minlength=len(matrix.arms))]
    yield from comparison.proportions(found.shares, sizes)
    yield from comparison.contrasts(found.fits, joined=found.joined)
