"""Comparing fitted models: likelihood-ratio tests, and the intraclass correlation of clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, expit, logit

from .clustered import ClusteredLikelihood
from .errors import MixedModelError, one_of
from .factors import level_label
from .fitted import FittedModel
from .inference import confidence, quantile
from .profile import variance_interval


def likelihood_ratio_test(smaller: FittedModel, larger: FittedModel) -> pd.DataFrame:
    """Test a model against a larger one that contains it.

    Parameters
    ----------
    smaller, larger
        Fits to the same outcomes. Models with different fixed effects must both be fitted by full
        maximum likelihood (``reml=False``): restricted likelihoods of different designs are not
        comparable.

    Returns
    -------
    One line: statistic, df, p. Where variances are tested against zero the p-value is
    conservative (Self & Liang 1987, JASA 82:605).

    Raises
    ------
    MixedModelError
        For models that cannot be compared.

    Examples
    --------
    >>> from ipt_outcomes.mixed import mixed_model
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"id": np.repeat(np.arange(20), 2), "week": np.tile([4, 8], 20)})
    >>> data["score"] = rng.normal(10, 3, 40)
    >>> common = dict(participant="id", visit="week", df="satterthwaite", reml=False)
    >>> one = mixed_model("score ~ 1", data, **common)
    >>> two = mixed_model("score ~ week", data, **common)
    >>> int(likelihood_ratio_test(one, two)["df"].iloc[0])
    1
    """
    if not isinstance(smaller, FittedModel) or not isinstance(larger, FittedModel):
        raise MixedModelError("a likelihood-ratio test compares two fitted models.")
    findings = []
    if smaller.n_observations != larger.n_observations:
        findings.append(
            f"the models analyse different rows ({smaller.n_observations} and "
            f"{larger.n_observations})"
        )
    if smaller.specification.reml != larger.specification.reml:
        findings.append("one model is fitted by REML, the other by ML")
    same = smaller.design.names == larger.design.names
    if larger.specification.reml and not same:
        findings.append("the fixed effects differ: fit both with reml=False")
    df = (len(larger.aliasing.kept) - len(smaller.aliasing.kept)) + (
        larger.likelihood.parameters - smaller.likelihood.parameters
    )
    if df <= 0:
        findings.append("the second model must have more parameters than the first")
    if findings:
        raise MixedModelError(findings)
    statistic = max(0.0, 2 * (larger.loglik - smaller.loglik))
    p = float(chdtrc(df, statistic))
    return pd.DataFrame({"statistic": [statistic], "df": [df], "p": [p]})


def intraclass_correlation(
    fit: FittedModel,
    visit: Any = None,
    level: float | None = None,
    interval: str = "delta",
) -> pd.DataFrame:
    """Return the share of the variance at a visit that lies between clusters.

    ICC_a = λ_a'Ψλ_a / (λ_a'Ψλ_a + Σ_aa), with a delta-method interval on the logit scale. At the
    boundary the estimate and the lower limit are 0 and the upper limit takes the variance at its
    own upper limit. Few clusters make that interval useless; a single variance has a profile
    interval too, see :mod:`.profile`.

    Parameters
    ----------
    visit
        One visit; all by default.
    level
        Confidence level.
    interval
        ``"delta"`` or ``"profile"``.

    Returns
    -------
    Frame: visit, group of the clusters, group of the covariance, icc, se, lower, upper.

    Raises
    ------
    MixedModelError
        For models without clusters, or an unknown visit.
    """
    likelihood = fit.likelihood
    if not isinstance(likelihood, ClusteredLikelihood) or fit.prepared.clusters is None:
        raise MixedModelError("the model has no clusters (cluster='…').")
    visits = [level_label(v) for v in fit.layout.visits]
    if visit is None:
        wanted = list(range(len(visits)))
    elif level_label(visit) in visits:
        wanted = [visits.index(level_label(visit))]
    else:
        raise MixedModelError(f"visit {visit!r} is not among {', '.join(visits)}.")
    own, psi = likelihood.split(fit.point.theta)
    k = len(own)
    sigma, D = likelihood.structure.sigma(own), likelihood.structure.first(own)
    Psi, E = likelihood.effect.sigma(psi), likelihood.effect.first(psi)
    wanted_level = confidence(fit.specification.level if level is None else level)
    z = float(quantile(wanted_level, np.array([np.inf]))[0])
    one_of("interval", interval, ["delta", "profile"])
    profiles = {}
    if interval == "profile":
        if likelihood.loading.shape[2] != 1:
            raise MixedModelError(
                "a profile interval needs one variance per group of clusters: cluster_effect "
                "'intercept' or 'slope'."
            )
        for c in range(len(Psi)):
            profiles[c] = variance_interval(likelihood, fit.point.theta, k + c, wanted_level)
    lines = []
    for a in wanted:
        for c, cluster_group in enumerate(fit.prepared.clusters.groups):
            for g, group in enumerate(fit.prepared.groups):
                s = int(np.flatnonzero(fit.prepared.group_of_set == g)[0])
                load = likelihood.full_loading[s, a]
                alike = np.flatnonzero(fit.prepared.group_of_set == g)
                spread = likelihood.full_loading[alike, a] - load
                own_sigma = sigma[alike, a, a] if len(sigma) > 1 else sigma[0, a, a]
                if np.any(spread) or not np.allclose(own_sigma, sigma[s, a, a]):
                    raise MixedModelError(
                        "participants have times of their own, so that no visit has one "
                        "intraclass correlation."
                    )
                between, within = float(load @ Psi[c] @ load), float(sigma[s, a, a])
                total = between + within
                slope = np.zeros(len(fit.point.theta))
                slope[k:] = (E[:, c] @ load @ load) * within / total**2
                slope[:k] = -D[:, s, a, a] * between / total**2
                # At the boundary a factorised variance leaves a trace of rounding.
                icc = between / total if between > 1e-12 * total else 0.0
                se = float(np.sqrt(max(float(slope @ fit.fixed.omega @ slope), 0.0)))
                if c in profiles:
                    ends = []
                    for theta in (profiles[c].theta_lower, profiles[c].theta_upper):
                        mine, other = likelihood.split(theta)
                        effect = likelihood.effect.sigma(other)[c]
                        part = float(load @ effect @ load)
                        ends.append(part / (part + likelihood.structure.sigma(mine)[s, a, a]))
                    icc = max(icc, 0.0)
                    lower, upper = float(min(ends[0], icc)), float(max(ends[1], icc))
                elif icc > 1e-8 and icc < 1:
                    half = z * se / (icc * (1 - icc))
                    lower, upper = float(expit(logit(icc) - half)), float(expit(logit(icc) + half))
                else:
                    icc, lower, upper = max(icc, 0.0), 0.0, min(1.0, z * se)
                line = {"visit": fit.layout.visits[a]}
                if cluster_group:
                    line["cluster group"] = cluster_group
                if group:
                    line["group"] = group
                lines.append(line | {"icc": icc, "se": se, "lower": lower, "upper": upper})
    return pd.DataFrame(lines)
