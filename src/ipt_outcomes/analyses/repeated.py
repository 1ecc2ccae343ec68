"""One mixed model for repeated measures and its rows of the estimates table.

For participant i and visit a, with group g (an arm, or a problem area),

    score_ia = baseline_i x visit_a + g_i x visit_a + covariates_i + e_ia,   Var(e_i) unstructured.

The primary, problem-area and medication analyses are this model with another group; what they
share is here. When the unstructured covariance cannot be fitted, the engine steps down its
prespecified sequence; the step is recorded in the rows, and the cluster-robust (CR2) errors are
then primary, with the model-based ones beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ipt_outcomes.analyses.data import ModelFrame, TrialData
from ipt_outcomes.analyses.fits import keep
from ipt_outcomes.results import Row
from ipt_outcomes.study.plan import PrimaryAnalysis

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


DEGREES_OF_FREEDOM = {"kenward-roger": "Kenward–Roger", "satterthwaite": "Satterthwaite"}


def covariance_sequence() -> list[str]:
    """Name the covariances of the visits in the order in which they are tried.

    Examples
    --------
    >>> covariance_sequence()[:2]
    ['unstructured', 'heterogeneous toeplitz']
    """
    from ipt_outcomes.mixed.catalogue import FALLBACK

    return list(FALLBACK)


@dataclass(frozen=True)
class RepeatedMeasures:
    """A fitted model of repeated measures with what its rows have in common.

    Parameters
    ----------
    fit
        The fitted model.
    group
        Column whose levels are compared: ``arm`` or ``problem_area``.
    counts
        Participants with a score, by level of the group and visit.
    where
        Columns that all rows share.
    names
        Level of the group: how it is called in words.
    level
        Level of the intervals.
    model_based
        The same with model-based errors, when the covariance had to be stepped down and the
        errors of this one are robust.
    """

    fit: MixedModelFit
    group: str
    counts: dict[tuple[str, str], int]
    where: Row
    names: dict[str, str]
    level: float
    model_based: RepeatedMeasures | None = None

    def means(self) -> Iterator[Row]:
        """Give the adjusted means by group and visit."""
        for mean in self.fit.means(self.group, by="visit").to_dict("records"):
            group, visit = str(mean[self.group]), str(mean["visit"])
            yield {
                **self._inference(mean),
                "quantity": "mean",
                "arm": group,
                "visit": visit,
                "n_arm": self.counts.get((group, visit), 0),
            }

    def differences(self, reference: str, groups: list[str] | None = None) -> Iterator[Row]:
        """Give the differences from a reference by visit, all groups or those named."""
        table = self.fit.contrasts(self.group, by="visit", reference=reference)
        for difference in table.to_dict("records"):
            group, visit = str(difference[self.group]), str(difference["visit"])
            if groups is not None and group not in groups:
                continue
            yield {
                **self._inference(difference),
                "quantity": "difference",
                "contrast": f"{self.names[group]} minus {self.names[reference]}",
                "arm": group,
                "reference": reference,
                "visit": visit,
                "statistic": difference["statistic"],
                "p": difference["p"],
                "n_arm": self.counts.get((group, visit), 0),
                "n_reference": self.counts.get((reference, visit), 0),
            }

    def _inference(self, estimated: Mapping[Any, Any]) -> Row:
        return {
            **self.where,
            "estimate": estimated["estimate"],
            "se": estimated["se"],
            "df": estimated["df"],
            "lower": estimated["lower"],
            "upper": estimated["upper"],
            "level": self.level,
            "interval_method": "t",
        }


def fit_repeated_measures(
    data: TrialData,
    frame: ModelFrame,
    *,
    group: str,
    reference: str,
    names: dict[str, str],
    where: Row,
    also: tuple[str, ...] = (),
) -> RepeatedMeasures:
    """Fit the model to the rows of a model frame.

    Parameters
    ----------
    data
        The trial.
    frame
        Rows as :func:`ipt_outcomes.analyses.data.model_frame` makes them.
    group
        Column whose levels are compared.
    reference
        The level that stands in the model's intercept.
    names
        Level of the group: how it is called in words.
    where
        Columns that the rows have in common: analysis, outcome, estimand ...
    also
        Further terms, with their interaction by visit (such as ``arm`` where areas are compared).

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted; the message says why.
    """
    plan = data.study.analyses.primary
    observed = frame.rows[frame.rows["score"].notna()]
    formula = repeated_formula(observed, plan.adjust_for, ["baseline", *also, group])
    fit = fit_as_primary(plan, formula, observed, {group: reference})
    stepped_down = fit.covariance_used != plan.covariance
    if stepped_down:
        # A simpler covariance may be wrong: the errors that do not rely on it come first.
        model_based = fit
        fit = fit_as_primary(
            plan, formula, observed, {group: reference}, covariance=fit.covariance_used,
            df="satterthwaite", standard_errors="CR2", fallback=False,
        )  # fmt: skip
    counts = observed.groupby([group, "visit"], observed=True)["participant"].nunique()
    outcome = data.study.outcomes[where["outcome"]]
    shared: Row = {
        "trial": data.trial,
        "unit": outcome.unit,
        "method": _method(plan.degrees_of_freedom, robust=stepped_down),
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
        "disclosure": "shared",
        **where,
    }
    parts = ("trial", "outcome", "analysis", "analysis_set", "estimand")
    shared["model_id"] = "/".join(str(shared[part]).replace(" ", "-") for part in parts)
    keep(str(shared["model_id"]), fit, observed, {group: reference})
    counted = {(str(g), str(v)): int(n) for (g, v), n in counts.items()}  # type: ignore[misc, has-type]
    if not stepped_down:
        return RepeatedMeasures(fit, group, counted, shared, names, plan.level)
    steps = "; ".join(f"{name}: {what}" for name, what in model_based.steps)
    shared["notes"] = "; ".join(
        filter(None, [where.get("notes"), f"covariance stepped down ({steps})"])
    )
    beside = {
        **shared,
        "analysis": f"{where['analysis']}, model-based errors",
        "method": _method(plan.degrees_of_freedom, robust=False),
        "status": "exploratory",
    }
    return RepeatedMeasures(
        fit, group, counted, shared, names, plan.level,
        RepeatedMeasures(model_based, group, counted, beside, names, plan.level),
    )  # fmt: skip


def repeated_formula(observed: pd.DataFrame, adjust_for: list[str], by_visit: list[str]) -> str:
    """Write the formula of the model.

    Parameters
    ----------
    observed
        Rows with a score.
    adjust_for
        Covariates; one with a single value in these rows belongs to the intercept.
    by_visit
        Terms that interact with the visit, where there are several.
    """
    covariates = [name for name in adjust_for if observed[name].drop_duplicates().size > 1]
    several = observed["visit"].drop_duplicates().size > 1
    terms = [f"{term}*visit" if several else term for term in by_visit]
    return "score ~ " + " + ".join([*terms, *covariates])


def fit_as_primary(
    plan: PrimaryAnalysis,
    formula: str,
    observed: pd.DataFrame,
    reference: Mapping[str, str] | None = None,
    **instead: Any,
) -> MixedModelFit:
    """Fit a formula by visit with the covariance, degrees of freedom and level of the primary plan.

    Parameters
    ----------
    plan
        The primary analysis of the configuration.
    formula, observed, reference
        The model, the rows with a score, and the reference level of a column.
    instead
        What :func:`ipt_outcomes.mixed.mixed_model` is asked for beside or instead of that.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted; the message says why.
    """
    from ipt_outcomes.mixed import mixed_model

    asked = {"covariance": plan.covariance, "df": plan.degrees_of_freedom, "level": plan.level}
    return mixed_model(
        formula,
        observed,
        participant="participant",
        visit="visit",
        reference=reference,
        **{**asked, **instead},
    )


def _method(degrees_of_freedom: str, *, robust: bool) -> str:
    if robust:
        return "mixed model for repeated measures, REML, CR2 sandwich errors, Satterthwaite df"
    named = DEGREES_OF_FREEDOM[degrees_of_freedom]
    return f"mixed model for repeated measures, REML, {named} df"


def endpoint_sds(frame: pd.DataFrame, group: str, endpoint: str) -> dict[str, tuple[float, int]]:
    """Return the observed standard deviation and count of each group at the endpoint."""
    at = frame[(frame["visit"] == endpoint) & frame["score"].notna()]
    of = at.groupby(group, observed=True)["score"].agg(["std", "count"])
    return {str(name): (float(row["std"]), int(row["count"])) for name, row in of.iterrows()}
