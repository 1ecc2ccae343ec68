"""Made-up rows about missing scores: their description, and the robustness of the difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipt_outcomes.study import Study

Row = dict[str, Any]


def missing_rows(study: Study, trial: str) -> Iterator[Row]:
    """Describe missing scores of the primary outcome."""
    shared = {"trial": trial, "analysis": "missing data", "analysis_set": "as randomised",
              "status": "exploratory", "disclosure": "shared",
              "outcome": study.primary_outcome}  # fmt: skip
    visits = [v for v in study.visits_of(trial) if v != study.baseline]
    for k, arm in enumerate(study.arms_of(trial)):
        about = {**shared, "quantity": "count", "arm": arm, "n_arm": 80, "method": "count"}
        for a, visit in enumerate(visits):
            for what, n in (("scores missing", 3 * a + k + 1), ("not seen from here on", 2 * a),
                            ("missed, seen again later", a + k + 1)):  # fmt: skip
                yield {**about, "contrast": what, "visit": visit, "estimate": n}
        yield {**about, "contrast": "participants: complete", "estimate": 60 - k}
    yield {**about, "contrast": "missing at the endpoint: left the study (Moved away)",
           "estimate": 4, "visit": visits[-1]}  # fmt: skip
    for a in range(min(len(visits), 4)):
        pattern = "o" * (len(visits) - a) + "x" * a
        yield {**shared, "quantity": "count", "contrast": "participants with this pattern of visits",
               "subgroup": f"pattern {pattern}", "estimate": None if a == 3 else 160 // (a + 1),
               "n_arm": 240, "method": "count",
               "notes": "suppressed: fewer than 5" if a == 3 else None}  # fmt: skip
    for what, estimate in (("baseline score, per 4.6 points (one SD) more", 1.27),
                           ("Age, per 12.0 (one SD) more", None)):  # fmt: skip
        yield {**shared, "quantity": "ratio", "unit": "odds ratio", "estimate": estimate,
               "contrast": f"odds of leaving before the next visit: {what}", "n_arm": 240,
               "lower": None if estimate is None else 1.01,
               "upper": None if estimate is None else 1.6,
               "level": None if estimate is None else 0.95, "method": "logistic regression",
               "notes": "50 left; an association, not a cause, and not tested"}  # fmt: skip


def robustness_rows(study: Study, trial: str) -> Iterator[Row]:
    """Repeat the difference at the endpoint under assumptions, shifts, and for remission."""
    *others, reference = study.arms_of(trial)
    estimand = study.primary_estimand
    endpoint = study.estimands[estimand].endpoint
    shared = {"trial": trial, "analysis_set": "as randomised", "status": "exploratory",
              "disclosure": "shared", "outcome": study.primary_outcome, "estimand": estimand,
              "visit": endpoint, "quantity": "difference", "method": "imputation"}  # fmt: skip
    labels = ["missing at random", "jump to reference", "unseen scores 3 points worse"]
    yield {**shared, "analysis": "robustness, last mean carried forward", "contrast": "all arms",
           "notes": "not possible: there is no last mean"}  # fmt: skip
    for k, arm in enumerate(others):
        pair = {**shared, "arm": arm, "reference": reference, "n_arm": 80, "n_reference": 80}

        def found(analysis: str, estimate: float, half: float, pair: Row = pair) -> Row:
            return {**pair, "analysis": f"robustness, {analysis}", "estimate": estimate, "p": 0.012,
                    "lower": estimate - half, "upper": estimate + half, "level": 0.95,
                    "interval_method": "normal, jackknife; variance: resampling"}  # fmt: skip

        for n, label in enumerate(labels):
            yield found(label, -3.5 + 0.3 * n - k, 2.2)
            yield found(f"{label}, Rubin", -3.5 + 0.3 * n - k, 2.6)
            yield found(f"remission, {label}", 0.25 - 0.02 * n, 0.14) | {"unit": "proportion"}
        yield found("remission, worst case", 0.05, 0.14) | {"n_arm": None, "n_reference": None}
        grid = [-8, -4, 0, 4, 8]
        for d in grid:
            for r in grid:
                yield found(f"delta {d:+g} and {r:+g}", -3.5 - k + 0.4 * d - 0.2 * r, 2.2) | {
                    "n_arm": None, "n_reference": None}  # fmt: skip
        for t, r in enumerate(grid, start=1):
            yield {**pair, "analysis": f"robustness, tipping point {t}", "n_arm": None,
                   "n_reference": None, "estimate": (1.3 + k + 0.2 * r) / 0.4,
                   "contrast": f"shift of X at which the conclusion changes, with Y shifted by "
                               f"{r:+g}"}  # fmt: skip
        yield {**pair, "analysis": "robustness, verdict", "quantity": "count", "estimate": 3,
               "n_arm": None, "n_reference": None,
               "contrast": "assumptions, of 3, that lead to the same conclusion",
               "notes": "The conclusion is the same under all 3 assumptions examined."}  # fmt: skip
