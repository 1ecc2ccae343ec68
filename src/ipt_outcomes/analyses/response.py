"""Response, remission, reliable improvement and deterioration by arm at the endpoint.

Each status is made from scores: those missing are imputed first (missing at random), so that a
participant who left is neither a responder nor a non-responder by decree. Arms are compared by
standardisation after logistic regression on arm, baseline score and covariates, see
:mod:`ipt_outcomes.analyses.standardisation`. Beside it stand, each under a name of its own:

* everyone without a score counted as without the benefit (or with the harm);
* only those with a score;
* the same intervals with the covariates held fixed, and by bootstrap;
* the share that improved by at least each percentage (responder curve);
* response and remission at every visit, by generalised estimating equations.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.change_plot import change_plot_rows
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData
from ipt_outcomes.analyses.disclosure import suppressed
from ipt_outcomes.analyses.imputed_risks import status_risks
from ipt_outcomes.analyses.response_bootstrap import bootstrap_estimates, pooled_bootstrap
from ipt_outcomes.analyses.response_data import (
    ScoreMatrix,
    baseline_scores,
    generator,
    score_matrix,
)
from ipt_outcomes.analyses.response_over_time import over_time_rows
from ipt_outcomes.analyses.response_rows import SAFETY, Comparison
from ipt_outcomes.analyses.standardisation import (
    StandardisedRisks,
    standardised_risks,
)
from ipt_outcomes.analyses.status import (
    REMISSION,
    RESPONSE,
    StatusDefinition,
    StatusError,
    status_definitions,
)
from ipt_outcomes.imputation.joint_normal import imputations
from ipt_outcomes.imputation.linearised import LinearisedImputation, linearised
from ipt_outcomes.instruments import instrument
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.clinical import ResponseAnalysis

Floats = NDArray[np.float64]

_CLOSE = 1e-9

METHOD = "logistic regression on arm, baseline score and covariates, standardised (g-computation)"


def response(data: TrialData) -> pd.DataFrame:
    """Compare the arms on response, remission and reliable change at the endpoint.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: proportions, standardised probabilities, risk differences,
        risk and odds ratios, and numbers needed to benefit or harm.

    Raises
    ------
    StatusError
        When the trial has none of the outcomes, or a definition cannot be used.
    """
    plan = data.study.analyses.response
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    outcomes = [name for name in plan.outcomes if name in data.study.outcomes_of(data.trial)]
    if not outcomes:
        raise StatusError(
            f"{data.trial}: it has none of the outcomes under analyses.response.outcomes "
            f"({', '.join(plan.outcomes)}). Add one that it has, or take response out."
        )
    rows: list[Row] = []
    for outcome in outcomes:
        for estimand in data.study.estimands:
            statuses = _Statuses(data, plan, outcome, estimand)
            rows.extend(attempted(statuses.rows(), statuses.about))
    return estimates(rows)


class _Statuses:
    """The statuses of one outcome under one estimand."""

    def __init__(
        self, data: TrialData, plan: ResponseAnalysis, outcome: str, estimand: str
    ) -> None:
        self.data, self.plan, self.outcome, self.estimand = data, plan, outcome, estimand
        self.endpoint = data.study.estimands[estimand].endpoint
        self.definitions = status_definitions(
            data.study, outcome, plan.outcomes[outcome], baseline_scores(data, outcome)
        )
        baseline = data.study.baseline
        matrix = score_matrix(data, outcome, estimand, plan.adjust_for)
        self.matrix = matrix.attended(baseline, self.endpoint)
        self.limits = data.study.outcomes[outcome].range
        self.n = np.bincount(self.matrix.arm, minlength=len(self.matrix.arms))
        self.hidden: set[str] = set()  # statuses of which only risk differences are shown

    @property
    def about(self) -> Row:
        """What all rows share."""
        return {
            "trial": self.data.trial,
            "outcome": self.outcome,
            "analysis": "response",
            "analysis_set": AS_RANDOMISED,
            "estimand": self.estimand,
            "visit": self.endpoint,
            "status": "exploratory",
            "disclosure": "shared",
        }

    @property
    def primary(self) -> bool:
        return self.estimand == self.data.study.primary_estimand

    def rows(self) -> Iterator[Row]:
        random = generator(self.data, self.outcome, "response", self.estimand)
        matrix = self.matrix
        complete = [matrix.scores]
        if np.isnan(matrix.scores).any():
            complete = list(
                imputations(matrix.scores, matrix.arm, matrix.covariates, self.plan.imputations,
                            random, self.limits)
            )  # fmt: skip
        linear = linearised(
            matrix.scores, matrix.arm, matrix.covariates,
            generator(self.data, self.outcome, "response, imputation model", self.estimand),
            self.limits,
        )  # fmt: skip
        for definition in self.definitions:
            yield from self._imputed(definition, complete, linear)
        if not self.primary:
            return
        for definition in self.definitions:
            yield from self._missing_is_failure(definition)
            yield from self._observed_only(definition)
        if self.plan.bootstrap:
            yield from self._bootstrap(random)
        yield from self._curve(complete)
        yield from self._change_plot()
        for definition in self.definitions:
            if definition.name in (RESPONSE, REMISSION):
                comparison = self._comparison(definition, f"{definition.name} by visit")
                yield from over_time_rows(matrix, definition, comparison)

    def _comparison(
        self, definition: StatusDefinition, analysis: str, note: str = ""
    ) -> Comparison:
        notes = [f"{definition.name}: {definition.words}", note]
        if not definition.benefit:
            notes.append(SAFETY)
        return self._shared(analysis, notes, definition.name, definition.benefit)

    def _shared(self, analysis: str, notes: list[str], name: str, benefit: bool) -> Comparison:
        notes += self.matrix.handled
        if self.matrix.filled:
            notes.append(f"{self.matrix.filled} missing covariates filled by their mean")
        where: Row = {
            **self.about,
            "analysis": analysis,
            "method": METHOD,
            "notes": "; ".join(filter(None, notes)),
        }
        labels = {arm: self.data.study.arms[arm].label for arm in self.matrix.arms}
        smallest = self.data.study.privacy.smallest_group
        return Comparison(where, self.matrix.arms, labels, name, benefit, self.plan.level, smallest)

    def _risks(
        self, event: NDArray[np.bool_], baseline: Floats, kept: NDArray[np.bool_] | None = None
    ) -> StandardisedRisks:
        m = self.matrix
        covariates = np.column_stack([baseline, m.covariates])
        if kept is None:
            return standardised_risks(event, m.arm, covariates, m.arms)
        return standardised_risks(event[kept], m.arm[kept], covariates[kept], m.arms)

    def _imputed(
        self,
        definition: StatusDefinition,
        complete: list[Floats],
        linear: LinearisedImputation | None,
    ) -> Iterator[Row]:
        place = self.matrix.visits.index(self.endpoint)
        found = status_risks(
            complete,
            linear,
            self.matrix,
            lambda scores: definition.holds(scores[..., 0], scores[..., place]),
            [0, place],
        )
        comparison = self._comparison(definition, definition.name, found.how)
        sizes = [int(n) for n in self.n]
        if comparison.hidden(np.mean(found.shares, axis=0), sizes):
            self.hidden.add(definition.name)
        yield from comparison.proportions(found.shares, sizes)
        confirmatory = (
            self.plan.status == "confirmatory"
            and definition.name == RESPONSE
            and self.outcome == self.data.study.primary_outcome
            and self.primary
        )
        for row in comparison.contrasts(found.fits, joined=found.joined):
            if confirmatory and row["quantity"] == "risk difference":
                row["status"] = "confirmatory"
            yield row
        if self.primary:
            name = f"{definition.name}, covariates held fixed"
            fixed = self._comparison(definition, name, found.imputed)
            yield from fixed.contrasts(found.fits, fixed=True)

    def _shares(self, event: NDArray[np.bool_]) -> list[float]:
        counts = np.bincount(self.matrix.arm, weights=event, minlength=len(self.n))
        return [float(share) for share in counts / np.maximum(self.n, 1)]

    def _missing_is_failure(self, definition: StatusDefinition) -> Iterator[Row]:
        later = self.matrix.at(self.endpoint)
        event = definition.holds(self.matrix.baseline, later)
        missing = np.isnan(later) | np.isnan(self.matrix.baseline)
        if definition.benefit:
            words = f"missing counted as without {definition.name}"
        else:
            words = f"missing counted as {definition.name}"
            event = event | missing
        by_arm = np.bincount(self.matrix.arm, weights=missing, minlength=len(self.n)).astype(int)
        counts = ", ".join(
            f"{self.data.study.arms[arm].label} {n}"
            for arm, n in zip(self.matrix.arms, by_arm, strict=True)
        )
        name = f"{definition.name}, missing counted as failure"
        comparison = self._comparison(definition, name, f"sensitivity: {words} ({counts})")
        yield from comparison.proportions([self._shares(event)], [int(n) for n in self.n])
        yield from comparison.contrasts([self._risks(event, self.matrix.baseline_filled())])

    def _observed_only(self, definition: StatusDefinition) -> Iterator[Row]:
        later = self.matrix.at(self.endpoint)
        kept = ~np.isnan(later) & ~np.isnan(self.matrix.baseline)
        n = np.bincount(self.matrix.arm[kept], minlength=len(self.n))
        event = definition.holds(self.matrix.baseline, later)
        name = f"{definition.name}, observed only"
        note = f"sensitivity: {int((~kept).sum())} participants without a score left out"
        comparison = self._comparison(definition, name, note)
        if n.min() < comparison.smallest:
            why = suppressed(comparison.smallest)
            yield {**comparison.where, "quantity": "risk difference", "notes": why}
            return
        counts = np.bincount(self.matrix.arm[kept], weights=event[kept], minlength=len(n))
        yield from comparison.proportions(
            [[float(share) for share in counts / n]], [int(size) for size in n]
        )
        yield from comparison.contrasts([self._risks(event, self.matrix.baseline_filled(), kept)])

    def _bootstrap(self, random: np.random.Generator) -> Iterator[Row]:
        place = self.matrix.visits.index(self.endpoint)
        arms, reference = self.matrix.arms, self.matrix.arms[-1]

        def estimate(scores: Floats, sample: ScoreMatrix) -> Floats:
            found = []
            for definition in self.definitions:
                event = definition.holds(scores[:, 0], scores[:, place])
                covariates = np.column_stack([scores[:, 0], sample.covariates])
                fit = standardised_risks(event, sample.arm, covariates, arms)
                for arm in arms[:-1]:
                    found.append(fit.risk_difference(arm, reference).value)
                    for ratio in (fit.risk_ratio(arm, reference), fit.odds_ratio(arm, reference)):
                        found.append(np.nan if ratio is None else ratio.value)
            return np.array(found)

        drawn = bootstrap_estimates(self.matrix, estimate, self.plan.bootstrap, random, self.limits)
        columns = iter(range(drawn.shape[2]))
        for definition in self.definitions:
            comparison = self._comparison(
                definition,
                f"{definition.name}, bootstrap intervals",
                f"{self.plan.bootstrap} bootstrap samples, missing scores imputed twice in each",
            )
            only = definition.name in self.hidden
            for row in _bootstrap_rows(comparison, drawn, columns):
                if not only or row["quantity"] == "risk difference":
                    yield row

    def _change_plot(self) -> Iterator[Row]:
        named = self.plan.outcomes[self.outcome].instrument
        known = instrument(named) if named else None
        where = self._shared("change of each participant", [], "change", True).where
        yield from change_plot_rows(self.matrix, self.definitions, known, self.endpoint, where)

    def _curve(self, complete: list[Floats]) -> Iterator[Row]:
        place = self.matrix.visits.index(self.endpoint)
        response_rule = next((d for d in self.definitions if d.name == RESPONSE), None)
        floor = response_rule.criterion.floor if response_rule is not None else 0.0
        worse = self.data.study.outcomes[self.outcome].higher_is == "worse"
        sign = 1.0 if worse else -1.0
        improved = []
        for scores in complete:
            distance = sign * (scores[:, 0] - floor)
            change = sign * (scores[:, 0] - scores[:, place])
            if not (distance > 0).any():
                return  # the scale has no percentage: nothing lies between baseline and floor
            with np.errstate(divide="ignore", invalid="ignore"):
                improved.append(np.where(distance > 0, 100 * change / distance, -np.inf))
        for threshold in np.arange(0.0, 100.0 + _CLOSE, self.plan.threshold_step):
            note = f"{len(complete)} imputations under missing at random"
            comparison = self._shared("responder curve", [note], "improvement", True)
            comparison.where["subgroup"] = f"improved by {threshold:g} % or more"
            comparison.where["method"] = "proportion by arm"
            yield from comparison.proportions(
                [self._shares(own >= threshold - _CLOSE) for own in improved],
                [int(n) for n in self.n],
            )


def _bootstrap_rows(comparison: Comparison, drawn: Floats, columns: Iterator[int]) -> Iterator[Row]:
    reference = comparison.arms[-1]
    for arm in comparison.arms[:-1]:
        for quantity in ("risk difference", "risk ratio", "odds ratio"):
            pooled = pooled_bootstrap(drawn[:, :, next(columns)])
            row: Row = {
                **comparison.where,
                "quantity": quantity,
                "arm": arm,
                "reference": reference,
                "contrast": f"{comparison.labels[arm]} against {comparison.labels[reference]}",
            }
            if pooled is None:
                why = "not estimated: a bootstrap sample had no event, or nobody without one"
                yield {**row, "notes": f"{row['notes']}; {why}"}
                continue
            lower, upper = pooled.interval(comparison.level)
            turn = (lambda x: x) if quantity == "risk difference" else np.exp
            yield {
                **row,
                "estimate": turn(pooled.value),
                "lower": turn(lower),
                "upper": turn(upper),
                "df": pooled.df,
                "level": comparison.level,
                "unit": "proportion" if quantity == "risk difference" else "ratio",
                "interval_method": "t, bootstrap (von Hippel & Bartlett 2021)",
            }
