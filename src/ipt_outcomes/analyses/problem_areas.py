"""The four interpersonal problem areas compared, and what their comparison can bear.

Areas are assigned by the therapist, usually after the first sessions, never by randomisation: the
contrasts describe and do not tell what an area causes. Every row is exploratory and says so.

* six adjusted pairwise contrasts of the primary focus at the endpoint, Holm-adjusted, and the
  adjusted means by visit (the areas' trajectories, with slopes up to the endpoint);
* flags: several areas per participant; and the number of areas;
* partially pooled area effects (:mod:`ipt_outcomes.analyses.area_pooling`);
* what wrong assignment does (:mod:`ipt_outcomes.analyses.area_errors`);
* whether the effect of treatment differs between areas: only where they were rated before
  randomisation in all arms; otherwise it is refused.

Means of areas with fewer than five participants are withheld (they would speak of persons).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.area_errors import adjusted_difference, draw_kappas, error_matrix
from ipt_outcomes.analyses.area_flags import flag_rows, slope_rows
from ipt_outcomes.analyses.area_pooling import pool_areas
from ipt_outcomes.analyses.attempts import attempted
from ipt_outcomes.analyses.data import (
    AS_RANDOMISED,
    ModelFrame,
    TrialData,
    exploratory,
    model_frame,
)
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.interactions import Interaction, Moderator
from ipt_outcomes.analyses.multiplicity import holm
from ipt_outcomes.analyses.repeated import RepeatedMeasures, fit_repeated_measures
from ipt_outcomes.imputation import stream
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.effects import Misclassification
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS

NOTE = "areas are not randomised: an adjusted comparison, not an effect"


class ProblemAreaError(ValueError):
    """The areas cannot be compared; says why and what to change."""


def problem_areas(data: TrialData) -> pd.DataFrame:
    """Compare the problem areas on the primary outcome at the primary endpoint.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table: adjusted means by area and visit, six pairwise differences at
        the endpoint with unadjusted intervals and both p-values; then slopes, flags, number of
        areas, pooled means, differences under misclassification, and moderation, as configured.

    Raises
    ------
    ProblemAreaError
        When fewer than two areas have five participants, or when moderation is asked for and the
        areas were not rated in every arm.
    """
    plan = data.study.analyses.problem_areas
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    outcome, estimand = data.study.primary_outcome, data.study.primary_estimand
    frame = model_frame(data, outcome, estimand, AS_RANDOMISED)
    rows = frame.rows[frame.rows["arm"].isin(plan.arms) & frame.rows["problem_area"].notna()]
    rated = rows[rows["score"].notna()].drop_duplicates("participant")["problem_area"]
    sizes = {area: int((rated == area).sum()) for area in PROBLEM_AREA_LABELS}
    large = [area for area, n in sizes.items() if n >= SMALLEST]
    if len(large) < 2:
        found = ", ".join(f"{PROBLEM_AREA_LABELS[a].lower()} {n}" for a, n in sizes.items())
        raise ProblemAreaError(
            f"{data.trial}: problem areas cannot be compared, fewer than two have {SMALLEST} "
            f"participants with scores ({found}). Take problem_areas out of analyses in "
            "config.yaml, or check the coding of columns.problem_areas.focus."
        )
    where = exploratory(
        data,
        "problem areas",
        outcome=outcome,
        estimand=estimand,
        unit=data.study.outcomes[outcome].unit,
        notes=NOTE,
    )
    endpoint = data.study.estimands[estimand].endpoint
    chosen = ModelFrame(
        rows[rows["problem_area"].isin(large)].copy(), frame.excluded, frame.handled
    )
    found_rows = list(attempted(_of_focus(data, chosen, large, where, endpoint), where))
    found_rows += _withheld(sizes, where)
    found_rows += slope_rows(data, chosen.rows, where, endpoint)
    flags: list[Row] = []
    if plan.flags:
        flags = list(flag_rows(data, frame, plan.arms, where))
        found_rows += flags
    if plan.misclassification is not None:
        shares = np.array([sizes[area] for area in large], float)
        share_of = dict(zip(large, shares / shares.sum(), strict=True))
        rated_rows = [row for row in found_rows if _is_a_shown_difference(row, where["analysis"])]
        found_rows += _misclassified(
            data, plan.misclassification, rated_rows, flags, share_of, where
        )
    if plan.moderation:
        found_rows += _moderation(data)
    return estimates(found_rows)


def _of_focus(
    data: TrialData, frame: ModelFrame, areas: list[str], where: Row, endpoint: str
) -> Iterator[Row]:
    """Give the adjusted means of the areas, their differences, and the pooled means."""
    model = fit_repeated_measures(
        data,
        frame,
        group="problem_area",
        reference=areas[0],
        names=PROBLEM_AREA_LABELS,
        where=where,
        also=("arm",) if frame.rows["arm"].drop_duplicates().size > 1 else (),
    )
    pairs: list[Row] = []
    for reference, area in combinations(areas, 2):
        of = model.differences(reference, [area])
        pairs += [row for row in of if row["visit"] == endpoint]
    for row, adjusted in zip(pairs, holm([row["p"] for row in pairs]), strict=True):
        row["p_adjusted"] = adjusted
    yield from _without_small_cells(model.means())
    yield from _without_small_cells(iter(pairs))
    yield from _pooled(model, pairs, endpoint)


def _is_a_shown_difference(row: Row, analysis: str) -> bool:
    return (
        row["analysis"] == analysis
        and row["quantity"] == "difference"
        and row.get("estimate") is not None
    )


def _without_small_cells(rows: Iterator[Row]) -> Iterator[Row]:
    """Empty the estimates behind which fewer than five participants stand at that visit."""
    for row in rows:
        small = [n for n in (row["n_arm"], row.get("n_reference", SMALLEST)) if n < SMALLEST]
        if small:
            kept = ("quantity", "arm", "reference", "visit", "contrast")
            yield {
                **{name: row[name] for name in row if name in kept},
                **{name: row[name] for name in ("trial", "outcome", "analysis", "analysis_set")},
                **{name: row[name] for name in ("estimand", "status", "method", "disclosure")},
                "notes": f"{NOTE}; {SUPPRESSED}",
            }
        else:
            yield row


def _withheld(sizes: dict[str, int], where: Row) -> Iterator[Row]:
    for area, n in sizes.items():
        if n < SMALLEST:
            yield {
                **where,
                "unit": "participants",
                "method": "count",
                "quantity": "count",
                "arm": area,
                "estimate": 0 if n == 0 else None,
                "notes": f"{NOTE}; not compared, " + ("nobody" if n == 0 else "fewer than 5"),
            }


def _pooled(model: RepeatedMeasures, pairs: list[Row], endpoint: str) -> Iterator[Row]:
    """Pool the areas' means at the endpoint, and give the differences of the pooled ones."""
    from ipt_outcomes.mixed.grid import mean_rows

    fit = model.fit
    cells, rows = mean_rows(fit.design, ["visit", "problem_area"], None, "equal")
    at = {str(area): rows[k] for k, (visit, area) in enumerate(cells) if str(visit) == endpoint}
    shown = [a for a in at if model.counts.get((a, endpoint), 0) >= SMALLEST]
    if len(shown) < 2:
        return
    kept = np.stack([at[area] for area in shown])[:, fit.aliasing.kept]
    visits = [str(visit) for visit in fit.layout.visits]
    place = visits.index(endpoint)
    scale = 0.5 * float(np.sqrt(fit.point.sigma[0][place, place]))
    pooled = pool_areas(kept @ fit.fixed.beta, kept @ fit.fixed.vcov @ kept.T, scale)
    where = {
        **model.where,
        "analysis": "problem areas, partially pooled",
        "visit": endpoint,
        "level": model.level,
        "interval_method": "posterior, averaged over the variance between areas",
        "method": "random area effects on the adjusted means, shrunken towards their mean; "
        f"half-normal prior of scale {scale:.1f} for the SD between areas",
        "notes": f"{NOTE}; few areas: their variance is poorly known",
    }
    lower, upper = pooled.between(model.level)
    yield {**where, "quantity": "standard deviation", "contrast": "between areas",
           "estimate": float(pooled.weights @ pooled.tau), "lower": lower, "upper": upper,
           "notes": f"{where['notes']}; by REML alone {pooled.restricted:.2f}"}  # fmt: skip

    def about(row: np.ndarray) -> Row:
        names = ("estimate", "se", "lower", "upper")
        return dict(zip(names, pooled.linear(row, model.level), strict=True))

    for j, area in enumerate(shown):
        yield {**where, "quantity": "mean", "arm": area, **about(np.eye(len(shown))[j]),
               "n_arm": model.counts[area, endpoint]}  # fmt: skip
    for pair in pairs:
        if pair["arm"] not in shown or pair["reference"] not in shown:
            continue
        row = np.array([(a == pair["arm"]) - (a == pair["reference"]) for a in shown], float)
        same = ("quantity", "contrast", "arm", "reference", "n_arm", "n_reference")
        yield {**where, **{name: pair[name] for name in same}, **about(row)}


def _misclassified(
    data: TrialData,
    plan: Misclassification,
    pairs: list[Row],
    flags: list[Row],
    shares: dict[str, float],
    where: Row,
) -> Iterator[Row]:
    """Print the assumed error matrix and the differences that it implies."""
    random = stream(data.study.study.seed, data.trial, "problem areas", "misclassification")
    level = data.study.analyses.primary.level
    share = np.array(list(shares.values()))
    assumed = (
        f"{NOTE}; illustrative: errors do not depend on the outcome, two raters err alike and "
        f"independently, kappas from {plan.rated} recordings"
    )
    about = {"analysis": "problem areas, misclassification", "method": "probabilistic bias "
             "analysis: a rater sees the true area with probability √kappa, else guesses by the "
             "areas' shares"}  # fmt: skip
    shared = ("trial", "outcome", "analysis_set", "estimand", "status", "disclosure")
    matrix = error_matrix(share, plan.kappa)
    for k, true in enumerate(shares):
        for j, seen in enumerate(shares):
            yield {
                **{name: where[name] for name in shared}, **about,
                "quantity": "probability",
                "contrast": f"assumed: rated {PROBLEM_AREA_LABELS[seen].lower()} when truly "
                            f"{PROBLEM_AREA_LABELS[true].lower()}",
                "arm": seen, "subgroup": f"truly {true}", "unit": "proportion",
                "estimate": matrix[k, j], "notes": f"{assumed}; kappa {plan.kappa:g}",
            }  # fmt: skip
    kappas = draw_kappas(plan.kappa, share, plan.rated, plan.draws, random)
    work = [(row, plan.kappa, kappas) for row in pairs]
    for row in flags:
        if row["quantity"] != "difference" or row.get("estimate") is None:
            continue
        kappa = dict(plan.flag_kappas).get(row["arm"])
        if kappa is None:
            continue
        n = np.array([row["n_arm"], row["n_reference"]], float)
        drawn = draw_kappas(kappa, n / n.sum(), plan.rated, plan.draws, random)
        work.append((row, kappa, drawn))
    for row, kappa, drawn in work:
        estimate, lower, upper = adjusted_difference(
            row["estimate"], row["se"], row["df"], drawn, kappa, level, random
        )
        same = ("arm", "reference", "visit", "contrast", "n_arm", "n_reference", "unit")
        yield {
            **{name: row[name] for name in shared}, **{name: row.get(name) for name in same},
            **about,
            "analysis": about["analysis"] + (", flags" if "flags" in row["analysis"] else ""),
            "quantity": "difference", "estimate": estimate, "lower": lower, "upper": upper,
            "level": level, "interval_method": "simulation: error of the difference and of kappa",
            "notes": f"{assumed}; kappa {kappa:g}; as rated {row['estimate']:.2f}",
        }  # fmt: skip


def _moderation(data: TrialData) -> Iterator[Row]:
    """Compare the effect of treatment between areas, where that is a baseline comparison."""
    plan = data.study.analyses.problem_areas
    assert plan is not None
    people = data.participants
    rated = set(people.loc[people["problem_area"].notna(), "arm"]) & set(plan.arms)
    unrated = [arm for arm in data.arms if arm not in rated]
    if plan.rated != "before-randomisation" or unrated:
        raise ProblemAreaError(
            f"{data.trial}: moderation by problem area is refused. It needs areas rated before "
            "randomisation in all arms; "
            + (f"nobody has one in {', '.join(unrated)}" if unrated else "they were rated after")
            + ". Set analyses: problem_areas: moderation: false in config.yaml."
        )
    moderator = Moderator("problem_area", "problem area", "",
                          people.set_index("participant")["problem_area"], False,
                          PROBLEM_AREA_LABELS)  # fmt: skip
    about = "rated before randomisation in all arms"
    yield from Interaction(data, moderator, "problem areas, moderation", about).rows()
