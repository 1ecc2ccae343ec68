"""One mixed model for repeated measures and its rows of the estimates table.

For participant i and visit a, with group g (an arm, or a problem area),

    score_ia = baseline_i x visit_a + g_i x visit_a + covariates_i + e_ia,   Var(e_i) unstructured.

The primary, problem-area and medication analyses are this model with another group; what they
share is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ipt_outcomes.analyses.data import ModelFrame, TrialData

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

Row = dict[str, Any]

DEGREES_OF_FREEDOM = {"kenward-roger": "Kenward–Roger", "satterthwaite": "Satterthwaite"}


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
    """

    fit: MixedModelFit
    group: str
    counts: dict[tuple[str, str], int]
    where: Row
    names: dict[str, str]
    level: float

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
    from ipt_outcomes.mixed import mixed_model

    plan = data.study.analyses.primary
    observed = frame.rows[frame.rows["score"].notna()]
    # A covariate with a single value in these rows is constant and belongs to the intercept.
    covariates = [name for name in plan.adjust_for if observed[name].drop_duplicates().size > 1]
    by_visit = ["baseline", *also, group]
    terms = [f"{term}*visit" for term in by_visit] + covariates
    several = observed["visit"].drop_duplicates().size > 1
    fit = mixed_model(
        "score ~ " + " + ".join(terms if several else [*by_visit, *covariates]),
        observed,
        participant="participant",
        visit="visit",
        covariance=plan.covariance,
        df=plan.degrees_of_freedom,
        reference={group: reference},
        level=plan.level,
    )
    counts = observed.groupby([group, "visit"], observed=True)["participant"].nunique()
    method = (
        f"mixed model for repeated measures, REML, {DEGREES_OF_FREEDOM[plan.degrees_of_freedom]} df"
    )
    outcome = data.study.outcomes[where["outcome"]]
    shared: Row = {
        "trial": data.trial,
        "unit": outcome.unit,
        "method": method,
        "covariance": plan.covariance,
        "converged": fit.convergence.converged,
        "disclosure": "shared",
        **where,
    }
    parts = ("trial", "outcome", "analysis", "analysis_set", "estimand")
    shared["model_id"] = "/".join(str(shared[part]).replace(" ", "-") for part in parts)
    return RepeatedMeasures(
        fit,
        group,
        {(str(g), str(v)): int(n) for (g, v), n in counts.items()},  # type: ignore[misc, has-type]
        shared,
        names,
        plan.level,
    )


def endpoint_sds(frame: pd.DataFrame, group: str, endpoint: str) -> dict[str, tuple[float, int]]:
    """Return the observed standard deviation and count of each group at the endpoint."""
    at = frame[(frame["visit"] == endpoint) & frame["score"].notna()]
    of = at.groupby(group, observed=True)["score"].agg(["std", "count"])
    return {str(name): (float(row["std"]), int(row["count"])) for name, row in of.iterrows()}
