"""The printout of a fitted model: what was fitted, to what, how, and did it converge."""

from __future__ import annotations

import pandas as pd

from .errors import MixedModelError
from .fitted import FittedModel


def describe(fit: FittedModel, coefficients: pd.DataFrame) -> str:
    """Write the summary of a fit and its coefficients, in the manner of mmrm's printout."""
    spec = fit.specification
    counts = fit.counts
    lines = [
        "Mixed model for repeated measures",
        "",
        f"Formula:       {spec.formula}",
        f"Data:          {fit.n_observations} observations of {fit.n_participants} participants, "
        f"{len(fit.layout.visits)} visits",
    ]
    lines += [
        f"               {number} rows {reason}"
        for reason, number in counts.items()
        if reason.startswith("excluded")
    ]
    parameters = fit.likelihood.parameters
    grouped = f" by {spec.covariance_by}" if spec.covariance_by else ""
    lines.append(f"Covariance:    {fit.covariance_used}{grouped} ({parameters} parameters)")
    if spec.random is not None:
        lines.append(f"Random:        {spec.random} by {spec.participant}")
    if spec.cluster is not None and fit.prepared.clusters is not None:
        where = f" where {spec.cluster_where}" if spec.cluster_where else ""
        number = len(fit.prepared.clusters.labels)
        lines.append(
            f"Clusters:      {number} of {spec.cluster}{where}, effect: {spec.cluster_effect}"
        )
    for name, outcome in fit.steps[:-1]:
        lines.append(f"               {name}: {outcome}")
    lines += [
        f"Method:        {'REML' if spec.reml else 'ML'}, {spec.df} degrees of freedom, "
        f"{spec.information} information, standard errors: {spec.standard_errors}",
        f"Convergence:   {fit.convergence.message} after {fit.convergence.iterations} steps; "
        f"largest gradient {fit.convergence.largest_gradient:.1e} (in standard errors), "
        f"smallest curvature {fit.convergence.smallest_curvature:.1e}",
        f"Fit:           log-likelihood {fit.loglik:.4f}, AIC {fit.aic:.2f}, AICc {fit.aicc:.2f}, "
        f"BIC {fit.bic:.2f}",
    ]
    if fit.aliased:
        lines.append(f"Not estimable: {', '.join(fit.aliased)}")
    lines += [f"Note:          {note}" for note in fit.notes]
    with pd.option_context(
        "display.width", 120, "display.max_rows", 500, "display.max_columns", 20
    ):
        lines += ["", "Coefficients", coefficients.round(5).to_string(index=False)]
        if spec.random is not None or spec.cluster is not None or not covariance_tables(fit):
            components = fit.variance_components.round(5).to_string(index=False)
            lines += ["", "Covariance parameters", components]
        for name, table in covariance_tables(fit).items():
            what = "residuals" if spec.random is not None else "visits"
            title = f"Covariance of the {what}{f', {name}' if name else ''}"
            lines += ["", title, table.round(4).to_string()]
    return "\n".join(lines)


def covariance_tables(fit: FittedModel) -> dict[str, pd.DataFrame]:
    """Return the covariances of the visits by group; none when participants have own times."""
    try:
        found = fit.covariance
    except MixedModelError:
        return {}
    return found if isinstance(found, dict) else {"": found}
