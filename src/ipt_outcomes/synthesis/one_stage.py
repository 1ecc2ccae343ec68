r"""One-stage pooling of participant data: one mixed model for all trials.

For participant i of trial j at visit a, in the arm (x = 1) or the reference (x = 0),

    score_ija = α_ja + γ_j baseline_ij + x_ij (δ_a + u_ja) + e_ija,

with an intercept for every trial and visit and a slope of the baseline for every trial as fixed
effects (a stratified model: nothing is borrowed between trials but the treatment effect),
u_ja ~ the random treatment effect of the trial, and e_ij ~ N(0, Σ), Σ unstructured over visits. The
treatment effect is random because the cluster effect of the trial acts in the arm's rows only.

With ``by visit`` (the default) u_ja = u_j + u*_ja, a part common to the visits and one of its own;
τ² at a visit is the sum of both variances. With ``intercept`` u_ja = u_j, the same at all visits.

One- and two-stage results differ where trials are few or small, where Σ differs between trials,
and by the degrees of freedom; with complete data and large trials they agree. With fewer than about
five trials τ² is hardly estimable in either way.

Sources: Legha et al. (2018), Statistics in Medicine 37:4404; Riley, Tierney & Stewart (2021),
Individual Participant Data Meta-Analysis, ch. 6; Burke, Ensor & Riley (2017), Stat Med 36:855.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from ipt_outcomes.results import Row, t_inference
from ipt_outcomes.synthesis.errors import SynthesisError

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

ANALYSIS = "pooled trials, one-stage"
COLUMNS = ("participant", "visit", "arm", "baseline", "score")


@dataclass(frozen=True, eq=False)
class OneStage:
    """The one-stage model of several trials.

    Parameters
    ----------
    fit
        The fitted mixed model.
    differences
        Arm minus reference by visit: visit, estimate, se, df, statistic, p, lower, upper.
    tau2
        Variance of the treatment effect between trials, at any one visit.
    trials
        Names of the trials.
    arm, reference
        What is compared.
    n_arm, n_reference
        Participants analysed.
    left_out
        Rows left out: of other arms, and without score or baseline.
    level
        Level of the intervals.
    """

    fit: MixedModelFit
    differences: pd.DataFrame
    tau2: float
    trials: tuple[str, ...]
    arm: str
    reference: str
    n_arm: int
    n_reference: int
    left_out: dict[str, int]
    level: float

    def rows(self, about: Row) -> Iterator[Row]:
        """Give the differences by visit and the variance between trials as estimates rows.

        Parameters
        ----------
        about
            Columns that all rows share: trial, outcome, analysis_set, estimand, unit, status,
            disclosure.
        """
        said = [f"{len(self.trials)} trials: {', '.join(self.trials)}"]
        said += [f"{count} rows left out: {why}" for why, count in self.left_out.items() if count]
        said += self.fit.notes
        shared: Row = {
            **about,
            "analysis": ANALYSIS,
            "method": "one-stage mixed model, stratified by trial, random treatment effect of the "
            f"trial, REML, {self.fit.specification.df} df",
            "covariance": self.fit.covariance_used,
            "converged": self.fit.convergence.converged,
            "notes": "; ".join(said),
        }
        for line in self.differences.to_dict("records"):
            yield {
                **shared,
                **t_inference(line, self.level),
                "quantity": "difference",
                "contrast": f"{self.arm} minus {self.reference}",
                "arm": self.arm,
                "reference": self.reference,
                "visit": str(line["visit"]),
                "n_arm": self.n_arm,
                "n_reference": self.n_reference,
            }
        yield {**shared, "quantity": "variance", "contrast": "variance between trials (τ²)",
               "unit": f"{about.get('unit') or 'points'}²", "estimate": self.tau2}  # fmt: skip


def one_stage(
    frames: Mapping[str, pd.DataFrame],
    *,
    arm: str,
    reference: str,
    effect: Literal["by visit", "intercept"] = "by visit",
    covariance: str = "unstructured",
    df: str = "kenward-roger",
    level: float = 0.95,
) -> OneStage:
    """Fit one mixed model to the participants of several trials.

    Parameters
    ----------
    frames
        Trial: its rows as :func:`ipt_outcomes.analyses.data.model_frame` makes them, with the
        columns of :data:`COLUMNS`, the same harmonised outcome and the same visits, as ordered
        categories or numbers.
    arm, reference
        What is compared; rows of other arms are left out and counted.
    effect
        Whether the trial's effect has a part of its own at each visit. With one visit it has not.
    covariance, df, level
        As for :func:`ipt_outcomes.mixed.mixed_model`.

    Raises
    ------
    SynthesisError
        When trials lack columns, arms or visits, or there are fewer than two.
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    from ipt_outcomes.mixed import mixed_model

    _check(frames, arm, reference)
    parts = []
    for trial, frame in frames.items():
        rows = frame[list(COLUMNS)].astype({"arm": "str"})
        # Trials number their participants each from 1.
        names = f"{trial}/" + rows["participant"].astype(str)
        parts.append(rows.assign(trial=trial, participant=names, visit=rows["visit"].astype(str)))
    visits = list(dict.fromkeys(v for frame in frames.values() for v in _visits(frame)))
    everyone = pd.concat(parts, ignore_index=True)
    compared = everyone["arm"].isin([arm, reference])
    known = everyone[["score", "baseline"]].notna().all(axis=1)
    rows = everyone[compared & known].copy()
    rows["visit"] = pd.Categorical(rows["visit"], visits, ordered=True)
    several = len(rows["visit"].cat.remove_unused_categories().cat.categories) > 1
    by_visit = "trial*visit + arm*visit" if several else "trial + arm"
    fit = mixed_model(
        f"score ~ {by_visit} + trial:baseline",
        rows,
        participant="participant",
        visit="visit",
        covariance=covariance,
        df=df,
        reference={"arm": reference},
        level=level,
        cluster="trial",
        cluster_where=f"arm == {arm!r}",
        cluster_effect=effect if several else "intercept",
    )
    table = fit.contrasts("arm", by="visit" if several else None, reference=reference)
    if not several:
        table = table.assign(visit=visits[0])
    components = fit.variance_components
    of_trials = components["parameter"].astype(str).str.startswith("cluster")
    people = rows.drop_duplicates("participant")["arm"].value_counts()
    return OneStage(
        fit=fit,
        differences=table,
        tau2=float(components.loc[of_trials, "estimate"].sum()),
        trials=tuple(frames),
        arm=arm,
        reference=reference,
        n_arm=int(people[arm]),
        n_reference=int(people[reference]),
        left_out={
            "another arm": int((~compared).sum()),
            "score or baseline missing": int((compared & ~known).sum()),
        },
        level=level,
    )


def _visits(frame: pd.DataFrame) -> list[str]:
    """Return the visits of a trial in order of time."""
    if isinstance(frame["visit"].dtype, pd.CategoricalDtype):
        return [str(v) for v in frame["visit"].cat.categories if (frame["visit"] == v).any()]
    return [str(v) for v in sorted(frame["visit"].unique())]


def _ordered(visit: pd.Series) -> bool:
    dtype = visit.dtype
    return bool(getattr(dtype, "ordered", False)) or pd.api.types.is_numeric_dtype(dtype)


def _check(frames: Mapping[str, pd.DataFrame], arm: str, reference: str) -> None:
    wrong = []
    if len(frames) < 2:
        wrong.append(f"{len(frames)} trials: the variance between trials needs at least two.")
    orders: dict[tuple[str, ...], str] = {}
    for trial, frame in frames.items():
        if missing := [name for name in COLUMNS if name not in frame]:
            wrong.append(f"{trial}: no column {', '.join(missing)}.")
            continue
        arms = set(frame["arm"].astype(str))
        if absent := [name for name in (arm, reference) if name not in arms]:
            found = ", ".join(sorted(arms))
            wrong.append(f"{trial}: nobody in {' or '.join(absent)}; it has {found}.")
        if not _ordered(frame["visit"]) and len(frame["visit"].drop_duplicates()) > 1:
            wrong.append(f"{trial}: the visits are text without an order; make them an ordered "
                         "categorical, or numbers.")  # fmt: skip
            continue
        orders.setdefault(tuple(_visits(frame)), trial)
    if len(orders) > 1:
        said = "; ".join(f"{trial}: {', '.join(order)}" for order, trial in orders.items())
        wrong.append(f"the trials have different visits ({said}); keep those they share, or pool "
                     "in two stages.")  # fmt: skip
    if wrong:
        raise SynthesisError(wrong)
