"""From a maximum of the likelihood to what tests of the fixed effects need."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .errors import DesignError
from .factors import Floats
from .kenward_roger import adjusted_covariance
from .likelihood import Likelihood, Point, Second
from .prepare import Prepared
from .sandwich import Block, sandwich
from .specification import Specification
from .tests_of_fixed_effects import FixedEffects

SMALLEST_RATIO = 0.5  # of an adjusted variance to the plain one


def fixed_effects(
    spec: Specification,
    prepared: Prepared,
    likelihood: Likelihood,
    point: Point,
    information: Floats,
) -> FixedEffects:
    """Collect estimates, covariance and the rule for df.

    Parameters
    ----------
    information
        Observed or expected information of the covariance parameters.
    """
    omega = np.asarray(np.linalg.inv(information), float)
    likelihood.products(point)
    assert point.B is not None
    beta = point.beta + prepared.statistics.offset
    out = FixedEffects(beta, point.phi, point.phi, point.B, omega, spec.df)
    if spec.df.startswith("kenward-roger"):
        second: Second = (None, None)
        if spec.df != "kenward-roger-linear":
            mmrm = spec.df == "kenward-roger-mmrm"
            second = likelihood.weighted_second(point, omega, mmrm=mmrm)
        out.vcov = adjusted_covariance(likelihood, point, omega, second)
        bent = any(part is not None for part in second)
        if bent and smallest_ratio(out.vcov, point.phi) < SMALLEST_RATIO:
            out.vcov = adjusted_covariance(likelihood, point, omega, (None, None))
            out.notes.append(
                "the second-order term of Kenward and Roger would take away more than half of a "
                "variance, beyond what the expansion can mean: left out"
            )
    elif spec.df == "between-within":
        out.fixed_df = between_within(prepared)
    elif spec.df == "residual":
        left = prepared.statistics.n_observations - len(beta)
        out.fixed_df = np.full(len(beta), float(left))
    if spec.standard_errors != "model":
        blocks = participant_blocks(prepared, likelihood, point)
        empirical = sandwich(blocks, point.phi, spec.standard_errors)
        out.vcov = empirical.vcov
        if spec.df == "satterthwaite":
            out.sandwich = empirical
    return out


def smallest_ratio(one: Floats, other: Floats) -> float:
    """Return the least ratio of the variances of a contrast under two covariances.

    Examples
    --------
    >>> smallest_ratio(np.diag([1.0, 2.0]), np.eye(2))
    1.0
    """
    lower = np.linalg.cholesky(other)
    half = np.linalg.solve(lower, one)
    return float(np.linalg.eigvalsh(np.linalg.solve(lower, half.T))[0])


def between_within(prepared: Prepared) -> Floats:
    """Return between-within df per coefficient (Schluchter & Elashoff 1990), as SAS and mmrm.

    Coefficients whose column is constant within participants get the participants' df, all others
    and the intercept the within-participant df.
    """
    kept = prepared.aliasing.kept
    columns = [prepared.design.columns[j] for j in kept]
    constant = np.array([prepared.design.between[j] for j in kept])
    intercept = np.array([not c.parts for c in columns])
    between = constant & ~intercept
    people, rows = len(prepared.layout.participants), prepared.statistics.n_observations
    outer = people - between.sum() - intercept.sum()
    inner = rows - people - (~constant).sum()
    out = np.where(between, float(outer), float(inner))
    if (out <= 0).any():
        raise DesignError(
            f"df='between-within' leaves {int(out.min())} degrees of freedom "
            f"{'between' if outer <= 0 else 'within'} participants ({people} participants, "
            f"{int(rows)} rows, {len(kept)} coefficients); use 'satterthwaite' or 'residual'."
        )
    return out


def participant_blocks(prepared: Prepared, likelihood: Likelihood, point: Point) -> Iterator[Block]:
    """Yield designs, residuals and Cholesky factors of Σ by pattern, analytic weights applied."""
    beta = point.beta + prepared.statistics.offset
    patterns = prepared.patterns
    order = np.argsort(patterns.member, kind="stable")
    ends = np.cumsum(np.bincount(patterns.member, minlength=len(patterns.counts)))
    for g, end in enumerate(ends):
        who = order[end - int(patterns.counts[g]) : end]
        at = patterns.mask[g]
        X = prepared.design_of(who)
        residual = np.where(prepared.seen[who], prepared.y[who] - X @ beta, 0.0)
        X, residual = prepared.weighted(X, who), prepared.weighted(residual, who)
        sigma = point.sigma[patterns.set_index[g]][np.ix_(at, at)]
        yield X[:, at], residual[:, at], np.linalg.cholesky(sigma)
