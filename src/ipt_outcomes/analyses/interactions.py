r"""For whom the effect differs: interactions of arm with what was known before randomisation.

For a moderator m (baseline severity, age, a personality disorder, delivery format ...),

.. math:: y_{ia} = \text{baseline}_i \times a + g_i \times a + m_i \times a
                   + g_i \times m_i \times a + \text{covariates}_i + e_{ia},

the primary model with one interaction more. What is reported at the endpoint: the test that the
effect is the same whatever m; for a category the effect within each level and the differences of
effects from the largest level; for a number the change of the effect per unit and the effect one SD
below and above the mean. Effects within subgroups without their interaction are never reported:
whether one interval holds zero and the other does not is no test of a difference
(Brookes et al. 2004, J Clin Epidemiol 57:229).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, exploratory, model_frame
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.repeated import DEGREES_OF_FREEDOM, fit_as_primary, repeated_formula
from ipt_outcomes.results import Row, t_inference

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


@dataclass(frozen=True)
class Moderator:
    """What the effect may depend on.

    Parameters
    ----------
    name
        Short name; a covariate of the same name leaves the model.
    label, unit
        Its name in words, and the unit of a number.
    values
        Its value by participant; None for the outcome's own score at baseline.
    numeric
        Whether it is a number.
    labels
        Level of a category: its name in words.
    """

    name: str
    label: str
    unit: str
    values: pd.Series | None
    numeric: bool
    labels: Mapping[str, str]


class Interaction:
    """The primary model with one moderator, on the primary outcome at the primary endpoint.

    Parameters
    ----------
    data
        The trial.
    moderator
        What the effect may depend on.
    analysis
        Name of the analysis in the rows.
    about
        What every row says first in its notes.
    """

    def __init__(self, data: TrialData, moderator: Moderator, analysis: str, about: str) -> None:
        self.data, self.moderator, self.analysis, self.about = data, moderator, analysis, about
        study = data.study
        self.outcome, self.estimand = study.primary_outcome, study.primary_estimand
        self.endpoint = study.estimands[self.estimand].endpoint
        self.reference = study.reference_arm
        self.label, self.labels = moderator.label, moderator.labels
        self.unit = study.outcomes[self.outcome].unit
        self.per = f"per unit ({moderator.unit})" if moderator.unit else "per unit"
        self.unknown = 0
        self.withheld = False

    def rows(self) -> Iterator[Row]:
        """Give the test, the effects by subgroup and how they differ; or why there are none."""
        yield from attempted(self._rows(), self._where(None))

    def _rows(self) -> Iterator[Row]:
        frame = model_frame(self.data, self.outcome, self.estimand, AS_RANDOMISED).rows
        observed = frame[frame["score"].notna()].copy()
        if self.moderator.values is not None:
            observed["moderator"] = observed["participant"].map(self.moderator.values)
            unknown = observed["moderator"].isna()
            self.unknown = int(observed.loc[unknown, "participant"].nunique())
            observed = observed[~unknown]
        else:
            observed["moderator"] = observed["baseline"]
        if self.moderator.numeric:
            yield from self._number(observed)
        else:
            yield from self._category(observed.assign(moderator=observed["moderator"].astype(str)))

    # --- numbers -----------------------------------------------------------------------------

    def _number(self, observed: pd.DataFrame) -> Iterator[Row]:
        people = observed.drop_duplicates("participant")["moderator"].astype(float)
        mean, sd = float(people.mean()), float(people.std())
        if not sd > 0:
            yield self._impossible("it is the same for everybody")
            return
        # Centred, so that the arm's own terms are effects at the mean.
        observed = observed.assign(moderator=observed["moderator"].astype(float) - mean)
        fit = self._fit(observed)
        slopes = fit.trend_contrasts("moderator", "arm", by="visit", reference=self.reference)
        slopes = slopes[slopes["visit"].astype(str) == self.endpoint]
        yield self._test(fit)
        for row in slopes.to_dict("records"):
            yield {
                **self._difference(fit, row, observed),
                "quantity": "slope",
                "contrast": f"change of {self._effect(row['arm'])} {self.per} of {self.label}",
                "subgroup": f"{self.label}, {self.per}",
                "unit": f"{self.unit} {self.per}",
            }
        for shift, words in ((-sd, "one SD below"), (sd, "one SD above")):
            at = fit.contrasts("arm", by="visit", reference=self.reference, at={"moderator": shift})
            for row in at[at["visit"].astype(str) == self.endpoint].to_dict("records"):
                yield {
                    **self._difference(fit, row, observed),
                    "subgroup": f"{self.label} {words} the mean ({mean + shift:.1f})",
                }

    # --- categories --------------------------------------------------------------------------

    def _category(self, observed: pd.DataFrame) -> Iterator[Row]:
        at = observed[observed["visit"] == self.endpoint]
        counts = pd.crosstab(at["moderator"], at["arm"]).reindex(
            columns=self.data.arms, fill_value=0
        )
        large = counts.index[(counts >= SMALLEST).all(axis=1)]
        small = sorted(set(observed["moderator"]) - set(large))
        # Counts beside a level that is left out would give its own by subtraction.
        self.withheld = bool(small)
        for level in small:
            yield {
                **self._where(None),
                "quantity": "difference",
                "contrast": "all arms",
                "subgroup": f"{self.label}: {self.labels.get(level, level)}",
                "method": "not estimated",
                "notes": self._notes(SUPPRESSED + " in an arm"),
            }
        if len(large) < 2:
            yield self._impossible(
                f"fewer than two levels have {SMALLEST} participants in each arm"
            )
            return
        observed = observed[observed["moderator"].isin(large)]
        size = counts.loc[large].sum(axis=1)
        base = min(large, key=lambda level: (-size[level], level))
        fit = self._fit(observed, {"moderator": base})
        yield self._test(fit)
        within = fit.contrasts("arm", by=["visit", "moderator"], reference=self.reference)
        for row in within[within["visit"].astype(str) == self.endpoint].to_dict("records"):
            level = str(row["moderator"])
            yield {
                **self._difference(fit, row, observed[observed["moderator"] == level]),
                "subgroup": f"{self.label}: {self.labels.get(level, level)}",
            }
        yield from self._differences_of_effects(fit, observed, base, sorted(large))

    def _differences_of_effects(
        self, fit: MixedModelFit, observed: pd.DataFrame, base: str, levels: list[str]
    ) -> Iterator[Row]:
        from ipt_outcomes.mixed.grid import mean_rows

        cells, means = mean_rows(fit.design, ["visit", "moderator", "arm"], None, "equal")
        row_of = {tuple(map(str, cell)): means[k] for k, cell in enumerate(cells)}
        for arm in [a for a in self.data.arms if a != self.reference]:
            own = {level: row_of[self.endpoint, level, arm] for level in levels}
            other = {level: row_of[self.endpoint, level, self.reference] for level in levels}
            effect = {level: own[level] - other[level] for level in levels}
            for level in levels:
                if level == base:
                    continue
                (found,) = fit.linear([effect[level] - effect[base]]).to_dict("records")
                at = {**found, "arm": arm, "visit": self.endpoint}
                names = [self.labels.get(one, one) for one in (level, base)]
                yield {
                    **self._difference(fit, at, observed),
                    "contrast": f"{self._effect(arm)}: {names[0]} minus {names[1]}",
                    "subgroup": f"{self.label}: {names[0]} against {names[1]}",
                }

    # --- shared ------------------------------------------------------------------------------

    def _fit(
        self, observed: pd.DataFrame, reference: dict[str, str] | None = None
    ) -> MixedModelFit:
        plan = self.data.study.analyses.primary
        adjust = [name for name in plan.adjust_for if name != self.moderator.name]
        own = ["arm*moderator"] + ([] if self.moderator.values is None else ["baseline"])
        several = observed["visit"].drop_duplicates().size > 1
        formula = repeated_formula(observed, adjust, own)
        return fit_as_primary(
            plan,
            formula if several else formula.replace("*visit", ""),
            observed,
            {"arm": self.reference, **(reference or {})},
        )

    def _effect(self, arm: object) -> str:
        arms = self.data.study.arms
        return f"{arms[str(arm)].label} minus {arms[self.reference].label}"

    def _notes(self, *more: str) -> str:
        unknown = f"{self.unknown} participants without it not analysed" if self.unknown else ""
        return "; ".join(filter(None, [self.about, *more, unknown]))

    def _where(self, fit: MixedModelFit | None) -> Row:
        kr = DEGREES_OF_FREEDOM[self.data.study.analyses.primary.degrees_of_freedom]
        return exploratory(
            self.data,
            self.analysis,
            outcome=self.outcome,
            estimand=self.estimand,
            visit=self.endpoint,
            method=f"mixed model for repeated measures with arm × moderator × visit, REML, {kr} df",
            covariance=None if fit is None else fit.covariance_used,
            converged=None if fit is None else fit.convergence.converged,
            notes=self._notes(),
        )

    def _difference(
        self, fit: MixedModelFit, row: Mapping[Any, Any], observed: pd.DataFrame
    ) -> Row:
        arm = str(row["arm"])
        at = observed[observed["visit"] == self.endpoint]["arm"]
        return {
            **self._where(fit),
            **t_inference(row, self.data.study.analyses.primary.level),
            "quantity": "difference",
            "contrast": self._effect(arm),
            "arm": arm,
            "reference": self.reference,
            "unit": self.unit,
            "n_arm": None if self.withheld else int((at == arm).sum()),
            "n_reference": None if self.withheld else int((at == self.reference).sum()),
        }

    def _test(self, fit: MixedModelFit) -> Row:
        """Test the interaction at the endpoint: all arms' effects are the same whatever m."""
        from ipt_outcomes.mixed.grid import mean_rows

        if self.moderator.numeric:
            moved = []
            for half in (0.5, -0.5):
                place = {"moderator": half}
                cells, means = mean_rows(fit.design, ["visit", "arm"], place, "equal")
                moved.append(means)
            change = moved[0] - moved[1]
            of = {tuple(map(str, cell)): change[k] for k, cell in enumerate(cells)}
            rows = [of[self.endpoint, arm] - of[self.endpoint, self.reference]
                    for arm in self.data.arms if arm != self.reference]  # fmt: skip
        else:
            cells, means = mean_rows(fit.design, ["visit", "moderator", "arm"], None, "equal")
            every = {tuple(map(str, cell)): means[k] for k, cell in enumerate(cells)}
            of = {cell[1:]: row for cell, row in every.items() if cell[0] == self.endpoint}
            levels = list(dict.fromkeys(level for level, _ in of))
            effects = [[of[level, arm] - of[level, self.reference] for level in levels]
                       for arm in self.data.arms if arm != self.reference]  # fmt: skip
            rows = [own[k] - own[0] for own in effects for k in range(1, len(levels))]
        (found,) = fit.test(np.array(rows)).to_dict("records")
        return {
            **self._where(fit),
            "quantity": "test",
            "contrast": f"arm × {self.label} at the endpoint",
            "unit": "F",
            "statistic": found["statistic"],
            "df_numerator": found["df_numerator"],
            "df": found["df_denominator"],
            "p": found["p"],
        }

    def _impossible(self, why: str) -> Row:
        return {
            **self._where(None),
            "quantity": "test",
            "contrast": f"arm × {self.label} at the endpoint",
            "method": "not estimated",
            "notes": self._notes(f"not possible: {why}"),
        }
