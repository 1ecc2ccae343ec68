r"""Masking of raters, guesses of the arm, drift of raters, and self-report beside the clinician.

* Assessments by masked raters, by arm and visit; participants whose rater ever learned the arm.
* Guesses (the last one of each participant), by arm: Bang's index in a trial of two arms,
  :math:`(n_{right} - n_{wrong})/n`, 0 when guessing is at random, 1 when everybody is right, those
  who do not know counted in n (Bang, Ni & Davis 2004, Controlled Clinical Trials 25:143); with more
  arms the share of right guesses beside that of chance.
* Rater drift: in the model of the primary analysis for the clinician's score, with the rater and
  the stage of the trial (``order``), whether raters differ, whether scores move with the order, and
  whether some raters move more than others.
* Self-report beside the clinician: the difference of the two standardised effects at the endpoint,
  :math:`D_{ia} = y^{clin}_{ia}/s^{clin} - y^{self}_{ia}/s^{self}` being modelled as one outcome, so
  that both scores of a person count together. A clinician's effect that is larger may come from
  knowledge of the arm; it may also come from what each instrument measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, exploratory, model_frame
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.process_data import by_time
from ipt_outcomes.analyses.proportions import exact_share
from ipt_outcomes.analyses.repeated import endpoint_sds, fit_as_primary
from ipt_outcomes.results import Row, estimates, t_inference
from ipt_outcomes.study.process_analyses import BlindingAnalysis

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


FEW_RATINGS = 10
"""Raters with fewer assessments are taken together."""
OTHER = "other raters"


class BlindingError(ValueError):
    """Something about masking that the trial did not record."""


def blinding(data: TrialData) -> pd.DataFrame:
    """Describe masking and test for drift.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    BlindingError
        When guesses or raters are not recorded, or an outcome is not one of the trial's.
    ProcessError
        When masking, unmasking or the order has no visits.
    """
    plan = data.study.analyses.blinding
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    where = exploratory(data, "blinding")
    rows: list[Row] = []
    if plan.masked:
        rows += _masked(data, plan, where)
    if plan.unmasked:
        rows += _unmasked(data, plan, where)
    if plan.guess:
        rows += _guesses(data, plan, where)
    if plan.rater and plan.clinician and plan.order:
        about = {**where, "outcome": plan.clinician, "analysis": "blinding, rater drift"}
        rows += attempted(_drift(data, plan, about), about)
    if plan.self_report and plan.clinician:
        about = {**where, "outcome": plan.clinician,
                 "analysis": "blinding, self-report beside clinician",
                 "estimand": data.study.primary_estimand}  # fmt: skip
        rows += attempted(_self_report(data, plan, about), about)
    return estimates(rows)


def _masked(data: TrialData, plan: BlindingAnalysis, where: Row) -> Iterator[Row]:
    assert plan.masked
    rows = by_time(data, plan.masked, "visit")
    for arm in data.arms:
        for visit in data.study.visits_of(data.trial):
            own = rows[(rows["arm"] == arm) & (rows["time"] == visit)]["value"].to_numpy(float)
            if len(own):
                about = {**where, "arm": arm, "visit": visit}
                yield from _share(own > 0.5, about, "assessed by a masked rater", plan.level)


def _unmasked(data: TrialData, plan: BlindingAnalysis, where: Row) -> Iterator[Row]:
    assert plan.unmasked
    rows = by_time(data, plan.unmasked, "visit")
    ever = rows.groupby("participant")["value"].max() > 0.5
    arm = rows.drop_duplicates("participant").set_index("participant")["arm"]
    for name in data.arms:
        own = ever[arm.reindex(ever.index) == name].to_numpy(bool)
        if len(own):
            words = "rater ever learned the arm"
            yield from _share(own, {**where, "arm": name}, words, plan.level)


def _share(has: np.ndarray, about: Row, words: str, level: float) -> Iterator[Row]:
    n, k = len(has), int(has.sum())
    row = {**about, "quantity": "probability", "contrast": words, "n_arm": n,
           "method": "description", "unit": "proportion"}  # fmt: skip
    if 0 < k < SMALLEST or 0 < n - k < SMALLEST:
        yield {**row, "notes": SUPPRESSED}
        return
    yield {**row, **exact_share(k, n, level)}


def bang_index(right: int, wrong: int, n: int, level: float) -> tuple[float, float, float, float]:
    """Return Bang's blinding index of one arm with its error and interval.

    Parameters
    ----------
    right, wrong, n
        Right and wrong guesses, and all who were asked, "does not know" included.
    level
        Level of the interval.

    Examples
    --------
    >>> [round(x, 4) for x in bang_index(41, 12, 82, 0.95)]
    [0.3537, 0.0797, 0.1974, 0.5099]
    """
    value = (right - wrong) / n
    se = float(np.sqrt(max((right + wrong) / n - value**2, 0.0) / n))
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    return value, se, max(value - half, -1.0), min(value + half, 1.0)


def _guesses(data: TrialData, plan: BlindingAnalysis, where: Row) -> Iterator[Row]:
    rows = data.process[(data.process["variable"] == plan.guess) & data.process["text"].notna()]
    if rows.empty:
        raise BlindingError(
            f"{data.trial}: no guess is recorded under {plan.guess}. Make it a category whose "
            "labels are the names of the arms, or take guess out."
        )
    week = rows["visit"].map({name: v.week for name, v in data.study.visits.items()})
    order = rows.assign(week=week.astype(float)).sort_values(["participant", "week", "day"])
    last = order.drop_duplicates("participant", keep="last").set_index("participant")["text"]
    arm = data.participants.set_index("participant")["arm"].reindex(last.index)
    for name in data.arms:
        own = last[arm == name]
        n = len(own)
        right = int((own == name).sum())
        wrong = int((own.isin(data.arms) & (own != name)).sum())
        if n < SMALLEST:
            continue
        about = {**where, "arm": name, "n_arm": n, "unit": "proportion"}
        yield from _share((own == name).to_numpy(bool), about, "guessed the arm", plan.level)
        if len(data.arms) == 2:
            value, se, lower, upper = bang_index(right, wrong, n, plan.level)
            yield {**about, "quantity": "difference", "estimate": value, "se": se, "lower": lower,
                   "contrast": "Bang's blinding index: right minus wrong guesses", "upper": upper,
                   "level": plan.level, "interval_method": "normal, multinomial",
                   "method": "Bang's blinding index",
                   "notes": "0: guesses at random; 1: all right; -1: all wrong"}  # fmt: skip
        elif right + wrong >= SMALLEST:
            yield {**about, **exact_share(right, right + wrong, plan.level),
                   "contrast": "right, of those who guessed", "method": "description",
                   "notes": f"{1 / len(data.arms):.2f} by chance"}  # fmt: skip


def _drift(data: TrialData, plan: BlindingAnalysis, where: Row) -> Iterator[Row]:
    assert plan.clinician
    assert plan.order
    raters = data.process[(data.process["variable"] == plan.rater) & data.process["text"].notna()]
    if raters.empty:
        raise BlindingError(
            f"{data.trial}: no rater is recorded under {plan.rater}. Make it a category of a file "
            "with visits, or take rater out."
        )
    frame = model_frame(data, plan.clinician, data.study.primary_estimand, AS_RANDOMISED).rows
    frame = frame[frame["score"].notna()].assign(visit_name=lambda f: f["visit"].astype(str))
    keys = ["participant", "visit"]
    who = raters[[*keys, "text"]].rename(columns={"text": "rater"}).drop_duplicates(keys)
    when = by_time(data, plan.order, "visit").rename(columns={"time": "visit", "value": "order"})
    both = who.merge(when[[*keys, "order"]], on=keys).rename(columns={"visit": "visit_name"})
    frame = frame.merge(both, on=["participant", "visit_name"])
    number = frame["rater"].map(frame["rater"].value_counts())
    frame["rater"] = frame["rater"].where(number >= FEW_RATINGS, OTHER)
    if frame["rater"].drop_duplicates().size < 2:
        raise BlindingError(
            f"{data.trial}: drift needs at least two raters with {FEW_RATINGS} assessments of "
            f"{plan.clinician} each. Take rater and order out of blinding."
        )
    frame["order"] = frame["order"] - float(frame["order"].mean())
    about = {**where, "n_arm": int(frame["participant"].nunique()),
             "unit": data.study.outcomes[plan.clinician].unit}  # fmt: skip
    primary = data.study.analyses.primary
    chosen = (tuple(primary.adjust_for), data.study.reference_arm, primary.degrees_of_freedom,
              primary.covariance, plan.level)  # fmt: skip
    common = drift_model(frame, *chosen)
    line = common.coefficients.set_index("term").to_dict("index")["order"]
    yield {**about, **_method(common), "quantity": "slope",
           "contrast": "scores per unit of the order, raters and visits held",
           **t_inference(line, plan.level)}  # fmt: skip
    own = drift_model(frame, *chosen, by_rater=True)
    tests = own.anova().set_index("term").to_dict("index")
    for term, words in (("rater", "raters differ"), ("rater:order", "raters drift differently")):
        if term in tests:
            test = tests[term]
            yield {**about, **_method(own), "quantity": "test", "contrast": words, "unit": "F",
                   "statistic": test["statistic"], "df_numerator": test["df_numerator"],
                   "df": test["df_denominator"], "p": test["p"]}  # fmt: skip


def _self_report(data: TrialData, plan: BlindingAnalysis, where: Row) -> Iterator[Row]:
    assert plan.clinician
    assert plan.self_report
    estimand = data.study.primary_estimand
    endpoint = data.study.estimands[estimand].endpoint
    for outcome in (plan.clinician, plan.self_report):
        if outcome not in data.study.outcomes_of(data.trial):
            raise BlindingError(f"{data.trial} has no {outcome}: mend blinding in config.yaml.")
    parts, signs = [], []
    for outcome in (plan.clinician, plan.self_report):
        rows = model_frame(data, outcome, estimand, AS_RANDOMISED).rows
        sds = endpoint_sds(rows, "arm", endpoint)
        n = sum(count for _, count in sds.values())
        spread = float(np.sqrt(sum(sd**2 * (c - 1) for sd, c in sds.values()) / (n - len(sds))))
        parts.append(rows.assign(score=rows["score"] / spread, baseline=rows["baseline"] / spread))
        signs.append(data.study.outcomes[outcome].higher_is)
    flip = 1.0 if signs[0] == signs[1] else -1.0
    keys = ["participant", "visit"]
    self_report = parts[1][[*keys, "score", "baseline"]].rename(
        columns={"score": "other", "baseline": "other_baseline"}
    )
    frame = parts[0].merge(self_report, on=keys)
    frame["visit"] = pd.Categorical(frame["visit"], data.later_visits, ordered=True)
    frame["score"] = frame["score"] - flip * frame["other"]
    frame = frame[frame["score"].notna()]
    primary = data.study.analyses.primary
    terms = ["baseline*visit", "other_baseline*visit", "arm*visit"]
    terms += _varying(frame, tuple(primary.adjust_for))
    reference = data.study.reference_arm
    fit = fit_as_primary(
        primary, "score ~ " + " + ".join(terms), frame, {"arm": reference}, level=plan.level
    )
    names = {o: data.study.outcomes[o].short_label for o in (plan.clinician, plan.self_report)}
    labels = data.arm_labels
    counts = (
        frame[frame["visit"] == endpoint].groupby("arm", observed=True)["participant"].nunique()
    )
    table = fit.contrasts("arm", by="visit", reference=reference, level=plan.level)
    for line in table[table["visit"] == endpoint].to_dict("records"):
        yield {
            **where,
            **_method(fit),
            "quantity": "difference",
            "contrast": f"{labels[line['arm']]} minus {labels[reference]}: effect on "
            f"{names[plan.clinician]} minus effect on {names[plan.self_report]}",
            "arm": line["arm"],
            "reference": reference,
            "visit": endpoint,
            "unit": "SD",
            **t_inference(line, plan.level),
            "interval_method": "t, SDs taken as known",
            "n_arm": int(counts.get(line["arm"], 0)),
            "n_reference": int(counts.get(reference, 0)),
            "notes": "away from 0 the two instruments disagree about the effect: raters who know "
            "the arm are one reason, what the instruments measure another",
        }


def drift_model(
    frame: pd.DataFrame,
    covariates: tuple[str, ...],
    reference: str,
    degrees_of_freedom: str,
    covariance: str,
    level: float,
    *,
    by_rater: bool = False,
) -> MixedModelFit:
    """Fit the clinician's score with rater and order.

    Parameters
    ----------
    frame
        One row per assessment: participant, arm, visit (ordered categorical), baseline, score,
        rater, order and covariates.
    covariates
        Columns beside them.
    reference, degrees_of_freedom, covariance, level
        As in the primary analysis.
    by_rater
        Whether each rater drifts in a way of their own.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    from ipt_outcomes.mixed import mixed_model

    terms = ["baseline*visit", "arm*visit", *_varying(frame, covariates)]
    terms += ["rater*order"] if by_rater else ["rater", "order"]
    return mixed_model(
        "score ~ " + " + ".join(terms),
        frame,
        participant="participant",
        visit="visit",
        covariance=covariance,
        df=degrees_of_freedom,
        reference={"arm": reference},
        level=level,
    )


def _varying(frame: pd.DataFrame, covariates: tuple[str, ...]) -> list[str]:
    return [name for name in covariates if frame[name].drop_duplicates().size > 1]


def _method(fit: MixedModelFit) -> Row:
    return {
        "method": "mixed model for repeated measures, REML",
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
    }
