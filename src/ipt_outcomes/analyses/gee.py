r"""Generalised estimating equations with a covariance that is right in small trials.

For participant i with outcomes :math:`Y_i` at several visits, mean :math:`\mu_i = h(X_i\beta)` and
working covariance :math:`V_i` (exchangeable), the equations :math:`\sum D_i' V_i^{-1}
(Y_i - \mu_i) = 0` give :math:`\hat\beta`. The sandwich covariance with residuals inflated by
:math:`(I - H_i)^{-1}` does not shrink with few participants as the plain one does, and does not
rely on the working correlation. Intervals take Student's t with participants minus parameters as
degrees of freedom.

GEE use observed scores only and are unbiased when what is missing depends on arm, visit and
covariates alone, a stronger assumption than missing at random.

Sources: Liang & Zeger (1986), Biometrika 73:13; Mancl & DeRouen (2001), Biometrics 57:126.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


EXCHANGEABLE, INDEPENDENT = "exchangeable", "independent"


class GeeError(ValueError):
    """The estimating equations have no usable solution; says why."""


@dataclass(frozen=True)
class GeeFit:
    """Coefficients with their covariance.

    Parameters
    ----------
    coefficients, covariance
        Shapes (p,) and (p, p); the covariance is that of Mancl and DeRouen.
    covariance_plain
        The sandwich without the correction, shape (p, p).
    correlation
        The working correlation.
    dispersion
        Estimated scale: 1 for binomial or Poisson variation, more when counts spread more.
    participants
        How many participants are in the fit.
    """

    coefficients: Floats
    covariance: Floats
    covariance_plain: Floats
    correlation: float
    dispersion: float
    participants: int

    @property
    def df(self) -> float:
        """Degrees of freedom: participants minus parameters."""
        return float(self.participants - len(self.coefficients))

    def linear(self, weights: Floats, level: float) -> dict[str, float]:
        """Estimate a linear combination of coefficients with interval and p-value."""
        value = float(weights @ self.coefficients)
        se = float(np.sqrt(weights @ self.covariance @ weights))
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * se
        statistic = value / se
        return {
            "value": value,
            "se": se,
            "lower": value - half,
            "upper": value + half,
            "statistic": statistic,
            "p": float(2 * stats.t.sf(abs(statistic), self.df)),
        }


def binomial_gee(
    share: Floats,
    x: Floats,
    participant: NDArray[np.int64],
    trials: int = 1,
    *,
    working: str = EXCHANGEABLE,
) -> GeeFit:
    """Fit shares of a number of trials, with a logit link.

    Parameters
    ----------
    share
        Events over trials, between 0 and 1, shape (n,).
    x
        Design, shape (n, p).
    participant
        Number of the participant behind each row, ascending, shape (n,).
    trials
        Trials behind each share: 1 for a yes or no, 28 for days in the past 28 days. The
        dispersion is relative to independent trials.
    working
        Working correlation of a participant's outcomes: ``exchangeable`` or ``independent``.

    Raises
    ------
    GeeError
        When the fit does not converge or has no finite solution.

    Examples
    --------
    >>> share = np.array([1, 0, 1, 1, 0, 0, 1, 0.0])
    >>> fit = binomial_gee(share, np.ones((8, 1)), np.repeat(np.arange(4), 2))
    >>> round(abs(float(fit.coefficients[0])), 3)
    0.0
    """
    # Not statsmodels.api, which would load all of it.
    from statsmodels.genmod import cov_struct, families
    from statsmodels.genmod.generalized_estimating_equations import GEE
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, IterationLimitWarning

    several = working == EXCHANGEABLE and len(participant) > len(np.unique(participant))
    structure = cov_struct.Exchangeable() if several else cov_struct.Independence()
    model = GEE(share, x, participant, family=families.Binomial(), cov_struct=structure)
    with warnings.catch_warnings():
        # Turned into our own message below; not hidden.
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("error", IterationLimitWarning)
        warnings.filterwarnings("ignore", "Negative binomial dispersion", UserWarning)
        try:
            fit = model.fit(maxiter=200, cov_type="bias_reduced")
        except (ConvergenceWarning, IterationLimitWarning, np.linalg.LinAlgError) as error:
            raise GeeError(f"the estimating equations did not converge ({error})") from None
    coefficients = np.asarray(fit.params, float)
    covariance = np.asarray(fit.cov_params(), float)
    if not np.isfinite(covariance).all() or np.abs(coefficients).max() > 20:
        raise GeeError("the estimating equations have no finite solution")
    mu = 1 / (1 + np.exp(-(x @ coefficients)))
    pearson = (share - mu) ** 2 / (mu * (1 - mu) / trials)
    dispersion = float(pearson.sum() / (len(share) - len(coefficients)))
    correlation = float(np.asarray(structure.dep_params)) if several else 0.0
    return GeeFit(
        coefficients, covariance, np.asarray(fit.cov_robust, float), correlation, dispersion,
        len(np.unique(participant)),
    )  # fmt: skip


def arm_by_visit(
    arm: NDArray[np.int64],
    visit: NDArray[np.int64],
    arms: int,
    visits: int,
    covariates: Floats,
) -> Floats:
    """Lay out visit, arm within visit, and covariates.

    Parameters
    ----------
    arm, visit
        Positions, shape (n,); the last arm is the reference.
    arms, visits
        How many there are.
    covariates
        Shape (n, q); columns that the others determine are left out.

    Returns
    -------
    numpy.ndarray
        Columns: visits, then for each visit the arms but the last, then covariates.
    """
    at = np.eye(visits)[visit]
    own = np.eye(arms)[arm][:, :-1]
    design = np.hstack([at, (at[:, :, None] * own[:, None, :]).reshape(len(arm), -1)])
    for column in (covariates - covariates.mean(axis=0)).T:
        spread = column.std()
        if spread > 0:
            tried = np.column_stack([design, column / spread])
            if np.linalg.matrix_rank(tried) == tried.shape[1]:
                design = tried
    return design
