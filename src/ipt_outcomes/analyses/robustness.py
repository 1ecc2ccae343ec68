"""What the primary result becomes under other assumptions about unseen scores.

The scores of the primary outcome are imputed for everyone randomised, under each assumption of the
configuration (:mod:`ipt_outcomes.imputation`): a mixed model for repeated measures (score on
baseline × visit, arm × visit and the primary analysis's covariates), conditional means, analysis
of covariance at each visit, and jackknife or bootstrap errors. Rubin's variance stands beside it:
under reference-based assumptions the two answer different questions. Then unseen scores are
shifted, arm by arm, until the conclusion changes, and a sentence says what would have to be true.

Every stream of random numbers follows from the study's seed, the trial, the outcome and its
purpose, so that neither the order of the jobs nor the number of cores changes a number.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData
from ipt_outcomes.analyses.effect_size import pooled_sd
from ipt_outcomes.analyses.robustness_data import incomplete
from ipt_outcomes.analyses.robustness_verdict import conclusion, verdict
from ipt_outcomes.imputation import (
    WORDS,
    Draws,
    ImputationError,
    Tipping,
    analyse,
    ancova,
    draws,
    impute,
    missing_is_no_response,
    pool,
    responders,
    strategy_name,
    stream,
    tipping_surface,
)
from ipt_outcomes.results import estimates

Row = dict[str, Any]
note = logging.getLogger("ipt_outcomes")

RANDOM = "approximate bayes"
"""The draws behind Rubin's variance, and behind remission, which needs random imputations."""


def robustness(data: TrialData) -> pd.DataFrame:
    """Repeat the primary comparison under other assumptions about unseen scores.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: per assumption the adjusted means and differences at every
        visit, by resampling and by Rubin's rules; remission, if configured; differences at the
        endpoint under deltas, the deltas at which the conclusion changes, and a verdict.

    Raises
    ------
    ipt_outcomes.analyses.robustness_data.RobustnessError
        When an assumption needs a reference arm that the configuration does not name.
    ipt_outcomes.imputation.ImputationError
        When the scores cannot be imputed as asked.
    """
    return estimates(_Robustness(data).rows())


class _Robustness:
    def __init__(self, data: TrialData) -> None:
        plan = data.study.analyses.robustness
        assert plan is not None, "the workflow asks for this analysis only when it is configured"
        self.data, self.plan = data, plan
        self.outcome, self.estimand = data.study.primary_outcome, data.study.primary_estimand
        self.endpoint = data.study.estimands[self.estimand].endpoint
        self.level = data.study.analyses.primary.level
        self.shorts = list(dict.fromkeys(strategy_name(name) for name in plan.assumptions))
        self.trial, self.notes = incomplete(data, plan, self.shorts)
        self._drawn: dict[tuple[str, bytes], Draws] = {}

    def rows(self) -> Iterator[Row]:
        found: dict[str, pd.DataFrame] = {}
        for short in self.shorts:
            try:
                table = self._pooled(short, self.plan.inference)
            except ImputationError as error:
                if short == self.shorts[0]:
                    raise
                # One assumption that cannot hold for these participants does not stop the others.
                yield self._impossible(short, str(error))
                continue
            found[short] = table
            yield from self._table(table, WORDS[short], short, self.plan.inference)
            if self.plan.rubin_imputations:
                beside = self._pooled(short, RANDOM)
                yield from self._table(beside, f"{WORDS[short]}, Rubin", short, RANDOM)
        if self.plan.remission_at_most is not None:
            yield from self._remission(list(found))
        tips = {}
        if self.plan.delta is not None:
            for arm in self.trial.arms[1:]:
                tips[arm] = self._surface(arm)
                yield from self._surface_rows(tips[arm])
        for arm in self.trial.arms[1:]:
            yield self._verdict(arm, found, tips.get(arm))

    # --- imputation --------------------------------------------------------------------------

    def _draws(self, short: str, method: Any) -> Draws:
        trial = self.trial.with_strategy(short)
        key = (method, np.isnan(trial.modelled).tobytes())
        if key not in self._drawn:
            note.info("%s: drawing for %s", method, WORDS[short])
            number = {"bootstrap": self.plan.resamples}.get(method, self.plan.rubin_imputations)
            rng = stream(
                self.data.study.study.seed, self.data.trial, self.outcome, "robustness", method
            )
            self._drawn[key] = draws(trial, method, number, rng=rng)
        return self._drawn[key]

    def _pooled(self, short: str, method: str) -> pd.DataFrame:
        imputed = impute(self._draws(short, method), short)
        return pool(analyse(imputed, ancova()), level=self.level)

    def _surface(self, arm: str) -> Tipping:
        assert self.plan.delta is not None
        note.info("tipping points of %s", arm)
        amounts = np.linspace(-self.plan.delta.largest, self.plan.delta.largest,
                              self.plan.delta.steps)  # fmt: skip
        short = self.shorts[0]
        return tipping_surface(
            impute(self._draws(short, self.plan.inference), short),
            ancova(visits=[self.endpoint]),
            arm=arm, visit=self.endpoint, deltas=amounts, reference_deltas=amounts,
            level=self.level,
        )  # fmt: skip

    # --- rows --------------------------------------------------------------------------------

    def _common(self, label: str, covariance: str | None = None) -> Row:
        return {
            "trial": self.data.trial,
            "outcome": self.outcome,
            "analysis": f"robustness, {label}",
            "analysis_set": AS_RANDOMISED,
            "estimand": self.estimand,
            "unit": self.data.study.outcomes[self.outcome].unit,
            "covariance": covariance,
            "status": "exploratory",
            "disclosure": "shared",
        }

    def _name(self, arm: str) -> str:
        return self.data.study.arms[arm].label

    def _table(
        self,
        table: pd.DataFrame,
        label: str,
        short: str,
        method: str,
        what: str = "",
        unit: str | None = None,
    ) -> Iterator[Row]:
        drawn = self._draws(short, method)
        fit, missing = drawn.fit, self.trial.missing
        model = "conditional-mean" if drawn.conditional_mean else "random"
        analysed = what or "ANCOVA at each visit"
        common = self._common(label, fit.covariance_used)
        stepped = ""
        if len(fit.steps) > 1:
            stepped = f"covariance stepped down ({'; '.join(f'{n}: {w}' for n, w in fit.steps)})"
        if unit is not None:
            common["unit"] = unit
        replaced = f"{drawn.failed} resamples without a fit replaced" if drawn.failed else ""
        for row in table.to_dict("records"):
            arm, visit = str(row["arm"]), str(row["visit"])
            a = self.trial.visits.index(visit)
            n = {one: self.trial.arm == k for k, one in enumerate(self.trial.arms)}
            imputed = f"{int(missing[n[arm], a].sum())} of {int(n[arm].sum())} scores imputed"
            out: Row = {
                **common,
                "quantity": row["quantity"],
                "arm": arm,
                "visit": visit,
                "estimate": row["estimate"],
                "se": row["se"],
                "df": None if pd.isna(row["df"]) else row["df"],
                "lower": row["lower"],
                "upper": row["upper"],
                "level": self.level,
                "interval_method": f"{row['interval_method']}; variance: {row['variance']}",
                "n_arm": int(n[arm].sum()),
                "method": f"{model} imputation, {WORDS[short]} from the event on, by a mixed model "
                f"for repeated measures; {analysed}",
                "converged": True,
                "model_id": f"{self.data.trial}/{self.outcome}/robustness/{short}",
            }
            if row["quantity"] == "difference":
                other = str(row["reference"])
                out |= {
                    "reference": other,
                    "contrast": f"{self._name(arm)} minus {self._name(other)}",
                    "n_reference": int(n[other].sum()),
                    "p": row["p"],
                }
                imputed = (
                    f"{int(missing[n[arm], a].sum())} and {int(missing[n[other], a].sum())} "
                    "scores imputed"
                )
            precision = ""
            if pd.notna(row["mcse"]) and row["mcse"] > 0:
                precision = (
                    f"Monte-Carlo error {row['mcse']:.2g} with {int(row['data_sets'])} "
                    f"imputations; {int(row['data_sets_needed'])} would be enough"
                )
            out["notes"] = "; ".join(
                filter(None, [imputed, precision, replaced, stepped, *self.notes])
            )
            yield out

    def _impossible(self, short: str, why: str) -> Row:
        return {
            **self._common(WORDS[short]),
            "quantity": "difference",
            "visit": self.endpoint,
            "contrast": "all arms",
            "method": f"imputation, {WORDS[short]}",
            "notes": f"not possible: {why}",
        }

    def _remission(self, shorts: list[str]) -> Iterator[Row]:
        criterion = responders(at_most=self.plan.remission_at_most, visits=[self.endpoint])
        if self.plan.rubin_imputations:
            for short in shorts:
                imputed = impute(self._draws(short, RANDOM), short)
                table = pool(analyse(imputed, criterion), level=self.level)
                yield from self._table(
                    table,
                    f"remission, {WORDS[short]}",
                    short,
                    RANDOM,
                    criterion.label,
                    "proportion",
                )
        table = missing_is_no_response(self.trial, criterion, self.level)
        for row in self._table(
            table, "remission, missing is not remitted", self.shorts[0], self.plan.inference,
            criterion.label, "proportion",
        ):  # fmt: skip
            counted = str(row["notes"]).replace("imputed", "unseen")
            how = f"every unseen score counted as not remitted; {criterion.label}"
            yield {**row, "method": how, "covariance": None, "model_id": None, "converged": None,
                   "notes": counted}  # fmt: skip

    def _surface_rows(self, surface: Tipping) -> Iterator[Row]:
        arm, other = str(surface.arm), str(surface.reference)
        words = WORDS[self.shorts[0]]
        about = {
            "quantity": "difference",
            "arm": arm,
            "reference": other,
            "visit": self.endpoint,
            "level": self.level,
            "method": f"conditional-mean imputation, {words}, unseen scores then shifted; ANCOVA",
        }
        for row in surface.table.to_dict("records"):
            d, r = row["delta"], row["reference_delta"]
            yield {
                **self._common(f"delta {d:+g} and {r:+g}"),
                **about,
                "contrast": f"{self._name(arm)} minus {self._name(other)}, unseen scores shifted "
                f"by {d:+g} and {r:+g}",
                **{key: row[key] for key in ("estimate", "se", "lower", "upper", "p")},
                "df": None if pd.isna(row["df"]) else row["df"],
                "interval_method": f"{row['interval_method']}; variance: {row['variance']}",
            }
        for k, row in enumerate(surface.contour.to_dict("records")):
            yield {
                **self._common(f"tipping point {k + 1}"),
                **{name: about[name] for name in about if name != "level"},
                "contrast": f"shift of {self._name(arm)} at which the conclusion changes, with "
                f"{self._name(other)} shifted by {row['reference_delta']:+g}",
                "estimate": row["delta"],
            }

    # --- the verdict -------------------------------------------------------------------------

    def _verdict(self, arm: str, found: dict[str, pd.DataFrame], tips: Tipping | None) -> Row:
        other = str(self.trial.arms[0])
        at: dict[str, Row] = {}
        for short, table in found.items():
            own = table[(table["quantity"] == "difference") & (table["arm"] == arm)]
            at[short] = own[own["visit"] == self.endpoint].to_dict("records")[0]  # type: ignore[assignment]
        said = {short: conclusion(row) for short, row in at.items()}
        base = said[self.shorts[0]]
        same = [short for short, what in said.items() if what == base]
        sentence = verdict(
            at[self.shorts[0]],
            arm=self._name(arm),
            other=self._name(other),
            visit=self.data.study.visits[self.endpoint].label,
            unit=self.data.study.outcomes[self.outcome].unit,
            higher_is_worse=self.data.study.outcomes[self.outcome].higher_is == "worse",
            first=WORDS[self.shorts[0]],
            same=len(same),
            others=[WORDS[short] for short in said if short not in same],
            tips=tips,
            largest=None if self.plan.delta is None else self.plan.delta.largest,
            sd=self._endpoint_sd(arm, other),
        )
        return {
            **self._common("verdict"),
            "quantity": "count",
            "contrast": f"assumptions, of {len(said)}, that lead to the same conclusion",
            "arm": arm,
            "reference": other,
            "visit": self.endpoint,
            "unit": "assumptions",
            "estimate": len(same),
            "method": "comparison of intervals under all assumptions",
            "notes": sentence,
        }

    def _endpoint_sd(self, arm: str, other: str) -> float | None:
        a = self.trial.visits.index(self.endpoint)
        seen = []
        for one in (arm, other):
            values = self.trial.y[self.trial.arm == self.trial.arms.index(one), a]
            seen.append(values[np.isfinite(values)])
        if min(len(v) for v in seen) < 2:
            return None
        return pooled_sd(seen[0].std(ddof=1), len(seen[0]), seen[1].std(ddof=1), len(seen[1]))
