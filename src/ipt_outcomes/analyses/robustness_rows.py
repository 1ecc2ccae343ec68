"""Rows of the estimates table for the robustness analysis: what each says beside its number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.proportions import wilson
from ipt_outcomes.analyses.response_rows import WILSON, WILSON_IMPUTED
from ipt_outcomes.imputation import Draws, IncompleteTrial, Tipping
from ipt_outcomes.results import Row


@dataclass(frozen=True)
class RowMaker:
    """What the rows of one robustness analysis share.

    Parameters
    ----------
    data
        The trial.
    trial
        Its incomplete primary outcome.
    notes
        What a reader of every row must know.
    """

    data: TrialData
    trial: IncompleteTrial
    notes: list[str]

    @property
    def outcome(self) -> str:
        """The primary outcome."""
        return self.data.study.primary_outcome

    @property
    def endpoint(self) -> str:
        """The visit at which the primary effect is stated."""
        return self.data.study.endpoint

    @property
    def level(self) -> float:
        """Level of the intervals: that of the primary analysis."""
        return self.data.study.analyses.primary.level

    @property
    def unseen_at_the_endpoint(self) -> bool:
        """Whether any score is missing there."""
        return bool(self.trial.missing[:, self.trial.visits.index(self.endpoint)].any())

    def name(self, arm: object) -> str:
        """Call an arm as tables do."""
        return self.data.study.arms[str(arm)].label

    def common(self, label: str, **more: Any) -> Row:
        """Return what every row says."""
        return {
            **exploratory(self.data, f"robustness, {label}"),
            "outcome": self.outcome,
            "estimand": self.data.study.primary_estimand,
            "unit": self.data.study.outcomes[self.outcome].unit,
            **more,
        }

    def impossible(self, label: str, why: str, words: str) -> Row:
        """Say that an assumption could not be examined, and why."""
        return self.common(
            label,
            quantity="difference",
            visit=self.endpoint,
            contrast="all arms",
            method=f"imputation, {words}",
            notes=f"not possible: {why}",
        )

    def pooled(
        self, table: pd.DataFrame, label: str, words: str, drawn: Draws, analysed: str,
        unit: str | None = None,
    ) -> Iterator[Row]:  # fmt: skip
        """Turn a pooled table into rows.

        Parameters
        ----------
        table
            From :func:`ipt_outcomes.imputation.pool`.
        label
            The analysis's name after "robustness, ".
        words
            What is assumed.
        drawn
            The draws behind it.
        analysed
            How the completed data were analysed.
        unit
            Unit of the estimates, when not the outcome's.
        """
        fit = drawn.fit
        about = [*self.notes]
        if len(fit.steps) > 1:
            tried = "; ".join(f"{name}: {why}" for name, why in fit.steps)
            about.insert(0, f"covariance stepped down ({tried})")
        if drawn.failed:
            about.insert(0, f"{drawn.failed} resamples without a fit replaced")
        kind = "conditional-mean" if drawn.conditional_mean else "random"
        common = self.common(
            label,
            covariance=fit.covariance_used,
            method=f"{kind} imputation by a mixed model for repeated measures, assuming {words}; "
            f"{analysed}",
            converged=True,  # what does not converge is refused or stepped down before
            model_id=f"{self.data.trial}/{self.outcome}/robustness",
            level=self.level,
        )
        if unit is not None:
            common["unit"] = unit
        for row in table.to_dict("records"):
            found = {str(name): value for name, value in row.items()}
            numbers = self.estimated(found, shares=unit == "proportion")
            yield {**common, **numbers, **self.about(found, "imputed", about)}

    def estimated(self, row: Row, *, shares: bool = False) -> Row:
        """Return the numbers of a pooled row and how its interval was made.

        Parameters
        ----------
        row
            The pooled row.
        shares
            Whether it is about proportions: theirs are Wilson's intervals, and those of their
            differences end at -1 and 1.
        """
        numbers = {key: row[key] for key in ("quantity", "estimate", "se", "lower", "upper")}
        how = row["interval_method"]
        if shares and row["quantity"] == "probability":
            numbers["lower"], numbers["upper"] = self._wilson(row)
            how = WILSON if row["data_sets"] == 1 else WILSON_IMPUTED
        elif shares:
            numbers |= {"lower": max(row["lower"], -1.0), "upper": min(row["upper"], 1.0)}
        if not row["lower"] <= row["estimate"] <= row["upper"]:
            # Percentiles of a very skewed bootstrap: an interval without its estimate is none.
            numbers |= {"lower": None, "upper": None}
        return {
            **numbers,
            "df": None if pd.isna(row["df"]) else row["df"],
            "interval_method": f"{how}; variance: {row['variance']}",
        }

    def _wilson(self, row: Row) -> tuple[float, float]:
        n = int((self.trial.arm == self.trial.arms.index(str(row["arm"]))).sum())
        increase = 0.0
        if row["between"] > 0:
            increase = (1 + 1 / row["data_sets"]) * row["between"] / row["within"]
        df: float = math.inf if pd.isna(row["df"]) else float(row["df"])
        return wilson(float(row["estimate"]), n / (1 + increase), self.level, df)

    def about(self, row: Row, what: str, notes: list[str]) -> Row:
        """Say whom a pooled row is about, how many of their scores were unseen, and the rest."""
        trial = self.trial
        arm, visit = str(row["arm"]), str(row["visit"])
        missing = trial.missing[:, trial.visits.index(visit)]

        def people(one: str) -> tuple[int, int]:
            inside = trial.arm == trial.arms.index(one)
            return int((missing & inside).sum()), int(inside.sum())

        unseen, n = people(arm)
        found: Row = {"arm": arm, "visit": visit, "n_arm": n}
        told = f"{unseen} of {n} scores {what}"
        if row["quantity"] == "difference":
            other = str(row["reference"])
            unseen_other, n_other = people(other)
            found |= {
                "reference": other,
                "contrast": f"{self.name(arm)} minus {self.name(other)}",
                "n_reference": n_other,
                "p": row["p"],
            }
            told = f"{unseen} of {n} and {unseen_other} of {n_other} scores {what}"
        precision = ""
        if (error := float(row["mcse"])) > 0:  # false where it is not known
            precision = (
                f"Monte-Carlo error {error:.2g} with {int(row['data_sets'])} imputations; "
                f"{int(row['data_sets_needed'])} would be enough"
            )
        found["notes"] = "; ".join(filter(None, [told, precision, *notes]))
        return found

    def tipping(
        self, tips: Tipping, label: str, method: str, *, shifted: str, unit: str | None = None,
        table: bool = True,
    ) -> Iterator[Row]:  # fmt: skip
        """Turn a tipping-point analysis into rows.

        Parameters
        ----------
        tips
            The analysis.
        label
            Begins the analysis's name after "robustness, "; empty for the primary outcome's.
        method
            What was done, in words.
        shifted
            What a delta is: ``"unseen scores shifted"``.
        unit
            Unit of the differences, when not the outcome's.
        table
            Whether the differences at all deltas are rows, or only the tipping points.
        """
        arm, other = str(tips.arm), str(tips.reference)
        about = {"quantity": "difference", "arm": arm, "reference": other,
                 "visit": self.endpoint, "method": method}  # fmt: skip
        both = f"{self.name(arm)} minus {self.name(other)}"
        for row in tips.table.to_dict("records") if table else ():
            d, r = row["delta"], row["reference_delta"]
            found = self.common(f"{label}delta {d:+g} and {r:+g}", **about, level=self.level)
            if unit is not None:
                found["unit"] = unit
            numbers = {str(name): value for name, value in row.items()} | {"quantity": "difference"}
            yield {
                **found,
                **self.estimated(numbers, shares=unit == "proportion"),
                "p": row["p"],
                "contrast": f"{both}, {shifted} by {d:+g} and {r:+g}",
            }
        for k, row in enumerate(tips.contour.to_dict("records"), start=1):
            r = row["reference_delta"]
            yield {
                **self.common(f"{label}tipping point {k}", **about),
                "contrast": f"shift of {self.name(arm)} at which the conclusion changes, with "
                f"{self.name(other)} shifted by {r:+g}",
                "estimate": row["delta"],
                "notes": "exact" if tips.exact else "first shift examined beyond the change",
            }
