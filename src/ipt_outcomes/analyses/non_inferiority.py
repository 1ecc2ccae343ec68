r"""Whether a treatment is not worse than an active comparator by more than a margin.

With d the difference at the endpoint in benefit units (positive: the treatment is better) and the
margin M > 0 of the configuration, non-inferiority is shown when the interval of d lies above −M,
equivalence when it lies within (−M, M). A difference that is not significant shows neither.

Four analyses answer, and all must: everyone as randomised and per protocol (as randomised, people
who take what they were not assigned make treatments look alike; per protocol, groups are no longer
randomised), each by the primary model and with missing scores imputed under the null hypothesis:
at random, and then, in the treatment asked about, worse by M. Imputing at random alone assumes for
the unseen what is to be shown. Jumping to a reference is not offered between two active
treatments. An analysis whose model cannot be fitted has shown nothing.

Source: ICH (1998), E9, 3.3.2; Piaggio et al. (2012), JAMA 308:2594 (CONSORT); Koch (2008),
Statistics in Biopharmaceutical Research, and Lu & Zhang on penalised imputation under the null;
Wolbers et al. (2022), Pharmaceutical Statistics 21:1246 for the inference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    PER_PROTOCOL,
    TrialData,
    analysis_sets,
    exploratory,
    members,
    model_frame,
)
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.analyses.robustness_data import incomplete
from ipt_outcomes.imputation import analyse, ancova, delta, draws, impute, pool, stream
from ipt_outcomes.results import NOT_FITTED, Row, estimates
from ipt_outcomes.study.effects import NonInferiorityAnalysis
from ipt_outcomes.study.missing import RobustnessAnalysis

LARGEST_JACKKNIFE = 1000
"""Participants up to which each is left out once; a bootstrap beyond."""


class NonInferiorityError(ValueError):
    """The question cannot be asked of this trial; says why and what to change."""


def non_inferiority(data: TrialData) -> pd.DataFrame:
    """Compare a treatment with an active comparator against the margin.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: the difference at the endpoint as randomised and per protocol,
        modelled and imputed under the null, each with its verdict, and the verdict over all.

    Raises
    ------
    NonInferiorityError
        When an arm is not of the trial, or nobody has a score at the endpoint.
    """
    plan = data.study.analyses.non_inferiority
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    absent = [arm for arm in (plan.arm, plan.comparator) if arm not in data.arms]
    if absent or plan.arm == plan.comparator:
        what = f"{', '.join(absent)} is no arm of it" if absent else "both arms are the same"
        raise NonInferiorityError(
            f"{data.trial}: non-inferiority cannot be asked, {what}. Its arms are "
            f"{', '.join(data.arms)}; mend analyses: non_inferiority in config.yaml."
        )
    primary = data.study.analyses.primary.model_copy(update={"level": plan.level})
    study = data.study.model_copy(
        update={
            "reference_arm": plan.comparator,
            "analyses": data.study.analyses.model_copy(update={"primary": primary}),
        }
    )
    asked = _Question(replace(data, study=study), plan)
    rows = list(asked.rows())
    return estimates([*rows, asked.verdict(rows)])


class _Question:
    def __init__(self, data: TrialData, plan: NonInferiorityAnalysis) -> None:
        self.data, self.plan = data, plan
        study = data.study
        self.outcome, self.estimand = study.primary_outcome, study.primary_estimand
        self.endpoint = study.estimands[self.estimand].endpoint
        self.unit = study.outcomes[self.outcome].unit
        self.sign = -1.0 if study.outcomes[self.outcome].higher_is == "worse" else 1.0
        self.labels = data.arm_labels

    def rows(self) -> Iterator[Row]:
        for find, imputed in ((self._modelled, False), (self._under_the_null, True)):
            for analysis_set in analysis_sets(self.data.study):
                about = self._about(analysis_set, imputed=imputed)
                rows = (self._row(about, row) for row in find(analysis_set))
                yield from attempted(rows, about)

    def _modelled(self, analysis_set: str) -> Iterator[Row]:
        frame = model_frame(self.data, self.outcome, self.estimand, analysis_set)
        model = fit_repeated_measures(
            self.data, frame, group="arm", reference=self.plan.comparator, names=self.labels,
            where={"outcome": self.outcome, "analysis": "non-inferiority",
                   "analysis_set": analysis_set, "estimand": self.estimand,
                   "status": "exploratory", "notes": "; ".join(frame.handled) or None},
        )  # fmt: skip
        found = model.differences(self.plan.comparator, [self.plan.arm])
        at = [row for row in found if row["visit"] == self.endpoint]
        if not at:
            raise NonInferiorityError(
                f"{self.data.trial}: nobody has a score of {self.outcome} at {self.endpoint}."
            )
        yield from at

    def _under_the_null(self, analysis_set: str) -> Iterator[Row]:
        study = self.data.study
        many = len(members(self.data, analysis_set, self.outcome)) > LARGEST_JACKKNIFE
        how: Literal["bootstrap", "jackknife"] = "bootstrap" if many else "jackknife"
        assumed = RobustnessAnalysis(assumptions=["missing-at-random"], inference=how, delta=None)
        trial, _, notes = incomplete(self.data, assumed, ["MAR"], analysis_set)
        purpose = ["non-inferiority", *([] if analysis_set == AS_RANDOMISED else [analysis_set])]
        random = stream(study.study.seed, self.data.trial, self.outcome, *purpose)
        drawn = draws(trial, how, assumed.resamples if many else 0, rng=random)
        worse = {self.plan.arm: -self.sign * self.plan.margin}
        imputed = impute(drawn, "MAR")
        shifted = delta(imputed.trial, arm=worse)
        analysed = analyse(imputed, ancova(visits=[self.endpoint]), shifted)
        table = pool(analysed, level=self.plan.level)
        own = (table["arm"] == self.plan.arm) & (table["reference"] == self.plan.comparator)
        (found,) = table[own & (table["quantity"] == "difference")].to_dict("records")
        missing = trial.missing[:, trial.visits.index(self.endpoint)]
        lost = int(missing[trial.arm == trial.arms.index(self.plan.arm)].sum())
        notes.append(
            f"missing scores imputed at random, those of {self.labels[self.plan.arm]} ({lost} at "
            f"the endpoint) worse by the margin"
        )
        n = {arm: int((trial.arm == k).sum()) for k, arm in enumerate(trial.arms)}
        yield {
            **{name: found[name] for name in ("estimate", "se", "lower", "upper", "p")},
            "df": None if pd.isna(found["df"]) else found["df"],
            "interval_method": f"{found['interval_method']}; variance: {found['variance']}",
            "method": "conditional-mean imputation under the null by a mixed model for repeated "
            "measures; ANCOVA at the endpoint",
            "covariance": drawn.fit.covariance_used,
            "converged": True,
            "n_arm": n[self.plan.arm],
            "n_reference": n[self.plan.comparator],
            "notes": "; ".join(notes),
        }

    def _about(self, analysis_set: str, *, imputed: bool) -> Row:
        return {
            "trial": self.data.trial,
            "outcome": self.outcome,
            "analysis": f"{self.plan.kind}, imputed under the null" if imputed else self.plan.kind,
            "analysis_set": analysis_set,
            "estimand": self.estimand,
            "quantity": "difference",
            "contrast": f"benefit of {self.labels[self.plan.arm]} over "
            f"{self.labels[self.plan.comparator]}",
            "arm": self.plan.arm,
            "reference": self.plan.comparator,
            "visit": self.endpoint,
            "unit": self.unit,
            "status": self.plan.status if analysis_set == AS_RANDOMISED else "exploratory",
            "disclosure": "shared",
        }

    def _row(self, about: Row, found: Row) -> Row:
        lower, upper = sorted((self.sign * found["lower"], self.sign * found["upper"]))
        words = verdict(lower, upper, self.plan.margin, self.plan.kind)
        kept = ("se", "df", "p", "method", "covariance", "converged", "n_arm", "n_reference",
                "interval_method")  # fmt: skip
        return {
            **about,
            **{name: found.get(name) for name in kept},
            "estimate": self.sign * found["estimate"],
            "lower": lower,
            "upper": upper,
            "level": self.plan.level,
            "notes": "; ".join(
                filter(None, [f"margin {self.plan.margin:g} {self.unit}: {words}",
                              found.get("notes")])
            ),
        }  # fmt: skip

    def verdict(self, rows: list[Row]) -> Row:
        """Say over all analyses whether it was shown."""
        said = [verdict(row["lower"], row["upper"], self.plan.margin, self.plan.kind)
                for row in rows if row["method"] != NOT_FITTED]  # fmt: skip
        shown = sum(SHOWN[self.plan.kind] == words for words in said)
        per_protocol = any(row["analysis_set"] == PER_PROTOCOL for row in rows)
        words = (
            f"{self.plan.kind} {'was shown' if shown == len(rows) else 'was not shown'}: the "
            f"interval kept to the margin of {self.plan.margin:g} {self.unit} in {shown} of "
            f"{len(rows)} analyses. Margin: {self.plan.justification}"
        )
        if not per_protocol:
            words += ". No per-protocol set is defined: the answer as randomised stands alone"
        return exploratory(
            self.data,
            f"{self.plan.kind}, verdict",
            outcome=self.outcome,
            estimand=self.estimand,
            quantity="count",
            contrast=f"analyses, of {len(rows)}, that keep to the margin",
            arm=self.plan.arm,
            reference=self.plan.comparator,
            visit=self.endpoint,
            unit="analyses",
            estimate=shown,
            method="comparison of intervals with the margin",
            notes=words,
        )


SHOWN = {"non-inferiority": "non-inferior", "equivalence": "equivalent"}


def verdict(lower: float, upper: float, margin: float, kind: str) -> str:
    """Say what an interval in benefit units tells about a margin.

    Parameters
    ----------
    lower, upper
        The interval; positive: the treatment asked about is better.
    margin
        Largest acceptable difference.
    kind
        ``non-inferiority`` or ``equivalence``.

    Examples
    --------
    >>> verdict(-1.5, 2.0, 2.5, "non-inferiority")
    'non-inferior'
    >>> verdict(-3.0, 2.0, 2.5, "non-inferiority")
    'not shown: a disadvantage of 3.0 is not excluded'
    """
    if lower > -margin and (kind == "non-inferiority" or upper < margin):
        return SHOWN[kind]
    if upper < -margin:
        return f"inferior by more than the margin: at least {-upper:.1f}"
    if kind == "equivalence" and upper >= margin:
        if lower >= margin:
            return f"superior by more than the margin: at least {lower:.1f}"
        if lower > -margin:
            return f"not shown: an advantage of {upper:.1f} is not excluded"
        return f"not shown: differences from {lower:.1f} to {upper:.1f} are not excluded"
    return f"not shown: a disadvantage of {-lower:.1f} is not excluded"
