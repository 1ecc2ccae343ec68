r"""What the fitted models rest on: residuals, influence, convergence, covariances.

Of the primary model of every outcome (:mod:`.diagnostics_primary`):

* normalised residuals :math:`L^{-1}(y - X\hat\beta)`, :math:`\hat\Sigma = LL'`: their quantiles
  beside those of a normal distribution, skewness, kurtosis, and SD by arm and visit;
* influence: the difference at the endpoint with each participant left out in turn (the model fitted
  anew each time), its smallest and largest value, and the largest Cook's distance; whose it is
  stands in a restricted file only;
* convergence: the Newton decrement and the smallest eigenvalue of the scaled information;
* the covariance chosen, and the difference at the endpoint with others.

Of the other models, where the study's configuration asks for them, what there is of the same:

=========================  ==============================  =====================================
model                      residuals                       influence; sensitivity
=========================  ==============================  =====================================
growth by phase            normalised                      Cook's distance
therapists, groups         normalised, given their effect  each cluster left out; covariance of
                                                           the arms
response by visit, days    Pearson, by arm and visit       one-step deletion; working correlation
times to events            deviance                        dfbeta; robust errors
response at the endpoint   calibration by predicted risk   each participant left out; covariates
                                                           held fixed or not
lagged effects, diary      normalised                      Cook's distance; independent residuals
=========================  ==============================  =====================================

A model that there is not leaves one row that says so. None of this is a test to
be passed: large trials reject any model, small ones none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.counts import configured_counts
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.diagnostics_clusters import examine_clusters
from ipt_outcomes.analyses.diagnostics_courses import examine_growth, examine_lagged
from ipt_outcomes.analyses.diagnostics_gee import examine_gee
from ipt_outcomes.analyses.diagnostics_hazards import examine_hazards
from ipt_outcomes.analyses.diagnostics_logistic import examine_logistic
from ipt_outcomes.analyses.diagnostics_primary import examine_primary
from ipt_outcomes.analyses.diary import diary_models
from ipt_outcomes.analyses.gee import GeeError
from ipt_outcomes.analyses.hazards import HazardError
from ipt_outcomes.analyses.lagged_effects import LaggedModel, lagged_models
from ipt_outcomes.analyses.logistic_influence import LogisticError
from ipt_outcomes.analyses.negative_binomial import CountError
from ipt_outcomes.analyses.repeated_shares import (
    RepeatedShares,
    repeated_days,
    repeated_statuses,
)
from ipt_outcomes.analyses.response_data import baseline_scores, score_matrix
from ipt_outcomes.analyses.status import REMISSION, RESPONSE, StatusError, status_definitions
from ipt_outcomes.analyses.therapists import TherapistError, clustered_outcomes
from ipt_outcomes.analyses.time_to_event import events
from ipt_outcomes.analyses.within_between import ProcessError
from ipt_outcomes.results import NOT_FITTED, Row, estimates

NO_MODEL = (GeeError, HazardError, LogisticError)
"""Models that these data do not have; their own analyses do without, and say so."""
REFUSED = (TherapistError, CountError, StatusError, ProcessError)
"""What the analyses refuse: their own rows tell what to mend."""
NOT_EXAMINED: Row = {"quantity": "test", "contrast": "the model", "method": "not examined"}
OWN_JOB_SAYS = "its own analysis refuses these data, and says why"

note = logging.getLogger(__name__)


def diagnostics(data: TrialData) -> pd.DataFrame:
    """Examine the primary model of every outcome, and the other models that are configured.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table; those that may be shared name no participant, therapist or
        group.
    """
    plan = data.study.analyses.diagnostics
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    analyses = data.study.analyses
    rows: list[Row] = []
    for outcome in data.study.outcomes_of(data.trial):
        where = _where(data, "diagnostics", outcome)
        rows += attempted(examine_primary(data, outcome, where, plan.covariances), where)
        if outcome == data.study.primary_outcome and analyses.growth is not None:
            of_growth = _where(data, "diagnostics, growth", outcome)
            rows += attempted(examine_growth(data, of_growth), of_growth)
    for asked, of in (
        (analyses.therapists, _of_therapists),
        (analyses.response, _of_response),
        (analyses.counts, _of_counts),
        (analyses.time_to_event, _of_events),
        (analyses.lagged_effects, _of_lagged_effects),
        (analyses.diary, _of_diary),
    ):
        if asked is not None:
            rows += of(data)
    return estimates(rows)


def _where(data: TrialData, analysis: str, outcome: str | None = None) -> Row:
    if outcome is None:
        return exploratory(data, analysis)
    return exploratory(data, analysis, outcome=outcome, estimand=data.study.primary_estimand)


def _examined(rows: Iterable[Row], where: Row) -> Iterator[Row]:
    """Pass on the rows of one model; one that there is not leaves a row that says why."""
    about = {**where, **NOT_EXAMINED}
    try:
        yield from attempted(rows, where)
    except NO_MODEL as error:
        yield {**about, "notes": f"no model: {error}"}
    except REFUSED as error:
        note.warning("%s: %s is not examined: %s", where["trial"], where["analysis"], error)
        yield {**about, "notes": OWN_JOB_SAYS}


def _of_therapists(data: TrialData) -> Iterator[Row]:
    plan = data.study.analyses.therapists
    assert plan is not None
    for outcome in clustered_outcomes(data, plan):
        where = _where(data, "diagnostics, therapists", outcome)
        yield from _examined(examine_clusters(data, plan, outcome, where), where)


def _of_response(data: TrialData) -> Iterator[Row]:
    plan = data.study.analyses.response
    assert plan is not None
    for outcome in data.study.outcomes_of(data.trial):
        if outcome not in plan.outcomes:
            continue
        where = _where(data, "diagnostics, response", outcome)
        yield from _examined(_of_statuses(data, outcome), where)


def _of_statuses(data: TrialData, outcome: str) -> Iterator[Row]:
    plan = data.study.analyses.response
    assert plan is not None
    visit = data.study.endpoint
    matrix = score_matrix(data, outcome, data.study.primary_estimand, plan.adjust_for)
    definitions = status_definitions(
        data.study, outcome, plan.outcomes[outcome], baseline_scores(data, outcome)
    )
    for definition in definitions:
        where = _where(data, f"diagnostics, {definition.name}", outcome)
        rows = examine_logistic(data, matrix, definition, visit, where, plan.level)
        yield from _examined(rows, where)
    for definition in definitions:
        if definition.name not in (RESPONSE, REMISSION):
            continue
        shares = repeated_statuses(matrix, definition, data.study.privacy.smallest_group)
        where = _where(data, f"diagnostics, {definition.name} by visit", outcome)
        yield from _examined(_of_shares(data, shares, where, plan.level, visit), where)


def _of_counts(data: TrialData) -> Iterator[Row]:
    plan = data.study.analyses.counts
    assert plan is not None
    for outcome, kind in plan.outcomes.items():
        if outcome not in data.study.outcomes_of(data.trial) or kind.bounded_at is None:
            continue
        where = _where(data, "diagnostics, counts", outcome)
        yield from _examined(_of_days(data, outcome, where), where)


def _of_days(data: TrialData, outcome: str, where: Row) -> Iterator[Row]:
    plan = data.study.analyses.counts
    assert plan is not None
    kind = plan.outcomes[outcome]
    matrix = configured_counts(data, outcome)
    assert kind.bounded_at is not None
    shares = repeated_days(matrix, kind.bounded_at)
    yield from _of_shares(data, shares, where, plan.level, kind.visit or data.study.endpoint)


def _of_shares(
    data: TrialData, shares: RepeatedShares | None, where: Row, level: float, visit: str
) -> Iterator[Row]:
    if shares is None:
        raise GeeError("at no visit does every arm have enough participants with it and without it")
    yield from examine_gee(data, shares, where, level, visit)


def _of_events(data: TrialData) -> Iterator[Row]:
    plan = data.study.analyses.time_to_event
    assert plan is not None
    where = _where(data, "diagnostics, time to events")
    yield from _examined(_of_each_event(data, plan.level), where)


def _of_each_event(data: TrialData, level: float) -> Iterator[Row]:
    refused: list[Row] = []
    for event in events(data, refused):
        where = {**_where(data, f"diagnostics, {event.analysis}"), **event.where}
        yield from _examined(examine_hazards(data, event, where, level), where)
    for row in (row for row in refused if row["method"] == NOT_FITTED):
        where = _where(data, f"diagnostics, {row['analysis']}", row["outcome"])
        yield {**where, **NOT_EXAMINED, "notes": OWN_JOB_SAYS}


def _of_lagged_effects(data: TrialData) -> Iterator[Row]:
    plan = data.study.analyses.lagged_effects
    assert plan is not None
    where = _where(data, "diagnostics, lagged effects")
    yield from _examined(_of_each_pair(data, lagged_models(data), plan.level), where)


def _of_diary(data: TrialData) -> Iterator[Row]:
    plan = data.study.analyses.diary
    assert plan is not None
    where = _where(data, "diagnostics, diary")
    yield from _examined(_of_each_pair(data, diary_models(data), plan.level), where)


def _of_each_pair(data: TrialData, models: Iterator[LaggedModel], level: float) -> Iterator[Row]:
    for model in models:
        where = _where(data, f"diagnostics, {model.where['analysis']}")
        yield from _examined(examine_lagged(data, model, where, level), where)
