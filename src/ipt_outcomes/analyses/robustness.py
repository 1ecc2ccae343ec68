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
from collections.abc import Generator, Iterator

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.attempts import NAMELESS
from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.effect_size import pooled_sd
from ipt_outcomes.analyses.robustness_assumptions import Assumed, assumptions
from ipt_outcomes.analyses.robustness_data import incomplete
from ipt_outcomes.analyses.robustness_engine import RANDOM, Engine
from ipt_outcomes.analyses.robustness_remission import remission_rows
from ipt_outcomes.analyses.robustness_rows import RowMaker
from ipt_outcomes.analyses.robustness_verdict import conclusion, nothing_missing, verdict
from ipt_outcomes.imputation import ImputationError, Tipping, ancova, tipping_surface
from ipt_outcomes.mixed import MixedModelError
from ipt_outcomes.results import Row, estimates

note = logging.getLogger("ipt_outcomes")

UNFITTED = "the imputation model cannot be fitted to these data (the log tells more)"


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
        endpoint under deltas, the deltas at which the conclusion changes, and a verdict. An
        assumption that these data do not allow has one row that says so.

    Raises
    ------
    ipt_outcomes.analyses.robustness_data.RobustnessError
        When an assumption needs a reference arm that the configuration does not name.
    """
    return estimates(_Robustness(data).rows())


class _Robustness:
    def __init__(self, data: TrialData) -> None:
        plan = data.study.analyses.robustness
        assert plan is not None, "the workflow asks for this analysis only when it is configured"
        self.data, self.plan = data, plan
        self.assumed = assumptions(plan)
        wanted = {short for one in self.assumed for short in one.strategies}
        self.trial, events, notes = incomplete(data, plan, wanted)
        self.engine = Engine(data, plan, self.trial, events)
        self.make = RowMaker(data, self.trial, notes)

    def rows(self) -> Iterator[Row]:
        held: dict[str, tuple[Assumed, pd.DataFrame]] = {}
        at_random: list[Assumed] = []
        for one in self.assumed:
            table = yield from self._under(one, one.label, self.plan.inference)
            if table is None:
                continue
            held[one.label] = one, table
            if self.plan.rubin_imputations:
                beside = yield from self._under(one, f"{one.label}, Rubin", RANDOM)
                if beside is not None:
                    at_random.append(one)
        if not held:
            return
        plain = [one for one, _ in held.values() if one.shift is None]
        if self.plan.remission_at_most is not None:
            yield from remission_rows(self.engine, self.make, at_random)
        tips = {}
        if self.plan.delta is not None and plain and self.make.unseen_at_the_endpoint:
            for arm in self.trial.arms[1:]:
                tips[arm] = self._surface(plain[0], arm)
                yield from self.make.tipping(
                    tips[arm],
                    "",
                    f"conditional-mean imputation, {plain[0].words}, unseen scores then shifted; "
                    "ANCOVA",
                    shifted="unseen scores shifted",
                )
        for arm in self.trial.arms[1:]:
            yield self._verdict(arm, held, tips.get(arm))

    def _under(
        self, one: Assumed, label: str, method: str
    ) -> Generator[Row, None, pd.DataFrame | None]:
        """Yield the rows of an assumption, or the one that says why there are none."""
        try:
            table = self.engine.pooled(one, method)
        except (ImputationError, MixedModelError) as error:
            # An assumption that cannot hold for these participants does not stop the others.
            note.warning("%s is not possible: %s", label, error)
            # The error may name participants: the row, which is shared, must not.
            told = error.shareable or NAMELESS if isinstance(error, ImputationError) else UNFITTED
            yield self.make.impossible(label, told, one.words)
            return None
        drawn = self.engine.draws(one, method)
        yield from self.make.pooled(table, label, one.words, drawn, "ANCOVA at each visit")
        return table

    def _surface(self, one: Assumed, arm: str) -> Tipping:
        note.info("tipping points of %s", arm)
        method = self.plan.inference
        return tipping_surface(
            self.engine.imputed(one, method), ancova(visits=[self.make.endpoint]), arm=arm,
            visit=self.make.endpoint, deltas=self.engine.amounts(),
            reference_deltas=self.engine.amounts(), level=self.make.level,
            interval=self.engine.interval(method),
        )  # fmt: skip

    # --- the verdict -------------------------------------------------------------------------

    def _verdict(
        self, arm: str, held: dict[str, tuple[Assumed, pd.DataFrame]], tips: Tipping | None
    ) -> Row:
        study, make = self.data.study, self.make
        other = str(self.trial.arms[0])
        at: dict[str, Row] = {}
        for label, (_, table) in held.items():
            own = table[(table["quantity"] == "difference") & (table["arm"] == arm)]
            at[label] = own[own["visit"] == make.endpoint].to_dict("records")[0]  # type: ignore[assignment]
        said = {label: conclusion(row) for label, row in at.items()}
        first = next(iter(said))
        same = [label for label, what in said.items() if what == said[first]]
        sentence = verdict(
            at[first],
            arm=make.name(arm),
            other=make.name(other),
            visit=study.visits[make.endpoint].label,
            unit=study.outcomes[make.outcome].unit,
            higher_is_worse=study.outcomes[make.outcome].higher_is == "worse",
            first=first,
            same=len(same),
            others=[label for label in said if label not in same],
            tips=tips,
            largest=None if self.plan.delta is None else self.plan.delta.largest,
            sd=self._endpoint_sd(arm, other),
        )
        if not self.make.unseen_at_the_endpoint:
            sentence += f" {nothing_missing(study.visits[make.endpoint].label)}"
        left_out = [one.label for one in self.assumed if one.label not in held]
        if left_out:
            sentence += f" Not possible with these data: {', '.join(left_out)}."
        return {
            **make.common("verdict", unit="assumptions"),
            "quantity": "count",
            "contrast": f"assumptions, of {len(said)}, that lead to the same conclusion",
            "arm": arm,
            "reference": other,
            "visit": make.endpoint,
            "estimate": len(same),
            "method": "comparison of intervals under all assumptions",
            "notes": sentence,
        }

    def _endpoint_sd(self, arm: str, other: str) -> float | None:
        a = self.trial.visits.index(self.make.endpoint)
        seen = []
        for one in (arm, other):
            values = self.trial.y[self.trial.arm == self.trial.arms.index(one), a]
            seen.append(values[np.isfinite(values)])
        if min(len(v) for v in seen) < 2:
            return None
        return pooled_sd(seen[0].std(ddof=1), len(seen[0]), seen[1].std(ddof=1), len(seen[1]))
