"""Therapists, therapy groups and randomised clusters: how much they matter, and for what.

The model is that of :mod:`ipt_outcomes.analyses.clustered_models`, for the primary estimand and
everyone as randomised. Given are

* the comparison of arms at every visit, with degrees of freedom that know how many therapists
  stand behind it, and beside it at the endpoint: the same with the effect of therapists taken as
  constant, as its own at every visit, as absent ("ignored"), and with a treatment effect that
  varies by site;
* the intraclass correlation at the endpoint by arm, always with its interval (profile likelihood);
* the spread between therapists, and in a restricted table each one's predicted effect;
* what therapists' training or fidelity tells of their participants' outcome, which nobody
  randomised: between therapists, and between participants of one therapist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.cluster_predictors import predictor_rows
from ipt_outcomes.analyses.clustered_models import ClusterFit, ClusterModel, fit_clusters
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, exploratory, model_frame
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.repeated import DEGREES_OF_FREEDOM, RepeatedMeasures
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.clusters import TherapistsAnalysis

FEW = 10
"""Fewer clusters than these tell little about their variance; every row says so."""
ROUNDING = 1e-6
"""Twice a difference of log-likelihoods below this is the maximiser's rounding, not evidence."""
SHRUNKEN = "shrunken towards the average; few participants each: no ranking"
WORDS = {"therapist": "therapists", "group": "groups", "site": "sites"}
VARIANT = {
    "growing": "effect growing over treatment",
    "by-visit": "effect by visit",
    "constant": "constant effect",
}


class TherapistError(ValueError):
    """The trial has no therapists, groups or sites to tell apart."""


def therapists(data: TrialData) -> pd.DataFrame:
    """Estimate the effects of therapists (or groups) and compare the arms with them in the model.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table; each therapist's predicted effect is restricted.

    Raises
    ------
    TherapistError
        When fewer than two clusters have participants with scores.
    """
    plan = data.study.analyses.therapists
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for outcome in clustered_outcomes(data, plan):
        rows.extend(Clusters.of(data, plan, outcome).rows())
    return estimates(rows)


def clustered_outcomes(data: TrialData, plan: TherapistsAnalysis) -> list[str]:
    """Return the outcomes that are analysed: the primary one, or those that are named."""
    wanted = [data.study.primary_outcome] if plan.outcomes is None else plan.outcomes
    return [name for name in data.study.outcomes_of(data.trial) if name in wanted]


def cluster_rows(data: TrialData, plan: TherapistsAnalysis, outcome: str) -> pd.DataFrame:
    """Lay out the scores of the primary estimand with each participant's cluster.

    Parameters
    ----------
    data
        The trial.
    plan
        The section of the configuration.
    outcome
        Short name of the outcome.

    Returns
    -------
    pandas.DataFrame
        See :func:`ipt_outcomes.analyses.clustered_models.fit_clusters`.
    """
    study = data.study
    estimand = study.primary_estimand
    rows = model_frame(data, outcome, estimand, AS_RANDOMISED).rows
    rows = rows[rows["score"].notna()].reset_index(drop=True)
    own = data.participants.set_index("participant")[plan.cluster]
    label = rows["participant"].map(own).astype("object")
    inside = rows["arm"].isin(clustered_arms(data, plan)) & label.notna()
    if plan.across_arms == "own":
        label = label.astype("str") + " (" + rows["arm"].astype("str") + ")"
    end = study.visits[study.estimands[estimand].endpoint].week
    week = rows["visit"].astype("str").map({name: v.week for name, v in study.visits.items()})
    return rows.assign(
        cluster=label.where(inside, None),
        course=np.minimum(week.astype(float), end) / end,
    )


def clustered_arms(data: TrialData, plan: TherapistsAnalysis) -> list[str]:
    """Return the arms that have therapists or groups, in the trial's order."""
    if plan.arms is not None:
        return [arm for arm in data.arms if arm in plan.arms]
    return [arm for arm in data.arms if data.study.arms[arm].has_psychotherapy]


@dataclass(frozen=True)
class Clusters:
    """The models of one outcome and the rows that they give.

    Parameters
    ----------
    data, plan
        The trial and the section of its configuration.
    frame
        Rows of :func:`cluster_rows`.
    arms
        The arms that have clusters.
    endpoint
        The visit at which arms are compared.
    model
        The model asked for.
    where
        Columns that all rows of the estimates table share.
    """

    data: TrialData
    plan: TherapistsAnalysis
    frame: pd.DataFrame
    arms: list[str]
    endpoint: str
    model: ClusterModel
    where: Row

    @classmethod
    def of(cls, data: TrialData, plan: TherapistsAnalysis, outcome: str) -> Clusters:
        """Lay out the rows and the model of one outcome.

        Raises
        ------
        TherapistError
            When fewer than two clusters have participants with scores.
        """
        study = data.study
        frame = cluster_rows(data, plan, outcome)
        arms = clustered_arms(data, plan)
        number = frame["cluster"].nunique()
        if number < 2:
            raise TherapistError(
                f"{data.trial}: {number} {WORDS[plan.cluster]} with scores of {outcome} in the "
                f"arms {', '.join(arms) or 'none'}; at least 2 are needed. Mend "
                f"columns.{plan.cluster} or analyses.therapists.arms, or take therapists out."
            )
        notes = []
        if number < FEW:
            notes.append(f"{number} {WORDS[plan.cluster]}: their variance is hardly known")
        without = frame[frame["arm"].isin(arms) & frame["cluster"].isna()]["participant"].nunique()
        if without:
            notes.append(
                f"{without} participants of these arms have no {plan.cluster} recorded and share "
                "no effect"
            )
        covariates = [
            name
            for name in study.analyses.primary.adjust_for
            if not (plan.cluster == "site" and name == "site")
        ]
        model = ClusterModel(
            plan.effect,
            study.reference_arm,
            plan.residual,
            tuple(covariates),
            plan.degrees_of_freedom,
            study.analyses.primary.covariance,
            plan.level,
        )
        where = exploratory(
            data,
            "therapists",
            outcome=outcome,
            unit=study.outcomes[outcome].unit,
            estimand=study.primary_estimand,
            notes="; ".join(notes) or None,
        )
        endpoint = study.endpoint
        return cls(data, plan, frame, arms, endpoint, model, where)

    def rows(self) -> Iterator[Row]:
        """Give the rows of all models."""
        yield from self._numbers()
        yield from self._attempted("therapists", self._main())
        for effect, words in VARIANT.items():
            if effect != self.plan.effect:
                yield from self._attempted(f"therapists, {words}", self._variant(effect))
        if self.plan.treatment_by_site:
            yield from self._attempted("therapists, treatment by site", self._by_site())
        method = self.method(self.model)
        for name in self.plan.predictors:
            about = {**self.where, "analysis": f"therapists, {name}", "method": method}
            rows = predictor_rows(
                self.data, self.plan.cluster, name, self.frame, self.model, self.arms, about
            )
            yield from attempted(rows, about)

    def _attempted(self, analysis: str, rows: Iterator[Row]) -> Iterator[Row]:
        yield from attempted(rows, {**self.where, "analysis": analysis})

    def _main(self) -> Iterator[Row]:
        main = fit_clusters(self.frame, self.model)
        about = self._about(main, self.model)
        for row in self._differences(main, about):
            if row["visit"] == self.endpoint and self.plan.status == "confirmatory":
                row["status"] = "confirmatory"
            yield row
        yield from self._correlations(main, about)
        yield from self._spread(main, about)
        yield from self._predicted(main, about)
        yield from self._attempted("therapists, ignored", self._ignored(main, about))

    def _numbers(self) -> Iterator[Row]:
        people = self.frame.drop_duplicates("participant")
        for arm in self.arms:
            own = people[(people["arm"] == arm) & people["cluster"].notna()]
            sizes = own.groupby("cluster").size()
            about = {**self.where, "unit": None, "arm": arm, "method": "description"}
            words = WORDS[self.plan.cluster]
            yield {**about, "quantity": "count", "contrast": words, "estimate": len(sizes)}
            if len(sizes):
                yield {**about, "quantity": "observed mean", "estimate": float(sizes.mean()),
                       "contrast": f"participants per {self.plan.cluster}",
                       "n_arm": len(own)}  # fmt: skip

    def _about(self, found: ClusterFit, model: ClusterModel) -> Row:
        notes = [self.where["notes"], *found.notes]
        if found.at_boundary:
            notes.append("variance estimated as zero: degrees of freedom may be too many")
        return {
            **self.where,
            "method": self.method(model),
            "covariance": found.fit.covariance_used,
            "converged": found.fit.convergence.converged,
            "notes": "; ".join(filter(None, notes)) or None,
        }

    def method(self, model: ClusterModel) -> str:
        """Say how a model was fitted."""
        words = VARIANT[model.effect] if model.effect else "ignored"
        return (
            f"mixed model for repeated measures, REML, {WORDS[self.plan.cluster]} "
            f"({words}), {DEGREES_OF_FREEDOM[model.degrees_of_freedom]} df"
        )

    def _differences(self, found: ClusterFit, about: Row) -> Iterator[Row]:
        seen = self.frame.groupby(["arm", "visit"], observed=True)["participant"].nunique()
        counts = {(str(a), str(v)): int(n) for (a, v), n in seen.items()}  # type: ignore[misc, has-type]
        labels = self.data.arm_labels
        repeated = RepeatedMeasures(found.fit, "arm", counts, about, labels, self.plan.level)
        yield from repeated.differences(self.data.study.reference_arm)

    def _correlations(self, found: ClusterFit, about: Row, kind: str = "profile") -> Iterator[Row]:
        table = found.fit.icc(self.endpoint, interval=kind)
        by_arm = "group" in table
        if by_arm:
            table = table[table["group"].isin(self.arms)]
        z = float(stats.norm.ppf((1 + self.plan.level) / 2))
        for line in table.to_dict("records"):
            icc, lower, upper = line["icc"], line["lower"], line["upper"]
            if kind == "delta":
                # On the logit scale a small correlation would get an interval from 0 to 1.
                lower, upper = max(icc - z * line["se"], 0.0), min(icc + z * line["se"], 1.0)
            method = "profile likelihood" if kind == "profile" else "delta method, cut at 0 and 1"
            yield {**about, "quantity": "intraclass correlation",
                   "arm": line["group"] if by_arm else None,
                   "visit": self.endpoint, "unit": "proportion of the variance",
                   "contrast": f"participants of one {self.plan.cluster}",
                   "estimate": icc, "lower": lower, "upper": upper,
                   "level": self.plan.level, "interval_method": method}  # fmt: skip

    def _spread(self, found: ClusterFit, about: Row) -> Iterator[Row]:
        """Give the SD between clusters, how far nine in ten lie apart, and how many stand out."""
        fit = found.fit
        effects = fit.cluster_predictions(self.endpoint)
        words = WORDS[self.plan.cluster]
        if self.plan.effect != "by-visit":
            variance = float(fit.variance_components["estimate"].iloc[-1])
            sd = 0.0 if found.at_boundary else float(np.sqrt(max(variance, 0.0)))
            yield {**about, "quantity": "standard deviation", "visit": self.endpoint,
                   "contrast": f"between {words} at the endpoint", "estimate": sd}  # fmt: skip
            yield {**about, "quantity": "difference", "visit": self.endpoint,
                   "contrast": f"between the {words} at the 5th and 95th percentile, by the model",
                   "estimate": 2 * float(stats.norm.ppf(0.95)) * sd}  # fmt: skip
        z = float(stats.norm.ppf((1 + self.plan.level) / 2))
        apart = int((effects["effect"].abs() > z * effects["se"]).sum()) if len(effects) else 0
        hidden = 0 < apart < SMALLEST
        yield {**about, "quantity": "count", "visit": self.endpoint, "unit": words,
               "contrast": f"{words} whose interval does not hold the average, of {len(effects)}",
               "estimate": None if hidden else apart,
               "notes": SUPPRESSED if hidden else about["notes"]}  # fmt: skip

    def _predicted(self, found: ClusterFit, about: Row) -> Iterator[Row]:
        z = float(stats.norm.ppf((1 + self.plan.level) / 2))
        for line in found.fit.cluster_predictions(self.endpoint).to_dict("records"):
            effect, se = (0.0, 0.0) if found.at_boundary else (line["effect"], line["se"])
            name = f"{self.plan.cluster} {line['cluster']}"
            yield {**about, "analysis": "therapists, predicted effects",
                   "quantity": "predicted effect", "subgroup": name,
                   "visit": self.endpoint, "contrast": "difference from the average",
                   "estimate": effect, "se": se, "lower": effect - z * se,
                   "upper": effect + z * se, "level": self.plan.level,
                   "n_arm": line["participants"], "interval_method": "normal, prediction error",
                   "disclosure": "restricted", "notes": SHRUNKEN}  # fmt: skip

    def _variant(self, effect: str) -> Iterator[Row]:
        model = replace(self.model, effect=effect)
        found = fit_clusters(self.frame, model)
        about = {**self._about(found, model), "analysis": f"therapists, {VARIANT[effect]}"}
        yield from (r for r in self._differences(found, about) if r["visit"] == self.endpoint)
        yield from self._correlations(found, about, "delta" if effect == "by-visit" else "profile")

    def _ignored(self, main: ClusterFit, about: Row) -> Iterator[Row]:
        """Give the comparison without clusters, and the test that they have no variance."""
        model = replace(self.model, effect=None)
        found = fit_clusters(self.frame, model)
        alone = {**self._about(found, model), "analysis": "therapists, ignored"}
        yield from (r for r in self._differences(found, alone) if r["visit"] == self.endpoint)
        same = main.fit.likelihood.structure.names == found.fit.likelihood.structure.names
        if self.plan.effect == "by-visit" or not same:
            return
        statistic = 2 * (main.fit.loglik - found.fit.loglik)
        if statistic < ROUNDING:  # a variance of zero: the two models are one
            statistic = 0.0
        yield {**about, "quantity": "test", "unit": "chi-squared", "statistic": statistic,
               "contrast": f"no variance between {WORDS[self.plan.cluster]}", "df_numerator": 1,
               "p": 0.5 * float(stats.chi2.sf(statistic, 1)) if statistic > 0 else 1.0,
               "method": "restricted likelihood ratio, chi-squared with 0 or 1 df"}  # fmt: skip

    def _by_site(self) -> Iterator[Row]:
        """Compare the arms with a treatment effect that varies between sites."""
        site = self.frame["participant"].map(
            self.data.participants.set_index("participant")["site"]
        )
        if site.nunique() < 2:
            raise TherapistError(
                f"{self.data.trial}: treatment_by_site needs at least 2 sites, found "
                f"{site.nunique()}. Mend columns.site or take it out of analyses.therapists."
            )
        label = site.astype("str") + " (" + self.frame["arm"].astype("str") + ")"
        frame = self.frame.assign(cluster=label.where(site.notna(), None), site=site)
        model = replace(
            self.model, covariates=tuple(dict.fromkeys([*self.model.covariates, "site"]))
        )
        found = fit_clusters(frame, model)
        about = {
            **self._about(found, model),
            "analysis": "therapists, treatment by site",
            "method": "mixed model for repeated measures, REML, sites fixed, a random effect of "
            f"each arm in each site, {DEGREES_OF_FREEDOM[model.degrees_of_freedom]} df",
        }
        yield from (r for r in self._differences(found, about) if r["visit"] == self.endpoint)
