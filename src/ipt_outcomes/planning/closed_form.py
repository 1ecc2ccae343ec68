r"""Power by theory, for the part of the designs for which there is any.

When everybody is seen at every visit, the mixed model's difference at the endpoint is that of an
analysis of covariance there, and its t test is exact. Given the baseline scores,

.. math::

    \mathrm{Var}(\hat\Delta) = \sigma^2(1-\rho^2)\Bigl(\tfrac1{n_1}+\tfrac1{n_2}\Bigr)
    \Bigl(1 + \tfrac{F}{n-2}\Bigr), \qquad F \sim F_{1,\,n-2},

with :math:`\rho` the correlation of baseline and endpoint, so that power is the mean over F of a
noncentral t's tail with :math:`n - 3` df (two arms). Therapists multiply the variance of their
arm's mean by the design effect :math:`1 + (m-1)\,\mathrm{ICC}` of partially nested trials
(Moerbeek & Wong 2008, Statistics in Medicine 27:2850); that is an approximation and is labelled so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import gammaln

from ipt_outcomes.planning.design import PlannedTrial


@dataclass(frozen=True)
class ClosedForm:
    """What theory says of a design if everybody were seen at every visit.

    Parameters
    ----------
    power
        Chance that the two-sided test rejects.
    se
        Root of the mean variance of the difference.
    width
        Mean width of the interval.
    exact
        Whether this is exact for the design without dropout, or an approximation.
    assumptions
        What was left out, in words.
    """

    power: float
    se: float
    width: float
    exact: bool
    assumptions: str


def complete_data_power(design: PlannedTrial) -> ClosedForm:
    """Return power and precision by theory, had nobody left.

    Parameters
    ----------
    design
        The trial to come.

    Examples
    --------
    >>> from ipt_outcomes.planning.design import EXAMPLE
    >>> found = complete_data_power(PlannedTrial.model_validate(EXAMPLE))
    >>> round(found.power, 3), found.exact
    (0.946, True)
    """
    interest, other = (design.arms[arm] for arm in design.compare)
    end = design.endpoint_index
    covariance = design.covariance
    sigma2 = covariance[end, end]
    explained = covariance[0, end] ** 2 / covariance[0, 0]
    residual = sigma2 - explained
    n1, n2 = interest.participants, other.participants
    per_arm = [residual / n1, residual / n2]
    left_out = ["nobody leaves or misses a visit"]
    exact = design.outcome.range is None
    if not exact:
        left_out.append("scores are neither rounded nor clipped")
    modelled = False
    if design.therapists is not None:
        exact = False
        left_out.append("therapists enter by the design effect")
        modelled = design.therapists.analysis == "modelled"
        between = design.therapist_sd**2
        for place, arm in enumerate((interest, other)):
            if arm.psychotherapy:
                per_arm[place] += between / design.therapists.number
    if design.problem_areas and any(a.effect for a in design.problem_areas.values()):
        exact = False
        left_out.append("problem areas do not widen the scatter")
    total, arms = design.total, len(design.arms)
    df = total - arms - 1
    if modelled and design.therapists is not None:
        df = min(df, design.therapists.number - 1)
    base = float(sum(per_arm))
    between_df = total - arms
    critical = stats.t.ppf(0.5 + design.level / 2, df)
    delta = abs(design.true_difference)

    # Means over F by Gauss-Legendre on its distribution function.
    node, weight = np.polynomial.legendre.leggauss(24)
    inflation = 1 + stats.f.ppf((node + 1) / 2, 1, between_df) / between_df
    ncp = delta / np.sqrt(base * inflation)
    rejects = stats.nct.sf(critical, df, ncp) + stats.nct.cdf(-critical, df, ncp)
    power = float(weight @ rejects / 2)
    width = float(weight @ np.sqrt(base * inflation) / 2)
    # The estimated residual SD is smaller than the true one on average: E s = c4 σ.
    c4 = np.sqrt(2 / df) * np.exp(gammaln((df + 1) / 2) - gammaln(df / 2))
    mean_inflation = 1 + 1 / (between_df - 2)
    return ClosedForm(
        power, float(np.sqrt(base * mean_inflation)), float(2 * critical * c4 * width), exact,
        "; ".join(left_out),
    )  # fmt: skip
