r"""Mediation: how much of an arm's effect on the outcome goes with a change of the mediator.

With arm T (1, or 0 for the reference), mediator M, outcome Y, and X the baseline scores of both and
the covariates of the primary analysis,

.. math::

    M = \alpha_0 + \alpha_1 T + \alpha_2 X + \epsilon, \qquad
    Y = \theta_0 + \theta_1 T + \theta_2 M + \theta_3 T M + \theta_4 X + \eta,

natural indirect effect :math:`(\theta_2 + \theta_3)\alpha_1`, natural direct effect
:math:`\theta_1 + \theta_3(\alpha_0 + \alpha_2 \bar X)`; they sum to the total effect (VanderWeele &
Vansteelandt 2009, Statistics and Its Interface 2:457). Intervals are expanded percentiles of a
bootstrap of participants within arms. The mediator was not randomised: the split assumes
sequential ignorability, and beside it stands the correlation of :math:`\epsilon` and :math:`\eta`
at which the indirect effect would vanish (Imai, Keele & Yamamoto 2010, Statistical Science 25:51;
without interaction).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.attempts import possible
from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.percentiles import (
    EXPANDED,
    TOO_FEW_SAMPLES,
    enough_samples,
    percentile_interval,
)
from ipt_outcomes.analyses.response_data import generator, score_matrix
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.process_analyses import MediationPath

Floats = NDArray[np.float64]

FEWEST = 20
SEQUENTIAL_IGNORABILITY = (
    "assumes sequential ignorability, which the data cannot show: given arm, baseline and "
    "covariates, nothing drives both mediator and outcome, and no consequence of treatment does"
)
COMPLETE_CASES = "participants with both baselines, mediator and outcome only"


class MediationError(ValueError):
    """A path that the trial's data cannot be asked about."""


@dataclass(frozen=True)
class Split:
    """The effect, taken apart.

    Parameters
    ----------
    indirect, direct, total
        Natural indirect, natural direct and total effect.
    """

    indirect: float
    direct: float
    total: float


def split_effect(
    arm: Floats, mediator: Floats, outcome: Floats, x: Floats, *, interaction: bool
) -> Split:
    """Take the effect of an arm apart.

    Parameters
    ----------
    arm
        1 for the arm, 0 for the reference, shape (n,).
    mediator, outcome
        Shape (n,).
    x
        Covariates, shape (n, q).
    interaction
        Whether the mediator may work differently in the two arms.

    Examples
    --------
    >>> arm = np.repeat([0.0, 1.0], 4)
    >>> mediator = np.array([1.0, 2, 3, 4, 3, 4, 5, 6])
    >>> outcome = 3 * mediator + arm
    >>> split = split_effect(arm, mediator, outcome, np.empty((8, 0)), interaction=False)
    >>> round(split.indirect, 6), round(split.direct, 6)
    (6.0, 1.0)
    """
    n = len(arm)
    centred = x - x.mean(axis=0)
    ones = np.ones(n)
    alpha = _coefficients(np.column_stack([ones, arm, centred]), mediator)
    columns = [ones, arm, mediator, *([arm * mediator] if interaction else []), centred]
    theta = _coefficients(np.column_stack(columns), outcome)
    by_arm = float(theta[3]) if interaction else 0.0
    indirect = (theta[2] + by_arm) * alpha[1]
    direct = theta[1] + by_arm * alpha[0]
    return Split(float(indirect), float(direct), float(indirect + direct))


def vanishing_correlation(arm: Floats, mediator: Floats, outcome: Floats, x: Floats) -> float:
    """Return the correlation of the two models' errors at which the indirect effect is zero.

    Parameters
    ----------
    arm, mediator, outcome, x
        As for :func:`split_effect`.
    """
    design = np.column_stack([np.ones(len(arm)), arm, x])
    left = [v - design @ _coefficients(design, v) for v in (mediator, outcome)]
    return float(stats.pearsonr(left[0], left[1]).statistic)


def _coefficients(design: Floats, y: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], np.float64)


def mediation(data: TrialData) -> pd.DataFrame:
    """Take effects apart along the configured paths.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    MediationError
        When the mediator does not lie between baseline and outcome. A path that too few
        participants can be asked about leaves a row that says so.
    """
    plan = data.study.analyses.mediation
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for name, path in plan.paths.items():
        _require_order(data, name, path)
    for name, path in plan.paths.items():
        about = exploratory(
            data,
            f"mediation, {name}",
            outcome=path.outcome or data.study.primary_outcome,
            estimand=data.study.primary_estimand,
            arm=path.arm,
            reference=path.reference or data.study.reference_arm,
        )
        rows.extend(possible(_path(data, name, path), data, about))
    return estimates(rows)


def _require_order(data: TrialData, name: str, path: MediationPath) -> None:
    study = data.study
    visits, endpoint = study.visits, study.estimands[study.primary_estimand].endpoint
    if not 0 < visits[path.mediator_visit].week < visits[endpoint].week:
        raise MediationError(
            f"mediation path {name}: the mediator is measured at {path.mediator_visit} (week "
            f"{visits[path.mediator_visit].week:g}), the outcome at {endpoint} (week "
            f"{visits[endpoint].week:g}). A mediator comes after baseline and before the outcome: "
            "mend mediator_visit."
        )


def _path(data: TrialData, name: str, path: MediationPath) -> Iterator[Row]:
    study, plan = data.study, data.study.analyses.mediation
    assert plan is not None
    outcome = path.outcome or study.primary_outcome
    estimand = study.primary_estimand
    endpoint = study.estimands[estimand].endpoint
    reference = path.reference or study.reference_arm
    visits = study.visits
    first = score_matrix(data, path.mediator, estimand, None)
    second = score_matrix(data, outcome, estimand, None)
    for arm in (path.arm, reference):
        if arm not in second.arms:
            raise MediationError(f"mediation path {name}: {data.trial} has no arm {arm}.")
    places = [second.arms.index(path.arm), second.arms.index(reference)]
    m, y = first.at(path.mediator_visit), second.at(endpoint)
    x = np.column_stack([second.baseline, first.baseline, second.covariates])
    two = np.isin(second.arm, places)
    inside = two & ~np.isnan(m) & ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    arm01 = (second.arm[inside] == places[0]).astype(float)
    n1, n0 = int(arm01.sum()), int((1 - arm01).sum())
    if min(n1, n0) < FEWEST:
        raise MediationError(
            f"mediation path {name}: {n1} and {n0} participants of {study.arms[path.arm].label} "
            f"and {study.arms[reference].label} have both baselines, "
            f"{study.outcomes[path.mediator].short_label} at {visits[path.mediator_visit].label} "
            f"and {study.outcomes[outcome].short_label} at {visits[endpoint].label}; at least "
            f"{FEWEST} in each arm are needed. Name another mediator_visit under analyses: "
            f"mediation: paths: {name}, or take the path out."
        )
    x = x[inside][:, np.ptp(x[inside], axis=0) > 0]
    whole = (arm01, m[inside], y[inside], x)
    best = split_effect(*whole, interaction=plan.interaction)
    random = generator(data, outcome, "mediation", name)
    drawn = bootstrap_split(whole, plan.bootstrap, random, interaction=plan.interaction)
    lost = int(two.sum()) - len(arm01)
    notes = [SEQUENTIAL_IGNORABILITY, COMPLETE_CASES]
    if not enough_samples(plan.bootstrap, plan.level, min(n1, n0)):
        notes.append(TOO_FEW_SAMPLES)
    if lost:
        notes.append(f"{lost} participants of these arms not analysed")
    about = exploratory(
        data,
        f"mediation, {name}",
        outcome=outcome,
        estimand=estimand,
        arm=path.arm,
        reference=reference,
        visit=endpoint,
        unit=study.outcomes[outcome].unit,
        n_arm=n1,
        n_reference=n0,
        method="linear mediation models" + (", arm by mediator" if plan.interaction else ""),
        notes="; ".join(notes),
    )
    through = f"{study.outcomes[path.mediator].short_label} at {visits[path.mediator_visit].label}"
    for column, (part, words) in enumerate(
        (
            ("indirect", f"indirect effect, through {through}"),
            ("direct", f"direct effect, not through {through}"),
            ("total", "total effect in these participants"),
        )
    ):
        value = getattr(best, part)
        lower, upper = percentile_interval(drawn[:, column], plan.level, min(n1, n0))
        yield {**about, "quantity": "difference", "subgroup": f"{part} effect", "contrast": words,
               "estimate": value, "se": float(drawn[:, column].std(ddof=1)),
               "lower": min(float(lower), value), "upper": max(float(upper), value),
               "level": plan.level,
               "interval_method": f"{plan.bootstrap} bootstrap samples, {EXPANDED}"}  # fmt: skip
    yield {**about, "quantity": "test", "subgroup": "sensitivity", "unit": "correlation",
           "contrast": "correlation of the two models' errors at which the indirect effect is zero",
           "statistic": vanishing_correlation(*whole),
           "method": "sensitivity to an unmeasured common cause, no interaction"}  # fmt: skip


def bootstrap_split(
    whole: tuple[Floats, Floats, Floats, Floats],
    samples: int,
    random: np.random.Generator,
    *,
    interaction: bool,
) -> Floats:
    """Draw participants within arms and take the effect apart each time.

    Parameters
    ----------
    whole
        Arm, mediator, outcome and covariates, as for :func:`split_effect`.
    samples
        How many draws.
    random
        Source of random numbers.
    interaction
        As for :func:`split_effect`.

    Returns
    -------
    numpy.ndarray
        Indirect, direct and total effect of each draw, shape (samples, 3).
    """
    arm = whole[0]
    groups = [np.flatnonzero(arm == value) for value in (0.0, 1.0)]
    drawn = np.empty((samples, 3))
    for place in range(samples):
        rows = np.concatenate([random.choice(g, len(g)) for g in groups])
        split = split_effect(*(part[rows] for part in whole), interaction=interaction)
        drawn[place] = split.indirect, split.direct, split.total
    return drawn
