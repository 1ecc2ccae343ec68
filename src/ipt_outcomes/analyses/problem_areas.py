"""The four interpersonal problem areas compared: six adjusted contrasts, Holm-adjusted.

Areas are assigned by the therapist, usually after the first sessions, never by randomisation: the
contrasts describe and do not tell what an area causes. Every row is exploratory and says so.
Means of areas with fewer than five participants are withheld (they would speak of persons).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, ModelFrame, TrialData, model_frame
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.multiplicity import holm
from ipt_outcomes.analyses.repeated import fit_repeated_measures
from ipt_outcomes.results import estimates
from ipt_outcomes.study.trials import PROBLEM_AREA_LABELS

Row = dict[str, Any]

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
        the endpoint with unadjusted intervals and both p-values.

    Raises
    ------
    ProblemAreaError
        When fewer than two areas have five participants.
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
    where: Row = {
        "outcome": outcome,
        "analysis": "problem areas",
        "analysis_set": AS_RANDOMISED,
        "estimand": estimand,
        "status": "exploratory",
        "notes": NOTE,
    }
    several_arms = len(set(rows["arm"])) > 1
    model = fit_repeated_measures(
        data,
        ModelFrame(rows[rows["problem_area"].isin(large)], frame.excluded, frame.handled),
        group="problem_area",
        reference=large[0],
        names=PROBLEM_AREA_LABELS,
        where=where,
        also=("arm",) if several_arms else (),
    )
    endpoint = data.study.estimands[estimand].endpoint
    pairs: list[Row] = []
    for reference, area in combinations(large, 2):
        of = model.differences(reference, [area])
        pairs += [row for row in of if row["visit"] == endpoint]
    for row, adjusted in zip(pairs, holm([row["p"] for row in pairs]), strict=True):
        row["p_adjusted"] = adjusted
    return estimates([*_without_small_cells(model.means()), *_without_small_cells(iter(pairs)),
                      *_withheld(sizes, model.where)])  # fmt: skip


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
                "quantity": "count",
                "arm": area,
                "estimate": 0 if n == 0 else None,
                "notes": f"{NOTE}; not compared, " + ("nobody" if n == 0 else "fewer than 5"),
            }
